-- Messages to browsers are messages like any other: what still waits goes on in their queue.
insert or ignore into messages (id, store, order_id, channel, notice, subject, rule, recipient, language, made_at, due_at)
    select 'msg_' || p.id, s.store, s.order_id, 'push', case p.body ->> '$.status'
            when 'in_transit' then 'shipped' when 'available_for_pickup' then 'ready_to_collect' else p.body ->> '$.status' end,
        (p.body ->> '$.shipment') || '|', case p.body ->> '$.status'
            when 'in_transit' then 'shipped' when 'available_for_pickup' then 'ready-to-collect' else replace(p.body ->> '$.status', '_', '-') end || '-push',
        s.id, s.language, p.made_at, p.due_at
    from pushes p join subscriptions s on s.id = p.subscription
    where p.due_at is not null and p.body ->> '$.status' in ('in_transit', 'out_for_delivery', 'available_for_pickup', 'attempt_failed', 'delivered');
drop table pushes;
