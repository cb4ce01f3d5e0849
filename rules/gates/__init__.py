"""Gates on alerts, one kind per file. Only what a person declared is here; nothing is inferred.

They are asked in the order scope, maintenance, silence, threshold. Inhibition needs to know other alerts: the engine
asks it.
"""

from rules.gates.gate import Gate, Subject
from rules.gates.inhibition import Inhibition
from rules.gates.maintenance import Weekly, Window
from rules.gates.scope import CATALOGUE, Exclusion, catalogue_gate
from rules.gates.silence import Silence
from rules.gates.threshold import Threshold

__all__ = [
    "CATALOGUE",
    "Exclusion",
    "Gate",
    "Inhibition",
    "Silence",
    "Subject",
    "Threshold",
    "Weekly",
    "Window",
    "catalogue_gate",
]
