"""A classic Roundup tracker with an account for Headwater: makes it on first start, then serves it.

Usage: tracker.py HOME PORT ADDRESS. The account's password is in the file TICKETS_PASSWORD_FILE.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ACCOUNT = """
from roundup.password import Password
secret = Password(open({file!r}).read().strip(), config=db.config)
db.user.create(username="headwater", password=secret, address="headwater@example.org", roles="User")
"""
PROGRAM = "from roundup.scripts.roundup_admin import run; run()"


def admin(home: Path, *command: str) -> None:
    """Let Roundup's own tool do it."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", PROGRAM, "-i", str(home), *command], check=True)  # noqa: S603


def configured(text: str, url: str, home: Path) -> str:
    """Its configuration, for an address without mail."""
    wanted = {
        ("tracker", "web"): f"{url}/",
        ("mail", "domain"): "example.org",
        ("mail", "host"): "127.0.0.1",
        ("mail", "debug"): str(home / "mail"),
        ("web", "api_calls_per_interval"): "0",
    }
    for (section, key), value in wanted.items():
        head, mark, rest = text.partition(f"\n[{section}]\n")
        text = head + mark + re.sub(rf"(?m)^#?\s*{key}\s*=.*$", f"{key} = {value}", rest, count=1)
    return text


def install(home: Path, url: str, password: str) -> None:
    """A new tracker; the administrator's password is Headwater's too, as it is for trying out."""
    home.parent.mkdir(parents=True, exist_ok=True)
    admin(home, "install", "classic", "sqlite")
    config = home / "config.ini"
    config.write_text(configured(config.read_text(encoding="utf-8"), url, home), encoding="utf-8")
    with (home / "initial_data.py").open("a", encoding="utf-8") as data:
        data.write(ACCOUNT.format(file=password))
    admin(home, "initialise", Path(password).read_text(encoding="utf-8").strip())


def main() -> None:
    """Serve until stopped."""
    from roundup.cgi.wsgi_handler import RequestDispatcher  # noqa: PLC0415 - it complains of its modules when imported
    from waitress import serve  # noqa: PLC0415

    home, port, address = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    if not (home / "db" / "db").exists():
        url = os.environ.get("TICKETS_URL", f"http://tickets:{port}")
        install(home, url, os.environ.get("TICKETS_PASSWORD_FILE", "/run/secrets/tickets"))
    serve(RequestDispatcher(str(home)), host=address, port=port, threads=4)


if __name__ == "__main__":
    main()
