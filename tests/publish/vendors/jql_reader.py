"""A strict reader of the JQL that tickets need: comparisons, AND, OR, parentheses, ORDER BY.

Written from the grammar that Atlassian documents (strings with escapes, bounded queries), not from what is under test.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Test = Callable[[dict[str, Any]], bool]

TOKEN = re.compile(
    r'\s*(?:(?P<word>[A-Za-z][A-Za-z0-9]*)|(?P<mark>!=|[=~()])|"(?P<string>(?:[^"\\]|\\.)*)")', re.DOTALL
)
ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|([nrt"\'\\ ]))')
NAMED = {"n": "\n", "r": "\r", "t": "\t"}


class BadJql(Exception):
    """Error in the JQL Query."""


def read(jql: str) -> Test:
    """The test that a query is. Raises `BadJql`, also for a query that would find everything."""
    tokens = _tokens(jql)
    test = _either(tokens)
    if tokens not in ([], list(ORDER)):
        raise BadJql(f"Expecting end of query but got {tokens[0]}")
    return test


ORDER = (("word", "ORDER"), ("word", "BY"), ("word", "created"), ("word", "ASC"))


def _tokens(jql: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    while jql[at:].strip():
        found = TOKEN.match(jql, at)
        if found is None or found.lastgroup is None:
            raise BadJql(f"illegal character at {at}")
        text = found[found.lastgroup]
        tokens.append((found.lastgroup, _unescaped(text) if found.lastgroup == "string" else text))
        at = found.end()
    return tokens


def _unescaped(text: str) -> str:
    if any(char < " " for char in text):
        raise BadJql("a control character in a string")
    left = ESCAPE.sub("", text)
    if "\\" in left:
        raise BadJql("an illegal escape in a string")
    joined = ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else NAMED.get(found[2], found[2]), text)
    return joined.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _either(tokens: list[tuple[str, str]]) -> Test:
    tests = [_both(tokens)]
    while _take(tokens, "OR"):
        tests.append(_both(tokens))
    return lambda issue: any(test(issue) for test in tests)


def _both(tokens: list[tuple[str, str]]) -> Test:
    tests = [_one(tokens)]
    while _take(tokens, "AND"):
        tests.append(_one(tokens))
    return lambda issue: all(test(issue) for test in tests)


def _one(tokens: list[tuple[str, str]]) -> Test:
    if tokens[:1] == [("mark", "(")]:
        tokens.pop(0)
        test = _either(tokens)
        if not tokens or tokens.pop(0) != ("mark", ")"):
            raise BadJql("Expecting ')'")
        return test
    if len(tokens) < 3 or tokens[0][0] != "word" or tokens[2][0] != "string":
        raise BadJql("Expecting a field, an operator and a value")
    (_, field), (_, operator), (_, value) = (tokens.pop(0) for _ in range(3))
    if (field, operator) == ("labels", "="):
        return lambda issue: value in issue["labels"]
    if (field, operator) == ("project", "="):
        return lambda issue: bool(issue["project"] == value)
    if (field, operator) == ("description", "~"):
        phrase = value.removeprefix('"').removesuffix('"')
        return lambda issue: phrase.lower() in issue["text"].lower()
    raise BadJql(f"Field '{field}' does not exist or operator '{operator}' is not allowed for it")


def _take(tokens: list[tuple[str, str]], word: str) -> bool:
    if tokens[:1] == [("word", word)]:
        tokens.pop(0)
        return True
    return False
