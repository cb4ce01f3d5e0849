"""No markup: texts as they are."""

from __future__ import annotations

from engine.publish.texts.markup.kind import Markup

PLAIN = Markup("plain", str)
