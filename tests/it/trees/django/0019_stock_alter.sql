BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Alter field count on item
--
ALTER TABLE "stock_item" ALTER COLUMN "count" TYPE bigint USING "count"::bigint;
ALTER TABLE "stock_item" ALTER COLUMN "code" TYPE text;
ALTER TABLE "stock_item" ADD COLUMN "uid" uuid DEFAULT gen_random_uuid() NOT NULL;
ALTER TABLE "stock_item" ALTER COLUMN "note" SET DEFAULT '';
ALTER TABLE "stock_item" ADD CONSTRAINT "stock_item_note_check" CHECK ("note" IS NOT NULL) NOT VALID;
COMMIT;
