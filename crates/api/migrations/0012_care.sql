-- Help after the purchase. None of this can be made anew from the events: it is said to us, or decided by the store.

create table care_settings (
    store text primary key,
    version integer not null,
    updated_at integer not null,
    body text not null
) strict;

-- Reports of something wrong; what happened to each stands in report_events.
create table reports (
    id text primary key,
    store text not null,
    order_id text not null,
    kind text not null,
    state text not null,
    opened_at integer not null,
    updated_at integer not null,
    due_at integer, -- when the clock looks at it again
    area text, -- country and the beginning of the postal code, of thefts
    key text not null, -- the sender's own: the same report sent twice is one
    body text not null,
    unique (store, order_id, key)
) strict;
create index reports_by_order on reports (store, order_id, opened_at);
create index reports_by_state on reports (store, state, updated_at);
create index reports_due on reports (due_at) where due_at is not null;
create index reports_by_area on reports (store, area) where area is not null;

create table report_events (
    report text not null references reports (id) on delete cascade,
    seq integer not null,
    at integer not null,
    actor text not null, -- shopper, store, clock
    action text not null,
    state text not null, -- after it
    note text not null, -- JSON
    key text, -- the sender's own
    primary key (report, seq)
) strict;

create table report_photos (
    id text primary key, -- random: not to be guessed
    report text not null references reports (id) on delete cascade,
    seq integer not null,
    kind text not null, -- image/jpeg, image/png, image/webp
    hash text not null,
    added_at integer not null,
    bytes blob not null,
    unique (report, hash)
) strict;

-- How it went: one row an order, also for a question that was waved away.
create table feedback (
    store text not null,
    order_id text not null,
    at integer not null,
    score integer, -- 0 to 10; absent: not answered
    comment text not null,
    language text not null,
    primary key (store, order_id)
) strict;
create index feedback_by_store on feedback (store, at);

-- Said yes or no to being told: every word of it stays, the newest counts.
create table opt_ins (
    id integer primary key,
    store text not null,
    order_id text not null,
    channel text not null, -- email, sms, push
    address text, -- where to; absent for push, and once withdrawn
    given integer not null, -- 1 yes, 0 no
    at integer not null,
    language text not null,
    words text not null -- what was read and agreed to
) strict;
create index opt_ins_by_order on opt_ins (store, order_id, channel, id);

-- Browsers that want to hear of an order.
create table subscriptions (
    id text primary key, -- a hash of store, order and endpoint
    store text not null,
    order_id text not null,
    endpoint text not null,
    p256dh text not null,
    auth text not null,
    language text not null,
    made_at integer not null,
    failures integer not null default 0
) strict;
create index subscriptions_by_order on subscriptions (store, order_id);

-- Messages to browsers, until they are delivered or given up: written with the change that they tell of.
create table pushes (
    id text primary key, -- the same change has the same id
    subscription text not null references subscriptions (id) on delete cascade,
    body text not null,
    made_at integer not null,
    due_at integer, -- absent: sent, or given up
    attempts integer not null default 0,
    sent_at integer,
    error text
) strict;
create index pushes_due on pushes (due_at) where due_at is not null;

-- The key that messages to browsers are signed with: made once, for browsers remember it.
create table push_keys (
    one integer primary key check (one = 1),
    made_at integer not null,
    secret blob not null
) strict;
