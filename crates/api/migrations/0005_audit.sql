-- What staff, keys and commands did. Append-only; only retention removes, from the old end.
create table audit (
    id integer primary key,
    store text not null,
    at integer not null,
    actor text not null, -- a staff member's name, "admin key", "command"
    action text not null, -- policy.publish, shopper.erase …
    subject text not null, -- what it was done to: an order's id, a policy's version; never an email
    detail text not null -- JSON
) strict;
create index audit_by_store on audit (store, id);
create trigger audit_is_kept before update on audit begin select raise(abort, 'the audit log is append-only'); end;
