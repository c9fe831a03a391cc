-- Stores made in the console; those of the configuration file have no row here.
create table stores (
    id text primary key,
    name text not null,
    url text,
    support_url text,
    lookup_secret text not null,
    made_at integer not null
) strict;

-- Keys and secrets made in the console, for stores of either kind. Several may be valid at once: that is how they are rotated.
create table store_keys (
    id integer primary key,
    store text not null,
    kind text not null check (kind in ('admin', 'token', 'webhook')),
    source text not null default '', -- webhook: shopify, easypost …
    secret text not null, -- of an admin key: its SHA-256, in hex
    hint text not null, -- the last characters, to tell them apart
    made_at integer not null,
    made_by text not null
) strict;
create index store_keys_by_store on store_keys (store, kind, id);

-- Where a store wants to be told of changes.
create table store_endpoints (
    id integer primary key,
    store text not null,
    url text not null,
    secret text not null,
    events text not null, -- kinds, as a JSON list; empty: all
    made_at integer not null,
    unique (store, url)
) strict;

-- What a store says of itself, a JSON document a topic: look …
create table store_settings (
    store text not null,
    topic text not null,
    body text not null,
    primary key (store, topic)
) strict;

-- Staff. A person belongs to stores by a role in each; who runs the installation is owner everywhere.
create table people (
    id integer primary key,
    email text not null unique, -- lower case
    name text not null,
    password text not null, -- argon2id
    installation integer not null default 0,
    made_at integer not null
) strict;
create table members (
    store text not null,
    person integer not null references people (id) on delete cascade,
    role text not null check (role in ('owner', 'support', 'viewer')),
    primary key (store, person)
) strict;
create index members_by_person on members (person);

create table sessions (
    hash text primary key, -- SHA-256 of what the cookie holds
    person integer not null references people (id) on delete cascade,
    made_at integer not null,
    seen_at integer not null,
    ends_at integer not null,
    agent text not null
) strict;
create index sessions_by_person on sessions (person);

-- One-time links: to set an installation up (no store), to join a store, to choose a new password.
create table invitations (
    hash text primary key,
    kind text not null check (kind in ('set_up', 'join', 'password')),
    store text not null default '',
    role text not null default '',
    email text not null default '',
    made_by text not null,
    made_at integer not null,
    ends_at integer not null
) strict;

-- A policy that is being edited; publishing it makes it the next version.
create table drafts (
    store text primary key,
    body text not null,
    revision integer not null, -- grows with each change: two people don't overwrite each other
    changed_at integer not null,
    changed_by text not null
) strict;
alter table policies add column published_by text not null default '';
alter table policies add column note text not null default '';

-- On which pages the widget was seen.
create table seen (
    store text not null,
    origin text not null,
    first_at integer not null,
    last_at integer not null,
    primary key (store, origin)
) strict;

-- Orders by anything a shopper may say, but for what is kept as a hash: number, city, titles, SKUs.
create table searchable (
    id integer primary key,
    store text not null,
    order_id text not null,
    unique (store, order_id)
) strict;
create virtual table order_words using fts5 (words, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3');
create index orders_by_placed on orders (store, (facts ->> '$.placed_at'));
create index orders_by_email on orders (store, email_hash);
create index orders_by_postal_code on orders (store, postal_code);
create trigger orders_searched after insert on orders begin
    insert into searchable (store, order_id) values (new.store, new.id);
    insert into order_words (rowid, words)
    select s.id, new.number || ' ' || coalesce(new.facts ->> '$.number', '') || ' ' || coalesce(new.facts ->> '$.destination.city', '') || ' '
        || coalesce((select group_concat(coalesce(l.value ->> '$.title', '') || ' ' || coalesce(l.value ->> '$.variant', '') || ' ' || coalesce(l.value ->> '$.sku', ''), ' ')
            from json_each(new.facts, '$.lines') l), '')
    from searchable s where s.store = new.store and s.order_id = new.id;
end;
-- Not "or replace": in a trigger of an upsert that is not obeyed.
create trigger orders_searched_again after update of facts on orders when new.facts <> old.facts begin
    delete from order_words where rowid = (select id from searchable where store = new.store and order_id = new.id);
    insert into order_words (rowid, words)
    select s.id, new.number || ' ' || coalesce(new.facts ->> '$.number', '') || ' ' || coalesce(new.facts ->> '$.destination.city', '') || ' '
        || coalesce((select group_concat(coalesce(l.value ->> '$.title', '') || ' ' || coalesce(l.value ->> '$.variant', '') || ' ' || coalesce(l.value ->> '$.sku', ''), ' ')
            from json_each(new.facts, '$.lines') l), '')
    from searchable s where s.store = new.store and s.order_id = new.id;
end;
create trigger orders_forgotten after delete on orders begin
    delete from order_words where rowid = (select id from searchable where store = old.store and order_id = old.id);
    delete from searchable where store = old.store and order_id = old.id;
end;
insert into searchable (store, order_id) select store, id from orders;
insert into order_words (rowid, words)
select s.id, o.number || ' ' || coalesce(o.facts ->> '$.number', '') || ' ' || coalesce(o.facts ->> '$.destination.city', '') || ' '
    || coalesce((select group_concat(coalesce(l.value ->> '$.title', '') || ' ' || coalesce(l.value ->> '$.variant', '') || ' ' || coalesce(l.value ->> '$.sku', ''), ' ')
        from json_each(o.facts, '$.lines') l), '')
from searchable s join orders o on o.store = s.store and o.id = s.order_id;
