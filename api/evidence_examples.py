"""Examples for the documentation of the routes about evidence."""

from __future__ import annotations

from typing import Any

VERSIONS = {"topology": "9f2c1b7a55d0e3aa", "catalogue": "9f2c1b7a55d0e3aa", "rules": "41c0a8bb0c9f7d12"}
RULE = "evidence.contradicted"

SUPPRESSED: dict[str, Any] = {
    "items": [
        {
            "no": 812,
            "event": "5120-0",
            "name": "HighLatency",
            "entity": "cart",
            "tier": 2,
            "incident": "INC-5120",
            "disposition": "suppressed",
            "reason": "contradicted",
            "rule": RULE,
            "shadow": False,
            "since": 1767226020000,
            "held_until": None,
            "firing": True,
            "verdict": "unverifiable",
            "log_odds": -3.9,
            "terms": [
                {
                    "kind": "nobody_feels_it",
                    "group": "consumers",
                    "log_odds": -1.5,
                    "weight": "prior",
                    "facts": {"share": 0.0},
                }
            ],
            "would_flip": "one independent term of +0.9 would let it in",
        }
    ],
    "next": "",
    "total": 1,
    "versions": VERSIONS,
}
AUDIT: dict[str, Any] = {
    "items": [
        {
            "no": 812,
            "event": "5120-0",
            "name": "HighLatency",
            "entity": "cart",
            "incident": "INC-5120",
            "at": 1767226020000,
            "rules": {RULE: True},
            "terms": [{"kind": "brief", "group": "course", "log_odds": -1.0, "claim": True}],
        }
    ],
    "next": "",
    "total": 1,
    "one_in": 100,
    "versions": VERSIONS,
}
_MODEL: dict[str, Any] = {
    "weights": {"brief": [-1.31, 12, 96], "consumers_feel_it": [1.74, 88, 9]},
    "prior": -0.21,
    "real": 160,
    "false": 198,
    "since": None,
    "until": None,
}
MODEL: dict[str, Any] = {
    "version": "3f0c77d2a9e41b60",
    "model": _MODEL,
    "known": ["3f0c77d2a9e41b60"],
    "outcomes": 712,
    "waiting_for_audit": 4,
    "forgotten": 0,
    "versions": VERSIONS,
}
_CALIBRATION: dict[str, Any] = {
    "count": 2,
    "real": 1,
    "false": 1,
    "brier": 0.21,
    "ece": 0.04,
    "bins": [{"low": 0.5, "high": 0.6, "count": 2, "mean": 0.54, "real": 1}],
    "confirmed_false": 0,
    "contradicted_real": 0,
}
CALIBRATION: dict[str, Any] = {
    "version": "prior",
    "in_force": _CALIBRATION,
    "learned": {
        "candidate": _MODEL,
        "refused": "",
        "before": _CALIBRATION,
        "after": _CALIBRATION,
        "real": 320,
        "false": 392,
        "without_evidence": 0,
        "by_source": {"audit": 12, "incident": 300, "operator": 400},
        "kept": {"log_flow_drops": 3},
        "real_needed": 299,
        "note": "320 real outcomes are known; on the held-out half the candidate is better than what is in force",
    },
    "candidate": "3f0c77d2a9e41b60",
    "versions": VERSIONS,
}
_SHARE = {"hits": 41, "count": 41, "value": 1.0, "low": 0.9143, "high": 1.0}
_PROMOTION: dict[str, Any] = {
    "rule": RULE,
    "mode": "shadow",
    "suppressed": 0,
    "would_have_suppressed": 380,
    "released": 12,
    "labelled": 41,
    "real": 0,
    "false": 41,
    "audited": 3,
    "precision": _SHARE,
    "recall": {"hits": 41, "count": 392, "value": 0.1046, "low": 0.078, "high": 0.1388},
    "missed": {"hits": 0, "count": 320, "value": 0.0, "low": 0.0, "high": 0.0119},
    "missed_at_most": 0.0093,
    "real_needed": 299,
    "silenced": [],
    "enough": True,
    "verdict": "41 labelled outcomes stand behind it; enough to promote: at most 0.9% of real alerts missed (95 %), "
    "from 320 known real ones",
}
PROMOTION: dict[str, Any] = {**_PROMOTION, "versions": VERSIONS}
PROMOTIONS: dict[str, Any] = {"items": [_PROMOTION], "versions": VERSIONS}
