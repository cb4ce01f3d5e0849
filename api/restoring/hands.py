"""Carries out one automated step: a program of the settings' list, or an HTTP call through the egress guard.

Whatever happens, there is an outcome: nothing is raised once a step has begun.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import NamedTuple, Protocol

import msgspec

from api.restoring_settings import StepCommand, StepDestination, StepSettings, below
from engine.continuity.masking import masked, printable
from engine.response_views import FAILED_RUN, PASSED_RUN
from ingest import process
from rules.matchers import compiled
from rules.playbooks import Step
from rules.playbooks.model import COMMAND, HTTP
from rules.playbooks.policy import ContinuityPolicy

KEPT = 16 * 1024
"""Letters of output that are kept."""


class NotAllowed(Exception):
    """The step cannot be carried out: it is a person's, or neither rules nor settings cover it."""


class Answered(NamedTuple):
    """Status and body of an HTTP answer."""

    status: int
    body: bytes


class Unanswered(Exception):
    """No answer came; ``sent``: the receiver may have the request."""

    def __init__(self, detail: str, *, sent: bool) -> None:
        super().__init__(detail)
        self.sent = sent


class Call(Protocol):
    """An HTTP request through the egress guard to a declared destination. Raises `Unanswered`."""

    def __call__(
        self, one: StepDestination, method: str, url: str, body: bytes, headers: Mapping[str, str], seconds: float
    ) -> Answered:
        """The answer."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: ``passed`` or ``failed``. ``output`` is masked and cut; ``sha256`` is its digest."""

    outcome: str
    detail: str
    code: int | None = None
    output: str = ""
    took: int = 0

    @property
    def sha256(self) -> str:
        """Of the output as it is kept."""
        return sha256(self.output.encode()).hexdigest()


class Hands:
    """What steps may use, by the settings."""

    def __init__(self, settings: StepSettings, call: Call) -> None:
        self._settings, self._call = settings, call
        self._secrets = [one.token for one in settings.destinations if one.token]

    def plan(self, step: Step, policy: ContinuityPolicy) -> str:
        """What would be done, in words. Raises `NotAllowed`."""
        if step.kind == COMMAND:
            argv = self._argv(step, policy)
            return f"would run {' '.join(map(_quoted, argv))}, for at most {step.timeout / 1000:g} s"
        if step.kind == HTTP:
            self._destination(step, policy)
            return f"would send {step.method} {step.url} and expect {step.expect}, within {step.timeout / 1000:g} s"
        raise NotAllowed("it is done by people, not by a program")

    def carry_out(
        self,
        step: Step,
        policy: ContinuityPolicy,
        about: Mapping[str, str],
        begun: Callable[[subprocess.Popen[bytes]], None] = lambda child: None,
    ) -> Outcome:
        """Do it. ``about`` names incident, task and run, and is what an HTTP receiver is told."""
        try:
            if step.kind == COMMAND:
                return self._command(step, self._argv(step, policy), begun)
            return self._http(step, self._destination(step, policy), about)
        except NotAllowed as error:
            return Outcome(outcome=FAILED_RUN, detail=f"not begun: {error}")
        except Exception as error:  # a step that has begun has an outcome
            return Outcome(outcome=FAILED_RUN, detail=f"it broke off: {type(error).__name__}")

    def _argv(self, step: Step, policy: ContinuityPolicy) -> tuple[str, ...]:
        if step.command not in policy.commands:
            raise NotAllowed(f"the playbooks in force do not allow the command {step.command!r} (allow.commands)")
        known: dict[str, StepCommand] = {one.name: one for one in self._settings.commands}
        found = known.get(step.command)
        if found is None:
            raise NotAllowed(f"the settings have no command {step.command!r} (restoring.steps.commands)")
        pattern = compiled(found.arguments)
        for argument in step.arguments:
            if not found.arguments or "\0" in argument or pattern.fullmatch(argument) is None:
                raise NotAllowed(f"the settings do not let {step.command!r} have the argument {argument!r}")
        return (*found.argv, *step.arguments)

    def _destination(self, step: Step, policy: ContinuityPolicy) -> StepDestination:
        if not any(step.url.startswith(prefix) for prefix in policy.urls):
            raise NotAllowed(f"the playbooks in force do not allow {step.url} (allow.urls)")
        found = next((one for one in self._settings.destinations if below(step.url, one.url)), None)
        if found is None:
            raise NotAllowed(f"the settings do not let steps call {step.url} (restoring.steps.destinations)")
        return found

    def _command(self, step: Step, argv: tuple[str, ...], begun: Callable[[subprocess.Popen[bytes]], None]) -> Outcome:
        try:
            ran = process.run(argv, step.timeout / 1000, begun=begun)
        except process.NotStarted as error:
            return Outcome(outcome=FAILED_RUN, detail=f"the program does not start: {error}")
        except TimeoutError:
            detail = f"killed: it was not done within {step.timeout / 1000:g} s, and may have done some of it"
            return Outcome(outcome=FAILED_RUN, detail=detail, took=step.timeout)
        said = f"it was ended by signal {-ran.code}" if ran.code < 0 else f"it returned {ran.code}"
        return Outcome(
            outcome=FAILED_RUN if ran.code else PASSED_RUN,
            detail=said,
            code=abs(ran.code),
            output=self._kept(ran.said, cut=ran.cut),
            took=ran.took,
        )

    def _http(self, step: Step, one: StepDestination, about: Mapping[str, str]) -> Outcome:
        headers = {"Idempotency-Key": about["run"]}
        body = b"" if step.method in ("GET", "DELETE") else msgspec.json.encode(about)
        if body:
            headers["Content-Type"] = "application/json"
        if one.token:
            headers["Authorization"] = f"Bearer {one.token}"
        try:
            answer = self._call(one, step.method, step.url, body, headers, step.timeout / 1000)
        except Unanswered as error:
            doubt = "no answer came, and the receiver may have done it" if error.sent else "it was not sent"
            return Outcome(outcome=FAILED_RUN, detail=f"{doubt}: {self._kept(str(error).encode(), cut=False)[:500]}")
        good = answer.status == step.expect
        return Outcome(
            outcome=PASSED_RUN if good else FAILED_RUN,
            detail=f"status {answer.status}" + ("" if good else f", not {step.expect}"),
            code=answer.status,
            output=self._kept(answer.body[: process.MOST], cut=len(answer.body) > process.MOST),
        )

    def _kept(self, said: bytes, *, cut: bool) -> str:
        """Masked before it is cut: half a secret is one, too."""
        text = printable(masked(said.decode("utf-8", "replace"), self._secrets))
        if len(text) > KEPT:
            text, cut = text[:KEPT], True
        return text + ("\n… (cut)" if cut else "")


def _quoted(word: str) -> str:
    return word if word and not set(word) & set(" \t\n\"'\\$") else repr(word)
