"""Signing in by GitLab: its OpenID Connect, and what its own API adds: whether an account is blocked, and its name."""

from __future__ import annotations

import msgspec

from mainspring.kit.errors import Unauthenticated
from mainspring.modules.identity.service import outbound
from mainspring.modules.identity.service.claims import TokenClaims
from mainspring.modules.identity.service.oidc import Client, Provider, Tokens

SCOPE = "openid profile email read_user read_api"
"""``read_api`` is for what the account may do in which projects, and for their files. To star a project there needs
``api``, the right to change everything: no session asks for that, a token of one's own may have it."""


class _GitlabUser(msgspec.Struct):
    """What ``/api/v4/user`` says of whose token asks."""

    id: int
    username: str
    name: str
    state: str


class GitlabProvider(Provider):
    """A GitLab, at its address; its issuer is that address."""

    def __init__(self, url: str, client_id: str, client_secret: str) -> None:
        super().__init__(Client(url.rstrip("/"), client_id, client_secret, SCOPE))

    async def describe(self, tokens: Tokens, claims: TokenClaims) -> TokenClaims:
        """Return the claims with what GitLab's API says. Raises Unauthenticated for a blocked account."""
        user = await outbound.get(_GitlabUser, f"{self.client.issuer}/api/v4/user", token=tokens.access_token)
        if user.state != "active" or str(user.id) != claims["sub"]:
            raise Unauthenticated(f"GitLab does not let '{user.username}' in: the account is {user.state}.")
        own = {"preferred_username": user.username, "name": user.name}
        return {**claims, **await self.userinfo(tokens, claims["sub"]), **own}
