"""Where the bytes of models lie: a port, and its back-ends for local folders and object stores."""

from __future__ import annotations

import re
import tempfile
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mainspring.kit.errors import FailedPrecondition, InvalidArgument, NotFound, Unavailable
from model_management.files import write_durably
from model_management.records import ModelVersion

if TYPE_CHECKING:
    from obstore.store import ObjectStore

CHUNK = 1 << 20
OBJECT_SCHEMES = ("s3", "gs")

_KEY = re.compile(r"[0-9a-f]{32}\.[a-z]{1,20}")


@dataclass(frozen=True)
class Payload:
    """The bytes of one model: an open file at its start, their format, SHA-256 and size in bytes.

    ``sha256`` is None where nobody has recorded it: a version that another client put on a server.
    """

    file: BufferedIOBase
    format: str
    sha256: str | None
    size: int | None


class ModelStorage(ABC):
    """Keeps bytes under keys that it makes up itself: no name of a user ever becomes a path."""

    uri: str

    @abstractmethod
    def put(self, payload: Payload) -> str:
        """Store the bytes durably, the whole or nothing, and return their key. Raises Unavailable."""

    @abstractmethod
    def open(self, version: ModelVersion) -> AbstractContextManager[Payload]:
        """Open the bytes of a version for reading. Raises NotFound, Unavailable."""

    @abstractmethod
    def delete(self, version: ModelVersion) -> None:
        """Remove the bytes of a version; those that are gone already are no error."""


class LocalStorage(ModelStorage):
    """Files of one local folder."""

    def __init__(self, folder: Path) -> None:
        """Use, or make, the folder. Raises Unavailable where it cannot be made."""
        self._folder = folder.absolute()
        self.uri = self._folder.as_uri()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"The model store {self._folder} cannot be made: {error}.") from error

    def put(self, payload: Payload) -> str:
        """Write the file, flush it to the disk and rename it into place."""
        key = _new_key(payload.format)
        write_durably(self._folder / key, _chunks(payload.file))
        return key

    @contextmanager
    def open(self, version: ModelVersion) -> Iterator[Payload]:
        """Open the file of a version."""
        try:
            file = (self._folder / _checked_key(version)).open("rb")
        except FileNotFoundError as error:
            raise _bytes_missing(version, self.uri) from error
        except OSError as error:
            raise Unavailable(f"The bytes of {version.name!r} in {self.uri} cannot be read: {error}.") from error
        with file:
            yield Payload(file, version.format, version.sha256, version.size)

    def delete(self, version: ModelVersion) -> None:
        """Remove the file of a version."""
        (self._folder / _checked_key(version)).unlink(missing_ok=True)


class ObjectStorage(ModelStorage):
    """Objects of a store that obstore speaks to: S3 and what imitates it, Google Cloud Storage, memory."""

    def __init__(self, store: ObjectStore, uri: str) -> None:
        """Keep models in ``store``; ``uri`` is its address in records and messages."""
        self._store = store
        self.uri = uri

    def put(self, payload: Payload) -> str:
        """Upload the bytes; large ones in parts, which become visible together."""
        key = _new_key(payload.format)
        with self._translated():
            self._store.put(key, payload.file)
        return key

    @contextmanager
    def open(self, version: ModelVersion) -> Iterator[Payload]:
        """Download the bytes of a version into an unnamed temporary file."""
        with tempfile.TemporaryFile() as file:
            self._download(version, file)
            file.seek(0)
            yield Payload(file, version.format, version.sha256, version.size)

    def delete(self, version: ModelVersion) -> None:
        """Remove the object of a version."""
        with self._translated():
            try:
                self._store.delete(_checked_key(version))
            except FileNotFoundError:
                return

    def _download(self, version: ModelVersion, file: BufferedIOBase) -> None:
        try:
            with self._translated():
                for chunk in self._store.get(_checked_key(version)).stream():
                    file.write(chunk)
        except FileNotFoundError as error:
            raise _bytes_missing(version, self.uri) from error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except BaseError as error:
            raise Unavailable(f"The model store {self.uri} refused or did not answer: {error}") from error


def storage_of(place: str | Path | ModelStorage) -> ModelStorage:
    """Return the storage that a folder, a ``file:``, ``s3://`` or ``gs://`` URL, or an object stands for.

    Credentials, region and endpoint of object stores come from the environment as their own tools
    read them (``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL``, ``GOOGLE_APPLICATION_CREDENTIALS``, …).
    Raises InvalidArgument.
    """
    if isinstance(place, ModelStorage):
        return place
    if isinstance(place, Path) or "://" not in place:
        return LocalStorage(folder_of(place))
    scheme = urlsplit(place).scheme
    if scheme == "file":
        return LocalStorage(folder_of(place))
    if scheme not in OBJECT_SCHEMES:
        raise InvalidArgument(
            f"Models cannot be stored in {scheme}://: use a folder, s3://bucket/prefix or gs://bucket/prefix.",
            field="storage",
        )
    return ObjectStorage(_object_store(place), place)


def folder_of(place: str | Path) -> Path:
    """Return the folder that a path or a ``file:`` URL names. Raises InvalidArgument."""
    if isinstance(place, Path) or not place.startswith("file:"):
        return Path(place)
    url = urlsplit(place)
    if url.netloc not in ("", "localhost") or not url.path.startswith("/"):
        raise InvalidArgument(f"{place!r} is not a local folder: write file:///absolute/path.", field="storage")
    return Path(url2pathname(url.path))


def _object_store(url: str) -> ObjectStore:
    import obstore.store
    from obstore.exceptions import BaseError

    try:
        return obstore.store.from_url(url)
    except (BaseError, ValueError) as error:
        raise InvalidArgument(f"The model store {url} cannot be opened: {error}", field="storage") from error


def _new_key(format: str) -> str:
    return f"{uuid.uuid4().hex}.{format}"


def _checked_key(version: ModelVersion) -> str:
    """Return the key, refused where it is not of the kind we make: metadata may be written by others."""
    if not _KEY.fullmatch(version.key) or not version.key.endswith(f".{version.format}"):
        raise FailedPrecondition(
            f"The metadata of {version.name!r} version {version.version} names the bytes {version.key!r} as "
            f"{version.format!r}: this registry never wrote that."
        )
    return version.key


def _chunks(file: BufferedIOBase) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _bytes_missing(version: ModelVersion, uri: str) -> NotFound:
    return NotFound(
        f"The bytes of {version.name!r} version {version.version} are not in {uri}: they were saved to "
        f"{version.store}. If you trust that store, open the registry with storage={version.store!r}."
    )
