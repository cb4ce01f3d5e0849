-- The first schema. Times are milliseconds since 1970. Blobs called body, docs, doc, content, payload, raw and
-- entries are "packed": one byte (0 plain, 1 lz4 block with its length), then the bytes.

-- The input log: every input in its durable order.
CREATE TABLE input (
    position  INTEGER PRIMARY KEY,
    source    TEXT    NOT NULL,
    partition INTEGER NOT NULL,
    "offset"  INTEGER,
    format    TEXT    NOT NULL,
    arrival   INTEGER NOT NULL,
    poison    INTEGER NOT NULL,
    body      BLOB    NOT NULL
);

-- First dispositions: one row per input, entries = msgpack of its LedgerEntry list, and how many of each.
CREATE TABLE ledger (
    position   INTEGER PRIMARY KEY,
    at         INTEGER,
    opened     INTEGER NOT NULL,
    attached   INTEGER NOT NULL,
    updated    INTEGER NOT NULL,
    held       INTEGER NOT NULL,
    suppressed INTEGER NOT NULL,
    duplicate  INTEGER NOT NULL,
    resolved   INTEGER NOT NULL,
    entries    BLOB    NOT NULL
);

-- Later dispositions, append-only.
CREATE TABLE ledger_change (
    id          INTEGER PRIMARY KEY,
    event       TEXT    NOT NULL,
    alert       INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    before      TEXT    NOT NULL,
    disposition TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    incident    TEXT    NOT NULL,
    rule        TEXT    NOT NULL,
    enforced    TEXT
);
CREATE INDEX ledger_change_event ON ledger_change (event);

-- The ledger counted up to a position and a change, so that counting need not start at the beginning.
CREATE TABLE ledger_count (
    only     INTEGER PRIMARY KEY CHECK (only = 1),
    position INTEGER NOT NULL,
    change   INTEGER NOT NULL,
    counts   TEXT    NOT NULL
);
INSERT INTO ledger_count VALUES (1, 0, 0, '{}');

-- Current alerts: what lists filter by; the whole view is element `slot` of the JSON array in `block`.
CREATE TABLE alert (
    no          INTEGER PRIMARY KEY,
    entity      TEXT    NOT NULL,
    incident    TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    disposition TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    verdict     TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL,
    block       INTEGER NOT NULL,
    slot        INTEGER NOT NULL
);
CREATE INDEX alert_incident ON alert (incident) WHERE incident <> '';
CREATE TABLE alert_block (id INTEGER PRIMARY KEY, docs BLOB NOT NULL);

-- Alerts by fingerprint, filled in order of fingerprint with every snapshot; `no` above the largest here: scan.
CREATE TABLE alert_fingerprint (fingerprint TEXT PRIMARY KEY, no INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE alert_indexed (only INTEGER PRIMARY KEY CHECK (only = 1), no INTEGER NOT NULL);
INSERT INTO alert_indexed VALUES (1, 0);

-- Incidents: `seq` of revisions and of timeline entries is one sequence, the live feed.
CREATE TABLE incident (
    no         INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    seq        INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    severity   TEXT    NOT NULL,
    domain     TEXT    NOT NULL,
    updated_at INTEGER NOT NULL,
    entities   TEXT    NOT NULL,
    search     TEXT    NOT NULL
);
CREATE TABLE incident_revision (
    seq      INTEGER PRIMARY KEY,
    incident TEXT    NOT NULL,
    revision INTEGER NOT NULL,
    doc      BLOB    NOT NULL,
    UNIQUE (incident, revision)
);
CREATE TABLE timeline (
    seq      INTEGER PRIMARY KEY,
    incident TEXT    NOT NULL,
    doc      BLOB    NOT NULL
);
CREATE INDEX timeline_incident ON timeline (incident);

-- The outbox: one row per publication and sink. `due` moves with retries, `not_before` does not.
CREATE TABLE outbox (
    id         INTEGER PRIMARY KEY,
    "key"      TEXT    NOT NULL,
    sink       TEXT    NOT NULL,
    incident   TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    audience   TEXT    NOT NULL,
    state      TEXT    NOT NULL DEFAULT 'new',
    ambiguous  INTEGER NOT NULL DEFAULT 0,
    due        INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    epoch      INTEGER NOT NULL DEFAULT 0,
    lease      INTEGER NOT NULL DEFAULT 0,
    changed_at INTEGER NOT NULL,
    remote     TEXT    NOT NULL DEFAULT '',
    error      TEXT    NOT NULL DEFAULT '',
    doc        BLOB    NOT NULL,
    UNIQUE ("key", sink)
);
CREATE INDEX outbox_unfinished ON outbox (sink, incident, id) WHERE state IN ('new', 'claimed', 'sent', 'ambiguous');
CREATE INDEX outbox_incident ON outbox (incident);
CREATE TABLE outbox_epoch (only INTEGER PRIMARY KEY CHECK (only = 1), epoch INTEGER NOT NULL);
INSERT INTO outbox_epoch VALUES (1, 0);

-- The record of decisions. Only salt and payload of a record may ever be erased (NULL); the chain itself stays.
CREATE TABLE chain (
    id       INTEGER PRIMARY KEY,
    domain   TEXT    NOT NULL,
    seq      INTEGER NOT NULL,
    position INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    digest   BLOB    NOT NULL,
    link     BLOB    NOT NULL,
    salt     BLOB,
    payload  BLOB,
    UNIQUE (domain, seq)
);
CREATE INDEX chain_position ON chain (position);
CREATE TRIGGER chain_is_kept BEFORE DELETE ON chain BEGIN
    SELECT RAISE(ABORT, 'the record of decisions is append-only');
END;
CREATE TRIGGER chain_is_append_only BEFORE UPDATE ON chain
WHEN new.id <> old.id OR new.domain <> old.domain OR new.seq <> old.seq OR new.position <> old.position
    OR new.at <> old.at OR new.digest <> old.digest OR new.link <> old.link
    OR new.salt IS NOT NULL OR new.payload IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'the record of decisions is append-only');
END;
CREATE TABLE chain_head (domain TEXT PRIMARY KEY, seq INTEGER NOT NULL, link BLOB NOT NULL) WITHOUT ROWID;

CREATE TABLE dead_letter (
    id       INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    source   TEXT    NOT NULL,
    format   TEXT    NOT NULL,
    pointer  TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    raw      BLOB    NOT NULL,
    position INTEGER,
    state    TEXT    NOT NULL
);

CREATE TABLE version (
    no      INTEGER PRIMARY KEY,
    kind    TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    content BLOB    NOT NULL,
    note    TEXT    NOT NULL,
    UNIQUE (kind, id)
);

-- The core's state; `state` is a zstd frame, `checksum` the xxh3-128 of the frame.
CREATE TABLE snapshot (
    id       INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    ticked   INTEGER NOT NULL,
    schema   INTEGER NOT NULL,
    engine   TEXT    NOT NULL,
    checksum BLOB    NOT NULL,
    state    BLOB    NOT NULL
);

-- Where the last commit left off.
CREATE TABLE progress (
    only      INTEGER PRIMARY KEY CHECK (only = 1),
    position  INTEGER NOT NULL,
    ticked    INTEGER NOT NULL,
    arrival   INTEGER NOT NULL,
    alive     INTEGER NOT NULL,
    positions TEXT    NOT NULL,
    counts    TEXT    NOT NULL
);
INSERT INTO progress VALUES (1, 0, 0, 0, 0, '[]', '{}');
