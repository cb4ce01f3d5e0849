"""Alerts that say an entity gets too little to do: they follow from trouble of those who should be asking it."""

from __future__ import annotations

from rules.matchers import Matcher

DEFAULT = (
    Matcher(
        "alertname",
        "=~",
        r"(?i)((no|zero|low|few|missing|absent)[_ -]?\w*[_ -]?"
        r"(requests?|traffic|throughput|operations?|calls?|messages?|orders?|transactions?|hits)\w*"
        r"|(requests?|traffic|throughput|\w+_?rate)[_ -]?\w*[_ -]?(drop|dropped|low|missing|absent|stopped))",
    ),
)
"""The usual names, such as NoRequestsReceived, LowTraffic, ThroughputDrop."""
