BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Alter field owner on invoice
--
ALTER TABLE "billing_invoice" ADD CONSTRAINT "billing_invoice_owner_fk" FOREIGN KEY ("owner_id") REFERENCES "billing_owner" ("id") DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX "billing_invoice_owner_id_9a" ON "billing_invoice" ("owner_id");
ALTER TABLE "billing_invoice" ADD CONSTRAINT "billing_invoice_number_uniq" UNIQUE ("number");
ALTER TABLE "billing_invoice" ADD CONSTRAINT "billing_invoice_rank_check" CHECK ("rank" > -2);
COMMIT;
