-- Who may come in: users, keys, sessions and the trail of what they changed, shared by all processes of a cluster. What
-- is in them is known to api/auth alone; they are here so that one backup has everything.
CREATE TABLE "user" (
    name       text    PRIMARY KEY,
    role       text    NOT NULL,
    created_at bigint  NOT NULL,
    changed_at bigint  NOT NULL,
    disabled   integer NOT NULL,
    password   text    NOT NULL
);
CREATE TABLE key (
    id         text   PRIMARY KEY,
    sha256     text   NOT NULL UNIQUE,
    name       text   NOT NULL,
    role       text   NOT NULL,
    scopes     text   NOT NULL,
    created_at bigint NOT NULL,
    created_by text   NOT NULL,
    expires_at bigint,
    used_at    bigint,
    revoked_at bigint
);
CREATE TABLE session (
    id         text   PRIMARY KEY,
    person     text   NOT NULL,
    roles      text   NOT NULL,
    csrf       text   NOT NULL,
    created_at bigint NOT NULL,
    seen_at    bigint NOT NULL,
    ends_at    bigint NOT NULL
);
CREATE TABLE attempt (
    state    text   PRIMARY KEY,
    browser  text   NOT NULL,
    nonce    text   NOT NULL,
    verifier text   NOT NULL,
    target   text   NOT NULL,
    until    bigint NOT NULL
);
CREATE TABLE nonce (sha256 text PRIMARY KEY, until bigint NOT NULL);
CREATE TABLE first (only_one integer PRIMARY KEY CHECK (only_one = 1), sha256 text);
CREATE TABLE trail (
    seq     bigint PRIMARY KEY,
    at      bigint NOT NULL,
    digest  bytea  NOT NULL,
    link    bytea  NOT NULL,
    salt    bytea,
    payload bytea,
    who     text
);
CREATE INDEX trail_who ON trail (who);
CREATE TABLE trail_head (only_one integer PRIMARY KEY CHECK (only_one = 1), seq bigint NOT NULL, link bytea NOT NULL);
