"""``/api/v1``: the platform's own API, its errors as problem JSON, its OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import structlog
from litestar import Litestar, Request, Response
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.types import ControllerRouterHandler

from mainspring import __version__
from mainspring.db.engine import Database
from mainspring.engines.blobs import BlobStore
from mainspring.kit.actors import Actor
from mainspring.kit.context import request_id
from mainspring.kit.errors import ERRORS, Internal, MainspringError
from mainspring.kit.http import Request as RawRequest
from mainspring.modules.tracking import routes as tracking

log = structlog.get_logger(__name__)
ROUTES: Sequence[ControllerRouterHandler] = [*tracking.HANDLERS]
PROBLEM_JSON = "application/problem+json"


class Problem(msgspec.Struct, omit_defaults=True):
    """An error as RFC 9457 has it. ``code`` is one of the closed codes, ``field`` the input at fault."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    field: str | None = None


def create_v1(db: Database, blobs: BlobStore, authenticate: Callable[[RawRequest], Actor]) -> Litestar:
    """Return the ASGI application of ``/api/v1``. Raises Internal for a route without its permission."""

    def actor(request: Request[Any, Any, Any]) -> Actor:
        return authenticate(RawRequest(request.scope, request.receive))  # type: ignore[arg-type]

    app = Litestar(
        ROUTES,
        dependencies={
            "db": Provide(lambda: db, sync_to_thread=False),
            "blobs": Provide(lambda: blobs, sync_to_thread=False),
            "actor": Provide(actor, sync_to_thread=False),
        },
        guards=[_permitted(authenticate)],
        exception_handlers={
            MainspringError: _refuse,
            HTTPException: _refuse_http,
            Exception: _refuse_unexpected,
        },
        openapi_config=OpenAPIConfig(
            title="Mainspring", version=__version__, path="/api/v1", description="One MLOps platform."
        ),
        logging_config=None,
    )
    _check_permissions(app)
    return app


def _permitted(
    authenticate: Callable[[RawRequest], Actor],
) -> Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], None]:
    def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        if "permission" in handler.opt:
            authenticate(RawRequest(connection.scope, connection.receive)).require(handler.opt["permission"])  # type: ignore[arg-type]

    return guard


def _check_permissions(app: Litestar) -> None:
    """Refuse to start with a route that does not say who may call it."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            own = isinstance(handler, HTTPRouteHandler) and handler.fn.__module__.startswith("mainspring.")
            if own and "permission" not in handler.opt:
                raise Internal(f"The route {route.path} ({handler.handler_name}) declares no permission.")


def _problem(error: MainspringError) -> Response[Problem]:
    code = error.code
    headers = {} if error.retry_after is None else {"Retry-After": str(max(1, round(error.retry_after)))}
    problem = Problem(
        f"https://mainspring.dev/errors/{code.name}",
        code.name.replace("_", " ").capitalize(),
        code.status,
        error.message,
        code.name,
        request_id.get(),
        error.field,
    )
    return Response(problem, status_code=code.status, media_type=PROBLEM_JSON, headers=headers)


def _refuse(_request: Request[Any, Any, Any], error: MainspringError) -> Response[Problem]:
    return _problem(error)


def _refuse_http(_request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Say what the framework refused: a wrong path, method, body or query."""
    kind = next((kind for kind in ERRORS.values() if kind.code.status == error.status_code), None)
    extra = error.extra if isinstance(error.extra, list) else []
    reasons = "; ".join(f"{each.get('key', 'body')}: {each.get('message')}" for each in extra if isinstance(each, dict))
    message = f"{error.detail}{f' ({reasons})' if reasons else ''}"
    if kind:
        return _problem(kind(message))
    answer = _problem(ERRORS["invalid_argument"](message))
    answer.status_code = answer.content.status = error.status_code
    return answer


def _refuse_unexpected(_request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    log.error("unexpected_error", exc_info=error)
    return _problem(Internal("The server met an unexpected error; its log tells more."))
