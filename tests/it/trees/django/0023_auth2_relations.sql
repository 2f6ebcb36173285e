BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Alter field owner on member
--
ALTER TABLE "auth2_member" ADD CONSTRAINT "auth2_member_owner_fk" FOREIGN KEY ("owner_id") REFERENCES "auth2_owner" ("id") DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX "auth2_member_owner_id_9a" ON "auth2_member" ("owner_id");
ALTER TABLE "auth2_member" ADD CONSTRAINT "auth2_member_login_uniq" UNIQUE ("login");
ALTER TABLE "auth2_member" ADD CONSTRAINT "auth2_member_rank_check" CHECK ("rank" > -2);
COMMIT;
