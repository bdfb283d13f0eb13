"""Large files to the store, in parts side by side and by signed URLs; one that was interrupted goes on where it was.

What is under way is the server's to know. Here a small file in the user's cache says which upload belongs to
which local file, told apart by its place, size and time of change.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

import msgspec

from mainspring.client.progress import Meter, Progress
from mainspring.client.transport import Transport, pause, segment
from mainspring.kit.errors import FailedPrecondition, NotFound, PermissionDenied, Unavailable
from mainspring.modules.artifacts.schemas import (
    Artifact,
    PartNumbers,
    SignedUrls,
    Upload,
    UploadCreate,
    UploadMethod,
    UploadState,
)

CHUNK_BYTES = 1024 * 1024
AT_ONCE = 4
FORGOTTEN_S = 7 * 24 * 3600


class _Begun(msgspec.Struct):
    """What is remembered of an upload."""

    upload_id: str
    sha256: str


def hash_file(source: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class LargeUpload:
    """The upload of one local file to a path below ``owner``."""

    def __init__(self, transport: Transport, owner: str, path: str, source: Path, tell: Progress) -> None:
        self._transport, self._path, self._source, self._tell = transport, path, source, tell
        self._uploads = f"{owner}/uploads"
        self._found = source.stat()
        self._memory = _Memory(transport.url, owner, path, source, self._found)
        self._stop = threading.Event()

    def run(self, *, resume: bool) -> Artifact | None:
        """Upload the file, and return it as it is stored; None where the ordinary way is the only one.

        Without ``resume`` what an earlier try has uploaded is dropped first.
        """
        upload = self._earlier(resume) or self._begin()
        if upload.method == UploadMethod.PROXY or upload.upload_id is None:
            return None
        self._send(upload)
        self._check_unchanged(upload)
        stored = self._transport.call(Artifact, "POST", f"{self._at(upload.upload_id)}/complete")
        self._memory.forget()
        return stored

    def _earlier(self, resume: bool) -> Upload | None:
        """Return the upload that was interrupted, or None."""
        begun = self._memory.recall()
        if begun is None:
            return None
        if not resume:
            self._transport.do("DELETE", self._at(begun.upload_id))
            return None
        try:
            upload = self._transport.call(Upload, "GET", self._at(begun.upload_id))
        except NotFound:
            return None
        return upload if upload.state == UploadState.OPEN else None

    def _begin(self) -> Upload:
        wanted = UploadCreate(self._path, self._found.st_size, hash_file(self._source))
        upload = self._transport.call(Upload, "POST", self._uploads, body=wanted)
        if upload.upload_id:
            self._memory.keep(_Begun(upload.upload_id, upload.sha256))
        return upload

    def _at(self, upload_id: str) -> str:
        return f"{self._uploads}/{segment(upload_id)}"

    def _send(self, upload: Upload) -> None:
        """Send the parts that have not come yet, a few at a time; what fails for good stops the others."""
        sizes = dict(enumerate(_part_sizes(upload), start=1))
        there = {part.number for part in upload.uploaded if sizes.get(part.number) == part.size}
        meter = Meter(self._tell, self._path, upload.size)
        meter.add(sum(sizes[number] for number in there))
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="upload") as pool:
            parts = [
                pool.submit(self._send_part, upload, number, size, meter)
                for number, size in sizes.items()
                if number not in there
            ]
            try:
                done, _ = wait(parts, return_when=FIRST_EXCEPTION)
                for part in done:
                    part.result()
            finally:
                self._stop.set()
                pool.shutdown(cancel_futures=True)

    def _send_part(self, upload: Upload, number: int, size: int, meter: Meter) -> None:
        """Send one part, again where the way broke or the URL's time was over: it replaces what came before."""
        attempt = 0
        while True:
            try:
                return self._try_part(upload, number, size, meter)
            except (Unavailable, PermissionDenied) as error:
                if attempt >= self._transport.retries or self._stop.is_set():
                    raise
                pause(error, attempt)
                attempt += 1

    def _try_part(self, upload: Upload, number: int, size: int, meter: Meter) -> None:
        assert upload.upload_id is not None
        path = f"{self._at(upload.upload_id)}/parts"
        [signed] = self._transport.call(SignedUrls, "POST", path, body=PartNumbers([number])).items
        sent = 0

        def chunks() -> Iterator[bytes]:
            nonlocal sent
            with self._source.open("rb") as file:
                file.seek((number - 1) * upload.part_size)
                while sent < size:
                    if self._stop.is_set():
                        raise FailedPrecondition("The upload was stopped.")
                    chunk = file.read(min(CHUNK_BYTES, size - sent))
                    if not chunk:
                        raise FailedPrecondition(f"'{self._source}' has become shorter while it was uploaded.")
                    yield chunk
                    sent += len(chunk)
                    meter.add(len(chunk))

        try:
            with self._transport.signed(signed, {"Content-Length": str(size)}, chunks()):
                return
        except BaseException:
            meter.add(-sent)
            raise

    def _check_unchanged(self, upload: Upload) -> None:
        """Drop the upload if the file is another than the one whose hash was announced (FailedPrecondition)."""
        now = self._source.stat()
        if (now.st_size, now.st_mtime_ns) == (self._found.st_size, self._found.st_mtime_ns):
            return
        self._transport.do("DELETE", self._at(upload.upload_id or ""))
        self._memory.forget()
        raise FailedPrecondition(f"'{self._source}' has changed while it was uploaded: upload it again.")


class _Memory:
    """The file of the user's cache that says which upload a local file belongs to."""

    def __init__(self, url: str, owner: str, path: str, source: Path, found: os.stat_result) -> None:
        identity = [url, owner, path, str(source.resolve()), found.st_size, found.st_mtime_ns, found.st_ino]
        name = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
        self._folder = _cache_folder() / "uploads"
        self._file = self._folder / f"{name}.json"

    def recall(self) -> _Begun | None:
        """Return what was kept, or None."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Begun)
        except (OSError, msgspec.DecodeError):
            return None

    def keep(self, begun: _Begun) -> None:
        """Remember an upload, if the cache can be written: without it an upload cannot go on, and is no worse else."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._forget_old()
            new = self._file.with_suffix(f".{os.getpid()}")
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(begun))
            new.replace(self._file)

    def forget(self) -> None:
        """Forget the upload."""
        with contextlib.suppress(OSError):
            self._file.unlink()

    def _forget_old(self) -> None:
        """Remove what belongs to uploads that the server has long dropped."""
        for file in self._folder.iterdir():
            if file.stat().st_mtime < time.time() - FORGOTTEN_S:
                file.unlink()


def _cache_folder() -> Path:
    """Return our folder among the user's caches. Source: XDG Base Directory Specification."""
    caches = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(caches) if os.path.isabs(caches) else Path.home() / ".cache") / "mainspring"


def _part_sizes(upload: Upload) -> Iterator[int]:
    """Yield the sizes of all parts; an empty file has one, which is empty."""
    left = upload.size
    while True:
        yield min(left, upload.part_size)
        left -= upload.part_size
        if left <= 0:
            return
