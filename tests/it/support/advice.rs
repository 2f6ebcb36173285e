//! What advice has to stand up to: run as printed, alone and in order, it clears its finding, and its undo
//! restores the catalog exactly.

use database_optimizer::analysis::Request;
use database_optimizer::model::{Analysis, Number, Recommendation, ReportedFinding, Statement};

use super::{TestDb, analyse};

/// The finding of a check, if there is one.
pub fn finding<'a>(analysis: &'a Analysis, check: &str) -> Option<&'a ReportedFinding> {
    analysis.findings.iter().find(|finding| finding.check == check)
}

/// The finding of a check, which must be there.
pub fn found<'a>(analysis: &'a Analysis, check: &str) -> &'a ReportedFinding {
    finding(analysis, check).unwrap_or_else(|| panic!("no {check}: {analysis:#?}"))
}

/// The only recommendation of a check's finding.
pub fn only_advice<'a>(analysis: &'a Analysis, check: &str) -> &'a Recommendation {
    match advice(analysis, found(analysis, check)).as_slice() {
        [only] => only,
        others => panic!("{others:#?}"),
    }
}

/// Why a check declined what it found first.
pub fn declined_reason<'a>(analysis: &'a Analysis, check: &str) -> &'a str {
    let declined = analysis.declined.iter().find(|declined| declined.check == check);
    &declined.unwrap_or_else(|| panic!("nothing declined: {analysis:#?}")).reason
}

/// A value of a finding's evidence.
pub fn evidence<'a>(found: &'a ReportedFinding, name: &str) -> &'a Number {
    &found.evidence.iter().find(|evidence| evidence.name == name).unwrap().value
}

/// The same as a number.
pub fn evidence_number(found: &ReportedFinding, name: &str) -> f64 {
    evidence(found, name).to_owned().as_f64().unwrap()
}

/// The recommendations of a finding, the best first.
pub fn advice<'a>(analysis: &'a Analysis, found: &ReportedFinding) -> Vec<&'a Recommendation> {
    let named = |id: &String| analysis.recommendations.iter().find(|r| r.id == *id).unwrap();
    found.recommendations.iter().map(named).collect()
}

/// Try every recommendation of every finding.
pub async fn all_hold(db: &mut TestDb, analysis: &Analysis, request: &Request) {
    for found in &analysis.findings {
        for recommendation in advice(analysis, found) {
            clears_and_is_undone(db, request, found, recommendation).await;
        }
    }
}

/// Try one recommendation of a finding.
pub async fn clears_and_is_undone(
    db: &mut TestDb,
    request: &Request,
    found: &ReportedFinding,
    recommendation: &Recommendation,
) {
    clears_and_is_undone_under(db, request, found, (recommendation, "\"$user\", public")).await;
}

/// The same, by a session with a search path of its own.
pub async fn clears_and_is_undone_under(
    db: &mut TestDb,
    request: &Request,
    found: &ReportedFinding,
    (recommendation, search_path): (&Recommendation, &str),
) {
    let title = format!("{}: {} under {search_path}", db.server.name, recommendation.title);
    let before = read(db, CATALOG).await;
    let values = read(db, VALUES).await;
    execute_under(db, &recommendation.statements, search_path).await;
    let after = analyse(db, request).await;
    let left = after.findings.iter().find(|finding| finding.id == found.id);
    assert!(left.is_none(), "{title} does not clear {left:#?}");
    // An invalid index that was dropped is gone for good, and the recommendation says so.
    let for_good = |caveat: &String| caveat.contains("nothing builds it again");
    if recommendation.undo.is_empty() && recommendation.caveats.iter().any(for_good) {
        return;
    }
    execute_under(db, &recommendation.undo, search_path).await;
    assert_eq!(read(db, CATALOG).await, before, "{title} is not undone exactly");
    assert_eq!(read(db, VALUES).await, values, "{title} changed rows");
}

/// Read what may be shadowed in `public`.
async fn read(db: &TestDb, sql: &str) -> String {
    db.run("set search_path = ''").await;
    let text = db.text(sql).await;
    db.run("reset search_path").await;
    text
}

/// Run statements in order, by a session with this search path.
pub async fn execute_under(db: &mut TestDb, statements: &[Statement], search_path: &str) {
    for statement in statements {
        if !statement.transactional {
            db.settle().await;
        }
        db.run(&format!("set search_path = {search_path}")).await;
        db.run(&statement.sql).await;
        db.run("reset search_path").await;
    }
    db.settle().await;
}

/// Everything the recommendations may change: relations with columns, defaults, constraints and definitions, and
/// what is made beside them. A column that was added and dropped again leaves a number behind, and nothing else;
/// Debian's builds stamp a column with `pg_attver` whenever its type is set.
const CATALOG: &str = "select json_agg(x order by x.nspname, x.relname)::text from (
    select n.nspname, c.relname, c.relkind::text, c.relpersistence::text, c.reloptions, c.relreplident::text,
        (select t.reloptions from pg_class as t where t.oid = c.reltoastrelid) as toast_options,
        obj_description(c.oid, 'pg_class') as comment,
        case
            when c.relkind in ('i', 'I') then pg_get_indexdef(c.oid)
            when c.relkind in ('v', 'm') then pg_get_viewdef(c.oid)
        end as definition,
        (
            select json_agg(
                json_build_array(
                    attname, format_type(atttypid, atttypmod), attstorage, attcompression,
                    array(select o from unnest(attoptions) as o where o not like 'pg_attver=%'),
                    attstattarget, attnotnull, attidentity, attgenerated, col_description(c.oid, attnum),
                    (
                        select pg_get_expr(d.adbin, d.adrelid)
                        from pg_attrdef as d
                        where d.adrelid = c.oid and d.adnum = a.attnum
                    )
                )
                order by attnum
            )
            from pg_attribute as a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        ) as columns,
        (
            select json_agg(pg_get_constraintdef(o.oid) order by o.conname)
            from pg_constraint as o
            where o.conrelid = c.oid
        ) as constraints,
        (
            select json_agg(pg_get_triggerdef(g.oid) order by g.tgname)
            from pg_trigger as g
            where g.tgrelid = c.oid
        ) as triggers
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname not in ('pg_catalog', 'pg_toast', 'information_schema')
    union all
    select n.nspname, p.oid::regprocedure::text, 'f', p.provolatile::text, null, null, null, null,
        pg_get_functiondef(p.oid), null, null, null
    from pg_proc as p
    join pg_namespace as n on n.oid = p.pronamespace
    where n.nspname not in ('pg_catalog', 'information_schema') and p.prokind in ('f', 'p')
        and not exists (select from pg_depend as d where d.objid = p.oid and d.deptype = 'e')
) as x";

/// Every row of every table, as one digest each.
const VALUES: &str = "select coalesce(json_agg(x order by x.oid::text), '[]')::text from (
    select c.oid::regclass::text,
        (
            xpath(
                '/table/row/digest/text()',
                query_to_xml(
                    format('select sum(hashtextextended(t::text, 0)) as digest from only %s as t', c.oid::regclass),
                    false, false, ''
                )
            )
        )[1]::text as digest
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')
        and n.nspname !~ '^pg_t'
) as x";
