-- Names: through subqueries, common table expressions, views, joins and set operations.
-- Behind each statement stands what it does with documents, one use a line. An empty line ends a case.

with x as (select data -> 'user' as u, id from features) select u ->> 'id' from x where u ->> 'name' = $1
--> public.features.data: user.id ->> select
--> public.features.data: user.name ->> where = param

with x(a) as (select data from features) select a ->> 'k' from x
--> public.features.data: k ->> select

with raw as (select * from features), typed as (select id, data ->> 'k' as k, (data ->> 'n')::int as n from raw), final as (select k, sum(n) as total from typed where n > 5 group by k) select * from final order by total
--> public.features.data: k ->> select
--> public.features.data: k ->> group by
--> public.features.data: n ->> select ::int4
--> public.features.data: n ->> where > const ::int4

with recursive t as (select data, id from features where id = 1 union all select f.data -> 'child', f.id from features f join t on t.id = f.user_id) select data ->> 'name' from t
--> public.features.data: child.name ->> select
--> public.features.data: name ->> select

with recursive t(d, n) as (select data, 1 from features union all select d -> 'child', n + 1 from t where n < 5) select d ->> 'name' from t
--> public.features.data: child.name ->> select
--> public.features.data: name ->> select

select s.d ->> 'k' from (select data as d from features) s
--> public.features.data: k ->> select

select d ->> 'k' from (select * from (select data as d from features f) a) b
--> public.features.data: k ->> select

select data ->> 'k' from features union all select data ->> 'k' from orders order by 1
--> public.features.data: k ->> select
--> public.features.data: k ->> order by
--> public.orders.data: k ->> select
--> public.orders.data: k ->> order by

select d ->> 'k' from (select data as d from features union select profile from users) s
--> public.features.data: whole group by
--> public.features.data: k ->> select
--> public.users.profile: whole group by
--> public.users.profile: k ->> select

select x.k from (select data ->> 'k' as k from features except select data ->> 'j' from orders) x where x.k > 'a'
--> public.features.data: k ->> select
--> public.features.data: k ->> where > const
--> public.features.data: k ->> group by
--> public.orders.data: j ->> group by

select data ->> 'k' from active_features
--> public.features.data: active ->> where = const
--> public.features.data: k ->> select

select usr ->> 'id' from active_features where usr ->> 'name' = 'x'
--> public.features.data: active ->> where = const
--> public.features.data: user.id ->> select
--> public.features.data: user.name ->> where = const

select * from nested_view n where n.data ->> 'z' is null
--> public.features.data: whole select
--> public.features.data: active ->> where = const
--> public.features.data: user -> select
--> public.features.data: z ->> where is null const

select data ->> 'k' from loop_view
--> unresolved 1

select data ->> 'k' from archive.features where archive.features.data ->> 'j' = '1'
--> archive.features.data: j ->> where = const
--> archive.features.data: k ->> select

select "Doc" ->> 'K' from hr."Users"
--> hr.Users.Doc: K ->> select

select DATA ->> 'K' from FEATURES
--> public.features.data: K ->> select

select f.data ->> 'a', o.data ->> 'b' from features f join orders o on f.data ->> 'oid' = o.id::text
--> public.features.data: a ->> select
--> public.features.data: oid ->> join = expression
--> public.orders.data: b ->> select

select data ->> 'k' from features, orders
--> unresolved 1

select profile ->> 'k', data ->> 'j' from users left join features using (id)
--> public.features.data: j ->> select
--> public.users.profile: k ->> select

select j.profile ->> 'k' from (users u join features f on u.id = f.user_id) as j
--> public.users.profile: k ->> select

select data ->> 'k' from features natural join orders
--> public.features.data: k ->> select

select u.id from users u where exists (select from features where user_id = u.id and data ->> 'k' = u.profile ->> 'j')
--> public.features.data: k ->> where = expression
--> public.users.profile: j ->> where = expression

select (select data -> 'a' from features limit 1) ->> 'b', (select max(profile ->> 'x') from users) from orders
--> public.features.data: a.b ->> select
--> public.users.profile: x ->> select

select id from users where id in (select (data ->> 'uid')::int from features where data ? 'uid')
--> public.features.data: uid ->> select ::int4
--> public.features.data: uid exists where ? const

select id from users where profile ->> 'k' = any (select data ->> 'k' from features)
--> public.features.data: k ->> select
--> public.users.profile: k ->> where in expression

select l.v from features f, lateral (select f.data ->> 'k' as v) l
--> public.features.data: k ->> select

select l.v from features f left join lateral (select o.data -> 'x' as v from orders o where o.user_id = f.id and f.data ->> 'k' = 'y') l on true
--> public.features.data: k ->> where = const
--> public.orders.data: x -> select

select unknown_table.data ->> 'k', t.doc -> 'a' ->> 'b' from unknown_table, missing.t
--> unresolved 2

select nothing ->> 'k' from features
--> unresolved 1

select data ->> 'k' from unknown_table, features
--> public.features.data: k ->> select

select x ->> 'k' from unknown_table where exists (select 1 from features where x ->> 'j' = '1')
--> unresolved 2

select g ->> 'k' from generate_series(1, 3) g
--> unresolved 1

select f.data ->> 'k' from features as f(id, a, b, c)
--> unresolved 1

select c ->> 'k' from features as f(a, b, c2, c)
--> public.features.data: k ->> select

values ((select data ->> 'k' from features)), ('x')
--> public.features.data: k ->> select

select v.column1 ->> 'k' from (values ('{}'::jsonb)) v

with features as (select profile as data from users) select data ->> 'k' from features
--> public.users.profile: k ->> select

with f as (select 1), features as materialized (select data from features) select f.data ->> 'k' from features f
--> public.features.data: k ->> select

select t.data ->> 'k' from features t tablesample system (1)
--> public.features.data: k ->> select

select data ->> 'k' from only features for update
--> public.features.data: k ->> select

select id from features where data ->> 'a' = 'x' limit (select (data ->> 'n')::int from orders limit 1)
--> public.features.data: a ->> where = const
--> public.orders.data: n ->> other ::int4

select array(select data ->> 'k' from features), array_agg(data ->> 'j') from orders
--> public.features.data: k ->> select
--> public.orders.data: j ->> select

select ctid, f.ctid, f.data ->> 'k' from features f
--> public.features.data: k ->> select

select db.public.features.data ->> 'k' from db.public.features
--> public.features.data: k ->> select

select distinct data ->> 'k' from features
--> public.features.data: k ->> select
--> public.features.data: k ->> group by

select count(*) from (select data -> 'a' from features intersect select data -> 'b' from orders) x
--> public.features.data: a -> group by
--> public.orders.data: b -> group by

select count(*) from (select data -> 'a' from features union all select data -> 'b' from orders) x

select u.id from users u join lateral jsonb_each(u.profile -> 'flags') as f(k, v) on f.v = 'true'
--> public.users.profile: flags expand from
--> public.users.profile: flags.* expand join = const

select (select s.d ->> 'k' from (select d from users) s limit 1) from (select data as d from features) q
--> public.features.data: k ->> select

with a as (select data from features), b as (select data -> 'x' as data from a), c as (select data -> 'y' as data from b) select data ->> 'z' from c
--> public.features.data: x.y.z ->> select

select f.data ->> 'k' from features f where f.id = any (array(select o.id from orders o where o.data @> jsonb_build_object('f', f.data -> 'j')))
--> public.features.data: j -> where
--> public.features.data: k ->> select
--> public.orders.data: f contains where @> expression

table features
--> public.features.data: whole select
--> public.features.payload: whole select

select "data"->>'k' as "data" from features order by "data"
--> public.features.data: k ->> select
--> public.features.data: k ->> order by

select (f).data ->> 'k', (f.data) ->> 'j' from features f
--> public.features.data: j ->> select
--> public.features.data: k ->> select

select id from features where (data ->> 'a', data ->> 'b') in (select profile ->> 'a', email from users) and (data ->> 'c', id) > ($1, $2)
--> public.features.data: a ->> where in expression
--> public.features.data: b ->> where in expression
--> public.features.data: c ->> where > param
--> public.users.profile: a ->> select

select id from features where data ->> 'a' > all (select profile ->> 'b' from users)
--> public.features.data: a ->> where > all expression
--> public.users.profile: b ->> select

select e ->> 'sku' from features, jsonb_array_elements(case jsonb_typeof(data -> 'items') when 'array' then data -> 'items' else '[]' end) e
--> public.features.data: items -> from
--> public.features.data: items[].sku ->> select

select v.x from features f, lateral (values (f.data ->> 'a'), (f.data ->> 'b')) v(x) where v.x = $1
--> public.features.data: a ->> select
--> public.features.data: a ->> where = param
--> public.features.data: b ->> select
--> public.features.data: b ->> where = param

select data ->> 'k', f.data ->> 'j' from features f full join orders o using (data)
--> public.features.data: j ->> select
--> public.features.data: k ->> select
--> public.orders.data: k ->> select

select * from users right join (select id, profile as p from users) o using (id)
--> public.users.profile: whole select
