"""What the normalised severity words of alerts weigh."""

from __future__ import annotations

WEIGHT = {"critical": 1.0, "error": 0.8, "warning": 0.6, "info": 0.3, "none": 0.1}
"""Weight of an alert as evidence of trouble, 0 … 1."""
HEALTH = {"critical": 0, "error": 250, "warning": 500, "info": 1000, "none": 1000}
"""Own health of an entity with such an alert, in thousandths."""
TELLING = frozenset({"critical", "error", "warning"})
"""Words that may start the incident workflow; informational alerts alone never do."""
