"""Talking to an MLflow server: who we are, what its failures mean, and when to ask again."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx

from mainspring.kit.errors import InvalidArgument, MainspringError, PermissionDenied, Unauthenticated, Unavailable
from mainspring.settings import mask

TIMEOUT_S = 300.0
PAUSES_S = (0.5, 2.0, 8.0)
AWAY = {429, 502, 503, 504}
ABSENT = {404, 405, 501}
SHOWN = 300

Json = dict[str, Any]


class Address:
    """The address of an MLflow server and how to log in there; ``url`` has neither user nor password."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidArgument(
                f"'{mask(url)}' is no address of a server: it must be like http://mlflow.example:5000."
            )
        self.url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        user = unquote(parts.username or os.environ.get("MLFLOW_TRACKING_USERNAME", ""))
        password = unquote(parts.password or os.environ.get("MLFLOW_TRACKING_PASSWORD", ""))
        token = os.environ.get("MLFLOW_TRACKING_TOKEN")
        self.auth = httpx.BasicAuth(user, password) if user else None
        self.headers = {"Authorization": f"Bearer {token}"} if token and not user else {}


class MlflowServer:
    """The REST API of an MLflow server. A request that finds the server away is sent again, three times at most."""

    def __init__(self, url: str) -> None:
        address = Address(url)
        self.url = address.url
        self._http = httpx.Client(auth=address.auth, headers=address.headers, timeout=TIMEOUT_S)

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, query: Json) -> Json:
        """Return the answer to a GET of ``path``, which starts with a slash."""
        return answer_of(self._send("GET", path, params=query), f"{self.url}{path}")

    def post(self, path: str, body: Json) -> Json:
        """Return the answer to a search by POST."""
        return answer_of(self._send("POST", path, json=body), f"{self.url}{path}")

    def pages(self, path: str, query: Json, field: str, *, post: bool = True) -> Iterator[list[Json]]:
        """Yield what each page of a search has in ``field``; nothing where the server knows no such search."""
        token = ""
        while True:
            asked = {**query, "page_token": token} if token else query
            response = self._send("POST", path, json=asked) if post else self._send("GET", path, params=asked)
            if response.status_code in ABSENT and not token:
                return
            answer = answer_of(response, f"{self.url}{path}")
            yield answer.get(field) or []
            previous, token = token, answer.get("next_page_token") or ""
            if not token or token == previous:
                return

    def knows(self, path: str, query: Json) -> bool:
        """Say whether the server answers a GET of ``path`` at all."""
        response = self._send("GET", path, params=query)
        return response.status_code not in ABSENT or "RESOURCE_DOES_NOT_EXIST" in response.text

    def _send(self, method: str, path: str, **asked: Any) -> httpx.Response:
        for pause in (*PAUSES_S, None):
            try:
                response = self._http.request(method, f"{self.url}{path}", **asked)
                if response.status_code not in AWAY or pause is None:
                    return response
            except httpx.TransportError as error:
                if pause is None:
                    raise Unavailable(f"The MLflow server {self.url} cannot be reached: {error}.") from error
            time.sleep(pause)
        raise AssertionError("unreachable")


def answer_of(response: httpx.Response, url: str) -> Json:
    """Return the JSON of an answer, else raise what its status means."""
    if response.status_code != 200:
        raise failure(response.status_code, response.text, url)
    try:
        # Not by msgspec: servers send the bare NaN and Infinity of Python's json.
        answer = json.loads(response.content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise InvalidArgument(f"{url} did not answer with JSON: is it the address of an MLflow server?")
    return answer


def failure(status: int, text: str, url: str) -> MainspringError:
    """Return the error that an answer of an MLflow server stands for."""
    said = f"{url} answered {status}: {' '.join(text.split())[:SHOWN]}"
    if status == 401:
        return Unauthenticated(
            f"{said}. Give MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN."
        )
    if status == 403:
        return PermissionDenied(said)
    if status >= 500 or status == 429:
        return Unavailable(said)
    return InvalidArgument(said)
