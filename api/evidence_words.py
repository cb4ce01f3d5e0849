"""The terms of a verdict in words, each with its numbers. Every kind of term that the engine yields has words here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from api.severity_words import when

Facts = Mapping[str, Any]
Words = Callable[[Facts], str]

SOURCES = {
    "claim": "the alerting series",
    "course": "how long it lasted",
    "telemetry": "other series of the entity",
    "topology": "troubled neighbours",
    "consumers": "those who would feel it",
    "logs": "log records",
    "traces": "spans",
    "check": "probes",
    "unusable": "what could not be used",
}
"""Groups of terms, as people call them."""
USUAL = ("telemetry", "topology", "consumers", "logs", "traces")
"""Groups that are missed where they say nothing; probes are only there where somebody declared them."""
INDEPENDENT = (*USUAL, "check")
"""Groups that are evidence from elsewhere than the alert."""
_WHY_NOT = {
    "warming": "too little history to know what is usual",
    "no_samples": "no samples in the window",
    "ended": "their sender ended them",
    "unit_change": "their unit has changed",
}


def term_in_words(term: Facts) -> str:
    """What one term says, with its numbers; a kind without words of its own is named with its facts."""
    facts = term.get("facts") or {}
    words = WORDS.get(str(term.get("kind")))
    if words is not None:
        try:
            return words(facts)
        except (KeyError, TypeError, ValueError):
            pass  # of another version, with other facts
    said = ", ".join(f"{name} {number(value)}" for name, value in facts.items())
    return str(term.get("kind", "")).replace("_", " ") + (f": {said}" if said else "")


def number(value: Any) -> str:
    """Four digits at most; lists by commas.

    >>> number(0.123456), number(1234567.0), number(["a", "b"])
    ('0.1235', '1234567', 'a, b')
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return listed(value) if isinstance(value, list | tuple) else str(value)
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def listed(words: Iterable[Any], most: int = 5) -> str:
    """The first ones, and how many more."""
    every = [str(word) for word in words]
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")


def span(milliseconds: float) -> str:
    """A duration in its largest fitting unit.

    >>> span(90_000), span(240_000), span(7_200_000)
    ('90 s', '4 min', '2 h')
    """
    seconds = round(milliseconds / 1000)
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size or (seconds and seconds % size == 0):
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds} s"


def times(count: int) -> str:
    """How often: once, 2 times."""
    return "once" if count == 1 else f"{count} times"


def moved(f: Facts) -> str:
    """From what to what a series went, and how far that is."""
    said = f"usually {number(f['usual'])}, seen {number(f['seen'])}, {number(f['deviation'])} standard deviations"
    return f"{f['metric']} ({said})"


def _seen_before(f: Facts) -> str:
    return f"{moved(f)}, but its history was as bad {times(f['as_bad_before'])}: that is no news"


def _lines(f: Facts) -> str:
    window = f" in {f['minutes']} min" if f.get("minutes") else ""
    history = f", history of {f['history_minutes']} min" if f.get("history_minutes") else ""
    return f"{f['seen']} lines{window}, usually {number(f['usual'])} (p {number(f['p'])}{history})"


def _template(f: Facts) -> str:
    return f' "{f["template"]}"' if f.get("template") else ""


def _spans(what: str, unit: str) -> Words:
    def say(f: Facts) -> str:
        most = f", most of it in {f['most']}" if f.get("most") else ""
        return (
            f"{what} {f['subject']}: {number(f['seen'])}{unit} a span, usually {number(f['usual'])}{unit} "
            f"({number(f['ratio'])} times, {number(f['score'])} standard deviations over {f['spans']} spans{most})"
        )

    return say


def _unusable_series(f: Facts) -> str:
    why = _WHY_NOT.get(f["reason"], str(f["reason"]).replace("_", " "))
    return f"{f['series']} of its series could not be used, {why}: {listed(f['metrics'], 3)}"


def _check_failed(f: Facts) -> str:
    found = f", {number(f['value'])} {f['unit']}".rstrip() if f.get("value") is not None else ""
    said = f": {f['said']}" if f.get("said") else ""
    return f"the {f['check']} check {f['probe']} failed {f['failed']} of {f['of']} times{found}{said}"


def _check_passed(f: Facts) -> str:
    return (
        f"it was there when it was probed: {listed(f['probes'], 3)} passed {f['passed']} times, the slowest last in "
        f"{span(f['duration_ms']) if f['duration_ms'] >= 10_000 else number(f['duration_ms']) + ' ms'}"
    )


WORDS: dict[str, Words] = {
    "claim_is_news": lambda f: f"its own series shows it, at a level that its history does not have: {moved(f)}",
    "claim_seen_before": lambda f: f"its own series: {_seen_before(f)}",
    "claim_harmless": lambda f: f"its own series moved in the direction that does no harm: {moved(f)}",
    "claim_ordinary": lambda f: f"its own series is as usual: {moved(f)}",
    "only_traffic": lambda f: f"it only speaks of traffic ({f['metric'] or 'by its name'}), which comes and goes",
    "brief": lambda f: f"it ended by itself after {span(f['lasted_ms'])}, within about one sample of its series",
    "ended": lambda f: f"it ended by itself after {span(f['lasted_ms'])}",
    "series_deviates": lambda f: f"another series of the entity deviates too: {moved(f)}, a sign of {f['kind']}",
    "neighbour_deviates": lambda f: (
        f"{f['entity']}, which the topology connects with it, deviates: {f['metric']} by {number(f['deviation'])} "
        f"standard deviations (of {f['deviating']} neighbours that do)"
    ),
    "neighbour_troubled": lambda f: f"{f['entity']}, which the topology connects with it, is in trouble too",
    "nobody_feels_it": lambda f: (
        f"nobody feels it: of those who would ({listed(f['doors'], 3)}), {100 * f['share']:.0f} % of the traffic "
        "shows anything"
    ),
    "consumers_feel_it": lambda f: (
        f"its consumers feel it: {listed(f['feeling'], 3)}; {100 * f['share']:.0f} % of the traffic at the doors"
    ),
    "errors_rise": lambda f: f"more errors in its logs: {_lines(f)}{_template(f)}",
    "failure_words_rise": lambda f: f"more words of failure in its logs: {_lines(f)}{_template(f)}",
    "new_failure": lambda f: (
        f"a failure that its logs never had before: {f['seen']} lines since {when(f['first_seen'])}{_template(f)}"
    ),
    "log_template_rises": lambda f: f"known lines have become more ({f['class']}): {_lines(f)}{_template(f)}",
    "log_flow_drops": lambda f: f"it logs far less than usual: {_lines(f)}",
    "logs_usual": lambda f: f"it logs as usual, and no more failures: {_lines(f)}",
    "self_time_up": _spans("time of its own in", " ms"),
    "network_time_up": _spans("time on the way,", " ms"),
    "errors_up": _spans("spans that failed by themselves in", ""),
    "spans_flow": lambda f: f"its spans are as usual: {f['spans']} of them, against {f['history']} before",
    "check_failed": _check_failed,
    "check_passed": _check_passed,
    "check_unknown": lambda f: f"the check {f['probe']} could not be made ({f['tries']} tries): {f['said']}",
    "series_unusable": _unusable_series,
    "logs_silent": lambda f: f"its logs are silent since {when(f['last_line'])}: that proves nothing",
    "logs_too_young": lambda f: f"its logs begin at {when(f['first_line'])}: too short a history to compare with",
    "log_groups_given_up": lambda f: (
        f"its logs have too many kinds of lines ({f['groups']} are kept): whether a failure is new cannot be told"
    ),
    "spans_too_few": lambda _: "it has spans, but too few in the window or before it to compare",
    "own_downtime": lambda f: (
        f"Headwater itself was down from {when(f['since'])} to {when(f['until'])}: what is missing there proves nothing"
    ),
}
