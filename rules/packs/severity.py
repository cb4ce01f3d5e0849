"""The severity policy that is in force until an operator declares another. docs/rules/severity.md explains it."""

from __future__ import annotations

from rules.severity import Grade, Matrix, Policy, SeverityRule, When

HOUR = 3_600_000

DEFAULT = Policy(
    rules=(
        SeverityRule("tier0-down", "SEV1", When(tier=0, down=1)),
        SeverityRule("tier1-down", "SEV2", When(tier=1, down=1)),
        SeverityRule("data-loss-top-tier", "SEV1", When(data_loss=True, tier=1)),
        SeverityRule("data-loss", "SEV2", When(data_loss=True)),
        SeverityRule("business-down", "SEV2", When(business=1, down=1)),
        SeverityRule("business-degraded", "SEV3", When(business=1, affected=1)),
        SeverityRule("critical-function-down", "SEV1", When(critical_down_for=2 * HOUR)),
        SeverityRule("critical-function-hit", "SEV2", When(critical=1, down=1)),
        SeverityRule("rto-breach", "SEV2", When(rto_breach=True)),
        SeverityRule("down-or-falling", "SEV3", When(going_down=1)),
        SeverityRule("at-risk", "SEV4", When(at_risk=1)),
        SeverityRule("obligation-down", "SEV2", When(regulatory=True, down=1)),
        SeverityRule("obligation-reached", "SEV3", When(regulatory=True)),
        SeverityRule("security-critical", "SEV2", When(security=True, word="critical")),
        SeverityRule("security", "SEV3", When(security=True)),
        SeverityRule("data-store-down", "SEV3", When(stores_down=1)),
        SeverityRule("lost-heartbeat", "SEV3", When(lost_heartbeat=True)),
        SeverityRule("wide-outage", "SEV2", When(down=10)),
        SeverityRule("entity-down", "SEV3", When(down=1)),
        SeverityRule("critical-alert", "SEV3", When(word="critical")),
        SeverityRule("warning-alert", "SEV4", When(word="warning")),
    ),
    matrix=Matrix(
        tiers=(0, 1, 2),
        grades=(
            Grade("some", (When(users=1), When(affected=1)), ("SEV2", "SEV3", "SEV4", "SEV4")),
            Grade("many", (When(users=1_000), When(share=50)), ("SEV1", "SEV2", "SEV3", "SEV3")),
            Grade("most", (When(users=100_000), When(share=250)), ("SEV1", "SEV1", "SEV2", "SEV2")),
        ),
    ),
)
