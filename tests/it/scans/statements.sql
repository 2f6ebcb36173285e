-- Statements, each behind what is made of the tables of scans.rs before it. A blank line stands between two cases.

alter table t alter column a set not null;

alter table t add constraint x check (a is not null) not valid;
alter table t alter column a set not null;

alter table t add constraint x check (a is not null) not valid;
alter table t validate constraint x;
alter table t alter column a set not null;

alter table t add constraint x check (a is not null) not valid;
alter table t add constraint y check (b > 0) not valid;
alter table t validate constraint y;
alter table t alter column a set not null;

alter table t add constraint x check (a is not null);
alter table t drop constraint x;
alter table t alter column a set not null;

alter table t add constraint x check (a is not null or b > 0);
alter table t alter column a set not null;

alter table t add constraint x check (not (a is null));
alter table t alter column a set not null;

alter table t add constraint x check (num_nulls(a) = 0);
alter table t alter column a set not null;

alter table t add constraint x check (a > 0);
alter table t alter column a set not null;

alter table t add constraint x check ((a is not null) and b > 0);
alter table t alter column a set not null;

alter table t add constraint x check (case when b > 0 then a is not null else true end);
alter table t alter column a set not null;

alter table t add constraint x check (b is not null);
alter table t alter column a set not null;

alter table t add constraint x check (a is not null and (b = 1 or b > 0));
alter table t alter column a set not null;

alter table t add constraint x check ("a" IS NOT NULL);
alter table t alter column a set not null;

alter table t add constraint x check (t.a is not null);
alter table t alter column a set not null;

alter table t add constraint x check (a is not null);
alter table t alter column a set not null, alter column b set not null;

alter table t add constraint x check (a is not null);
alter table t rename column a to z;
alter table t alter column z set not null;

alter table t add constraint x check (a is not null);
alter table t rename to tt;
alter table tt alter column a set not null;

alter table t alter column a set not null;
alter table t alter column a set not null;

alter table t add primary key (a);
alter table t alter column a set not null;

alter table t add primary key (a);

alter table t alter column a set not null;
create unique index ui on t (a);
alter table t add primary key using index ui;

create unique index ui on t (a);
alter table t add primary key using index ui;

create unique index ui on t (a);
alter table t add constraint uq unique using index ui;

alter table t add constraint x check (a is not null);
create unique index ui on t (a);
alter table t add primary key using index ui;

alter table t add column z int not null default 1;
alter table t alter column z set not null;

alter table only t alter a set not null;

alter table if exists t alter column a set not null;

alter table t add constraint x check (a is not null) no inherit;
alter table t alter column a set not null;

alter table t add constraint x check (a is not null and true);
alter table t alter column a set not null;

alter table n alter column v set not null;

create table n1 partition of n for values from (1) to (10);
insert into n values (1,1);
alter table n alter column v set not null;

alter table n attach partition d for values from (1) to (10);

alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

alter table d add constraint b check (k >= 1 and k < 10) not valid;
alter table n attach partition d for values from (1) to (10);

alter table d add constraint b check (k >= 1 and k < 10) not valid;
alter table d validate constraint b;
alter table n attach partition d for values from (1) to (10);

alter table d add constraint b check (k >= 1 and k < 10);
alter table d drop constraint b;
alter table n attach partition d for values from (1) to (10);

alter table d add constraint b check (k >= 1 or k < 10);
alter table n attach partition d for values from (1) to (10);

alter table d add constraint b check (k > 0 and k < 10);
alter table n attach partition d for values from (1) to (10);

alter table d add constraint b check (k between 1 and 9);
alter table n attach partition d for values from (1) to (10);

alter table d add constraint b check (k >= 1);
alter table d add constraint b2 check (k < 10);
alter table n attach partition d for values from (1) to (10);

alter table d add constraint b check (v >= 1 and v < 10);
alter table n attach partition d for values from (1) to (10);

alter table d add constraint b check (10 > k and 1 <= k);
alter table n attach partition d for values from (1) to (10);

alter table c add constraint b check (k >= 1 and k < 10);
alter table m attach partition c for values from (1) to (10);

alter table c add constraint b check (k >= 1 and k < 10 and k is not null);
alter table m attach partition c for values from (1) to (10);

alter table c alter column k set not null;
alter table c add constraint b check (k >= 1 and k < 10);
alter table m attach partition c for values from (1) to (10);

alter table d add constraint b check (k >= 1 and k < 10);
alter table l attach partition d for values in (1,2,3,4,5,6,7,8,9);

alter table d add constraint b check (k in (1,2,3,4,5,6,7,8,9));
alter table l attach partition d for values in (1,2,3,4,5,6,7,8,9);

delete from d where k<>3;
alter table d add constraint b check (k = 3);
alter table l attach partition d for values in (3);

delete from d;
alter table h attach partition d for values with (modulus 1, remainder 0);

alter table n attach partition d default;

create table n1 partition of n for values from (100) to (200);
alter table n attach partition d default;

create table n1 partition of n for values from (100) to (200);
alter table n attach partition d for values from (1) to (10);

create table nd partition of n default;
insert into nd values (500,1);
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

create table nd (k int not null, v int, check (k >= 100));
insert into nd values (500,1);
alter table n attach partition nd default;
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

create table nd partition of n default;
insert into nd values (500,1);
create table n2 partition of n for values from (1) to (10);

create table n2 partition of n for values from (1) to (10);

create index ni on n (v);
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

create index ni on n (v);
create index di on d (v);
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

create index ni on n (v);
create index di on d (v) where v > 0;
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

create index ni on n (v) where v > 0;
create index di on d (v) where v > 0;
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

create index ni on n (v desc);
create index di on d (v);
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

create index ni on n (v) include (k);
create index di on d (v);
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

create index ni on only n (v);
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

create index ni on n (v);
drop index ni;
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

alter table n add primary key (k);
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

alter table n add primary key (k);
alter table d add primary key (k);
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

alter table n add primary key (k);
create unique index du on d (k);
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

alter table n add constraint q unique (k, v);
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

alter table n add constraint q unique (k, v);
alter table d add constraint dq unique (k, v);
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

create index ni on n (lower(v::text));
create index di on d (lower(v::text));
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

create index ni on n using hash (v);
create index di on d (v);
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

create unique index ni on n (k);
create index di on d (k);
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

create index ni on n (v);
create unique index di on d (v);
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

alter table n add foreign key (v) references u (id);
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

alter table n add foreign key (v) references u (id);
alter table d add foreign key (v) references u (id);
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

create table e (like n including all);
insert into e values (1,1);
alter table e add constraint b check (k >= 1 and k < 10);
alter table n attach partition e for values from (1) to (10);

create index ni on n (v);
create table e (like n including all);
insert into e values (1,1);
alter table e add constraint b check (k >= 1 and k < 10);
alter table n attach partition e for values from (1) to (10);

create index ni on n (v);
create table e (like n);
insert into e values (1,1);
alter table e add constraint b check (k >= 1 and k < 10);
alter table n attach partition e for values from (1) to (10);

create table n1 partition of n for values from (1) to (10);
insert into n values (1,1);
alter table n detach partition n1;

create table n1 partition of n for values from (1) to (10);
insert into n values (1,1);
alter table n detach partition n1;
alter table n attach partition n1 for values from (1) to (10);

create table n1 partition of n for values from (1) to (10);
insert into n values (1,1);
create index ni on n (v);

create index ni on n (v);

create table n1 partition of n for values from (1) to (10);
insert into n values (1,1);
alter table n add constraint q check (v > 0);

create table md (at date not null) partition by range (at);
create table mx (at date not null, check (at >= '2026-01-01' and at < '2026-02-01'));
insert into mx values ('2026-01-05');
alter table md attach partition mx for values from ('2026-01-01') to ('2026-02-01');

create table md (at timestamptz not null) partition by range (at);
create table mx (at timestamptz not null, check (at >= '2026-01-01 00:00:00+00'::timestamptz and at < timestamptz '2026-02-01 00:00:00+00'));
insert into mx values ('2026-01-05');
alter table md attach partition mx for values from ('2026-01-01 00:00:00+00') to ('2026-02-01 00:00:00+00');

create table md (at date not null, x int not null) partition by range (at, x);
create table mx (at date not null, x int not null, check (at >= '2026-01-01' and at < '2026-02-01'));
insert into mx values ('2026-01-05',1);
alter table md attach partition mx for values from ('2026-01-01', minvalue) to ('2026-02-01', minvalue);

create table md (at date not null) partition by range (at);
create table mx (at date not null, check (at >= date '2026-01-01'));
insert into mx values ('2026-01-05');
alter table md attach partition mx for values from ('2026-01-01') to (maxvalue);

create table md (at date not null) partition by range (at);
create table mx (at date not null);
insert into mx values ('2026-01-05');
alter table md attach partition mx for values from (minvalue) to (maxvalue);

delete from d where k < 2 or k > 8;
alter table d add constraint b check (k >= 2 and k < 9);
alter table n attach partition d for values from (1) to (10);

delete from d where k > 4;
alter table d add constraint b check (k in (1,2,3,4));
alter table l attach partition d for values in (1,2,3,4,5,6,7,8,9);

alter table t add constraint x check (a is not null) not valid;
alter table t rename constraint x to y;
alter table t validate constraint y;
alter table t alter column a set not null;

alter table t add check (a is not null) not valid;
alter table t validate constraint t_a_check;
alter table t alter column a set not null;

alter table t add check (a is not null);
alter table t drop constraint t_a_check;
alter table t alter column a set not null;

alter table t add constraint x check (a is not null);
alter table t drop column b;
alter table t alter column a set not null;

alter table t add constraint x check (a is not null and b > 0);
alter table t drop column b;
alter table t alter column a set not null;

alter table t alter column a set not null;
alter table t alter column a drop not null;
alter table t alter column a set not null;

create table n1 partition of n for values from (1) to (10);
insert into n values (1,1);
alter table n1 add constraint x check (v is not null);
alter table n alter column v set not null;

create table n1 partition of n for values from (1) to (10);
insert into n values (1,1);
alter table n add constraint x check (v is not null);
alter table n alter column v set not null;

create table n1 partition of n for values from (1) to (10);
create table n2 partition of n for values from (10) to (20);
insert into n values (1,1);
alter table n1 add constraint x check (v is not null);
alter table n alter column v set not null;

create table tc () inherits (t);
insert into tc values (1,1,1);
alter table t alter column a set not null;

create table tc () inherits (t);
insert into tc values (1,1,1);
alter table t add constraint x check (a is not null);
alter table t alter column a set not null;

create schema o;
create table o.t (a int);
alter table o.t add constraint x check (a is not null);
alter table t alter column a set not null;

create schema o;
create table o.t (a int, check (a is not null));
insert into o.t values (1);
alter table o.t alter column a set not null;

create table e (k int, v int not null generated always as identity);
insert into e values (1);
alter table e alter column v set not null;

create table sp (k int not null, v int) partition by range (v);
create table sp1 partition of sp for values from (0) to (100);
insert into sp values (1,1);
alter table n attach partition sp for values from (1) to (10);

create table sp (k int not null, v int) partition by range (v);
create table sp1 partition of sp for values from (0) to (100);
insert into sp values (1,1);
alter table sp add constraint b check (k >= 1 and k < 10);
alter table n attach partition sp for values from (1) to (10);

create table sp (k int not null, v int) partition by range (v);
create table sp1 partition of sp for values from (0) to (100);
insert into sp values (1,1);
alter table sp1 add constraint b check (k >= 1 and k < 10);
alter table n attach partition sp for values from (1) to (10);

create table sp (k int not null, v int) partition by range (v);
alter table n attach partition sp for values from (1) to (10);

create table ld (k int not null, v int, check (k > 100));
insert into ld values (500,1);
alter table l attach partition ld default;
create table l1 partition of l for values in (1, 2);

create table ld (k int not null, v int, check (k > 1));
insert into ld values (500,1);
alter table l attach partition ld default;
create table l1 partition of l for values in (1, 2);

create table n1 partition of n for values from (100) to (200);
alter table d add constraint b check (k < 100);
alter table n attach partition d default;

create index ni on n (v);
alter index ni rename to nj;
create index di on d (v);
drop index di;
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

create index ni on n (v);
create index di on d (v);
alter index di rename to dj;
drop index dj;
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

create index ni on n (v);
create index di on d (v);
alter table d rename column v to w;
alter table d rename column w to v;
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

alter table n add primary key (k);
create unique index du on d (k);
alter table d add primary key using index du;
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

alter table n add constraint q unique (k, v);
create unique index du on d (k, v);
alter table d add constraint dq unique using index du;
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

alter table n add foreign key (v) references u (id);
alter table d add foreign key (v) references u (id) on delete cascade;
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

alter table n add foreign key (v) references u (id);
alter table d add foreign key (v) references u;
alter table d add constraint b check (k >= 1 and k < 10);
alter table n attach partition d for values from (1) to (10);

create table b2 (like n) partition by range (k);
create index b2i on b2 (v);

create index ni on n (v);
create table n1 partition of n for values from (1) to (10);
