"""A stranger's text stays text in every markup, in the shipped texts and in an operator's templates."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.publish.texts import plain
from engine.publish.texts.fields import FIELDS
from engine.publish.texts.markup.html import HTML
from engine.publish.texts.markup.kind import Markup
from engine.publish.texts.markup.markdown import MARKDOWN
from engine.publish.texts.markup.mrkdwn import MRKDWN
from engine.publish.texts.markup.plain import PLAIN
from engine.publish.texts.message import Template, Texts
from engine.publish.texts.template import LONGEST, MOST, problems
from tests.publish.receiver import publication
from tests.publish.strangers import HOSTILE

MARKUPS = [PLAIN, HTML, MRKDWN, MARKDOWN]
SPECIAL = re.compile(r"(?<!\\)(?:\\\\)*[\\`*_{}\[\]()<>#~|!&^$]")


def shown_name(text: str) -> str:
    return ascii(text[:24])


def test_there_are_more_than_a_hundred_of_them() -> None:
    assert len(set(HOSTILE)) >= 100


class Page(HTMLParser):
    """What a browser makes of it: the tags, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(tag)

    def handle_comment(self, data: str) -> None:
        self.tags.append("comment")

    def handle_decl(self, decl: str) -> None:
        self.tags.append("declaration")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("text", HOSTILE, ids=shown_name)
def test_html_is_read_back_as_the_same_text_with_no_tag(text: str) -> None:
    page = Page(HTML.escape(plain(text)))
    assert (page.tags, page.text) == ([], plain(text))


@pytest.mark.parametrize("text", HOSTILE, ids=shown_name)
def test_mrkdwn_has_no_link_no_mention_no_format_and_no_emoji(text: str) -> None:
    marked = MRKDWN.escape(plain(text))
    assert not re.search("[<>]|&(?!amp;|lt;|gt;)", marked)
    words = re.sub("&(amp|lt|gt);", " ", marked)
    assert not re.search(r"(^|[^\w]|_)[*_~`]|[*_~`]($|[^\w]|_)", words)
    assert not re.search(r":[^\s:]*[a-z+][^\s:]*:", words)


@pytest.mark.parametrize("text", HOSTILE, ids=shown_name)
def test_markdown_has_no_special_character_without_its_backslash(text: str) -> None:
    marked = MARKDOWN.escape(plain(text))
    assert not re.search(r"[\\`*_{}\[\]()<>#~|!&^$]", re.sub(r"\\[\\`*_{}\[\]()<>#~|!&^$.+=:-]", "", marked))
    assert not re.match(r"\s*([-+=:>#]|\d{1,9}[.)])", marked)
    assert not re.search(r"(?i)(https?|javascript|data|mailto):|www\.|@\w", marked)


@pytest.mark.parametrize("markup", MARKUPS, ids=lambda markup: markup.name)
@given(text=st.text(max_size=400), limit=st.integers(2, 60))
def test_a_cut_leaves_no_half_of_an_escape(markup: Markup, text: str, limit: int) -> None:
    cut = markup.cut(markup.escape(plain(text)), limit)
    assert len(cut) <= limit
    if markup in (HTML, MRKDWN):
        assert not re.search("&(?!(amp|lt|gt|quot|#x27);)", cut)
    if markup is MARKDOWN:
        assert not re.search(r"(?<!\\)(\\\\)*\\…$", cut)


@pytest.mark.parametrize("markup", MARKUPS, ids=lambda markup: markup.name)
@pytest.mark.parametrize("text", HOSTILE, ids=shown_name)
def test_a_message_has_as_many_lines_as_without_the_stranger_and_its_size_is_bounded(markup: Markup, text: str) -> None:
    given = Template(action="open", title="$severity $title", body="Cause: $cause\nWhy: $why\n$impact\nend")
    for templates in ((), (given,)):
        texts = Texts(templates, markup=markup, title=150, body=3000)
        hit = [{"entity": text, "name": text, "kind": "service", "path": [text]}]
        quiet = texts.message(
            publication(title="x", cause="x", why="x", impact=[{**hit[0], "entity": "x", "path": ["x"]}])
        )
        loud = texts.message(publication(title=text, cause=text or "x", why=text or "x", impact=hit))
        assert len(loud.lines) <= len(quiet.lines)
        assert all(len(line.splitlines()) <= 1 for line in (loud.title, *loud.lines))
        assert len(loud.title) <= 150
        assert sum(map(len, loud.lines)) <= 3000


# ------------------------------------------------------------------------------------------------------ templates


def test_a_template_says_where_it_names_what_there_is_not() -> None:
    text = "Hello $$\n$severity ${caus} and $Cause\n$ 5 ${severity"
    assert list(problems(text)) == [
        "line 2 of the template: there is no field 'caus'; did you mean cause?",
        "line 2 of the template: a $ that begins no field; write $$ for a dollar sign",
        "line 3 of the template: a $ that begins no field; write $$ for a dollar sign",
        "line 3 of the template: a $ that begins no field; write $$ for a dollar sign",
    ]


def test_a_template_is_bounded() -> None:
    assert list(problems("x" * (LONGEST + 1))) == ["longer than 20,000 characters"]
    assert list(problems("$cause" * (MOST + 1))) == ["more than 200 fields"]
    assert list(problems("\n".join(f"{name}: ${name}" for name in FIELDS))) == []


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_has_a_meaning_and_a_value_for_a_publication_that_says_nothing(name: str) -> None:
    one = publication()
    one.body = {}
    assert isinstance(Texts([Template(body=f"x ${name} x")]).message(one).lines, tuple)
    assert FIELDS[name].about


def test_what_a_field_holds_is_never_a_template() -> None:
    texts = Texts([Template(title="$title", body="$title")])
    message = texts.message(publication(title="$cause ${cause} $$"))
    assert message.lines == ("$cause ${cause} $$",)
    assert message.title == "$cause ${cause} $$"


def test_a_line_without_a_value_is_left_out_and_a_line_without_a_field_is_not() -> None:
    given = Template(body="Assigned: $assigned\n\nCause: $cause $assigned\nend")
    assert Texts([given]).message(publication()).lines == ("", "Cause: db ", "end")


def test_the_first_template_that_suits_counts_and_what_it_leaves_out_is_the_shipped_text() -> None:
    templates = [Template(action="resolve", title="back"), Template(audience="stakeholders", title="for you"),
                 Template(title="for all", body="$cause")]  # fmt: skip
    texts = Texts(templates)
    resolved = texts.message(publication(action="resolve"))
    assert resolved.title == "back"
    assert "Cause: db" in resolved.lines
    assert texts.message(publication()).lines == ("db",)


def test_what_does_not_fit_is_counted() -> None:
    impact = [{"entity": f"service-{number}", "path": ["db", f"service-{number}"]} for number in range(12)]
    message = Texts(body=300).message(publication(impact=impact))
    assert re.fullmatch(r"… \d+ more lines", message.lines[-1])
