-- Events are projected in the order of their ids: how far is one number, not a mark in each of them. What came in is written once.
create table progress (
    one integer primary key check (one = 1),
    projected integer not null -- all events up to this one
) strict;
insert into progress select 1, coalesce((select min(id) - 1 from events where state = 0), (select max(id) from events), 0);
drop index events_to_project;

-- Events that are to be read once more.
create table again (
    event integer primary key references events (id) on delete cascade
) strict;

-- events.state is left with: 2 set aside, 3 redacted; anything else is as it came.
