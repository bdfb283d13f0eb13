"""Large files from the store: from where they are, checked by their hash; one that was interrupted goes on.

What has come lies beside the target in a hidden file, whose name is made of what is downloaded: it goes on only
with the same bytes, those of one ETag, and takes the target's name once it is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx

from mainspring.client.progress import Meter, Progress
from mainspring.client.transport import Transport, pause
from mainspring.kit.errors import FailedPrecondition, PermissionDenied, Unavailable
from mainspring.modules.artifacts.schemas import SignedDownload

CHUNK_BYTES = 1024 * 1024
# What a proxy has compressed has other offsets.
AS_IT_IS = {"Accept-Encoding": "identity"}


def describe(transport: Transport, owner: str, path: str, expires_s: int | None = None) -> SignedDownload:
    """Return what is known of a file, and a signed request to read it. NotFound if there is none."""
    query = {"expires_s": expires_s}
    return transport.call(SignedDownload, "GET", f"{owner}/downloads/{quote(path, safe='/')}", query=query)


def download_large(transport: Transport, owner: str, offer: SignedDownload, target: Path, tell: Progress) -> None:
    """Write the file that is offered to ``target``, going on where an earlier try was interrupted."""
    meter = Meter(tell, offer.path, offer.size)
    with _open_part(transport, owner, offer, target) as part:
        meter.add(part.done)
        attempt = 0
        while part.done < offer.size:
            before = part.done
            try:
                _fetch_rest(transport, owner, offer, part, meter)
            except (Unavailable, PermissionDenied) as error:
                attempt = 1 if part.done > before else attempt + 1
                if attempt > transport.retries:
                    raise
                pause(error, attempt)
                offer = _offer_again(transport, owner, offer, part)
        part.publish(offer, target)


class _Part:
    """What has come of a file: its size so far, and the hash of it."""

    def __init__(self, path: Path, descriptor: int, size: int) -> None:
        self.path, self._descriptor = path, descriptor
        self.done = 0
        self._hash = hashlib.sha256()
        while self.done < size and (chunk := os.read(descriptor, min(CHUNK_BYTES, size - self.done))):
            self._hash.update(chunk)
            self.done += len(chunk)
        os.ftruncate(descriptor, self.done)

    def append(self, chunk: bytes) -> None:
        """Write what has come."""
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self._hash.update(chunk)
        self.done += len(chunk)

    def publish(self, offer: SignedDownload, target: Path) -> None:
        """Give the whole file its name, if its hash is the one that is known; else it goes (Unavailable)."""
        sha256 = self._hash.hexdigest()
        if offer.sha256 not in (None, sha256):
            self.path.unlink()
            whose = "the server has recorded" if offer.verified else "whoever uploaded it has announced"
            raise Unavailable(
                f"What came of '{offer.path}' has the SHA-256 {sha256}, {whose} {offer.sha256}: it was damaged on its "
                "way, or in the store. Download it again."
            )
        self.path.replace(target)


@contextmanager
def _open_part(transport: Transport, owner: str, offer: SignedDownload, target: Path) -> Iterator[_Part]:
    """Yield what has come so far. FailedPrecondition if another process is about it."""
    import fcntl  # not on every system on which this package can be imported

    target.parent.mkdir(parents=True, exist_ok=True)
    identity = json.dumps([transport.url, owner, offer.path, offer.etag, target.name])
    path = target.with_name(f".{hashlib.sha256(identity.encode()).hexdigest()[:32]}.part")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield _Part(path, descriptor, offer.size)
    except BlockingIOError as error:
        raise FailedPrecondition(f"'{target}' is being downloaded by another process.") from error
    finally:
        os.close(descriptor)


def _fetch_rest(transport: Transport, owner: str, offer: SignedDownload, part: _Part, meter: Meter) -> None:
    """Ask for all that has not come yet: from the store itself where it can be asked, else from the server."""
    headers = AS_IT_IS | {"Range": f"bytes={part.done}-"}
    answer = (
        transport.signed(offer.signed, headers)
        if offer.signed.direct
        else transport.get_file(f"{owner}/artifacts/{quote(offer.path, safe='/')}", headers)
    )
    with answer as reply:
        _check_range(reply, offer, part.done)
        for chunk in reply.iter_raw():
            part.append(chunk)
            meter.add(len(chunk))


def _check_range(reply: httpx.Response, offer: SignedDownload, start: int) -> None:
    """Raise Unavailable unless an answer has the bytes of the offered file from ``start``."""
    told = reply.headers.get("Content-Range", "")
    fits = reply.status_code == 206 and told == f"bytes {start}-{offer.size - 1}/{offer.size}"
    if not fits or reply.headers.get("ETag") != offer.etag:
        raise Unavailable(f"'{offer.path}' was not sent as it was asked for, from byte {start}: got {told or 'all'}.")


def _offer_again(transport: Transport, owner: str, offer: SignedDownload, part: _Part) -> SignedDownload:
    """Return a new offer of the same bytes, whose URL is good for a while again."""
    again = describe(transport, owner, offer.path)
    if again.etag != offer.etag:
        part.path.unlink()
        raise Unavailable(f"'{offer.path}' has changed while it was downloaded: download it again.")
    return again
