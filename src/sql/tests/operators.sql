-- Operators on documents, and the places they stand in.
-- Behind each statement stands what it does with documents, one use a line. An empty line ends a case.

select data -> 'a' from features
--> public.features.data: a -> select

select data -> 'a' -> 'b' -> 'c' ->> 'd' from features
--> public.features.data: a.b.c.d ->> select

select data -> 'items' -> 0 ->> 'sku', data -> -1 from features
--> public.features.data: items[0].sku ->> select
--> public.features.data: [0] -> select

select data #> '{a,0,b}', data #>> '{a,-1,"b c"}' from features
--> public.features.data: a[0].b #> select
--> public.features.data: a[0]."b c" #>> select

select data #>> array['a', 'b'] from features
--> public.features.data: a.b #>> select

select data #>> $1, data #> '{}' from features
--> public.features.data: whole select
--> public.features.data: $ #>> select

select data['user']['id'], data['items'][0]['sku'] from features
--> public.features.data: items[0].sku subscript select
--> public.features.data: user.id subscript select

select data[$1], (data -> 'a')['b'] from features
--> public.features.data: a.b subscript select
--> public.features.data: $ subscript select

select f.data ->> 'x' from features f where (f.data ->> 'age')::int > 30
--> public.features.data: age ->> where > const ::int4
--> public.features.data: x ->> select

select id from features where data ->> 'a' = $1 and 'x' = data ->> 'b' and 5 < (data ->> 'c')::numeric
--> public.features.data: a ->> where = param
--> public.features.data: b ->> where = const
--> public.features.data: c ->> where > const ::numeric

select id from features where data ->> 'a' like 'x%' and data ->> 'b' not ilike $1 and data ->> 'c' ~ '^a'
--> public.features.data: a ->> where ~~ const
--> public.features.data: b ->> where !~~* param
--> public.features.data: c ->> where ~ const

select id from features where data ->> 'a' in ('x', 'y') and data ->> 'b' not in ($1, $2) and data ->> 'c' = any($3)
--> public.features.data: a ->> where in const
--> public.features.data: b ->> where not in param
--> public.features.data: c ->> where = any param

select id from features where (data ->> 'at')::timestamptz between $1 and now() and data ->> 'b' is distinct from 'x'
--> public.features.data: at ->> where between expression ::timestamptz
--> public.features.data: b ->> where is distinct from const

select id from features where data ->> 'a' is null and data -> 'b' is not null and data is not null
--> public.features.data: whole where is not null const
--> public.features.data: a ->> where is null const
--> public.features.data: b -> where is not null const

select id from features where data @> '{"a": {"b": 1, "c": [1, 2]}, "d": []}'
--> public.features.data: a.b contains where @> const
--> public.features.data: a.c[] contains where @> const
--> public.features.data: d contains where @> const

select id from features where data @> '{"a": 1}'::jsonb and data -> 'tags' @> '["x"]'
--> public.features.data: a contains where @> const
--> public.features.data: tags[] contains where @> const

select id from features where data @> $1 and data -> 'u' @> $2::jsonb
--> public.features.data: u.$ contains where @> param
--> public.features.data: $ contains where @> param

select id from features where '{"a": 1}' <@ data and data <@ '{"b": 2}'
--> public.features.data: a contains where @> const
--> public.features.data: b contains where <@ const

select id from features where data @> jsonb_build_object('a', $1::text, 'b', jsonb_build_object('c', 1))
--> public.features.data: a contains where @> param
--> public.features.data: b.c contains where @> param

select id from features where data ? 'a' and data -> 'u' ?| array['b', 'c'] and data ?& '{d,e}'::text[]
--> public.features.data: a exists where ? const
--> public.features.data: d exists where ?& const
--> public.features.data: e exists where ?& const
--> public.features.data: u.b exists where ?| const
--> public.features.data: u.c exists where ?| const

select id from features where data ? $1 and data ?| $2
--> public.features.data: $ exists where ? param
--> public.features.data: $ exists where ?| param

select id from features where jsonb_exists(data, 'a') and jsonb_exists_any(data, array['b', $1])
--> public.features.data: a exists where ? const
--> public.features.data: b exists where ?| param
--> public.features.data: $ exists where ?| param

select data ->> $1, data -> $2 ->> 'x', data ->> name, data -> $3::int from features
--> public.features.data: [0] -> select
--> public.features.data: $ ->> select
--> public.features.data: $.x ->> select

select data || '{"a": 1}', data - 'b', data - '{c,d}'::text[], data #- '{e,f}', data - array['g'] from features
--> public.features.data: whole select
--> public.features.data: a change select
--> public.features.data: b change select
--> public.features.data: c change select
--> public.features.data: d change select
--> public.features.data: e.f change select
--> public.features.data: g change select

select 'x' || (data ->> 'a') || 'y', (data ->> 'n')::int - 1 from features
--> public.features.data: a ->> select
--> public.features.data: n ->> select ::int4

select count(*), data ->> 'g' from features group by data ->> 'g' having max((data ->> 'n')::int) > 3 order by min(data ->> 'o') desc
--> public.features.data: g ->> select
--> public.features.data: g ->> group by
--> public.features.data: n ->> having ::int4
--> public.features.data: o ->> order by

select data ->> 'g' as g, sum(id) from features group by g order by 1, g
--> public.features.data: g ->> select
--> public.features.data: g ->> group by
--> public.features.data: g ->> order by

select data ->> 'g', count(*) from features group by 1 order by 2
--> public.features.data: g ->> select
--> public.features.data: g ->> group by

select distinct on (data ->> 'd') id from features
--> public.features.data: d ->> group by

select count(*) filter (where data ->> 'f' = 'x'), string_agg(name, ',' order by data ->> 'o') from features
--> public.features.data: f ->> where = const
--> public.features.data: o ->> order by

select row_number() over (partition by data ->> 'p' order by data ->> 'o') from features
--> public.features.data: o ->> order by
--> public.features.data: p ->> other

select sum(id) over w from features window w as (partition by data ->> 'p')
--> public.features.data: p ->> other

select id from features group by grouping sets ((data ->> 'a'), rollup (data ->> 'b', id))
--> public.features.data: a ->> group by
--> public.features.data: b ->> group by

select coalesce(data, '{}') ->> 'a', coalesce(data ->> 'b', data ->> 'c') = 'x' from features
--> public.features.data: a ->> select
--> public.features.data: b ->> select
--> public.features.data: c ->> select

select id from features where nullif(data ->> 'n', '')::numeric > 1 and lower(data ->> 'l') = 'x'
--> public.features.data: l ->> where
--> public.features.data: n ->> where ::numeric

select case when data ->> 'a' = 'x' then data -> 'b' else data -> 'c' end ->> 'd' from features
--> public.features.data: a ->> select = const
--> public.features.data: b.d ->> select
--> public.features.data: c.d ->> select

select (data ->> 'inner')::jsonb ->> 'k' from features
--> public.features.data: inner ->> select ::jsonb

select data::text, data::jsonb ->> 'a', doc::jsonb ->> 'b' from features, logs
--> public.features.data: whole select ::text
--> public.features.data: a ->> select
--> public.logs.doc: b ->> select

select data ->> 'a' collate "C" from features order by data ->> 'b' collate "C"
--> public.features.data: a ->> select
--> public.features.data: b ->> order by

select data, to_jsonb(data), jsonb_pretty(data -> 'a') from features
--> public.features.data: whole select
--> public.features.data: a -> select

select id from features where tags @> array['x'] and tags && array['y'] and name || 'x' = 'y'

select id from features where tsv @@ to_tsquery('x') and tags[1] = 'y'

select * from features
--> public.features.data: whole select
--> public.features.payload: whole select

select f.* from features f join users u on u.id = f.user_id
--> public.features.data: whole select
--> public.features.payload: whole select

select to_jsonb(f) from features f
--> public.features.data: whole select
--> public.features.payload: whole select

select id from features where data is json object and not (data -> 'flag')::bool
--> public.features.data: whole where
--> public.features.data: flag -> where ::bool

select (data ->> 'a', data ->> 'b') = ('x', 'y'), array[data -> 'c'], greatest(data ->> 'd', 'x') from features
--> public.features.data: a ->> select = const
--> public.features.data: b ->> select = const
--> public.features.data: c -> select
--> public.features.data: d ->> select

select id from features where daterange(event_time::date, now()::date) @> $1 and string_to_array(name, ',') @> $2

select id from missing where tags @> array['x'] and data @> '{"a": 1}' and tsv @@ to_tsquery('x') and data @@ '$.a > 1'
--> unresolved 2

select id from features where data @> 'no document' and data @? 'no path' and data #> 'no array' = '1'
--> public.features.data: * #> where = const
--> public.features.data: * contains where @> const
--> public.features.data: * jsonpath where @? const
