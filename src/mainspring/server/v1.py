"""``/api/v1``: the platform's own API, its errors as problem JSON, its OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import Any
from urllib.parse import unquote

from litestar import Litestar, Request, get
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.types import ControllerRouterHandler

from mainspring.kit.actors import NOBODY, Actor
from mainspring.kit.errors import Internal, InvalidArgument, Unauthenticated
from mainspring.kit.http import Request as RawRequest
from mainspring.kit.names import check_text
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.artifacts import routes as artifacts
from mainspring.modules.audit import routes as audit
from mainspring.modules.catalog import routes as catalog
from mainspring.modules.configuration import routes as configuration
from mainspring.modules.configuration.service import Changes
from mainspring.modules.files import routes as files
from mainspring.modules.identity import routes as identity
from mainspring.modules.lineage import routes as lineage
from mainspring.modules.projects import routes as projects
from mainspring.modules.quotas import routes as quotas
from mainspring.modules.registry import routes as registry
from mainspring.modules.services import Services
from mainspring.modules.tracking import routes as tracking
from mainspring.server import openapi, problems
from mainspring.server.access import ACTOR
from mainspring.server.gc import collect_garbage
from mainspring.server.pages import routes as pages


@get("/api/v1/openapi.json", opt=needs(Permission.PUBLIC), include_in_schema=False)
async def get_openapi() -> dict[str, Any]:
    """Get the OpenAPI document."""
    return describe()


Authenticate = Callable[[RawRequest], Awaitable[Actor]]
"""Says who asks. Raises Unauthenticated, or NotFound for a project that is not there."""

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""NUL as JSON spells it: an odd number of backslashes and its digits."""

ROUTES: Sequence[ControllerRouterHandler] = [
    *tracking.HANDLERS,
    *registry.HANDLERS,
    *artifacts.HANDLERS,
    *files.HANDLERS,
    *projects.HANDLERS,
    *quotas.HANDLERS,
    *audit.HANDLERS,
    *configuration.HANDLERS,
    *catalog.HANDLERS,
    *lineage.HANDLERS,
    *identity.HANDLERS,
    *pages.HANDLERS,
    collect_garbage,
    get_openapi,
]


@cache
def describe() -> dict[str, Any]:
    """Return the OpenAPI document of ``/api/v1``, ready for JSON."""
    return openapi.document(ROUTES)


class _App(Litestar):
    """The framework without its plugins for models of a kind that we have none of: they load what takes 8 MiB."""

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        return [*plugins, MsgspecDIPlugin()]


def create_v1(services: Services, authenticate: Authenticate) -> Litestar:
    """Return the ASGI application of ``/api/v1``. Raises Internal for a route without its permission."""

    async def actor(request: Request[Any, Any, Any]) -> Actor:
        try:
            return await authenticate(RawRequest(request.scope, request.receive))  # type: ignore[arg-type]
        except Unauthenticated:
            # A session that has ended keeps nobody from signing in again.
            if request.route_handler.opt.get("permission") is Permission.PUBLIC:
                return NOBODY
            raise

    def again(request: Request[Any, Any, Any]) -> Callable[[], Awaitable[Actor]]:
        scope = {name: each for name, each in request.scope.items() if name != ACTOR}
        return lambda: authenticate(RawRequest(dict(scope), request.receive))  # type: ignore[arg-type]

    changes = Changes(lambda: services.db)
    app = _App(
        ROUTES,
        dependencies={
            "services": Provide(lambda: services, sync_to_thread=False),
            "db": Provide(lambda: services.db, sync_to_thread=False),
            "blobs": Provide(lambda: services.blobs, sync_to_thread=False),
            "actor": Provide(actor),
            "again": Provide(again, sync_to_thread=False),
            "changes": Provide(lambda: changes, sync_to_thread=False),
        },
        guards=[_permitted(authenticate)],
        before_request=_check_text,
        exception_handlers=problems.HANDLERS,
        openapi_config=None,
        logging_config=None,
    )
    _check_permissions(app)
    return app


def _permitted(
    authenticate: Authenticate,
) -> Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]:
    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        path = unquote(connection.scope["raw_path"].decode("latin-1"))
        if "//" in path:  # the framework would take it for one
            raise InvalidArgument(f"The path {path} has an empty part: two slashes in a row.", field="path")
        needed = handler.opt.get("permission", Permission.PUBLIC)
        if needed is not Permission.PUBLIC:
            asking = await authenticate(RawRequest(connection.scope, connection.receive))  # type: ignore[arg-type]
            asking.require_some(needed)

    return guard


async def _check_text(request: Request[Any, Any, Any]) -> None:
    """Refuse what is no text that a database keeps, in the path, the query, and in a body that is read as JSON.

    Such a body must be called JSON: a page of another site may send other types without asking.
    """
    raw = RawRequest(request.scope, request.receive)  # type: ignore[arg-type]
    check_text(raw.path, "path")
    check_text(unquote(raw.scope["query_string"].decode("latin-1")), "query")
    if request.route_handler.parsed_data_field is None:
        return
    if (raw.header(b"content-type") or "").partition(";")[0].strip().lower() != "application/json":
        raise InvalidArgument("The Content-Type of the body must be application/json.", field="Content-Type")
    body = await request.body()
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise InvalidArgument(f"The body is not UTF-8: {error.reason} at byte {error.start}.") from error
    if _NUL.search(body):
        raise InvalidArgument("The body contains the character NUL, which is not text.")


def _check_permissions(app: Litestar) -> None:
    """Refuse to start with a route that does not say who may call it."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            own = isinstance(handler, HTTPRouteHandler) and handler.fn.__module__.startswith("mainspring.")
            if own and "permission" not in handler.opt:
                raise Internal(f"The route {route.path} ({handler.handler_name}) declares no permission.")
