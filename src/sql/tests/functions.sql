-- Functions on documents, in FROM and elsewhere.
-- Behind each statement stands what it does with documents, one use a line. An empty line ends a case.

select jsonb_extract_path(data, 'a', 'b'), jsonb_extract_path_text(data, 'c', '0', $1) from features
--> public.features.data: a.b function select
--> public.features.data: c[0].$ function select

select json_extract_path_text(doc, variadic array['a', 'b']), json_extract_path(doc, variadic '{c,1}') from logs
--> public.logs.doc: a.b function select
--> public.logs.doc: c[0] function select

select item ->> 'sku' from features f, jsonb_array_elements(f.data -> 'items') as e(item)
--> public.features.data: items[].sku ->> select

select e ->> 'sku', e.value ->> 'qty' from features f cross join lateral jsonb_array_elements(f.data -> 'items') e
--> public.features.data: items[].qty ->> select
--> public.features.data: items[].sku ->> select

select count(*) from features f, jsonb_array_elements(f.data -> 'items') e
--> public.features.data: items[] expand from

select id from features where exists (select 1 from jsonb_array_elements(data -> 'items') e where e ->> 'sku' = $1)
--> public.features.data: items[].sku ->> where = param

select tag from features, jsonb_array_elements_text(data -> 'tags') with ordinality as t(tag, n) where tag like 'a%' order by n
--> public.features.data: tags[] expand select
--> public.features.data: tags[] expand where ~~ const

select jsonb_array_elements(data -> 'items') ->> 'sku' from features
--> public.features.data: items[].sku ->> select

select l ->> 'x' from features, jsonb_array_elements(data -> 'a') a, jsonb_array_elements(a -> 'b') as l
--> public.features.data: a[].b[].x ->> select

select key, value ->> 'x' from features, jsonb_each(data -> 'attrs')
--> public.features.data: attrs expand from
--> public.features.data: attrs.*.x ->> select

select k.key from features, jsonb_each_text(data) k where k.value = 'x'
--> public.features.data: whole from
--> public.features.data: * expand where = const

select jsonb_object_keys(data), jsonb_typeof(data -> 'a'), jsonb_array_length(data -> 'b') from features
--> public.features.data: whole select
--> public.features.data: a -> select
--> public.features.data: b -> select

select r.sku from features f, jsonb_to_recordset(f.data -> 'items') as r(sku text, qty int, more jsonb) where r.qty > 3 and r.more ->> 'x' = 'y'
--> public.features.data: items[].more.x ->> where = const
--> public.features.data: items[].qty record where > const ::int4
--> public.features.data: items[].sku record select ::text

select a, b from features, jsonb_to_record(data) as r(a int, b text)
--> public.features.data: a record select ::int4
--> public.features.data: b record select ::text

select p.id from features f, jsonb_populate_record(null::users, f.data -> 'user') p where p.email = $1
--> public.features.data: user.email record where = param
--> public.features.data: user.id record select

select (jsonb_populate_record(null::users, data)).email from features
--> public.features.data: email record select

select r.email from features, jsonb_populate_record(null::nowhere, data) as r
--> public.features.data: $ record from

select e.value from features, jsonb_each_text(data) as e where e.key in ('k', 'l')
--> public.features.data: whole from
--> public.features.data: k expand where
--> public.features.data: l expand where
--> public.features.data: * expand select

select id from features, jsonb_object_keys(data -> 'a') as k where k = 'b'
--> public.features.data: a expand from
--> public.features.data: a.b expand where

select jsonb_path_query(data, '$.items[*] ? (@.price > 10 && @.b.c == $x)', '{"x": 1}') ->> 'sku' from features
--> public.features.data: items[].b.c jsonpath select
--> public.features.data: items[].price jsonpath select
--> public.features.data: items[].sku ->> select

select id from features where jsonb_path_exists(data, '$.a ? (@.b == 1)') and jsonb_path_match(data, $1)
--> public.features.data: a jsonpath where
--> public.features.data: a.b jsonpath where
--> public.features.data: $ jsonpath where

select id from features where data @? '$.tags[*] ? (@ == "x")' and data @@ '$.n > 1'
--> public.features.data: n jsonpath where @@ const
--> public.features.data: tags[] jsonpath where @? const

select jsonb_path_query_first(data, 'strict $."a b".c[0]') from features
--> public.features.data: "a b".c[0] jsonpath select

select q ->> 'x' from features, jsonb_path_query(data, '$.items[*]') q
--> public.features.data: items[].x ->> select

select json_value(data, '$.user.id' returning int) from features where json_exists(data, '$.a ? (@.b > $x)' passing 1 as x)
--> public.features.data: a record where
--> public.features.data: a.b record where
--> public.features.data: user.id record select ::int4

select json_query(data, '$.a') ->> 'b', json_value(data, '$.c') = 'x' from features
--> public.features.data: a.b ->> select
--> public.features.data: c record select = const ::text

select t.sku, t.n from features, json_table(data, '$.items[*]' columns (i for ordinality, sku text, n int path '$.count', nested path '$.parts[*]' columns (part text path '$.id'))) as t where t.part = 'p'
--> public.features.data: items[].count record select ::int4
--> public.features.data: items[].parts[].id record where = const ::text
--> public.features.data: items[].sku record select ::text

select 1 from features, json_table(data, '$.items[*]' columns (sku text)) t
--> public.features.data: items[] record from

select json_object('a': data -> 'b'), json_array(data -> 'c'), (select json_arrayagg(data -> 'd' order by data ->> 'e') from orders), (select json_objectagg(email: profile -> 'f') from users) from features
--> public.features.data: b -> select
--> public.features.data: c -> select
--> public.orders.data: d -> select
--> public.orders.data: e ->> order by
--> public.users.profile: f -> select

select jsonb_agg(data), jsonb_agg(data -> 'a'), jsonb_build_object('x', max(data ->> 'b')) ->> 'x' from features
--> public.features.data: whole select
--> public.features.data: a -> select
--> public.features.data: b ->> select

select row_to_json(t) from (select id, data -> 'a' as a from features) t
--> public.features.data: a -> select

select jsonb_strip_nulls(data) ->> 'a', to_jsonb(data) -> 'b' from features
--> public.features.data: a ->> select
--> public.features.data: b -> select

select x.* from features, rows from (jsonb_array_elements(data -> 'a'), jsonb_array_elements_text(data -> 'b')) as x(p, q)
--> public.features.data: a[] expand select
--> public.features.data: b[] expand select

select my_function(data -> 'a') ->> 'b' from features
--> public.features.data: a -> select
--> unresolved 1

select each(name) from features

select '{"a": 1}'::jsonb ->> 'a', $1::jsonb ->> 'b', jsonb_build_object('a', 1) ->> 'a'
