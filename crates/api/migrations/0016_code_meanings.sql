-- What the store says that codes mean which no table knows: looked at whenever an event is read, so a replay reads them alike.
create table code_meanings (
    store text not null,
    source text not null,
    code text not null,
    status text not null,
    sub_status text,
    said_at integer not null,
    said_by text not null,
    primary key (store, source, code)
) strict;
create index problems_by_code on problems (store, code) where code is not null;
