BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Alter field count on contact
--
ALTER TABLE "crm_contact" ALTER COLUMN "count" TYPE bigint USING "count"::bigint;
ALTER TABLE "crm_contact" ALTER COLUMN "email" TYPE text;
ALTER TABLE "crm_contact" ADD COLUMN "uid" uuid DEFAULT gen_random_uuid() NOT NULL;
ALTER TABLE "crm_contact" ALTER COLUMN "note" SET DEFAULT '';
ALTER TABLE "crm_contact" ADD CONSTRAINT "crm_contact_note_check" CHECK ("note" IS NOT NULL) NOT VALID;
COMMIT;
