"""Whose a token of GitLab is, and what it may do there: personal, OAuth, and project access tokens."""

from __future__ import annotations

from msgspec import Struct

from mainspring.engines.sources.gitlab_http import Call, GitlabHttp
from mainspring.engines.sources.port import Account
from mainspring.kit.errors import NotFound, PermissionDenied, Unauthenticated

READS = frozenset({"api", "read_api"})
WRITES = "api"


class _User(Struct):
    id: int
    username: str
    name: str | None = None
    state: str = ""
    email: str | None = None
    confirmed_at: str | None = None
    external: bool | None = None
    is_admin: bool | None = None


class _Scopes(Struct):
    scopes: list[str] | None = None
    scope: list[str] | str | None = None

    def names(self) -> frozenset[str]:
        told = self.scopes if self.scopes is not None else self.scope or []
        return frozenset(told.split() if isinstance(told, str) else told)


async def account_of(http: GitlabHttp, token: str) -> Account:
    """Return the account of a token. Raises Unauthenticated where it is no good, or reads no projects."""
    user = await _user(http, token)
    scopes = await _scopes(http, token)
    if scopes is not None and not scopes & READS:
        raise Unauthenticated(
            f"This token of GitLab has the scopes {', '.join(sorted(scopes)) or 'none'}; it needs read_api, or api."
        )
    return Account(
        id=str(user.id),
        name=user.username,
        display_name=user.name or user.username,
        # An address that nobody has confirmed may be anybody's.
        email=(user.email or "") if user.confirmed_at else "",
        inside=user.external is False,
        writes=scopes is not None and WRITES in scopes,
        is_admin=user.is_admin is True,
    )


async def _user(http: GitlabHttp, token: str) -> _User:
    try:
        user = await http.get(_User, Call("account of this token", f"{http.api}/user", token=token))
    except PermissionDenied as error:
        raise Unauthenticated(f"GitLab does not say whose token this is. {error.message}") from error
    if user.state != "active":
        raise Unauthenticated(f"GitLab does not let '{user.username}' in: the account is {user.state or 'not active'}.")
    return user


async def _scopes(http: GitlabHttp, token: str) -> frozenset[str] | None:
    """Return the scopes of a token, which two endpoints tell of the two kinds; None where neither does."""
    for url in (f"{http.api}/personal_access_tokens/self", f"{http.url}/oauth/token/info"):
        try:
            return (await http.get(_Scopes, Call("scopes of this token", url, token=token))).names()
        except (NotFound, PermissionDenied, Unauthenticated):
            continue
    return None
