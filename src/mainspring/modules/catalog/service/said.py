"""What somebody says of an item, and which parts of it are not for them to say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

TIMES = ("datetime", "start_datetime", "end_datetime")
OURS = frozenset(
    {
        *("created", "updated", "sharinghub:stars", "sharinghub:dvc-init", "sharinghub:default-branch"),
        *("mainspring:stale", "mlflow:tracking_uri"),
    }
)
"""Properties that the catalog fills in: what is said of them is passed over."""
FIXED = frozenset({"sharinghub:category", "sharinghub:path"})
"""Properties that the catalog fills in, and that may be said only as they are."""


@dataclass(frozen=True, slots=True)
class Said:
    """An item as somebody wants it, hrefs of the project's own files and of other items as ``Content`` has them.

    What is None is not said: it becomes what it is for a project that says nothing of it. ``places`` tells whether a
    place is said at all, which may be that there is none. With ``keeps_times`` the times stay as the README has them.
    """

    properties: dict[str, Any] = field(default_factory=dict)
    geometry: dict[str, Any] | None = None
    bbox: list[Any] | None = None
    assets: dict[str, dict[str, Any]] | None = None
    links: list[dict[str, Any]] | None = None
    keeps_times: bool = False

    @property
    def further(self) -> dict[str, Any]:
        """The properties that are the project's to say, those without a value left out; times are not among them."""
        left = OURS | FIXED | set(TIMES)
        return {name: value for name, value in self.properties.items() if name not in left and value is not None}


def same(one: object, other: object) -> bool:
    """Say whether two values are the same JSON, whatever the order of their fields."""
    return msgspec.json.encode(one, order="sorted") == msgspec.json.encode(other, order="sorted")


def holds(whole: dict[str, Any], part: dict[str, Any]) -> bool:
    """Say whether all fields of one object are in another, with the same values; no roles are as an empty list."""
    return all(same(whole.get(name, [] if name == "roles" else None), value) for name, value in part.items())
