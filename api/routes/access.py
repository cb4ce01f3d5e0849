"""Access: who one is, keys, users, sessions, and the trail of what was changed and denied."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api.access_schemas import AccessChanged, KeysOf, Me, NewKey, SessionsOf, TrailOf, UsersOf, session_of
from api.access_settings import Role
from api.auth import keys, people
from api.auth.opening import Opened
from api.auth.policy import allowed
from api.auth.principal import Kind
from api.auth.store import Key, Session, User
from api.auth.trail import shown
from api.errors import Fault, Problem, invalid, not_found
from api.keyed import newest_first, page
from api.routes.answers import After, Cursor, Limit, answer, documented, parts, principal
from engine.policy import ACTIONS

router = APIRouter(prefix="/api/v1", tags=["access"])

_ME = {"name": "ann", "kind": "person", "roles": ["responder"], "actions": ["read", "acknowledge"], "csrf_token": "k3…"}
_CHANGED = {"id": "ann", "state": "changed"}
_KEY = {
    "id": "5f0c2a91", "name": "prometheus", "role": "ingest", "scopes": [], "created_at": 1767225600000,
    "created_by": "ann", "expires_at": 1774998000000, "used_at": None, "revoked_at": None,
}  # fmt: skip
_USER = {
    "name": "ann",
    "role": "responder",
    "created_at": 1767225600000,
    "changed_at": 1767225600000,
    "disabled": False,
}
_EVENT = {
    "who": "ann", "kind": "person", "roles": ["responder"], "what": "command",
    "asked": "POST /api/v1/incidents/12-0/acknowledge acknowledge 12-0", "origin": "192.0.2.7", "result": 200,
}  # fmt: skip
_TRAIL = {"items": [{"number": 7, "at": 1767225600000, "event": _EVENT}], "next": "7", "records": 7, "head": "9f2c…"}

Name = Annotated[str, Field(min_length=1, max_length=100)]
Password = Annotated[str, Field(max_length=500)]
Id = Annotated[str, Path(max_length=100)]


class KeyAsked(BaseModel):
    """A key to make. ``scopes`` narrow it to actions; ``days`` until it expires."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"name": "ci", "role": "viewer", "days": 90}}
    )
    name: Name
    role: Role
    scopes: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=64)] = []
    days: Annotated[float, Field(gt=0, le=3660)] | None = 365


class UserAsked(BaseModel):
    """A user to add."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"name": "ann", "role": "responder", "password": "correct horse …"}},
    )
    name: Name
    role: Role
    password: Password


class UserChange(BaseModel):
    """What is to be different of a user; every change ends the user's sessions."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"role": "operator"}})
    role: Role | None = None
    password: Password | None = None
    disabled: bool | None = None


class PasswordAsked(BaseModel):
    """One's own password."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"old": "…", "new": "correct horse …"}})
    old: Password
    new: Password


@router.get("/me", responses=documented(Me, _ME), summary="Who asks, and what they may do")
def me(request: Request) -> Response:
    """With a session, also the token that every change has to bring (`X-CSRF-Token`)."""
    who = principal(request)
    actions = [action for action in ACTIONS if allowed(who, action)]
    return answer(Me(who.name, who.kind.value, sorted(who.roles), actions, who.csrf))


@router.post("/me/password", responses=documented(AccessChanged, _CHANGED), summary="A new password")
def password(request: Request, asked: PasswordAsked) -> Response:
    """For people who log in with one; ends all of their sessions, this one too."""
    access, who = _access(request), principal(request)
    if who.kind is not Kind.PERSON or people.check(access.store, who.name, asked.old) is None:
        raise Problem(403, "forbidden", "The old password is not right, or you do not log in with one.")
    return answer(_changed(access, who.name, password=asked.new))


@router.get("/access/keys", responses=documented(KeysOf, {"items": [_KEY], "next": ""}), summary="API keys")
def list_keys(request: Request, cursor: After = "", limit: Limit = 50) -> Response:
    """Newest first, revoked and expired ones too; never the secret."""
    return answer(KeysOf(*page(_access(request).store.keys(), _newest_first, cursor, limit)))


@router.post("/access/keys", responses=documented(NewKey, {"key": _KEY, "secret": "hwk_…"}), summary="Make an API key")
def make_key(request: Request, asked: KeyAsked) -> Response:
    """The secret is in this answer and nowhere else."""
    access, who = _access(request), principal(request)
    request.state.told = f"{asked.role} {asked.name}"
    try:
        scopes = tuple(dict.fromkeys(asked.scopes))
        made = keys.create(access.store, asked.name, asked.role, access.clock(), who.name, scopes, asked.days)
    except keys.Refused as error:
        raise invalid("The key cannot be made.", [Fault("", str(error))]) from None
    access.door.forget()
    return answer(NewKey(made.key, made.secret))


@router.post("/access/keys/{id}/revoke", responses=documented(AccessChanged, {"id": "5f0c2a91", "state": "revoked"}))
def revoke_key(request: Request, id: Id) -> Response:
    """It opens nothing any more, from now on."""
    access = _access(request)
    if not access.store.revoke_key(id, access.clock()):
        raise not_found("key to revoke", id)
    access.door.forget()
    return answer(AccessChanged(id, "revoked"))


@router.get("/access/users", responses=documented(UsersOf, {"items": [_USER], "next": ""}), summary="Users")
def list_users(request: Request, cursor: After = "", limit: Limit = 50) -> Response:
    """People who log in with a password, by name."""
    return answer(UsersOf(*page(_access(request).store.users(), lambda one: one.name, cursor, limit)))


@router.post("/access/users", responses=documented(User, _USER), summary="Add a user")
def add_user(request: Request, asked: UserAsked) -> Response:
    """Somebody who logs in with a password."""
    request.state.told = f"{asked.role} {asked.name}"
    access = _access(request)
    try:
        made = people.put(
            access.store, asked.name, access.clock(), role=asked.role, password=asked.password, fresh=True
        )
    except keys.Refused as error:
        raise invalid("The user cannot be added.", [Fault("", str(error))]) from None
    access.door.forget()
    return answer(made)


@router.post("/access/users/{name}", responses=documented(AccessChanged, _CHANGED))
def change_user(request: Request, name: Id, asked: UserChange) -> Response:
    """Role, password, or whether the user may log in at all."""
    access = _access(request)
    if access.store.password(name) is None:
        raise not_found("user", name)
    request.state.told = " ".join(sorted(asked.model_fields_set))
    return answer(_changed(access, name, asked.role, asked.password, asked.disabled))


@router.get("/access/sessions", responses=documented(SessionsOf), summary="Who is logged in")
def list_sessions(request: Request, cursor: After = "", limit: Limit = 50) -> Response:
    """Browsers, newest first."""
    items, next = page(_access(request).store.sessions(), _newest_first, cursor, limit)
    return answer(SessionsOf([session_of(one) for one in items], next))


@router.post("/access/sessions/{id}/end", responses=documented(AccessChanged, {"id": "9f…", "state": "ended"}))
def end_session(request: Request, id: Id) -> Response:
    """Log somebody out."""
    access = _access(request)
    if not access.store.end_sessions(id=id):
        raise not_found("session", id)
    access.door.forget()
    return answer(AccessChanged(id, "ended"))


@router.get("/access/trail", responses=documented(TrailOf, _TRAIL), summary="What was changed and denied, by whom")
def trail(request: Request, cursor: Cursor = "", limit: Limit = 50) -> Response:
    """Newest first. `headwater trail verify` proves that nothing is missing."""
    store = _access(request).store
    items = [shown(row) for row in store.trail(before=int(cursor or 0), limit=limit)]
    head = store.head()
    next = str(items[-1].number) if len(items) == limit and items[-1].number > 1 else ""
    return answer(TrailOf(items, next, head.seq, head.link.hex()))


def _changed(
    access: Opened, name: str, role: Role | None = None, password: str | None = None, disabled: bool | None = None
) -> AccessChanged:
    try:
        people.put(access.store, name, access.clock(), role=role, password=password, disabled=disabled)
    except keys.Refused as error:
        raise invalid("The user cannot be changed.", [Fault("", str(error))]) from None
    access.door.forget()
    return AccessChanged(name, "changed")


def _newest_first(one: Key | Session) -> str:
    return newest_first(one.created_at, one.id)


def _access(request: Request) -> Opened:
    return parts(request).access
