"""How a Gitea or Forgejo is asked: calls that are bounded in time and size, and tried again where that may help.

A token goes to the address of the setting alone, in a header; where that leads elsewhere for a file's bytes, to an
object store say, nothing goes along.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin, urlsplit

import msgspec

from mainspring.kit.errors import (
    InvalidArgument,
    MainspringError,
    NotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)

if TYPE_CHECKING:
    import httpx

MAX_ANSWER = 32 * 1024 * 1024
MAX_REDIRECTS = 3
TRIES = 3
PAUSE_S = 0.3
LONGEST_PAUSE_S = 10.0
SILENCE_S = 30.0
CONNECT_S = 5.0
CALLS = 10
REDIRECTS = (301, 302, 303, 307, 308)
PASSING = (429, 502, 503, 504)

_T = TypeVar("_T")


class GiteaHttp:
    """The calls to one Gitea."""

    def __init__(self, url: str, own_token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise InvalidArgument(
                "The address of a Gitea must be http:// or https://, a host and perhaps a path.", field="sources"
            )
        self.url = url.rstrip("/")
        self._origin = (parts.scheme, parts.netloc)
        self._own_token = own_token
        self._opened: httpx.AsyncClient | None = None
        self._calls = asyncio.Semaphore(CALLS)

    async def get(self, kind: type[_T], path: str, token: str | None, params: Mapping[str, str | int]) -> _T:
        """Return what Gitea answers in JSON at a path of its API. Raises what the port says."""
        body = await self._ask("GET", path, token, params)
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Unavailable(f"What answers at {self.url} is no Gitea, or of another release.") from error

    async def send(self, method: str, path: str, token: str | None) -> None:
        """Have Gitea do something."""
        await self._ask(method, path, token, {})

    async def _ask(self, method: str, path: str, token: str | None, params: Mapping[str, str | int]) -> bytes:
        async with self._calls, self.open(method, path, token, params) as response:
            body = bytearray()
            async for chunk in self.chunks(response):
                body += chunk
                if len(body) > MAX_ANSWER:
                    raise Unavailable(f"Gitea at {self.url} answers with more than {MAX_ANSWER} bytes.")
            return bytes(body)

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        token: str | None,
        params: Mapping[str, str | int],
        bytes_range: str = "",
    ) -> AsyncIterator[httpx.Response]:
        """Open a good answer, 2xx, or 416 to a range. Raises what the port says for others."""
        response = await self._arrive(method, f"{self.url}/api/v1/{path}", token, params, bytes_range)
        try:
            if not response.is_success and response.status_code != 416:
                raise self._error(response.status_code, token)
            yield response
        finally:
            await response.aclose()

    async def chunks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """Yield the bytes of an answer. Raises Unavailable where they break off."""
        import httpx

        try:
            # What comes compressed may be a thousand times larger than it looks.
            if response.headers.get("content-encoding", "identity") != "identity":
                raise Unavailable(f"Gitea at {self.url} compresses its answer, which was not asked for.")
            async for chunk in response.aiter_raw():
                yield chunk
        except httpx.HTTPError as error:
            raise Unavailable(f"The answer of Gitea at {self.url} broke off ({type(error).__name__}).") from error

    async def close(self) -> None:
        """Close all connections."""
        if self._opened is not None:
            await self._opened.aclose()
            self._opened = None

    async def _arrive(
        self, method: str, url: str, token: str | None, params: Mapping[str, str | int], bytes_range: str
    ) -> httpx.Response:
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._persist(method, url, token, params, bytes_range)
            if response.status_code not in REDIRECTS:
                return response
            await response.aclose()
            url, params = urljoin(url, response.headers.get("location", "")), {}
            if urlsplit(url).scheme not in ("http", "https") or (method != "GET" and not self._is_own(url)):
                break
        raise Unavailable(f"Gitea at {self.url} leads elsewhere: the source must be called by its own address.")

    async def _persist(
        self, method: str, url: str, token: str | None, params: Mapping[str, str | int], bytes_range: str
    ) -> httpx.Response:
        """Ask until there is an answer, or there were too many failures."""
        import httpx

        reason, pause = "", PAUSE_S
        for _ in range(TRIES):
            if reason:
                await asyncio.sleep(pause)
                pause *= 2
            try:
                headers = self._headers(url, token) | ({"Range": bytes_range} if bytes_range else {})
                request = self._client().build_request(method, url, params=params or None, headers=headers)
                response = await self._client().send(request, stream=True)
            except (httpx.TransportError, httpx.InvalidURL) as error:
                reason = type(error).__name__
                continue
            if response.status_code not in PASSING:
                return response
            await response.aclose()
            reason = f"status {response.status_code}"
            pause = max(pause, _told_to_wait_s(response.headers.get("retry-after", "")))
            if pause > LONGEST_PAUSE_S:
                break
        raise Unavailable(f"Gitea at {self.url} does not answer ({reason}).", retry_after=pause)

    def _headers(self, url: str, token: str | None) -> dict[str, str]:
        sent = self._own_token if token is None else token
        if token is not None and not (token and token.isascii() and token.isprintable()):
            raise Unauthenticated("This is not a token of Gitea: it must be of printable characters.")
        return {"Authorization": f"token {sent}"} if sent and self._is_own(url) else {}

    def _is_own(self, url: str) -> bool:
        parts = urlsplit(url)
        return (parts.scheme, parts.netloc) == self._origin

    def _error(self, status: int, token: str | None) -> MainspringError:
        if status in (404, 409, 410, 422):
            return NotFound(f"Gitea at {self.url} shows nothing of this name.")
        if status == 401 and token is not None:
            return Unauthenticated("Gitea does not take this token (any more).")
        if status == 403 and token is not None:
            return PermissionDenied(f"Gitea at {self.url} does not let this account, or this token, have that.")
        return Unavailable(f"Gitea at {self.url} answers with status {status}.")

    def _client(self) -> httpx.AsyncClient:
        if self._opened is None:
            from http.cookiejar import DefaultCookiePolicy

            import httpx

            self._opened = httpx.AsyncClient(
                follow_redirects=False,
                timeout=httpx.Timeout(SILENCE_S, connect=CONNECT_S),
                headers={"User-Agent": "mainspring", "Accept-Encoding": "identity"},
            )
            self._opened.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return self._opened


def _told_to_wait_s(header: str) -> float:
    return float(header) if header.isascii() and header.isdigit() and len(header) < 7 else 0.0
