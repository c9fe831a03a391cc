-- What came in, as it came in; everything below it but policies, delays and the promise ledger can be made anew from it.
create table events (
    id integer primary key,
    store text not null,
    source text not null,
    topic text,
    event_id text not null,
    received_at integer not null,
    body blob not null,
    state integer not null default 0, -- 0 to be projected, 1 projected, 2 set aside
    unique (store, source, event_id)
) strict;
create index events_to_project on events (id) where state = 0;

create table problems (
    id integer primary key,
    store text not null,
    event integer not null references events (id),
    kind text not null,
    field text,
    code text,
    message text not null
) strict;
create index problems_by_store on problems (store, id);

create table policies (
    store text not null,
    version integer not null,
    published_at integer not null,
    body text not null,
    primary key (store, version)
) strict;

create table delays (
    store text not null,
    id text not null,
    body text not null,
    primary key (store, id)
) strict;

create table orders (
    store text not null,
    id text not null,
    number text not null,
    email_hash text,
    postal_code text,
    updated_at text not null,
    open integer not null,
    facts text not null, -- without email and phone
    primary key (store, id)
) strict;
create index orders_by_number on orders (store, number);

create table fulfillments (
    store text not null,
    id text not null,
    order_id text not null,
    updated_at text not null,
    facts text not null,
    primary key (store, id)
) strict;
create index fulfillments_by_order on fulfillments (store, order_id);

-- Which order a parcel belongs to, as far as any source says.
create table parcels (
    store text not null,
    tracking_number text not null,
    order_id text not null,
    primary key (store, tracking_number, order_id)
) strict;
create index parcels_by_order on parcels (store, order_id);

-- What each payload said about a parcel; folded to its state when read.
create table parcel_parts (
    store text not null,
    tracking_number text not null,
    hash text not null,
    facts text not null,
    primary key (store, tracking_number, hash)
) strict;

create table documents (
    store text not null,
    order_id text not null,
    version integer not null,
    body text not null,
    primary key (store, order_id)
) strict;

-- The promise ledger: append-only.
create table promises (
    store text not null,
    order_id text not null,
    made_at integer not null,
    recorded_at integer not null,
    policy_version integer not null,
    method text not null,
    window_from text,
    window_to text,
    confidence integer not null,
    request text not null,
    offer text not null,
    shown text, -- what the page says it showed
    language text,
    primary key (store, order_id)
) strict;
create trigger promises_are_kept before update on promises begin select raise(abort, 'the promise ledger is append-only'); end;
