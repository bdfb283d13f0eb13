"""Values of Python as the wire has them."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from mainspring.kit.errors import InvalidArgument
from mainspring.modules.tracking.schemas import Number

E = TypeVar("E", bound=StrEnum)


def one_of(kind: type[E], value: str, field: str) -> E:
    """Return the member of an enumeration that ``value`` is or names. Raises InvalidArgument."""
    try:
        return kind(value)
    except ValueError as error:
        raise InvalidArgument(f"{field} is '{value}'; it must be one of {', '.join(kind)}.", field=field) from error


def number(value: float) -> Number:
    """Return a metric's value: JSON knows neither NaN, which goes by its name, nor infinities, the largest doubles."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    return math.copysign(sys.float_info.max, value) if math.isinf(value) else value


def ids_of(given: Iterable[str]) -> list[str]:
    """Return ids as a list; a text by itself is one id, and not as many as it has letters."""
    return [given] if isinstance(given, str) else [str(each) for each in given]
