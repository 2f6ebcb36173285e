BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Alter field owner on event
--
ALTER TABLE "audit_event" ADD CONSTRAINT "audit_event_owner_fk" FOREIGN KEY ("owner_id") REFERENCES "audit_owner" ("id") DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX "audit_event_owner_id_9a" ON "audit_event" ("owner_id");
ALTER TABLE "audit_event" ADD CONSTRAINT "audit_event_kind_uniq" UNIQUE ("kind");
ALTER TABLE "audit_event" ADD CONSTRAINT "audit_event_rank_check" CHECK ("rank" > -2);
COMMIT;
