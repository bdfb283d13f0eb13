"""A receiver of webhooks: it keeps what it gets, and answers well or as badly as its path says."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.components.ports import wait_until


@dataclass
class Received:
    """A request as it came; header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """``url`` is where it listens, ``received`` what came; ``fail_first`` is how many requests it refuses at first,
    ``hang_first`` how many it leaves without an answer."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    sent: int = 0
    fail_first: int = 0
    hang_first: int = 0

    def wait_for(self, number: int, seconds: float = 15) -> list[Received]:
        """Return what came, once it is that many requests."""
        wait_until(lambda: len(self.received) >= number, f"{number} requests (got {len(self.received)})", seconds)
        return self.received


@contextmanager
def receiving(certificate: Path | None = None) -> Iterator[Receiver]:
    """Yield a receiver that listens; with the file of a key and a certificate by TLS."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            with suppress(OSError):
                self._answer()

        def _answer(self) -> None:
            if self.path == "/redirect":
                self._reply(302, b"", Location=f"{receiver.url}/ok")
            elif self.path == "/huge":
                self._stream(b"x" * 65536, 0)
            elif self.path == "/drip":
                self._stream(b"x", 0.2)
            elif self.path == "/slow" or len(receiver.received) <= receiver.hang_first:
                time.sleep(30)
            elif self.path == "/fail" or len(receiver.received) <= receiver.fail_first:
                self._reply(500, b"no\0t now")
            else:
                self._reply(200, b"thanks")

        def _reply(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _stream(self, piece: bytes, pause: float) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(10**9))
            self.end_headers()
            while True:
                self.wfile.write(piece)
                receiver.sent += len(piece)
                time.sleep(pause)

        def log_message(self, format: str, *args: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        # The receiver that sleeps is not waited for.
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield receiver
        server.shutdown()
