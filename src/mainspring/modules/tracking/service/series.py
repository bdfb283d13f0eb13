"""Curves and bands for charts: many runs, many metrics, a window, and as many points as fit on a screen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.arrow import Columns, Kind
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.names import invalid_value
from mainspring.kit.permissions import Permission
from mainspring.modules.tracking.schemas import GroupSeries, MetricSeries, Number, Series, SeriesQuery, XAxis
from mainspring.modules.tracking.service import rules
from mainspring.modules.tracking.store import runs as run_store

if TYPE_CHECKING:
    from mainspring.modules.tracking.blocks import Ints, Points
    from mainspring.modules.tracking.buckets import Axis, Extreme, Extremes, Moments
    from mainspring.modules.tracking.store.series import Curve, Summary

T = TypeVar("T")
Span = tuple[int, int, "Summary"]
"""Where a block lies on the axis, first and last place, and the block."""

MAX_CURVES = 10_000
MIN_POINTS = 4
MAX_POINTS = 10_000
MAX_ANSWER = 500_000
"""Points of all curves of one answer."""


def get_series(tx: Connection, actor: Actor, query: SeriesQuery) -> MetricSeries:
    """Return curves of runs, or bands of groups of runs. Runs and keys that have no points are left out."""
    actor.require(Permission.TRACKING_READ)
    _check(query)
    # Loaded here, since it brings numpy, which a server that draws no charts does without.
    from mainspring.modules.tracking.store.series import read_curves

    members = {run_id for group in query.groups.values() for run_id in group}
    starts = run_store.find_starts(tx, actor.project, {*query.run_ids, *members})
    ids = {key: run_id for run_id, (key, _) in starts.items()}
    shift = {key: start if query.x is XAxis.RELATIVE else 0 for key, start in starts.values()}
    views = [_View(tx, curve, query, shift[curve.run]) for curve in read_curves(tx, sorted(ids), query.keys)]
    if query.groups:
        return MetricSeries(groups=list(_bands(query, views, ids)))
    drawn = {(ids[view.curve.run], view.curve.key): view for view in views}
    wanted = [(run_id, key) for run_id in dict.fromkeys(query.run_ids) for key in query.keys]
    lines = [_line(run_id, drawn[run_id, key], query.points) for run_id, key in wanted if (run_id, key) in drawn]
    return MetricSeries(series=[line for line in lines if line])


def _check(query: SeriesQuery) -> None:
    if not query.keys:
        raise InvalidArgument("keys is empty: name the metrics to draw.", field="keys")
    if bool(query.run_ids) == bool(query.groups):
        raise InvalidArgument("Give either run_ids or groups.", field="run_ids")
    query.keys = list(dict.fromkeys(query.keys))
    runs = len(query.run_ids) + sum(map(len, query.groups.values()))
    if runs * len(query.keys) > MAX_CURVES:
        raise InvalidArgument(
            f"{runs} runs and {len(query.keys)} keys are {runs * len(query.keys)} curves; at most {MAX_CURVES} are "
            "drawn at once.",
            field="run_ids",
        )
    if not MIN_POINTS <= query.points <= MAX_POINTS:
        raise invalid_value("points", query.points, f"It must be between {MIN_POINTS} and {MAX_POINTS}.")
    answer = (len(query.groups) or runs) * len(query.keys) * query.points
    if answer > MAX_ANSWER:
        raise invalid_value("points", query.points, f"The answer could have {answer} points, at most {MAX_ANSWER}.")
    for name, value in (("start", query.start), ("end", query.end)):
        if value is not None and not -rules.INT64 <= value < rules.INT64:
            raise invalid_value(name, value, "It must be a 64-bit integer.")
    if query.start is not None and query.end is not None and query.start > query.end:
        raise invalid_value("end", query.end, f"It must not be less than start, which is {query.start}.")


class _View:
    """A curve within the window, on its axis. What lies only partly in the window is unpacked."""

    def __init__(self, tx: Connection, curve: Curve, query: SeriesQuery, shift: int) -> None:
        self.tx, self.curve, self._shift = tx, curve, shift
        self.by_step = query.x is XAxis.STEP
        low = -rules.INT64 if query.start is None else query.start
        high = rules.INT64 - 1 if query.end is None else query.end
        self._spans: list[Span] = []
        self._spans_of: list[Summary] | None = None
        if query.start is not None or query.end is not None:
            curve.blocks = [block for first, last, block in self.spans() if last >= low and first <= high]
        curve.unpack(tx, [block for first, last, block in self.spans() if first < low or last > high])
        self._window = (low, high)
        self.points, self.places = self._loose()

    def spans(self) -> list[Span]:
        """Return where the blocks lie on the axis."""
        blocks, shift = self.curve.blocks, self._shift
        if self._spans_of is not blocks:
            self._spans_of = blocks
            if self.by_step:
                self._spans = [(block.min_step, block.max_step, block) for block in blocks]
            else:
                self._spans = [(block.first_timestamp - shift, block.last_timestamp - shift, block) for block in blocks]
        return self._spans

    def _loose(self) -> tuple[Points, Ints]:
        """Return the loose points within the window, by their places on the axis, and the places."""
        from mainspring.modules.tracking.blocks import by_step

        loose = self.curve.loose()
        points = by_step(loose) if self.by_step else loose
        places = points.steps if self.by_step else points.timestamps - self._shift
        start, stop = places.searchsorted(self._window[0], "left"), places.searchsorted(self._window[1], "right")
        return points.cut(int(start), int(stop)), places[int(start) : int(stop)]

    def unpack(self, blocks: Sequence[Summary]) -> None:
        """Make the points of some of the blocks loose."""
        if blocks:
            self.curve.unpack(self.tx, blocks)
            self.points, self.places = self._loose()

    def extent(self) -> tuple[int, int] | None:
        """Return the first and the last place on the axis, None where the window is empty."""
        spans = self.spans()
        lows, highs = [first for first, _, _ in spans], [last for _, last, _ in spans]
        if len(self.places):
            lows.append(self.places.item(0))
            highs.append(self.places.item(-1))
        return (min(lows), max(highs)) if lows else None

    def total(self) -> int:
        """Return how many points lie in the window."""
        return len(self.points) + sum(block.points for block in self.curve.blocks)

    def unpack_across(self, axis: Axis) -> list[tuple[int, Summary]]:
        """Make loose what lies in several buckets; return the other blocks, each with its bucket."""
        import numpy as np

        spans = self.spans()
        lows = axis.buckets(np.array([first for first, _, _ in spans], dtype=np.int64))
        highs = axis.buckets(np.array([last for _, last, _ in spans], dtype=np.int64))
        whole = (lows == highs).tolist()
        self.unpack([block for (_, _, block), within in zip(spans, whole, strict=True) if not within])
        buckets = zip(spans, lows.tolist(), whole, strict=True)
        return [(bucket, block) for (_, _, block), bucket, within in buckets if within]


def _line(run_id: str, view: _View, most: int) -> Series | None:
    """Return a run's curve of at most ``most`` points."""
    extent, total = view.extent(), view.total()
    if extent is None:
        return None
    nans = sum(block.nans for block in view.curve.blocks) + int((view.points.values != view.points.values).sum())
    if total <= most:
        view.unpack(view.curve.blocks)
        points = view.points
        return Series(
            run_id,
            view.curve.key,
            total,
            nans,
            points.steps.tolist(),
            points.timestamps.tolist(),
            [_number(value) for value in points.values.tolist()],
        )
    kept = _thinned(view, extent, most)
    return Series(
        run_id,
        view.curve.key,
        total,
        nans,
        [point.step for point in kept],
        [point.timestamp for point in kept],
        [_number(point.value) for point in kept],
    )


def _thinned(view: _View, extent: tuple[int, int], most: int) -> list[Extreme]:
    from mainspring.modules.tracking.buckets import Axis, Extreme, Extremes

    # The first and the last point lie in the blocks at the ends.
    view.unpack([block for first, last, block in view.spans() if first == extent[0] or last == extent[1]])
    axis = Axis.over(*extent, (most - 2) // 2)
    extremes = Extremes()
    _add_blocks(extremes, view.unpack_across(axis))
    extremes.add_points(axis.buckets(view.places), view.points)
    ends = [
        Extreme(view.points.values.item(place), view.points.steps.item(place), view.points.timestamps.item(place))
        for place in (0, -1)
    ]
    distinct = {(point.step, point.timestamp, _number(point.value)): point for point in [*ends, *extremes.all()]}
    if view.by_step:
        return sorted(distinct.values(), key=lambda point: (point.step, point.timestamp))
    return sorted(distinct.values(), key=lambda point: (point.timestamp, point.step))


def _add_blocks(extremes: Extremes, blocks: Iterable[tuple[int, Summary]]) -> None:
    """Take in blocks, each with its bucket: of a bucket's blocks, the one with the least and that with the greatest."""
    from mainspring.modules.tracking.buckets import Extreme

    least: dict[int, Summary] = {}
    greatest: dict[int, Summary] = {}
    for bucket, block in blocks:
        if block.min_value is None or block.max_value is None:
            extremes.add_nan(bucket, block.first_step, block.first_timestamp)
            continue
        if bucket not in least or block.min_value < (least[bucket].min_value or 0.0):
            least[bucket] = block
        if bucket not in greatest or block.max_value > (greatest[bucket].max_value or 0.0):
            greatest[bucket] = block
    for bucket, low in least.items():
        high = greatest[bucket]
        extremes.add(
            bucket,
            Extreme(low.min_value or 0.0, low.min_value_step or 0, low.min_value_timestamp or 0),
            Extreme(high.max_value or 0.0, high.max_value_step or 0, high.max_value_timestamp or 0),
        )


def _bands(query: SeriesQuery, views: Sequence[_View], ids: dict[int, str]) -> Iterable[GroupSeries]:
    """Yield the band of each group and key; a curve may be in several groups."""
    by_curve = {(ids[view.curve.run], view.curve.key): view for view in views}
    for group, members in query.groups.items():
        for key in query.keys:
            found = [by_curve[run_id, key] for run_id in dict.fromkeys(members) if (run_id, key) in by_curve]
            if band := _band(group, key, found, query.points):
                yield band


def _band(group: str, key: str, views: Sequence[_View], most: int) -> GroupSeries | None:
    from mainspring.modules.tracking.buckets import Axis, band

    extents = [extent for view in views if (extent := view.extent())]
    if not extents:
        return None
    axis = Axis.over(min(low for low, _ in extents), max(high for _, high in extents), most)
    found = band([_moments(view, axis) for view in views])
    return GroupSeries(
        group,
        key,
        [axis.left(bucket) for bucket in found.buckets],
        found.curves,
        [_finite(value) for value in found.mean],
        [_finite(value) for value in found.std],
        found.least,
        found.greatest,
    )


def _moments(view: _View, axis: Axis) -> Moments:
    from mainspring.modules.tracking.buckets import Moments

    moments = Moments(axis.count)
    for bucket, block in view.unpack_across(axis):
        if block.mean is not None and block.min_value is not None and block.max_value is not None:
            moments.add(bucket, block.points - block.nans, block.mean, block.min_value, block.max_value)
    moments.add_points(axis.buckets(view.places), view.points)
    return moments


def _number(value: float) -> Number:
    return "NaN" if math.isnan(value) else value


def _finite(value: float) -> float:
    """Return a number that JSON has: sums of the largest numbers may be infinite."""
    return min(max(value, -rules.LARGEST), rules.LARGEST)


def series_columns(series: Sequence[Series]) -> Columns:
    """Return curves as one long table: a row a point, by run and key."""
    lengths = [len(curve.steps) for curve in series]
    return {
        "run_id": (Kind.TEXT, _repeated([curve.run_id for curve in series], lengths)),
        "key": (Kind.TEXT, _repeated([curve.key for curve in series], lengths)),
        "step": (Kind.INTEGER, _chained(curve.steps for curve in series)),
        "timestamp": (Kind.INTEGER, _chained(curve.timestamps for curve in series)),
        "value": (Kind.NUMBER, [float(value) for curve in series for value in curve.values]),
    }


def band_columns(groups: Sequence[GroupSeries]) -> Columns:
    """Return bands as one long table: a row a place on the axis, by group and key."""
    lengths = [len(band.x) for band in groups]
    numbers = {name: _chained(getattr(band, name) for band in groups) for name in ("mean", "std", "min", "max")}
    return {
        "group": (Kind.TEXT, _repeated([band.group for band in groups], lengths)),
        "key": (Kind.TEXT, _repeated([band.key for band in groups], lengths)),
        "x": (Kind.INTEGER, _chained(band.x for band in groups)),
        "runs": (Kind.INTEGER, _chained(band.runs for band in groups)),
        **{name: (Kind.NUMBER, values) for name, values in numbers.items()},
    }


def _repeated(names: Sequence[str], lengths: Sequence[int]) -> list[str]:
    return _chained([name] * length for name, length in zip(names, lengths, strict=True))


def _chained(columns: Iterable[list[T]]) -> list[T]:
    return list(chain.from_iterable(columns))
