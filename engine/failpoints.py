"""Named places where a test may end the process, as a power cut would.

`reach` costs one look at an empty dictionary unless something is armed. Nothing here reads the environment:
the settings hand a specification to `arm`.
"""

from __future__ import annotations

import os
import signal

POINTS = frozenset(
    {
        "http.after_read",
        "stage1.after_send",
        "ingest.after_poll",
        "ingest.before_commit",
        "ingest.after_commit_before_ack",
        "timers.before_commit",
        "store.mid_commit",
        "migrate.mid_step",
        "snapshot.before",
        "snapshot.after",
        "resume.after_snapshot",
        "resume.mid_replay",
        "outbox.after_claim",
        "outbox.before_send",
        "outbox.after_send_before_record",
        "outbox.after_record",
        "reconcile.after_search",
        "poll.after_look",
        "poll.after_submit",
    }
)
"""Every failpoint there is."""

ACTIONS = frozenset({"sigkill", "sigstop", "raise", "die"})

_armed: dict[str, tuple[str, int]] = {}


class FailpointReached(Exception):
    """An armed failpoint of the kind ``raise`` was reached."""


class Died(BaseException):
    """An armed failpoint of the kind ``die`` was reached: to everything in this process as if it had been killed."""


def reach(point: str) -> None:
    """Nothing, unless this point is armed and its number of passes is used up."""
    if _armed:
        _pass(point)


def arm(spec: str) -> None:
    """Arm the points of ``spec``, a comma-separated list of ``point[:action[:n]]``; an empty one disarms all.

    ``action`` is ``sigkill`` (default), ``sigstop`` (the process stands still until somebody lets it go on),
    ``raise``, or ``die`` (raises what nobody catches, for simulations in one process); it happens the ``n``-th time
    (default 1) the point is reached. Raises ValueError naming everything that is wrong.
    """
    armed: dict[str, tuple[str, int]] = {}
    wrong: list[str] = []
    for part in filter(None, (part.strip() for part in spec.split(","))):
        point, action, count = (*part.split(":"), "", "")[:3]
        if point not in POINTS:
            wrong.append(f"{part}: no such failpoint, one of {', '.join(sorted(POINTS))}")
        elif action and action not in ACTIONS:
            wrong.append(f"{part}: no such action, one of {', '.join(sorted(ACTIONS))}")
        elif count and not (count.isdecimal() and int(count)):
            wrong.append(f"{part}: the count must be 1 or more")
        else:
            armed[point] = (action or "sigkill", int(count or 1))
    if wrong:
        raise ValueError("; ".join(wrong))
    _armed.clear()
    _armed.update(armed)


def _pass(point: str) -> None:
    if point not in _armed:
        return
    action, left = _armed[point]
    if left > 1:
        _armed[point] = (action, left - 1)
        return
    del _armed[point]
    if action == "raise":
        raise FailpointReached(point)
    if action == "die":
        raise Died(point)
    if action == "sigstop":
        signal.raise_signal(signal.SIGSTOP)  # to this thread, which so stops right here, and all others with it
    else:
        os.kill(os.getpid(), signal.SIGKILL)
