"""Curves in buckets along an axis: the extremes of each for a line, its moments for the band of a group.

Whole blocks take part by what their rows say of them. Importing this module loads numpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mainspring.modules.tracking.blocks import Ints, Points


@dataclass(frozen=True, slots=True)
class Axis:
    """``count`` buckets of the same width from ``start`` to ``end``, both included."""

    start: int
    end: int
    count: int

    @classmethod
    def over(cls, start: int, end: int, most: int) -> Axis:
        """Return at most ``most`` buckets; one for each whole number where there are no more of them."""
        return cls(start, end, min(most, end - start + 1))

    def bucket(self, x: int) -> int:
        """Return the bucket of a place on the axis."""
        return int(self.buckets(np.array([x]))[0])

    def buckets(self, x: Ints) -> Ints:
        """Return the bucket of each place; all must lie on the axis."""
        distances = x.astype(np.float64) - float(self.start)
        width = float(self.end) - float(self.start) + 1.0
        return np.minimum(np.floor(distances * self.count / width).astype(np.int64), self.count - 1)

    def left(self, bucket: int) -> int:
        """Return the first whole number of a bucket."""
        return self.start - (-bucket * (self.end - self.start + 1) // self.count)


@dataclass(frozen=True, slots=True)
class Extreme:
    """The least or the greatest number of a bucket, with its place."""

    value: float
    step: int
    timestamp: int


class Extremes:
    """The least and the greatest number of each bucket, gathered from parts of a curve."""

    def __init__(self) -> None:
        self.least: dict[int, Extreme] = {}
        self.greatest: dict[int, Extreme] = {}
        self.nans: dict[int, Extreme] = {}

    def add(self, bucket: int, least: Extreme, greatest: Extreme) -> None:
        """Take in the extremes of a part that lies in one bucket."""
        known = self.least.get(bucket)
        if known is None or least.value < known.value:
            self.least[bucket] = least
        known = self.greatest.get(bucket)
        if known is None or greatest.value > known.value:
            self.greatest[bucket] = greatest

    def add_nan(self, bucket: int, step: int, timestamp: int) -> None:
        """Note that a bucket has a NaN there; it is shown where the bucket has no number."""
        self.nans.setdefault(bucket, Extreme(math.nan, step, timestamp))

    def add_points(self, buckets: Ints, points: Points) -> None:
        """Take in points, each with its bucket; ``buckets`` must not decrease."""
        for bucket, start, stop in _runs_of(buckets):
            values = points.values[start:stop]
            numbers = np.flatnonzero(values == values)
            if not len(numbers):
                self.add_nan(bucket, points.steps.item(start), points.timestamps.item(start))
                continue
            low, high = numbers[values[numbers].argmin()] + start, numbers[values[numbers].argmax()] + start
            self.add(bucket, _extreme(points, int(low)), _extreme(points, int(high)))

    def all(self) -> list[Extreme]:
        """Return the extremes of every bucket, and a NaN where it has no number."""
        only = [nan for bucket, nan in self.nans.items() if bucket not in self.least]
        return [*self.least.values(), *self.greatest.values(), *only]


def _extreme(points: Points, place: int) -> Extreme:
    return Extreme(points.values.item(place), points.steps.item(place), points.timestamps.item(place))


def _runs_of(buckets: Ints) -> list[tuple[int, int, int]]:
    """Return (bucket, start, stop) of each run of equal buckets."""
    if not len(buckets):
        return []
    starts = [0, *(np.flatnonzero(buckets[1:] != buckets[:-1]) + 1).tolist()]
    return [(buckets.item(a), a, b) for a, b in zip(starts, [*starts[1:], len(buckets)], strict=True)]


class Moments:
    """Sum, count, least and greatest of the numbers of one curve in each bucket."""

    def __init__(self, count: int) -> None:
        self.sums = np.zeros(count)
        self.counts = np.zeros(count, dtype=np.int64)
        self.least = np.full(count, math.inf)
        self.greatest = np.full(count, -math.inf)

    def add(self, bucket: int, count: int, mean: float, least: float, greatest: float) -> None:
        """Take in a part that lies in one bucket and has ``count`` numbers."""
        self.sums[bucket] += mean * count
        self.counts[bucket] += count
        self.least[bucket] = min(self.least[bucket], least)
        self.greatest[bucket] = max(self.greatest[bucket], greatest)

    def add_points(self, buckets: Ints, points: Points) -> None:
        """Take in points, each with its bucket; ``buckets`` must not decrease."""
        numbers = points.values == points.values
        buckets, values = buckets[numbers], points.values[numbers]
        if not len(buckets):
            return
        starts = np.concatenate(([0], np.flatnonzero(buckets[1:] != buckets[:-1]) + 1))
        these = buckets[starts]
        self.sums[these] += np.add.reduceat(values, starts)
        self.counts[these] += np.diff(starts, append=len(values))
        self.least[these] = np.minimum(self.least[these], np.minimum.reduceat(values, starts))
        self.greatest[these] = np.maximum(self.greatest[these], np.maximum.reduceat(values, starts))


@dataclass(frozen=True, slots=True)
class Band:
    """What a group of curves is in each of some buckets: each curve counts once, by its mean there."""

    buckets: list[int]
    curves: list[int]
    mean: list[float]
    std: list[float]
    least: list[float]
    greatest: list[float]


def band(curves: Sequence[Moments]) -> Band:
    """Return the band of a group: mean and (population) standard deviation of the curves' means, least and greatest."""
    if not curves:
        return Band([], [], [], [], [], [])
    counts = np.array([curve.counts for curve in curves])
    with np.errstate(invalid="ignore", over="ignore"):
        means = np.array([curve.sums for curve in curves]) / np.maximum(counts, 1)
        present = counts > 0
        how_many = present.sum(axis=0)
        mean = _sum(means, present) / np.maximum(how_many, 1)
        std = np.sqrt(_sum((means - mean) ** 2, present) / np.maximum(how_many, 1))
    some = np.flatnonzero(how_many)
    least = np.min([curve.least for curve in curves], axis=0)
    greatest = np.max([curve.greatest for curve in curves], axis=0)
    columns = [column[some].tolist() for column in (mean, std, least, greatest)]
    return Band(some.tolist(), how_many[some].tolist(), *columns)


def _sum(values: NDArray[np.float64], present: NDArray[np.bool_]) -> NDArray[np.float64]:
    total: NDArray[np.float64] = np.where(present, values, 0.0).sum(axis=0)
    return total
