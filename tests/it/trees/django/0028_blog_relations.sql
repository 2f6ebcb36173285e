BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Alter field owner on post
--
ALTER TABLE "blog_post" ADD CONSTRAINT "blog_post_owner_fk" FOREIGN KEY ("owner_id") REFERENCES "blog_owner" ("id") DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX "blog_post_owner_id_9a" ON "blog_post" ("owner_id");
ALTER TABLE "blog_post" ADD CONSTRAINT "blog_post_slug_uniq" UNIQUE ("slug");
ALTER TABLE "blog_post" ADD CONSTRAINT "blog_post_rank_check" CHECK ("rank" > -2);
COMMIT;
