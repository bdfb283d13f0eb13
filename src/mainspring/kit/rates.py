"""Rates as people write them: ``user=600/minute; address=60/minute``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mainspring.kit.errors import InvalidArgument

MAX_REQUESTS = 1_000_000_000


class Subject(StrEnum):
    """Whose requests are counted together."""

    KEY = "key"
    USER = "user"
    PROJECT = "project"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``requests`` of one subject in ``seconds``."""

    subject: Subject
    requests: int
    seconds: int

    @property
    def name(self) -> str:
        """Its name in the headers of answers."""
        return f"{self.subject}-{self.seconds}s"


def parse_rates(text: str) -> tuple[Rate, ...]:
    """Return the rates of a setting, in the order of ``Subject``. Raises InvalidArgument.

    Each is ``subject=number/period``, with semicolons between; a period is in the notation of the library
    ``limits``: ``minute``, ``5 minutes``, ``hour``. One subject may have several rates of different periods.
    """
    rates = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        rate = _parse(part)
        if rate.name in rates:
            raise _wrong(text, f"{rate.subject} has two rates of {rate.seconds} s; give one")
        rates[rate.name] = rate
    order = list(Subject)
    return tuple(sorted(rates.values(), key=lambda rate: (order.index(rate.subject), rate.seconds)))


def _parse(part: str) -> Rate:
    from limits import parse  # takes a while, and most servers have no rates

    subject, equals, rate = (each.strip() for each in part.partition("="))
    if not equals or subject not in list(Subject):
        raise _wrong(part, f"each rate is subject=number/period, where a subject is {', '.join(Subject)}")
    try:
        item = parse(rate)
    except ValueError as error:
        raise _wrong(part, "a rate is written as in user=600/minute or key=20/5 seconds") from error
    if not 1 <= item.amount <= MAX_REQUESTS:
        raise _wrong(part, f"the number of requests must be 1 to {MAX_REQUESTS}")
    return Rate(Subject(subject), item.amount, item.get_expiry())


def _wrong(text: str, right: str) -> InvalidArgument:
    return InvalidArgument(f"The setting rate_limits has '{text[:200]}': {right}.", field="rate_limits")
