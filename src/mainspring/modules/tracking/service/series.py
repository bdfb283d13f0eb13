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
    import numpy as np
    from numpy.typing import NDArray

    from mainspring.modules.tracking.blocks import Ints, Points
    from mainspring.modules.tracking.buckets import Axis, Moments
    from mainspring.modules.tracking.store.series import Curve

    Choice = NDArray[np.bool_]

T = TypeVar("T")

MAX_CURVES = 10_000
MIN_POINTS = 4
MAX_POINTS = 10_000
MAX_ANSWER = 500_000
"""Points of all curves of one answer."""
MANY_BLOCKS = 64


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
        if query.start is not None or query.end is not None:
            begins, ends = self.spans()
            curve.blocks = curve.blocks[(ends >= low) & (begins <= high)]
            begins, ends = self.spans()
            curve.unpack(tx, (begins < low) | (ends > high))
        self._window = (low, high)
        self.points, self.places = self._loose()

    def spans(self) -> tuple[Ints, Ints]:
        """Return where on the axis the blocks begin and end."""
        blocks = self.curve.blocks
        if self.by_step:
            return blocks["min_step"], blocks["max_step"]
        return blocks["first_timestamp"] - self._shift, blocks["last_timestamp"] - self._shift

    def _loose(self) -> tuple[Points, Ints]:
        """Return the loose points within the window, by their places on the axis, and the places."""
        points, places = self._placed(self.curve.loose())
        start, stop = places.searchsorted(self._window[0], "left"), places.searchsorted(self._window[1], "right")
        return points.cut(int(start), int(stop)), places[int(start) : int(stop)]

    def _placed(self, points: Points) -> tuple[Points, Ints]:
        """Return points by their places on the axis, and the places."""
        from mainspring.modules.tracking.blocks import by_step

        if self.by_step:
            points = by_step(points)
        return points, points.steps if self.by_step else points.timestamps - self._shift

    def ordered(self, points: Points) -> Points:
        """Return points by their places on the axis, repeated ones once."""
        from mainspring.modules.tracking.blocks import arrange

        return self._placed(arrange(points.timestamps, points.steps, points.values))[0]

    def unpack(self, chosen: Choice) -> None:
        """Make the points of the chosen blocks loose."""
        if chosen.any():
            self.curve.unpack(self.tx, chosen)
            self.points, self.places = self._loose()

    def extent(self) -> tuple[int, int] | None:
        """Return the first and the last place on the axis, None where the window is empty."""
        begins, ends = self.spans()
        if not len(begins) and not len(self.places):
            return None
        return min([*begins.tolist(), *self.places[:1].tolist()]), max([*ends.tolist(), *self.places[-1:].tolist()])

    def total(self) -> int:
        """Return how many points lie in the window."""
        return len(self.points) + int(self.curve.blocks["points"].sum())

    def nans(self) -> int:
        """Return how many of the points are NaN."""
        return int((self.points.values != self.points.values).sum()) + int(self.curve.blocks["nans"].sum())

    def buckets(self, axis: Axis) -> tuple[Ints, Ints]:
        """Return the buckets in which the blocks begin and end."""
        begins, ends = self.spans()
        return axis.buckets(begins), axis.buckets(ends)

    def read(self, chosen: Choice) -> Iterable[tuple[Points, Ints]]:
        """Yield the points of the chosen blocks, a block at a time, by their places on the axis, and the places.

        They need not be made loose, since blocks hold different points.
        """
        return map(self._placed, self.curve.read(self.tx, self.curve.blocks[chosen]))


def _line(run_id: str, view: _View, most: int) -> Series | None:
    """Return a run's curve of at most ``most`` points."""
    import numpy as np

    extent, total = view.extent(), view.total()
    if extent is None:
        return None
    nans = view.nans()
    if total <= most:
        view.unpack(np.full(len(view.curve.blocks), True))
        points = view.points
    else:
        points = _thinned(view, extent, most)
    return Series(
        run_id,
        view.curve.key,
        total,
        nans,
        points.steps.tolist(),
        points.timestamps.tolist(),
        [_number(value) for value in points.values.tolist()],
    )


def _thinned(view: _View, extent: tuple[int, int], most: int) -> Points:
    """Return the first and the last point of a curve, and of each bucket of it the least and the greatest.

    Buckets are of the same width; of a curve of so many blocks that it does not show, they end where blocks end. Where
    all that rows tell of its blocks is not too much, that is returned.
    """
    import numpy as np

    from mainspring.modules.tracking.blocks import concatenate
    from mainspring.modules.tracking.buckets import Axis, extremes
    from mainspring.modules.tracking.store.series import OUTLINE, outline

    # The first and the last point lie in the blocks at the ends.
    begins, ends = view.spans()
    view.unpack((begins == extent[0]) | (ends == extent[1]))
    axis = Axis.over(*extent, (most - 2) // 2)
    begins, ends = view.buckets(axis)
    count = len(begins)
    whole = (begins == ends) | (count >= MANY_BLOCKS and 2 * count >= axis.count)
    parts, buckets = [view.points], [axis.buckets(view.places)]
    if count:
        parts.append(outline(view.curve.blocks[whole]))
        buckets.append(np.repeat(begins[whole], OUTLINE))
    for points, places in view.read(~whole):
        within = axis.buckets(places)
        kept = extremes(within, points.values)
        parts.append(points.take(kept))
        buckets.append(within[kept])
    together, bucket = concatenate(parts), np.concatenate(buckets)
    if whole.all() and len(together) <= most:
        return view.ordered(together)
    # Of several that are as small or as large, the first on the axis is kept.
    order = np.lexsort((together.timestamps, together.steps if view.by_step else together.timestamps, bucket))
    kept = order[extremes(bucket[order], together.values[order])]
    ends_of_curve = view.points.take(np.array([0, -1]))
    return view.ordered(concatenate([ends_of_curve, together.take(kept)]))


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
    begins, ends = view.buckets(axis)
    whole = begins == ends
    blocks = view.curve.blocks[whole]
    counts = blocks["points"] - blocks["nans"]
    moments.add_parts(begins[whole], counts, blocks["mean"], blocks["min_value"], blocks["max_value"])
    for points, places in chain([(view.points, view.places)], view.read(~whole)):
        moments.add_points(axis.buckets(places), points)
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
