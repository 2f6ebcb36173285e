BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Add field active to contact
--
ALTER TABLE "crm_contact" ADD COLUMN "active" boolean DEFAULT true NOT NULL;
ALTER TABLE "crm_contact" ALTER COLUMN "active" DROP DEFAULT;
ALTER TABLE "crm_contact" ADD COLUMN "rank" integer DEFAULT -1 NOT NULL;
ALTER TABLE "crm_contact" ADD COLUMN "seen" timestamp with time zone DEFAULT (now() + interval '30 days');
ALTER TABLE "crm_contact" ADD COLUMN "tags" jsonb DEFAULT '[]'::jsonb NOT NULL;
ALTER TABLE "crm_contact" ADD COLUMN "owner_id" bigint NULL;
ALTER TABLE "crm_contact" ALTER COLUMN "email" TYPE varchar(200);
ALTER TABLE "crm_contact" ALTER COLUMN "amount" TYPE numeric(12, 2);
COMMIT;
