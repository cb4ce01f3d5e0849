"""Slack's mrkdwn (https://docs.slack.dev/messaging/formatting-message-text).

Only ``&``, ``<`` and ``>`` have escapes; with them no link and no mention (``<!channel>``, ``<@U…>``) can be made.
The characters that format a text (``*bold*``, ``_italic_``, ``~struck~``, code) and name an emoji (``:fire:``) have
none, so where they could do so a character that looks alike stands for them; inside a word (``orders_db``) they stay.
"""

from __future__ import annotations

import re

from engine.publish.texts.markup.kind import Markup

ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
ALIKE = {"*": "\N{ASTERISK OPERATOR}", "_": "\N{MODIFIER LETTER LOW MACRON}", "~": "\N{TILDE OPERATOR}", "`": "ˋ"}
FORMATS = re.compile(r"(?<![^\W_])[*_~`]|[*_~`](?![^\W_])")
EMOJI = re.compile(r":(?=[^\s:]*[A-Za-z+][^\s:]*:)")
SPECIAL = re.compile("[&<>]")


def escape(text: str) -> str:
    """Text as mrkdwn.

    >>> escape("<!channel> *all* of orders_db :fire:")
    '&lt;!channel&gt; ∗all∗ of orders_db ∶fire:'
    """
    shown = FORMATS.sub(lambda found: ALIKE[found[0]], text)
    shown = EMOJI.sub("\N{RATIO}", shown)
    return SPECIAL.sub(lambda found: ENTITIES[found[0]], shown)


MRKDWN = Markup("mrkdwn", escape, torn=re.compile(r"&[a-z]{0,3}$"))
