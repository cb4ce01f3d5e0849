"""The escalation that is in force until an operator declares another. docs/rules/escalation.md explains it."""

from __future__ import annotations

from rules.escalation import Escalation, EscalationRule, Step
from rules.severity import When

MINUTE = 60_000

DEFAULT = Escalation(
    levels=("team", "management", "crisis"),
    rules=(
        EscalationRule("any", "team", When(severity="SEV4"), ("owners_of_cause",), 60 * MINUTE),
        EscalationRule(
            "serious", "team", When(severity="SEV3"), ("owners_of_cause", "owners_of_business"), 30 * MINUTE
        ),
        EscalationRule(
            "major",
            "management",
            When(severity="SEV2"),
            ("owners_of_cause", "owners_of_business", "duty_manager"),
            30 * MINUTE,
        ),
        EscalationRule("worst", "crisis", When(severity="SEV1"), ("owners_of_hit", "crisis_lead"), 15 * MINUTE),
        EscalationRule(
            "critical-function",
            "management",
            When(critical=1, severity="SEV3"),
            ("owners_of_critical", "duty_manager"),
            30 * MINUTE,
        ),
        EscalationRule(
            "data-loss", "management", When(data_loss=True), ("data_protection", "duty_manager"), 60 * MINUTE
        ),
        EscalationRule(
            "obligation", "management", When(regulatory=True, severity="SEV2"), ("compliance",), 60 * MINUTE
        ),
        EscalationRule("security", "management", When(security=True, severity="SEV3"), ("security_lead",), 30 * MINUTE),
        EscalationRule(
            "rto-breach", "management", When(rto_breach=True), ("owners_of_business", "duty_manager"), 15 * MINUTE
        ),
        EscalationRule(
            "lasting", "management", When(severity="SEV3", lasting=4 * 60 * MINUTE), ("duty_manager",), 30 * MINUTE
        ),
        EscalationRule(
            "critical-lasting", "crisis", When(critical_down_for=2 * 60 * MINUTE), ("crisis_lead",), 15 * MINUTE
        ),
    ),
    roles=(
        ("compliance", ()),
        ("crisis_lead", ()),
        ("data_protection", ()),
        ("duty_manager", ()),
        ("security_lead", ()),
    ),
    unacknowledged=(
        Step("management", ("duty_manager",), 15 * MINUTE),
        Step("crisis", ("crisis_lead",), 15 * MINUTE),
    ),
    teams=(("SEV1", ("crisis_lead", "duty_manager", "owners_of_cause")),),
)
"""Nobody can know the names: an operator gives them under ``escalation.roles``."""
