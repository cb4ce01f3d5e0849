"""Severity: three dimensions with three-valued answers, and a level SEV1 (worst) … SEV5 from a policy that is data.

Every condition asks for "at least this much harm", and the level is the worst of all rules that fired: more harm can
never lower it. What is not known fires no rule, and is named wherever knowing it could have made the level worse.
"""

from rules.severity.conditions import FiredRule, OpenRule
from rules.severity.facts import Bounds, SeverityFacts
from rules.severity.judge import SeverityResult, assess
from rules.severity.levels import LEVELS, MILDEST
from rules.severity.policy import Grade, Matrix, Policy, SeverityRule, When

__all__ = [
    "LEVELS",
    "MILDEST",
    "Bounds",
    "FiredRule",
    "Grade",
    "Matrix",
    "OpenRule",
    "Policy",
    "SeverityFacts",
    "SeverityResult",
    "SeverityRule",
    "When",
    "assess",
]
