"""The program that reads a page of a Parquet file; it imports nothing of Mainspring (see ``parquet``).

It asks for bytes by a line ``read START END`` on its standard output, gets them on its standard input, and ends with
``answer LENGTH`` and that many bytes of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

BATCH = 512
MOST_COLUMNS = 500
LONGEST_CELL = 1000
PAGE_CHARACTERS = 2_000_000


class Remote:
    """The file, as what reads Parquet wants to have it."""

    def __init__(self, size: int) -> None:
        self._size, self._place = size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, place: int, whence: int = 0) -> int:
        self._place = max(0, place + (0, self._place, self._size)[whence])
        return self._place

    def read(self, count: int = -1) -> bytes:
        start = min(self._place, self._size)
        end = self._size if count < 0 else min(start + count, self._size)
        if start == end:
            return b""
        sys.stdout.buffer.write(b"read %d %d\n" % (start, end))
        sys.stdout.buffer.flush()
        self._place = end
        return sys.stdin.buffer.read(end - start)


def page(size: int, place: int, count: int) -> dict[str, Any]:
    """Return columns and rows as text, and the row at which the next page starts."""
    from arro3.io import read_parquet

    reader = read_parquet(Remote(size), batch_size=BATCH)  # type: ignore[arg-type]
    fields = [reader.schema.field(number) for number in range(len(reader.schema.names))]
    names = [{"name": field.name[:LONGEST_CELL], "type": type_name(str(field.type))} for field in fields[:MOST_COLUMNS]]
    answer = {"columns": names, "total_columns": len(fields)}
    rows: list[list[str | None]] = []
    before, room = 0, PAGE_CHARACTERS
    for batch in reader:
        first = max(0, place - before)
        if first < batch.num_rows:
            part = batch.slice(first, min(batch.num_rows - first, count + 1 - len(rows)))
            cells = [[text(value) for value in column.to_pylist()] for column in part.columns[:MOST_COLUMNS]]
            for row in zip(*cells, strict=True) if cells else []:
                room -= sum(len(cell or "") + 4 for cell in row)
                if len(rows) == count or (room < 0 and rows):
                    return {**answer, "rows": rows, "following": place + len(rows)}
                rows.append(list(row))
        before += batch.num_rows
    return {**answer, "rows": rows, "following": None}


def type_name(written: str) -> str:
    """Return the name of a type on one line: ``arro3.core.DataType<Int64>`` is ``Int64``."""
    inner = written.strip().split("<", 1)[-1] if written.startswith("arro3") else written
    return " ".join(inner.removesuffix(">").split())[:100]


def text(value: Any) -> str | None:
    """Return a value as text of bounded length."""
    if value is None:
        return None
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, (dict, list)):
        value = json.dumps(value, default=lambda inner: text(inner))
    written = value if isinstance(value, str) else str(value)
    return written if len(written) <= LONGEST_CELL else f"{written[:LONGEST_CELL]}…"


def main(size: int, place: int, count: int, memory: int, seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = page(size, place, count)
    except MemoryError:
        return
    except BaseException as error:  # noqa: BLE001 - what reads Parquet panics past Exception
        answer = {"error": str(error)[:300]}
    encoded = json.dumps(answer).encode()
    sys.stdout.buffer.write(b"answer %d\n" % len(encoded) + encoded)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
