-- Delays found in a store's own scans, one row a finding; its notice holds once it is applied.
create table incidents (
    store text not null,
    id text not null, -- the notice's
    state text not null check (state in ('proposed', 'applied', 'dismissed', 'ended')),
    found_at integer not null,
    arrived integer not null,
    expected integer not null,
    notice text not null,
    scope text not null, -- the group of parcels that it was found in
    primary key (store, id)
) strict;

-- How long scans let one wait, by lane: counted anew from time to time.
create table scan_gaps (
    store text not null,
    scope text not null,
    counts text not null, -- by six working hours, as a JSON list
    primary key (store, scope)
) strict;

-- The known delays that an order was placed under, as they were shown.
alter table promises add column delays text not null default '[]';

-- The promise ledger is append-only: nothing of it is deleted, but when a person or a store is to be forgotten.
create table redacting (one integer primary key check (one = 1)) strict;
create trigger promises_are_not_deleted before delete on promises when not exists (select 1 from redacting)
begin select raise(abort, 'the promise ledger is append-only'); end;
