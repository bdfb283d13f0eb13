"""What GitLab's answers mean: which error a status is, where a redirect and a page lead, how long to wait."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec

from mainspring.engines.sources.gitlab_urls import split
from mainspring.kit.errors import MainspringError, NotFound, PermissionDenied, Unauthenticated, Unavailable

T = TypeVar("T")

TOO_MANY = 429
REDIRECTS = frozenset({301, 302, 303, 307, 308})
AWAY = frozenset({502, 503, 504})
SHORTEST_PAUSE_S = 1.0
UNKNOWN_PAUSE_S = 5.0
_CURSORS = frozenset({"cursor", "id_after", "id_before", "page", "page_token"})
_NEXT = re.compile(r'<([^<>]{1,8000})>\s*;[^,<]*\brel="?next"?')
_PROJECT = re.compile(r"/api/v4/projects/([^/?#]+)")
_READ_FOR_SIGNS = 4000


class Passing(Exception):
    """A failure that may pass; ``away`` where it says that nothing else would be answered either."""

    def __init__(self, reason: str, *, away: bool = True, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.away, self.retry_after = away, retry_after


class Asker(Enum):
    """Whose token a question carries."""

    USER = "user"
    OWN = "own"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer with a status of 400 or more, and whom it was for; ``url`` is GitLab's."""

    url: str
    what: str
    asker: Asker
    status: int
    body: bytes

    def error(self) -> MainspringError:
        """Return what it means, in our words."""
        if self.status in (400, 404, 410, 422):
            return NotFound(f"GitLab shows no {self.what}.")
        signs = self.body[:_READ_FOR_SIGNS].lower()
        if self.status == 401 or (self.status == 403 and b"your account" in signs):
            return self._unknown()
        if self.status == 403 and b"insufficient_scope" in signs:
            return self._too_small()
        if self.status == 403:
            return PermissionDenied(f"GitLab does not let this account have {self.what}.")
        return Unavailable(f"GitLab at {self.url} answers with status {self.status}.", retry_after=UNKNOWN_PAUSE_S)

    def _unknown(self) -> MainspringError:
        if self.asker is Asker.USER:
            return Unauthenticated("GitLab does not take this token (any more): it is wrong, expired or revoked.")
        if self.asker is Asker.OWN:
            return Unavailable(
                f"GitLab at {self.url} does not take the token of the setting gitlab_token: it is wrong, expired or "
                "revoked."
            )
        return Unavailable(f"GitLab at {self.url} tells nothing without a token: set gitlab_token.")

    def _too_small(self) -> MainspringError:
        needed = "it needs the scope read_api, or api"
        if self.asker is Asker.USER:
            return PermissionDenied(f"This token may do too little at GitLab for {self.what}: {needed}.")
        return Unavailable(f"The token of the setting gitlab_token may do too little at {self.url}: {needed}.")


def next_page(headers: Mapping[str, str]) -> dict[str, str] | None:
    """Return what to ask the next page with, None after the last. Of its address only the cursor is taken."""
    found = _NEXT.search(headers.get("link", ""))
    if not found:
        return None
    query = dict(parse_qsl(split(found[1]).query))
    return {key: value for key, value in query.items() if key in _CURSORS} or None


def moved_project(url: str, location: str) -> str | None:
    """Return the address at which GitLab has a project now that was asked for by its old one.

    Only the project's id is taken of where GitLab leads: host and question stay as they were.
    """
    found = _PROJECT.search(location)
    if not found or not found[1].isascii() or not found[1].isdigit():
        return None
    asked = _PROJECT.search(url)
    if not asked or asked[1] == found[1]:
        return None
    return url[: asked.start(1)] + found[1] + url[asked.end(1) :]


def pause_s(headers: Mapping[str, str]) -> float:
    """Return the seconds that ``Retry-After`` tells to wait."""
    told = headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit() and len(told) < 7:
        return max(float(told), SHORTEST_PAUSE_S)
    try:
        return max(parsedate_to_datetime(told).timestamp() - time.time(), SHORTEST_PAUSE_S)
    except (ValueError, TypeError, OverflowError):
        return UNKNOWN_PAUSE_S


def told_at(headers: Mapping[str, str]) -> int:
    """Return when an answer was sent, in milliseconds since the epoch, 0 where it does not say."""
    try:
        return int(parsedate_to_datetime(headers.get("date", "")).timestamp() * 1000)
    except (ValueError, TypeError, OverflowError):
        return 0


def told_to_wait_s(status: int, headers: Mapping[str, str]) -> float:
    """Return the seconds until GitLab lets the account ask again, 0 where it may at once."""
    if status == TOO_MANY:
        return pause_s(headers)
    left, reset = headers.get("ratelimit-remaining", ""), headers.get("ratelimit-reset", "")
    if left != "0" or not reset.isascii() or not reset.isdigit() or len(reset) > 12:
        return 0.0
    # A clock that goes wrong must not keep us waiting: the limit is by the minute.
    return min(max(0.0, int(reset) - time.time()), 60.0)


def decoded(body: bytes, kind: type[T]) -> T:
    """Return an answer as it should be. Raises Passing for another: what stands before GitLab may have sent it."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Passing("an answer that is not as GitLab has it", away=False) from error
