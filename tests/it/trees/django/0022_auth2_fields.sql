BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Add field active to member
--
ALTER TABLE "auth2_member" ADD COLUMN "active" boolean DEFAULT true NOT NULL;
ALTER TABLE "auth2_member" ALTER COLUMN "active" DROP DEFAULT;
ALTER TABLE "auth2_member" ADD COLUMN "rank" integer DEFAULT -1 NOT NULL;
ALTER TABLE "auth2_member" ADD COLUMN "seen" timestamp with time zone DEFAULT (now() + interval '30 days');
ALTER TABLE "auth2_member" ADD COLUMN "tags" jsonb DEFAULT '[]'::jsonb NOT NULL;
ALTER TABLE "auth2_member" ADD COLUMN "owner_id" bigint NULL;
ALTER TABLE "auth2_member" ALTER COLUMN "login" TYPE varchar(200);
ALTER TABLE "auth2_member" ALTER COLUMN "amount" TYPE numeric(12, 2);
COMMIT;
