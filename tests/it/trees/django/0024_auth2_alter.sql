BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Alter field count on member
--
ALTER TABLE "auth2_member" ALTER COLUMN "count" TYPE bigint USING "count"::bigint;
ALTER TABLE "auth2_member" ALTER COLUMN "login" TYPE text;
ALTER TABLE "auth2_member" ADD COLUMN "uid" uuid DEFAULT gen_random_uuid() NOT NULL;
ALTER TABLE "auth2_member" ALTER COLUMN "note" SET DEFAULT '';
ALTER TABLE "auth2_member" ADD CONSTRAINT "auth2_member_note_check" CHECK ("note" IS NOT NULL) NOT VALID;
COMMIT;
