-- What wants to be looked at is counted on the console's first page: by what is left, not by all that ever was.
create index events_set_aside on events (store, id) where state = 2;
create index outbox_given_up on outbox (store) where due_at is null and sent_at is null;
