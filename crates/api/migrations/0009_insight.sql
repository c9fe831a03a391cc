-- What can be learned: figures by day and dimension, kept up with every change, so that no page counts orders.
create table insight (
    store text not null,
    dimension text not null, -- all, carrier, origin, method, place, lane, confidence, area, look, contact
    day integer not null, -- since 1970; lanes: a Monday, areas: a first of the month
    key text not null,
    live integer not null, -- 1: of orders that are kept, can be made anew from them; 0: counted once, of what may be forgotten since
    figures text not null, -- counts by name, JSON
    primary key (store, dimension, day, key, live)
) strict, without rowid;

-- What each kept order counts as: taken away before it counts as something else.
create table insight_orders (
    store text not null,
    order_id text not null,
    outcome text not null, -- JSON, neither name nor address
    primary key (store, order_id)
) strict, without rowid;

-- On which days an order's page was looked at.
create table looks (
    store text not null,
    order_id text not null,
    day integer not null,
    how integer not null, -- bits: 1 document, 2 hosted page, 4 live, 8 look-up
    primary key (store, order_id, day)
) strict, without rowid;
create index looks_by_day on looks (store, day);

-- Contacts that the store's support had, as its tools tell; without a word of what was said.
create table contact_log (
    store text not null,
    id text not null, -- the tool's own
    at integer not null,
    order_id text,
    reason text not null,
    channel text not null,
    counted text not null, -- where it counts, JSON: taken away when the tool corrects it
    primary key (store, id)
) strict;
create index contact_log_by_order on contact_log (store, order_id) where order_id is not null;
create index contact_log_by_time on contact_log (store, at);

-- What a store told about itself for its figures.
create table insight_settings (
    store text primary key,
    contacts_per_100_orders real, -- before it had this: what "avoided" is measured by
    note text not null default ''
) strict;

-- Scorecards that were shared: a link opens one until it ends.
create table shared_links (
    id text primary key,
    store text not null,
    dimension text not null, -- carrier, origin
    key text not null,
    days integer not null, -- how far back it shows
    made_at integer not null,
    made_by text not null,
    expires_at integer not null,
    revoked_at integer
) strict;
create index shared_links_by_store on shared_links (store, made_at);

-- Orders whose documents still move with time.
alter table documents add column open integer not null default 1;
update documents set open = 0 where json_extract(body, '$.status') in ('delivered', 'cancelled');
create index documents_open on documents (store, order_id) where open = 1;
