-- Statements that write or define, and the statements within them.
-- Behind each statement stands what it does with documents, one use a line. An empty line ends a case.

insert into features (id, data) values (1, '{"a": 1}')

insert into features (data) select data -> 'inner' from archive.features where data ->> 'ok' = 'true' returning data ->> 'k'
--> archive.features.data: inner -> select
--> archive.features.data: ok ->> where = const
--> public.features.data: k ->> returning

insert into features (id, data) values ($1, $2) on conflict (id) do update set data = features.data || excluded.data where features.data ->> 'v' < excluded.data ->> 'v'
--> public.features.data: v ->> where < expression
--> public.features.data: $ change set

insert into features as f (id, data) values ($1, $2) on conflict ((data ->> 'key')) where data ? 'key' do update set data = excluded.data returning id, f.data
--> public.features.data: whole returning
--> public.features.data: whole set
--> public.features.data: key ->> index
--> public.features.data: key exists index ? const

update features set data = jsonb_set(data, '{a,b}', '1') where data ->> 'c' = 'x'
--> public.features.data: a.b change set
--> public.features.data: c ->> where = const

update features set data = jsonb_set(jsonb_set(data, '{a}', data -> 'b'), array['c', 'd'], $1) returning data ->> 'a'
--> public.features.data: a ->> returning
--> public.features.data: a change set
--> public.features.data: b -> set
--> public.features.data: c.d change set

update features set data['user']['name'] = '"x"', data['n'] = data -> 'm'
--> public.features.data: m -> set
--> public.features.data: n subscript set
--> public.features.data: user.name subscript set

update features set data = data || '{"a": {"z": 1}, "b": 2}', payload = payload - 'c'
--> public.features.data: a change set
--> public.features.data: b change set
--> public.features.payload: c change set

update features set data = data || jsonb_build_object('k', $1, $2, 'x')
--> public.features.data: k change set
--> public.features.data: $ change set

update features set data = $1 where id = 2
--> public.features.data: whole set

update features set data = data #- '{a,0}', user_id = (data ->> 'uid')::int
--> public.features.data: a[0] change set
--> public.features.data: uid ->> set ::int4

update features f set data = u.profile -> 'copy' from users u where u.id = f.user_id and u.profile ->> 'k' = f.data ->> 'k'
--> public.features.data: whole set
--> public.features.data: k ->> where = expression
--> public.users.profile: copy -> set
--> public.users.profile: k ->> where = expression

update features set (data, payload) = (select o.data, o.data -> 'p' from orders o where o.id = features.id)
--> public.features.data: whole set
--> public.features.payload: whole set
--> public.orders.data: whole set

update features set data = coalesce(data, '{}') || $1
--> public.features.data: $ change set

update features set data = null returning old.data ->> 'a', new.data ->> 'b', *
--> public.features.data: whole returning
--> public.features.data: whole set
--> public.features.data: a ->> returning
--> public.features.data: b ->> returning
--> public.features.payload: whole returning

delete from features where data ->> 'gone' = 'true' returning *
--> public.features.data: whole returning
--> public.features.data: gone ->> where = const
--> public.features.payload: whole returning

delete from features f using users u where u.id = f.user_id and u.profile @> '{"closed": true}' returning f.data -> 'a'
--> public.features.data: a -> returning
--> public.users.profile: closed contains where @> const

with moved as (delete from features where data ? 'old' returning id, data) insert into archive.features select id, data -> 'keep' from moved
--> public.features.data: keep -> select
--> public.features.data: old exists where ? const

merge into features f using orders o on f.data ->> 'oid' = o.data ->> 'id' when matched and o.data ->> 'state' = 'gone' then delete when matched then update set data = jsonb_set(f.data, '{state}', o.data -> 'state') when not matched then insert (id, data) values (o.id, o.data -> 'doc') returning f.data ->> 'r'
--> public.features.data: oid ->> join = expression
--> public.features.data: r ->> returning
--> public.features.data: state change set
--> public.orders.data: doc -> select
--> public.orders.data: id ->> join = expression
--> public.orders.data: state -> set
--> public.orders.data: state ->> where = const

create index on features ((data ->> 'k'), ((data -> 'a' ->> 'b')::int)) where data ? 'c'
--> public.features.data: a.b ->> index ::int4
--> public.features.data: c exists index ? const
--> public.features.data: k ->> index

create index on features using gin (data jsonb_path_ops)
--> public.features.data: whole index

create statistics s on (data ->> 'k'), user_id from features
--> public.features.data: k ->> index

create materialized view m as select data ->> 'k' as k from features
--> public.features.data: k ->> select

create view v as select data -> 'k' from features where name = 'secret'
--> public.features.data: k -> select

explain (analyze) select data ->> 'k' from features
--> public.features.data: k ->> select

prepare p (text) as select id from features where data ->> 'k' = $1
--> public.features.data: k ->> where = param

declare c cursor for select data ->> 'k' from features
--> public.features.data: k ->> select

copy (select data ->> 'k' from features) to stdout
--> public.features.data: k ->> select

copy features (id, data) to stdout
--> public.features.data: whole other

copy features from stdin

create table t (id int, data jsonb default '{"a": 1}')

select 1; update features set data = data - 'a'; select data ->> 'b' from features
--> public.features.data: a change set
--> public.features.data: b ->> select

update missing set data['a'] = '1', tags[1] = 'x', doc = jsonb_set(doc, '{a}', $1)
--> unresolved 2

update features set payload = data - 'x'
--> public.features.data: whole set
--> public.features.data: x change set
--> public.features.payload: whole set

update features set note = (select u.profile ->> 'n' from users u where u.id = features.user_id)
--> public.users.profile: n ->> set

select data ->> 'k' as k into new_table from features
--> public.features.data: k ->> select
