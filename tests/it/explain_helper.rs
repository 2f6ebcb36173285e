//! The function of `scripts/grants --explain`: it plans what the role may not read, reads no row and changes nothing.

use std::process::Command;

use axum::http::StatusCode;
use rstest::rstest;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::{Reply, Service, TestDb, server};

const FEATURES: &str = "create schema ml;
create table ml.features (id bigint primary key, name text);
insert into ml.features select i, 'hidden' || i from generate_series(1, 1000) as i;
analyze ml.features;
create function ml.own(bigint) returns bigint stable language sql as 'select max(id) from ml.features';
create function ml.differs(bigint, bigint) returns boolean immutable language plpgsql as
'begin perform max(id) from ml.features; raise exception ''hidden'' using errcode = ''P7777''; end';
create operator ml.<#> (function = ml.differs, leftarg = bigint, rightarg = bigint)";

struct Helped {
    db: TestDb,
    service: Service,
    role: String,
    major: u32,
}

/// A database with a role that reads none of its rows, and what these options give it.
async fn helped(member: &str, role: &str, options: &[&str]) -> Option<Helped> {
    let db = TestDb::create(server(member)?).await;
    db.run(FEATURES).await;
    let role = format!("{role}_{member}");
    let this = Helped { service: Service::start().await, role, major: major(&db).await, db };
    this.grant(options).await;
    this.service.register("db", this.db.dsn_as(&this.role).expose_secret()).await;
    Some(this)
}

async fn major(db: &TestDb) -> u32 {
    let version = db.text("select current_setting('server_version_num')").await;
    version.parse::<u32>().unwrap() / 10_000
}

impl Helped {
    /// Run what the script prints, twice.
    async fn grant(&self, options: &[&str]) {
        let mut script = Command::new("sh");
        script.args(["scripts/grants", "--role", &self.role, "--database", &self.db.name]);
        let output = script.args(options).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let sql = String::from_utf8(output.stdout).unwrap();
        self.db.run(&sql).await;
        self.db.run(&sql).await;
    }

    async fn explained(&self, body: Value) -> Reply {
        self.service.with("POST", "/v1/targets/db/plan/decode", body).await
    }

    /// What the function answers to the role: a plan, or the SQLSTATE and the message.
    async fn called(&self, setup: &str, statement: &str) -> Result<String, (String, String)> {
        let dsn = self.db.dsn_as(&self.role);
        let (client, connection) =
            tokio_postgres::connect(dsn.expose_secret(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(setup).await.unwrap();
        let sql = format!("select \"{}_explain\".explain_statement($1, 'ml', false)", self.role);
        let row = client.query_one(&sql, &[&statement]).await;
        row.map(|row| row.get(0)).map_err(|error| {
            let error = error.as_db_error().unwrap();
            (error.code().code().to_owned(), error.message().to_owned())
        })
    }

    async fn undo(&self) {
        let x = format!("{}_explain", self.role);
        self.db
            .run(&format!(
                "drop function {x}.explain_statement(text, text, boolean); drop schema {x}; drop role {x}"
            ))
            .await;
    }

    async fn forget(self) {
        self.undo().await;
        self.db.run(&format!("drop owned by {0}; drop role {0}", self.role)).await;
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_select_gets_a_plan_and_no_row(#[values("pg15", "deb19")] member: &str) {
    let Some(this) = helped(member, "blind", &["--explain"]).await else { return };
    let select = "select name from ml.features where id = 7";

    let plan = this.explained(json!({"sql": select})).await;
    let generic =
        this.explained(json!({"sql": "select name from ml.features where id = $1"})).await;
    let values = json!({"sql": "select name from ml.features where id = $1", "parameters": [7]});
    let executed = this.explained(json!({"sql": select, "analyze": true})).await;

    assert_eq!(plan.status, StatusCode::OK, "{plan:?}");
    let plan = plan.json();
    assert_eq!(plan["source"], "explained");
    assert_eq!(plan["plan"]["relation"], "features", "{plan:#}");
    let gaps = plan["gaps"].to_string();
    assert!(gaps.contains("--explain planned it") && gaps.contains("missing_privilege"), "{gaps}");
    if this.major >= 16 {
        assert_eq!(generic.json()["source"], "generic", "{generic:?}");
    } else {
        assert!(generic.text.contains("42501"), "{generic:?}");
    }
    for refused in [this.explained(values).await, executed] {
        assert_eq!(refused.problem(), "statement-refused");
        assert!(refused.text.contains("42501"), "{refused:?}");
    }
    let reads =
        format!("select has_table_privilege('{}', 'ml.features', 'select')::text", this.role);
    assert_eq!(this.db.text(&reads).await, "false");
    this.forget().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_executed_or_changed_through_it(#[values("pg15", "deb19")] member: &str) {
    let Some(this) = helped(member, "breaker", &["--explain"]).await else { return };
    for statement in [
        "analyze select * from ml.features",
        "(analyze) select * from ml.features",
        "/* c */ -- d\n analyze select 1",
        "select 1; select 2",
        "select 1; delete from ml.features",
        "delete from ml.features",
        "insert into ml.features values (0)",
        "merge into ml.features as f using ml.features as g on f.id = g.id when matched then delete",
        "with d as (delete from ml.features returning *) select * from d",
        "select * from ml.features for update",
        "select * into ml.copied from ml.features",
        "create table ml.copied as select 1",
        "create materialized view ml.copied as select 1",
        "declare c cursor for select 1",
        "execute prepared(length(query_to_xml('table ml.features', true, true, '')::text))",
        "execute prepared(7)",
        "select name from ml.features where id = 'hidden'::bigint",
    ] {
        let prepare = "prepare prepared(bigint) as select $1";
        let refused = this.called(prepare, statement).await.expect_err(statement);
        assert!(!refused.1.contains("hidden"), "{statement}: {refused:?}");
    }
    for statement in ["select 1;", "values (1) -- end", "(table features) union all select 1, 'a'"]
    {
        this.called("", statement).await.unwrap();
    }
    assert_eq!(this.db.text("select count(*)::text from ml.features").await, "1000");
    assert_eq!(this.db.text("select to_regclass('ml.copied')::text is null || ''").await, "true");
    this.forget().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_planner_runs_no_function_of_the_caller_s_with_the_helper_s_rights(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(this) = helped(member, "planter", &["--explain"]).await else { return };
    for (statement, message) in [
        ("select 1 from ml.features limit OWN(1)", "PostgreSQL's own"),
        ("select ml.\"own\"(1)", "PostgreSQL's own"),
        ("select ml.U&\"ow\\006e\"(1)", "PostgreSQL's own"),
        (
            "select 1 limit length(table_to_xml('ml.features', true, true, '')::text)",
            "PostgreSQL's own",
        ),
        ("select 1 from pg_authid where rolpassword > 'SCRAM'", "a catalog"),
        ("select 1 where exists (select from pg_shadow)", "a catalog"),
    ] {
        let (sqlstate, said) = this.called("", statement).await.expect_err(statement);
        assert_eq!(sqlstate, "42501", "{statement}: {said}");
        assert!(said.contains(message), "{statement}: {said}");
    }
    // What its page says of its risks: what no name of the statement shows does run. dbopt's look-ups see it first.
    let operator = "select 1::bigint operator(ml.<#>) 2";
    let (sqlstate, said) = this.called("", operator).await.unwrap_err();
    assert_eq!((sqlstate.as_str(), said.contains("hidden")), ("P7777", false), "{said}");
    let reply = this.explained(json!({"sql": format!("{operator} from ml.features")})).await;
    assert!(reply.text.contains("operator `<#>` calls `ml.differs`"), "{reply:?}");
    let temporary = "create function pg_temp.leak() returns text immutable language plpgsql as
        'begin raise exception ''%'', (select max(name) from ml.features); end'";
    let domain = "create domain pg_temp.checked as text check (query_to_xml('table ml.features', true, true, '') is null)";
    // Last: temporary objects go some time after their session.
    for (setup, statement) in [
        (temporary, "select pg_temp.leak()"),
        (domain, "select '{x}'::pg_temp.checked[]"),
        ("create temp table t ()", "select 1"),
    ] {
        let (sqlstate, said) = this.called(setup, statement).await.expect_err(statement);
        assert_eq!(sqlstate, "42501", "{statement}: {said}");
        assert!(said.contains("who owns objects"), "{statement}: {said}");
    }
    this.forget().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_planted_function_of_the_same_name_is_not_called(
    #[values("pg15", "deb19")] member: &str,
) {
    let Some(this) = helped(member, "trusting", &["--explain"]).await else { return };
    let x = format!("{}_explain", this.role);
    let of = format!("{x}.explain_statement(text, text, boolean)");
    this.db.run(&format!("create role {x}er")).await;
    for (plant, restore) in [
        (
            format!("alter function {of} security invoker"),
            format!("alter function {of} security definer"),
        ),
        (
            format!("alter function {of} owner to {x}er"),
            format!("alter function {of} owner to {x}"),
        ),
        (
            format!("alter schema {x} owner to {x}er"),
            format!("alter schema {x} owner to current_user"),
        ),
        (format!("alter role {x} superuser"), format!("alter role {x} nosuperuser")),
        (
            format!("revoke execute on function {of} from {}", this.role),
            format!("grant execute on function {of} to {}", this.role),
        ),
    ] {
        this.db.run(&plant).await;
        let reply = this.explained(json!({"sql": "select name from ml.features"})).await;
        assert_eq!(reply.problem(), "statement-refused", "{plant}: {reply:?}");
        assert!(reply.text.contains("scripts/grants --explain creates"), "{plant}: {reply:?}");
        this.db.run(&restore).await;
    }
    let reply = this.explained(json!({"sql": "select name from ml.features"})).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    this.db.run(&format!("drop role {x}er")).await;
    this.forget().await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn its_undo_leaves_the_catalogs_as_they_were(#[values("pg15", "deb19")] member: &str) {
    let Some(this) = helped(member, "undone", &[]).await else { return };
    let catalogs = format!(
        "select concat_ws(
            E'\\n',
            (select string_agg(n::text, ' ' order by n.oid) from pg_namespace as n where nspname !~ '^pg_t'),
            (select string_agg(p.oid::text || p.proacl::text, ' ' order by p.oid) from pg_proc as p),
            (select string_agg(r::text, ' ' order by r.oid) from pg_roles as r where rolname like '{0}%'),
            (select string_agg(m.roleid::text || m.member, ' ' order by m.roleid)
             from pg_auth_members as m join pg_roles as r on r.oid = m.member where rolname like '{0}%'),
            (select string_agg(s::text, ' ' order by s::text)
             from pg_shdepend as s join pg_database as d on d.oid = s.dbid where datname = current_database())
        )",
        this.role
    );
    let before = this.db.text(&catalogs).await;
    this.grant(&["--explain"]).await;
    assert_ne!(this.db.text(&catalogs).await, before);
    this.undo().await;
    assert_eq!(this.db.text(&catalogs).await, before);
    this.grant(&["--explain"]).await;
    this.forget().await;
}
