"""A versioned model of likelihood ratios, and its use in place of the shipped prior."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b

import msgspec

from engine.evidence.verdict import TERM_CAP, Term

PRIOR = "prior"
"""Name of the weights that are shipped: constants beside the code that makes the terms, the same for everybody."""


class Weight(msgspec.Struct, frozen=True, array_like=True):
    """What one kind of term is worth, in log-odds, and in how many real and false alerts it was seen."""

    log_odds: float
    real: int
    false: int


class EvidenceModel(msgspec.Struct, frozen=True, kw_only=True):
    """Log-odds by kind of term, learned from ``real`` and ``false`` outcomes judged from ``since`` to ``until``.

    ``prior`` is the log-odds of the outcomes themselves. It turns log-odds into probabilities for calibration; no
    verdict uses it, because it says which alerts people chose to judge. Kinds that are missing keep their prior weight.
    """

    weights: dict[str, Weight]
    prior: float
    real: int
    false: int
    since: int | None = None
    until: int | None = None

    @property
    def version(self) -> str:
        """A hash of the content."""
        return blake2b(encode(self), digest_size=8).hexdigest()


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(EvidenceModel)


def encode(model: EvidenceModel) -> bytes:
    """The canonical content, of which the version is a hash."""
    return _encoder.encode(model)


def decode(content: str | bytes) -> EvidenceModel:
    """The model of a canonical content; `msgspec.DecodeError` or `msgspec.ValidationError` when it is none."""
    return _decoder.decode(content)


def weighed(model: EvidenceModel | None, terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """The terms with the model's log-odds; a weight that was replaced is named in the facts, with the one before.

    A likelihood ratio is that of seeing a kind at all, so that several terms of a kind share it.
    """
    if model is None or not any(term.kind in model.weights for term in terms):
        return terms
    times = Counter(term.kind for term in terms)
    return tuple(_weighed(model, term, times[term.kind]) for term in terms)


def _weighed(model: EvidenceModel, term: Term, times: int) -> Term:
    weight = model.weights.get(term.kind)
    if weight is None:
        return term
    facts = {**term.facts, "weight": model.version, "prior_log_odds": term.log_odds}
    return msgspec.structs.replace(term, log_odds=clipped(weight.log_odds) / times, facts=facts)


def prior(term: Term) -> Term:
    """The term at the prior's weight."""
    if "prior_log_odds" not in term.facts:
        return term
    facts = {name: fact for name, fact in term.facts.items() if name not in ("weight", "prior_log_odds")}
    return msgspec.structs.replace(term, log_odds=term.facts["prior_log_odds"], facts=facts)


def weight_of(term: Term) -> str:
    """Where a term's weight comes from: `PRIOR`, or the version of a model."""
    return str(term.facts.get("weight", PRIOR))


def clipped(log_odds: float) -> float:
    """Within what a single term may say."""
    return max(-TERM_CAP, min(TERM_CAP, log_odds))
