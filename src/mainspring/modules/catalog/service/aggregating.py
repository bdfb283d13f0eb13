"""Counts over all items of a search: how many there are, when, and of what kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.permissions import Permission
from mainspring.modules.catalog.service.searching import ItemQuery, asked_for
from mainspring.modules.catalog.service.times import DAY_MS, write_moment
from mainspring.modules.catalog.store import search as store
from mainspring.modules.projects import service as projects

MAX_BUCKETS = 100
FREQUENCIES = {
    "keyword_frequency": "keywords",
    "license_frequency": "license",
    "framework_frequency": "mlm:framework",
    "task_frequency": "mlm:tasks",
}
"""Counts of the values of a property."""

TYPES = {
    "total_count": "integer",
    "datetime_min": "datetime",
    "datetime_max": "datetime",
    "collection_frequency": "string",
    "datetime_frequency": "datetime",
    **dict.fromkeys(FREQUENCIES, "string"),
}
"""The aggregations that there are, and the type of what each tells."""

INTERVALS = ("day", "month", "year")
_EPOCH_DAY = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many items there are of a value."""

    key: str
    frequency: int


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What an aggregation found: a value, or buckets, and how many items are in no bucket shown."""

    name: str
    value: int | str | None = None
    buckets: list[Bucket] | None = None
    overflow: int = 0


def aggregate(
    tx: Connection, actor: Actor, query: ItemQuery, names: Sequence[str], interval: str = "month"
) -> list[Aggregation]:
    """Return aggregations over all items of a query. Raises InvalidArgument for one that is not known."""
    actor.require(Permission.PROJECTS_DISCOVER)
    unknown = [each for each in names if each not in TYPES]
    if unknown or not names:
        wrong = f"'{unknown[0][:100]}' is no aggregation" if unknown else "aggregations is missing"
        raise InvalidArgument(f"{wrong}; there are {', '.join(TYPES)}.", field="aggregations")
    if interval not in INTERVALS:
        right = ", ".join(INTERVALS)
        raise InvalidArgument(
            f"datetime_frequency_interval is '{interval[:50]}'; it must be one of {right}.",
            field="datetime_frequency_interval",
        )
    visible, asked = projects.visible_keys(tx, actor), asked_for(tx, query)
    count, start, end = store.span(tx, visible, asked)

    def find(name: str) -> Aggregation:
        match name:
            case "total_count":
                return Aggregation(name, count)
            case "datetime_min":
                return Aggregation(name, None if start is None else write_moment(start))
            case "datetime_max":
                return Aggregation(name, None if end is None else write_moment(end))
            case "collection_frequency":
                return _buckets(name, store.count_collections(tx, visible, asked), MAX_BUCKETS)
            case "datetime_frequency":
                return Aggregation(name, buckets=_by_interval(store.count_days(tx, visible, asked), interval))
        found = store.count_values(tx, visible, asked, FREQUENCIES[name], MAX_BUCKETS + 1)
        return _buckets(name, found, MAX_BUCKETS)

    return [find(name) for name in dict.fromkeys(names)]


def _buckets(name: str, counts: Sequence[tuple[Any, int]], limit: int) -> Aggregation:
    shown = [Bucket(str(key), frequency) for key, frequency in counts[:limit]]
    return Aggregation(name, buckets=shown, overflow=sum(frequency for _, frequency in counts[limit:]))


def _by_interval(days: Sequence[tuple[int, int]], interval: str) -> list[Bucket]:
    """Return how many items begin in each interval in which one does, by the interval's first moment."""
    counts: dict[str, int] = {}
    for day, frequency in days:
        first = date.fromordinal(day + _EPOCH_DAY)
        if interval != "day":
            first = first.replace(day=1, month=1 if interval == "year" else first.month)
        key = write_moment((first.toordinal() - _EPOCH_DAY) * DAY_MS)
        counts[key] = counts.get(key, 0) + frequency
    return [Bucket(key, frequency) for key, frequency in counts.items()]
