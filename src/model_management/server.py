"""A Mainspring or MLflow server as the library sees it: JSON calls, and bytes through its artifact proxy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedIOBase
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx

from mainspring.kit.errors import ERRORS, Internal, InvalidArgument, MainspringError, Unavailable, Unsupported
from model_management.storage import CHUNK

API = "/api/2.0/mlflow/"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts/"
TIMEOUT = httpx.Timeout(120, connect=10)

# Two of our codes share one of MLflow's: the first in the tree, the more general, is meant.
_ERROR_OF_CODE = {error.code.mlflow: error for error in reversed(ERRORS.values())}


class Server:
    """Calls one server. A name and password may stand in its URL; redirects are not followed."""

    def __init__(self, url: str) -> None:
        """Remember the address; nothing is sent yet. Raises InvalidArgument."""
        try:
            address = httpx.URL(url.rstrip("/"))
        except httpx.InvalidURL as error:
            raise InvalidArgument(f"Not the address of a server: {error}.", field="url") from error
        if address.scheme not in ("http", "https") or not address.host:
            raise InvalidArgument("Not the address of a server: write http://host:port.", field="url")
        self.authority = address.netloc.decode()
        self.uri = str(address.copy_with(userinfo=b""))
        self._client = httpx.Client(base_url=address, timeout=TIMEOUT)

    def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """GET an endpoint of ``/api/2.0/mlflow/`` and return its JSON."""
        return self._call("GET", path, params=query)

    def send(self, method: str, path: str, **body: object) -> dict[str, Any]:
        """POST, PATCH or DELETE with a JSON body and return the JSON of the answer."""
        return self._call(method, path, json=body)

    def search(self, path: str, field: str, **query: str | int) -> Iterator[dict[str, Any]]:
        """Yield the items of every page of a search; ``field`` names their list in the answer."""
        token = ""
        while True:
            page = self.get(path, **query, **({"page_token": token} if token else {}))
            yield from page.get(field, [])
            token = page.get("next_page_token", "")
            if not token:
                return

    def upload(self, path: str, file: BufferedIOBase, size: int) -> None:
        """PUT a file into the artifact store, chunk by chunk."""
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        with self._translated():
            chunks = iter(lambda: file.read(CHUNK), b"")
            answer = self._client.put(ARTIFACTS + quote(path), content=chunks, headers=headers)
        _raise_for(answer)

    def download(self, path: str, file: BufferedIOBase, limit: int | None = None) -> None:
        """Write an artifact to ``file``, chunk by chunk. Raises InvalidArgument past ``limit`` bytes."""
        received = 0
        with self._translated(), self._client.stream("GET", ARTIFACTS + quote(path)) as answer:
            if not answer.is_success:
                answer.read()
                _raise_for(answer)
            for chunk in answer.iter_bytes(CHUNK):
                received += len(chunk)
                if limit is not None and received > limit:
                    raise InvalidArgument(
                        f"{path} on {self.uri} has more than {limit} bytes: that is not what it says."
                    )
                file.write(chunk)

    def remove(self, path: str) -> None:
        """DELETE an artifact folder."""
        with self._translated():
            answer = self._client.delete(ARTIFACTS + quote(path))
        _raise_for(answer)

    def path_of(self, uri: str) -> str:
        """Return the path below this server's artifact proxy that a URI names.

        Raises Unsupported for every other place: bytes come only from the server that was named.
        """
        parsed = urlsplit(uri)
        path = unquote(parsed.path).strip("/")
        if parsed.scheme != "mlflow-artifacts" or parsed.netloc not in ("", self.authority):
            raise Unsupported(
                f"This model lies in {uri}, which {self.uri} does not hand out itself: only what a server serves "
                "under its own mlflow-artifacts: is read. Load it with mlflow if you trust that place."
            )
        check_path(path)
        return path

    def _call(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        with self._translated():
            answer = self._client.request(method, API + path, **content)
        _raise_for(answer)
        try:
            return dict(answer.json())
        except (ValueError, TypeError) as error:
            raise Unavailable(f"{self.uri} did not answer with JSON: is it a Mainspring or MLflow server?") from error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            raise Unavailable(f"The server {self.uri} does not answer: {error}.") from error


def check_path(path: str) -> None:
    """Refuse a path that does not stay below its root. Raises InvalidArgument."""
    if not path or "\\" in path or "\0" in path or any(part in ("", ".", "..") for part in path.split("/")):
        raise InvalidArgument(f"Invalid artifact path {path!r}: it must be relative, and without '.' and '..'.")


def _raise_for(answer: httpx.Response) -> None:
    if not answer.is_success:
        raise _error_of(answer)


def _error_of(answer: httpx.Response) -> MainspringError:
    """Make the error that a server's answer stands for, with the server's own words."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    words = body if isinstance(body, Mapping) else {}
    message = words.get("message") or f"{answer.request.url.copy_with(userinfo=b'')} answered {answer.status_code}."
    kind = _ERROR_OF_CODE.get(str(words.get("error_code"))) or _error_of_status(answer.status_code)
    return kind(str(message))


def _error_of_status(status: int) -> type[MainspringError]:
    for error in ERRORS.values():
        if error.code.status == status:
            return error
    return Unavailable if status >= 500 else Internal
