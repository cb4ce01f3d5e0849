"""Values in JQL, Jira's query language.

https://support.atlassian.com/jira-service-management-cloud/docs/use-advanced-search-with-jira-query-language-jql/ :
a string stands in double quotes; inside, a backslash escapes quotes, backslashes, line ends and code units.
"""

from __future__ import annotations

NAMED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quoted(text: str) -> str:
    r"""A string of JQL that holds just this text.

    >>> quoted('x" OR project = "HR')
    '"x\\" OR project = \\"HR"'
    """
    return '"' + "".join(map(_escaped, text)) + '"'


def phrase(text: str) -> str:
    r"""The operand of ``~`` that looks for these words side by side.

    >>> phrase("headwater-1")
    '"\\"headwater-1\\""'
    """
    return quoted('"' + text.replace("\\", " ").replace('"', " ") + '"')


def _escaped(char: str) -> str:
    if char in NAMED:
        return NAMED[char]
    code = ord(char)
    return char if 0x20 <= code < 0x7F or 0xA0 <= code < 0xD800 else _units(code)


def _units(code: int) -> str:
    """As one or two UTF-16 code units."""
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
