"""Requests of the SDK: JSON and files over HTTP, errors as our classes, retries where they are safe."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx
import msgspec

from mainspring.kit.errors import ERRORS, Internal, InvalidArgument, MainspringError, Unavailable

T = TypeVar("T")
Query = Mapping[str, str | int | Sequence[str] | None]

DEFAULT_URL = "http://127.0.0.1:5000"
VARIABLES = ("MAINSPRING_URL", "MLFLOW_TRACKING_URI")
API = "/api/v1"
FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 30.0
STORING_S = 600.0
SHOWN = 200


class _Problem(msgspec.Struct):
    """What the SDK reads of a problem document (RFC 9457)."""

    detail: str
    code: str
    request_id: str | None = None
    field: str | None = None


def default_url() -> str:
    """Return the server that the environment names (``MAINSPRING_URL``, ``MLFLOW_TRACKING_URI``), or the local one."""
    named = (os.environ.get(variable, "") for variable in VARIABLES)
    return next((url for url in named if url.startswith(("http://", "https://"))), DEFAULT_URL)


def segment(text: object) -> str:
    """Return a text as one segment of a path."""
    return quote(str(text), safe="")


class Transport:
    """A server's ``/api/v1``. ``url`` is its address without user and password."""

    def __init__(self, url: str, timeout: float, retries: int) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidArgument(f"'{url}' is no address of a server: it must be like {DEFAULT_URL}.", field="url")
        self.url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
        self._retries, self._timeout = retries, timeout
        self._http = httpx.Client(base_url=url.rstrip("/") + API, timeout=timeout)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def call(self, answer: type[T], method: str, path: str, *, body: object = None, query: Query | None = None) -> T:
        """Send a request and return its answer, decoded as ``answer``."""
        return self._decode(answer, self._send(lambda: self._request(method, path, body, query)))

    def do(self, method: str, path: str, *, body: object = None) -> None:
        """Send a request that is answered without content."""
        self._send(lambda: self._request(method, path, body, None))

    def put_file(self, answer: type[T], path: str, size: int, chunks: Callable[[], Iterator[bytes]]) -> T:
        """Send a file of ``size`` bytes; ``chunks`` is called again for each try."""
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        # The server answers once all is stored, which takes its time where the store is far away.
        timeout = httpx.Timeout(self._timeout, read=STORING_S)

        def build() -> httpx.Request:
            return self._http.build_request("PUT", path, content=chunks(), headers=headers, timeout=timeout)

        return self._decode(answer, self._send(build))

    @contextmanager
    def get_file(self, path: str) -> Iterator[Iterator[bytes]]:
        """Yield the bytes of a file as they arrive."""
        reply = self._send(lambda: self._http.build_request("GET", path), stream=True)
        try:
            with self._reporting():
                yield reply.iter_raw()
        finally:
            reply.close()

    def _decode(self, answer: type[T], reply: httpx.Response) -> T:
        try:
            return msgspec.json.decode(reply.content, type=answer)
        except msgspec.DecodeError as error:
            raise Unavailable(
                f"{self.url} does not answer as a Mainspring server does ({error}). Is this its address?"
            ) from error

    def _request(self, method: str, path: str, body: object, query: Query | None) -> httpx.Request:
        given: Any = {name: value for name, value in (query or {}).items() if value is not None}
        if body is None:
            return self._http.build_request(method, path, params=given)
        headers = {"Content-Type": "application/json"}
        return self._http.build_request(method, path, content=msgspec.json.encode(body), headers=headers)

    def _send(self, build: Callable[[], httpx.Request], *, stream: bool = False) -> httpx.Response:
        """Send what ``build`` makes until it is answered. What may have been carried out is not sent again."""
        attempt = 0
        while True:
            try:
                return self._try(build(), stream)
            except MainspringError as error:
                if error.retry_after is None or attempt >= self._retries:
                    raise
                time.sleep(min(error.retry_after, LONGEST_WAIT_S) + _backoff(attempt))
                attempt += 1

    def _try(self, request: httpx.Request, stream: bool) -> httpx.Response:
        with self._reporting():
            reply = self._http.send(request, stream=stream)
            if reply.is_success:
                return reply
            reply.read()
        raise _error(reply)

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Raise Unavailable for whatever goes wrong between here and the server."""
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unavailable(
                f"No server answers at {self.url} ({error}). Start one with `mainspring up`, or give another address.",
                retry_after=0,
            ) from error
        except httpx.TransportError as error:
            what = str(error) or type(error).__name__
            raise Unavailable(f"The connection to {self.url} broke: {what}.") from error


def _backoff(attempt: int) -> float:
    return FIRST_WAIT_S * float(2**attempt) * random.uniform(0.5, 1)


def _error(reply: httpx.Response) -> MainspringError:
    """Return what the server says is wrong, as the class of its code."""
    retry_after = _seconds(reply.headers.get("Retry-After")) if reply.status_code in (429, 503) else None
    try:
        problem = msgspec.json.decode(reply.content, type=_Problem)
    except msgspec.DecodeError:
        return _foreign_error(reply, retry_after)
    error = ERRORS.get(problem.code, Internal)(problem.detail, field=problem.field, retry_after=retry_after)
    error.request_id = problem.request_id
    return error


def _foreign_error(reply: httpx.Response, retry_after: float | None) -> MainspringError:
    """Return the error for an answer that is not ours: a proxy's, or another server's."""
    kinds = [kind for kind in ERRORS.values() if kind.code.status == reply.status_code]
    text = " ".join(reply.text.split())[:SHOWN]
    leads = f" It leads to {reply.headers['Location'][:SHOWN]}." if "Location" in reply.headers else ""
    method, url = reply.request.method, reply.request.url.copy_with(userinfo=b"")
    message = f"{method} {url} was answered with status {reply.status_code}: {text or reply.reason_phrase}.{leads}"
    error = (kinds or [Unavailable])[0](message, retry_after=retry_after)
    error.request_id = reply.headers.get("X-Request-Id")
    return error


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None
