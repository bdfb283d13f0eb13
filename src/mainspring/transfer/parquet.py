"""Parquet files that grow row by row, several at once, a group of rows in memory each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from types import TracebackType
from typing import Any

from arro3.core import Array, DataType, RecordBatch, RecordBatchReader
from arro3.io import write_parquet

from mainspring.kit.errors import Unavailable
from mainspring.transfer.tables import TABLES, schema_of

BATCH_ROWS = 10_000
BATCH_CHARACTERS = 16_000_000
GROUP_ROWS = 131_072
COMPRESSION = "zstd(3)"
WAIT_S = 1.0
ABANDON_S = 10.0


class TableFile:
    """The file of one table in ``folder``. ``rows`` counts what was added; it is whole after ``close``.

    A thread of its own writes, since the writer asks for rows and cannot be handed them.
    """

    def __init__(self, table: str, folder: Path) -> None:
        self.path = folder / f"{table}.parquet"
        self.rows = 0
        self._kinds = list(TABLES[table].values())
        self._schema = schema_of(table)
        self._columns: list[list[Any]] = [[] for _ in self._kinds]
        self._characters = 0
        self._batches: Queue[RecordBatch | None] = Queue(2)
        self._failure: Exception | None = None
        self._thread = Thread(target=self._write, name=f"write-{table}", daemon=True)
        self._thread.start()

    def add(self, *row: Any) -> None:
        """Add a row: a value a column, times in ms since the epoch."""
        for column, value in zip(self._columns, row, strict=True):
            column.append(value)
            if isinstance(value, str):
                self._characters += len(value)
        self.rows += 1
        if len(self._columns[0]) == BATCH_ROWS or self._characters > BATCH_CHARACTERS:
            self._hand_over()

    def close(self) -> None:
        """Write what is left, and the end of the file."""
        self._hand_over()
        self._put(None)
        self._thread.join()
        self._check()

    def abandon(self) -> None:
        """End the thread; the file is of no use."""
        while not self._batches.empty():
            self._batches.get_nowait()
        self._batches.put(None)
        # A thread that still writes when the interpreter ends would bring the process down.
        self._thread.join(ABANDON_S)

    def _hand_over(self) -> None:
        arrays = [_array(column, kind) for column, kind in zip(self._columns, self._kinds, strict=True)]
        self._put(RecordBatch.from_arrays(arrays, schema=self._schema))
        self._columns = [[] for _ in self._kinds]
        self._characters = 0

    def _put(self, batch: RecordBatch | None) -> None:
        while True:
            self._check()
            try:
                return self._batches.put(batch, timeout=WAIT_S)
            except Full:
                continue  # the disk is slow, or the writer has failed: the check tells

    def _check(self) -> None:
        if self._failure:
            raise Unavailable(f"{self.path} cannot be written: {self._failure}.") from self._failure

    def _write(self) -> None:
        batches: Iterator[RecordBatch] = iter(self._batches.get, None)
        try:
            reader = RecordBatchReader.from_batches(self._schema, batches)
            write_parquet(reader, self.path, compression=COMPRESSION, max_row_group_size=GROUP_ROWS)
        except Exception as error:  # noqa: BLE001 - the other thread raises it
            self._failure = error


class TableFiles:
    """The files of several tables, by name. Leaving the ``with`` block closes them."""

    def __init__(self, tables: list[str], folder: Path) -> None:
        self.files = {table: TableFile(table, folder) for table in tables}

    def __getitem__(self, table: str) -> TableFile:
        return self.files[table]

    def __enter__(self) -> TableFiles:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        for file in self.files.values():
            file.abandon() if error else file.close()


def _array(values: list[Any], kind: DataType) -> Array:
    # Times cannot be made of Python's integers at once.
    return Array(values, DataType.int64()).cast(kind) if DataType.is_timestamp(kind) else Array(values, kind)
