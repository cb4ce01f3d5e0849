-- What sinks keep of incidents: a ticket, a message that is edited. `no` is the order in which they were made.
CREATE TABLE link (
    no         INTEGER PRIMARY KEY,
    sink       TEXT    NOT NULL,
    incident   TEXT    NOT NULL,
    generation INTEGER NOT NULL,
    remote     TEXT    NOT NULL,
    url        TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    seen       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    UNIQUE (sink, remote)
);
CREATE INDEX link_incident ON link (incident);
CREATE INDEX link_state ON link (state, sink);
