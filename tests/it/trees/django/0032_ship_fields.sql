BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Add field active to parcel
--
ALTER TABLE "ship_parcel" ADD COLUMN "active" boolean DEFAULT true NOT NULL;
ALTER TABLE "ship_parcel" ALTER COLUMN "active" DROP DEFAULT;
ALTER TABLE "ship_parcel" ADD COLUMN "rank" integer DEFAULT -1 NOT NULL;
ALTER TABLE "ship_parcel" ADD COLUMN "seen" timestamp with time zone DEFAULT (now() + interval '30 days');
ALTER TABLE "ship_parcel" ADD COLUMN "tags" jsonb DEFAULT '[]'::jsonb NOT NULL;
ALTER TABLE "ship_parcel" ADD COLUMN "owner_id" bigint NULL;
ALTER TABLE "ship_parcel" ALTER COLUMN "track" TYPE varchar(200);
ALTER TABLE "ship_parcel" ALTER COLUMN "amount" TYPE numeric(12, 2);
COMMIT;
