"""Curves in buckets along an axis: the extremes of each for a line, its moments for the band of a group.

Whole blocks take part by what their rows say of them. Importing this module loads numpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mainspring.modules.tracking.blocks import Floats, Ints, Points


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


def extremes(buckets: Ints, values: Floats) -> Ints:
    """Return the places of the least and the greatest number of each bucket, of the first of several, in order.

    A bucket without a number has the place of its first NaN. ``buckets`` must not decrease.
    """
    if not len(buckets):
        return np.empty(0, dtype=np.int64)
    starts = _starts(buckets)
    counts = np.diff(starts, append=len(buckets))
    least, greatest = np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
    found = [starts[np.isnan(least)]]
    for wanted in (least, greatest):
        places = np.flatnonzero(values == np.repeat(wanted, counts))
        found.append(places[_starts(buckets[places])])
    return np.unique(np.concatenate(found))


def _starts(buckets: Ints) -> Ints:
    """Return where each run of equal buckets begins."""
    changes: Ints = np.flatnonzero(buckets[1:] != buckets[:-1]) + 1
    return np.concatenate((np.zeros(min(1, len(buckets)), dtype=np.int64), changes))


class Moments:
    """Sum, count, least and greatest of the numbers of one curve in each bucket."""

    def __init__(self, count: int) -> None:
        self.sums = np.zeros(count)
        self.counts = np.zeros(count, dtype=np.int64)
        self.least = np.full(count, math.inf)
        self.greatest = np.full(count, -math.inf)

    def add_parts(self, buckets: Ints, counts: Ints, means: Floats, least: Floats, greatest: Floats) -> None:
        """Take in parts that lie in one bucket each: how many numbers a part has, and its moments, NaN without any."""
        some = counts > 0
        buckets = buckets[some]
        np.add.at(self.sums, buckets, means[some] * counts[some])
        np.add.at(self.counts, buckets, counts[some])
        np.minimum.at(self.least, buckets, least[some])
        np.maximum.at(self.greatest, buckets, greatest[some])

    def add_points(self, buckets: Ints, points: Points) -> None:
        """Take in points, each with its bucket; ``buckets`` must not decrease."""
        numbers = points.values == points.values
        buckets, values = buckets[numbers], points.values[numbers]
        if not len(buckets):
            return
        starts = _starts(buckets)
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
