"""An incident as a group of alerts, as Alertmanager's webhook sends them: any receiver made for that can take it.

Version 4 of https://prometheus.io/docs/alerting/latest/configuration/#webhook_config. The incident is the group and its
only alert; with ``impact``, each entity that is hit is an alert too, which receivers that open something per alert
should not be given. A repetition is the same group again, which such receivers take.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from engine.outcomes import Publication
from engine.publish.posting import Post, shown
from engine.publish.texts import comment, plain
from engine.publish.texts.line import LINE
from engine.publish.texts.message import Texts
from engine.publish.texts.told import Told, told
from engine.publish.texts.words import health
from engine.sending import OutboxRow, Receipt
from engine.signals import Millis

NEVER = "0001-01-01T00:00:00Z"
OVER = frozenset({"resolve", "merge"})
BODY = 10_000
Labels = dict[str, str]


class Alert(msgspec.Struct):
    """One alert of a group; ``endsAt`` of one that goes on is the year 1."""

    status: str
    labels: Labels
    annotations: Labels
    startsAt: str  # noqa: N815 - Alertmanager's name
    endsAt: str  # noqa: N815 - Alertmanager's name
    fingerprint: str
    generatorURL: str = ""  # noqa: N815 - Alertmanager's name


class Group(msgspec.Struct):
    """What is posted."""

    receiver: str
    status: str
    alerts: tuple[Alert, ...]
    groupLabels: Labels  # noqa: N815 - Alertmanager's name
    commonLabels: Labels  # noqa: N815 - Alertmanager's name
    commonAnnotations: Labels  # noqa: N815 - Alertmanager's name
    groupKey: str  # noqa: N815 - Alertmanager's name
    truncatedAlerts: int = 0  # noqa: N815 - Alertmanager's name
    externalURL: str = ""  # noqa: N815 - Alertmanager's name
    version: str = "4"


class Alertmanager:
    """A sink for one webhook receiver of Alertmanager's."""

    idempotent = True

    def __init__(
        self, name: str, url: str, post: Post, audiences: frozenset[str], texts: Texts, impact: bool = False
    ) -> None:
        self.name, self.audiences = name, audiences
        self._url, self._post, self._texts, self._impact = url, post, texts, impact

    def send(self, row: OutboxRow) -> Receipt:
        """Post the group. Raises `SinkError`."""
        key = row.publication.key
        self._post(self._url, self._group(row.publication), {"Idempotency-Key": f'"{key}"'})
        return Receipt(key)

    def show(self, row: OutboxRow) -> str:
        """The JSON that is posted."""
        return shown(self._group(row.publication))

    def _group(self, publication: Publication) -> Group:
        said = told(publication)
        alerts = (self._incident(publication, said), *(_impacted(publication, said) if self._impact else ()))
        group = {"incident": plain(publication.incident)}
        common = set.intersection(*(set(one.labels.items()) for one in alerts))
        return Group(
            receiver=self.name, status=_status(publication), alerts=alerts, groupLabels=group,
            commonLabels=dict(sorted(common)), commonAnnotations=alerts[0].annotations if len(alerts) == 1 else {},
            groupKey=f"headwater:{publication.incident}",
            truncatedAlerts=max(0, said.incident.impact_total - len(alerts) + 1) if self._impact else 0,
        )  # fmt: skip

    def _incident(self, publication: Publication, said: Told) -> Alert:
        message = self._texts.message(publication)
        labels = {
            "alertname": "HeadwaterTest" if said.test else "HeadwaterIncident",
            "incident": plain(publication.incident),
            "severity": plain(said.incident.severity.level),
            "cause": plain(said.incident.cause or ""),
        }
        annotations = {
            "summary": message.title,
            "description": "\n".join(message.lines),
            "news": comment(publication)[:BODY],
            "state": plain(said.incident.state),
        }
        return _alert(publication, labels, annotations, said.incident.onset)


def _impacted(publication: Publication, said: Told) -> Iterator[Alert]:
    for one in said.incident.impact:
        labels = {
            "alertname": "HeadwaterImpact",
            "incident": plain(publication.incident),
            "severity": plain(said.incident.severity.level),
            "entity": plain(one.entity),
            "kind": plain(one.kind),
        }
        about = {
            "summary": f"{plain(one.name or one.entity)} is {health(one)}",
            "path": " > ".join(map(plain, one.path)),
        }
        yield _alert(publication, labels, {name: text[:LINE] for name, text in about.items()}, one.at)


def _alert(publication: Publication, labels: Labels, annotations: Labels, at: Millis | None) -> Alert:
    held = {name: value for name, value in labels.items() if value}
    lasting = {name: value for name, value in held.items() if name not in ("severity", "cause", "kind")}
    return Alert(
        status=_status(publication), labels=held,
        annotations={name: value for name, value in annotations.items() if value},
        startsAt=_time(at or publication.created_at),
        endsAt=_time(publication.created_at) if publication.action in OVER else NEVER,
        fingerprint=sha256(msgspec.json.encode(lasting, order="sorted")).hexdigest()[:16],
    )  # fmt: skip


def _status(publication: Publication) -> str:
    return "resolved" if publication.action in OVER else "firing"


def _time(at: Millis) -> str:
    try:
        return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return NEVER
