BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Alter field count on parcel
--
ALTER TABLE "ship_parcel" ALTER COLUMN "count" TYPE bigint USING "count"::bigint;
ALTER TABLE "ship_parcel" ALTER COLUMN "track" TYPE text;
ALTER TABLE "ship_parcel" ADD COLUMN "uid" uuid DEFAULT gen_random_uuid() NOT NULL;
ALTER TABLE "ship_parcel" ALTER COLUMN "note" SET DEFAULT '';
ALTER TABLE "ship_parcel" ADD CONSTRAINT "ship_parcel_note_check" CHECK ("note" IS NOT NULL) NOT VALID;
COMMIT;
