"""Real ticketing systems on loopback, each in a folder of its own: Roundup from PyPI, Request Tracker 5 of Debian."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from tests.faults.proxy import Proxy, proxy
from tests.publish.receiver import Receiver, receiver
from tests.real.components import Child, free_port

RT_SERVER = Path("/usr/share/request-tracker5/libexec/rt-server")
RT_SETUP = Path("/usr/sbin/rt-setup-database-5")
USER, PASSWORD = "headwater", "open-sesame"
PERSON, HERS = "ada", "ada-sesame"


class System(NamedTuple):
    """A running ticketing system, the way for a person to work in it by its own API, and where its web hooks go.
    ``line``: what leads to it, if anything stands between."""

    url: str
    person: httpx.Client
    hooks: Receiver
    line: Proxy | None = None


@contextmanager
def running(command: Sequence[str], ready: str, log: Path, env: Mapping[str, str]) -> Iterator[None]:
    """A child process for as long as the context lasts."""
    child = Child(command, ready, log, env, seconds=60.0)
    try:
        yield
    finally:
        child.stop()


# ------------------------------------------------------------------------------------------------------------ roundup

DETECTOR = """\
import json, os, urllib.request

def tell(db, cl, nodeid, old):
    address = os.environ.get("HOOK")
    by = db.user.get(db.getuid(), "username")
    if address and by != "headwater":
        body = json.dumps({"issue": nodeid, "by": by}).encode()
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).read()

def init(db):
    db.issue.react("create", tell)
    db.issue.react("set", tell)
"""
SERVE = """\
import sys
from roundup.cgi.wsgi_handler import RequestDispatcher
from waitress import serve
serve(RequestDispatcher(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), threads=4)
"""
USERS = f"""\
from roundup.password import Password
for name, password in (({USER!r}, {PASSWORD!r}), ({PERSON!r}, {HERS!r})):
    secret = Password(password, config=db.config)
    db.user.create(username=name, password=secret, address=name + "@example.org", roles="User")
"""


@contextmanager
def roundup(folder: Path) -> Iterator[System]:
    """A classic tracker, as its installation makes it, with two users, one of them a person; behind a line."""
    port, home = free_port(), folder / "tracker"
    with proxy(port) as line:
        yield from _roundup(folder, home, port, line)


def _roundup(folder: Path, home: Path, port: int, line: Proxy) -> Iterator[System]:
    url = f"http://127.0.0.1:{line.port}"
    folder.mkdir(parents=True, exist_ok=True)
    _admin(home, "install", "classic", "sqlite")
    config = home / "config.ini"
    config.write_text(_configured(config.read_text(encoding="utf-8"), url, home), encoding="utf-8")
    with (home / "initial_data.py").open("a", encoding="utf-8") as data:
        data.write(USERS)
    (home / "detectors" / "tell.py").write_text(DETECTOR, encoding="utf-8")
    _admin(home, "initialise", "of-the-admin")
    command = [sys.executable, "-c", SERVE, str(home), str(port)]
    headers = {"X-Requested-With": "tests", "Origin": url, "Accept": "application/json"}
    with (
        receiver() as hooks,
        running(command, f"{url}/", folder / "log", {"HOOK": hooks.url}),
        httpx.Client(base_url=f"{url}/rest/data", auth=(PERSON, HERS), timeout=20, headers=headers) as person,
    ):
        yield System(url, person, hooks, line)


def _admin(home: Path, *command: str) -> None:
    program = "from roundup.scripts.roundup_admin import run; run()"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, "-i", str(home), *command],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def _configured(text: str, url: str, home: Path) -> str:
    wanted = {
        ("tracker", "web"): f"{url}/",
        ("mail", "domain"): "example.org",
        ("mail", "host"): "127.0.0.1",
        ("mail", "debug"): str(home / "mail"),
        ("main", "password_pbkdf2_default_rounds"): "1000",
        ("web", "api_calls_per_interval"): "0",
        ("web", "api_failed_login_limit"): "1000",
    }
    for (section, key), value in wanted.items():
        head, mark, rest = text.partition(f"\n[{section}]\n")
        text = head + mark + re.sub(rf"(?m)^#?\s*{key}\s*=.*$", f"{key} = {value}", rest, count=1)
    return text


# ---------------------------------------------------------------------------------------------------- request tracker

SITE = """\
Set($rtname, 'tests'); Set($Organization, 'tests.example'); Set($Timezone, 'UTC');
Set($WebDomain, '127.0.0.1'); Set($WebPort, {port}); Set($WebPath, ''); Set($WebBaseURL, 'http://127.0.0.1:{port}');
Set($DatabaseType, 'SQLite'); Set($DatabaseName, '{folder}/rt.db'); Set($DatabaseHost, '');
Set($DatabaseUser, ''); Set($DatabasePassword, '');
Set($LogToSyslog, undef); Set($LogToSTDERR, 'warning'); Set($LogToFile, undef);
Set($MailCommand, 'testfile'); Set($RestrictReferrer, 0); Set($BcryptCost, 4);
Set(%GnuPG, Enable => 0); Set(%SMIME, Enable => 0); Set($MasonCacheDir, '{folder}/mason');
1;
"""
INITIAL = f"""\
@Queues = ({{ Name => 'Incidents', CorrespondAddress => '', CommentAddress => '' }});
@Users = (
    {{ Name => '{USER}', Password => '{PASSWORD}', Privileged => 1 }},
    {{ Name => '{PERSON}', Password => '{HERS}', Privileged => 1 }},
);
@Final = (sub {{
    my $queue = RT::Queue->new(RT->SystemUser);
    $queue->Load('Incidents');
    for my $name ('{USER}', '{PERSON}') {{
        my $user = RT::User->new(RT->SystemUser);
        $user->Load($name);
        for my $right (qw(SeeQueue CreateTicket ShowTicket ShowTicketComments CommentOnTicket ReplyToTicket ModifyTicket
            OwnTicket TakeTicket)) {{
            my ($ok, $why) = $user->PrincipalObj->GrantRight(Right => $right, Object => $queue);
            die "$right: $why" unless $ok;
        }}
        $user->PrincipalObj->GrantRight(Right => 'DeleteTicket', Object => $queue) if $name eq '{PERSON}';
    }}
}});
@Scrips = ({{
    Description => 'tell', Queue => 0, ScripCondition => 'On Transaction', ScripAction => 'User Defined',
    Template => 'Blank', CustomPrepareCode => '1', CustomCommitCode => q{{
        my $address = $ENV{{HOOK}} or return 1;
        return 1 if $self->TransactionObj->CreatorObj->Name eq 'headwater';
        require LWP::UserAgent;
        my $body = JSON::encode_json({{ ticket => $self->TicketObj->id, type => $self->TransactionObj->Type }});
        LWP::UserAgent->new(timeout => 10)->post($address, 'Content-Type' => 'application/json', Content => $body);
        1;
    }},
}});
1;
"""


@contextmanager
def request_tracker(folder: Path) -> Iterator[System]:
    """An own instance with its own SQLite file; one queue, two users who may do what its members may."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    for name in ("conf.d", "mason"):
        (folder / name).mkdir(parents=True)
    (folder / "RT_SiteConfig.pm").write_text(SITE.format(port=port, folder=folder), encoding="utf-8")
    (folder / "initial.pl").write_text(INITIAL, encoding="utf-8")
    site = folder / "RT_SiteConfig.pm"
    env = {"RT_SITE_CONFIG": str(site), "RT_SITE_CONFIG_DIR": str(folder / "conf.d")}
    database = [str(RT_SETUP), "--skip-create", "--dba", "root", "--dba-password", ""]
    _perl([*database, "--action", "init"], env, folder)
    _perl([*database, "--action", "insert", "--datafile", str(folder / "initial.pl")], env, folder)
    command = [str(RT_SERVER), "--server", "Starlet", "--host", "127.0.0.1", "--port", str(port), "--max-workers", "2"]
    with (
        receiver() as hooks,
        running(command, f"{url}/static/images/favicon.png", folder / "log", {**env, "HOOK": hooks.url}),
        httpx.Client(base_url=f"{url}/REST/2.0", auth=(PERSON, HERS), timeout=30) as person,
    ):
        yield System(url, person, hooks)


def _perl(command: list[str], env: Mapping[str, str], folder: Path) -> None:
    with (folder / "setup.log").open("ab") as out:
        done = subprocess.run(
            command,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, (folder / "setup.log").read_text(errors="replace")[-2000:]
