//! What shapes say of statements.

use super::spelled;
use crate::model::QualifiedName;
use crate::model::observation::{
    BlockRole, Compared, DistanceForm, Limit, OnConflict, Predicate, StatementKind, StatementShape,
    Subject, UsePlace,
};
use crate::sql::{Catalog, CatalogRelation, Column, statement};

fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    for (schema, table, columns) in [
        ("public", "docs", "id user_id data* tags created_at active name"),
        ("public", "items", "id tenant embedding kind price"),
        ("public", "users", "id email name"),
        ("archive", "users", "id email name"),
        ("public", "orders", "id user_id total"),
    ] {
        let column = |name: &str| Column {
            name: name.trim_end_matches('*').to_owned(),
            json: name.ends_with('*'),
        };
        let name = QualifiedName { schema: schema.to_owned(), name: table.to_owned() };
        catalog.insert(name, CatalogRelation::Table(columns.split(' ').map(column).collect()));
    }
    let view = QualifiedName { schema: "public".to_owned(), name: "live".to_owned() };
    let query = "select id, data ->> 'city' as city from docs where active";
    catalog.insert(view, CatalogRelation::View(query.to_owned()));
    catalog
}

fn shape(sql: &str) -> StatementShape {
    let catalog = catalog();
    let mut all = statement(sql, &catalog).unwrap();
    assert_eq!(all.len(), 1, "{sql}");
    all.remove(0).shape
}

/// `table.column[, …]: expression`
fn subject(subject: &Subject) -> String {
    let columns: Vec<String> =
        subject.columns.iter().map(|one| format!("{}.{}", one.table, one.column)).collect();
    format!("{}: {}", columns.join(", "), subject.expression)
}

fn predicate(one: &Predicate) -> String {
    let under = if one.under_or { " or" } else { "" };
    let not = if one.under_not { " not" } else { "" };
    format!("{} {} {:?}{under}{not}", subject(&one.subject), one.operator, one.with)
}

fn predicates(sql: &str) -> Vec<String> {
    shape(sql).predicates().map(predicate).collect()
}

#[test]
fn a_condition_is_on_its_column_by_its_operator_whichever_side_it_stands_on() {
    let found = predicates(
        "select 1 from docs d where d.data @> '{\"a\": 1}' and $1 <@ tags and 5 < d.id \
         and name like 'x%' and $2 = any (tags)",
    );
    assert_eq!(
        found,
        [
            "docs.data: data @> Constant",
            "docs.id: id > Constant",
            "docs.name: name ~~ Constant",
            "docs.tags: tags @> Parameter",
            "docs.tags: tags any = Parameter",
        ]
    );
}

#[test]
fn a_list_a_range_and_a_null_test_are_operators_of_their_own() {
    let found = predicates(
        "select 1 from docs where id in (1, 2) and user_id not in ($1) and id between 1 and $2 \
         and name is not null and active and id = any ($3) and name is distinct from 'a'",
    );
    assert_eq!(
        found,
        [
            "docs.active: active true Nothing",
            "docs.id: id = any Parameter",
            "docs.id: id between Parameter",
            "docs.id: id in Constant",
            "docs.name: name is distinct from Constant",
            "docs.name: name is not null Nothing",
            "docs.user_id: user_id not in Parameter",
        ]
    );
}

#[test]
fn what_stands_under_or_and_not_says_so() {
    let found = predicates("select 1 from docs where (id = 1 or not name = 'a') and active");
    assert_eq!(
        found,
        [
            "docs.active: active true Nothing",
            "docs.id: id = Constant or",
            "docs.name: name = Constant or not",
        ]
    );
}

#[test]
fn values_are_not_spelled_and_keys_are() {
    let sql = "select 1 from docs where (data -> 'a' ->> 'b')::numeric > 17 and \
               lower(name) = lower('Secret') and data #>> '{x,y}' = 'secret' and data['k'] = $1";
    let found = predicates(sql);
    assert_eq!(
        found,
        [
            "docs.data: ((data -> 'a') ->> 'b')::numeric > Constant",
            "docs.data: data #>> '{x,y}' = Constant",
            "docs.data: data['k'] = Parameter",
            "docs.name: lower(name) = Constant",
        ]
    );
    let shape = shape(sql);
    let paths: Vec<_> = shape.predicates().map(|one| one.subject.path.as_deref()).collect();
    assert_eq!(paths, [Some("a.b"), Some("x.y"), Some("k"), None]);
    assert!(!serde_json::to_string(&shape).unwrap().to_lowercase().contains("secret"));
}

#[test]
fn an_index_expression_is_spelled_as_the_statement_that_it_serves() {
    for (index, statement) in [
        ("((data -> 'a'::text) ->> 'b'::text)", "data -> 'a' ->> 'b'"),
        ("lower(name)", "lower(d.name)"),
        ("(embedding)::halfvec(3)", "embedding::halfvec(3)"),
        ("date_trunc('day'::text, created_at)", "date_trunc('day', d.created_at)"),
    ] {
        assert_eq!(spelled(index, &[]), spelled(&statement.replace("d.", ""), &[]), "{index}");
        assert!(spelled(index, &[]).is_some(), "{index}");
    }
    assert_eq!(spelled("data ->> 'a'", &[]).as_deref(), Some("data ->> 'a'"));
    assert_eq!(spelled("from from", &[]), None);
    // A domain over jsonb, as the server prints it, beside a column that is cast.
    let jsonb = ["d".to_owned()];
    assert_eq!(spelled("((d)::jsonb ->> 'a'::text)", &jsonb), spelled("d ->> 'a'", &[]));
    assert_ne!(spelled("((abcd)::jsonb ->> 'a'::text)", &jsonb), spelled("abcd ->> 'a'", &[]));
}

#[test]
fn names_are_followed_through_aliases_subqueries_common_tables_and_views() {
    let mut found = predicates(
        "with recent as materialized (select id as doc, data ->> 'city' as town from docs) \
         select 1 from recent r join (select * from users) u on u.id = r.doc \
         join live l on l.id = r.doc where r.town = $1 and u.email = $2 and l.city = 'x'",
    );
    found.sort();
    assert_eq!(
        found,
        [
            "docs.active: active true Nothing",
            "docs.data: data ->> 'city' = Constant",
            "docs.data: data ->> 'city' = Parameter",
            "users.email: email = Parameter",
        ]
    );
}

#[test]
fn conditions_between_two_relations_are_joins_also_of_a_table_with_itself() {
    let shape = shape(
        "select 1 from docs a join docs b using (id), orders o \
         where o.user_id = a.user_id and a.name < a.tags and exists \
         (select 1 from orders where orders.user_id = b.user_id) and a.id in (select id from users)",
    );
    let joins: Vec<String> = shape
        .blocks
        .iter()
        .flat_map(|block| &block.joins)
        .map(|pair| format!("{} {} {}", subject(&pair.left), pair.operator, subject(&pair.right)))
        .collect();
    assert_eq!(
        joins,
        [
            "docs.id: id = docs.id: id",
            "docs.id: id in users.id: id",
            "orders.user_id: user_id = docs.user_id: user_id",
            "orders.user_id: user_id = docs.user_id: user_id",
        ]
    );
    let same: Vec<String> = shape.predicates().map(predicate).collect();
    assert_eq!(same, ["docs.name: name < Expression", "docs.tags: tags > Expression"]);
}

#[test]
fn a_distance_is_told_in_every_form_of_order_by() {
    for (order, operator, form, descending) in [
        ("embedding <-> $1", "<->", DistanceForm::Operator, false),
        ("$1 <=> embedding desc", "<=>", DistanceForm::Operator, true),
        ("1 - (embedding <=> $1) desc", "<=>", DistanceForm::Within, true),
        ("cosine_distance(embedding, $1)", "cosine_distance", DistanceForm::Function, false),
        ("sqrt(embedding <-> $1)", "<->", DistanceForm::Within, false),
        ("(embedding::halfvec(3)) <#> $1", "<#>", DistanceForm::Operator, false),
    ] {
        let shape = shape(&format!("select id from items order by {order} limit 200 offset $2"));
        let block = &shape.blocks[0];
        let key = &block.order_by[0];
        let distance = key.distance.as_ref().unwrap();
        assert_eq!(
            (distance.operator.as_str(), distance.form, key.descending),
            (operator, form, descending),
            "{order}"
        );
        assert_eq!(distance.columns[0].column, "embedding");
        assert_eq!(distance.with, Compared::Parameter);
        assert_eq!(
            (block.limit, block.offset),
            (Some(Limit::Constant(200)), Some(Limit::Parameter))
        );
    }
}

#[test]
fn a_distance_is_followed_through_the_output_and_a_subquery() {
    for sql in [
        "select id, embedding <-> $1 as d from items order by d limit 5",
        "select id, embedding <-> $1 as d from items order by 2 limit 5",
        "select * from (select id, embedding <-> $1 as d from items) s order by d limit 5",
    ] {
        let shape = shape(sql);
        let key = &shape.blocks[0].order_by[0];
        assert_eq!(key.distance.as_ref().unwrap().form, DistanceForm::Operator, "{sql}");
        assert_eq!(shape.blocks[0].limit, Some(Limit::Constant(5)), "{sql}");
    }
}

#[test]
fn only_small_limits_are_kept_as_numbers() {
    for (limit, expected) in [
        ("limit 10", Some(Limit::Constant(10))),
        ("limit 1000", Some(Limit::Constant(1000))),
        ("limit 1001", Some(Limit::Large)),
        ("limit 99999999999", Some(Limit::Large)),
        ("limit $1", Some(Limit::Parameter)),
        ("limit all", None),
        ("", None),
        ("limit (select 1)", Some(Limit::Expression)),
    ] {
        assert_eq!(
            shape(&format!("select 1 from docs {limit}")).blocks[0].limit,
            expected,
            "{limit}"
        );
    }
}

#[test]
fn groups_orders_and_columns_returned_are_kept() {
    let shape = shape(
        "select user_id, data ->> 'a' as a, count(*) from docs group by 1, a \
         having sum(id) > 5 order by user_id desc nulls last",
    );
    let block = &shape.blocks[0];
    let list = |subjects: &[Subject]| subjects.iter().map(subject).collect::<Vec<_>>();
    assert_eq!(list(&block.group_by), ["docs.user_id: user_id", "docs.data: data ->> 'a'"]);
    assert_eq!(list(&block.projected), ["docs.data: data ->> 'a'", "docs.user_id: user_id"]);
    assert_eq!(predicate(&block.predicates[0]), "docs.id: sum(id) > Constant");
    assert_eq!(block.predicates[0].place, UsePlace::Having);
    let key = &block.order_by[0];
    assert_eq!((key.descending, key.nulls_first), (true, Some(false)));
}

#[test]
fn common_tables_say_how_often_they_are_named_and_whether_they_are_materialized() {
    let shape = shape(
        "with a as materialized (select id from docs), b as not materialized (select id from a), \
         recursive_one as (select 1) select 1 from b x join b y on x.id = y.id join a on true",
    );
    let told: Vec<_> = shape
        .ctes
        .iter()
        .map(|one| (one.name.as_str(), one.materialized, one.references))
        .collect();
    assert_eq!(told, [("a", Some(true), 2), ("b", Some(false), 2), ("recursive_one", None, 0)]);
    assert_eq!(shape.blocks[shape.ctes[0].block].role, BlockRole::Cte);
}

#[test]
fn writes_say_their_table_and_columns() {
    let insert = shape(
        "insert into users (id, email) values (1, 'a') on conflict (id) \
         do update set name = excluded.name where users.name is null",
    );
    let write = &insert.writes[0];
    assert_eq!((write.kind, write.on_conflict), (StatementKind::Insert, Some(OnConflict::Update)));
    assert_eq!(write.columns, ["id", "email", "name"]);
    let update = shape("update docs set data = data || $1, name = 'x' where id = $2");
    assert_eq!(update.writes[0].columns, ["data", "name"]);
    assert_eq!(predicates("update docs set name = 'x' where id = $2"), ["docs.id: id = Parameter"]);
    let delete = shape("delete from docs using users u where u.id = docs.user_id");
    assert_eq!(delete.writes[0].kind, StatementKind::Delete);
    assert_eq!(delete.blocks[0].joins.len(), 1);
    let merge = shape(
        "merge into docs d using users u on d.user_id = u.id \
         when matched then update set name = u.name when not matched then insert (id) values (u.id)",
    );
    assert_eq!(merge.writes[0].columns, ["name", "id"]);
    assert_eq!(merge.blocks[0].joins.len(), 1);
}

#[test]
fn a_name_that_several_schemas_have_is_ambiguous_unless_its_schema_is_said() {
    for (sql, schema, ambiguous) in [
        ("select 1 from users", "public", true),
        ("select 1 from archive.users", "archive", false),
        ("select 1 from docs", "public", false),
    ] {
        let relation = &shape(sql).blocks[0].relations[0];
        assert_eq!((relation.schema.as_str(), relation.ambiguous), (schema, ambiguous), "{sql}");
    }
}

#[test]
fn columns_of_tables_that_are_not_known_are_counted() {
    let shape = shape("select a from nowhere where b = 1 and nowhere.c = 2");
    assert_eq!(shape.unresolved, 3);
    assert!(!shape.blocks[0].relations[0].known);
    assert_eq!(self::shape("select g from generate_series(1, 2) g where g > 1").unresolved, 0);
}

#[test]
fn statements_of_any_depth_and_width_are_read_within_bounds() {
    let nested = |depth: usize| {
        format!("select {}id{} from docs", "lower(".repeat(depth), ")".repeat(depth))
    };
    let unions = vec!["select id from docs"; 40].join(" union ");
    let wide = format!("select 1 from docs where {}", vec!["id = 1"; 5000].join(" or "));
    let catalog = catalog();
    for sql in [nested(20), nested(5000), unions, wide.clone()] {
        // What is too deep is refused; nothing panics.
        let _ = statement(&sql, &catalog);
    }
    let shape = shape(&wide);
    assert!(shape.truncated);
    assert_eq!(shape.blocks[0].predicates.len(), 1);
}

#[test]
fn the_keys_of_a_document_that_is_written_out_are_kept_and_its_values_are_not() {
    let contains = |condition: &str| {
        let shape = shape(&format!("select 1 from docs where name = 'x' and {condition}"));
        let all: Vec<Vec<String>> = shape.predicates().map(|one| one.contains.clone()).collect();
        assert!(!format!("{shape:?}").contains("secret"), "{shape:?}");
        all.concat()
    };
    let written = r#"'{"b": "secret", "a": {"it": 1}, "tags": ["secret"]}'"#;
    assert_eq!(contains(&format!("data @> {written}")), ["a.it", "b", "tags[]"]);
    assert_eq!(contains(&format!("{written} <@ data")), ["a.it", "b", "tags[]"]);
    assert_eq!(contains("data @> jsonb_build_object('a', $1)"), ["a"]);
    for unknown in
        ["data @> $1", "data <@ '{\"a\": 1}'", "tags @> '{secret}'", "data ->> 'a' = 'secret'"]
    {
        assert!(contains(unknown).is_empty(), "{unknown}");
    }
}
