-- What was learned from a store's deliveries, by version: held from its moment on, where the policy says that it is applied.
create table learned (
    store text not null,
    version integer not null,
    made_at integer not null,
    body text not null, -- distributions by origin and lane, JSON
    primary key (store, version)
) strict;

-- The version that a promise was made with; 0: none.
alter table promises add column learned_version integer not null default 0;

-- What is counted of each order, by version of the counting; and whether something of it is still under way.
alter table insight_orders add column counts integer not null default 0;
alter table insight_orders add column waited_for integer not null default 0;
create index insight_orders_waited_for on insight_orders (store, order_id) where waited_for = 1;
