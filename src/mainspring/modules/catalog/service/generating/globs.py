"""Patterns of file names, matched without the backtracking that a regular expression could be driven into.

As in SharingHub they are compared from the end of a path: ``*.py`` are files of all folders, ``data/*.tif`` those of
every folder ``data``. ``**`` stands for any folders; a pattern that begins with ``/`` is compared from the root.
"""

from __future__ import annotations

import re
from fnmatch import translate

LONGEST = 300
_WILD = re.compile(r"[*?\[]")


class Glob:
    """A pattern. ``matches`` takes time in proportion to the length of the path times that of the pattern."""

    def __init__(self, pattern: str) -> None:
        parts = [part for part in pattern.split("/") if part not in {"", "."}]
        anchored = pattern.startswith("/")
        folded = [part for place, part in enumerate(parts) if part != "**" or parts[place - 1 : place] != ["**"]]
        if folded and folded[-1] == "**":
            folded.append("*")
        if not anchored:
            folded = ["**", *folded] if folded[:1] != ["**"] else folded
        self._parts = [None if part == "**" else re.compile(translate(part)) for part in folded]
        self._length = len(pattern)
        last = parts[-1] if parts else ""
        self._suffix = "" if "]" in last else _WILD.split(last)[-1]
        self._exact = "/".join(parts) if anchored and not _WILD.search(pattern) else None

    def cost(self, path: str) -> int:
        """Return what ``matches`` takes at most, in about 100 ns."""
        return 20 + (path.count("/") + 1) * len(self._parts) + len(path) * self._length // 150

    def may_match(self, path: str) -> bool:
        """Return whether the end of a path allows that it matches; cheap."""
        return path.endswith(self._suffix)

    def matches(self, path: str) -> bool:
        """Return whether a path matches."""
        if self._exact is not None:
            return path == self._exact
        names = path.split("/")
        place = part = 0
        star = resume = -1
        while place < len(names):
            pattern = self._parts[part] if part < len(self._parts) else None
            if part < len(self._parts) and pattern is None:
                star, resume = part, place
                part += 1
            elif pattern is not None and pattern.match(names[place]):
                place += 1
                part += 1
            elif star >= 0:
                resume += 1
                place, part = resume, star + 1
            else:
                return False
        return all(each is None for each in self._parts[part:])
