-- What is under way is read together: it lies together, not each with its order among a million.
drop index insight_orders_waited_for;
create index insight_orders_under_way on insight_orders (store, order_id, outcome) where waited_for = 1;
