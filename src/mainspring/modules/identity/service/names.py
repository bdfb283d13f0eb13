"""Names of accounts and groups, and what else an account says of itself."""

from __future__ import annotations

import re
import unicodedata

from mainspring.kit.errors import InvalidArgument
from mainspring.kit.names import check_length, check_text, invalid_value

RESERVED = frozenset(
    "- _ all anonymous api app artifacts assets auth callback current default device "
    "docs error everyone explore groups health help livez local login logout mainspring me metrics mlflow new nobody "
    "none null oauth oidc p password projects public readyz search service session settings setup "
    "signin signout sign-in sign-out signup static system ui undefined user users version well-known "
    "workspace workspaces".split()
)
"""Names that URLs, messages or people would take for something else."""

MAX_NAME = 100
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_EMAIL = re.compile(r"[^\s@<>\"]{1,64}@[^\s@<>\"]{1,255}")
_RIGHT = "a name has 1 to 100 of a-z, 0-9, '.', '_' and '-', and begins with a letter or digit"


def fold(name: str) -> str:
    """Return how a name is kept and compared: what looks or is written alike is one name."""
    return unicodedata.normalize("NFKC", name[: 4 * MAX_NAME]).strip().casefold()


def check_name(name: str, field: str = "name") -> str:
    """Return the name that a new account or group gets. Raises InvalidArgument."""
    folded = fold(name)
    if len(name) > MAX_NAME or not _NAME.fullmatch(folded):
        raise invalid_value(field, name[:MAX_NAME], f"{_RIGHT}.")
    if folded in RESERVED:
        raise invalid_value(field, folded, "this name is reserved, choose another.")
    return folded


def is_possible(name: str) -> bool:
    """Return whether an account could be called so."""
    return bool(_NAME.fullmatch(name))


def check_display_name(text: str) -> str:
    """Return a name for people: one line of at most 200 characters. Raises InvalidArgument."""
    check_length("display_name", check_text(text, "display_name"), 200)
    if not text.isprintable():
        raise invalid_value("display_name", text, "it must be one line of printable characters.")
    return text.strip()


def check_email(text: str) -> str:
    """Return an e-mail address, or an empty text. Raises InvalidArgument."""
    check_length("email", check_text(text, "email"), 320)
    if text and not (_EMAIL.fullmatch(text) and text.isprintable()):
        raise invalid_value("email", text, "it must be an e-mail address, or empty.")
    return text


def check_description(text: str) -> str:
    """Return a description of at most 10,000 characters. Raises InvalidArgument."""
    return check_length("description", check_text(text, "description"), 10_000)


def name_from(wanted: str) -> str:
    """Return the name closest to one that an identity provider told, not yet unique; ``account`` where none is near."""
    plain = unicodedata.normalize("NFKD", fold(wanted).partition("@")[0])
    kept = re.sub(r"[^a-z0-9._-]+", "-", "".join(each for each in plain if not unicodedata.combining(each)))
    name = kept.strip("-._")[:MAX_NAME]
    return name or "account"


def check_page_size(number: int) -> int:
    """Return how many a page may hold. Raises InvalidArgument."""
    if not 1 <= number <= 1000:
        raise InvalidArgument(f"max_results is {number}; it must be 1 to 1000.", field="max_results")
    return number
