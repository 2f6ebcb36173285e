BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Add field active to event
--
ALTER TABLE "audit_event" ADD COLUMN "active" boolean DEFAULT true NOT NULL;
ALTER TABLE "audit_event" ALTER COLUMN "active" DROP DEFAULT;
ALTER TABLE "audit_event" ADD COLUMN "rank" integer DEFAULT -1 NOT NULL;
ALTER TABLE "audit_event" ADD COLUMN "seen" timestamp with time zone DEFAULT (now() + interval '30 days');
ALTER TABLE "audit_event" ADD COLUMN "tags" jsonb DEFAULT '[]'::jsonb NOT NULL;
ALTER TABLE "audit_event" ADD COLUMN "owner_id" bigint NULL;
ALTER TABLE "audit_event" ALTER COLUMN "kind" TYPE varchar(200);
ALTER TABLE "audit_event" ALTER COLUMN "amount" TYPE numeric(12, 2);
COMMIT;
