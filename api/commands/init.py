"""`headwater init`: a commented configuration to start from."""

from __future__ import annotations

from pathlib import Path

from api.commands.console import DONE, UNAVAILABLE, Failed, say
from api.settings import DEFAULT_FILE

SETTINGS = """\
# Settings of Headwater. Every key may be left out; what stands here in comments is the default.
# Check with `headwater check`; paths are relative to this file; the environment (HEADWATER_PORT …) wins over it.

data: headwater-data        # the database and the log of publications
# store: ""                 # postgresql://user@host/database instead of SQLite in data: docs/storage.md
catalogue: catalogue        # what there is and who needs whom
rules: rules                # gates, severity, routes
# scenarios: scenarios      # saved what-if questions with the answers that you expect
# log: text                 # json: a JSON object a line
# suppression: shadow       # shadow: only record what inference would suppress; enforce: do it
# snapshot: 60              # seconds between snapshots of the engine's state

# server:
#   host: 127.0.0.1         # any other address is closed from the start (docs/access.md)
#   port: 8666
#   prefix: ""              # the path_prefix that your Prometheus uses for its Alertmanagers
#   names: []               # other host names under which the server may be addressed

# tokens:                   # made by: headwater token create NAME --role ROLE
#   - name: prometheus
#     role: ingest
#     sha256: <64 hexadecimal digits>

# access:                   # keys and users are made by headwater key and headwater user; see docs/access.md
#   sessions:               # of people who have logged in; seconds
#     idle: 3600
#     longest: 43200
#   oidc:
#     issuer: https://id.example.com/realms/staff
#     client_id: headwater
#     client_secret_env: OIDC_SECRET      # the variable that holds the secret
#     url: https://noc.example.com        # where browsers reach Headwater
#     claim: groups
#     roles: {noc-operators: operator, noc-admins: admin}
#   webhooks:               # senders that sign what they post to /api/v1/hooks/NAME
#     - name: deploys
#       style: standard     # standard, github or pagerduty
#       format: /api/v1/signals
#       secrets_env: [HOOK_SECRET]
#   rates: {second: 50, burst: 500, logins: 10}
#   retention: 400          # days for which the trail names people

# sinks:
#   log: true               # append every publication to publications.jsonl in the data folder
#   webhooks:
#     - name: chat
#       url: https://chat.example.com/hooks/headwater
#       audiences: [engineers]        # engineers, stakeholders, tickets
#       allow_private: false          # true: the name may lead to a private address
#       secret_env: CHAT_SECRET       # the variable that holds the signing secret
#   mail:
#     - name: service-owners
#       host: mail.example.com        # by STARTTLS; tls: implicit or none otherwise
#       user: headwater
#       password_env: MAIL_PASSWORD
#       sender: headwater@example.com
#       to: [service-owners@example.com]
#       audiences: [stakeholders]
#       templates: []                 # your own texts: docs/messages.md
#   slack:
#     - name: incident-channel
#       channel: C0123456789          # its id
#       token_env: SLACK_TOKEN
#   teams:
#     - name: bridge
#       url_env: TEAMS_URL            # the variable that holds the workflow's URL
#   alertmanager:
#     - name: old-receiver
#       url: https://hooks.example.com/alertmanager

#   kafka:
#     - name: bus
#       bootstrap: ["127.0.0.1:9092"]
#       incidents: headwater.incidents  # docs/kafka.md: impact, recovery, TLS, SASL
#       audiences: [engineers]

# kafka:                      # docs/kafka.md; `headwater topics create` makes what is missing
#   - name: signals
#     bootstrap: ["127.0.0.1:9092"]
#     topics: [headwater.alerts]      # plain JSON, as POST /api/v1/signals takes it, if its headers say nothing else
#     group: headwater
#     most_lag: 100000                # records behind in a partition until /readyz says no; without it: never
#     dead_letters: headwater.dead    # a topic beside the table of dead letters

# limits:
#   body: 4194304           # bytes of one request as sent …
#   inflated: 33554432      # … and after decompression
#   wait: 30                # seconds a sender waits for the disk before it is told to try again
#   streams: 100            # clients of the live stream

# retention:
#   input_log: 7            # days for which inputs are kept for replay

# traces:                   # spans of Headwater itself, by OTLP/HTTP: docs/operations.md
#   endpoint: https://otel.example.com/v1/traces
#   sample: 0.1             # share of requests, where the sender has not decided it
#   token_env: OTEL_TOKEN   # the variable that holds a bearer token

# publishing:               # seconds, but for the counts
#   timeout: 10             # of one read or write …
#   deadline: 20            # … and of one request to a receiver
#   lease: 30               # of a publication in hand; renewed while calls run
#   attempts: 24            # until a publication is given up that the receiver fails on …
#   longest_wait: 300       # … at most so far apart
#   failures: 5             # in a row until a receiver is left alone for a while
#   probes: [30, 120, 300]  # before each look for what has an unclear answer; SEV1 is sent again after the first
#   doubt: 900              # so long a second ticket may take to turn up
#   reconcile: 600          # between two looks for second tickets
#   poll: 60                # between two looks at what people did in open tickets
"""

CATALOGUE = """\
# What there is, who owns it, how fast it must be back, and what it needs. `headwater check` reads this file;
# `headwater impact orders-db` says what a failure would reach; `headwater schema catalogue` is for your editor.
# The id is what alerts name in their label `service`; other names go under aliases. Replace all of this by your own.

entities:
  - id: web-shop
    kind: business_service  # service (default), component, database, queue, host, network_device, site, third_party,
    owner: sales            # business_service, business_process
    tier: 1                 # 0 is the most critical
    rto: 1h                 # it must be back within
    users: 5000
    depends_on: [checkout]

  - id: checkout
    owner: team-checkout
    tier: 1
    aliases: [checkout-api] # other names under which monitoring knows it
    depends_on:
      - orders-db                                     # hard: without it, checkout is down
      - {on: mailer, semantics: async, buffer: 30m}   # nothing is felt for half an hour
      - {on: ratings, semantics: soft, factor: 0.2}   # a fifth of its trouble is felt

  - {id: orders-db, kind: database, owner: team-data, rpo: 5m}
  - {id: mailer, kind: third_party}
  - {id: ratings}
"""

RULES = """\
# What this installation declares; without rules the defaults hold. `headwater check` tells every mistake with its line,
# docs/rules explains each of them, `headwater schema rules` is for your editor.

# gates:
#   maintenance:            # announced work; a window covers what it names, never the consumers of that
#     - id: orders-db-upgrade
#       entities: [orders-db]
#       from: 2026-03-01T22:00:00+01:00
#       until: 2026-03-02T02:00:00+01:00
#       comment: major version upgrade
#   thresholds:             # how long, and how far, until an alert counts
#     - id: cpu-for-ten-minutes
#       match: {alertname: HighCpu}
#       for: 10m
"""

FILES = {DEFAULT_FILE: SETTINGS, "catalogue/catalogue.yaml": CATALOGUE, "rules/rules.yaml": RULES}


def run(folder: Path) -> int:
    """Write the files; refuses when one of them is there already."""
    there = [str(folder / name) for name in FILES if (folder / name).exists()]
    if there:
        raise Failed(f"{', '.join(there)} exists already", "nothing was written; name another folder or move it away")
    try:
        for name, text in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
            say(f"wrote {path}")
    except OSError as error:
        raise Failed(f"cannot write into {folder}: {error.strerror}", code=UNAVAILABLE) from None
    config = folder / DEFAULT_FILE
    option = "" if folder == Path() else f" --config {config}"
    say(f"\nNext: edit {folder / 'catalogue' / 'catalogue.yaml'}, then")
    say(f"  headwater check{option}")
    say(f"  headwater serve{option}")
    return DONE
