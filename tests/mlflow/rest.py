"""Raw HTTP against a tracking server, for what the Python client hides: status, exact JSON, headers."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any

import httpx

PREFIX = "/api/2.0/mlflow"
ALLOWED = "alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)"


def missing(name: str) -> str:
    """Return what is said of a required parameter that was left out."""
    return f"Missing value for required parameter '{name}'."


def wrong_type(name: str, json: str) -> str:
    """Return what is said of a value, given as compact JSON, of the wrong type."""
    return f"Invalid value {json} for parameter '{name}' supplied"


def bad_name(name: str, path: str) -> str:
    """Return what is said of a key with a character that is not allowed, given as JSON text."""
    return f"Invalid value {name} for parameter '{path}' supplied: Names may only contain {ALLOWED}."


def bad_path(name: str, path: str, resolved: str) -> str:
    """Return what is said of a key, given as JSON text, that would mean another file."""
    return (
        f"Invalid value {name} for parameter '{path}' supplied: Names may be treated as files in certain cases, "
        f"and must not resolve to other names when treated as such. This name would resolve to {resolved!r}"
    )


@dataclass(frozen=True)
class Reply:
    """One answer: `json` is None where the body is not JSON."""

    status: int
    headers: httpx.Headers
    json: Any
    text: str
    content: bytes

    def ok(self) -> Any:
        """Return the JSON of an answer that must be 200."""
        assert self.status == 200, f"{self.status}: {self.text}"
        return self.json

    def error(self, status: int, code: str, says: str = "") -> str:
        """Return the message of an error that must have this status and code, and say this."""
        assert self.status == status, f"{self.status} instead of {status}: {self.text}"
        assert self.headers["content-type"].startswith("application/json"), self.headers["content-type"]
        assert self.json["error_code"] == code, self.json
        assert set(self.json) <= {"error_code", "message", "sqlstate", "error_class", "request_id"}, self.json
        message = self.json["message"]
        assert isinstance(message, str), self.json
        assert message, self.json
        assert says in message, f"{message!r} does not say {says!r}"
        return message

    def invalid(self, says: str = "") -> str:
        """Return the message of a 400 INVALID_PARAMETER_VALUE."""
        return self.error(400, "INVALID_PARAMETER_VALUE", says)

    def absent(self, says: str = "") -> str:
        """Return the message of a 404 RESOURCE_DOES_NOT_EXIST."""
        return self.error(404, "RESOURCE_DOES_NOT_EXIST", says)


class Rest:
    """Speak to one server; a path that starts with `/api`, `/ajax-api` or another root is taken as it is.

    A relative path (`runs/get`) lies under `/api/2.0/mlflow`.
    """

    def __init__(self, tracking_uri: str) -> None:
        self.client = httpx.Client(base_url=tracking_uri, timeout=60)

    def __enter__(self) -> Rest:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    def send(self, method: str, path: str, **options: Any) -> Reply:
        """Send a request with any httpx options (json, params, content, headers)."""
        url = path if path.startswith("/") else f"{PREFIX}/{path}"
        answer = self.client.request(method, url, **options)
        try:
            body = answer.json()
        except ValueError:
            body = None
        return Reply(answer.status_code, answer.headers, body, answer.text, answer.content)

    def get(self, path: str, params: Any = None, **options: Any) -> Reply:
        """Send GET; `params` is the query (a list as a value repeats its key)."""
        return self.send("GET", path, params=params, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Reply:
        """Send POST with a JSON body."""
        return self.send("POST", path, **({"json": body} | options))

    def patch(self, path: str, body: Any = None, **options: Any) -> Reply:
        """Send PATCH with a JSON body."""
        return self.send("PATCH", path, **({"json": body} | options))

    def delete(self, path: str, body: Any = None, **options: Any) -> Reply:
        """Send DELETE with a JSON body."""
        return self.send("DELETE", path, **({"json": body} | options))
