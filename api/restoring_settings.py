"""What restoration may use of the world: programs and addresses of automated steps, the repository of playbooks, and
how long forensic bundles are kept.

Playbooks name these and cannot add to them: who may write playbooks reaches no program, no host and no secret else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Annotated, Literal
from urllib.parse import urlsplit

import re2
from pydantic import Field
from pydantic.dataclasses import dataclass

from api.findings import Finding
from api.sinks.declared import Name, Secret, Url, Variable, secret, strict
from rules.matchers import compiled
from rules.playbooks.model import COMMAND, HTTP
from rules.ruleset import RuleSet

Word = Annotated[str, Field(min_length=1)]
Place = tuple[str | int, ...]


@dataclass(frozen=True, config=strict, kw_only=True)
class StepCommand:
    """A program that steps may run by its name. ``arguments``: what each argument that a playbook adds has to match as
    a whole (RE2); empty: it adds none. There is no shell."""

    name: Name
    argv: Annotated[tuple[Word, ...], Field(min_length=1)]
    arguments: str = ""


@dataclass(frozen=True, config=strict, kw_only=True)
class StepDestination:
    """Where steps may call: the address and all below it. The token goes there and nowhere else."""

    url: Url
    allow_private: bool = False
    token_env: Variable | None = None
    token: Secret = secret()


@dataclass(frozen=True, config=strict, kw_only=True)
class StepSettings:
    """``threads``: steps under way at once."""

    threads: Annotated[int, Field(ge=1, le=32)] = 4
    commands: tuple[StepCommand, ...] = ()
    destinations: tuple[StepDestination, ...] = ()


@dataclass(frozen=True, config=strict, kw_only=True)
class Repository:
    """Where playbooks live in Git; ``folder`` is theirs within it. ``timeout`` in seconds, of one call of git.

    ``reviewed_by``: what shows that somebody else than its author has approved a change: that they merged it, or are
    named in one of the ``trailers`` of its message. ``ssh``: the whole path of a private key, for addresses of ssh;
    ``user`` and token are for addresses of https. ``mail``: what stands behind the @ of those who propose changes."""

    url: Annotated[str, Field(pattern=r"^(https?://|ssh://|file://|/|[A-Za-z0-9._-]+@)[^\s-]\S*$")] = field(repr=False)
    branch: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")] = "main"
    folder: Annotated[str, Field(pattern=r"^([A-Za-z0-9_][A-Za-z0-9._-]*(/|$))*$")] = ""
    timeout: Annotated[float, Field(gt=0, le=600)] = 20.0
    reviewed_by: Annotated[tuple[Literal["merge", "trailer"], ...], Field(min_length=1)] = ("merge", "trailer")
    trailers: tuple[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")], ...] = (
        "Reviewed-by",
        "Approved-by",
        "Acked-by",
    )
    ssh: str = ""
    user: str = "headwater"
    token_env: Variable | None = None
    token: Secret = secret()
    mail: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$")] = "headwater.invalid"


@dataclass(frozen=True, config=strict, kw_only=True)
class Restoring:
    """``bundles``: days for which forensic bundles are kept."""

    steps: StepSettings = StepSettings()
    repository: Repository | None = None
    bundles: Annotated[float, Field(gt=0)] = 1095.0

    def unset(self, variables: Mapping[str, str]) -> Iterator[tuple[Place, str]]:
        """(place, variable) of every variable that is named and not set."""
        for number, one in enumerate(self.steps.destinations):
            if one.token_env and not variables.get(one.token_env):
                yield ("steps", "destinations", number, "token_env"), one.token_env
        named = self.repository.token_env if self.repository is not None else None
        if named and not variables.get(named):
            yield ("repository", "token_env"), named

    def wrong(self) -> Iterator[tuple[Place, str]]:
        """(place, what is wrong) of what only shows when it is looked at closely."""
        for number, command in enumerate(self.steps.commands):
            place: Place = ("steps", "commands", number)
            if not command.argv[0].startswith("/"):
                yield (*place, "argv"), "the program's whole path, from /"
            try:
                compiled(command.arguments)
            except re2.error as error:
                yield (*place, "arguments"), str(error)
            if command.name in [one.name for one in self.steps.commands[:number]]:
                yield (*place, "name"), f"{command.name} is used twice"
        if self.repository is not None and urlsplit(self.repository.url).password:
            yield ("repository", "url"), "a password does not belong here: use token_env, or ssh"

    def with_secrets(self, variables: Mapping[str, str]) -> Restoring:
        """The same with the secrets filled in."""
        filled = (replace(one, token=variables.get(one.token_env or "", "")) for one in self.steps.destinations)
        repository = self.repository
        if repository is not None:
            repository = replace(repository, token=variables.get(repository.token_env or "", ""))
        return replace(self, steps=replace(self.steps, destinations=tuple(filled)), repository=repository)


def unnamed_steps(settings: StepSettings, rules: RuleSet) -> list[Finding]:
    """What playbooks name and the settings do not have: such steps cannot be carried out, and are done by hand."""
    commands = {one.name for one in settings.commands}
    found = []
    for playbook in rules.continuity.playbooks:
        for task in playbook.tasks:
            said = ""
            if task.step.kind == COMMAND and task.step.command not in commands:
                said = f"names the command {task.step.command!r}"
            elif task.step.kind == HTTP and not any(below(task.step.url, one.url) for one in settings.destinations):
                said = f"calls {task.step.url}"
            if said:
                hint = "restoring.steps of the settings does not have it: it will be done by hand"
                found.append(Finding(playbook.file, 0, f"playbook {playbook.id}: step {task.id} {said}", hint, True))
    return found


def below(url: str, declared: str) -> bool:
    """Is an address the declared one, or below it? A path that leads upwards never is."""
    asked, known = urlsplit(url), urlsplit(declared)
    if (asked.scheme, asked.netloc.lower()) != (known.scheme, known.netloc.lower()):
        return False
    parts = asked.path.lower().replace("%2e", ".").replace("\\", "/").replace("%2f", "/").replace("%5c", "/").split("/")
    base = known.path.rstrip("/")
    return ".." not in parts and (asked.path == base or asked.path.startswith(f"{base}/"))
