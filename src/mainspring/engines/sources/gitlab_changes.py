"""Which of the projects that were active of late are news.

GitLab moves ``last_activity_at`` at most once an hour: what happens within an hour of it leaves it as it was. So each
pass looks back further than an hour, knows what it told before, and tells a project once more when its hour is over;
what was missed then is not missed for longer. Webhooks tell at once. What changes without activity, topics say, or a
project that is deleted, is seen when all projects are listed.

How far passes have come is counted by GitLab's own clock: where many are active that have none of our topics, a pass
does not go through all of them again and again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mainspring.engines.sources.port import SourceProject

MOVED_EVERY_MS = 60 * 60 * 1000
CLOCKS_DIFFER_MS = 5 * 60 * 1000
OVERLAP_MS = MOVED_EVERY_MS + CLOCKS_DIFFER_MS
"""How far before the last pass a pass looks back: an hour, and what clocks may differ."""


@dataclass(frozen=True, slots=True)
class _Told:
    content: int
    changed_at: int
    at: int


class RecentChanges:
    """What passes for changes have told, of the time that is still looked back at. Times are milliseconds."""

    def __init__(self) -> None:
        self._told: dict[str, _Told] = {}
        self._since = 0
        self._reached: int | None = None

    def begin(self, since: int) -> int:
        """Return after which time to ask for activity, for what changed since one; who goes back is told all again."""
        if since < self._since:
            self._told, self._reached = {}, None
        self._since = since
        after = (since if self._reached is None else self._reached) - OVERLAP_MS
        self._told = {id: told for id, told in self._told.items() if told.changed_at >= after}
        return after

    def news(self, projects: Iterable[SourceProject], now: int) -> list[SourceProject]:
        """Return the projects that were not told as they are, or not since their hour is over."""
        return [project for project in projects if self._is_new(project, now)]

    def told(self, projects: Iterable[SourceProject], now: int) -> None:
        """Note what was told."""
        self._told |= {each.id: _Told(hash(each), each.changed_at, now) for each in projects}

    def end(self, reached: int, now: int) -> None:
        """Note that a pass came to its end, and up to which time it was shown all activity: not far in the future."""
        known = self._since if self._reached is None else self._reached
        self._reached = max(min(reached, now + CLOCKS_DIFFER_MS), known)

    def _is_new(self, project: SourceProject, now: int) -> bool:
        told = self._told.get(project.id)
        if told is None or told.content != hash(project):
            return True
        return told.at < project.changed_at + MOVED_EVERY_MS <= now
