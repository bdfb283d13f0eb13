"""Requests of the SDK: JSON and files over HTTP, errors as our classes, retries where they are safe."""

from __future__ import annotations

import logging
import os
import random
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from copy import copy
from functools import cache
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

import httpx
import msgspec

from mainspring.client.tokens import SERVERS, authorization
from mainspring.kit.arrow import MEDIA_TYPE
from mainspring.kit.errors import ERRORS, Internal, InvalidArgument, MainspringError, Unavailable
from mainspring.modules.artifacts.schemas import SignedUrl

T = TypeVar("T")
U = TypeVar("U")
Headers = Mapping[str, str]
Query = Mapping[str, str | int | Sequence[str] | None]

DEFAULT_URL = "http://127.0.0.1:5000"
DIRECT_FROM = "MAINSPRING_DIRECT_FROM"
PROJECT = "MAINSPRING_PROJECT"
LARGE_BYTES = 64 * 1024 * 1024
API = "/api/v1"
FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 30.0
STORING_S = 600.0
SHOWN = 200
_IN_URL = re.compile(
    r"(?P<server>https?://[^/]+(?:/[^/]+)*?)/p/(?P<own>[^/]+(?:/[^/]+)+)"
    r"|(?P<host>https?://[^/]+)/(?P<sharinghub>[^/]+(?:/[^/]+)+)/tracking"
)


class _Discreet(logging.Filter):
    """Keeps out of the HTTP library's log what opens doors: passwords, and the queries of signed URLs."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten the URLs of a record."""
        if isinstance(record.args, tuple):
            record.args = tuple(_shown(each) if isinstance(each, httpx.URL) else each for each in record.args)
        return True


def _shown(url: httpx.URL) -> httpx.URL:
    query = b"signed" if b"signature=" in url.query.lower() else url.query
    return url.copy_with(userinfo=b"", query=query or None)


logging.getLogger("httpx").addFilter(_Discreet())


class _Problem(msgspec.Struct):
    """What the SDK reads of a problem document (RFC 9457)."""

    detail: str
    code: str
    request_id: str | None = None
    field: str | None = None


def default_url() -> str:
    """Return the server that the environment names (``MAINSPRING_URL``, ``MLFLOW_TRACKING_URI``), or the local one."""
    named = (os.environ.get(variable, "") for variable in SERVERS)
    return next((url for url in named if url.startswith(("http://", "https://"))), DEFAULT_URL)


def default_direct_from() -> int:
    """Return the size in bytes from which files are large: what ``MAINSPRING_DIRECT_FROM`` says, or 64 MiB."""
    text = os.environ.get(DIRECT_FROM, "")
    if not text:
        return LARGE_BYTES
    if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        raise InvalidArgument(f"{DIRECT_FROM} is '{text}'; it must be a number of bytes.", field=DIRECT_FROM)
    return int(text)


def default_project() -> str | None:
    """Return the project that ``MAINSPRING_PROJECT`` names, or None for the server's default."""
    return os.environ.get(PROJECT) or None


def segment(text: object) -> str:
    """Return a text as one segment of a path. Raises InvalidArgument for dots, which in a URL lead elsewhere."""
    name = str(text)
    if name in (".", ".."):
        raise InvalidArgument(f"'{name}' cannot be named in a URL.")
    return quote(name, safe="")


def _address(url: str) -> str:
    """Return a server's address without user and password. Raises InvalidArgument for what is none."""
    parts = urlsplit(url)
    shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
    try:
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # what stands behind the colon is no port
        good = False
    if not good:
        raise InvalidArgument(f"'{shown}' is no address of a server: it must be like {DEFAULT_URL}.", field="url")
    return shown


def _server_and_project(address: str) -> tuple[str, str | None]:
    """Return the server of an address, and the project that its path names as those of MLflow's clients do."""
    named = _IN_URL.fullmatch(address)
    if named is None:
        return address, None
    return named["server"] or named["host"], unquote(named["own"] or named["sharinghub"])


def _project_path(project: str | None) -> str:
    """Return the path under which a project's API lies."""
    if project is None:
        return ""
    parts = project.split("/")
    if len(parts) < 2 or any(part in ("", ".", "..") for part in parts):
        raise InvalidArgument(f"The project is '{project}'; it must be like namespace/name.", field="project")
    return "/p/" + "/".join(map(segment, parts))


@cache
def _trusted() -> ssl.SSLContext:
    """Return the certificates that are trusted: reading them is most of what a client costs."""
    return httpx.create_ssl_context()


class Transport:
    """A server's ``/api/v1``, of one project of it. ``url`` is its address without user and password."""

    def __init__(
        self,
        url: str,
        timeout: float,
        retries: int,
        direct_from: int,
        *,
        token: str | None = None,
        project: str | None = None,
    ) -> None:
        """``direct_from`` is the size in bytes from which files go by signed URLs, and in parts."""
        self.url, named = _server_and_project(_address(url))
        self.retries, self.direct_from = retries, direct_from
        self._timeout = timeout
        self._api = self.url + _project_path(project or named or default_project()) + API
        self._http = httpx.Client(verify=_trusted(), timeout=timeout, auth=authorization(url, token))
        # The store is another server, which must not see what is meant for ours.
        self._store_http = httpx.Client(verify=_trusted(), timeout=timeout)

    def of(self, project: str | None) -> Transport:
        """Return the API of another project over the same connections; None is the server's, whatever its project."""
        other = copy(self)
        other._api = self.url + _project_path(project) + API
        return other

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self._store_http.close()

    def call(self, answer: type[T], method: str, path: str, *, body: object = None, query: Query | None = None) -> T:
        """Send a request and return its answer, decoded as ``answer``."""
        return self._decode(answer, self._send(lambda: self._request(method, path, body, query)))

    def call_or(self, answer: type[T], refusal: type[U], method: str, path: str, *, body: object) -> T | U:
        """Send a request once, and return its answer, or the refusal that comes with the status 400."""
        request = self._request(method, path, body, None)
        with self._reporting():
            reply = self._http.send(request)
        if reply.status_code == 400:
            try:
                return msgspec.json.decode(reply.content, type=refusal)
            except msgspec.DecodeError:
                raise _error(reply) from None
        if not reply.is_success:
            raise _error(reply)
        return self._decode(answer, reply)

    def do(self, method: str, path: str, *, body: object = None, query: Query | None = None) -> None:
        """Send a request that is answered without content."""
        self._send(lambda: self._request(method, path, body, query))

    def table(self, method: str, path: str, *, body: object) -> tuple[bytes, str | None]:
        """Send a request that is answered with a table, and return its Arrow stream and the token of the next page."""

        def build() -> httpx.Request:
            request = self._request(method, path, body, None)
            request.headers["Accept"] = MEDIA_TYPE
            return request

        reply = self._send(build)
        return reply.content, reply.headers.get("Next-Page-Token") or None

    def put_file(
        self, answer: type[T], path: str, size: int, chunks: Callable[[], Iterator[bytes]], headers: Headers
    ) -> T:
        """Send a file of ``size`` bytes; ``chunks`` is called again for each try."""
        given = {**headers, "Content-Length": str(size), "Content-Type": "application/octet-stream"}

        def build() -> httpx.Request:
            return self._http.build_request(
                "PUT", self._api + path, content=chunks(), headers=given, timeout=self._storing_timeout()
            )

        return self._decode(answer, self._send(build))

    @contextmanager
    def get_file(self, path: str, headers: Headers, query: Query | None = None) -> Iterator[httpx.Response]:
        """Yield the answer to a GET of a file or a stream, whose bytes are still to be read."""

        def build() -> httpx.Request:
            request = self._request("GET", path, None, query)
            request.headers.update(headers)
            return request

        reply = self._send(build, stream=True)
        with closing(reply), self._reporting():
            yield reply

    @contextmanager
    def signed(
        self, signed: SignedUrl, headers: Headers, content: Iterator[bytes] | None = None
    ) -> Iterator[httpx.Response]:
        """Send a signed request once, and yield its answer, whose bytes are still to be read.

        What leads to our server goes the way of all requests to it; what leads to the store carries nothing of ours.
        """
        http, url = self._store_http, signed.url
        if not signed.direct:
            http, url = self._http, self._api + signed.url.partition(API)[2]
        request = http.build_request(
            signed.method,
            url,
            content=content,
            headers={**signed.headers, **headers},
            timeout=self._storing_timeout(),
        )
        where = f"{request.url.scheme}://{request.url.netloc.decode()}" if signed.direct else None
        with self._reporting(where), closing(http.send(request, stream=True)) as reply:
            if not reply.is_success:
                reply.read()
                raise _store_error(reply) if signed.direct else _error(reply)
            yield reply

    def _storing_timeout(self) -> httpx.Timeout:
        """The server answers once all is stored, which takes its time where the store is far away."""
        return httpx.Timeout(self._timeout, read=STORING_S)

    def _decode(self, answer: type[T], reply: httpx.Response) -> T:
        try:
            return msgspec.json.decode(reply.content, type=answer)
        except msgspec.DecodeError as error:
            raise Unavailable(
                f"{self.url} does not answer as a Mainspring server does ({error}). Is this its address?"
            ) from error

    def _request(self, method: str, path: str, body: object, query: Query | None) -> httpx.Request:
        url = self._api + path
        params: Any = {name: value for name, value in (query or {}).items() if value is not None} or None
        if body is None:
            return self._http.build_request(method, url, params=params)
        content, headers = msgspec.json.encode(body), {"Content-Type": "application/json"}
        return self._http.build_request(method, url, params=params, content=content, headers=headers)

    def _send(self, build: Callable[[], httpx.Request], *, stream: bool = False) -> httpx.Response:
        """Send what ``build`` makes until it is answered. What may have been carried out is not sent again."""
        attempt = 0
        while True:
            try:
                return self._try(build(), stream)
            except MainspringError as error:
                if error.retry_after is None or attempt >= self.retries:
                    raise
                pause(error, attempt)
                attempt += 1

    def _try(self, request: httpx.Request, stream: bool) -> httpx.Response:
        with self._reporting():
            reply = self._http.send(request, stream=stream)
            if reply.is_success:
                return reply
            reply.read()
        raise _error(reply)

    @contextmanager
    def _reporting(self, store: str | None = None) -> Iterator[None]:
        """Raise Unavailable for whatever goes wrong between here and the server, or the store."""
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Unavailable(f"{_nobody(store, self.url)} ({error}).", retry_after=0) from error
        except httpx.TransportError as error:
            what = str(error) or type(error).__name__
            raise Unavailable(f"The connection to {store or self.url} broke: {what}.") from error


def _nobody(store: str | None, url: str) -> str:
    if store:
        return f"No store answers at {store}, to which the server sends us: it must be reached from here too"
    return f"No server answers at {url}: start one with `mainspring up`, or give another address"


def pause(error: MainspringError, attempt: int) -> None:
    """Wait before a request is sent again: as long as the server has asked for, and longer each time."""
    backoff = FIRST_WAIT_S * float(2**attempt) * random.uniform(0.5, 1)
    time.sleep(min(error.retry_after or 0, LONGEST_WAIT_S) + backoff)


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


def _store_error(reply: httpx.Response) -> MainspringError:
    """Return the error for what the store refuses; its URL, which is a secret for a while, is not told."""
    said = re.search(r"<Code>(\w{1,100})</Code>", reply.text)
    kinds = [kind for kind in ERRORS.values() if kind.code.status == reply.status_code]
    reason = said[1] if said else reply.reason_phrase
    return (kinds or [Unavailable])[0](
        f"The store at {reply.request.url.host} refused the signed request with status {reply.status_code}: {reason}."
    )


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
