-- All statements of the store of access. Each stands under a line with its name.

-- name: schema
CREATE TABLE IF NOT EXISTS user (
    name TEXT PRIMARY KEY, role TEXT NOT NULL, created_at INTEGER NOT NULL, changed_at INTEGER NOT NULL,
    disabled INTEGER NOT NULL, password TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS key (
    id TEXT PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, name TEXT NOT NULL, role TEXT NOT NULL, scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL, created_by TEXT NOT NULL, expires_at INTEGER, used_at INTEGER, revoked_at INTEGER
) STRICT;
CREATE TABLE IF NOT EXISTS session (
    id TEXT PRIMARY KEY, person TEXT NOT NULL, roles TEXT NOT NULL, csrf TEXT NOT NULL, created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL, ends_at INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS attempt (
    state TEXT PRIMARY KEY, browser TEXT NOT NULL, nonce TEXT NOT NULL, verifier TEXT NOT NULL, target TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS nonce (sha256 TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS first (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), sha256 TEXT) STRICT;
CREATE TABLE IF NOT EXISTS trail (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, digest BLOB NOT NULL, link BLOB NOT NULL, salt BLOB, payload BLOB,
    who TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS trail_who ON trail (who);
CREATE TABLE IF NOT EXISTS trail_head (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1), seq INTEGER NOT NULL, link BLOB NOT NULL
) STRICT;

-- name: closing
SELECT EXISTS (SELECT 1 FROM user) OR EXISTS (SELECT 1 FROM key WHERE revoked_at IS NULL);

-- name: add_key
INSERT INTO key (id, sha256, name, role, scopes, created_at, created_by, expires_at)
VALUES (:id, :sha256, :name, :role, :scopes, :created_at, :created_by, :expires_at);

-- name: keys
SELECT id, name, role, scopes, created_at, created_by, expires_at, used_at, revoked_at FROM key
ORDER BY created_at DESC, id;

-- name: key
SELECT id, name, role, scopes, created_at, created_by, expires_at, used_at, revoked_at FROM key WHERE sha256 = ?;

-- name: used_key
UPDATE key SET used_at = ? WHERE id = ?;

-- name: revoke_key
UPDATE key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL;

-- name: put_user
INSERT INTO user (name, role, created_at, changed_at, disabled, password)
VALUES (:name, :role, :created_at, :changed_at, :disabled, coalesce(:password, ''))
ON CONFLICT (name) DO UPDATE SET role = excluded.role, changed_at = excluded.changed_at,
    disabled = excluded.disabled, password = coalesce(:password, password);

-- name: users
SELECT name, role, created_at, changed_at, disabled FROM user ORDER BY name;

-- name: password
SELECT name, role, created_at, changed_at, disabled, password FROM user WHERE name = ?;

-- name: remove_user
DELETE FROM user WHERE name = ?;

-- name: add_session
INSERT INTO session (id, person, roles, csrf, created_at, seen_at, ends_at) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: session
SELECT id, person, roles, csrf, created_at, seen_at, ends_at FROM session WHERE id = ?;

-- name: sessions
SELECT id, person, roles, csrf, created_at, seen_at, ends_at FROM session ORDER BY created_at DESC, id;

-- name: seen_session
UPDATE session SET seen_at = ? WHERE id = ?;

-- name: end_sessions
DELETE FROM session WHERE (:id <> '' AND id = :id) OR (:person <> '' AND person = :person)
    OR ends_at <= :before OR seen_at <= :idle;

-- name: drop_attempts
DELETE FROM attempt WHERE until <= ?;

-- name: add_attempt
INSERT INTO attempt (state, browser, nonce, verifier, target, until) VALUES (?, ?, ?, ?, ?, ?);

-- name: take_attempt
DELETE FROM attempt WHERE state = ? RETURNING state, browser, nonce, verifier, target, until;

-- name: drop_nonces
DELETE FROM nonce WHERE until <= ?;

-- name: add_nonce
INSERT INTO nonce (sha256, until) VALUES (?, ?) ON CONFLICT DO NOTHING;

-- name: drop_nonce
DELETE FROM nonce WHERE sha256 = ?;

-- name: set_first
INSERT INTO first (only_one, sha256) VALUES (1, ?) ON CONFLICT (only_one) DO UPDATE SET sha256 = excluded.sha256;

-- name: first
SELECT sha256 FROM first;

-- name: head
SELECT seq, link FROM trail_head;

-- name: set_head
INSERT INTO trail_head (only_one, seq, link) VALUES (1, ?, ?)
ON CONFLICT (only_one) DO UPDATE SET seq = excluded.seq, link = excluded.link;

-- name: add_record
INSERT INTO trail (seq, at, digest, link, salt, payload, who) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: trail
SELECT seq, at, digest, link, salt, payload FROM trail ORDER BY seq;

-- name: newest_of_trail
SELECT seq, at, digest, link, salt, payload FROM trail WHERE seq < ? ORDER BY seq DESC LIMIT ?;

-- name: erase_records
UPDATE trail SET salt = NULL, payload = NULL, who = NULL
WHERE payload IS NOT NULL AND ((:who <> '' AND who = :who) OR at < :before);
