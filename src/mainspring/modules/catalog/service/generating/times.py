"""Times as STAC writes them, RFC 3339 in UTC, from what people write."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from mainspring.modules.catalog.service.generating.reporting import Report, shown

_TIME = re.compile(
    r"(\d{4})(?:-(\d\d?)(?:-(\d\d?)(?:[Tt ]\s*(\d\d?):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?"
    r"\s*(Z|z|[+-]\d\d:?(?:\d\d)?)?)?)?)?"
)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
_RIGHT = "it must be a time like 2024-05-31T12:00:00Z, or a date like 2024-05-31"


def from_ms(ms: int) -> datetime:
    """Return a time of milliseconds since the epoch; what lies beyond the years 1 to 9999 is their end."""
    first, last = (round((each - _EPOCH).total_seconds() * 1000) for each in (_EARLIEST, _LATEST))
    return _EPOCH + timedelta(milliseconds=min(max(ms, first), last))


def to_ms(text: str) -> int | None:
    """Return the milliseconds since the epoch of an RFC 3339 time, None for any other text."""
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        return None


def written(time: datetime) -> str:
    """Return a time as RFC 3339, in UTC, with milliseconds only where it has some."""
    stamp = time.astimezone(UTC)
    fraction = f".{stamp.microsecond // 1000:03}" if stamp.microsecond >= 1000 else ""
    return f"{stamp.year:04}-{stamp:%m-%dT%H:%M:%S}{fraction}Z"


def parse(text: object, end: bool = False) -> datetime | None:
    """Return the time that a text tells, UTC where it names no zone, or None.

    A year, month or day begins with its first second and, as the end of a span, ends with its last.
    """
    match = _TIME.fullmatch(text.strip()) if isinstance(text, str) else None
    if isinstance(text, int) and not isinstance(text, bool) and 1000 <= text <= 9999:
        match = _TIME.fullmatch(str(text))
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        time = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), tzinfo=UTC)
        time += timedelta(seconds=min(int(second or 0), 59), microseconds=int((fraction or "0").ljust(6, "0")[:6]))
        if hour is None and end:
            return _last_second(time, month is not None, day is not None)
        return time - _offset(zone)
    except (ValueError, OverflowError):
        return None


def _last_second(time: datetime, has_month: bool, has_day: bool) -> datetime:
    if has_day:
        return time + timedelta(hours=23, minutes=59, seconds=59)
    if not has_month or time.month == 12:
        return time.replace(month=12, day=31, hour=23, minute=59, second=59)
    return time.replace(month=time.month + 1) - timedelta(seconds=1)


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in {"Z", "z"}:
        return timedelta()
    sign = -1 if zone[0] == "-" else 1
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))


def read(value: object, field: str, report: Report, end: bool = False) -> datetime | None:
    """Return the time of a field, None for one that is empty or, with a warning, is no time."""
    if value is None or value in ("", "..", "open", "now"):
        return None
    time = parse(value, end)
    if time is None:
        report.warn("temporal_invalid", field, f"{field} is {shown(value)}; {_RIGHT}.")
    return time


def times_of(front: dict[str, Any], created_at: int, updated_at: int, report: Report) -> dict[str, str | None]:
    """Return STAC's times of an item, and take those of the front matter out of it.

    ``extent.temporal`` is a span, or one time; ``datetime`` may stand beside ``start_datetime`` and ``end_datetime``.
    STAC knows no open spans: an open end is that of the project's last activity, an open begin its first. Without any
    the item is of its last activity, and spans all of the project's.
    """
    first, last = from_ms(min(created_at, updated_at)), from_ms(max(created_at, updated_at))
    extent = front.get("extent")
    given = extent.get("temporal") if isinstance(extent, dict) else None
    field = "extent.temporal"
    stamps = [front.pop(name, None) for name in ("datetime", "start_datetime", "end_datetime")]
    if given is None and stamps[0] is not None:
        given, field = stamps[0], "datetime"
    elif given is None and any(stamps[1:]):
        given, field = stamps[1:], "start_datetime"
    if field == "datetime" and all(stamps[1:]) and (whole := _whole(stamps)) is not None:
        return whole
    span = _span(given, field, first, last, report)
    if span is None:
        return {"datetime": written(last), "start_datetime": written(first), "end_datetime": written(last)}
    start, end = map(written, span)
    if start == end:
        return {"datetime": start}
    return {"datetime": None, "start_datetime": start, "end_datetime": end}


def _whole(stamps: list[object]) -> dict[str, str | None] | None:
    """Return a moment and the span around it as they are given, None where one of them is no time."""
    moment, start, end = parse(stamps[0]), parse(stamps[1]), parse(stamps[2], end=True)
    if moment is None or start is None or end is None or start > end:
        return None
    return {"datetime": written(moment), "start_datetime": written(start), "end_datetime": written(end)}


def _span(
    given: object, field: str, first: datetime, last: datetime, report: Report
) -> tuple[datetime, datetime] | None:
    if isinstance(given, list) and len(given) == 1:
        given = given[0]
    if given is None:
        return None
    if not isinstance(given, list):
        if isinstance(given, str) and "/" in given:
            return _span(given.split("/")[:2], field, first, last, report)
        time = read(given, field, report)
        return None if time is None else (time, time)
    if len(given) != 2:
        report.warn("temporal_invalid", field, f"{field} has {len(given)} times; it must have two, a begin and an end.")
        return None
    start, end = read(given[0], f"{field}.0", report), read(given[1], f"{field}.1", report, end=True)
    if start is None and end is None:
        return None
    if start is None or end is None:
        report.warn("temporal_open", field, f"{field} is open; the project's own time was put for the missing end.")
    start, end = start or min(first, end or first), end or max(last, start or last)
    if start > end:
        report.warn("temporal_invalid", field, f"{field} ends before it begins: {shown(given)}.")
        return None
    return start, end
