BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Alter field owner on contact
--
ALTER TABLE "crm_contact" ADD CONSTRAINT "crm_contact_owner_fk" FOREIGN KEY ("owner_id") REFERENCES "crm_owner" ("id") DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX "crm_contact_owner_id_9a" ON "crm_contact" ("owner_id");
ALTER TABLE "crm_contact" ADD CONSTRAINT "crm_contact_email_uniq" UNIQUE ("email");
ALTER TABLE "crm_contact" ADD CONSTRAINT "crm_contact_rank_check" CHECK ("rank" > -2);
COMMIT;
