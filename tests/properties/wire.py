"""One kept-open connection that sends what it is told, and says how it was answered."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.components.server import MainspringServer


@dataclass(frozen=True)
class Answer:
    """Status, headers by lower-case name, and body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Wire:
    """Requests to one server, one after the other; a connection that the server closes is opened again."""

    def __init__(self, server: MainspringServer) -> None:
        self.server = server
        self._connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send a request and return its answer; every request must get one."""
        given = {name.replace("_", "-"): text for name, text in headers.items()}
        try:
            self._connection.request(method, path, body, given)
            reply = self._connection.getresponse()
            answer = Answer(reply.status, {name.lower(): text for name, text in reply.getheaders()}, reply.read())
        except BaseException:
            self.close()
            raise
        if reply.will_close:
            self.close()
        return answer

    def call(self, method: str, path: str, content: Any = None) -> Any:
        """Send JSON that must be accepted, and return the answer's JSON."""
        answer = self.send(method, path, json.dumps(content or {}).encode(), content_type="application/json")
        assert answer.status in (200, 201), f"{method} {path}: {answer.status} {answer.body!r}"
        return json.loads(answer.body or b"{}")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def check_refusal(answer: Answer) -> None:
    """Check that an error is MLflow's JSON, and that its request id is the one of the header."""
    assert answer.headers["content-type"] == "application/json", answer
    error = json.loads(answer.body)
    assert set(error) == {"error_code", "message", "request_id"}, error
    assert all(isinstance(text, str) and text for text in error.values()), error
    assert error["request_id"] == answer.headers["x-request-id"]
