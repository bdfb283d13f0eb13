"""Who is asking, and what vouches for that: sessions, API keys, run tokens, one-time links."""

from __future__ import annotations

from collections.abc import Sequence

from mainspring.client.transport import Transport
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.permissions import Permission
from mainspring.modules.identity.schemas import (
    ApiKey,
    ApiKeyCreate,
    ApiKeys,
    NewApiKey,
    PasswordReset,
    RunToken,
    RunTokenCreate,
    RunTokenRefresh,
    Session,
    Sessions,
    Setup,
    WhoAmI,
)


class AuthClient:
    """What one proves oneself with."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def who_am_i(self) -> WhoAmI:
        """Return who is asking, and what that may do in the client's project."""
        return self._transport.call(WhoAmI, "GET", "/auth/me")

    def sign_out(self) -> None:
        """Revoke the token that this client asks with."""
        self._transport.do("POST", "/auth/sign-out")

    def sessions(self) -> list[Session]:
        """Return one's own sessions, newest first."""
        return self._transport.call(Sessions, "GET", "/auth/sessions").items

    def revoke_session(self, session: int) -> None:
        """End one of one's own sessions, by its id."""
        self._transport.do("DELETE", f"/auth/sessions/{session}")

    def sign_out_everywhere(self) -> None:
        """End all of one's own sessions."""
        self._transport.do("DELETE", "/auth/sessions")

    def keys(self, user: str | None = None) -> list[ApiKey]:
        """Return one's own API keys, or those of an account that one manages, newest first."""
        return self._transport.call(ApiKeys, "GET", "/auth/keys", query={"user": user}).items

    def create_key(
        self,
        name: str,
        *,
        permissions: Sequence[str] | None = None,
        projects: Sequence[str] | None = None,
        expires_days: int = 90,
        user: str | None = None,
    ) -> NewApiKey:
        """Create an API key, whose ``token`` is told this once.

        ``permissions``, such as ``tracking:write``, and ``projects``, as ``namespace/name``, limit it. ``user`` is the
        service account that it is for, left out one's own account.
        """
        limits = None if permissions is None else [_permission(each) for each in permissions]
        paths = None if projects is None else list(projects)
        new = ApiKeyCreate(name, limits, paths, expires_days, user)
        return self._transport.call(NewApiKey, "POST", "/auth/keys", body=new)

    def revoke_key(self, key: int) -> None:
        """Revoke an API key at once, by its id."""
        self._transport.do("DELETE", f"/auth/keys/{key}")

    def create_run_token(self, run_id: str, *, expires_s: int = 3600) -> RunToken:
        """Return a token that reads the client's project and writes one run of it, for at most a day."""
        return self._transport.call(RunToken, "POST", "/auth/run-tokens", body=RunTokenCreate(run_id, expires_s))

    def refresh_run_token(self, *, expires_s: int = 3600) -> RunToken:
        """Return a new token for the run of the one that this client asks with."""
        return self._transport.call(RunToken, "POST", "/auth/run-tokens/refresh", body=RunTokenRefresh(expires_s))

    def set_up(self, token: str, name: str, password: str, *, display_name: str = "", email: str = "") -> None:
        """Make the first administrator with the token of the link that the server has printed."""
        self._transport.do("POST", "/auth/setup", body=Setup(token, name, password, display_name, email))

    def reset_password(self, token: str, password: str) -> None:
        """Set a password with the token of a one-time link."""
        self._transport.do("POST", "/auth/password", body=PasswordReset(token, password))


def _permission(name: str) -> Permission:
    try:
        return Permission(name)
    except ValueError as error:
        known = ", ".join(each for each in Permission if ":" in each)
        raise InvalidArgument(f"There is no permission '{name}': give some of {known}.", field="permissions") from error
