"""What a metric speaks of, by its name: a prior that is the same for everybody, no knowledge of any one system.

The four kinds are the "golden signals" (Beyer et al., *Site Reliability Engineering*, 2016, chapter 6): latency,
errors, saturation and traffic. They say in which direction a series does harm, and which trouble of a provider can be
the trouble of its consumer: latency passes on as latency, errors as errors.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache


class Kind(StrEnum):
    """The golden signals; success is errors the other way round."""

    LATENCY = "latency"
    SUCCESS = "success"
    ERRORS = "errors"
    SATURATION = "saturation"
    TRAFFIC = "traffic"
    OTHER = "other"


FELT = frozenset({Kind.LATENCY, Kind.SUCCESS, Kind.ERRORS})
"""Kinds that consumers feel."""

_WORDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (Kind.LATENCY, re.compile(r"latenc|duration|response.?time|elapsed|delay|rtt|_seconds(?!_count)|wait", re.I)),
    (Kind.SUCCESS, re.compile(r"availab|success|uptime|healthy", re.I)),
    (Kind.ERRORS, re.compile(r"error|fail|fault|[45]xx|reject|drop|timeout|exception|retr(y|ies)", re.I)),
    (Kind.SATURATION, re.compile(r"cpu|mem|disk|satur|utili|heap|load|gc\b|thread|conn|queue|throttl|lag", re.I)),
    (Kind.TRAFFIC, re.compile(r"request|workload|ops\b|count|traffic|through|bytes|packet|syscall|rate|qps|rps", re.I)),
)
_CALLS = re.compile(r"request|workload|calls|qps|rps|invocation", re.I)


@lru_cache(maxsize=65_536)
def kind_of(name: str) -> Kind:
    """The kind of a metric (or of what an alert is called).

    >>> kind_of("latency.Average"), kind_of("PodSuccessRate(%)"), kind_of("CpuUsage(m)")
    (<Kind.LATENCY: 'latency'>, <Kind.SUCCESS: 'success'>, <Kind.SATURATION: 'saturation'>)
    """
    return next((kind for kind, words in _WORDS if words.search(name)), Kind.OTHER)


@lru_cache(maxsize=65_536)
def counts_calls(name: str) -> bool:
    """Does the metric say how much an entity is asked to do?"""
    return kind_of(name) is Kind.TRAFFIC and _CALLS.search(name) is not None


_UNITS = (
    (1e-9, re.compile(r"(?<![a-z])(ns|nanos(econds?)?)(?![a-z])", re.I)),
    (1e-6, re.compile(r"(?<![a-z])(us|µs|micros(econds?)?)(?![a-z])", re.I)),
    (1e-3, re.compile(r"(?<![a-z])(ms|msecs?|millis(econds?)?)(?![a-z])", re.I)),
)


@lru_cache(maxsize=65_536)
def seconds(name: str) -> float:
    """What one unit of a latency is in seconds, by the metric's name; 1 where it does not say.

    >>> seconds("http_p99_ms"), seconds("wait_seconds"), seconds("LatencyP95(ms)"), seconds("latency.Average")
    (0.001, 1.0, 0.001, 1.0)
    """
    return next((unit for unit, words in _UNITS if words.search(name)), 1.0)


def family(kind: Kind) -> Kind:
    """Success and errors are one family."""
    return Kind.ERRORS if kind is Kind.SUCCESS else kind
