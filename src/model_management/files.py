"""Files that are there whole or not at all, and still there after the power fails."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from pathlib import Path

from mainspring.kit.errors import Unavailable


def write_durably(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file beside its place, flush it to the disk and rename it into place.

    Raises Unavailable, and leaves what was there before, where the disk is full or refuses.
    """
    unfinished = path.with_name(f".{uuid.uuid4().hex}.unfinished")
    try:
        try:
            with unfinished.open("xb") as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        _flush_folder(path.parent)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error}.") from error


def _flush_folder(folder: Path) -> None:
    """Make the rename itself durable: POSIX keeps it in the folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
