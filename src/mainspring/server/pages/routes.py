"""The routes of the pages, and of signing in by an identity provider, which a browser walks through.

What goes wrong there is told on the page for signing in, with the status that a program would get.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import parse_qs, quote

import structlog
from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from mainspring.kit.actors import Actor
from mainspring.kit.errors import MainspringError, NotFound, Unauthenticated, Unavailable
from mainspring.kit.http import Request as RawRequest
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.identity import service
from mainspring.modules.identity.routes.auth import session_cookie
from mainspring.modules.identity.service.handshakes import LIFE_S, begin_handshake, find_handshake, own_page
from mainspring.modules.identity.service.provider_sessions import end_by_provider, finish_sign_in, logout_url
from mainspring.modules.identity.service.providers import LABELS, find_provider, providers_of
from mainspring.modules.services import Services
from mainspring.server.pages.rendering import asset, fill, page
from mainspring.settings import Settings

PUBLIC = needs(Permission.PUBLIC)
Stores = NamedDependency[Services]
Who = NamedDependency[Actor]
AnyRequest = Request[Any, Any, Any]
Next = Annotated[str | None, QueryParameter(description="The page to go to afterwards.")]
HANDSHAKE, SECURE_HANDSHAKE = "mainspring_handshake", "__Host-mainspring_handshake"
PROVIDER = "/sign-in/{provider:str}"
MAX_FORM = 256 * 1024
MAX_CODE = 4096
AWAY = "The identity provider cannot sign anyone in at the moment: try again later."

log = structlog.get_logger(__name__)


@get("/login", opt=PUBLIC, include_in_schema=False)
async def login_page(services: Stores, next: Next = None) -> Response[str]:
    """Show how to sign in."""
    return _login(services.settings, own_page(next))


@get("/setup", opt=PUBLIC, include_in_schema=False)
async def setup_page() -> Response[str]:
    """Show the form for the first administrator."""
    return page("Set up", "setup.html", script="setup.js")


@get("/reset", opt=PUBLIC, include_in_schema=False)
async def reset_page() -> Response[str]:
    """Show the form for a new password."""
    return page("New password", "reset.html", script="reset.js")


@get("/device", opt=PUBLIC, include_in_schema=False)
async def device_page() -> Response[str]:
    """Show the form by which a command line is let in."""
    return page("Sign in a command line", "device.html", script="device.js")


@get("/signed-out", opt=PUBLIC, include_in_schema=False)
async def signed_out_page() -> Response[str]:
    """Show that one has signed out."""
    return page("Signed out", "signed_out.html")


@get("/assets/{name:str}", opt=PUBLIC, include_in_schema=False)
async def get_asset(name: FromPath[str]) -> Response[bytes]:
    """Send a style sheet or script of the pages."""
    found = asset(name)
    if found is None:
        raise NotFound(f"There is no file '{name[:100]}' here.")
    return found


@get(PROVIDER, opt=PUBLIC, include_in_schema=False)
async def begin_sign_in(
    services: Stores, request: AnyRequest, provider: FromPath[str], next: Next = None
) -> Response[Any]:
    """Send the browser to an identity provider, with a secret of its own to come back with."""
    found, handshake = find_provider(services.settings, provider), begin_handshake(provider, next)
    try:
        back = _callback(request, provider)
        url = await found.authorization_url(back, handshake.state, handshake.nonce, handshake.verifier)
    except MainspringError as error:
        return _refused(services.settings, handshake.page, error)
    return _redirect(url, _handshake_cookie(request, handshake.cookie))


@get(f"{PROVIDER}/callback", opt=PUBLIC, include_in_schema=False)
async def end_sign_in(services: Stores, actor: Who, request: AnyRequest, provider: FromPath[str]) -> Response[Any]:
    """Take a browser that comes back from an identity provider, and begin its session."""
    try:
        value, target = await _take_back(services, actor, request, provider)
    except MainspringError as error:
        return _refused(services.settings, "/", error, _handshake_cookie(request, ""))
    return _redirect(target, session_cookie(request, value), _handshake_cookie(request, ""))


@post(
    f"{PROVIDER}/backchannel-logout",
    opt=PUBLIC,
    include_in_schema=False,
    status_code=200,
    request_max_body_size=MAX_FORM,
)
async def end_by_backchannel(services: Stores, request: AnyRequest, provider: FromPath[str]) -> Response[Any]:
    """End the sessions that an identity provider has ended (OpenID Connect Back-Channel Logout 1.0)."""
    form = parse_qs((await request.body()).decode("latin-1"), max_num_fields=20)
    try:
        await end_by_provider(services, provider, form.get("logout_token", [""])[0])
    except Unavailable:
        raise
    except MainspringError as error:
        told = {"error": "invalid_request", "error_description": error.message}
        return Response(told, status_code=400, headers={"Cache-Control": "no-store"})
    return Response(None, status_code=200, headers={"Cache-Control": "no-store"})


@post("/sign-out", opt=needs(Permission.SIGNED_IN), include_in_schema=False, status_code=303)
async def sign_out_of_all(services: Stores, actor: Who, request: AnyRequest) -> Response[Any]:
    """End the session here, and send the browser to end it at the identity provider too."""
    target = await logout_url(services, actor, f"{_origin(request)}/signed-out")
    await services.db.write(service.sign_out, actor)
    return _redirect(target or "/signed-out", session_cookie(request, ""))


async def _take_back(services: Services, actor: Actor, request: AnyRequest, provider: str) -> tuple[str, str]:
    """Return the value of the session's cookie, and the page to go to. Raises Unauthenticated or Unavailable."""
    given = request.query_params
    cookie = request.cookies.get(SECURE_HANDSHAKE if _is_secure(request) else HANDSHAKE)
    handshake = find_handshake(cookie, provider, given.get("state"))
    issuer = find_provider(services.settings, provider).client.issuer
    if given.get("iss", issuer) != issuer:  # RFC 9207: the answer is another provider's
        raise Unauthenticated("The answer comes from another identity provider than the one that was asked.")
    if "error" in given:
        raise Unauthenticated(_said(given["error"]))
    code = given.get("code", "")
    if not 0 < len(code) <= MAX_CODE:
        raise Unauthenticated("The identity provider sent no code.")
    agent, back = request.headers.get("user-agent", ""), _callback(request, provider)
    return await finish_sign_in(services, actor, handshake, code, back, agent), handshake.page


def _login(
    settings: Settings,
    target: str,
    problem: str = "",
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    cookies: Sequence[Cookie] = (),
) -> Response[Any]:
    """Return the page for signing in, by what the settings offer."""
    if settings.resolved_auth == "off":
        return page("Sign in", "open.html")
    links = "".join(_link(name, target) for name in providers_of(settings))
    local = {"next": html.escape(target), "focus": "" if links else "autofocus"}
    parts = {
        "problem": html.escape(problem),
        "providers": f'<ul class="providers">{links}</ul><p class="or">or</p>' if links else "",
        "local": fill("login_local.html", local),
    }
    return page("Sign in", "login.html", parts, script="login.js", status=status, headers=headers, cookies=cookies)


def _link(provider: str, target: str) -> str:
    address = f"/sign-in/{provider}?next={quote(target, safe='')}"
    return f'<li><a class="button" href="{address}">Continue with {LABELS[provider]}</a></li>'


def _refused(settings: Settings, target: str, error: MainspringError, *cookies: Cookie) -> Response[Any]:
    """Return the page for signing in, with what went wrong; how the provider failed is for the log alone."""
    log.warning("sign_in_refused", code=error.code.name, reason=error.message)
    told = error.message if isinstance(error, Unauthenticated) else AWAY
    headers = {} if error.retry_after is None else {"Retry-After": str(max(1, round(error.retry_after)))}
    return _login(settings, target, told, status=error.code.status, headers=headers, cookies=cookies)


def _said(code: str) -> str:
    """Return what an error of the provider means: its own words could be anybody's, so they are not shown."""
    if code == "access_denied":
        return "You, or the identity provider, have refused this sign-in."
    return "The identity provider could not sign you in."


def _redirect(target: str, *cookies: Cookie) -> Response[Any]:
    headers = {"Location": target, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(None, status_code=303, headers=headers, cookies=list(cookies))


def _handshake_cookie(request: AnyRequest, value: str) -> Cookie:
    """Return the cookie of a sign-in under way: it comes back with the browser's next visit from the provider."""
    secure = _is_secure(request)
    name = SECURE_HANDSHAKE if secure else HANDSHAKE
    age = LIFE_S if value else 0
    return Cookie(name, value=value, max_age=age, path="/", secure=secure, httponly=True, samesite="lax")


def _callback(request: AnyRequest, provider: str) -> str:
    return f"{_origin(request)}/sign-in/{provider}/callback"


def _origin(request: AnyRequest) -> str:
    return RawRequest(request.scope, request.receive).origin  # type: ignore[arg-type]


def _is_secure(request: AnyRequest) -> bool:
    return bool(request.scope["scheme"] == "https")


HANDLERS = [
    login_page,
    setup_page,
    reset_page,
    device_page,
    signed_out_page,
    get_asset,
    begin_sign_in,
    end_sign_in,
    end_by_backchannel,
    sign_out_of_all,
]
