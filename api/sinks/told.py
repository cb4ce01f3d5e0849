"""Receivers whose texts an operator may write: templates with declared fields, checked when the settings are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator
from pydantic.dataclasses import dataclass

from api.sinks.declared import Audience, Declared, strict

if TYPE_CHECKING:
    from engine.publish.texts.markup.kind import Markup
    from engine.publish.texts.message import Texts

Action = Literal["", "open", "update", "resolve", "reopen", "merge", "escalate", "overdue", "declare", "disputed"]


def _checked(text: str) -> str:
    from engine.publish.texts.template import problems

    if found := list(problems(text)):
        raise ValueError("; ".join(found))
    return text


Words = Annotated[str, AfterValidator(_checked)]


@dataclass(frozen=True, config=strict, kw_only=True)
class Template:
    """Texts with ``$field`` in them, for an action and an audience; without these, for all.

    The first that suits counts. What is not given is the shipped text. A line whose fields are all empty is left out.
    """

    action: Action = ""
    audience: Literal[""] | Audience = ""
    title: Words = ""
    body: Words = ""


@dataclass(frozen=True, config=strict, kw_only=True)
class Told(Declared):
    """A receiver that people read. ``templates``: their texts, in the receiver's own markup."""

    templates: tuple[Template, ...] = ()

    def texts(self, markup: Markup, *, title: int, body: int, news: bool = False) -> Texts:
        """What it gets to read, at most so long, with ``news`` above the text."""
        from engine.publish.texts.message import Template as Given
        from engine.publish.texts.message import Texts

        given = [
            Given(
                action=one.action, audience=one.audience, title=one.title, body=one.body, html=getattr(one, "html", "")
            )
            for one in self.templates
        ]
        return Texts(given, markup=markup, title=title, body=body, news=news)
