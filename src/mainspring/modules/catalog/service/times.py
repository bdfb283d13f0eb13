"""Times of searches, as RFC 3339 writes them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

from mainspring.kit.errors import InvalidArgument
from mainspring.modules.catalog.store.search_terms import AGES, Time

_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,20}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
DAY_MS = 86_400_000
OPEN = ("", "..")


def read_moment(text: str) -> int | None:
    """Return a time such as ``2024-05-01T12:00:00.5Z`` in ms since the epoch, or None for what is none."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    *numbers, fraction, sign, hours, minutes = match.groups()
    year, month, day, hour, minute, second = map(int, numbers)
    offset = timedelta()
    try:
        if sign:
            offset = timedelta(hours=int(hours), minutes=int(minutes)) * (1 if sign == "+" else -1)
        # A leap second is that before it.
        at = datetime(
            year, month, day, hour, minute, min(second, 59) if second == 60 else second, tzinfo=timezone(offset)
        )
    except ValueError:
        return None
    return (at - _EPOCH) // _MS + int((fraction or "0").ljust(3, "0")[:3])


def read_day(text: str) -> Time | None:
    """Return a day such as ``2024-05-01`` from its first to its last millisecond, or None for what is none."""
    if not _DAY.fullmatch(text):
        return None
    try:
        start = (date.fromisoformat(text).toordinal() - _EPOCH.toordinal()) * DAY_MS
    except ValueError:
        return None
    return Time(start, start + DAY_MS - 1)


def read_interval(text: str, field: str) -> Time:
    """Return the time of the parameter ``datetime``: a moment, or two with a slash between, one of which may be open.

    Raises InvalidArgument.
    """
    parts = text.split("/")
    if len(parts) == 1 and (moment := read_moment(text)) is not None:
        return Time(moment, moment)
    if len(parts) == 2 and not (parts[0] in OPEN and parts[1] in OPEN):
        start = -AGES if parts[0] in OPEN else read_moment(parts[0])
        end = AGES if parts[1] in OPEN else read_moment(parts[1])
        if start is not None and end is not None and start <= end:
            return Time(start, end)
    raise InvalidArgument(
        f"{field} is '{text[:100]}'; it must be a time such as 2024-05-01T00:00:00Z, or an interval from an earlier to "
        "a later one such as 2024-01-01T00:00:00Z/2024-12-31T23:59:59Z, in which one of the two may be '..'.",
        field=field,
    )


def write_moment(ms: int) -> str:
    """Return a time in ms since the epoch as RFC 3339 writes it."""
    text = (_EPOCH + ms * _MS).isoformat(timespec="milliseconds" if ms % 1000 else "seconds")
    return text.replace("+00:00", "Z")
