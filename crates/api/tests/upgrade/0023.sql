-- A database at schema version 23. A record: never changed.
pragma foreign_keys = off; -- rows come table by table
CREATE TABLE events (
    id integer primary key,
    store text not null,
    source text not null,
    topic text,
    event_id text not null,
    received_at integer not null,
    body blob not null,
    state integer not null default 0, -- 0 to be projected, 1 projected, 2 set aside
    unique (store, source, event_id)
) strict;
CREATE TABLE problems (
    id integer primary key,
    store text not null,
    event integer not null references events (id),
    kind text not null,
    field text,
    code text,
    message text not null
) strict;
CREATE TABLE policies (
    store text not null,
    version integer not null,
    published_at integer not null,
    body text not null, published_by text not null default '', note text not null default '',
    primary key (store, version)
) strict;
CREATE TABLE delays (
    store text not null,
    id text not null,
    body text not null,
    primary key (store, id)
) strict;
CREATE TABLE orders (
    store text not null,
    id text not null,
    number text not null,
    email_hash text,
    postal_code text,
    updated_at text not null,
    open integer not null,
    facts text not null, first_updated_at text not null default '', first_facts text not null default '', -- without email and phone
    primary key (store, id)
) strict;
CREATE TABLE fulfillments (
    store text not null,
    id text not null,
    order_id text not null,
    updated_at text not null,
    facts text not null,
    primary key (store, id)
) strict;
CREATE TABLE parcels (
    store text not null,
    tracking_number text not null,
    order_id text not null,
    primary key (store, tracking_number, order_id)
) strict;
CREATE TABLE parcel_parts (
    store text not null,
    tracking_number text not null,
    hash text not null,
    facts text not null,
    primary key (store, tracking_number, hash)
) strict;
CREATE TABLE documents (
    store text not null,
    order_id text not null,
    version integer not null,
    body text not null, open integer not null default 1,
    primary key (store, order_id)
) strict;
CREATE TABLE event_subjects (
    event integer not null references events (id) on delete cascade,
    store text not null,
    kind text not null, -- order, parcel
    id text not null,
    primary key (store, kind, id, event)
) strict;
CREATE TABLE fulfillment_scans (
    store text not null,
    fulfillment_id text not null,
    hash text not null,
    facts text not null, -- a checkpoint
    primary key (store, fulfillment_id, hash)
) strict;
CREATE TABLE requests (
    event integer primary key,
    store text not null,
    topic text not null,
    orders text not null, -- ids, as a JSON list
    email_hash text,
    received_at integer not null,
    done_at integer
) strict;
CREATE TABLE outbox (
    id text primary key,
    store text not null,
    endpoint text not null, -- a hash of its address
    order_id text not null,
    kind text not null,
    body text not null,
    made_at integer not null,
    due_at integer, -- absent: sent, or given up
    attempts integer not null default 0,
    sent_at integer,
    error text
) strict;
CREATE TABLE "promises" (
    store text not null,
    order_id text not null,
    seq integer not null,
    basis text not null, -- the order version's updated_at
    made_at integer not null,
    recorded_at integer not null,
    policy_version integer not null,
    method text not null,
    window_from text,
    window_to text,
    confidence integer not null,
    request text not null,
    offer text not null,
    shown text, -- what the page says it showed
    language text, delays text not null default '[]', learned_version integer not null default 0,
    primary key (store, order_id, seq)
) strict;
CREATE TABLE polls (
    store text not null,
    tracking_number text not null,
    poller text not null, -- ups, fedex …
    known_since integer not null,
    due_at integer not null,
    checked_at integer, -- when the carrier last answered
    failures integer not null default 0,
    error text, pushed_until integer not null default 0, push_at integer not null default 0,
    primary key (store, tracking_number)
) strict;
CREATE TABLE pollers (
    store text not null,
    poller text not null,
    next_at_ms integer not null default 0, -- not before: the budget, or the pause after failures
    failures integer not null default 0, -- in a row
    error text,
    answered_at integer,
    primary key (store, poller)
) strict;
CREATE TABLE parcel_aliases (
    store text not null,
    tracking_number text not null,
    alias text not null,
    primary key (store, tracking_number, alias)
) strict;
CREATE TABLE progress (
    one integer primary key check (one = 1),
    projected integer not null -- all events up to this one
) strict;
CREATE TABLE again (
    event integer primary key references events (id) on delete cascade
) strict;
CREATE TABLE audit (
    id integer primary key,
    store text not null,
    at integer not null,
    actor text not null, -- a staff member's name, "admin key", "command"
    action text not null, -- policy.publish, shopper.erase …
    subject text not null, -- what it was done to: an order's id, a policy's version; never an email
    detail text not null -- JSON
) strict;
CREATE TABLE messages (
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
, counted_day integer) strict;
CREATE TABLE contacts (
    store text not null,
    order_id text not null,
    updated_at text not null,
    sealed blob not null,
    email_hash text,
    phone_hash text,
    language text,
    primary key (store, order_id)
) strict;
CREATE TABLE consents (
    id integer primary key,
    store text not null,
    channel text not null,
    address text not null, -- a hash
    granted integer not null,
    source text not null, -- checkout, order_page, merchant, unsubscribe, stop …
    words text, -- what was agreed to, as it was shown
    at integer not null
) strict;
CREATE TABLE suppressions (
    store text not null,
    channel text not null,
    address text not null, -- a hash
    hint text, -- enough to recognise it by: a…@example.com
    reason text not null, -- unsubscribed, stop, bounced, complained, merchant
    at integer not null,
    primary key (store, channel, address)
) strict;
CREATE TABLE message_rules (
    store text primary key,
    body text not null,
    updated_at integer not null
) strict;
CREATE TABLE message_templates (
    store text not null,
    notice text not null,
    language text not null,
    body text not null,
    updated_at integer not null,
    primary key (store, notice, language)
) strict;
CREATE TABLE stores (
    id text primary key,
    name text not null,
    url text,
    support_url text,
    lookup_secret text not null,
    made_at integer not null
) strict;
CREATE TABLE store_keys (
    id integer primary key,
    store text not null,
    kind text not null check (kind in ('admin', 'token', 'webhook')),
    source text not null default '', -- webhook: shopify, easypost …
    secret text not null, -- of an admin key: its SHA-256, in hex
    hint text not null, -- the last characters, to tell them apart
    made_at integer not null,
    made_by text not null
) strict;
CREATE TABLE store_endpoints (
    id integer primary key,
    store text not null,
    url text not null,
    secret text not null,
    events text not null, -- kinds, as a JSON list; empty: all
    made_at integer not null,
    unique (store, url)
) strict;
CREATE TABLE store_settings (
    store text not null,
    topic text not null,
    body text not null,
    primary key (store, topic)
) strict;
CREATE TABLE people (
    id integer primary key,
    email text not null unique, -- lower case
    name text not null,
    password text not null, -- argon2id
    installation integer not null default 0,
    made_at integer not null
) strict;
CREATE TABLE members (
    store text not null,
    person integer not null references people (id) on delete cascade,
    role text not null check (role in ('owner', 'support', 'viewer')),
    primary key (store, person)
) strict;
CREATE TABLE sessions (
    hash text primary key, -- SHA-256 of what the cookie holds
    person integer not null references people (id) on delete cascade,
    made_at integer not null,
    seen_at integer not null,
    ends_at integer not null,
    agent text not null
) strict;
CREATE TABLE invitations (
    hash text primary key,
    kind text not null check (kind in ('set_up', 'join', 'password')),
    store text not null default '',
    role text not null default '',
    email text not null default '',
    made_by text not null,
    made_at integer not null,
    ends_at integer not null
) strict;
CREATE TABLE drafts (
    store text primary key,
    body text not null,
    revision integer not null, -- grows with each change: two people don't overwrite each other
    changed_at integer not null,
    changed_by text not null
) strict;
CREATE TABLE seen (
    store text not null,
    origin text not null,
    first_at integer not null,
    last_at integer not null,
    primary key (store, origin)
) strict;
CREATE TABLE searchable (
    id integer primary key,
    store text not null,
    order_id text not null,
    unique (store, order_id)
) strict;
CREATE VIRTUAL TABLE order_words using fts5 (words, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2", prefix = '2 3');
CREATE TABLE insight (
    store text not null,
    dimension text not null, -- all, carrier, origin, method, place, lane, confidence, area, look, contact
    day integer not null, -- since 1970; lanes: a Monday, areas: a first of the month
    key text not null,
    live integer not null, -- 1: of orders that are kept, can be made anew from them; 0: counted once, of what may be forgotten since
    figures text not null, -- counts by name, JSON
    primary key (store, dimension, day, key, live)
) strict, without rowid;
CREATE TABLE insight_orders (
    store text not null,
    order_id text not null,
    outcome text not null, counts integer not null default 0, waited_for integer not null default 0, -- JSON, neither name nor address
    primary key (store, order_id)
) strict, without rowid;
CREATE TABLE looks (
    store text not null,
    order_id text not null,
    day integer not null,
    how integer not null, -- bits: 1 document, 2 hosted page, 4 live, 8 look-up
    primary key (store, order_id, day)
) strict, without rowid;
CREATE TABLE contact_log (
    store text not null,
    id text not null, -- the tool's own
    at integer not null,
    order_id text,
    reason text not null,
    channel text not null,
    counted text not null, -- where it counts, JSON: taken away when the tool corrects it
    primary key (store, id)
) strict;
CREATE TABLE insight_settings (
    store text primary key,
    contacts_per_100_orders real, -- before it had this: what "avoided" is measured by
    note text not null default ''
) strict;
CREATE TABLE shared_links (
    id text primary key,
    store text not null,
    dimension text not null, -- carrier, origin
    key text not null,
    days integer not null, -- how far back it shows
    made_at integer not null,
    made_by text not null,
    expires_at integer not null,
    revoked_at integer
) strict;
CREATE TABLE incidents (
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
CREATE TABLE scan_gaps (
    store text not null,
    scope text not null,
    counts text not null, -- by six working hours, as a JSON list
    primary key (store, scope)
) strict;
CREATE TABLE redacting (one integer primary key check (one = 1)) strict;
CREATE TABLE care_settings (
    store text primary key,
    version integer not null,
    updated_at integer not null,
    body text not null
) strict;
CREATE TABLE reports (
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
CREATE TABLE report_events (
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
CREATE TABLE report_photos (
    id text primary key, -- random: not to be guessed
    report text not null references reports (id) on delete cascade,
    seq integer not null,
    kind text not null, -- image/jpeg, image/png, image/webp
    hash text not null,
    added_at integer not null,
    bytes blob not null,
    unique (report, hash)
) strict;
CREATE TABLE feedback (
    store text not null,
    order_id text not null,
    at integer not null,
    score integer, -- 0 to 10; absent: not answered
    comment text not null,
    language text not null,
    primary key (store, order_id)
) strict;
CREATE TABLE opt_ins (
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
CREATE TABLE subscriptions (
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
CREATE TABLE push_keys (
    one integer primary key check (one = 1),
    made_at integer not null,
    secret blob not null
) strict;
CREATE TABLE delay_options (
    id text primary key,
    store text not null,
    order_id text not null,
    nth integer not null, -- 1: the first of an order; further ones need express consent
    law text not null, -- us, eu
    promised text not null,
    revised_from text,
    revised_to text, -- absent: no date can be given
    reason text,
    silence text not null, -- consents, cancels, nothing
    until text, -- the last day to answer
    state text not null default 'draft', -- draft, sent, dismissed, waits, cancelled, deemed_waits, deemed_cancelled, closed
    made_at integer not null,
    sent_at integer,
    answered_at integer,
    unique (store, order_id, nth)
) strict;
CREATE TABLE learned (
    store text not null,
    version integer not null,
    made_at integer not null,
    body text not null, -- distributions by origin and lane, JSON
    primary key (store, version)
) strict;
CREATE TABLE code_meanings (
    store text not null,
    source text not null,
    code text not null,
    status text not null,
    sub_status text,
    said_at integer not null,
    said_by text not null,
    primary key (store, source, code)
) strict;
CREATE TABLE passkeys (
    id integer primary key,
    credential text not null unique, -- as the authenticator names it: base64url
    person integer not null references people (id) on delete cascade,
    name text not null,
    key blob not null, -- public: SubjectPublicKeyInfo, DER
    count integer not null, -- of signatures, as far as the authenticator tells
    made_at integer not null,
    used_at integer
) strict;
CREATE TABLE devices (
    hash text primary key, -- SHA-256 of what the cookie holds
    person integer not null references people (id) on delete cascade,
    used_at integer not null
) strict;
CREATE TABLE chores (
    name text primary key -- what is still to be done once, after a migration
) strict;
CREATE INDEX problems_by_store on problems (store, id);
CREATE INDEX outbox_due on outbox (due_at) where due_at is not null;
CREATE INDEX outbox_by_store on outbox (store, made_at);
CREATE INDEX polls_due on polls (poller, store, due_at);
CREATE INDEX audit_by_store on audit (store, id);
CREATE INDEX messages_due on messages (due_at) where due_at is not null;
CREATE INDEX messages_by_order on messages (store, order_id);
CREATE INDEX messages_by_recipient on messages (store, recipient, sent_at);
CREATE INDEX messages_by_store on messages (store, made_at);
CREATE INDEX contacts_by_email on contacts (store, email_hash);
CREATE INDEX consents_by_address on consents (store, channel, address, id);
CREATE INDEX store_keys_by_store on store_keys (store, kind, id);
CREATE INDEX members_by_person on members (person);
CREATE INDEX sessions_by_person on sessions (person);
CREATE INDEX orders_by_placed on orders (store, (facts ->> '$.placed_at'));
CREATE INDEX looks_by_day on looks (store, day);
CREATE INDEX contact_log_by_order on contact_log (store, order_id) where order_id is not null;
CREATE INDEX contact_log_by_time on contact_log (store, at);
CREATE INDEX shared_links_by_store on shared_links (store, made_at);
CREATE INDEX documents_open on documents (store, order_id) where open = 1;
CREATE INDEX events_set_aside on events (store, id) where state = 2;
CREATE INDEX outbox_given_up on outbox (store) where due_at is null and sent_at is null;
CREATE INDEX reports_by_order on reports (store, order_id, opened_at);
CREATE INDEX reports_by_state on reports (store, state, updated_at);
CREATE INDEX reports_due on reports (due_at) where due_at is not null;
CREATE INDEX reports_by_area on reports (store, area) where area is not null;
CREATE INDEX feedback_by_store on feedback (store, at);
CREATE INDEX opt_ins_by_order on opt_ins (store, order_id, channel, id);
CREATE INDEX subscriptions_by_order on subscriptions (store, order_id);
CREATE INDEX delay_options_open on delay_options (until) where state = 'sent';
CREATE INDEX problems_by_code on problems (store, code) where code is not null;
CREATE INDEX fulfillments_by_order on fulfillments (store, order_id, id);
CREATE INDEX parcels_by_order on parcels (store, order_id, tracking_number);
CREATE INDEX orders_by_email on orders (store, email_hash, (facts ->> '$.placed_at'));
CREATE INDEX orders_by_postal_code on orders (store, postal_code, (facts ->> '$.placed_at'));
CREATE INDEX orders_by_number on orders (store, number, id);
CREATE INDEX passkeys_by_person on passkeys (person);
CREATE INDEX devices_by_person on devices (person);
CREATE INDEX messages_by_utc on messages (id) where counted_day is null and state in ('sent', 'dropped', 'failed', 'unknown');
CREATE INDEX insight_orders_under_way on insight_orders (store, order_id, outcome) where waited_for = 1;
CREATE INDEX event_subjects_by_event on event_subjects (event);
CREATE TRIGGER promises_are_kept before update on promises begin select raise(abort, 'the promise ledger is append-only'); end;
CREATE TRIGGER audit_is_kept before update on audit begin select raise(abort, 'the audit log is append-only'); end;
CREATE TRIGGER orders_searched after insert on orders begin
    insert into searchable (store, order_id) values (new.store, new.id);
    insert into order_words (rowid, words)
    select s.id, new.number || ' ' || coalesce(new.facts ->> '$.number', '') || ' ' || coalesce(new.facts ->> '$.destination.city', '') || ' '
        || coalesce((select group_concat(coalesce(l.value ->> '$.title', '') || ' ' || coalesce(l.value ->> '$.variant', '') || ' ' || coalesce(l.value ->> '$.sku', ''), ' ')
            from json_each(new.facts, '$.lines') l), '')
    from searchable s where s.store = new.store and s.order_id = new.id;
end;
CREATE TRIGGER orders_searched_again after update of facts on orders when new.facts <> old.facts begin
    delete from order_words where rowid = (select id from searchable where store = new.store and order_id = new.id);
    insert into order_words (rowid, words)
    select s.id, new.number || ' ' || coalesce(new.facts ->> '$.number', '') || ' ' || coalesce(new.facts ->> '$.destination.city', '') || ' '
        || coalesce((select group_concat(coalesce(l.value ->> '$.title', '') || ' ' || coalesce(l.value ->> '$.variant', '') || ' ' || coalesce(l.value ->> '$.sku', ''), ' ')
            from json_each(new.facts, '$.lines') l), '')
    from searchable s where s.store = new.store and s.order_id = new.id;
end;
CREATE TRIGGER orders_forgotten after delete on orders begin
    delete from order_words where rowid = (select id from searchable where store = old.store and order_id = old.id);
    delete from searchable where store = old.store and order_id = old.id;
end;
CREATE TRIGGER promises_are_not_deleted before delete on promises when not exists (select 1 from redacting)
begin select raise(abort, 'the promise ledger is append-only'); end;
delete from progress;
insert or ignore into contacts (store, order_id, updated_at, sealed, email_hash, phone_hash, language) values ('demo', '1001', '2026-11-02T16:00:00Z', x'cf8d676e4ff6332fd25e3d7063aa49852adca67d88c744de8f6a968e601ae14d024938cad3f68683c9a8a9f524bbc58a0908dc7cd58b17b25bd1dbbe038261c644a73576', '47f6d2b9df4f20a204791fa9acfd3b4ebe64b66cd42ca1608b63f9413d502ca2', null, null);
insert or ignore into contacts (store, order_id, updated_at, sealed, email_hash, phone_hash, language) values ('demo', '1002', '2026-11-02T16:00:00Z', x'45e08aa17e249a877fc204de0804c94bf6aae845e2f84a96cd80ce9152151501a172ab71bea2051d1b3e39df973edeff69981be0f24159494602ec9f3816aedf8d39df1f', '47f6d2b9df4f20a204791fa9acfd3b4ebe64b66cd42ca1608b63f9413d502ca2', null, null);
insert or ignore into contacts (store, order_id, updated_at, sealed, email_hash, phone_hash, language) values ('demo', '1003', '2026-11-03T16:00:00Z', x'fb3d71920c396ebd1a9dd15864683fd7874fef77ba953255ae95800186f0eaa6d19eb07ab9f25c985fedc066c95625c97980eed0a16af913a910fcdf1db94e5bc25339e3', '47f6d2b9df4f20a204791fa9acfd3b4ebe64b66cd42ca1608b63f9413d502ca2', null, null);
insert or ignore into delay_options (id, store, order_id, nth, law, promised, revised_from, revised_to, reason, silence, until, state, made_at, sent_at, answered_at) values ('opt_d11d2178511730e0d74455afcb14ee69', 'demo', '1001', 1, 'us', '2026-11-10', '2026-12-01', '2026-12-07', null, 'consents', '2026-12-07', 'draft', 1795608000, null, null);
insert or ignore into delay_options (id, store, order_id, nth, law, promised, revised_from, revised_to, reason, silence, until, state, made_at, sent_at, answered_at) values ('opt_c619cc34050e1652ff8c7196a560d717', 'demo', '1002', 1, 'us', '2026-11-10', '2026-12-01', '2026-12-07', null, 'consents', '2026-12-07', 'draft', 1795608000, null, null);
insert or ignore into delay_options (id, store, order_id, nth, law, promised, revised_from, revised_to, reason, silence, until, state, made_at, sent_at, answered_at) values ('opt_ade21d9be43498b8f3d5ea4b9287d776', 'demo', '1003', 1, 'us', '2026-11-10', '2026-12-01', '2026-12-07', null, 'consents', '2026-12-07', 'draft', 1795608000, null, null);
insert or ignore into documents (store, order_id, version, body, open) values ('demo', '1001', 3, '{"version":0,"computed_at":"","store":{"id":"demo","name":"Fjord & Fern","url":null,"support_url":null},"number":"#1001","placed_at":"2026-11-02T10:00:00-06:00","status":"delivered","cancelled_at":null,"destination":{"city":"San Francisco","region":"CA","country":"US","utc_offset":null},"promise":{"from":"2026-11-05","to":"2026-11-10","confidence":90,"method":"standard","made_at":"2026-11-02T16:00:00Z"},"estimate":null,"shipments":[{"id":"9f4b2406426372c0","carrier":"ups","carrier_name":"UPS","carrier_phone":"+1 800 742 5877","service":null,"tracking_number":"1Z1001","tracking_url":"https://www.ups.com/track?tracknum=1Z1001","status":"delivered","sub_status":null,"shipped_at":"2026-11-03T12:00:00Z","delivered_at":"2026-11-05T11:00:00Z","last_scan_at":"2026-11-05T11:00:00Z","checked_at":null,"estimate":null,"signed_by":null,"attempts":0,"pickup":null,"items":[{"sku":"MUG-1","title":"Mug","variant":null,"quantity":2,"image":null}],"checkpoints":[{"time":"2026-11-05T11:00:00Z","status":"delivered","sub_status":null,"message":"delivered","location":"MEMPHIS, TN, US"},{"time":"2026-11-05T08:00:00Z","status":"out_for_delivery","sub_status":null,"message":"out_for_delivery","location":"MEMPHIS, TN, US"},{"time":"2026-11-03T12:00:00Z","status":"in_transit","sub_status":null,"message":"in_transit","location":"MEMPHIS, TN, US"}]}],"unshipped":[],"delays":[],"sentence":null,"care":{"help":true,"reports":true,"more":true,"ask":false,"ask_from":"2026-11-05T13:00:00Z","open":[]}}', 0);
insert or ignore into documents (store, order_id, version, body, open) values ('demo', '1002', 3, '{"version":0,"computed_at":"","store":{"id":"demo","name":"Fjord & Fern","url":null,"support_url":null},"number":"#1002","placed_at":"2026-11-02T10:00:00-06:00","status":"shipped","cancelled_at":null,"destination":{"city":"San Francisco","region":"CA","country":"US","utc_offset":null},"promise":{"from":"2026-11-05","to":"2026-11-10","confidence":90,"method":"standard","made_at":"2026-11-02T16:00:00Z"},"estimate":{"from":"2026-11-25","to":"2026-12-02","outlook":"late","quiet":true,"on_time":0,"steps":[{"kind":"shipped","day":"2026-11-03","name":"Memphis"},{"kind":"last_scan","day":"2026-11-03"},{"kind":"transit","days":[3,5],"name":"UPS Ground"},{"kind":"overdue","name":"UPS Ground"},{"kind":"holiday","day":"2026-11-11"},{"kind":"holiday","day":"2026-11-26"},{"kind":"late","day":"2026-11-10"}]},"shipments":[{"id":"38602336d2f6d012","carrier":"ups","carrier_name":"UPS","carrier_phone":"+1 800 742 5877","service":null,"tracking_number":"1Z1002","tracking_url":"https://www.ups.com/track?tracknum=1Z1002","status":"in_transit","sub_status":null,"shipped_at":"2026-11-03T12:00:00Z","delivered_at":null,"last_scan_at":"2026-11-03T12:00:00Z","checked_at":"2026-11-25T12:00:00Z","estimate":{"from":"2026-11-25","to":"2026-12-02","outlook":"late","quiet":true,"on_time":0,"steps":[{"kind":"shipped","day":"2026-11-03","name":"Memphis"},{"kind":"last_scan","day":"2026-11-03"},{"kind":"transit","days":[3,5],"name":"UPS Ground"},{"kind":"overdue","name":"UPS Ground"},{"kind":"holiday","day":"2026-11-11"},{"kind":"holiday","day":"2026-11-26"},{"kind":"late","day":"2026-11-10"}]},"signed_by":null,"attempts":0,"pickup":null,"items":[{"sku":"MUG-1","title":"Mug","variant":null,"quantity":2,"image":null}],"checkpoints":[{"time":"2026-11-03T12:00:00Z","status":"in_transit","sub_status":null,"message":"in_transit","location":"MEMPHIS, TN, US"}]}],"unshipped":[],"delays":[],"sentence":null,"care":{"help":true,"reports":true,"more":true,"ask":false,"ask_from":null,"open":[]}}', 1);
insert or ignore into documents (store, order_id, version, body, open) values ('demo', '1003', 2, '{"version":0,"computed_at":"","store":{"id":"demo","name":"Fjord & Fern","url":null,"support_url":null},"number":"#1003","placed_at":"2026-11-02T10:00:00-06:00","status":"cancelled","cancelled_at":"2026-11-03T10:00:00-06:00","destination":{"city":"San Francisco","region":"CA","country":"US","utc_offset":null},"promise":{"from":"2026-11-05","to":"2026-11-10","confidence":90,"method":"standard","made_at":"2026-11-02T16:00:00Z"},"estimate":null,"shipments":[],"unshipped":[{"sku":"MUG-1","title":"Mug","variant":null,"quantity":2,"image":null}],"delays":[],"sentence":null,"care":{"help":true,"reports":true,"more":true,"ask":false,"ask_from":null,"open":[]}}', 0);
insert or ignore into event_subjects (event, store, kind, id) values (1, 'demo', 'order', '1001');
insert or ignore into event_subjects (event, store, kind, id) values (2, 'demo', 'parcel', '1Z1001');
insert or ignore into event_subjects (event, store, kind, id) values (2, 'demo', 'order', '1001');
insert or ignore into event_subjects (event, store, kind, id) values (3, 'demo', 'parcel', '1Z1001');
insert or ignore into event_subjects (event, store, kind, id) values (3, 'demo', 'order', '1001');
insert or ignore into event_subjects (event, store, kind, id) values (4, 'demo', 'order', '1002');
insert or ignore into event_subjects (event, store, kind, id) values (5, 'demo', 'parcel', '1Z1002');
insert or ignore into event_subjects (event, store, kind, id) values (5, 'demo', 'order', '1002');
insert or ignore into event_subjects (event, store, kind, id) values (6, 'demo', 'parcel', '1Z1002');
insert or ignore into event_subjects (event, store, kind, id) values (6, 'demo', 'order', '1002');
insert or ignore into event_subjects (event, store, kind, id) values (7, 'demo', 'order', '1003');
insert or ignore into event_subjects (event, store, kind, id) values (8, 'demo', 'order', '1003');
insert or ignore into events (id, store, source, topic, event_id, received_at, body, state) values (1, 'demo', 'shopify', 'orders/create', 'o1001', 1795608000, x'7b226964223a313030312c226e616d65223a222331303031222c22637265617465645f6174223a22323032362d31312d30325431303a30303a30302d30363a3030222c22757064617465645f6174223a22323032362d31312d30325431303a30303a30302d30363a3030222c2263757272656e6379223a22555344222c22746f74616c5f7072696365223a2234302e3030222c22656d61696c223a22416461404578616d706c652e636f6d222c0a2020202020202020227368697070696e675f61646472657373223a7b226164647265737331223a22312053656372657420537472656574222c2266697273745f6e616d65223a22416461222c2263697479223a2253616e204672616e636973636f222c2270726f76696e63655f636f6465223a224341222c227a6970223a223934313033222c22636f756e7472795f636f6465223a225553227d2c0a2020202020202020227368697070696e675f6c696e6573223a5b7b22636f6465223a225374616e64617264222c227469746c65223a225374616e64617264227d5d2c226e6f74655f61747472696275746573223a5b7b226e616d65223a22776865726561626f7574735f70726f6d697365222c2276616c7565223a22547565203120e2809320546875203320446563227d5d2c0a2020202020202020226c696e655f6974656d73223a5b7b226964223a372c22736b75223a224d55472d31222c227469746c65223a224d7567222c227175616e74697479223a322c227072696365223a2232302e3030222c2272657175697265735f7368697070696e67223a747275657d5d7d', 0);
insert or ignore into events (id, store, source, topic, event_id, received_at, body, state) values (2, 'demo', 'shopify', 'fulfillments/create', 'f1001', 1795608000, x'7b226964223a31303031312c226f726465725f6964223a313030312c22737461747573223a2273756363657373222c22637265617465645f6174223a22323032362d31312d32345431303a30303a30305a222c22757064617465645f6174223a22323032362d31312d32345431303a30303a30305a222c22747261636b696e675f636f6d70616e79223a22555053222c0a202020202020202022747261636b696e675f6e756d62657273223a5b22315a31303031225d2c226c696e655f6974656d73223a5b7b226964223a372c22736b75223a224d55472d31222c227469746c65223a224d7567222c227175616e74697479223a327d5d7d', 0);
insert or ignore into events (id, store, source, topic, event_id, received_at, body, state) values (3, 'demo', 'easypost', 'tracker.updated', 'evt1001', 1795608000, x'7b226465736372697074696f6e223a22747261636b65722e75706461746564222c226964223a2265767431303031222c226f626a656374223a224576656e74222c22726573756c74223a7b2263617272696572223a22555053222c22737461747573223a2264656c697665726564222c22747261636b696e675f636f6465223a22315a31303031222c22747261636b696e675f64657461696c73223a5b7b226461746574696d65223a22323032362d31312d30335431323a30303a30305a222c226d657373616765223a22696e5f7472616e736974222c22737461747573223a22696e5f7472616e736974222c22747261636b696e675f6c6f636174696f6e223a7b2263697479223a224d454d50484953222c22636f756e747279223a225553222c227374617465223a22544e227d7d2c7b226461746574696d65223a22323032362d31312d30355430383a30303a30305a222c226d657373616765223a226f75745f666f725f64656c6976657279222c22737461747573223a226f75745f666f725f64656c6976657279222c22747261636b696e675f6c6f636174696f6e223a7b2263697479223a224d454d50484953222c22636f756e747279223a225553222c227374617465223a22544e227d7d2c7b226461746574696d65223a22323032362d31312d30355431313a30303a30305a222c226d657373616765223a2264656c697665726564222c22737461747573223a2264656c697665726564222c22747261636b696e675f6c6f636174696f6e223a7b2263697479223a224d454d50484953222c22636f756e747279223a225553222c227374617465223a22544e227d7d5d7d7d', 0);
insert or ignore into events (id, store, source, topic, event_id, received_at, body, state) values (4, 'demo', 'shopify', 'orders/create', 'o1002', 1795608000, x'7b226964223a313030322c226e616d65223a222331303032222c22637265617465645f6174223a22323032362d31312d30325431303a30303a30302d30363a3030222c22757064617465645f6174223a22323032362d31312d30325431303a30303a30302d30363a3030222c2263757272656e6379223a22555344222c22746f74616c5f7072696365223a2234302e3030222c22656d61696c223a22416461404578616d706c652e636f6d222c0a2020202020202020227368697070696e675f61646472657373223a7b226164647265737331223a22312053656372657420537472656574222c2266697273745f6e616d65223a22416461222c2263697479223a2253616e204672616e636973636f222c2270726f76696e63655f636f6465223a224341222c227a6970223a223934313033222c22636f756e7472795f636f6465223a225553227d2c0a2020202020202020227368697070696e675f6c696e6573223a5b7b22636f6465223a225374616e64617264222c227469746c65223a225374616e64617264227d5d2c226e6f74655f61747472696275746573223a5b7b226e616d65223a22776865726561626f7574735f70726f6d697365222c2276616c7565223a22547565203120e2809320546875203320446563227d5d2c0a2020202020202020226c696e655f6974656d73223a5b7b226964223a372c22736b75223a224d55472d31222c227469746c65223a224d7567222c227175616e74697479223a322c227072696365223a2232302e3030222c2272657175697265735f7368697070696e67223a747275657d5d7d', 0);
insert or ignore into events (id, store, source, topic, event_id, received_at, body, state) values (5, 'demo', 'shopify', 'fulfillments/create', 'f1002', 1795608000, x'7b226964223a31303032312c226f726465725f6964223a313030322c22737461747573223a2273756363657373222c22637265617465645f6174223a22323032362d31312d32345431303a30303a30305a222c22757064617465645f6174223a22323032362d31312d32345431303a30303a30305a222c22747261636b696e675f636f6d70616e79223a22555053222c0a202020202020202022747261636b696e675f6e756d62657273223a5b22315a31303032225d2c226c696e655f6974656d73223a5b7b226964223a372c22736b75223a224d55472d31222c227469746c65223a224d7567222c227175616e74697479223a327d5d7d', 0);
insert or ignore into events (id, store, source, topic, event_id, received_at, body, state) values (6, 'demo', 'easypost', 'tracker.updated', 'evt1002', 1795608000, x'7b226465736372697074696f6e223a22747261636b65722e75706461746564222c226964223a2265767431303032222c226f626a656374223a224576656e74222c22726573756c74223a7b2263617272696572223a22555053222c22737461747573223a22696e5f7472616e736974222c22747261636b696e675f636f6465223a22315a31303032222c22747261636b696e675f64657461696c73223a5b7b226461746574696d65223a22323032362d31312d30335431323a30303a30305a222c226d657373616765223a22696e5f7472616e736974222c22737461747573223a22696e5f7472616e736974222c22747261636b696e675f6c6f636174696f6e223a7b2263697479223a224d454d50484953222c22636f756e747279223a225553222c227374617465223a22544e227d7d5d7d7d', 0);
insert or ignore into events (id, store, source, topic, event_id, received_at, body, state) values (7, 'demo', 'shopify', 'orders/create', 'o1003', 1795608000, x'7b226964223a313030332c226e616d65223a222331303033222c22637265617465645f6174223a22323032362d31312d30325431303a30303a30302d30363a3030222c22757064617465645f6174223a22323032362d31312d30325431303a30303a30302d30363a3030222c2263757272656e6379223a22555344222c22746f74616c5f7072696365223a2234302e3030222c22656d61696c223a22416461404578616d706c652e636f6d222c0a2020202020202020227368697070696e675f61646472657373223a7b226164647265737331223a22312053656372657420537472656574222c2266697273745f6e616d65223a22416461222c2263697479223a2253616e204672616e636973636f222c2270726f76696e63655f636f6465223a224341222c227a6970223a223934313033222c22636f756e7472795f636f6465223a225553227d2c0a2020202020202020227368697070696e675f6c696e6573223a5b7b22636f6465223a225374616e64617264222c227469746c65223a225374616e64617264227d5d2c226e6f74655f61747472696275746573223a5b7b226e616d65223a22776865726561626f7574735f70726f6d697365222c2276616c7565223a22547565203120e2809320546875203320446563227d5d2c0a2020202020202020226c696e655f6974656d73223a5b7b226964223a372c22736b75223a224d55472d31222c227469746c65223a224d7567222c227175616e74697479223a322c227072696365223a2232302e3030222c2272657175697265735f7368697070696e67223a747275657d5d7d', 0);
insert or ignore into events (id, store, source, topic, event_id, received_at, body, state) values (8, 'demo', 'shopify', 'orders/updated', 'u1003', 1795608000, x'7b226964223a313030332c226e616d65223a222331303033222c22637265617465645f6174223a22323032362d31312d30325431303a30303a30302d30363a3030222c2263616e63656c6c65645f6174223a22323032362d31312d30335431303a30303a30302d30363a3030222c22757064617465645f6174223a22323032362d31312d30335431303a30303a30302d30363a3030222c2263757272656e6379223a22555344222c22746f74616c5f7072696365223a2234302e3030222c22656d61696c223a22416461404578616d706c652e636f6d222c0a2020202020202020227368697070696e675f61646472657373223a7b226164647265737331223a22312053656372657420537472656574222c2266697273745f6e616d65223a22416461222c2263697479223a2253616e204672616e636973636f222c2270726f76696e63655f636f6465223a224341222c227a6970223a223934313033222c22636f756e7472795f636f6465223a225553227d2c0a2020202020202020227368697070696e675f6c696e6573223a5b7b22636f6465223a225374616e64617264222c227469746c65223a225374616e64617264227d5d2c226e6f74655f61747472696275746573223a5b7b226e616d65223a22776865726561626f7574735f70726f6d697365222c2276616c7565223a22547565203120e2809320546875203320446563227d5d2c0a2020202020202020226c696e655f6974656d73223a5b7b226964223a372c22736b75223a224d55472d31222c227469746c65223a224d7567222c227175616e74697479223a322c227072696365223a2232302e3030222c2272657175697265735f7368697070696e67223a747275657d5d7d', 0);
insert or ignore into events (id, store, source, topic, event_id, received_at, body, state) values (9, 'demo', 'shopify', 'orders/create', 'bad', 1795608000, x'7b226964223a20312c', 2);
insert or ignore into events (id, store, source, topic, event_id, received_at, body, state) values (10, 'demo', 'easypost', 'tracker.updated', 'evt_last', 1795608000, x'7b226465736372697074696f6e223a22747261636b65722e75706461746564222c226964223a226576745f6c617374222c226f626a656374223a224576656e74222c22726573756c74223a7b2263617272696572223a22555053222c22737461747573223a2264656c697665726564222c22747261636b696e675f636f6465223a22315a31303032222c22747261636b696e675f64657461696c73223a5b7b226461746574696d65223a22323032362d31312d30345431323a30303a30305a222c226d657373616765223a22696e5f7472616e736974222c22737461747573223a22696e5f7472616e736974222c22747261636b696e675f6c6f636174696f6e223a7b2263697479223a224d454d50484953222c22636f756e747279223a225553222c227374617465223a22544e227d7d2c7b226461746574696d65223a22323032362d31312d30365431323a30303a30305a222c226d657373616765223a2264656c697665726564222c22737461747573223a2264656c697665726564222c22747261636b696e675f6c6f636174696f6e223a7b2263697479223a224d454d50484953222c22636f756e747279223a225553222c227374617465223a22544e227d7d5d7d7d', 0);
insert or ignore into fulfillments (store, id, order_id, updated_at, facts) values ('demo', '10011', '1001', '2026-11-24T10:00:00Z', '{"id":"10011","order_id":"1001","status":"success","shipment_status":null,"created_at":"2026-11-24T10:00:00Z","updated_at":"2026-11-24T10:00:00Z","location":null,"lines":[{"id":"7","sku":"MUG-1","title":"Mug","variant":null,"quantity":2,"price":null,"image":null,"requires_shipping":true}],"tracking":[{"carrier":"ups","number":"1Z1001","url":null}]}');
insert or ignore into fulfillments (store, id, order_id, updated_at, facts) values ('demo', '10021', '1002', '2026-11-24T10:00:00Z', '{"id":"10021","order_id":"1002","status":"success","shipment_status":null,"created_at":"2026-11-24T10:00:00Z","updated_at":"2026-11-24T10:00:00Z","location":null,"lines":[{"id":"7","sku":"MUG-1","title":"Mug","variant":null,"quantity":2,"price":null,"image":null,"requires_shipping":true}],"tracking":[{"carrier":"ups","number":"1Z1002","url":null}]}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'all', 20759, '', 1, '{"cancelled":1,"orders":2}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'all', 20760, '', 1, '{"handling.1":2,"shipped":2}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'all', 20762, '', 1, '{"delivered":1,"due":1,"inside":1,"kept":1,"margin.-5":1,"parcels_due":1,"transit.2":1}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'all', 20768, '', 1, '{"due":1,"late":1,"parcels_due":1,"parcels_late":1}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'area', 20758, 'US-941', 1, '{"delivered":1}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'carrier', 20760, 'ups', 1, '{"handling.1":2,"shipped":2}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'carrier', 20762, 'ups', 1, '{"delivered":1,"parcels_due":1,"transit.2":1}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'carrier', 20768, 'ups', 1, '{"parcels_due":1,"parcels_late":1}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'confidence', 20762, '90', 1, '{"due":1,"inside":1,"kept":1}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'confidence', 20768, '90', 1, '{"due":1,"late":1}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'coverage', 20762, '50', 1, '{"late.3":2}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'coverage', 20762, '950', 1, '{"kept.3":1}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'coverage', 20768, '950', 1, '{"late.9":1}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'handling', 20759, 'memphis', 1, '{"days.1":2}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'lane', 20759, 'ups|ups_ground|memphis|US-CA', 1, '{"delivered":1,"handling.1":2,"parcels_due":1,"shipped":2,"transit.2":1}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'lane', 20766, 'ups|ups_ground|memphis|US-CA', 1, '{"parcels_due":1,"parcels_late":1}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'method', 20759, 'standard', 1, '{"cancelled":1,"orders":2}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'method', 20760, 'standard', 1, '{"handling.1":2,"shipped":2}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'method', 20762, 'standard', 1, '{"delivered":1,"due":1,"inside":1,"kept":1,"margin.-5":1,"parcels_due":1,"transit.2":1}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'method', 20768, 'standard', 1, '{"due":1,"late":1,"parcels_due":1,"parcels_late":1}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'origin', 20760, 'memphis', 1, '{"handling.1":2,"shipped":2}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'origin', 20762, 'memphis', 1, '{"delivered":1,"parcels_due":1,"transit.2":1}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'origin', 20768, 'memphis', 1, '{"parcels_due":1,"parcels_late":1}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'place', 20759, 'US-CA', 1, '{"cancelled":1,"orders":2}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'place', 20760, 'US-CA', 1, '{"handling.1":2,"shipped":2}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'place', 20762, 'US-CA', 1, '{"delivered":1,"due":1,"inside":1,"kept":1,"margin.-5":1,"parcels_due":1,"transit.2":1}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'place', 20768, 'US-CA', 1, '{"due":1,"late":1,"parcels_due":1,"parcels_late":1}');
insert or ignore into insight (store, dimension, day, key, live, figures) values ('demo', 'transit', 20759, 'memphis|ups_ground|us_west', 1, '{"days.2":1}');
insert or ignore into insight_orders (store, order_id, outcome, counts, waited_for) values ('demo', '1001', '{"placed":20759,"place":"US-CA","area":"US-941","method":"standard","promise":{"from":20762,"to":20767,"confidence":90},"complete":20762,"parcels":[{"carrier":"ups","service":"ups_ground","origin":"memphis","shipped":20760,"delivered":20762,"way":{"origin":"memphis","zone":"us_west","ordered":20759,"second":36000,"handling":1,"transit":2}}]}', 2, 0);
insert or ignore into insight_orders (store, order_id, outcome, counts, waited_for) values ('demo', '1002', '{"placed":20759,"place":"US-CA","area":"US-941","method":"standard","promise":{"from":20762,"to":20767,"confidence":90},"overdue":true,"parcels":[{"carrier":"ups","service":"ups_ground","origin":"memphis","shipped":20760,"way":{"origin":"memphis","zone":"us_west","ordered":20759,"second":36000,"handling":1}}]}', 2, 1);
insert or ignore into insight_orders (store, order_id, outcome, counts, waited_for) values ('demo', '1003', '{"placed":20759,"cancelled":true,"place":"US-CA","area":"US-941","method":"standard","promise":{"from":20762,"to":20767,"confidence":90}}', 2, 0);
insert or ignore into orders (store, id, number, email_hash, postal_code, updated_at, open, facts, first_updated_at, first_facts) values ('demo', '1001', '1001', '47f6d2b9df4f20a204791fa9acfd3b4ebe64b66cd42ca1608b63f9413d502ca2', '94103', '2026-11-02T16:00:00Z', 1, '{"id":"1001","number":"#1001","placed_at":"2026-11-02T10:00:00-06:00","updated_at":"2026-11-02T10:00:00-06:00","cancelled_at":null,"financial_status":null,"email":null,"phone":null,"language":null,"currency":"USD","total":4000,"destination":{"city":"San Francisco","region":"CA","postal_code":"94103","country":"US"},"shipping_method":"Standard","shipping_methods":["Standard","Standard"],"lines":[{"id":"7","sku":"MUG-1","title":"Mug","variant":null,"quantity":2,"price":2000,"image":null,"requires_shipping":true}],"tags":[],"attributes":[["whereabouts_promise","Tue 1 – Thu 3 Dec"]],"fulfillments":[]}', '2026-11-02T16:00:00Z', '{"id":"1001","number":"#1001","placed_at":"2026-11-02T10:00:00-06:00","updated_at":"2026-11-02T10:00:00-06:00","cancelled_at":null,"financial_status":null,"email":null,"phone":null,"language":null,"currency":"USD","total":4000,"destination":{"city":"San Francisco","region":"CA","postal_code":"94103","country":"US"},"shipping_method":"Standard","shipping_methods":["Standard","Standard"],"lines":[{"id":"7","sku":"MUG-1","title":"Mug","variant":null,"quantity":2,"price":2000,"image":null,"requires_shipping":true}],"tags":[],"attributes":[["whereabouts_promise","Tue 1 – Thu 3 Dec"]],"fulfillments":[]}');
insert or ignore into orders (store, id, number, email_hash, postal_code, updated_at, open, facts, first_updated_at, first_facts) values ('demo', '1002', '1002', '47f6d2b9df4f20a204791fa9acfd3b4ebe64b66cd42ca1608b63f9413d502ca2', '94103', '2026-11-02T16:00:00Z', 1, '{"id":"1002","number":"#1002","placed_at":"2026-11-02T10:00:00-06:00","updated_at":"2026-11-02T10:00:00-06:00","cancelled_at":null,"financial_status":null,"email":null,"phone":null,"language":null,"currency":"USD","total":4000,"destination":{"city":"San Francisco","region":"CA","postal_code":"94103","country":"US"},"shipping_method":"Standard","shipping_methods":["Standard","Standard"],"lines":[{"id":"7","sku":"MUG-1","title":"Mug","variant":null,"quantity":2,"price":2000,"image":null,"requires_shipping":true}],"tags":[],"attributes":[["whereabouts_promise","Tue 1 – Thu 3 Dec"]],"fulfillments":[]}', '2026-11-02T16:00:00Z', '{"id":"1002","number":"#1002","placed_at":"2026-11-02T10:00:00-06:00","updated_at":"2026-11-02T10:00:00-06:00","cancelled_at":null,"financial_status":null,"email":null,"phone":null,"language":null,"currency":"USD","total":4000,"destination":{"city":"San Francisco","region":"CA","postal_code":"94103","country":"US"},"shipping_method":"Standard","shipping_methods":["Standard","Standard"],"lines":[{"id":"7","sku":"MUG-1","title":"Mug","variant":null,"quantity":2,"price":2000,"image":null,"requires_shipping":true}],"tags":[],"attributes":[["whereabouts_promise","Tue 1 – Thu 3 Dec"]],"fulfillments":[]}');
insert or ignore into orders (store, id, number, email_hash, postal_code, updated_at, open, facts, first_updated_at, first_facts) values ('demo', '1003', '1003', '47f6d2b9df4f20a204791fa9acfd3b4ebe64b66cd42ca1608b63f9413d502ca2', '94103', '2026-11-03T16:00:00Z', 0, '{"id":"1003","number":"#1003","placed_at":"2026-11-02T10:00:00-06:00","updated_at":"2026-11-03T10:00:00-06:00","cancelled_at":"2026-11-03T10:00:00-06:00","financial_status":null,"email":null,"phone":null,"language":null,"currency":"USD","total":4000,"destination":{"city":"San Francisco","region":"CA","postal_code":"94103","country":"US"},"shipping_method":"Standard","shipping_methods":["Standard","Standard"],"lines":[{"id":"7","sku":"MUG-1","title":"Mug","variant":null,"quantity":2,"price":2000,"image":null,"requires_shipping":true}],"tags":[],"attributes":[["whereabouts_promise","Tue 1 – Thu 3 Dec"]],"fulfillments":[]}', '2026-11-02T16:00:00Z', '{"id":"1003","number":"#1003","placed_at":"2026-11-02T10:00:00-06:00","updated_at":"2026-11-02T10:00:00-06:00","cancelled_at":null,"financial_status":null,"email":null,"phone":null,"language":null,"currency":"USD","total":4000,"destination":{"city":"San Francisco","region":"CA","postal_code":"94103","country":"US"},"shipping_method":"Standard","shipping_methods":["Standard","Standard"],"lines":[{"id":"7","sku":"MUG-1","title":"Mug","variant":null,"quantity":2,"price":2000,"image":null,"requires_shipping":true}],"tags":[],"attributes":[["whereabouts_promise","Tue 1 – Thu 3 Dec"]],"fulfillments":[]}');
insert or ignore into parcel_parts (store, tracking_number, hash, facts) values ('demo', '1Z1001', '31596c83520e0953f87c09221dabc661339e72ab11087f4911ab645e1c9c2aba', '{"carrier":"ups","tracking_number":"1Z1001","status":"info_received","sub_status":null,"estimated_delivery":null,"checkpoints":[],"order_id":"1001"}');
insert or ignore into parcel_parts (store, tracking_number, hash, facts) values ('demo', '1Z1001', '2a4731d9a5ac417e6516ef30d8979809eaf14c4ee44f743a3db73b72803fcc90', '{"carrier":"ups","tracking_number":"1Z1001","status":"delivered","sub_status":null,"estimated_delivery":null,"checkpoints":[{"time":"2026-11-03T12:00:00Z","status":"in_transit","sub_status":null,"code":null,"message":"in_transit","location":"MEMPHIS, TN, US","place":{"city":"MEMPHIS","region":"TN","postal_code":null,"country":"US"}},{"time":"2026-11-05T08:00:00Z","status":"out_for_delivery","sub_status":null,"code":null,"message":"out_for_delivery","location":"MEMPHIS, TN, US","place":{"city":"MEMPHIS","region":"TN","postal_code":null,"country":"US"}},{"time":"2026-11-05T11:00:00Z","status":"delivered","sub_status":null,"code":null,"message":"delivered","location":"MEMPHIS, TN, US","place":{"city":"MEMPHIS","region":"TN","postal_code":null,"country":"US"}}]}');
insert or ignore into parcel_parts (store, tracking_number, hash, facts) values ('demo', '1Z1002', '4c54690fa9abb0a5a579ec76c0359d82125811d57c66ddd448454ec0fd05273b', '{"carrier":"ups","tracking_number":"1Z1002","status":"info_received","sub_status":null,"estimated_delivery":null,"checkpoints":[],"order_id":"1002"}');
insert or ignore into parcel_parts (store, tracking_number, hash, facts) values ('demo', '1Z1002', 'd5fd5640e20a00cb078111f6e1b84e909a13cf9c3c80366ca23839d93ca667dc', '{"carrier":"ups","tracking_number":"1Z1002","status":"in_transit","sub_status":null,"estimated_delivery":null,"checkpoints":[{"time":"2026-11-03T12:00:00Z","status":"in_transit","sub_status":null,"code":null,"message":"in_transit","location":"MEMPHIS, TN, US","place":{"city":"MEMPHIS","region":"TN","postal_code":null,"country":"US"}}]}');
insert or ignore into parcels (store, tracking_number, order_id) values ('demo', '1Z1001', '1001');
insert or ignore into parcels (store, tracking_number, order_id) values ('demo', '1Z1002', '1002');
insert or ignore into policies (store, version, published_at, body, published_by, note) values ('demo', 1, 0, '{"version":0,"currency":"USD","confidence":90,"style":"range","ship":"together","warn_below":0,"detection":"propose","learning":"suggest","origins":[{"id":"memphis","name":"Memphis","country":"US","region":"TN","time_zone":"America/Chicago","cutoffs":{"fri":"14:00","mon":"14:00","thu":"14:00","tue":"14:00","wed":"14:00"},"holidays":["US"],"closures":["2026-11-27"],"half_days":[{"date":"2026-12-24","cutoff":"11:00"}],"pickup_days":[],"handling":{"min":0,"max":1}},{"id":"rotterdam","name":"Rotterdam","country":"NL","region":null,"time_zone":"Europe/Amsterdam","cutoffs":{"fri":"16:00","mon":"16:00","sat":"11:00","thu":"16:00","tue":"16:00","wed":"16:00"},"holidays":["NL"],"closures":[],"half_days":[],"pickup_days":[],"handling":{"min":0,"max":1}}],"services":[{"id":"ups_ground","carrier":"ups","name":"UPS Ground","days":[],"holidays":["US"],"closures":[],"no_po_boxes":false,"no_signature":false},{"id":"ups_2nd_day","carrier":"ups","name":"UPS 2nd Day Air","days":[],"holidays":["US"],"closures":[],"no_po_boxes":false,"no_signature":false},{"id":"usps_ground","carrier":"usps","name":"USPS Ground Advantage","days":["mon","tue","wed","thu","fri","sat"],"holidays":["US"],"closures":[],"no_po_boxes":false,"no_signature":false},{"id":"dhl_express","carrier":"dhl_express","name":"DHL Express Worldwide","days":[],"holidays":[],"closures":[],"no_po_boxes":false,"no_signature":false},{"id":"dhl_parcel","carrier":"dhl_parcel","name":"DHL Parcel","days":["mon","tue","wed","thu","fri","sat"],"holidays":[],"closures":[],"no_po_boxes":false,"no_signature":false}],"zones":[{"id":"far","name":"Alaska, Hawaii and the territories","excluded":true,"places":[{"country":"US","regions":[],"postal_codes":["995-999","967-968","006-009","969"]},{"country":"US","regions":["AK","HI","PR","GU","VI"],"postal_codes":[]}],"origins":[]},{"id":"us_south","name":"US South","excluded":false,"places":[{"country":"US","regions":[],"postal_codes":["270-427","700-799"]}],"origins":[]},{"id":"us_east","name":"US East","excluded":false,"places":[{"country":"US","regions":[],"postal_codes":["010-269","005"]}],"origins":[]},{"id":"us_central","name":"US Midwest","excluded":false,"places":[{"country":"US","regions":[],"postal_codes":["430-699"]}],"origins":[]},{"id":"us_west","name":"US West","excluded":false,"places":[{"country":"US","regions":[],"postal_codes":["800-994"]}],"origins":[]},{"id":"ca","name":"Canada","excluded":false,"places":[{"country":"CA","regions":[],"postal_codes":[]}],"origins":[]},{"id":"eu","name":"European Union","excluded":false,"places":[{"country":"NL","regions":[],"postal_codes":[]},{"country":"BE","regions":[],"postal_codes":[]},{"country":"DE","regions":[],"postal_codes":[]},{"country":"FR","regions":[],"postal_codes":[]},{"country":"ES","regions":[],"postal_codes":[]},{"country":"IT","regions":[],"postal_codes":[]},{"country":"AT","regions":[],"postal_codes":[]}],"origins":[]}],"transit":[{"origin":"memphis","service":"ups_ground","zone":"us_south","days":{"min":1,"max":2}},{"origin":"memphis","service":"ups_ground","zone":"us_east","days":{"min":2,"max":4}},{"origin":"memphis","service":"ups_ground","zone":"us_central","days":{"min":2,"max":3}},{"origin":"memphis","service":"ups_ground","zone":"us_west","days":{"min":3,"max":5}},{"origin":"memphis","service":"ups_2nd_day","zone":"","days":{"min":2,"max":2}},{"origin":"memphis","service":"usps_ground","zone":"","days":{"min":2,"max":5}},{"origin":"memphis","service":"dhl_express","zone":"","days":{"min":3,"max":5}},{"origin":"rotterdam","service":"dhl_express","zone":"us_south","days":{"min":3,"max":4}},{"origin":"rotterdam","service":"dhl_express","zone":"us_east","days":{"min":2,"max":4}},{"origin":"rotterdam","service":"dhl_express","zone":"us_central","days":{"min":3,"max":4}},{"origin":"rotterdam","service":"dhl_express","zone":"us_west","days":{"min":3,"max":5}},{"origin":"rotterdam","service":"dhl_express","zone":"ca","days":{"min":3,"max":5}},{"origin":"rotterdam","service":"dhl_parcel","zone":"eu","days":{"min":1,"max":3}}],"methods":[{"id":"standard","name":"Standard","price":495,"services":["ups_ground","dhl_parcel","dhl_express"],"zones":[],"aliases":["Standard Shipping","Free Shipping"],"to":"address","signature":false},{"id":"express","name":"Express","price":1495,"services":["ups_2nd_day","dhl_express"],"zones":[],"aliases":[],"to":"address","signature":false},{"id":"economy","name":"Economy","price":0,"services":["usps_ground"],"zones":["us_south","us_east","us_central","us_west"],"aliases":[],"to":"address","signature":false}],"items":[{"sku":"MUG-1","lead":null,"stock":{"memphis":48},"available_from":null,"back_order":null,"origins":["memphis"],"not_by":[],"signature":false},{"sku":"BLANKET-1","lead":null,"stock":{"memphis":12,"rotterdam":30},"available_from":null,"back_order":null,"origins":[],"not_by":[],"signature":false},{"sku":"CHAIR-1","lead":{"min":4,"max":6},"stock":null,"available_from":null,"back_order":null,"origins":["memphis"],"not_by":["express"],"signature":false},{"sku":"LAMP-1","lead":null,"stock":{"memphis":0},"available_from":"2026-12-09","back_order":null,"origins":["memphis"],"not_by":[],"signature":false},{"sku":"VASE-1","lead":null,"stock":{"rotterdam":9},"available_from":null,"back_order":null,"origins":["rotterdam"],"not_by":[],"signature":false}],"delays":[]}', '', '');
insert or ignore into problems (id, store, event, kind, field, code, message) values (1, 'demo', 9, 'unreadable', null, null, 'not readable as JSON: EOF while parsing a value at line 1 column 9');
insert or ignore into progress (one, projected) values (1, 9);
insert or ignore into promises (store, order_id, seq, basis, made_at, recorded_at, policy_version, method, window_from, window_to, confidence, request, offer, shown, language, delays, learned_version) values ('demo', '1001', 1, '2026-11-02T16:00:00Z', 1793635200, 1795608000, 1, 'standard', '2026-11-05', '2026-11-10', 90, '{"items":[{"sku":"MUG-1","quantity":2}],"destination":{"country":"US","region":"CA","postal_code":"94103"},"method":"standard"}', '{"method":"standard","name":"Standard","price":495,"carrier":"ups","service":"ups_ground","origin":"memphis","window":{"from":"2026-11-05","to":"2026-11-10"},"confidence":90,"dispatch":"2026-11-03","days":[3,8],"cutoff":{"at":"2026-11-02T20:00:00Z","then":{"from":"2026-11-06","to":"2026-11-12"}},"steps":[{"kind":"ordered","day":"2026-11-02"},{"kind":"handling","days":[0,1],"name":"Memphis"},{"kind":"dispatch","day":"2026-11-03","name":"Memphis"},{"kind":"transit","days":[3,5],"name":"UPS Ground"}]}', 'Tue 1 – Thu 3 Dec', null, '[]', 0);
insert or ignore into promises (store, order_id, seq, basis, made_at, recorded_at, policy_version, method, window_from, window_to, confidence, request, offer, shown, language, delays, learned_version) values ('demo', '1002', 1, '2026-11-02T16:00:00Z', 1793635200, 1795608000, 1, 'standard', '2026-11-05', '2026-11-10', 90, '{"items":[{"sku":"MUG-1","quantity":2}],"destination":{"country":"US","region":"CA","postal_code":"94103"},"method":"standard"}', '{"method":"standard","name":"Standard","price":495,"carrier":"ups","service":"ups_ground","origin":"memphis","window":{"from":"2026-11-05","to":"2026-11-10"},"confidence":90,"dispatch":"2026-11-03","days":[3,8],"cutoff":{"at":"2026-11-02T20:00:00Z","then":{"from":"2026-11-06","to":"2026-11-12"}},"steps":[{"kind":"ordered","day":"2026-11-02"},{"kind":"handling","days":[0,1],"name":"Memphis"},{"kind":"dispatch","day":"2026-11-03","name":"Memphis"},{"kind":"transit","days":[3,5],"name":"UPS Ground"}]}', 'Tue 1 – Thu 3 Dec', null, '[]', 0);
insert or ignore into promises (store, order_id, seq, basis, made_at, recorded_at, policy_version, method, window_from, window_to, confidence, request, offer, shown, language, delays, learned_version) values ('demo', '1003', 1, '2026-11-02T16:00:00Z', 1793635200, 1795608000, 1, 'standard', '2026-11-05', '2026-11-10', 90, '{"items":[{"sku":"MUG-1","quantity":2}],"destination":{"country":"US","region":"CA","postal_code":"94103"},"method":"standard"}', '{"method":"standard","name":"Standard","price":495,"carrier":"ups","service":"ups_ground","origin":"memphis","window":{"from":"2026-11-05","to":"2026-11-10"},"confidence":90,"dispatch":"2026-11-03","days":[3,8],"cutoff":{"at":"2026-11-02T20:00:00Z","then":{"from":"2026-11-06","to":"2026-11-12"}},"steps":[{"kind":"ordered","day":"2026-11-02"},{"kind":"handling","days":[0,1],"name":"Memphis"},{"kind":"dispatch","day":"2026-11-03","name":"Memphis"},{"kind":"transit","days":[3,5],"name":"UPS Ground"}]}', 'Tue 1 – Thu 3 Dec', null, '[]', 0);
insert or ignore into searchable (id, store, order_id) values (1, 'demo', '1001');
insert or ignore into searchable (id, store, order_id) values (2, 'demo', '1002');
insert or ignore into searchable (id, store, order_id) values (3, 'demo', '1003');
pragma user_version = 23;
