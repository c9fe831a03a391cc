-- Messages to people, on any channel, until they are sent, dropped or given up: written with the change that they tell of.
create table messages (
    id text primary key, -- of what it tells and to whom: the same message has the same id
    store text not null,
    order_id text, -- absent: not about an order
    channel text not null, -- mail, sms, push, hook:<name>
    notice text not null,
    subject text not null default '', -- what of the order: a parcel, a window, a report
    rule text not null default '', -- empty: a letter that somebody asked for
    recipient text not null default '', -- a hash of the address
    sealed blob, -- address and values that no order gives; emptied when it is sent
    language text,
    made_at integer not null,
    due_at integer, -- absent: done
    state text not null default 'waiting', -- waiting, sending, sent, dropped, failed, unknown
    attempts integer not null default 0,
    sent_at integer,
    reason text, -- why it was dropped, or the last error
    sent_with text, -- told in one message with that one
    provider_id text,
    window_to text -- the last day that it told
) strict;
create index messages_due on messages (due_at) where due_at is not null;
create index messages_by_order on messages (store, order_id);
create index messages_by_recipient on messages (store, recipient, sent_at);
create index messages_by_store on messages (store, made_at);

-- How an order's shopper is reached: sealed with the store's key, gone with the order.
create table contacts (
    store text not null,
    order_id text not null,
    updated_at text not null,
    sealed blob not null,
    email_hash text,
    phone_hash text,
    language text,
    primary key (store, order_id)
) strict;
create index contacts_by_email on contacts (store, email_hash);

-- What was agreed to or withdrawn: append-only, the last one counts.
create table consents (
    id integer primary key,
    store text not null,
    channel text not null,
    address text not null, -- a hash
    granted integer not null,
    source text not null, -- checkout, order_page, merchant, unsubscribe, stop …
    words text, -- what was agreed to, as it was shown
    at integer not null
) strict;
create index consents_by_address on consents (store, channel, address, id);

-- Addresses that are not written to.
create table suppressions (
    store text not null,
    channel text not null,
    address text not null, -- a hash
    hint text, -- enough to recognise it by: a…@example.com
    reason text not null, -- unsubscribed, stop, bounced, complained, merchant
    at integer not null,
    primary key (store, channel, address)
) strict;

create table message_rules (
    store text primary key,
    body text not null,
    updated_at integer not null
) strict;

-- Merchants' own words.
create table message_templates (
    store text not null,
    notice text not null,
    language text not null,
    body text not null,
    updated_at integer not null,
    primary key (store, notice, language)
) strict;
