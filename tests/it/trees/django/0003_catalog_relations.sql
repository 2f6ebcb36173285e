BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Alter field owner on product
--
ALTER TABLE "catalog_product" ADD CONSTRAINT "catalog_product_owner_fk" FOREIGN KEY ("owner_id") REFERENCES "catalog_owner" ("id") DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX "catalog_product_owner_id_9a" ON "catalog_product" ("owner_id");
ALTER TABLE "catalog_product" ADD CONSTRAINT "catalog_product_sku_uniq" UNIQUE ("sku");
ALTER TABLE "catalog_product" ADD CONSTRAINT "catalog_product_rank_check" CHECK ("rank" > -2);
COMMIT;
