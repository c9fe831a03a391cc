-- Parcels that their carrier was asked to tell of: until when it does, and when to ask for that (again).
alter table polls add column pushed_until integer not null default 0;
alter table polls add column push_at integer not null default 0;
