//! What an analysis must not leave behind.

use super::{TestDb, until};

/// Everything that an analysis might leave behind in the database.
pub const TRACES: &str = "select json_build_array(
    (select json_agg(json_build_array(oid, relname, reloptions, relfilenode) order by oid) from pg_class
        where oid >= 16384),
    (select json_agg(nspname order by oid) from pg_namespace),
    (select json_agg(json_build_array(attrelid, attname, attstorage, attcompression) order by attrelid, attnum)
        from pg_attribute where attrelid >= 16384),
    (select count(*) from pg_statistic),
    (select json_agg(setconfig) from pg_db_role_setting
        where setdatabase = (select oid from pg_database where datname = current_database())
            or setrole = current_user::regrole),
    (select count(*) from pg_largeobject_metadata),
    (select json_agg(json_build_array(relid, n_tup_ins, n_tup_upd, n_tup_del, seq_scan, n_live_tup, analyze_count)
        order by relid) from pg_stat_all_tables where schemaname not in ('pg_catalog', 'information_schema')),
    (select stats_reset from pg_stat_database where datname = current_database())
)::text";

/// Our sessions in the database.
pub const SESSIONS: &str =
    "select coalesce(string_agg(state || ': ' || query, '; '), '') from pg_stat_activity
    where application_name = 'dbopt' and datname = current_database()";

/// Wait until none of our sessions is left, where closing one takes its time.
pub async fn until_hung_up(db: &TestDb) {
    until("our sessions end", async || db.text(SESSIONS).await.is_empty()).await;
}
