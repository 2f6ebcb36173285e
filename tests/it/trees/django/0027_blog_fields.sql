BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Add field active to post
--
ALTER TABLE "blog_post" ADD COLUMN "active" boolean DEFAULT true NOT NULL;
ALTER TABLE "blog_post" ALTER COLUMN "active" DROP DEFAULT;
ALTER TABLE "blog_post" ADD COLUMN "rank" integer DEFAULT -1 NOT NULL;
ALTER TABLE "blog_post" ADD COLUMN "seen" timestamp with time zone DEFAULT (now() + interval '30 days');
ALTER TABLE "blog_post" ADD COLUMN "tags" jsonb DEFAULT '[]'::jsonb NOT NULL;
ALTER TABLE "blog_post" ADD COLUMN "owner_id" bigint NULL;
ALTER TABLE "blog_post" ALTER COLUMN "slug" TYPE varchar(200);
ALTER TABLE "blog_post" ALTER COLUMN "amount" TYPE numeric(12, 2);
COMMIT;
