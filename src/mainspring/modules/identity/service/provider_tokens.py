"""Access tokens that providers give at a sign-in, for the module above that asks there by them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from mainspring.modules.services import Services

Keep = Callable[[Services, int, str, str], Awaitable[None]]

_keepers: list[Keep] = []


def register_tokens(keep: Keep) -> None:
    """Have ``keep(services, user, issuer, token)`` called with each new access token of an account from now on."""
    _keepers[:] = [keep]


async def keep_token(services: Services, user: int, issuer: str, token: str) -> None:
    """Hand on the access token that an account, by its key, has got from a provider."""
    for keep in _keepers:
        await keep(services, user, issuer, token)
