"""``file:///path``: keys in a file that its owner alone may read, made with the first secret.

A line is a key's id and the key in base64; the last line is the current key. A key that is added is put into a
new file, which then takes the place of the old: readers see the one or the other. Processes that add keys wait for
each other by a lock on the folder.
"""

from __future__ import annotations

import base64
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mainspring.engines.vault.keyring import Keyring
from mainspring.engines.vault.port import KEY_BYTES, WrappedKey, lost
from mainspring.kit.errors import FailedPrecondition, InvalidArgument, Unavailable

HEADER = "# Keys of Mainspring's secrets, the current one last. Without them the secrets are lost: keep a copy.\n"

Stamp = tuple[int, int, int]


class FileVault:
    """Keys in a file; what other processes add to it is seen at once."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.netloc or not parts.path.startswith("/"):
            raise InvalidArgument(f"vault_url is '{url}'; it must be file:///path/of/keys.", field="vault_url")
        self._path = Path(unquote(parts.path))
        self._known: tuple[Stamp, Keyring] | None = None

    def keys(self) -> list[str]:
        """Return the ids of the keys, the current one first; empty where there is no file yet."""
        ring = self._ring()
        return ring.ids if ring else []

    def has(self, key_id: str) -> bool:
        """Say whether the file has this key."""
        return key_id in self.keys()

    def wrap(self, data_key: bytes, context: bytes) -> WrappedKey:
        """Wrap a data key by the current key, which is made where there is none."""
        ring = self._ring()
        if ring is None:
            self._add_key(only_the_first=True)
            ring = self._ring()
        assert ring is not None
        return ring.wrap(data_key, context)

    def unwrap(self, wrapped: WrappedKey, context: bytes) -> bytes:
        """Return the data key."""
        ring = self._ring()
        if ring is None:
            raise lost(wrapped.key_id, str(self._path))
        return ring.unwrap(wrapped, context)

    def rotate(self) -> str:
        """Add a key to the file and return its id."""
        return self._add_key(only_the_first=False)

    def _ring(self) -> Keyring | None:
        """Return the keys of the file as it is now, None where there is no file."""
        try:
            opened = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FailedPrecondition(f"The key file {self._path} cannot be read: {error.strerror}.") from error
        with os.fdopen(opened, "rb") as file:
            status = os.fstat(opened)
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
            _check_private(self._path, status)
            if self._known is None or self._known[0] != stamp:
                self._known = stamp, Keyring(_parse(file.read(), self._path), str(self._path))
        return self._known[1]

    def _add_key(self, *, only_the_first: bool) -> str:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _locked(self._path.parent):
                return self._write_key(only_the_first)
        except OSError as error:
            raise Unavailable(f"No key can be added to the key file {self._path}: {error.strerror}.") from error

    def _write_key(self, only_the_first: bool) -> str:
        ring = self._ring()
        if ring and only_the_first:
            return ring.ids[0]
        before = self._path.read_text().rstrip() + "\n" if ring else HEADER
        key_id = f"key-{secrets.token_hex(8)}"
        line = f"{key_id} {base64.b64encode(os.urandom(KEY_BYTES)).decode()}\n"
        _write_whole(self._path, before + line)
        return key_id


def _check_private(path: Path, status: os.stat_result) -> None:
    if status.st_mode & 0o077:
        raise FailedPrecondition(
            f"The key file {path} may be read or written by others (mode {status.st_mode & 0o777:04o}): "
            f"run chmod 600 {path}."
        )
    if status.st_uid not in (0, os.geteuid()):
        raise FailedPrecondition(f"The key file {path} belongs to the user {status.st_uid}: it must be this server's.")


def _parse(content: bytes, path: Path) -> dict[str, bytes]:
    """Return the keys by their ids, the last line's first. Raises FailedPrecondition, which tells no key."""
    keys: dict[str, bytes] = {}
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        key_id, _, text = line.strip().partition(" ")
        try:
            key = base64.b64decode(text, validate=True)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES or key_id in keys:
            raise FailedPrecondition(
                f"Line {number} of the key file {path} is no key: it must be an id of its own, a space and "
                f"{KEY_BYTES} bytes in base64."
            )
        keys[key_id] = key
    if not keys:
        raise FailedPrecondition(f"The key file {path} holds no key: put it back from a backup, or remove it.")
    return dict(reversed(keys.items()))


def _write_whole(path: Path, text: str) -> None:
    """Put a private file of this content in the place of another, durably."""
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)
