"""Routes of dialects that are answered by raw ASGI handlers: STAC, SharingHub's and the Hugging Face Hub's.

Each route declares its permission; what no route answers, and what fails, becomes the dialect's own JSON.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

import structlog

from mainspring.kit.actors import NOBODY, Actor
from mainspring.kit.errors import Internal, MainspringError, NotFound, Unauthenticated
from mainspring.kit.http import AnswerInterrupted, ClientDisconnected, Request, Send, respond
from mainspring.kit.names import check_text
from mainspring.kit.permissions import Permission
from mainspring.modules.services import Services

log = structlog.get_logger(__name__)

Handler = Callable[[Services, Actor, Request, Send, dict[str, str]], Awaitable[None]]
"""Answers a request; the last argument are the fields of its path."""


class Route(NamedTuple):
    """One method and path, such as ``/api/stac/collections/{collection}``; ``{name:path}`` takes slashes too."""

    method: str
    path: str
    permission: Permission
    handler: Handler


class Routes(list[Route]):
    """The routes of a dialect, declared by its handlers."""

    def add(self, method: str, *paths: str, permission: Permission) -> Callable[[Handler], Handler]:
        """Declare a handler for a method at some paths; GET serves HEAD too."""

        def declare(handler: Handler) -> Handler:
            self.extend(Route(method, path, permission, handler) for path in paths)
            return handler

        return declare


class Router:
    """The ASGI application of a dialect."""

    def __init__(
        self,
        services: Services,
        authenticate: Callable[[Request], Awaitable[Actor]],
        routes: Iterable[Route],
        refuse: Callable[[Request, Send, MainspringError], Awaitable[None]],
    ) -> None:
        """``refuse`` answers with an error as the dialect's clients understand it."""
        self._services, self._authenticate, self._refuse = services, authenticate, refuse
        self._exact: dict[str, dict[str, Route]] = {}
        self._patterns: dict[str, tuple[re.Pattern[str], dict[str, Route]]] = {}
        for route in routes:
            if "{" in route.path:
                self._patterns.setdefault(route.path, (path_pattern(route.path), {}))[1][route.method] = route
            else:
                self._exact.setdefault(route.path, {})[route.method] = route

    def handles(self, path: str) -> bool:
        """Say whether a path belongs to this dialect."""
        return self._match(path) is not None

    async def __call__(self, request: Request, send: Send) -> None:
        """Answer a request."""
        try:
            await self._serve(request, send)
        except MainspringError as error:
            await self._refuse(request, send, error)
        except (ClientDisconnected, AnswerInterrupted):
            raise
        except Exception:
            log.exception("unexpected_error", method=request.method, path=request.path)
            await self._refuse(request, send, Internal("The server met an unexpected error; its log tells more."))

    async def _serve(self, request: Request, send: Send) -> None:
        found = self._match(check_text(request.path, "path"))
        if found is None:
            raise NotFound(f"There is nothing at {request.path}.")
        methods, fields = found
        called = methods.get("GET" if request.method == "HEAD" and "HEAD" not in methods else request.method)
        if called is None:
            allowed = ", ".join(sorted(methods)).encode()
            return await respond(send, 405, b"{}", headers=[(b"allow", allowed)])
        actor = await self._find_actor(request, called.permission)
        actor.require_some(called.permission)
        await called.handler(self._services, actor, request, send, fields)

    async def _find_actor(self, request: Request, permission: Permission) -> Actor:
        try:
            return await self._authenticate(request)
        except Unauthenticated:
            if permission is Permission.PUBLIC:
                return NOBODY
            raise

    def _match(self, path: str) -> tuple[dict[str, Route], dict[str, str]] | None:
        if methods := self._exact.get(path):
            return methods, {}
        for pattern, methods in self._patterns.values():
            if match := pattern.fullmatch(path):
                return methods, match.groupdict()
        return None


def path_pattern(path: str) -> re.Pattern[str]:
    """Return the regex of a path template; literal parts are taken as they are."""
    parts = re.split(r"(\{\w+(?::path)?\})", path)
    fields = {
        part: f"(?P<{part[1:-1].partition(':')[0]}>{'.+' if part.endswith(':path}') else '[^/]+'})"
        for part in parts
        if part.startswith("{")
    }
    return re.compile("".join(fields.get(part) or re.escape(part) for part in parts), re.DOTALL)
