-- Notices that are due when a promised date can't be kept: drafted, sent, answered. They are a record, and stay with the promise ledger.
create table delay_options (
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
create index delay_options_open on delay_options (until) where state = 'sent';
