BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Add field active to invoice
--
ALTER TABLE "billing_invoice" ADD COLUMN "active" boolean DEFAULT true NOT NULL;
ALTER TABLE "billing_invoice" ALTER COLUMN "active" DROP DEFAULT;
ALTER TABLE "billing_invoice" ADD COLUMN "rank" integer DEFAULT -1 NOT NULL;
ALTER TABLE "billing_invoice" ADD COLUMN "seen" timestamp with time zone DEFAULT (now() + interval '30 days');
ALTER TABLE "billing_invoice" ADD COLUMN "tags" jsonb DEFAULT '[]'::jsonb NOT NULL;
ALTER TABLE "billing_invoice" ADD COLUMN "owner_id" bigint NULL;
ALTER TABLE "billing_invoice" ALTER COLUMN "number" TYPE varchar(200);
ALTER TABLE "billing_invoice" ALTER COLUMN "amount" TYPE numeric(12, 2);
COMMIT;
