BEGIN;
SET lock_timeout = '2s';
SET statement_timeout = '1h';
--
-- Alter field owner on parcel
--
ALTER TABLE "ship_parcel" ADD CONSTRAINT "ship_parcel_owner_fk" FOREIGN KEY ("owner_id") REFERENCES "ship_owner" ("id") DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX "ship_parcel_owner_id_9a" ON "ship_parcel" ("owner_id");
ALTER TABLE "ship_parcel" ADD CONSTRAINT "ship_parcel_track_uniq" UNIQUE ("track");
ALTER TABLE "ship_parcel" ADD CONSTRAINT "ship_parcel_rank_check" CHECK ("rank" > -2);
COMMIT;
