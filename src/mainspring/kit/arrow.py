"""Tables as Arrow streams, which notebooks read without parsing."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

MEDIA_TYPE = "application/vnd.apache.arrow.stream"


class Kind(StrEnum):
    """What a column holds: text, 64-bit integers or 64-bit floats; each may be missing (None)."""

    TEXT = "utf8"
    INTEGER = "int64"
    NUMBER = "float64"


Columns = Mapping[str, tuple[Kind, Sequence[Any]]]


def ipc_stream(columns: Columns) -> bytes:
    """Return columns of one length as an Arrow IPC stream of one batch. Source: the Arrow columnar format."""
    # Loaded here: most servers are never asked for a table.
    from arro3.core import Array, DataType, Table
    from arro3.io import write_ipc_stream

    arrays: dict[str, Any] = {
        name: Array(list(values), getattr(DataType, kind)()) for name, (kind, values) in columns.items()
    }
    stream = io.BytesIO()
    write_ipc_stream(Table.from_pydict(arrays), stream)
    return stream.getvalue()


def accepts(header: str | None) -> bool:
    """Say whether an ``Accept`` header asks for an Arrow stream; without it an answer is JSON."""
    return any(part.partition(";")[0].strip().lower() == MEDIA_TYPE for part in (header or "").split(","))
