//! Trees of migrations as Prisma and goose write them, made for a list of tables: quoted names, sections that undo, several
//! statements to a file.

use database_optimizer::review::SqlFile;

const MODELS: [&str; 10] = [
    "User", "Post", "Comment", "Invoice", "LineItem", "Session", "AuditLog", "Team", "Product",
    "Payment",
];
const TABLES: [&str; 10] = [
    "users",
    "accounts",
    "orders",
    "shipments",
    "devices",
    "readings",
    "tickets",
    "events",
    "grants",
    "plans",
];

/// The first migration of a model, those that change it later, and what each holds, `@` standing for the model.
const PRISMA: [(&str, &str); 5] = [
    (
        "init",
        r#"-- CreateEnum
CREATE TYPE "@Status" AS ENUM ('ACTIVE', 'CLOSED');
-- CreateTable
CREATE TABLE "@" (
    "id" SERIAL NOT NULL,
    "status" "@Status" NOT NULL DEFAULT 'ACTIVE',
    "displayName" VARCHAR(191),
    "score" INTEGER NOT NULL DEFAULT 0,
    "meta" JSONB,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "@_pkey" PRIMARY KEY ("id")
);
-- CreateTable
CREATE TABLE "@Tag" (
    "id" TEXT NOT NULL DEFAULT gen_random_uuid(),
    "ownerId" INTEGER,
    CONSTRAINT "@Tag_pkey" PRIMARY KEY ("id")
);
-- CreateIndex
CREATE UNIQUE INDEX "@Tag_ownerId_key" ON "@Tag"("ownerId");
-- AddForeignKey
ALTER TABLE "@Tag" ADD CONSTRAINT "@Tag_ownerId_fkey" FOREIGN KEY ("ownerId") REFERENCES "@"("id") ON DELETE SET NULL ON UPDATE CASCADE;
"#,
    ),
    (
        "add_columns",
        r#"-- AlterTable
ALTER TABLE "@" ADD COLUMN     "archivedAt" TIMESTAMP(3),
ADD COLUMN     "locale" TEXT NOT NULL DEFAULT 'en';
-- AlterTable
ALTER TABLE "@" ADD COLUMN     "publicId" TEXT NOT NULL DEFAULT gen_random_uuid();
-- AlterTable
ALTER TABLE "@" ADD COLUMN     "seenAt" TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP;
-- AlterTable
ALTER TABLE "@" ADD COLUMN     "labels" TEXT[] DEFAULT ARRAY[]::TEXT[];
-- AlterTable
ALTER TABLE "@" ADD COLUMN     "parentId" INTEGER;
"#,
    ),
    (
        "indexes",
        r#"-- CreateIndex
CREATE INDEX "@_createdAt_idx" ON "@"("createdAt");
-- CreateIndex
CREATE INDEX "@_status_createdAt_idx" ON "@"("status", "createdAt" DESC);
-- AddForeignKey
ALTER TABLE "@" ADD CONSTRAINT "@_parentId_fkey" FOREIGN KEY ("parentId") REFERENCES "@"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
"#,
    ),
    (
        "types",
        r#"-- AlterTable
ALTER TABLE "@" ALTER COLUMN "displayName" SET DATA TYPE TEXT;
-- AlterTable
ALTER TABLE "@" ALTER COLUMN "score" SET DATA TYPE BIGINT;
-- AlterTable
ALTER TABLE "@" ALTER COLUMN "locale" DROP NOT NULL,
ALTER COLUMN "locale" DROP DEFAULT;
-- AlterTable
ALTER TABLE "@" ALTER COLUMN "meta" SET DEFAULT '{}';
-- AlterEnum
ALTER TYPE "@Status" ADD VALUE 'PENDING';
"#,
    ),
    (
        "cleanup",
        r#"-- DropIndex
DROP INDEX "@_createdAt_idx";
-- DropForeignKey
ALTER TABLE "@" DROP CONSTRAINT "@_parentId_fkey";
-- AlterTable
ALTER TABLE "@" DROP COLUMN "parentId";
-- RenameIndex
ALTER INDEX "@Tag_ownerId_key" RENAME TO "@Tag_owner_key";
-- DropTable
DROP TABLE "@Tag";
"#,
    ),
];

const GOOSE: [(&str, &str); 5] = [
    (
        "create",
        "-- +goose Up
CREATE TABLE @ (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code varchar(32) NOT NULL DEFAULT 'x',
    amount numeric(10, 2) NOT NULL DEFAULT 0,
    owner int,
    note text,
    happened_at timestamp NOT NULL DEFAULT now()
);
CREATE DOMAIN @_size AS int CHECK (value >= 0);
CREATE INDEX @_owner ON @ (owner);
COMMENT ON TABLE @ IS 'made by goose';
-- +goose Down
DROP TABLE @;
DROP DOMAIN @_size;
",
    ),
    (
        "columns",
        "-- +goose Up
ALTER TABLE @ ADD COLUMN size @_size;
ALTER TABLE @ ADD COLUMN rank int CHECK (rank > 0);
ALTER TABLE @ ADD COLUMN parent bigint REFERENCES @ (id);
ALTER TABLE @ ADD COLUMN kind text NOT NULL DEFAULT 'plain';
ALTER TABLE @ ADD COLUMN seen timestamptz DEFAULT clock_timestamp();
-- +goose Down
ALTER TABLE @ DROP COLUMN size;
ALTER TABLE @ ALTER COLUMN owner TYPE bigint;
",
    ),
    (
        "types",
        "-- +goose Up
ALTER TABLE @ ALTER COLUMN code TYPE varchar(64);
ALTER TABLE @ ALTER COLUMN amount TYPE numeric(12, 2);
ALTER TABLE @ ALTER COLUMN owner TYPE bigint;
ALTER TABLE @ ALTER COLUMN note SET STORAGE EXTERNAL;
ALTER TABLE @ ALTER COLUMN note SET DEFAULT '';
-- +goose Down
ALTER TABLE @ ALTER COLUMN owner TYPE int;
",
    ),
    (
        "constraints",
        "-- +goose Up
ALTER TABLE @ ADD CONSTRAINT @_amount CHECK (amount >= 0) NOT VALID;
ALTER TABLE @ VALIDATE CONSTRAINT @_amount;
ALTER TABLE @ ADD CONSTRAINT @_one EXCLUDE USING btree (id WITH =);
ALTER TABLE @ ADD CONSTRAINT @_parent FOREIGN KEY (parent) REFERENCES @ (id) NOT VALID;
ALTER TABLE @ SET (fillfactor = 90);
ALTER TABLE @ SET LOGGED;
-- +goose Down
ALTER TABLE @ DROP CONSTRAINT @_amount;
",
    ),
    (
        "partitions",
        "-- +goose Up
CREATE TABLE @_by_day (id int NOT NULL, day date NOT NULL) PARTITION BY RANGE (day);
CREATE INDEX @_by_day_id ON ONLY @_by_day (id);
ALTER TABLE @ RENAME COLUMN note TO remark;
-- +goose Down
DROP TABLE @_by_day;
",
    ),
];

fn made(folder: &str, templates: &[(&str, &str)], names: &[&str]) -> Vec<SqlFile> {
    let mut files = Vec::new();
    for (kind, template) in templates {
        for name in names {
            let path = format!("{folder}/{:03}_{}_{kind}.sql", files.len(), name.to_lowercase());
            files.push(SqlFile { path, sql: template.replace('@', name) });
        }
    }
    files
}

pub(super) fn prisma() -> Vec<SqlFile> {
    made("prisma", &PRISMA, &MODELS)
}

pub(super) fn goose() -> Vec<SqlFile> {
    made("goose", &GOOSE, &TABLES)
}
