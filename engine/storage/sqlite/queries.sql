-- All statements of the SQLite store. Hot ones take their values by place, the others by name.

-- name: insert_input
INSERT INTO input (position, source, partition, "offset", format, arrival, poison, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: input_after
SELECT position, source, partition, "offset", format, arrival, body, poison
FROM input WHERE position > :after AND position <= :until ORDER BY position LIMIT :limit;

-- name: first_input
SELECT min(position) FROM input;

-- name: prune_input
-- Entries that arrived before, behind no snapshot that may still be needed, oldest first.
DELETE FROM input WHERE position IN (
    SELECT position FROM input WHERE position <= :upto AND arrival < :before ORDER BY position LIMIT :limit
);

-- name: insert_ledger
INSERT INTO ledger (position, at, opened, attached, updated, held, suppressed, duplicate, resolved, entries)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: ledger_row
SELECT at, entries FROM ledger WHERE position = ?;

-- name: insert_change
INSERT INTO ledger_change (event, alert, at, before, disposition, reason, incident, rule, enforced)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: changes_of_event
SELECT alert, at, disposition, reason, incident, rule, enforced FROM ledger_change WHERE event = ? ORDER BY id;

-- name: count_ledger
SELECT max(position), sum(opened), sum(attached), sum(updated), sum(held), sum(suppressed), sum(duplicate), sum(resolved)
FROM ledger WHERE position > ?;

-- name: count_changes
SELECT max(id), before, disposition, count(*) FROM ledger_change WHERE id > ? GROUP BY before, disposition;

-- name: counted
SELECT position, change, counts FROM ledger_count;

-- name: set_counted
UPDATE ledger_count SET position = ?, change = ?, counts = ?;

-- name: insert_block
INSERT INTO alert_block (docs) VALUES (?);

-- name: upsert_alert
INSERT INTO alert (no, entity, incident, name, disposition, state, verdict, fingerprint, block, slot)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (no) DO UPDATE SET entity = excluded.entity, incident = excluded.incident, name = excluded.name,
    disposition = excluded.disposition, state = excluded.state, verdict = excluded.verdict,
    fingerprint = excluded.fingerprint, block = excluded.block, slot = excluded.slot;

-- name: delete_unused_blocks
DELETE FROM alert_block WHERE id NOT IN (SELECT block FROM alert);

-- name: index_fingerprints
-- In order of fingerprint: neighbours share a page, so that a page is written once for many alerts.
INSERT OR REPLACE INTO alert_fingerprint (fingerprint, no)
SELECT fingerprint, no FROM alert WHERE no > (SELECT no FROM alert_indexed) ORDER BY fingerprint;

-- name: set_indexed
UPDATE alert_indexed SET no = (SELECT coalesce(max(no), 0) FROM alert);

-- name: alert_by_number
SELECT a.slot, b.docs FROM alert a JOIN alert_block b ON b.id = a.block WHERE a.no = ?;

-- name: number_by_fingerprint
SELECT no FROM alert WHERE no > (SELECT no FROM alert_indexed) AND fingerprint = :fingerprint
UNION ALL SELECT no FROM alert_fingerprint WHERE fingerprint = :fingerprint LIMIT 1;

-- name: alerts
SELECT a.no, a.block, a.slot, b.docs FROM alert a JOIN alert_block b ON b.id = a.block
WHERE a.no < :before
  AND (:entity = '' OR a.entity = :entity)
  AND (:name = '' OR a.name = :name)
  AND (:dispositions = '[]' OR a.disposition IN (SELECT value FROM json_each(:dispositions)))
  AND (:states = '[]' OR a.state IN (SELECT value FROM json_each(:states)))
  AND (:verdicts = '[]' OR a.verdict IN (SELECT value FROM json_each(:verdicts)))
ORDER BY a.no DESC LIMIT :limit;

-- name: alerts_of_incident
-- As `alerts`, through the index by incident.
SELECT a.no, a.block, a.slot, b.docs FROM alert a JOIN alert_block b ON b.id = a.block
WHERE a.incident = :incident AND a.incident <> '' AND a.no < :before
  AND (:entity = '' OR a.entity = :entity)
  AND (:name = '' OR a.name = :name)
  AND (:dispositions = '[]' OR a.disposition IN (SELECT value FROM json_each(:dispositions)))
  AND (:states = '[]' OR a.state IN (SELECT value FROM json_each(:states)))
  AND (:verdicts = '[]' OR a.verdict IN (SELECT value FROM json_each(:verdicts)))
ORDER BY a.no DESC LIMIT :limit;

-- name: last_seq
SELECT max(coalesce((SELECT max(seq) FROM incident_revision), 0), coalesce((SELECT max(seq) FROM timeline), 0));

-- name: insert_revision
INSERT INTO incident_revision (seq, incident, revision, doc) VALUES (?, ?, ?, ?);

-- name: upsert_incident
INSERT INTO incident (id, seq, state, severity, domain, updated_at, entities, search, clock_due)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, state = excluded.state, severity = excluded.severity,
    domain = excluded.domain, updated_at = excluded.updated_at, entities = excluded.entities, search = excluded.search,
    clock_due = excluded.clock_due;

-- name: insert_timeline
INSERT INTO timeline (seq, incident, doc) VALUES (?, ?, ?);

-- name: incidents
SELECT i.no, r.doc FROM incident i JOIN incident_revision r ON r.seq = i.seq
WHERE i.no < :before
  AND (:states = '[]' OR i.state IN (SELECT value FROM json_each(:states)))
  AND (:severities = '[]' OR i.severity IN (SELECT value FROM json_each(:severities)))
  AND (:domain = '' OR i.domain = :domain)
  AND (:since IS NULL OR i.updated_at >= :since)
  AND (NOT :clocks OR i.clock_due IS NOT NULL)
  AND (:drill IS NULL OR (substr(i.id, 1, 6) = 'DRILL-') = :drill)
  AND (:text = '' OR instr(i.search, :text) > 0)
  AND (:entity = '' OR EXISTS (SELECT 1 FROM json_each(i.entities) e WHERE e.value = :entity))
ORDER BY i.no DESC LIMIT :limit;

-- name: incident
SELECT r.doc FROM incident i JOIN incident_revision r ON r.seq = i.seq WHERE i.id = :id;

-- name: revisions
SELECT revision, doc FROM incident_revision WHERE incident = :id AND revision > :behind
ORDER BY revision LIMIT :limit;

-- name: timeline
SELECT seq, doc FROM timeline WHERE incident = :id AND seq > :behind ORDER BY seq LIMIT :limit;

-- name: feed
SELECT seq, 'incident' AS event, doc FROM incident_revision WHERE seq > :after
UNION ALL SELECT seq, 'timeline', doc FROM timeline WHERE seq > :after
ORDER BY seq LIMIT :limit;

-- name: insert_outbox
-- A key that a sink already has is the same publication again.
INSERT INTO outbox ("key", sink, incident, action, audience, due, changed_at, doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT ("key", sink) DO NOTHING;

-- name: claimable
-- Due rows with nothing of their incident to be finished before them (engine.overtaking). A lease that ran out frees its
-- row; what had been sent by then may or may not have arrived.
SELECT o.id, o.doc, o.attempts, o.ambiguous OR o.state = 'sent', o.probes, o.incident
FROM outbox o INDEXED BY outbox_queue
WHERE o.sink = :sink
  AND o.state IN ('new', 'claimed', 'sent', 'ambiguous')
  AND CASE WHEN o.state IN ('new', 'ambiguous') THEN o.due ELSE o.lease END <= :now
  AND NOT EXISTS (
      SELECT 1 FROM outbox e INDEXED BY outbox_unfinished
      WHERE e.sink = o.sink AND e.incident = o.incident AND e.id < o.id
        AND e.state IN ('new', 'claimed', 'sent', 'ambiguous')
        AND NOT (e.action = 'update' AND e.epoch = 0 AND e.due > :now) AND (e.epoch > 0 OR o.epoch = 0)
  )
  AND NOT EXISTS (
      SELECT 1 FROM outbox e INDEXED BY outbox_unfinished
      WHERE o.epoch = 0 AND e.sink = o.sink AND e.incident = o.incident AND e.id > o.id
        AND e.state IN ('new', 'claimed', 'sent', 'ambiguous') AND e.epoch > 0
  )
ORDER BY o.id LIMIT :limit;

-- name: queued
-- What is unfinished of an incident.
SELECT id, doc, state, ambiguous, epoch, due FROM outbox INDEXED BY outbox_unfinished
WHERE sink = :sink AND incident = :incident AND state IN ('new', 'claimed', 'sent', 'ambiguous')
ORDER BY id;

-- name: supersede
UPDATE outbox SET state = 'superseded', changed_at = :now WHERE id = :id;

-- name: inherit
UPDATE outbox SET doc = :doc WHERE id = :id;

-- name: next_epoch
UPDATE outbox_epoch SET epoch = epoch + 1;

-- name: epoch
SELECT epoch FROM outbox_epoch;

-- name: claim
UPDATE outbox SET state = CASE WHEN :sent THEN 'sent' ELSE 'claimed' END, attempts = attempts + :sent,
    ambiguous = :ambiguous, epoch = :epoch, lease = :lease, changed_at = :now
WHERE id = :id;

-- name: outbox_sent
UPDATE outbox SET state = 'sent', attempts = attempts + 1, probes = 0, changed_at = :now
WHERE id = :id AND epoch = :epoch AND state = 'claimed' AND lease > :now;

-- name: outbox_renew
UPDATE outbox SET lease = :until
WHERE id = :id AND epoch = :epoch AND state IN ('claimed', 'sent') AND lease > :now;

-- name: outbox_release
UPDATE outbox SET state = CASE WHEN :ambiguous THEN 'ambiguous' ELSE 'new' END, ambiguous = :ambiguous,
    attempts = :attempts, probes = :probes, due = :due, error = :error
WHERE id = :id AND epoch = :epoch AND state IN ('claimed', 'sent');

-- name: outbox_confirmed
UPDATE outbox SET state = 'confirmed', ambiguous = 0, remote = :remote, error = '', changed_at = :now
WHERE id = :id AND epoch = :epoch AND state IN ('claimed', 'sent');

-- name: outbox_retry
UPDATE outbox SET state = CASE WHEN :ambiguous THEN 'ambiguous' ELSE 'new' END, ambiguous = :ambiguous,
    probes = :probes, due = :due, error = :error
WHERE id = :id AND epoch = :epoch AND state IN ('claimed', 'sent');

-- name: outbox_dead
UPDATE outbox SET state = 'dead', error = :error, changed_at = :now
WHERE id = :id AND epoch = :epoch AND state IN ('claimed', 'sent');

-- name: outbox_redrive
UPDATE outbox SET state = 'new', attempts = 0, probes = 0, due = :now, changed_at = :now
WHERE id = :id AND state = 'dead';

-- name: outbox_depth
SELECT d.sink, d.state, d.rows, o.doc
FROM (
    SELECT sink, state, count(*) AS rows, min(id) AS first FROM outbox INDEXED BY outbox_unfinished
    WHERE state IN ('new', 'claimed', 'sent', 'ambiguous') GROUP BY sink, state
    UNION ALL
    SELECT sink, 'dead', count(*), min(id) FROM outbox INDEXED BY outbox_dead WHERE state = 'dead' GROUP BY sink
) d JOIN outbox o ON o.id = d.first
ORDER BY d.sink, d.state;

-- name: outbox_rows
SELECT id, doc, sink, state, ambiguous, attempts, due, changed_at, remote, error FROM outbox
WHERE id < :before AND (:states = '[]' OR state IN (SELECT value FROM json_each(:states)))
ORDER BY id DESC LIMIT :limit;

-- name: outbox_of_incident
SELECT id, doc, sink, state, ambiguous, attempts, due, changed_at, remote, error FROM outbox
WHERE incident = :incident AND id < :before AND (:states = '[]' OR state IN (SELECT value FROM json_each(:states)))
ORDER BY id DESC LIMIT :limit;

-- name: standings
SELECT sink, SUM(state IN ('new', 'claimed', 'sent', 'ambiguous')), SUM(state = 'dead'),
    MAX(CASE WHEN state = 'confirmed' THEN changed_at END), MAX(CASE WHEN error <> '' THEN changed_at END)
FROM outbox GROUP BY sink ORDER BY sink;

-- name: latest_error
SELECT error FROM outbox WHERE sink = :sink AND error <> '' ORDER BY changed_at DESC, id DESC LIMIT 1;

-- name: links
SELECT sink, incident, generation, remote, url, state, seen, created_at, changed_at, doubtful FROM link
WHERE (:sink = '' OR sink = :sink) AND (:incident = '' OR incident = :incident) AND (:state = '' OR state = :state)
ORDER BY no;

-- name: links_of_state
SELECT sink, incident, generation, remote, url, state, seen, created_at, changed_at, doubtful FROM link
WHERE state = :state AND (:sink = '' OR sink = :sink) AND (:incident = '' OR incident = :incident)
ORDER BY no;

-- name: link
SELECT sink, incident, generation, remote, url, state, seen, created_at, changed_at, doubtful FROM link
WHERE sink = :sink AND remote = :remote;

-- name: link_in_use
-- Of the latest generation, the first that is no duplicate.
SELECT sink, incident, generation, remote, url, state, seen, created_at, changed_at, doubtful FROM link
WHERE incident = :incident AND sink = :sink AND state <> 'duplicate' ORDER BY generation DESC, no LIMIT 1;

-- name: links_unsettled
SELECT sink, incident, generation, remote, url, state, seen, created_at, changed_at, doubtful FROM (
    SELECT * FROM link WHERE state = 'open' AND sink = :sink
    UNION
    SELECT * FROM link WHERE state = 'closed' AND sink = :sink AND changed_at >= :since
    UNION
    SELECT * FROM link WHERE doubtful > 0 AND state <> 'duplicate' AND sink = :sink
) ORDER BY no;

-- name: tie_link
-- What is known of it already stays where the receipt says nothing.
INSERT INTO link (sink, incident, generation, remote, url, state, seen, created_at, changed_at, doubtful)
VALUES (:sink, :incident, :generation, :remote, :url, :state, :seen, :now, :now, :doubtful)
ON CONFLICT (sink, remote) DO UPDATE SET
    incident = excluded.incident, generation = excluded.generation, state = excluded.state,
    url = CASE excluded.url WHEN '' THEN url ELSE excluded.url END,
    seen = CASE excluded.seen WHEN '' THEN seen ELSE excluded.seen END,
    changed_at = excluded.changed_at, doubtful = max(doubtful, excluded.doubtful);

-- name: keep_link
INSERT INTO link (sink, incident, generation, remote, url, state, seen, created_at, changed_at, doubtful)
VALUES (:sink, :incident, :generation, :remote, :url, :state, :seen, :created_at, :changed_at, :doubtful)
ON CONFLICT (sink, remote) DO UPDATE SET
    incident = excluded.incident, generation = excluded.generation, url = excluded.url, state = excluded.state,
    seen = excluded.seen, created_at = excluded.created_at, changed_at = excluded.changed_at,
    doubtful = excluded.doubtful;

-- name: link_saw
UPDATE link SET seen = :now_seen WHERE sink = :sink AND remote = :remote AND seen = :seen;

-- name: link_doubt
UPDATE link SET doubtful = max(doubtful, :until)
WHERE incident = :incident AND sink = :sink AND state <> 'duplicate';

-- name: link_settled
UPDATE link SET doubtful = 0 WHERE sink = :sink AND remote = :remote AND doubtful = :doubtful;

-- name: insert_chain
INSERT INTO chain (domain, seq, position, at, digest, link, salt, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: set_head
INSERT INTO chain_head (domain, seq, link) VALUES (?, ?, ?)
ON CONFLICT (domain) DO UPDATE SET seq = excluded.seq, link = excluded.link;

-- name: heads
SELECT domain, seq, link FROM chain_head ORDER BY domain;

-- name: domains
SELECT DISTINCT domain FROM chain UNION SELECT domain FROM chain_head ORDER BY domain;

-- name: chain_after
SELECT domain, seq, position, at, digest, link, salt, payload
FROM chain WHERE domain = :domain AND seq > :after ORDER BY seq LIMIT :limit;

-- name: decisions_after
SELECT id, domain, position, at, payload FROM chain WHERE id > :id AND +position > :after ORDER BY id LIMIT :limit;

-- name: first_decision_after
SELECT min(id) FROM chain WHERE position > :after;

-- name: erase
UPDATE chain SET salt = NULL, payload = NULL
WHERE domain = :domain AND position = :position AND payload IS NOT NULL;

-- name: insert_dead_letter
INSERT INTO dead_letter (at, source, format, pointer, reason, raw, position, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: dead_letters
SELECT id, at, source, format, pointer, reason, raw, position, state FROM dead_letter
WHERE id < :before AND (:state = '' OR state = :state) ORDER BY id DESC LIMIT :limit;

-- name: dead_letter
SELECT id, at, source, format, pointer, reason, raw, position, state FROM dead_letter WHERE id = :id;

-- name: settle_dead_letter
UPDATE dead_letter SET state = :state WHERE id = :id AND state = 'open';

-- name: insert_version
-- The id is a hash of the content: the same id is the same version again.
INSERT INTO version (kind, id, at, content, note) VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, id) DO NOTHING;

-- name: version
SELECT kind, id, at, content, note FROM version WHERE kind = :kind AND id = :id;

-- name: versions
SELECT no, kind, id, at, note FROM version WHERE no < :before AND (:kind = '' OR kind = :kind)
ORDER BY no DESC LIMIT :limit;

-- name: insert_snapshot
INSERT INTO snapshot (position, ticked, schema, engine, checksum, state) VALUES (?, ?, ?, ?, ?, ?);

-- name: drop_old_snapshots
DELETE FROM snapshot WHERE id NOT IN (SELECT id FROM snapshot ORDER BY id DESC LIMIT 2);

-- name: snapshot_ids
SELECT id, position FROM snapshot ORDER BY id DESC;

-- name: snapshot
SELECT position, ticked, schema, engine, checksum, state FROM snapshot WHERE id = ?;

-- name: progress
SELECT position, ticked, arrival, alive, positions, counts FROM progress;

-- name: set_progress
UPDATE progress SET position = ?, ticked = ?, arrival = ?, positions = ?, counts = ?;

-- name: set_alive
UPDATE progress SET alive = max(alive, ?);
