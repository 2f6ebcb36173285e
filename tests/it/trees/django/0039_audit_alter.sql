BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Alter field count on event
--
ALTER TABLE "audit_event" ALTER COLUMN "count" TYPE bigint USING "count"::bigint;
ALTER TABLE "audit_event" ALTER COLUMN "kind" TYPE text;
ALTER TABLE "audit_event" ADD COLUMN "uid" uuid DEFAULT gen_random_uuid() NOT NULL;
ALTER TABLE "audit_event" ALTER COLUMN "note" SET DEFAULT '';
ALTER TABLE "audit_event" ADD CONSTRAINT "audit_event_note_check" CHECK ("note" IS NOT NULL) NOT VALID;
COMMIT;
