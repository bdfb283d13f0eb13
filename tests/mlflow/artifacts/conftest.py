"""A fresh run, the proxied root of its artifacts, and requests whose path is sent exactly as it is written."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.mlflow.rest import Reply, Rest

PROXY = "/api/2.0/mlflow-artifacts/artifacts"


def attached(reply: Reply) -> str:
    """Return the name under which a reply wants to be saved: RFC 6266, where `filename*` goes before `filename`."""
    value = reply.headers["content-disposition"]
    extended = re.search(r"filename\*=UTF-8''([^;]+)", value, flags=re.IGNORECASE)
    if extended:
        return unquote(extended[1])
    header = Message()
    header["Content-Disposition"] = value
    assert header.get_content_disposition() == "attachment"
    return str(header.get_filename())


@dataclass(frozen=True)
class Answer:
    """One answer to a request that no library has tidied up."""

    status: int
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


Raw = Callable[..., Answer]


@pytest.fixture
def raw(tracking_uri: str) -> Raw:
    """Send method and path as they are; HTTP libraries would resolve `..` before sending."""

    def send(method: str, path: str, content: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        address = urlsplit(tracking_uri)
        connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=30)
        try:
            connection.request(method, path, content, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.read())
        finally:
            connection.close()

    return send


@pytest.fixture
def run(rest: Rest, experiment: str) -> Any:
    """The `info` of a fresh run."""
    return rest.post("runs/create", {"experiment_id": experiment, "start_time": 1}).ok()["run"]["info"]


@pytest.fixture
def root(run: Any) -> str:
    """The path below which the run's artifacts are put and got."""
    return f"{PROXY}/{run['experiment_id']}/{run['run_id']}/artifacts"


@pytest.fixture
def put(rest: Rest, root: str) -> Callable[[str, bytes], None]:
    """Put a file among the run's artifacts."""

    def put(path: str, content: bytes) -> None:
        reply = rest.send("PUT", f"{root}/{path}", content=content)
        assert reply.status == 200, reply.text

    return put
