-- All statements of the store of access, for SQLite and PostgreSQL alike. Each stands under a line with its name, its
-- values by theirs.

-- name: closing
SELECT EXISTS (SELECT 1 FROM "user") OR EXISTS (SELECT 1 FROM key WHERE revoked_at IS NULL);

-- name: add_key
INSERT INTO key (id, sha256, name, role, scopes, created_at, created_by, expires_at)
VALUES (:id, :sha256, :name, :role, :scopes, :created_at, :created_by, :expires_at);

-- name: keys
SELECT id, name, role, scopes, created_at, created_by, expires_at, used_at, revoked_at FROM key
ORDER BY created_at DESC, id;

-- name: key
SELECT id, name, role, scopes, created_at, created_by, expires_at, used_at, revoked_at FROM key WHERE sha256 = :sha256;

-- name: used_key
UPDATE key SET used_at = :at WHERE id = :id;

-- name: revoke_key
UPDATE key SET revoked_at = :at WHERE id = :id AND revoked_at IS NULL;

-- name: put_user
INSERT INTO "user" (name, role, created_at, changed_at, disabled, password)
VALUES (:name, :role, :created_at, :changed_at, :disabled, coalesce(:password, ''))
ON CONFLICT (name) DO UPDATE SET role = excluded.role, changed_at = excluded.changed_at,
    disabled = excluded.disabled, password = coalesce(:password, "user".password);

-- name: users
SELECT name, role, created_at, changed_at, disabled FROM "user" ORDER BY name;

-- name: password
SELECT name, role, created_at, changed_at, disabled, password FROM "user" WHERE name = :name;

-- name: remove_user
DELETE FROM "user" WHERE name = :name;

-- name: add_session
INSERT INTO session (id, person, roles, csrf, created_at, seen_at, ends_at) VALUES (:id, :person, :roles, :csrf, :created_at, :seen_at, :ends_at);

-- name: session
SELECT id, person, roles, csrf, created_at, seen_at, ends_at FROM session WHERE id = :id;

-- name: sessions
SELECT id, person, roles, csrf, created_at, seen_at, ends_at FROM session ORDER BY created_at DESC, id;

-- name: seen_session
UPDATE session SET seen_at = :at WHERE id = :id;

-- name: end_sessions
DELETE FROM session WHERE (:id <> '' AND id = :id) OR (:person <> '' AND person = :person)
    OR ends_at <= :before OR seen_at <= :idle;

-- name: drop_attempts
DELETE FROM attempt WHERE until <= :until;

-- name: add_attempt
INSERT INTO attempt (state, browser, nonce, verifier, target, until) VALUES (:state, :browser, :nonce, :verifier, :target, :until);

-- name: take_attempt
DELETE FROM attempt WHERE state = :state RETURNING state, browser, nonce, verifier, target, until;

-- name: drop_nonces
DELETE FROM nonce WHERE until <= :now;

-- name: add_nonce
INSERT INTO nonce (sha256, until) VALUES (:sha256, :until) ON CONFLICT DO NOTHING;

-- name: drop_nonce
DELETE FROM nonce WHERE sha256 = :sha256;

-- name: set_first
INSERT INTO first (only_one, sha256) VALUES (1, :sha256) ON CONFLICT (only_one) DO UPDATE SET sha256 = excluded.sha256;

-- name: first
SELECT sha256 FROM first;

-- name: head
SELECT seq, link FROM trail_head;

-- name: set_head
INSERT INTO trail_head (only_one, seq, link) VALUES (1, :seq, :link)
ON CONFLICT (only_one) DO UPDATE SET seq = excluded.seq, link = excluded.link;

-- name: add_record
INSERT INTO trail (seq, at, digest, link, salt, payload, who) VALUES (:seq, :at, :digest, :link, :salt, :payload, :who);

-- name: trail
SELECT seq, at, digest, link, salt, payload FROM trail ORDER BY seq;

-- name: newest_of_trail
SELECT seq, at, digest, link, salt, payload FROM trail WHERE seq < :before ORDER BY seq DESC LIMIT :limit;

-- name: erase_records
UPDATE trail SET salt = NULL, payload = NULL, who = NULL
WHERE payload IS NOT NULL AND ((:who <> '' AND who = :who) OR at < :before);
