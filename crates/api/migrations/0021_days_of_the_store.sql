-- Days are those of the store's zone. Until now messages and contacts counted on those of UTC: both are counted anew, once, by the server
-- that opens this database (no SQL knows zones). When looks were, within their day, was not kept: they stay where they are.
alter table messages add column counted_day integer; -- where it counts, days since 1970; absent: not counted yet, or by UTC
create index messages_by_utc on messages (id) where counted_day is null and state in ('sent', 'dropped', 'failed', 'unknown');

create table chores (
    name text primary key -- what is still to be done once, after a migration
) strict;
insert into chores (name) select 'contacts_by_zone' where exists (select 1 from contact_log);
insert into chores (name) select 'count_orders' where exists (select 1 from orders);
