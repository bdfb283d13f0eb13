"""The ASGI application: middleware around the dialects and the platform's own API."""

from __future__ import annotations

import asyncio
import gc
import signal
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import structlog
from sqlalchemy import Engine

from mainspring.api.mlflow import dispatch
from mainspring.api.mlflow.routes import ENDPOINTS
from mainspring.db import migrate
from mainspring.db.engine import Database, check_url
from mainspring.engines.blobs import BlobStore, open_store
from mainspring.engines.vault import check_vault_url
from mainspring.kit.context import client_address, note_access_change, request_id
from mainspring.kit.errors import InvalidArgument, MainspringError
from mainspring.kit.http import (
    TEXT,
    Answer,
    AnswerInterrupted,
    ClientDisconnected,
    Receive,
    Request,
    Scope,
    Send,
    respond,
)
from mainspring.kit.ids import new_request_id
from mainspring.kit.rates import parse_rates
from mainspring.modules.catalog.service.opening import open_sources
from mainspring.modules.services import Services
from mainspring.server.access import Access
from mainspring.server.addresses import find_client
from mainspring.server.hosts import HostGuard
from mainspring.server.limits import RateLimits, is_counted
from mainspring.server.project_urls import take_project
from mainspring.server.refusals import refuse
from mainspring.server.schema import metadata
from mainspring.server.web_page import is_web_page, lead_to_web_page, wants_web_page, web_page
from mainspring.server.welcome import welcome
from mainspring.settings import Settings
from mainspring.worker.runner import Runner
from mainspring.worker.tasks import load_tasks

if TYPE_CHECKING:
    from litestar import Litestar

    from mainspring.api.routing import Router

log = structlog.get_logger(__name__)
READY_WAIT_S = 5
REST_AFTER_S = 0.5


class _Rest(NamedTuple):
    """What is not there from the first moment: the routers of dialects, and ``/api/v1``."""

    routers: Sequence[Router]
    v1: Litestar


class Application:
    """Everything that one server process answers. ``scope["type"]`` lifespan opens and closes it."""

    def __init__(self, settings: Settings) -> None:
        self.failure: MainspringError | None = None
        self._settings = settings
        self._hosts = HostGuard(settings.host, settings.host_names)
        self._proxies = settings.proxy_networks
        self._limits: RateLimits | None = None
        self._log_requests = settings.log_level == "debug"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._open()
        except MainspringError as error:
            self.failure = error
            await send({"type": "lifespan.startup.failed", "message": error.message})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _open(self) -> None:
        if rates := parse_rates(self._settings.rate_limits):
            self._limits = RateLimits(rates, self._settings.rate_limit_storage)
        check_vault_url(self._settings.resolved_vault_url)
        self.db = Database(check_url(self._settings.resolved_database_url))
        upgrade(self.db.write_engine)
        self.blobs: BlobStore = open_store(self._settings.resolved_artifacts_url)
        self._sources = open_sources(self._settings)
        services = Services(self.db, self.blobs, self._settings, self._sources)
        self._access = Access(services)
        self._mlflow = dispatch.Dispatcher(services, self._access.find, ENDPOINTS)
        self._services = services
        self._rest: asyncio.Task[_Rest] | None = None
        self._rest_due = asyncio.get_running_loop().call_later(REST_AFTER_S, self._begin_rest)
        self._runner = Runner(services, load_tasks) if self._settings.background else None
        if self._runner:
            self._runner.start()

    def _begin_rest(self) -> asyncio.Task[_Rest]:
        """Return what builds the rest: begun by the first request to it, soon after the start in any case."""
        if self._rest is None:
            self._rest = asyncio.create_task(self._load_rest(self._services))
        return self._rest

    async def _load_rest(self, services: Services) -> _Rest:
        """Build ``/api/v1`` and the other dialects while the first requests are answered: they take longest to load.

        A server whose own API cannot be built, for a route without its permission say, stops.
        """
        try:
            return await asyncio.to_thread(_create_rest, services, self._access)
        except Exception:
            log.exception("api_refused")
            signal.raise_signal(signal.SIGTERM)
            raise
        finally:
            # What was loaded stays: the collector need not look at it again and again.
            gc.freeze()

    async def _close(self) -> None:
        self._rest_due.cancel()  # a server that stops right after its start has no thread left to build it in
        if self._runner:
            await self._runner.stop()
        if self._limits:
            await self._limits.close()
        for source in self._sources.values():
            await source.close()
        await self.blobs.close()
        await asyncio.to_thread(self.db.close)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give the request an id, answer it, and log what came of it."""
        request = Request(scope, receive)
        this = _given_id(request) or new_request_id()
        address, scope["scheme"] = find_client(scope, self._proxies)
        started, path = time.perf_counter(), request.path
        denied = partial(self._access.note_denied, request, path)
        answer = Answer(scope, send, this, self._access.settle_change, denied)
        # Each request has a task of its own, and with it goes what is set here.
        request_id.set(this)
        client_address.set(address)
        note_access_change.set(answer.hold)
        try:
            self._hosts.check(request)
            request.check_headers()
            take_project(scope)
            request.path = scope["path"]
            if self._limits and is_counted(request.path):
                await self._count(self._limits, request, answer)
            await self._route(request, receive, answer)
        except MainspringError as error:
            await refuse(request, answer, error)
        except ClientDisconnected:
            answer.status = 499
        except AnswerInterrupted as error:
            log.error("answer_interrupted", request_id=this, path=path, reason=str(error))
        finally:
            status = answer.status
            if status >= 500 or self._log_requests:
                took = round((time.perf_counter() - started) * 1000, 1)
                level = log.error if status >= 500 else log.debug
                level("request", request_id=this, method=scope["method"], path=path, status=status, ms=took)

    async def _count(self, limits: RateLimits, request: Request, answer: Answer) -> None:
        """Count the request with others of who asks, and tell them what is left. Raises RateLimited."""
        counted = await limits.check(await self._access.find_counted(request), client_address.get())
        answer.headers += counted.headers
        if counted.refusal:
            raise counted.refusal

    async def _route(self, request: Request, receive: Receive, send: Send) -> None:
        path, encoding = request.path, request.header(b"content-encoding")
        if encoding and encoding.lower() != "identity":
            wrong = f"The Content-Encoding is '{encoding[:100]}'; send the body as it is."
            await refuse(request, send, InvalidArgument(wrong, field="Content-Encoding"), status=415)
        elif self._mlflow.handles(path):
            await self._mlflow(request, send)
        elif is_web_page(path):
            await web_page(request, send)
        elif path == "/":
            await (lead_to_web_page if wants_web_page(request) else welcome)(request, send)
        elif path == "/livez":
            await respond(send, 200, b"ok", TEXT)
        elif path == "/readyz":
            await self._readyz(send)
        else:
            await self._answer_rest(request, receive, send)

    async def _answer_rest(self, request: Request, receive: Receive, send: Send) -> None:
        rest = await self._begin_rest()
        for router in rest.routers:
            if router.handles(request.path):
                return await router(request, send)
        await rest.v1(request.scope, receive, send)  # type: ignore[arg-type]

    async def _readyz(self, send: Send) -> None:
        """Answer 200 while the database and the store serve, else 503 with what does not."""
        lines, ready = [], True
        for name, check in (("database", self.db.check()), ("store", self.blobs.check())):
            try:
                await asyncio.wait_for(check, READY_WAIT_S)
                lines.append(f"{name}: ok")
            except TimeoutError:
                lines, ready = [*lines, f"{name}: no answer in {READY_WAIT_S} s"], False
            except MainspringError as error:
                lines, ready = [*lines, f"{name}: {error.message}"], False
        await respond(send, 200 if ready else 503, "\n".join(lines).encode(), TEXT)


def upgrade(engine: Engine) -> None:
    """Bring a database to this release's schema. Raises FailedPrecondition or Unavailable."""
    if ran := migrate.upgrade(engine, metadata):
        log.info("database_upgraded", revisions=ran)


def _given_id(request: Request) -> str | None:
    """Return the id that the client gave its request, if it gave one of letters, digits and hyphens."""
    given = request.header(b"x-request-id")
    return given if given and len(given) <= 64 and given.isascii() and given.replace("-", "").isalnum() else None


def _create_rest(services: Services, access: Access) -> _Rest:
    from mainspring.server.dialects import create_routers
    from mainspring.server.v1 import create_v1

    return _Rest(create_routers(services, access.find), create_v1(services, access.find))
