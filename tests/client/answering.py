"""A server that answers what it is told to: for what no good server does."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Answer:
    """An answer; ``cut`` makes it end before its content does."""

    status: int = 200
    content: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass
class Answering:
    """Where the server is, and what it was asked: (method, path with query)."""

    url: str
    asked: list[tuple[str, str]]


@contextmanager
def answering(choose: Callable[[str, str], Answer], headers: list[dict[str, str]] | None = None) -> Iterator[Answering]:
    """Serve ``choose(method, path)`` on a free port; the headers of each request are added to ``headers``."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            asked.append((self.command, self.path))
            if headers is not None:
                headers.append(dict(self.headers))
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = choose(self.command, self.path)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content) + answer.cut))
            self.end_headers()
            self.wfile.write(answer.content)
            self.close_connection = answer.cut

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _answer

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    asked: list[tuple[str, str]] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield Answering(f"http://127.0.0.1:{listening.server_address[1]}", asked)
        finally:
            listening.shutdown()
            thread.join()
