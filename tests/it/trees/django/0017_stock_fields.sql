BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Add field active to item
--
ALTER TABLE "stock_item" ADD COLUMN "active" boolean DEFAULT true NOT NULL;
ALTER TABLE "stock_item" ALTER COLUMN "active" DROP DEFAULT;
ALTER TABLE "stock_item" ADD COLUMN "rank" integer DEFAULT -1 NOT NULL;
ALTER TABLE "stock_item" ADD COLUMN "seen" timestamp with time zone DEFAULT (now() + interval '30 days');
ALTER TABLE "stock_item" ADD COLUMN "tags" jsonb DEFAULT '[]'::jsonb NOT NULL;
ALTER TABLE "stock_item" ADD COLUMN "owner_id" bigint NULL;
ALTER TABLE "stock_item" ALTER COLUMN "code" TYPE varchar(200);
ALTER TABLE "stock_item" ALTER COLUMN "amount" TYPE numeric(12, 2);
COMMIT;
