-- The first schema. Times are milliseconds since 1970. bytea columns called body, docs, doc, content, payload, raw and
-- entries are "packed" (engine.storage.codec): one byte (0 plain, 1 lz4 block with its length), then the bytes, which
-- PostgreSQL need not try to compress again. Texts hold no NUL: see engine.storage.postgres.texts.
--
-- A shard is what one engine owns. Its positions lie in (shard << 40, (shard + 1) << 40), and so do the numbers of its
-- changes, alert blocks and records of decisions; what has such a number needs no column for its shard.

-- Who may write a shard: whoever holds its latest epoch.
CREATE TABLE owners (
    shard integer PRIMARY KEY,
    epoch bigint  NOT NULL,
    owner text    NOT NULL,
    at    bigint  NOT NULL
);

-- Locks the shard until the transaction ends; an error unless the epoch is the latest.
CREATE FUNCTION hold(its_shard integer, its_epoch bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    holder owners%ROWTYPE;
BEGIN
    SELECT * INTO holder FROM owners WHERE shard = its_shard FOR UPDATE;
    IF holder.epoch IS DISTINCT FROM its_epoch THEN
        RAISE EXCEPTION 'shard % is at epoch % of %', its_shard, holder.epoch, holder.owner USING ERRCODE = 'HW001';
    END IF;
END $$;

-- An error unless as many rows were changed as were meant.
CREATE FUNCTION expect(changed bigint, meant bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF changed <> meant THEN
        RAISE EXCEPTION '% of % were as they were last seen', changed, meant USING ERRCODE = 'HW002';
    END IF;
END $$;

-- Where the last commit of a shard left off.
CREATE TABLE progress (
    shard     integer PRIMARY KEY,
    position  bigint NOT NULL,
    ticked    bigint NOT NULL DEFAULT 0,
    arrival   bigint NOT NULL DEFAULT 0,
    alive     bigint NOT NULL DEFAULT 0,
    positions text   NOT NULL DEFAULT '[]',
    counts    text   NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);

-- The input log: every input in its durable order. One partition per day of arrival, made when the day begins and
-- dropped by retention.
CREATE TABLE input (
    position  bigint  NOT NULL,
    source    text    NOT NULL,
    partition bigint  NOT NULL,
    "offset"  bigint,
    format    text    NOT NULL,
    arrival   bigint  NOT NULL,
    poison    boolean NOT NULL,
    body      bytea   STORAGE EXTERNAL NOT NULL,
    PRIMARY KEY (position, arrival)
) PARTITION BY RANGE (arrival);

-- First dispositions: one row per input, entries = msgpack of its LedgerEntry list, and how many of each. Partitions
-- of 4,194,304 positions, as of `ledger_change` and `chain`.
CREATE TABLE ledger (
    position   bigint  PRIMARY KEY,
    at         bigint,
    opened     integer NOT NULL,
    attached   integer NOT NULL,
    updated    integer NOT NULL,
    held       integer NOT NULL,
    suppressed integer NOT NULL,
    duplicate  integer NOT NULL,
    resolved   integer NOT NULL,
    entries    bytea   STORAGE EXTERNAL NOT NULL
) PARTITION BY RANGE (position);

-- Later dispositions of the event `position`-`index`, append-only; `id` counts within a shard.
CREATE TABLE ledger_change (
    id          bigint  NOT NULL,
    position    bigint  NOT NULL,
    index       integer NOT NULL,
    alert       bigint  NOT NULL,
    at          bigint  NOT NULL,
    before      text    NOT NULL,
    disposition text    NOT NULL,
    reason      text    NOT NULL,
    incident    text    NOT NULL,
    rule        text    NOT NULL,
    enforced    text,
    PRIMARY KEY (id, position)
) PARTITION BY RANGE (position);
CREATE INDEX ledger_change_event ON ledger_change (position, index);

-- The ledger of a shard counted up to a position and a change, so that counting need not start at the beginning.
CREATE TABLE ledger_count (
    shard    integer PRIMARY KEY,
    position bigint NOT NULL,
    change   bigint NOT NULL,
    counts   text   NOT NULL DEFAULT '{}'
);

-- Current alerts: what lists filter by; the whole view is element `slot` of the JSON array in `block`. `place` is the
-- order in which they came to be, over all shards.
CREATE TABLE alert (
    no          bigint  PRIMARY KEY,
    place       bigint  GENERATED ALWAYS AS IDENTITY,
    entity      text    NOT NULL,
    incident    text    NOT NULL,
    name        text    NOT NULL,
    disposition text    NOT NULL,
    state       text    NOT NULL,
    verdict     text    NOT NULL,
    fingerprint text    NOT NULL,
    block       bigint  NOT NULL,
    slot        integer NOT NULL
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX alert_place ON alert (place);
CREATE INDEX alert_incident ON alert (incident) WHERE incident <> '';
CREATE TABLE alert_block (
    id   bigint PRIMARY KEY,
    docs bytea  STORAGE EXTERNAL NOT NULL
) WITH (toast_tuple_target = 8160);

-- Alerts by fingerprint, filled in order of fingerprint with every snapshot; above `alert_indexed`: scan.
CREATE TABLE alert_fingerprint (fingerprint text PRIMARY KEY, no bigint NOT NULL);
CREATE TABLE alert_indexed (shard integer PRIMARY KEY, no bigint NOT NULL);

-- Incidents. Revisions and timeline entries share one sequence of numbers without gaps, the live feed. Whoever adds to
-- it holds the row of `feed` until the commit: so a reader who has seen number n has seen all before it.
CREATE TABLE feed (seq bigint NOT NULL) WITH (fillfactor = 10);
INSERT INTO feed VALUES (0);
CREATE TABLE incident (
    no         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         text   NOT NULL UNIQUE,
    seq        bigint NOT NULL,
    state      text   NOT NULL,
    severity   text   NOT NULL,
    domain     text   NOT NULL,
    updated_at bigint NOT NULL,
    entities   text[] NOT NULL,
    search     text   NOT NULL,
    clock_due  bigint
) WITH (fillfactor = 70);
CREATE TABLE incident_revision (
    seq      bigint  PRIMARY KEY,
    incident text    NOT NULL,
    revision bigint  NOT NULL,
    doc      bytea   STORAGE EXTERNAL NOT NULL,
    UNIQUE (incident, revision)
);
CREATE TABLE timeline (
    seq      bigint PRIMARY KEY,
    incident text   NOT NULL,
    doc      bytea  STORAGE EXTERNAL NOT NULL
);
CREATE INDEX timeline_incident ON timeline (incident, seq);

-- The outbox: one row per publication and sink. `due` moves with retries, `not_before` does not.
CREATE TABLE outbox (
    id         bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key        text    NOT NULL,
    sink       text    NOT NULL,
    incident   text    NOT NULL,
    action     text    NOT NULL,
    audience   text    NOT NULL,
    state      text    NOT NULL DEFAULT 'new',
    ambiguous  boolean NOT NULL DEFAULT false,
    due        bigint  NOT NULL,
    attempts   integer NOT NULL DEFAULT 0,
    probes     integer NOT NULL DEFAULT 0,
    epoch      bigint  NOT NULL DEFAULT 0,
    lease      bigint  NOT NULL DEFAULT 0,
    changed_at bigint  NOT NULL,
    remote     text    NOT NULL DEFAULT '',
    error      text    NOT NULL DEFAULT '',
    doc        bytea   STORAGE EXTERNAL NOT NULL,
    UNIQUE (key, sink)
) WITH (fillfactor = 70);
CREATE INDEX outbox_unfinished ON outbox (sink, incident, id) WHERE state IN ('new', 'claimed', 'sent', 'ambiguous');
CREATE INDEX outbox_queue ON outbox (sink, id) WHERE state IN ('new', 'claimed', 'sent', 'ambiguous');
CREATE INDEX outbox_dead ON outbox (sink, id) WHERE state = 'dead';
CREATE INDEX outbox_incident ON outbox (incident, id);
CREATE SEQUENCE outbox_epoch;

-- What sinks keep of incidents: a ticket, a message that is edited. `no` is the order in which they were made.
CREATE TABLE link (
    no         bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sink       text    NOT NULL,
    incident   text    NOT NULL,
    generation bigint  NOT NULL,
    remote     text    NOT NULL,
    url        text    NOT NULL,
    state      text    NOT NULL,
    seen       text    NOT NULL,
    created_at bigint  NOT NULL,
    changed_at bigint  NOT NULL,
    doubtful   bigint  NOT NULL DEFAULT 0,
    UNIQUE (sink, remote)
);
CREATE INDEX link_incident ON link (incident);
CREATE INDEX link_state ON link (state, sink);
CREATE INDEX link_doubtful ON link (sink) WHERE doubtful > 0;

-- The record of decisions; `id` counts within a shard. Only salt and payload of a record may ever be erased (NULL); the
-- chain itself stays, until whole partitions are taken away.
CREATE TABLE chain (
    id       bigint NOT NULL,
    domain   text   NOT NULL,
    seq      bigint NOT NULL,
    position bigint NOT NULL,
    at       bigint NOT NULL,
    digest   bytea  NOT NULL,
    link     bytea  NOT NULL,
    salt     bytea,
    payload  bytea  STORAGE EXTERNAL,
    PRIMARY KEY (id, position),
    UNIQUE (domain, seq, position)
) PARTITION BY RANGE (position);
CREATE INDEX chain_position ON chain (position);
CREATE FUNCTION keep_the_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (new.id, new.domain, new.seq, new.position, new.at, new.digest, new.link)
            = (old.id, old.domain, old.seq, old.position, old.at, old.digest, old.link)
            AND new.salt IS NULL AND new.payload IS NULL
        THEN
            RETURN new;
        END IF;
    END IF;
    RAISE EXCEPTION 'the record of decisions is append-only';
END $$;
CREATE TRIGGER chain_is_append_only BEFORE UPDATE OR DELETE ON chain
    FOR EACH ROW EXECUTE FUNCTION keep_the_record();
CREATE TABLE chain_head (domain text PRIMARY KEY, seq bigint NOT NULL, link bytea NOT NULL) WITH (fillfactor = 50);

CREATE TABLE dead_letter (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       bigint NOT NULL,
    source   text   NOT NULL,
    format   text   NOT NULL,
    pointer  text   NOT NULL,
    reason   text   NOT NULL,
    raw      bytea  STORAGE EXTERNAL NOT NULL,
    position bigint,
    state    text   NOT NULL
);

CREATE TABLE version (
    no      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind    text   NOT NULL,
    id      text   NOT NULL,
    at      bigint NOT NULL,
    content bytea  STORAGE EXTERNAL NOT NULL,
    note    text   NOT NULL,
    UNIQUE (kind, id)
);

-- A core's state; `state` is a zstd frame, `checksum` the xxh3-128 of the frame.
CREATE TABLE snapshot (
    id       bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard    integer NOT NULL,
    position bigint  NOT NULL,
    ticked   bigint  NOT NULL,
    schema   integer NOT NULL,
    engine   text    NOT NULL,
    checksum bytea   NOT NULL,
    state    bytea   STORAGE EXTERNAL NOT NULL
);
CREATE INDEX snapshot_shard ON snapshot (shard, id);
