-- Which orders and parcels an event was about: what is redacted with them.
create table event_subjects (
    event integer not null references events (id) on delete cascade,
    store text not null,
    kind text not null, -- order, parcel
    id text not null,
    primary key (store, kind, id, event)
) strict;

-- What a platform says of a fulfillment as a whole, without naming a parcel.
create table fulfillment_scans (
    store text not null,
    fulfillment_id text not null,
    hash text not null,
    facts text not null, -- a checkpoint
    primary key (store, fulfillment_id, hash)
) strict;

-- Compliance requests of the platforms.
create table requests (
    event integer primary key,
    store text not null,
    topic text not null,
    orders text not null, -- ids, as a JSON list
    email_hash text,
    received_at integer not null,
    done_at integer
) strict;

-- Events of state 3 are redacted: their bodies are gone, they are never projected again.

-- Outbound webhooks: durable with the change that they tell of, sent afterwards.
create table outbox (
    id text primary key,
    store text not null,
    endpoint text not null, -- a hash of its address
    order_id text not null,
    kind text not null,
    body text not null,
    made_at integer not null,
    due_at integer, -- absent: sent, or given up
    attempts integer not null default 0,
    sent_at integer,
    error text
) strict;
create index outbox_due on outbox (due_at) where due_at is not null;
create index outbox_by_store on outbox (store, made_at);

-- An order's oldest version: what the promise was made for. It may arrive after a newer one.
alter table orders add column first_updated_at text not null default '';
alter table orders add column first_facts text not null default '';
update orders set first_updated_at = updated_at, first_facts = facts;

-- The ledger takes a second record of an order where an older version of it turns up: the last one counts, all are kept.
create table ledger (
    store text not null,
    order_id text not null,
    seq integer not null,
    basis text not null, -- the order version's updated_at
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
    primary key (store, order_id, seq)
) strict;
insert into ledger select store, order_id, 1, '', made_at, recorded_at, policy_version, method, window_from, window_to, confidence, request, offer, shown, language from promises;
drop table promises;
alter table ledger rename to promises;
create trigger promises_are_kept before update on promises begin select raise(abort, 'the promise ledger is append-only'); end;
