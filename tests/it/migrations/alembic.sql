BEGIN;

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL, 
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

-- Running upgrade  -> 1f2e3d4c5b6a

CREATE TABLE ml.features (
    id BIGSERIAL NOT NULL, 
    user_id BIGINT NOT NULL, 
    data JSON, 
    PRIMARY KEY (id)
);

INSERT INTO alembic_version (version_num) VALUES ('1f2e3d4c5b6a') RETURNING alembic_version.version_num;

-- Running upgrade 1f2e3d4c5b6a -> 2a3b4c5d6e7f

CREATE INDEX ix_features_user_id ON ml.features (user_id);

ALTER TABLE ml.predictions ALTER COLUMN score TYPE NUMERIC;

UPDATE ml.features SET data='{"derivedFeatures": {"sessionBehaviour": {"clicks": {"perHour": 1}}}}';

COMMIT;
