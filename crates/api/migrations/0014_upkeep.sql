-- Events that were read before it was noted which orders and parcels they are about (schema 1) are read once more: reading twice is
-- harmless, and erasing a shopper must find them.
insert or ignore into again
select e.id from events e
where e.state not in (2, 3) and e.id <= (select projected from progress)
    and not exists (select 1 from event_subjects s where s.event = e.id)
    and not exists (select 1 from requests r where r.event = e.id);
-- So are those of orders that were read before the shopper's address was kept for messages (schema 5 and older).
insert or ignore into again
select s.event from event_subjects s join events e on e.id = s.event
where s.kind = 'order' and e.state not in (2, 3) and e.id <= (select projected from progress)
    and not exists (select 1 from contacts c where c.store = s.store and c.order_id = s.id);
delete from problems where event in (select event from again);
