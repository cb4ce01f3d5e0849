-- Looks for an unclear publication, and until when a second ticket may turn up.
ALTER TABLE outbox ADD COLUMN probes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE link ADD COLUMN doubtful INTEGER NOT NULL DEFAULT 0;
CREATE INDEX link_doubtful ON link (sink) WHERE doubtful > 0;
-- The queue in its order, so that a claim stops at its limit; and what is dead, which is shown and counted.
CREATE INDEX outbox_queue ON outbox (sink, id) WHERE state IN ('new', 'claimed', 'sent', 'ambiguous');
CREATE INDEX outbox_dead ON outbox (sink, id) WHERE state = 'dead';
