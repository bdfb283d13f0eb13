"""Running the server: one process, or several on PostgreSQL, until a signal stops it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import uvicorn

from mainspring.db.engine import check_url
from mainspring.kit.errors import Unavailable
from mainspring.kit.sql_engines import embedded_file
from mainspring.server.app import Application
from mainspring.server.lock import describe_holder, lock_database
from mainspring.server.logs import configure_logs
from mainspring.settings import PREFIX, Settings, load_settings

Announce = Callable[[str], None]


class _Server(uvicorn.Server):
    """A server that says when it is ready, and whose stop by a signal is a normal end."""

    announce: Callable[[], None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        self._captured_signals.clear()


def serve(settings: Settings, announce: Announce) -> bool:
    """Serve until SIGINT or SIGTERM, letting requests in progress finish; say whether it ever was ready.

    ``announce`` is called with the address once requests are answered. Raises FailedPrecondition
    for a database that is in use, Unavailable for an address that is taken or a database that is away.
    """
    configure_logs(settings.log_format, settings.log_level)
    database = embedded_file(check_url(settings.resolved_database_url))
    lock = lock_database(database) if database else None
    listener = _listen(settings.host, settings.port)
    address = _address(settings.host, listener.getsockname()[1])
    if lock:
        describe_holder(lock, address)
    if settings.workers > 1:
        port = listener.getsockname()[1]
        listener.close()  # it has shown that nobody else listens there
        return _serve_workers(settings, port, lambda: announce(address))
    app = Application(settings)
    server = _Server(_config(settings, app))
    server.announce = lambda: announce(address)
    try:
        server.run(sockets=[listener])
    except SystemExit:
        # The server has said in its log that it did not start; the reason is the caller's to tell.
        if app.failure:
            raise app.failure from None
        raise
    return server.started


def _config(settings: Settings, app: Application | str) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=settings.workers,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=4096,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=settings.shutdown_grace,
    )


def _listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return a socket bound to the address; ``shared`` lets others of this user bind it too."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another address: --host, --port."
        ) from error
    return listener


def _address(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def _serve_workers(settings: Settings, port: int, announce: Callable[[], None]) -> bool:
    from mainspring.server.workers import Workers

    # The children are fresh interpreters: they read the settings that this process has resolved.
    for name in settings.__dataclass_fields__:
        os.environ[PREFIX + name.upper()] = str(getattr(settings, name))
    config = _config(settings, "mainspring.server.run:create_app")
    workers = Workers(config, lambda: _listen(settings.host, port, shared=True), announce)
    workers.run()
    return workers.ready


def create_app() -> Application:
    """Return the application of a worker process, with the settings of its environment."""
    settings, _ = load_settings()
    configure_logs(settings.log_format, settings.log_level)
    return Application(settings)
