"""One look at a trouble's evidence: terms for each of its alerts, and what speaks for each candidate cause.

Made anew for every look; what it found is not kept in the state, so that it depends on the evidence alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.cause.rank import Own
from engine.cause.suspicion import Suspicion
from engine.context import Context
from engine.correlate.graph import Node, SymptomGraph
from engine.correlate.partition import Trouble
from engine.evidence.answers import SERIES, Answered, check_terms, claims_absence
from engine.evidence.claim import claim_terms, course_term
from engine.evidence.felt import felt
from engine.evidence.kinds import Kind, kind_of
from engine.evidence.logs.change import rise as log_rise
from engine.evidence.logs.terms import claims_errors, log_terms
from engine.evidence.model.weights import prior
from engine.evidence.profile import Around, Profile
from engine.evidence.terms import felt_terms, neighbour_terms, series_terms
from engine.evidence.traces.terms import trace_terms
from engine.evidence.traces.view import Looks
from engine.evidence.unusable import UsableProfiles, unusable_logs, unusable_series, unusable_spans, unusable_time
from engine.evidence.verdict import Term
from engine.reasons import Verdict
from engine.signals import Millis
from engine.state import Alert
from rules.probes import CHECK_KINDS
from topology.model import Semantics

BEFORE: Millis = 60_000
"""Evidence counts from this long before an onset."""
CHANGE_WINDOW: Millis = 30 * 60_000
"""A change this long before an onset is a suspect."""
TOGETHER: Millis = 5 * 60_000
"""Alerts of an entity that begin within this time of the first of them share what is found around it."""
FROM_SERIES = frozenset({"claim", "telemetry", "topology", "consumers"})
"""Groups of terms that telemetry's points speak for, of which fewer are kept as time goes on."""
STARVED = 0.5
"""Share of its weight that an alert keeps that only says that an entity gets too little to do."""
LOGS_RISE = 0.6
"""What a rise of failures in an entity's logs counts as its own trouble."""


Wave = tuple[Millis, list[int]]
"""When the first of them began, and the numbers of alerts that began together."""


class Inquiry:
    """What evidence says of one trouble, as of ``now``."""

    def __init__(self, context: Context, graph: SymptomGraph, trouble: Trouble, now: Millis) -> None:
        self._context = context
        self._graph = graph
        self._now = now
        self._looks = Looks(context.state.traces)
        self._profiles = UsableProfiles(context.state.telemetry, now)
        self._nodes = [graph.nodes[i] for i in trouble.nodes]
        self._alerts: dict[int, list[Alert]] = {}  # by the first alert of a node, like the next
        self._waves: dict[int, list[Wave]] = {}
        self._probes: dict[str, list[tuple[str, Answered]]] = {}
        for name, known in context.state.answers.items():
            entity = context.topology.resolve(known.entity) or known.entity
            self._probes.setdefault(entity, []).append((name, known))
        self.onset = min(node.start for node in self._nodes)

    def suspicion(self) -> Suspicion:
        """What speaks for each entity as the cause, since the onset of what fires and is confirmed, as far as there is
        such: what has passed is looked at with what it was part of, if at all."""
        now = self._now
        alerts = [alert for node in self._nodes for alert in self.alerts(node)]
        firing = [
            one
            for one in alerts
            if one.flapping or ((spell := one.spell).last_fire > spell.last_end and now < spell.expires)
        ] or alerts
        sure = [one for one in firing if one.verdict is Verdict.CONFIRMED] or firing
        self.onset = min([one.spell.since if one.spell.flips else one.spell.start for one in sure])
        return Suspicion(self._context.topology, self._profile, self._spans, self._logs)

    def measured(self, entity: str) -> bool:
        """Is anything known of it but alerts?"""
        return self._profiles.has(entity) and self._profile(entity).step > 0

    def prepare(self) -> None:
        """Look at once at the series of all nodes that verdicts will ask for."""
        wide = self._context.rules.correlation.window
        waves = ((node.entity, start) for node in self._nodes for start, _ in self.waves(node))
        self._profiles.fetch_each((entity, start, start + wide) for entity, start in waves)
        self._profiles.fetch((node.entity for node in self._nodes), self.onset, self._now)

    def alerts(self, node: Node) -> list[Alert]:
        """A node's alerts."""
        found = self._alerts.get(node.alerts[0])
        if found is None:
            known = self._context.state.alerts
            found = self._alerts[node.alerts[0]] = [known[number] for number in node.alerts]
        return found

    def waves(self, node: Node) -> list[Wave]:
        """A node's alerts (numbers), those that began together taken together, with when the first of them began: what
        shows around an old alert says nothing of a new one."""
        found = self._waves.get(node.alerts[0])
        if found is None:
            found = self._waves[node.alerts[0]] = list(self._divided(node))
        return found

    def _divided(self, node: Node) -> Iterator[Wave]:
        spells = [(alert.spell, alert.no) for alert in self.alerts(node)]
        rows = [(spell.since if spell.flips else spell.start, number) for spell, number in spells]
        rows.sort()
        start = rows[0][0]
        if rows[-1][0] <= start + TOGETHER:
            yield start, [number for _, number in rows]
            return
        wave: list[int] = []
        for began, number in rows:
            if began > start + TOGETHER:
                yield start, wave
                start, wave = began, []
            wave.append(number)
        yield start, wave

    def over(self, start: Millis) -> bool:
        """Is the time over in which evidence of what began at ``start`` is looked for? What was found then stays: later
        there are fewer points of it."""
        limits = self._context.rules.correlation
        return self._now > start + limits.window + limits.lateness

    def shared_terms(self, node: Node, wave: list[int], start: Millis, neighbours: set[str]) -> list[Term]:
        """Terms for all alerts of a node that began together: who else is in trouble, who feels it, what the entity's
        logs, spans and probes say."""
        context, since, until = self._context, start - BEFORE, start + self._context.rules.correlation.window

        def profile(name: str) -> Profile:
            return self._profiles.around(name, start, until)

        found = list(neighbour_terms(neighbours, profile))
        if node.entity in context.state.logs.entities:
            alerts = (context.state.alerts[number] for number in wave)
            claims = all(claims_errors(f"{alert.name} {alert.metric}") for alert in alerts)
            found += log_terms(context.state.logs, node.entity, since, until, claims=claims)
        found += trace_terms(context.state.traces, node.entity, since, until)
        if self._profiles.has(node.entity):
            feels = felt(context.topology, self._profiles, node.entity, start, until)
            found += felt_terms(feels, door=self._is_door(node.entity))
        return [*found, *self._checks(node, wave, start, since, until), *self._unusable(node, start, until)]

    def _checks(self, node: Node, wave: list[int], start: Millis, since: Millis, until: Millis) -> Iterator[Term]:
        """What probes of the entity answered."""
        probes = self._probes.get(node.entity)
        if probes:
            alerts = (self._context.state.alerts[number] for number in wave)
            claims = all(claims_absence(f"{alert.name} {alert.metric}") for alert in alerts)
            yield from check_terms(probes, start, since, until, claims=claims, data=frozenset(CHECK_KINDS))

    def _unusable(self, node: Node, start: Millis, until: Millis) -> Iterator[Term]:
        """What could not be used."""
        state, since, until = self._context.state, start - BEFORE, min(until, self._now)
        if self._profiles.has(node.entity):
            profile = self._profiles.around(node.entity, start, until)
            if len(profile.all) < len(state.telemetry.series[node.entity]):
                changed = self._profiles.rescaled.get(node.entity, ())
                yield from unusable_series(state.telemetry, node.entity, since, until, changed)
        yield from unusable_logs(state.logs, node.entity, since, until)
        yield from unusable_spans(state.traces, node.entity, since, until)
        if self.measured(node.entity) or node.entity in state.logs.entities or node.entity in state.traces.entities:
            yield from unusable_time(state.logs, since, until)

    def own_terms(self, alert: Alert, start: Millis) -> Iterator[Term]:
        """Terms for one alert: what its own series shows around ``start``, and the entity's series of other kinds."""
        if not self._profiles.has(alert.entity):
            return
        profile = self._profiles.around(alert.entity, start, start + self._context.rules.correlation.window)
        kind = claimed(alert)
        end = None if alert.flapping else alert.spell.end(self._now)
        yield from claim_terms(profile, alert.metric, kind)
        if end is not None and (profile.measured or any(term.group in FROM_SERIES for term in alert.terms)):
            yield course_term(max(0, end - alert.spell.since), profile.step)
        yield from series_terms(profile, kind, alert.metric, SERIES if alert.entity in self._probes else ())

    def standing(self, alert: Alert, found: tuple[Term, ...]) -> tuple[Term, ...]:
        """What was found of an alert while its points were there, but for a series that has since changed its unit; of
        other groups what is found now."""
        before = tuple(prior(term) for term in alert.terms if self._stands(alert.entity, term))
        groups = {term.group for term in before}
        return (*before, *(term for term in found if term.group not in groups)) if before else found

    def _stands(self, entity: str, term: Term) -> bool:
        changed = self._profiles.rescaled.get(str(term.facts.get("entity", entity)), ())
        return term.group in FROM_SERIES and term.facts.get("metric") not in changed

    def course(self, alert: Alert) -> tuple[Millis, Millis | None]:
        """When an alert began, and when it ended."""
        return alert.spell.since, None if alert.flapping else alert.spell.end(self._now)

    def step(self, entity: str) -> Millis:
        """How often its series are sampled; 0: unknown."""
        return self._profile(entity).step

    def own(self, entity: str, onset: Millis) -> Own:
        """Weight of an entity's alerts, and a recent change."""
        context = self._context
        nodes = [self._graph.nodes[i] for i in self._graph.at.get(entity, ())]
        weight = max((node.weight * (STARVED if node.starved else 1.0) for node in nodes), default=0.0)
        changes = [c for c in context.state.changes.get(entity, ()) if onset - CHANGE_WINDOW <= c.at <= onset + BEFORE]
        last = max(changes, key=lambda c: (c.at, c.what, c.detail), default=None)
        return Own(weight, 0.0, f"{last.what} {last.detail}".strip() if last else "")

    @property
    def _profile(self) -> Around:
        return Around(self._profiles, self.onset, self._now)

    def _spans(self, entity: str) -> float | None:
        if entity not in self._context.state.traces.entities:
            return None
        return self._looks.at(self.onset - BEFORE, self._now).of(entity).own

    def _logs(self, entity: str) -> float | None:
        state = self._context.state
        if entity not in state.logs.entities:
            return None
        since = self.onset - BEFORE
        rose = log_rise(state.logs, entity, since, self._now)
        return LOGS_RISE if rose else 0.0

    def _is_door(self, entity: str) -> bool:
        return not any(d.semantics is not Semantics.INFO for d in self._context.topology.consumers(entity))


def claimed(alert: Alert) -> Kind:
    """What kind of trouble an alert claims: by its metric, else by its name."""
    return kind_of(alert.metric or alert.name)
