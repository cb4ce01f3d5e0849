-- All statements of the PostgreSQL store. Those that write many rows take one array per column, by place; the others take
-- their values by name. What SQLite's store does too has the same name there.

-- name: hold
SELECT hold(%(shard)s, %(epoch)s);

-- name: acquire
INSERT INTO owners (shard, epoch, owner, at) VALUES (%(shard)s, 1, %(owner)s, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
ON CONFLICT (shard) DO UPDATE SET epoch = owners.epoch + 1, owner = excluded.owner, at = excluded.at
RETURNING epoch;

-- name: begin_progress
INSERT INTO progress (shard, position) VALUES (%(shard)s, %(base)s) ON CONFLICT (shard) DO NOTHING;

-- name: begin_count
INSERT INTO ledger_count (shard, position, change) VALUES (%(shard)s, %(base)s, %(base)s) ON CONFLICT (shard) DO NOTHING;

-- name: begin_indexed
INSERT INTO alert_indexed (shard, no) VALUES (%(shard)s, %(base)s) ON CONFLICT (shard) DO NOTHING;

-- name: owners
SELECT shard, epoch, owner, at FROM owners ORDER BY shard;

-- name: insert_input
INSERT INTO input (position, source, partition, "offset", format, arrival, poison, body)
SELECT p, s, n, o, f, a, x <> 0, b
FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bytea[])
    AS t (p, s, n, o, f, a, x, b);

-- name: input_after
SELECT position, source, partition, "offset", format, arrival, body, poison
FROM input WHERE position > %(after)s AND position <= %(until)s ORDER BY position LIMIT %(limit)s;

-- name: first_input
SELECT min(position) FROM input WHERE position > %(after)s AND position < %(until)s;

-- name: prune_input
-- Entries that arrived before, behind no snapshot that may still be needed, oldest first.
DELETE FROM input WHERE (position, arrival) IN (
    SELECT position, arrival FROM input
    WHERE position > %(after)s AND position <= %(upto)s AND arrival < %(before)s ORDER BY position LIMIT %(limit)s
);

-- name: input_partitions
SELECT c.relname, greatest(c.reltuples, 0)::bigint FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'input'::regclass ORDER BY c.relname;

-- name: insert_ledger
INSERT INTO ledger (position, at, opened, attached, updated, held, suppressed, duplicate, resolved, entries)
SELECT * FROM unnest(
    %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bytea[]
);

-- name: ledger_row
SELECT at, entries FROM ledger WHERE position = %(position)s;

-- name: insert_change
INSERT INTO ledger_change
    (id, position, index, alert, at, before, disposition, reason, incident, rule, enforced)
SELECT * FROM unnest(
    %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[],
    %s::text[], %s::text[], %s::text[]
);

-- name: changes_of_event
SELECT alert, at, disposition, reason, incident, rule, enforced FROM ledger_change
WHERE position = %(position)s AND index = %(index)s ORDER BY id;

-- name: count_ledger
SELECT max(position), sum(opened), sum(attached), sum(updated), sum(held), sum(suppressed), sum(duplicate), sum(resolved)
FROM ledger WHERE position > %(position)s AND position < %(until)s;

-- name: count_changes
SELECT max(id), before, disposition, count(*) FROM ledger_change
WHERE id > %(change)s AND id < %(until)s GROUP BY before, disposition;

-- name: counted
SELECT shard, position, change, counts FROM ledger_count ORDER BY shard;

-- name: set_counted
UPDATE ledger_count SET position = %(position)s, change = %(change)s, counts = %(counts)s WHERE shard = %(shard)s;

-- name: last_numbers
-- Of changes, alert blocks and records of decisions.
SELECT
    (SELECT max(id) FROM ledger_change WHERE id > %(after)s AND id < %(until)s),
    (SELECT max(id) FROM alert_block WHERE id > %(after)s AND id < %(until)s),
    (SELECT max(id) FROM chain WHERE id > %(after)s AND id < %(until)s);

-- name: insert_block
INSERT INTO alert_block (id, docs) SELECT * FROM unnest(%s::bigint[], %s::bytea[]);

-- name: upsert_alert
INSERT INTO alert (no, entity, incident, name, disposition, state, verdict, fingerprint, block, slot)
SELECT * FROM unnest(
    %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[],
    %s::bigint[]
)
ON CONFLICT (no) DO UPDATE SET entity = excluded.entity, incident = excluded.incident, name = excluded.name,
    disposition = excluded.disposition, state = excluded.state, verdict = excluded.verdict,
    fingerprint = excluded.fingerprint, block = excluded.block, slot = excluded.slot;

-- name: delete_unused_blocks
DELETE FROM alert_block b WHERE b.id > %(after)s AND b.id < %(until)s
    AND NOT EXISTS (SELECT 1 FROM alert a WHERE a.no > %(after)s AND a.no < %(until)s AND a.block = b.id);

-- name: index_fingerprints
-- In order of fingerprint: neighbours share a page, so that a page is written once for many alerts.
INSERT INTO alert_fingerprint (fingerprint, no)
SELECT fingerprint, max(no) FROM alert
WHERE no > (SELECT no FROM alert_indexed WHERE shard = %(shard)s) AND no < %(until)s
GROUP BY fingerprint ORDER BY fingerprint
ON CONFLICT (fingerprint) DO UPDATE SET no = excluded.no;

-- name: set_indexed
UPDATE alert_indexed SET no = coalesce((SELECT max(no) FROM alert WHERE no > %(after)s AND no < %(until)s), %(after)s)
WHERE shard = %(shard)s;

-- name: alert_by_number
SELECT a.slot, b.docs FROM alert a JOIN alert_block b ON b.id = a.block WHERE a.no = %(no)s;

-- name: number_by_fingerprint
SELECT a.no FROM alert_indexed i JOIN alert a ON a.no > i.no AND a.no < (i.shard + 1)::bigint << 40
WHERE a.fingerprint = %(fingerprint)s
UNION ALL SELECT no FROM alert_fingerprint WHERE fingerprint = %(fingerprint)s LIMIT 1;

-- name: alerts
SELECT a.place, a.block, a.slot, b.docs FROM alert a JOIN alert_block b ON b.id = a.block
WHERE a.place < %(before)s
  AND (%(entity)s = '' OR a.entity = %(entity)s)
  AND (%(name)s = '' OR a.name = %(name)s)
  AND (cardinality(%(dispositions)s::text[]) = 0 OR a.disposition = ANY (%(dispositions)s::text[]))
  AND (cardinality(%(states)s::text[]) = 0 OR a.state = ANY (%(states)s::text[]))
  AND (cardinality(%(verdicts)s::text[]) = 0 OR a.verdict = ANY (%(verdicts)s::text[]))
ORDER BY a.place DESC LIMIT %(limit)s;

-- name: alerts_of_incident
-- As `alerts`, through the index by incident.
SELECT a.place, a.block, a.slot, b.docs FROM alert a JOIN alert_block b ON b.id = a.block
WHERE a.incident = %(incident)s AND a.incident <> '' AND a.place < %(before)s
  AND (%(entity)s = '' OR a.entity = %(entity)s)
  AND (%(name)s = '' OR a.name = %(name)s)
  AND (cardinality(%(dispositions)s::text[]) = 0 OR a.disposition = ANY (%(dispositions)s::text[]))
  AND (cardinality(%(states)s::text[]) = 0 OR a.state = ANY (%(states)s::text[]))
  AND (cardinality(%(verdicts)s::text[]) = 0 OR a.verdict = ANY (%(verdicts)s::text[]))
ORDER BY a.place DESC LIMIT %(limit)s;

-- name: extend_feed
UPDATE feed SET seq = seq + %(more)s;

-- name: insert_revision
-- The last ones of the feed, which was extended by them and by the timeline.
INSERT INTO incident_revision (seq, incident, revision, doc)
SELECT f.seq - t.back, t.incident, t.revision, t.doc
FROM feed f, unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bytea[]) AS t (back, incident, revision, doc);

-- name: upsert_incident
INSERT INTO incident (id, seq, state, severity, domain, updated_at, entities, search, clock_due)
SELECT t.id, f.seq - t.back, t.state, t.severity, t.domain, t.updated_at,
    ARRAY(SELECT json_array_elements_text(t.entities::json)), t.search, t.clock_due
FROM feed f, unnest(
    %s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::bigint[]
) AS t (id, back, state, severity, domain, updated_at, entities, search, clock_due)
ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, state = excluded.state, severity = excluded.severity,
    domain = excluded.domain, updated_at = excluded.updated_at, entities = excluded.entities, search = excluded.search,
    clock_due = excluded.clock_due;

-- name: insert_timeline
INSERT INTO timeline (seq, incident, doc)
SELECT f.seq - t.back, t.incident, t.doc
FROM feed f, unnest(%s::bigint[], %s::text[], %s::bytea[]) AS t (back, incident, doc);

-- name: incidents
SELECT i.no, r.doc FROM incident i JOIN incident_revision r ON r.seq = i.seq
WHERE i.no < %(before)s
  AND (cardinality(%(states)s::text[]) = 0 OR i.state = ANY (%(states)s::text[]))
  AND (cardinality(%(severities)s::text[]) = 0 OR i.severity = ANY (%(severities)s::text[]))
  AND (%(domain)s = '' OR i.domain = %(domain)s)
  AND (%(since)s::bigint IS NULL OR i.updated_at >= %(since)s::bigint)
  AND (NOT %(clocks)s OR i.clock_due IS NOT NULL)
  AND (%(drill)s::boolean IS NULL OR starts_with(i.id, 'DRILL-') = %(drill)s::boolean)
  AND (%(text)s = '' OR strpos(i.search, %(text)s) > 0)
  AND (%(entity)s = '' OR %(entity)s = ANY (i.entities))
ORDER BY i.no DESC LIMIT %(limit)s;

-- name: incident
SELECT r.doc FROM incident i JOIN incident_revision r ON r.seq = i.seq WHERE i.id = %(id)s;

-- name: revisions
SELECT revision, doc FROM incident_revision WHERE incident = %(id)s AND revision > %(behind)s
ORDER BY revision LIMIT %(limit)s;

-- name: timeline
SELECT seq, doc FROM timeline WHERE incident = %(id)s AND seq > %(behind)s ORDER BY seq LIMIT %(limit)s;

-- name: feed
(SELECT seq, 'incident' AS event, doc FROM incident_revision WHERE seq > %(after)s ORDER BY seq LIMIT %(limit)s)
UNION ALL
(SELECT seq, 'timeline', doc FROM timeline WHERE seq > %(after)s ORDER BY seq LIMIT %(limit)s)
ORDER BY seq LIMIT %(limit)s;

-- name: insert_outbox
-- A key that a sink already has is the same publication again.
INSERT INTO outbox (key, sink, incident, action, audience, due, changed_at, doc)
SELECT * FROM unnest(
    %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bytea[]
)
ON CONFLICT (key, sink) DO NOTHING;

-- name: anything_due
-- Asked many times a second: is there anything that a claim could take?
SELECT 1 FROM outbox o
WHERE o.sink = %(sink)s
  AND o.state IN ('new', 'claimed', 'sent', 'ambiguous')
  AND CASE WHEN o.state IN ('new', 'ambiguous') THEN o.due ELSE o.lease END <= %(now)s
LIMIT 1;

-- name: lock_claimable
-- Due rows with nothing of their incident to be finished before them (engine.overtaking). A lease that ran out frees its
-- row. What another publisher is about to take is passed over.
SELECT o.incident FROM outbox o
WHERE o.sink = %(sink)s
  AND o.state IN ('new', 'claimed', 'sent', 'ambiguous')
  AND CASE WHEN o.state IN ('new', 'ambiguous') THEN o.due ELSE o.lease END <= %(now)s
  AND NOT EXISTS (
      SELECT 1 FROM outbox e
      WHERE e.sink = o.sink AND e.incident = o.incident AND e.id < o.id
        AND e.state IN ('new', 'claimed', 'sent', 'ambiguous')
        AND NOT (e.action = 'update' AND e.epoch = 0 AND e.due > %(now)s) AND (e.epoch > 0 OR o.epoch = 0)
  )
  AND NOT EXISTS (
      SELECT 1 FROM outbox e
      WHERE o.epoch = 0 AND e.sink = o.sink AND e.incident = o.incident AND e.id > o.id
        AND e.state IN ('new', 'claimed', 'sent', 'ambiguous') AND e.epoch > 0
  )
ORDER BY o.id LIMIT %(limit)s FOR UPDATE OF o SKIP LOCKED;

-- name: lock_queued
-- All that is unfinished of these incidents, as far as nobody else has it.
SELECT id FROM outbox
WHERE sink = %(sink)s AND incident = ANY (%(incidents)s::text[]) AND state IN ('new', 'claimed', 'sent', 'ambiguous')
ORDER BY id FOR UPDATE SKIP LOCKED;

-- name: queued
-- What is unfinished of these incidents.
SELECT id, doc, state, ambiguous, epoch, due, incident FROM outbox
WHERE sink = %(sink)s AND incident = ANY (%(incidents)s::text[]) AND state IN ('new', 'claimed', 'sent', 'ambiguous')
ORDER BY id;

-- name: claimable
-- As `lock_claimable`, of these incidents, whose queues are locked.
SELECT o.id, o.doc, o.attempts, o.ambiguous OR o.state = 'sent', o.probes, o.incident FROM outbox o
WHERE o.sink = %(sink)s AND o.incident = ANY (%(incidents)s::text[])
  AND o.state IN ('new', 'claimed', 'sent', 'ambiguous')
  AND CASE WHEN o.state IN ('new', 'ambiguous') THEN o.due ELSE o.lease END <= %(now)s
  AND NOT EXISTS (
      SELECT 1 FROM outbox e
      WHERE e.sink = o.sink AND e.incident = o.incident AND e.id < o.id
        AND e.state IN ('new', 'claimed', 'sent', 'ambiguous')
        AND NOT (e.action = 'update' AND e.epoch = 0 AND e.due > %(now)s) AND (e.epoch > 0 OR o.epoch = 0)
  )
  AND NOT EXISTS (
      SELECT 1 FROM outbox e
      WHERE o.epoch = 0 AND e.sink = o.sink AND e.incident = o.incident AND e.id > o.id
        AND e.state IN ('new', 'claimed', 'sent', 'ambiguous') AND e.epoch > 0
  )
ORDER BY o.id LIMIT %(limit)s;

-- name: supersede
UPDATE outbox SET state = 'superseded', changed_at = %(now)s WHERE id = ANY (%(ids)s);

-- name: inherit
UPDATE outbox SET doc = %(doc)b WHERE id = %(id)s;

-- name: next_epoch
SELECT nextval('outbox_epoch');

-- name: claim
UPDATE outbox SET state = CASE WHEN %(sent)s THEN 'sent' ELSE 'claimed' END,
    attempts = attempts + CASE WHEN %(sent)s THEN 1 ELSE 0 END, ambiguous = ambiguous OR state = 'sent',
    epoch = %(epoch)s, lease = %(lease)s, changed_at = %(now)s
WHERE id = ANY (%(ids)s);

-- name: outbox_sent
UPDATE outbox SET state = 'sent', attempts = attempts + 1, probes = 0, changed_at = %(now)s
WHERE id = %(id)s AND epoch = %(epoch)s AND state = 'claimed' AND lease > %(now)s;

-- name: outbox_renew
UPDATE outbox SET lease = %(until)s
WHERE id = %(id)s AND epoch = %(epoch)s AND state IN ('claimed', 'sent') AND lease > %(now)s;

-- name: outbox_release
UPDATE outbox SET state = CASE WHEN %(ambiguous)s THEN 'ambiguous' ELSE 'new' END, ambiguous = %(ambiguous)s,
    attempts = %(attempts)s, probes = %(probes)s, due = %(due)s, error = %(error)s
WHERE id = %(id)s AND epoch = %(epoch)s AND state IN ('claimed', 'sent');

-- name: outbox_confirmed
UPDATE outbox SET state = 'confirmed', ambiguous = false, remote = %(remote)s, error = '', changed_at = %(now)s
WHERE id = %(id)s AND epoch = %(epoch)s AND state IN ('claimed', 'sent');

-- name: outbox_retry
UPDATE outbox SET state = CASE WHEN %(ambiguous)s THEN 'ambiguous' ELSE 'new' END, ambiguous = %(ambiguous)s,
    probes = %(probes)s, due = %(due)s, error = %(error)s
WHERE id = %(id)s AND epoch = %(epoch)s AND state IN ('claimed', 'sent');

-- name: outbox_dead
UPDATE outbox SET state = 'dead', error = %(error)s, changed_at = %(now)s
WHERE id = %(id)s AND epoch = %(epoch)s AND state IN ('claimed', 'sent');

-- name: outbox_redrive
UPDATE outbox SET state = 'new', attempts = 0, probes = 0, due = %(now)s, changed_at = %(now)s
WHERE id = %(id)s AND state = 'dead';

-- name: outbox_depth
SELECT d.sink, d.state, d.rows, o.doc
FROM (
    SELECT sink, state, count(*) AS rows, min(id) AS first FROM outbox
    WHERE state IN ('new', 'claimed', 'sent', 'ambiguous') GROUP BY sink, state
    UNION ALL
    SELECT sink, 'dead', count(*), min(id) FROM outbox WHERE state = 'dead' GROUP BY sink
) d JOIN outbox o ON o.id = d.first
ORDER BY d.sink COLLATE "C", d.state COLLATE "C";

-- name: outbox_rows
SELECT id, doc, sink, state, ambiguous, attempts, due, changed_at, remote, error FROM outbox
WHERE id < %(before)s AND (cardinality(%(states)s::text[]) = 0 OR state = ANY (%(states)s::text[]))
ORDER BY id DESC LIMIT %(limit)s;

-- name: outbox_of_incident
SELECT id, doc, sink, state, ambiguous, attempts, due, changed_at, remote, error FROM outbox
WHERE incident = %(incident)s AND id < %(before)s
  AND (cardinality(%(states)s::text[]) = 0 OR state = ANY (%(states)s::text[]))
ORDER BY id DESC LIMIT %(limit)s;

-- name: standings
SELECT sink, count(*) FILTER (WHERE state IN ('new', 'claimed', 'sent', 'ambiguous')),
    count(*) FILTER (WHERE state = 'dead'), max(changed_at) FILTER (WHERE state = 'confirmed'),
    max(changed_at) FILTER (WHERE error <> '')
FROM outbox GROUP BY sink ORDER BY sink COLLATE "C";

-- name: latest_error
SELECT error FROM outbox WHERE sink = %(sink)s AND error <> '' ORDER BY changed_at DESC, id DESC LIMIT 1;

-- name: links
SELECT sink, incident, generation, remote, url, state, seen, created_at, changed_at, doubtful FROM link
WHERE (%(sink)s = '' OR sink = %(sink)s) AND (%(incident)s = '' OR incident = %(incident)s)
  AND (%(state)s = '' OR state = %(state)s)
ORDER BY no;

-- name: links_of_state
SELECT sink, incident, generation, remote, url, state, seen, created_at, changed_at, doubtful FROM link
WHERE state = %(state)s AND (%(sink)s = '' OR sink = %(sink)s) AND (%(incident)s = '' OR incident = %(incident)s)
ORDER BY no;

-- name: link
SELECT sink, incident, generation, remote, url, state, seen, created_at, changed_at, doubtful FROM link
WHERE sink = %(sink)s AND remote = %(remote)s;

-- name: links_in_use
-- Of the latest generation of each incident, the first that is no duplicate.
SELECT DISTINCT ON (incident)
    sink, incident, generation, remote, url, state, seen, created_at, changed_at, doubtful FROM link
WHERE incident = ANY (%(incidents)s::text[]) AND sink = %(sink)s AND state <> 'duplicate'
ORDER BY incident, generation DESC, no;

-- name: links_unsettled
SELECT sink, incident, generation, remote, url, state, seen, created_at, changed_at, doubtful FROM (
    SELECT * FROM link WHERE state = 'open' AND sink = %(sink)s
    UNION
    SELECT * FROM link WHERE state = 'closed' AND sink = %(sink)s AND changed_at >= %(since)s
    UNION
    SELECT * FROM link WHERE doubtful > 0 AND state <> 'duplicate' AND sink = %(sink)s
) found ORDER BY no;

-- name: tie_link
-- What is known of it already stays where the receipt says nothing.
INSERT INTO link (sink, incident, generation, remote, url, state, seen, created_at, changed_at, doubtful)
VALUES (%(sink)s, %(incident)s, %(generation)s, %(remote)s, %(url)s, %(state)s, %(seen)s, %(now)s, %(now)s, %(doubtful)s)
ON CONFLICT (sink, remote) DO UPDATE SET
    incident = excluded.incident, generation = excluded.generation, state = excluded.state,
    url = CASE excluded.url WHEN '' THEN link.url ELSE excluded.url END,
    seen = CASE excluded.seen WHEN '' THEN link.seen ELSE excluded.seen END,
    changed_at = excluded.changed_at, doubtful = greatest(link.doubtful, excluded.doubtful);

-- name: keep_link
INSERT INTO link (sink, incident, generation, remote, url, state, seen, created_at, changed_at, doubtful)
VALUES (
    %(sink)s, %(incident)s, %(generation)s, %(remote)s, %(url)s, %(state)s, %(seen)s, %(created_at)s, %(changed_at)s,
    %(doubtful)s
)
ON CONFLICT (sink, remote) DO UPDATE SET
    incident = excluded.incident, generation = excluded.generation, url = excluded.url, state = excluded.state,
    seen = excluded.seen, created_at = excluded.created_at, changed_at = excluded.changed_at,
    doubtful = excluded.doubtful;

-- name: link_saw
UPDATE link SET seen = %(now_seen)s WHERE sink = %(sink)s AND remote = %(remote)s AND seen = %(seen)s;

-- name: link_doubt
UPDATE link SET doubtful = greatest(doubtful, %(until)s)
WHERE incident = %(incident)s AND sink = %(sink)s AND state <> 'duplicate';

-- name: link_settled
UPDATE link SET doubtful = 0 WHERE sink = %(sink)s AND remote = %(remote)s AND doubtful = %(doubtful)s;

-- name: insert_chain
INSERT INTO chain (id, domain, seq, position, at, digest, link, salt, payload)
SELECT * FROM unnest(
    %s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[], %s::bytea[], %s::bytea[], %s::bytea[]
);

-- name: begin_head
INSERT INTO chain_head (domain, seq, link) SELECT d, s, l
FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bytea[]) AS t (d, b, s, l);

-- name: move_head
-- Only from where this engine saw it last: another one may have written to it since.
WITH moved AS (
    UPDATE chain_head h SET seq = t.s, link = t.l
    FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bytea[]) AS t (d, b, s, l)
    WHERE h.domain = t.d AND h.seq = t.b RETURNING 1
)
SELECT expect((SELECT count(*) FROM moved), %s::bigint);

-- name: heads
SELECT domain, seq, link FROM chain_head ORDER BY domain COLLATE "C";

-- name: heads_of
SELECT domain, seq, link FROM chain_head WHERE domain = ANY (%(domains)s::text[]);

-- name: domains
SELECT domain FROM (SELECT domain FROM chain UNION SELECT domain FROM chain_head) d ORDER BY domain COLLATE "C";

-- name: chain_after
SELECT domain, seq, position, at, digest, link, salt, payload
FROM chain WHERE domain = %(domain)s AND seq > %(after)s ORDER BY seq LIMIT %(limit)s;

-- name: decisions_after
SELECT id, domain, position, at, payload FROM chain
WHERE id > %(id)s AND id < %(until)s AND position > %(after)s ORDER BY id LIMIT %(limit)s;

-- name: first_decision_after
SELECT min(id) FROM chain WHERE position > %(after)s AND id < %(until)s;

-- name: erase
UPDATE chain SET salt = NULL, payload = NULL
WHERE domain = %(domain)s AND position = %(position)s AND payload IS NOT NULL;

-- name: insert_dead_letter
INSERT INTO dead_letter (at, source, format, pointer, reason, raw, position, state)
SELECT * FROM unnest(
    %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bytea[], %s::bigint[], %s::text[]
);

-- name: dead_letters
SELECT id, at, source, format, pointer, reason, raw, position, state FROM dead_letter
WHERE id < %(before)s AND (%(state)s = '' OR state = %(state)s) ORDER BY id DESC LIMIT %(limit)s;

-- name: dead_letter
SELECT id, at, source, format, pointer, reason, raw, position, state FROM dead_letter WHERE id = %(id)s;

-- name: settle_dead_letter
UPDATE dead_letter SET state = %(state)s WHERE id = %(id)s AND state = 'open';

-- name: insert_version
-- The id is a hash of the content: the same id is the same version again.
INSERT INTO version (kind, id, at, content, note)
SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bytea[], %s::text[])
ON CONFLICT (kind, id) DO NOTHING;

-- name: version
SELECT kind, id, at, content, note FROM version WHERE kind = %(kind)s AND id = %(id)s;

-- name: versions
SELECT no, kind, id, at, note FROM version WHERE no < %(before)s AND (%(kind)s = '' OR kind = %(kind)s)
ORDER BY no DESC LIMIT %(limit)s;

-- name: insert_snapshot
INSERT INTO snapshot (shard, position, ticked, schema, engine, checksum, state)
VALUES (%(shard)s, %(position)s, %(ticked)s, %(schema)s, %(engine)s, %(checksum)b, %(state)b);

-- name: drop_old_snapshots
DELETE FROM snapshot WHERE shard = %(shard)s
    AND id NOT IN (SELECT id FROM snapshot WHERE shard = %(shard)s ORDER BY id DESC LIMIT 2);

-- name: snapshot_ids
SELECT id, position FROM snapshot WHERE shard = %(shard)s ORDER BY id DESC;

-- name: all_snapshot_ids
SELECT id, position FROM snapshot ORDER BY id DESC;

-- name: snapshot
SELECT position, ticked, schema, engine, checksum, state FROM snapshot WHERE id = %(id)s;

-- name: progress
SELECT position, ticked, arrival, alive, positions, counts FROM progress WHERE shard = %(shard)s;

-- name: all_progress
SELECT shard, position, ticked, counts FROM progress ORDER BY shard;

-- name: set_progress
-- Only from where this engine saw it last: a commit of its own whose answer was lost may have been stored since.
WITH moved AS (
    UPDATE progress SET position = %(position)s, ticked = %(ticked)s, arrival = %(arrival)s, positions = %(positions)s,
        counts = %(counts)s
    WHERE shard = %(shard)s AND (position, ticked) = (%(position_before)s, %(ticked_before)s) RETURNING 1
)
SELECT expect((SELECT count(*) FROM moved), 1);

-- name: set_alive
UPDATE progress SET alive = greatest(alive, %(at)s) WHERE shard = %(shard)s;

-- name: clock
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint;

-- name: insert_handover
INSERT INTO handover (shard, number, "to", last, body)
SELECT s, n, t, l <> 0, b FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[]) AS r (s, n, t, l, b);

-- name: handovers
SELECT "to", number, last, body FROM handover WHERE shard = %(shard)s ORDER BY number LIMIT %(limit)s;

-- name: handed
DELETE FROM handover WHERE shard = %(shard)s AND number <= %(through)s;
