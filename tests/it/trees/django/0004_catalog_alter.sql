BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Alter field count on product
--
ALTER TABLE "catalog_product" ALTER COLUMN "count" TYPE bigint USING "count"::bigint;
ALTER TABLE "catalog_product" ALTER COLUMN "sku" TYPE text;
ALTER TABLE "catalog_product" ADD COLUMN "uid" uuid DEFAULT gen_random_uuid() NOT NULL;
ALTER TABLE "catalog_product" ALTER COLUMN "note" SET DEFAULT '';
ALTER TABLE "catalog_product" ADD CONSTRAINT "catalog_product_note_check" CHECK ("note" IS NOT NULL) NOT VALID;
COMMIT;
