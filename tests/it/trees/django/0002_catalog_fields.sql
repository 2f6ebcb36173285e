BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Add field active to product
--
ALTER TABLE "catalog_product" ADD COLUMN "active" boolean DEFAULT true NOT NULL;
ALTER TABLE "catalog_product" ALTER COLUMN "active" DROP DEFAULT;
ALTER TABLE "catalog_product" ADD COLUMN "rank" integer DEFAULT -1 NOT NULL;
ALTER TABLE "catalog_product" ADD COLUMN "seen" timestamp with time zone DEFAULT (now() + interval '30 days');
ALTER TABLE "catalog_product" ADD COLUMN "tags" jsonb DEFAULT '[]'::jsonb NOT NULL;
ALTER TABLE "catalog_product" ADD COLUMN "owner_id" bigint NULL;
ALTER TABLE "catalog_product" ALTER COLUMN "sku" TYPE varchar(200);
ALTER TABLE "catalog_product" ALTER COLUMN "amount" TYPE numeric(12, 2);
COMMIT;
