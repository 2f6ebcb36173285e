BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Alter field count on post
--
ALTER TABLE "blog_post" ALTER COLUMN "count" TYPE bigint USING "count"::bigint;
ALTER TABLE "blog_post" ALTER COLUMN "slug" TYPE text;
ALTER TABLE "blog_post" ADD COLUMN "uid" uuid DEFAULT gen_random_uuid() NOT NULL;
ALTER TABLE "blog_post" ALTER COLUMN "note" SET DEFAULT '';
ALTER TABLE "blog_post" ADD CONSTRAINT "blog_post_note_check" CHECK ("note" IS NOT NULL) NOT VALID;
COMMIT;
