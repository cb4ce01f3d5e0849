"""The topology and the rules of the crash tests: seven small shops, one of them tier 0, and little patience."""

from __future__ import annotations

from engine.ports import Version
from rules.correlation import Correlation
from rules.ruleset import Content, RuleSet
from topology.model import Dependency, Entity, Kind, Topology

START = 1_700_000_000_000
DOMAINS = ("edge", "pay", "search", "mail", "report", "stock", "login")
CRITICAL = "edge"
PARTS = ("db", "queue", "cache", "api", "web")
NEEDS = (("web", "api"), ("web", "cache"), ("api", "db"), ("api", "queue"), ("cache", "db"))  # consumer, provider
KINDS = {"db": Kind.DATABASE, "queue": Kind.QUEUE}


def topology() -> Topology:
    """In each domain ``web`` leans on all the rest, and ``db`` is what all lean on."""
    entities = [
        Entity(
            id=f"{domain}-{part}", kind=KINDS.get(part, Kind.SERVICE), tier=0 if domain == CRITICAL else 2,
            users=1000 if part == "web" else None, rto=900, rpo=60,
        )
        for domain in DOMAINS
        for part in PARTS
    ]  # fmt: skip
    dependencies = [
        Dependency(consumer=f"{domain}-{consumer}", provider=f"{domain}-{provider}")
        for domain in DOMAINS
        for consumer, provider in NEEDS
    ]
    return Topology.build(entities, dependencies)


def impatient() -> RuleSet:
    """Everything that takes minutes by default takes seconds, so that whole lives of incidents fit into a short log."""
    return RuleSet(
        Content(
            correlation=Correlation(
                group_wait=4_000, group_interval=10_000, resolve_timeout=30_000, lateness=10_000, log_lateness=10_000,
                window=30_000, linger=60_000, recover_after=10_000,
            )
        )
    )  # fmt: skip


TOPOLOGY = topology()
RULES = {rules.version: rules for rules in (impatient(), RuleSet.default())}
VERSIONS = {("topology", TOPOLOGY.version): Version("topology", TOPOLOGY.version, START, TOPOLOGY.encode())} | {
    ("rules", version): Version("rules", version, START, rules.encode()) for version, rules in RULES.items()
}
