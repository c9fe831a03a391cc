-- Passkeys of staff: another way to sign in than the password.
create table passkeys (
    id integer primary key,
    credential text not null unique, -- as the authenticator names it: base64url
    person integer not null references people (id) on delete cascade,
    name text not null,
    key blob not null, -- public: SubjectPublicKeyInfo, DER
    count integer not null, -- of signatures, as far as the authenticator tells
    made_at integer not null,
    used_at integer
) strict;
create index passkeys_by_person on passkeys (person);

-- Browsers that somebody has signed in from: whoever guesses at a password elsewhere does not lock them out.
create table devices (
    hash text primary key, -- SHA-256 of what the cookie holds
    person integer not null references people (id) on delete cascade,
    used_at integer not null
) strict;
create index devices_by_person on devices (person);
