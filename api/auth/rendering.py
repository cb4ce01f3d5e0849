"""The pages of the log-in: rendered on the server, every value escaped, no script at all."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

from api.auth.people import SHORTEST

_FOLDER = files(__package__).joinpath("pages")
STYLE = _FOLDER.joinpath("login.css").read_bytes()
_PAGES = {name: _FOLDER.joinpath(name).read_text("utf-8") for name in ("login.html", "entered.html")}
_environment = Environment(
    loader=DictLoader(_PAGES), autoescape=select_autoescape(default=True), undefined=StrictUndefined
)


def login(*, next: str, provider: bool, first: bool, message: str = "", status: int = 200) -> HTMLResponse:
    """Where people log in; ``first``: or make the first administrator."""
    page = _environment.get_template("login.html")
    html = page.render(next=next, provider=provider, first=first, message=message, shortest=SHORTEST)
    return HTMLResponse(html, status)


def entered(next: str) -> HTMLResponse:
    """Leads on by a page of our own: a redirect from the provider's page would not carry a cookie that is
    SameSite=Strict (RFC 6265bis §5.2)."""
    return HTMLResponse(_environment.get_template("entered.html").render(next=next))
