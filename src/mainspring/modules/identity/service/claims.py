"""Reading the claims of an identity provider: JSON that others shaped."""

from __future__ import annotations

from typing import Any

TokenClaims = dict[str, Any]


def claim_at(claims: TokenClaims, path: str) -> Any:
    """Return what stands in the claims under names with dots between them, or None."""
    if path in claims:  # some providers have claims whose names are URLs
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def text_at(claims: TokenClaims, *names: str) -> str:
    """Return the first of some claims that is a text, or an empty one."""
    return next((value for name in names if isinstance(value := claims.get(name), str) and value), "")


def groups_of(claims: TokenClaims, path: str) -> list[str]:
    """Return the groups that claims name: those at ``path``, and Keycloak's roles of the realm."""
    found: dict[str, None] = {}
    for each in (claim_at(claims, path), claim_at(claims, "realm_access.roles")):
        if isinstance(each, list):
            found.update(dict.fromkeys(name for name in each if isinstance(name, str) and name.isprintable()))
    return list(found)


def is_id(value: object) -> bool:
    """Return whether a value can be the id of a subject or session: at most 255 printable characters."""
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isprintable()
