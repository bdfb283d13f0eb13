"""What the Hub's clients read from answers: errors by their codes, times, and where the next page is."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlencode

import msgspec

from mainspring.api.routing import Router, Routes
from mainspring.kit.errors import MainspringError, NotFound, Unauthenticated
from mainspring.kit.http import JSON, Request, Send, respond
from mainspring.modules.projects.service.names import RESERVED

ROUTES = Routes()

OTHERS = RESERVED | {"sign-in", "sign-out"}
"""What paths of the server begin with that are no projects'."""

_OWN = re.compile(r"/api/(?:whoami-v2$|(?:models|datasets)(?:/|$))")
_RESOLVE = re.compile(r"/([^/]+)(?:/[^/]+){0,2}/resolve/")


class RevisionNotFound(NotFound):
    """A project is there, and the branch, tag or commit is not."""


class EntryNotFound(NotFound):
    """A revision is there, and the file is not; ``commit`` is what the revision names."""

    commit = ""


class HubRouter(Router):
    """The router of this dialect. Its files' paths begin with a project: other paths of the server are not taken."""

    def handles(self, path: str) -> bool:
        """Say whether a path belongs to this dialect."""
        resolve = _RESOLVE.match(path)
        mine = resolve[1].lower() not in OTHERS if resolve else _OWN.match(path)
        return bool(mine) and super().handles(path)


async def respond_json(send: Send, body: Any, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    """Answer with JSON."""
    await respond(send, 200, msgspec.json.encode(body), JSON, headers or [])


async def refuse(request: Request, send: Send, error: MainspringError) -> None:
    """Answer with an error as ``huggingface_hub`` takes it; a project that is not found is a repository there."""
    status, code, message = error.code.status, "", error.message
    more: list[tuple[bytes, bytes]] = []
    if isinstance(error, RevisionNotFound):
        code = "RevisionNotFound"
    elif isinstance(error, EntryNotFound):
        code = "EntryNotFound"
        if error.commit:  # clients remember what is not there at a commit
            more.append((b"x-repo-commit", error.commit.encode("ascii", "replace")))
    elif isinstance(error, NotFound):
        code = "RepoNotFound"
    elif isinstance(error, Unauthenticated):
        # By these words the client knows a wrong token from a repository that strangers do not see.
        sent = request.header(b"authorization") is not None
        code, message = ("", "Invalid credentials in Authorization header") if sent else ("RepoNotFound", message)
    headers = [(b"x-error-message", _line(message)), *more] + ([(b"x-error-code", code.encode())] if code else [])
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(1, round(error.retry_after))))
    await respond(send, status, msgspec.json.encode({"error": message}), JSON, headers)


def time_out(ms: int) -> str:
    """Return a time as the Hub writes it."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def next_link(request: Request, token: str) -> tuple[bytes, bytes]:
    """Return the header that leads to the page of a token, of what was asked."""
    query = [(name, value) for name, value in request.query if name != "cursor"]
    url = f"{request.origin}{request.path}?{urlencode([*query, ('cursor', token)])}"
    return b"link", f'<{url}>; rel="next"'.encode("ascii")


def parts_behind(request: Request, word: str) -> list[str]:
    """Return the parts of the path behind the one that is called so: clients write a slash in a branch as %2F.

    Raises NotFound for a path that is written so that it has none.
    """
    raw: bytes = request.scope["raw_path"]
    parts = [unquote(part) for part in raw.decode("latin-1").split("/")]
    # Before it there are a kind and a project, of which a part may be called the same.
    start = {"api": 3, "datasets": 2}.get(parts[1], 1)
    found = next((at for at in range(start + 1, len(parts)) if parts[at] == word), len(parts))
    if found + 1 >= len(parts):
        raise NotFound(f"There is nothing at {request.path}.")
    return parts[found + 1 :]


def _line(text: str) -> bytes:
    return "".join(each if each.isprintable() else " " for each in text[:500]).encode("ascii", "replace")
