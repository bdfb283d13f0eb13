"""Many points of one metric as columns, and how they are packed into the bytes of a block.

A block is a header and three columns: values, timestamps, steps, little-endian. Values take 4 bytes each
where every one is exact in them, else 8; all equal, they are written once. Of timestamps and steps the
distances to the neighbour before are kept, less the least of them, in 1, 2, 4 or 8 bytes, or none where all are
equal. Arithmetic is modulo 2**64, so that no distance is too large.

Importing this module loads numpy, which a server that only takes single points does without: those who
need it import it where they do.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mainspring.kit.errors import Internal
from mainspring.modules.tracking.positions import Position

MAX_POINTS = 1024
"""How many points a block holds at most, when the compaction makes it."""
VERSION = 1

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# Version; bytes a value (0: all are the same), a timestamp and a step; how many points; then the first
# timestamp and the least distance between two, and the same of the steps.
_HEADER = struct.Struct("<BBBBIqqqq")
_SAME_VALUE = struct.Struct("<d")
_WIDTHS: dict[int, np.dtype[np.unsignedinteger]] = {width: np.dtype(f"<u{width}") for width in (1, 2, 4, 8)}
_VALUES: dict[int, np.dtype[np.floating]] = {4: np.dtype("<f4"), 8: np.dtype("<f8")}


@dataclass(frozen=True, slots=True)
class Points:
    """Points as columns, in the order of their positions and each once. A NaN is a NaN."""

    timestamps: Ints
    steps: Ints
    values: Floats

    def __len__(self) -> int:
        return len(self.values)

    def cut(self, start: int, stop: int) -> Points:
        """Return the points from ``start`` up to ``stop``."""
        return Points(self.timestamps[start:stop], self.steps[start:stop], self.values[start:stop])

    def take(self, places: Ints) -> Points:
        """Return the points at these places."""
        return Points(self.timestamps[places], self.steps[places], self.values[places])

    def position(self, place: int) -> Position:
        """Return the position of one point."""
        return Position.of(self.timestamps.item(place), self.steps.item(place), self.values.item(place))

    def after(self, position: Position) -> Points:
        """Return the points that come after a position."""
        start, stop = _span(self.timestamps, 0, len(self), position.timestamp)
        start, stop = _span(self.steps, start, stop, position.step)
        tied = self.values[start:stop]
        nans = np.isnan(tied)
        # Of the same value there are two at most, the number 0 and the NaN.
        same, behind = _span(np.where(nans, 0.0, tied), 0, len(tied), position.value)
        passed = behind if position.is_nan else behind - int(nans[same:behind].sum())
        return self.cut(start + passed, len(self))


def _span(column: Ints | Floats, start: int, stop: int, value: float) -> tuple[int, int]:
    """Return where in a sorted part of a column the entries equal to a value begin and end."""
    part = column[start:stop]
    return start + int(part.searchsorted(value, "left")), start + int(part.searchsorted(value, "right"))


def arrange(timestamps: Sequence[int] | Ints, steps: Sequence[int] | Ints, values: Sequence[float] | Floats) -> Points:
    """Return points in their order, repeated ones once. Values are NaN where they are no numbers."""
    points = Points(
        np.asarray(timestamps, dtype=np.int64), np.asarray(steps, dtype=np.int64), np.asarray(values, dtype=np.float64)
    )
    return points if is_arranged(points) else _arranged(points)


def merge(parts: Sequence[Points]) -> Points:
    """Return the points of all parts in their order, repeated ones once."""
    # Where the parts do not overlap, nothing is left to sort.
    parts = sorted((part for part in parts if len(part)), key=lambda part: part.position(0))
    if not parts:
        return arrange((), (), ())
    if len(parts) == 1:
        return parts[0]
    together = concatenate(parts)
    return arrange(together.timestamps, together.steps, together.values)


def concatenate(parts: Sequence[Points]) -> Points:
    """Return the points of all parts one after another, as they are: neither in order nor each once."""
    return Points(
        np.concatenate([part.timestamps for part in parts]),
        np.concatenate([part.steps for part in parts]),
        np.concatenate([part.values for part in parts]),
    )


def is_arranged(points: Points) -> bool:
    """Say whether points are surely in order and distinct; those of the same time and step are not looked at."""
    times, steps = points.timestamps, points.steps
    later = times[1:] > times[:-1]
    if later.all():
        return True
    later |= (times[1:] == times[:-1]) & (steps[1:] > steps[:-1])
    return bool(later.all())


def _arranged(points: Points) -> Points:
    nans = np.isnan(points.values)
    numbers = np.where(nans, 0.0, points.values)
    order = np.lexsort((nans, numbers, points.steps, points.timestamps))
    columns = [column[order] for column in (points.timestamps, points.steps, numbers, nans)]
    distinct = np.ones(len(order), dtype=np.bool_)
    if len(order):
        distinct[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
    return points.take(order[distinct])


def by_step(points: Points) -> Points:
    """Return the points in the order (step, timestamp, value, is_nan), in which histories are sampled."""
    if (points.steps[1:] >= points.steps[:-1]).all():
        return points
    # A stable sort keeps the order that points of one step have already.
    return points.take(np.argsort(points.steps, kind="stable"))


class Packed(NamedTuple):
    """What a row of ``metric_blocks`` says of its points, beside run, key and number; ``tables.py`` explains it."""

    points: int
    nans: int
    first_timestamp: int
    first_step: int
    first_value: float | None
    last_timestamp: int
    last_step: int
    last_value: float | None
    min_step: int
    max_step: int
    step_delta: int | None
    steps_increase: bool
    min_value: float | None
    min_value_step: int | None
    min_value_timestamp: int | None
    max_value: float | None
    max_value_step: int | None
    max_value_timestamp: int | None
    mean: float | None
    squared_deviations: float | None
    data: bytes


def pack(points: Points) -> Packed:
    """Return the row of a block; there must be a point."""
    values = points.values
    places = _pack_places(points.timestamps, points.steps)
    count = len(values)
    told = (*places.first, _number(values.item(0)), *places.last, _number(values.item(-1)), *places.told)
    spread = (*_extremes(points), *_moments(values))
    return Packed._make((count, count - _count_numbers(values), *told, *spread, places.block(*_pack_values(values))))


def pack_alike(timestamps: Ints, steps: Ints, values: Floats) -> list[Packed]:
    """Return the rows of blocks that have their times and steps in common: ``values`` has those of a block in a row.

    Metrics that are logged together are such. What numpy does takes as long for one short block as for a hundred.
    """
    places, count = _pack_places(timestamps, steps), values.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):
        totals = np.add.reduce(values, axis=1)
        means = totals / count
        distances = values - means[:, np.newaxis]
        deviations = np.einsum("ij,ij->i", distances, distances).tolist()
        short = values.astype(_VALUES[4])
    same = (values.view(np.int64) == values.view(np.int64)[:, :1]).all(axis=1)
    widths = np.where(same, 0, np.where((short == values).all(axis=1), 4, 8)).tolist()
    least, most = values.argmin(axis=1).tolist(), values.argmax(axis=1).tolist()
    is_plain, times, at = np.isfinite(totals).tolist(), timestamps.tolist(), steps.tolist()
    columns = {4: short.tobytes(), 8: values.astype(_VALUES[8], copy=False).tobytes()}
    packed = []
    for row, (numbers, mean) in enumerate(zip(values.tolist(), means.tolist(), strict=True)):
        if not is_plain[row]:  # NaNs among them, or too large to be added up
            packed.append(pack(Points(timestamps, steps, values[row])))
            continue
        width, low, high = widths[row], least[row], most[row]
        size = width * count
        column = columns[width][row * size : (row + 1) * size] if width else _SAME_VALUE.pack(numbers[0])
        told = (*places.first, numbers[0], *places.last, numbers[-1], *places.told)
        spread = (numbers[low], at[low], times[low], numbers[high], at[high], times[high], mean, deviations[row])
        packed.append(Packed._make((count, 0, *told, *spread, places.block(width, column))))
    return packed


@dataclass(frozen=True, slots=True)
class _Places:
    """Times and steps of a block's points: what is packed of them, and what its row says of them."""

    widths: tuple[int, int]
    header: tuple[int, ...]
    columns: bytes
    first: tuple[int, int]
    last: tuple[int, int]
    told: tuple[int, int, int | None, bool]
    """Least and greatest step, the distance of all neighbouring steps, and whether none is less than the one before."""

    def block(self, value_width: int, values: bytes) -> bytes:
        """Return what is packed of a block, given the column of its values."""
        return _HEADER.pack(VERSION, value_width, *self.widths, *self.header) + values + self.columns


def _pack_places(times: Ints, steps: Ints) -> _Places:
    count = len(times)
    time_width, least_time, time_column = _pack_ints(times)
    step_width, least_step, step_column = _pack_ints(steps)
    first_time, first_step, last_step = times.item(0), steps.item(0), steps.item(-1)
    # A distance may have wrapped round: only one that leads from the first step to the last is meant.
    even = step_width == 0 and count > 1 and first_step + least_step * (count - 1) == last_step
    if even:
        low, high = min(first_step, last_step), max(first_step, last_step)
        increase = least_step >= 0
    else:
        low, high = int(steps.min()), int(steps.max())
        increase = bool((steps[1:] >= steps[:-1]).all())
    return _Places(
        (time_width, step_width),
        (count, first_time, least_time, first_step, least_step),
        time_column + step_column,
        (first_time, first_step),
        (times.item(-1), last_step),
        (low, high, least_step if even else None, increase),
    )


def _count_numbers(values: Floats) -> int:
    return int(np.count_nonzero(values == values))


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _extremes(
    points: Points,
) -> tuple[float | None, int | None, int | None, float | None, int | None, int | None]:
    """Return the least and the greatest number, each with its step and its timestamp; the first of several."""
    values = points.values
    least = int(values.argmin())
    if math.isnan(values.item(least)):
        if not _count_numbers(values):
            return None, None, None, None, None, None
        least, most = int(np.nanargmin(values)), int(np.nanargmax(values))
    else:
        most = int(values.argmax())
    steps, times = points.steps, points.timestamps
    return (
        *(values.item(least), steps.item(least), times.item(least)),
        *(values.item(most), steps.item(most), times.item(most)),
    )


def _moments(values: Floats) -> tuple[float | None, float | None]:
    """Return the mean of the numbers and the sum of their squared distances from it, which may be infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(np.add.reduce(values))
        if not math.isfinite(total):
            values = values[values == values]
            if not len(values):
                return None, None
            total = float(np.add.reduce(values))
        # The sum of huge numbers overflows, their mean does not.
        mean = total / len(values) if math.isfinite(total) else float(np.add.reduce(values / len(values)))
        distances = values - mean
        return mean, float(distances.dot(distances))


def _pack_ints(column: Ints) -> tuple[int, int, bytes]:
    """Return (bytes an entry, least distance of neighbours, distances less the least)."""
    if len(column) == 1:
        return 0, 0, b""
    distances = column[1:] - column[:-1]
    least = int(distances.min())
    most = int(distances.max()) - least
    if not most:
        return 0, least, b""
    width = next(width for width in _WIDTHS if most < 1 << 8 * width)
    return width, least, (distances - least).astype(_WIDTHS[width]).tobytes()


def _pack_values(values: Floats) -> tuple[int, bytes]:
    """Return (bytes a value, values); 0 bytes a value: they are all the same bits, and written once."""
    bits = values.view(np.int64)
    if (bits == bits[0]).all():
        return 0, _SAME_VALUE.pack(values.item(0))
    with np.errstate(over="ignore"):
        short = values.astype(_VALUES[4])
    exact = short == values
    if exact.all() or (exact | (values != values)).all():
        return 4, short.tobytes()
    return 8, values.astype(_VALUES[8], copy=False).tobytes()


class _Layout(NamedTuple):
    """Where the columns of a block are, and what their first entries and least distances are."""

    points: int
    value_width: int
    times: tuple[int, int, int, int]
    steps: tuple[int, int, int, int]
    """(where the column starts, bytes an entry, first, least distance)"""


def _read_layout(data: bytes) -> _Layout:
    if len(data) < _HEADER.size:
        raise _damaged(f"it has {len(data)} bytes, fewer than its header")
    version, value_width, time_width, step_width, count, time, least_time, step, least_step = _HEADER.unpack_from(data)
    if version != VERSION:
        raise _damaged(f"its format is {version}, and this release reads {VERSION}")
    if count < 1 or value_width not in (0, *_VALUES) or not {time_width, step_width} <= {0, *_WIDTHS}:
        raise _damaged(f"its header says {count} points of {value_width}, {time_width} and {step_width} bytes")
    times_at = _HEADER.size + (value_width * count or _SAME_VALUE.size)
    steps_at = times_at + time_width * (count - 1)
    size = steps_at + step_width * (count - 1)
    if len(data) != size:
        raise _damaged(f"it has {len(data)} bytes in place of {size}")
    return _Layout(
        count, value_width, (times_at, time_width, time, least_time), (steps_at, step_width, step, least_step)
    )


def _damaged(how: str) -> Internal:
    return Internal(f"A block of metric points is damaged: {how}. Restore the database from a backup.")


def decode(data: bytes) -> Points:
    """Return the points of a block, which may be views into its bytes. Raises Internal where it is damaged."""
    layout = _read_layout(data)
    count = layout.points
    return Points(
        _unpack_ints(data, count, *layout.times),
        _unpack_ints(data, count, *layout.steps),
        _unpack_values(data, count, layout.value_width),
    )


def decode_point(data: bytes, place: int) -> tuple[int, int, float]:
    """Return (timestamp, step, value) of one point of a block: a quarter of the work of unpacking all."""
    layout = _read_layout(data)
    width = layout.value_width
    value = np.frombuffer(data, _VALUES[width or 8], 1, _HEADER.size + place * width).item()
    return _nth(data, place, *layout.times), _nth(data, place, *layout.steps), value


def _nth(data: bytes, place: int, start: int, width: int, first: int, least: int) -> int:
    distances = int(np.frombuffer(data, _WIDTHS[width], place, start).sum(dtype=np.uint64)) if width else 0
    return (first + least * place + distances + 2**63) % 2**64 - 2**63


def _unpack_ints(data: bytes, count: int, start: int, width: int, first: int, least: int) -> Ints:
    if not width:
        even: Ints = np.arange(count)
        even *= least
        even += first
        return even
    column = np.empty(count, dtype=np.int64)
    column[0] = first
    distances = column[1:]
    distances[:] = np.frombuffer(data, _WIDTHS[width], count - 1, start)
    distances += least
    return np.cumsum(column, out=column)


def _unpack_values(data: bytes, count: int, width: int) -> Floats:
    if not width:
        return np.full(count, _SAME_VALUE.unpack_from(data, _HEADER.size)[0])
    return np.frombuffer(data, _VALUES[width], count, _HEADER.size).astype(np.float64, copy=False)
