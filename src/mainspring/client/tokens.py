"""What a client proves itself with: an argument, the environment, or what ``mainspring login`` has kept.

A token is sent to the server that it is for, and to no other: those of the environment belong to the server that
the environment names, where it names one; those that are kept belong to the address they were got from.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import unquote, urlsplit

import httpx
import msgspec

from mainspring.kit.errors import FailedPrecondition, InvalidArgument

SERVERS = ("MAINSPRING_URL", "MLFLOW_TRACKING_URI")
TOKENS = ("MAINSPRING_TOKEN", "MLFLOW_TRACKING_TOKEN")
USER, PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"


class Authorization(httpx.Auth):
    """The header that proves who asks, for requests to one origin. It does not show itself."""

    def __init__(self, origin: str, header: str) -> None:
        self._origin, self._header = origin, header

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the header, unless the request goes elsewhere."""
        if origin_of(str(request.url)) == self._origin:
            request.headers["Authorization"] = self._header
        yield request


class Kept(msgspec.Struct):
    """The file of kept tokens: origin → token."""

    tokens: dict[str, str] = {}


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def authorization(url: str, token: str | None = None) -> httpx.Auth | None:
    """Return what proves who asks to the server at ``url``, None where there is nothing.

    ``token`` comes first, then user and password in ``url``, the environment, and what ``mainspring login`` kept.
    """
    origin = origin_of(url)
    parts = urlsplit(url)
    if token:
        return Authorization(origin, _bearer(token, "token"))
    if parts.username is not None:
        return Authorization(origin, _basic(unquote(parts.username), unquote(parts.password or "")))
    header = _of_environment(origin)
    if header is None and (kept := kept_token(url)):
        header = _bearer(kept, "the kept token")
    return None if header is None else Authorization(origin, header)


def token_file() -> Path:
    """Return where tokens are kept."""
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "mainspring" / "credentials.json"


def kept_token(url: str) -> str | None:
    """Return the token that is kept for the server at ``url``. Raises FailedPrecondition for a file that is broken."""
    return _read(token_file()).tokens.get(origin_of(url))


def keep_token(url: str, token: str) -> None:
    """Keep a token for the server at ``url``, readable by its owner alone."""
    with _changing() as kept:
        kept.tokens[origin_of(url)] = token


def forget_token(url: str) -> None:
    """Keep no token for the server at ``url`` any more."""
    with _changing() as kept:
        kept.tokens.pop(origin_of(url), None)


def _of_environment(origin: str) -> str | None:
    named = next(
        (url for name in SERVERS if (url := os.environ.get(name, "")).startswith(("http://", "https://"))), None
    )
    if named is not None and origin_of(named) != origin:
        return None
    for name in TOKENS:
        if token := os.environ.get(name):
            return _bearer(token, name)
    user, password = os.environ.get(USER), os.environ.get(PASSWORD)
    return _basic(user, password) if user and password else None


def _bearer(token: str, field: str) -> str:
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise InvalidArgument(f"{field} is no token: it must consist of printable ASCII without spaces.", field=field)
    return f"Bearer {token}"


def _basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def _read(path: Path) -> Kept:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Kept)
    except FileNotFoundError:
        return Kept()
    except (OSError, msgspec.DecodeError) as error:
        # What the file holds is not repeated.
        raise FailedPrecondition(f"{path} cannot be read ({type(error).__name__}): mend or remove it.") from error


@contextmanager
def _changing() -> Iterator[Kept]:
    """Yield what is kept, and keep what it has become: in a file that takes the old one's place at once."""
    path = token_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    kept = _read(path)
    yield kept
    with NamedTemporaryFile(dir=path.parent, delete=False) as fresh:  # made with the mode 0600
        fresh.write(msgspec.json.format(msgspec.json.encode(kept)))
    os.replace(fresh.name, path)
