"""Running the server: one process, or several on PostgreSQL, until a signal stops it."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Callable

import structlog
import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from mainspring.db.engine import check_url
from mainspring.kit.errors import Unavailable
from mainspring.kit.sql_engines import create_write_engine, embedded_file, unavailable_reason
from mainspring.modules.identity.service import create_setup_link
from mainspring.server.app import Application, upgrade
from mainspring.server.lock import describe_holder, lock_database
from mainspring.server.logs import configure_logs
from mainspring.server.protocol import Config, Connection
from mainspring.settings import PREFIX, Settings, load_settings

Announce = Callable[[str, str], None]
"""Told the server's address, and the path of the page where its first administrator is made, if there is none yet."""

HUNG_S = 30
"""A worker process that shows no sign of life for so long is replaced. It may be that the machine is busy."""
FEW_FILES, ENOUGH_FILES = 4096, 65_536
"""Each connection of a client is an open file, and so is each file on its way."""

log = structlog.get_logger(__name__)


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

    ``announce`` is called once requests are answered. Raises FailedPrecondition
    for a database that is in use, Unavailable for an address that is taken or a database that is away.
    """
    configure_logs(settings.log_format, settings.log_level)
    # Our arrays are short: numpy's threads would only be made, and spin while they wait, a tenth of a second long.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    database = embedded_file(check_url(settings.resolved_database_url))
    lock = lock_database(database) if database else None
    listener = _listen(settings.host, settings.port)
    address = _address(settings.host, listener.getsockname()[1])
    if lock:
        describe_holder(lock, address)
    setup = _prepare(settings)
    if settings.workers > 1:
        port = listener.getsockname()[1]
        listener.close()  # it has shown that nobody else listens there
        return _serve_workers(settings, port, lambda: announce(address, setup))
    app = Application(settings)
    server = _Server(_config(settings, app))
    server.announce = lambda: announce(address, setup)
    try:
        server.run(sockets=[listener])
    except SystemExit:
        # The server has said in its log that it did not start; the reason is the caller's to tell.
        if app.failure:
            raise app.failure from None
        raise
    return server.started


def _allow_files() -> int:
    """Let this process and its children open enough files, if the system allows it; return how many they may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = max(soft, ENOUGH_FILES if hard == resource.RLIM_INFINITY else min(hard, ENOUGH_FILES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    if files < FEW_FILES:
        log.warning("few_open_files", limit=files, advice="Raise it by ulimit -n: each client takes one.")
    return files


def _config(settings: Settings, app: Application | str) -> Config:
    files = _allow_files()
    config = Config(
        app,
        factory=isinstance(app, str),
        workers=settings.workers,
        loop="uvloop",
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        # What is accepted at once must fit: a listener that the system denies a file is closed for good.
        backlog=min(4096, files // 8),
        timeout_keep_alive=75,
        timeout_graceful_shutdown=settings.shutdown_grace,
        timeout_worker_healthcheck=HUNG_S,
    )
    config.read_timeout = settings.read_timeout
    config.max_connections = files * 3 // 4
    return config


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


def _prepare(settings: Settings) -> str:
    """Return the path of the page where the first administrator is made, empty where there is nothing to make.

    The workers' database is upgraded here: this process can say why that fails better than each of them could.
    """
    if settings.workers == 1 and settings.resolved_auth != "local":
        return ""
    engine = create_write_engine(check_url(settings.resolved_database_url))
    try:
        upgrade(engine)
        if settings.resolved_auth != "local":
            return ""
        with engine.begin() as tx:
            link = create_setup_link(tx)
        return link.path if link else ""
    except SQLAlchemyError as error:
        raise Unavailable(unavailable_reason(error) or f"The database cannot be written: {error}.") from error
    finally:
        engine.dispose()


def create_app() -> Application:
    """Return the application of a worker process, with the settings of its environment."""
    settings, _ = load_settings()
    configure_logs(settings.log_format, settings.log_level)
    return Application(settings)
