BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Alter field count on invoice
--
ALTER TABLE "billing_invoice" ALTER COLUMN "count" TYPE bigint USING "count"::bigint;
ALTER TABLE "billing_invoice" ALTER COLUMN "number" TYPE text;
ALTER TABLE "billing_invoice" ADD COLUMN "uid" uuid DEFAULT gen_random_uuid() NOT NULL;
ALTER TABLE "billing_invoice" ALTER COLUMN "note" SET DEFAULT '';
ALTER TABLE "billing_invoice" ADD CONSTRAINT "billing_invoice_note_check" CHECK ("note" IS NOT NULL) NOT VALID;
COMMIT;
