BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Alter field owner on item
--
ALTER TABLE "stock_item" ADD CONSTRAINT "stock_item_owner_fk" FOREIGN KEY ("owner_id") REFERENCES "stock_owner" ("id") DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX "stock_item_owner_id_9a" ON "stock_item" ("owner_id");
ALTER TABLE "stock_item" ADD CONSTRAINT "stock_item_code_uniq" UNIQUE ("code");
ALTER TABLE "stock_item" ADD CONSTRAINT "stock_item_rank_check" CHECK ("rank" > -2);
COMMIT;
