-- Parcels whose carrier is asked, and when next.
create table polls (
    store text not null,
    tracking_number text not null,
    poller text not null, -- ups, fedex …
    known_since integer not null,
    due_at integer not null,
    checked_at integer, -- when the carrier last answered
    failures integer not null default 0,
    error text,
    primary key (store, tracking_number)
) strict;
create index polls_due on polls (poller, store, due_at);

-- What a store's account at a carrier may be asked: its budget and its circuit breaker survive a restart.
create table pollers (
    store text not null,
    poller text not null,
    next_at_ms integer not null default 0, -- not before: the budget, or the pause after failures
    failures integer not null default 0, -- in a row
    error text,
    answered_at integer,
    primary key (store, poller)
) strict;

-- Numbers of one parcel: a hand-over to another carrier is one journey. Both ways.
create table parcel_aliases (
    store text not null,
    tracking_number text not null,
    alias text not null,
    primary key (store, tracking_number, alias)
) strict;
