SET lock_timeout = '2s';
SET statement_timeout = '1h';
alter table app.files_log attach partition app.files_log_2025 for values from ('2025-01-01') to ('2026-01-01');
alter table app.files_log attach partition app.files_log_2024 for values from ('2024-01-01') to ('2025-01-01');
