"""Playbooks: restoration procedures as task graphs with gates, declared in files and checked before they are needed."""

from __future__ import annotations

from rules.playbooks.graph import Progress, Schedule, order, schedule
from rules.playbooks.model import Decision, Gate, Origin, Playbook, Step, Task

__all__ = ["Decision", "Gate", "Origin", "Playbook", "Progress", "Schedule", "Step", "Task", "order", "schedule"]
