-- What belongs to an order, in the order that it is asked for: else the planner takes the primary key, whose order it is, and reads the whole store.
drop index fulfillments_by_order;
create index fulfillments_by_order on fulfillments (store, order_id, id);
drop index parcels_by_order;
create index parcels_by_order on parcels (store, order_id, tracking_number);
drop index orders_by_email;
create index orders_by_email on orders (store, email_hash, (facts ->> '$.placed_at'));
drop index orders_by_postal_code;
create index orders_by_postal_code on orders (store, postal_code, (facts ->> '$.placed_at'));
drop index orders_by_number;
create index orders_by_number on orders (store, number, id);
