"""Requests to identity providers: bounded in time and in size, without redirects, asked again where that is safe."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from mainspring.kit.errors import Unauthenticated, Unavailable

T = TypeVar("T")

TIMEOUT = httpx.Timeout(8.0, connect=3.0)
WHOLE_S = 10.0
MAX_BYTES = 512 * 1024
TRIES = 3
FIRST_PAUSE_S = 0.2
RETRY_AFTER_S = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered: a status below 500, and the whole body."""

    status: int
    body: bytes


async def send(
    method: str, url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Send one request. Raises Unavailable, which tells neither what was sent nor what was answered."""
    given = {"Accept": "application/json", **(headers or {}), "Accept-Encoding": "identity"}
    try:
        async with (
            asyncio.timeout(WHOLE_S),
            httpx.AsyncClient(verify=_trusted(), timeout=TIMEOUT) as client,
            client.stream(method, url, data=form, headers=given) as answer,
        ):
            body = await _read(answer)
    except (httpx.TransportError, TimeoutError) as error:
        raise _away(url, type(error).__name__) from error
    if answer.status_code >= 500 or answer.status_code == 429:
        raise _away(url, f"status {answer.status_code}")
    return Answer(answer.status_code, body)


async def get(kind: type[T], url: str, *, token: str | None = None) -> T:
    """Return what a GET of ``url`` answers in JSON, asked up to three times.

    ``token`` is a user's access token. Raises Unauthenticated where that is refused, else Unavailable.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    for attempt in range(TRIES - 1):
        try:
            return _decode(kind, url, await send("GET", url, headers=headers), as_user=bool(token))
        except Unavailable:
            await asyncio.sleep(FIRST_PAUSE_S * 2**attempt)
    return _decode(kind, url, await send("GET", url, headers=headers), as_user=bool(token))


@cache
def _trusted() -> ssl.SSLContext:
    """Return the certificates that are trusted: reading them is most of what a client costs."""
    return httpx.create_ssl_context()


async def _read(answer: httpx.Response) -> bytes:
    if answer.is_redirect:
        raise httpx.RemoteProtocolError(f"status {answer.status_code} leads elsewhere")
    # What comes compressed may be a thousand times larger than it looks.
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise httpx.RemoteProtocolError("the answer is compressed, which was not asked for")
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            raise httpx.RemoteProtocolError(f"the answer is larger than {MAX_BYTES} bytes")
    return bytes(body)


def _decode(kind: type[T], url: str, answer: Answer, *, as_user: bool) -> T:
    if as_user and answer.status in (401, 403):
        raise Unauthenticated("The identity provider does not let this user in (any more).")
    if answer.status != 200:
        raise _away(url, f"status {answer.status}")
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.DecodeError as error:
        raise _away(url, "an answer that is not as OpenID Connect has it") from error


def _away(url: str, reason: str) -> Unavailable:
    parts = urlsplit(url)
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    return Unavailable(f"The identity provider does not serve {where} ({reason}).", retry_after=RETRY_AFTER_S)
