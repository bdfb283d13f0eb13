"""Files of this machine: streamed to a server and from it.

A downloaded file appears whole or not at all, and nowhere but where the caller wants it.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from mainspring.client.downloads import AS_IT_IS
from mainspring.client.progress import Meter, Progress, Transfer
from mainspring.client.transport import Query, Transport
from mainspring.client.uploads import hash_file
from mainspring.kit.errors import FailedPrecondition, Unavailable

T = TypeVar("T")

CHUNK_BYTES = 1024 * 1024


def fetch_file(
    transport: Transport,
    url: str,
    path: str,
    size: int | None,
    target: Path,
    tell: Progress,
    query: Query | None = None,
) -> None:
    """Write the file of a URL to ``target``; what lies there stays until all of it has come."""
    meter, digest = Meter(tell, path, size), hashlib.sha256()
    with (
        transport.get_file(url, AS_IT_IS, query) as reply,
        reporting(target),
        _new_file(target) as part,
    ):
        meter.add(0)
        for chunk in reply.iter_raw():
            _write_all(part, chunk)
            digest.update(chunk)
            meter.add(len(chunk))
        _check_digest(reply.headers.get("Repr-Digest"), digest.digest(), path)


def send_file(
    transport: Transport,
    answer: type[T],
    url: str,
    path: str,
    source: Path,
    tell: Progress,
    headers: dict[str, str] | None = None,
) -> T:
    """Send a file of this machine to a URL by PUT, and return what is answered."""
    size = source.stat().st_size
    digest = base64.b64encode(bytes.fromhex(hash_file(source))).decode()

    def chunks() -> Iterator[bytes]:
        meter, done = Meter(tell, path, size), 0
        with source.open("rb") as file:
            while done < size:
                chunk = file.read(min(CHUNK_BYTES, size - done))
                if not chunk:
                    raise FailedPrecondition(f"'{source}' has become shorter while it was uploaded.")
                yield chunk
                done += len(chunk)
                meter.add(len(chunk))

    tell(Transfer(path, 0, size))
    return transport.put_file(answer, url, size, chunks, {"Content-Digest": f"sha-256=:{digest}:", **(headers or {})})


def _check_digest(told: str | None, sha256: bytes, path: str) -> None:
    """Raise Unavailable for bytes that are not those whose hash the server tells."""
    if told not in (None, f"sha-256=:{base64.b64encode(sha256).decode()}:"):
        raise Unavailable(f"What came of '{path}' has not the hash that the server tells: download it again.")


def check_no_links(root: Path, target: Path) -> None:
    """Raise FailedPrecondition where a link on the way from ``root`` to ``target`` would lead out of it."""
    for folder in target.relative_to(root).parents:
        if (root / folder).is_symlink() and folder != Path("."):
            raise FailedPrecondition(f"'{root / folder}' is a link: download into a folder without links.")


@contextmanager
def _new_file(target: Path) -> Iterator[int]:
    """Yield the descriptor of a file that takes the place of ``target`` in the end, unless something fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _write_all(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@contextmanager
def reporting(path: Path) -> Iterator[None]:
    """Raise FailedPrecondition for what the file system refuses."""
    try:
        yield
    except OSError as error:
        raise FailedPrecondition(f"'{error.filename or path}': {error.strerror}.") from error
