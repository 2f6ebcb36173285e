-- What drivers, object mappers and tools print.
-- Behind each statement stands what it does with documents, one use a line. An empty line ends a case.

SELECT features.id, features.data ->> %(data_1)s AS anon_1 FROM features WHERE features.data ->> %(data_2)s = %(param_1)s
--> public.features.data: $ ->> select
--> public.features.data: $ ->> where = param

SELECT CAST(features.data['user'] ->> 'id' AS INTEGER) AS uid FROM features WHERE CAST(features.data['user'] ->> 'id' AS INTEGER) > :param_1
--> public.features.data: user.id ->> select ::int4
--> public.features.data: user.id ->> where > param ::int4

SELECT features.data[:data_1] AS anon_1 FROM features WHERE (features.data[:data_2] ->> :p) = :q
--> public.features.data: $ subscript select
--> public.features.data: $.$ ->> where = param

SELECT features.data #>> %(data_1)s::TEXT[] AS anon_1 FROM features WHERE features.data @> %(data_2)s::JSONB
--> public.features.data: $ #>> select
--> public.features.data: $ contains where @> param

SELECT features.data -> $1::TEXT AS anon_1 FROM features WHERE features.data ->> $2::TEXT = $3::VARCHAR LIMIT $4::INTEGER
--> public.features.data: $ -> select
--> public.features.data: $ ->> where = param

SELECT "features"."id", ("features"."data" -> 'user_id') FROM "features" WHERE ("features"."data" -> 'user_id') = '5'::jsonb ORDER BY "features"."id" ASC LIMIT 21
--> public.features.data: user_id -> select
--> public.features.data: user_id -> where = const

SELECT "t"."id" FROM "features" "t" WHERE ("t"."data" #> '{a,0,b}') = '"x"'::jsonb AND ("t"."data" #>> '{a,name}') LIKE '%x%'
--> public.features.data: a.name #>> where ~~ const
--> public.features.data: a[0].b #> where = const

SELECT "t"."id" FROM "features" "t" WHERE JSON_EXTRACT_PATH("t"."data", 'a', 'b') = 1 AND UPPER(("t"."data" ->> 'c')::text) LIKE UPPER(%s)
--> public.features.data: a.b function where = const
--> public.features.data: c ->> where ::text

SELECT "features"."id" FROM "features" WHERE ("features"."data" ? 'owner' AND "features"."data" @> %s AND NOT ("features"."data" -> 'x' IS NULL))
--> public.features.data: owner exists where ? const
--> public.features.data: x -> where is null const
--> public.features.data: $ contains where @> param

SELECT COUNT(*) AS "__count" FROM (SELECT DISTINCT ("features"."data" ->> 'city') AS "city" FROM "features") subquery
--> public.features.data: city ->> group by

SELECT id FROM features WHERE data ->> 'k' = ? AND data ? 'owner' AND user_id IN (?, ?) LIMIT ?
--> public.features.data: k ->> where = param
--> public.features.data: owner exists where ? const

SELECT id FROM features WHERE data ? ? AND name LIKE ? ESCAPE '!' AND name BETWEEN ? AND ?
--> public.features.data: $ exists where ? param

SELECT id FROM features WHERE data->>'k'=%s AND data->>'j'=:j AND name=? AND note <> 'a %s :b ? c' -- %s :c ?
--> public.features.data: j ->> where = param
--> public.features.data: k ->> where = param

UPDATE features SET data = jsonb_set(data, %(path)s, %(value)s) WHERE id = %(id)s
--> public.features.data: $ change set

SELECT data ->> $1, interval $2, DATE $3, event_time > now() - interval $4 FROM features WHERE data @> $5 AND id IN ($6 /*, ... */)
--> public.features.data: $ ->> select
--> public.features.data: $ contains where @> param

SELECT extract(epoch from timestamp with time zone $1) FROM features WHERE data ->> $2 = $3
--> public.features.data: $ ->> where = param

SELECT date_trunc($1, event_time) AS d, data ->> 'k' FROM features GROUP BY date_trunc($1, event_time), data ->> 'k'
--> public.features.data: k ->> select
--> public.features.data: k ->> group by

/* app='mage', dag='features' */ with __dbt__cte__stg as (
  -- staging
  select id, data ->> 'event' as event, (data -> 'props' ->> 'amount')::numeric(10, 2) as amount, data -> 'props' as props
  from "warehouse"."public"."features"
  where event_time >= current_date - interval '7 day'
), enriched as (
  select s.*, u.profile ->> 'plan' as plan from __dbt__cte__stg s left join public.users u on u.id = s.id
), ranked as (
  select *, row_number() over (partition by event order by amount desc) as rn from enriched
)
select event, plan, props ->> 'source' as source, sum(amount) as total
from ranked where rn = 1 and event in ('buy', 'sell') group by 1, 2, 3 having sum(amount) > 10 order by total desc
--> public.features.data: event ->> select
--> public.features.data: event ->> where in const
--> public.features.data: event ->> group by
--> public.features.data: event ->> other
--> public.features.data: props.amount ->> select ::numeric
--> public.features.data: props.amount ->> having ::numeric
--> public.features.data: props.amount ->> order by ::numeric
--> public.features.data: props.source ->> select
--> public.features.data: props.source ->> group by
--> public.users.profile: plan ->> select
--> public.users.profile: plan ->> group by

SELECT f.id, f.data->'embedding' AS e FROM features f WHERE f.data->>'model' = $1 ORDER BY f.event_time DESC LIMIT 1
--> public.features.data: embedding -> select
--> public.features.data: model ->> where = param

SELECT e.data FROM features AS e WHERE (e.data ->> 'user_id')::BIGINT = $1 AND e.event_time >= $2::timestamptz
--> public.features.data: whole select
--> public.features.data: user_id ->> where = param ::int8

SELECT features.data[:data_1] FROM features
--> public.features.data: $ subscript select

SELECT id FROM features WHERE data->$1->>$2 = $3 AND data #>> ARRAY[$4, $5] = $6
--> public.features.data: $.$ ->> where = param
--> public.features.data: $.$ #>> where = param

SELECT id FROM features WHERE (data->>'score')::float8 > %(min)s::float8 ORDER BY (data->>'score')::float8 DESC NULLS LAST LIMIT %(n)s
--> public.features.data: score ->> where > param ::float8
--> public.features.data: score ->> order by ::float8

SELECT id FROM features WHERE data @? '$.a' AND data ?? 'b' AND data ??| array['c'] AND id = ?
--> public.features.data: a jsonpath where @? const
--> public.features.data: b exists where ? const
--> public.features.data: c exists where ?| const
