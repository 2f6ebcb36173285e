//! The examples of pages in schemas, tables, columns and indexes whose names hold all that quoting is for.

use database_optimizer::analysis;
use database_optimizer::checks::{self, Check};
use database_optimizer::model::Superpower;
use database_optimizer::pg::Target;
use rstest::rstest;

use super::{Example, offered};
use crate::support::advice::{advice, clears_and_is_undone, finding};
use crate::support::{TestDb, TestServer, members_for};

/// Renames what the example made. Names that a check goes by keep their beginning.
const RENAMED: &str = r#"do $rename$
declare
    found record;
    own constant text := ' "q" ''a'' $$; -- % \ ü';
begin
    -- An index keeps the names that its columns had when it was built.
    for found in
        select c.oid::regclass as relation, a.attname
        from pg_index as i
        join pg_class as c on c.oid = i.indexrelid
        join pg_namespace as n on n.oid = c.relnamespace
        join pg_attribute as a on a.attrelid = c.oid
        where n.nspname in ('ml', 'app', 'public') and length(a.attname) < 30
            and exists (select from pg_attribute as t where t.attrelid = i.indrelid and t.attname = a.attname)
    loop
        execute format('alter table %s rename column %I to %I', found.relation, found.attname, found.attname || own);
    end loop;
    for found in
        select c.oid::regclass as relation, a.attname
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attinhcount = 0
        where n.nspname in ('ml', 'app', 'public') and c.relkind in ('r', 'p', 'm') and length(a.attname) < 30
            and not exists (select from pg_depend as d where d.objid = c.oid and d.deptype = 'e')
    loop
        execute format('alter table %s rename column %I to %I', found.relation, found.attname, found.attname || own);
    end loop;
    for found in
        select c.oid::regclass as relation, c.relname, c.relkind
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname in ('ml', 'app', 'public') and c.relkind in ('r', 'p', 'm', 'i', 'I') and length(c.relname) < 30
            and not exists (select from pg_depend as d where d.objid = c.oid and d.deptype = 'e')
    loop
        execute format('alter table %s rename to %I', found.relation, found.relname || own);
    end loop;
    for found in select n.nspname from pg_namespace as n where n.nspname in ('ml', 'app') loop
        execute format('alter schema %I rename to %I', found.nspname, found.nspname || own);
    end loop;
end
$rename$"#;

/// How many recommendations were executed.
async fn holds_under_other_names(server: &'static TestServer, check: &'static Check) -> u32 {
    let fires = Example::of(check, "Fires");
    // What an application sends, and contracts, name tables.
    if fires.workload.is_some() || fires.contract.is_some() || fires.sessions.is_some() {
        return 0;
    }
    let mut db = TestDb::create(server).await;
    for statement in fires.statements() {
        db.run_next(statement.trim()).await;
    }
    db.run(RENAMED).await;
    db.settle().await;
    let request = fires.request(&db, check).await;
    let target = Target::open("test", &db.dsn(), None).unwrap();
    let analysis = analysis::analyse(&target, &request).await.unwrap();
    let found = finding(&analysis, check.id).unwrap_or_else(|| panic!("{} is silent", check.id));
    let recommendations = advice(&analysis, found);
    for recommendation in &recommendations {
        clears_and_is_undone(&mut db, &request, found, recommendation).await;
    }
    u32::try_from(recommendations.len()).unwrap()
}

#[rstest]
#[case(Superpower::HybridSchema, 3)]
#[case(Superpower::Toast, 8)]
#[case(Superpower::Gin, 11)]
#[case(Superpower::Vector, 5)]
#[case(Superpower::Plan, 5)]
#[case(Superpower::Wal, 9)]
#[tokio::test(flavor = "multi_thread")]
async fn advice_holds_for_names_that_have_to_be_quoted(
    #[case] superpower: Superpower,
    #[case] least: u32,
) {
    let mut tried = 0;
    for check in checks::all().filter(|check| check.superpower == superpower) {
        let needs = Example::first(check).needs;
        if needs == Some("test") {
            continue;
        }
        let newest = members_for(check.id, needs).pop();
        let Some(server) = newest.and_then(|member| offered(check, &member, "renamed")) else {
            continue;
        };
        tried += holds_under_other_names(server, check).await;
    }
    assert!(tried >= least, "{tried} of {superpower:?}");
}
