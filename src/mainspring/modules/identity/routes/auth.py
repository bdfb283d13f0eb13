"""``/api/v1/auth``: signing in and out, and the sessions that come of it."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from mainspring.kit.errors import FailedPrecondition
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.identity import service
from mainspring.modules.identity.routes.users import MINE, Db, Who
from mainspring.modules.identity.schemas import PasswordReset, Sessions, Setup, SignIn, WhoAmI
from mainspring.modules.services import Services
from mainspring.settings import Settings

PUBLIC = needs(Permission.PUBLIC)
Stores = NamedDependency[Services]
AnyRequest = Request[Any, Any, Any]
AUTH = "/api/v1/auth"
SESSIONS = f"{AUTH}/sessions"
COOKIE_S = 90 * 86_400


@post(f"{AUTH}/sign-in", opt=PUBLIC, status_code=204)
async def sign_in(services: Stores, request: AnyRequest, data: JSONBody[SignIn]) -> Response[None]:
    """Sign in with a name and a password: the answer's cookie carries the session."""
    days = _session_days(services.settings)
    cookie = request.cookies.get(session_cookie(request, "").key, "")
    value = await service.sign_in_with_password(services.db, data, _agent(request), cookie, days)
    return Response(None, status_code=204, cookies=[session_cookie(request, value)])


@post(f"{AUTH}/sign-out", opt=MINE, status_code=204)
async def sign_out(db: Db, actor: Who, request: AnyRequest) -> Response[None]:
    """End the session, or revoke the token, that this request came with."""
    await db.write(service.sign_out, actor)
    return Response(None, status_code=204, cookies=[session_cookie(request, "")])


@get(f"{AUTH}/me", opt=MINE)
async def who_am_i(db: Db, actor: Who) -> WhoAmI:
    """Get who is asking, and what that may do in the project of the URL."""
    return await db.read(service.who_am_i, actor)


@get(SESSIONS, opt=MINE)
async def list_sessions(db: Db, actor: Who) -> Sessions:
    """List one's own sessions, newest first."""
    return Sessions(await db.read(service.list_sessions, actor))


@delete(SESSIONS, opt=MINE)
async def sign_out_everywhere(db: Db, actor: Who) -> None:
    """End all of one's own sessions."""
    await db.write(service.sign_out_everywhere, actor)


@delete(f"{SESSIONS}/{{session:int}}", opt=MINE)
async def revoke_session(db: Db, actor: Who, session: FromPath[int]) -> None:
    """End one of one's own sessions."""
    await db.write(service.revoke_session, actor, session)


@post(f"{AUTH}/setup", opt=PUBLIC, status_code=204)
async def set_up(services: Stores, request: AnyRequest, data: JSONBody[Setup]) -> Response[None]:
    """Make the first administrator, by the link that the server has printed."""
    value = await service.set_up(services.db, data, _agent(request), _session_days(services.settings))
    return Response(None, status_code=204, cookies=[session_cookie(request, value)])


@post(f"{AUTH}/password", opt=PUBLIC, status_code=204)
async def reset_password(services: Stores, data: JSONBody[PasswordReset]) -> None:
    """Set a password with the token of a one-time link; the account's sessions end."""
    _session_days(services.settings)
    await service.reset_password(services.db, data)


def session_cookie(request: AnyRequest, value: str) -> Cookie:
    """Return the cookie that carries a session; an empty value takes it away."""
    secure = request.url.scheme == "https"
    return Cookie(
        key=service.SECURE_COOKIE if secure else service.COOKIE,
        value=value,
        max_age=COOKIE_S if value else 0,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def _session_days(settings: Settings) -> int:
    """Return how long a session may be idle. Raises FailedPrecondition where there are none."""
    if settings.resolved_auth == "off":
        raise FailedPrecondition("This server has no accounts: start it with auth=local to sign in.")
    return settings.session_days


def _agent(request: AnyRequest) -> str:
    return request.headers.get("user-agent", "")


HANDLERS = [
    sign_in,
    sign_out,
    who_am_i,
    list_sessions,
    sign_out_everywhere,
    revoke_session,
    set_up,
    reset_password,
]
