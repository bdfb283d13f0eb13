"""A page of rows of a CSV or TSV file, read from where the page before ended: what lies before is not read again.

A window of the file is in memory, never all of it; a row that does not fit into it is an error.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

from mainspring.kit.errors import InvalidArgument, TooLarge
from mainspring.modules.artifacts.schemas import TableColumn, TablePreview
from mainspring.modules.artifacts.service.previews.cells import MOST_COLUMNS, Room, shorten
from mainspring.modules.artifacts.service.previews.reading import Source

WINDOW_BYTES = 2 * 1024 * 1024
HEADER_BYTES = 256 * 1024
_SEPARATORS = ",;\t|"


def read_delimited(source: Source, place: int, count: int) -> tuple[TablePreview, int | None]:
    """Return up to ``count`` rows from the byte ``place``, 0 for the first, and the byte at which the next page starts.

    Raises InvalidArgument or TooLarge.
    """
    head = source.fetch(0, HEADER_BYTES)
    first_line = head.split(b"\n", 1)[0].removeprefix(b"\xef\xbb\xbf").decode(errors="replace")
    separator = "\t" if source.name.endswith(".tsv") else max(_SEPARATORS, key=first_line.count)
    rows = _Rows(source.name, head, len(head) == source.size, separator)
    names = next(iter(rows), [])
    columns = [TableColumn(shorten(name), "text") for name in names[:MOST_COLUMNS]]
    begin = max(place, rows.done)
    window = source.fetch(begin, begin + WINDOW_BYTES)
    rows = _Rows(source.name, window, begin + len(window) == source.size, separator)
    found: list[list[str | None]] = []
    room, done = Room(), 0
    for row in rows:
        cells: list[str | None] = [shorten(cell) for cell in row[:MOST_COLUMNS]]
        if not room.has(cells):
            break
        found.append(cells)
        done = rows.done
        if len(found) == count:
            break
    following = begin + done
    table = TablePreview(columns, found, len(names))
    return table, following if following < source.size and found else None


class _Rows:
    """The rows of a window; ``done`` is how many of its bytes they took."""

    def __init__(self, name: str, window: bytes, is_last: bool, separator: str) -> None:
        self._name, self._window, self._is_last, self._separator = name, window, is_last, separator
        self._read_to, self._is_over = 0, False
        self.done = 0

    def __iter__(self) -> Iterator[list[str]]:
        try:
            for row in csv.reader(self._lines(), delimiter=self._separator):
                if self._is_over and not self._is_last:
                    break
                self.done = self._read_to
                if row:
                    yield row
        except csv.Error as error:
            raise InvalidArgument(f"'{self._name}' is not CSV that can be shown: {error}.", field="path") from error
        if not self.done and self._window and not self._is_last:
            raise TooLarge(
                f"A row of '{self._name}' has more than {len(self._window)} bytes: it is not shown; download the file.",
                field="path",
            )

    def _lines(self) -> Iterator[str]:
        """Yield the window's lines; the last one, of a window that does not end the file, may be half a line."""
        while self._read_to < len(self._window):
            end = self._window.find(b"\n", self._read_to) + 1
            if not end and not self._is_last:
                break
            line = self._window[self._read_to : end or None]
            self._read_to += len(line)
            text = line.decode(errors="replace")
            yield text.removeprefix("\ufeff") if self._read_to == len(line) else text
        self._is_over = True
