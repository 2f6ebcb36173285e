create table owners (id int primary key, name text, profile jsonb);
create table docs (id int primary key, owner int, data jsonb, tags text[]);
