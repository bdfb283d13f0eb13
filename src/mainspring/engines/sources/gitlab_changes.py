"""Which of the projects that were active of late are news.

GitLab moves ``last_activity_at`` at most once an hour: what happens within an hour of it leaves it as it was. So each
pass looks back further than an hour, knows what it told before, and tells a project once more when its hour is over;
what was missed then is not missed for longer. Webhooks tell at once. What changes without activity, topics say, or a
project that is deleted, is seen when all projects are listed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mainspring.engines.sources.port import SourceProject

MOVED_EVERY_MS = 60 * 60 * 1000
OVERLAP_MS = MOVED_EVERY_MS + 5 * 60 * 1000
"""How far before the last pass a pass looks back: an hour, and what clocks may differ."""


@dataclass(frozen=True, slots=True)
class _Told:
    content: int
    changed_at: int
    at: int


class RecentChanges:
    """What was told of projects whose last activity is not long ago."""

    def __init__(self) -> None:
        self._told: dict[str, _Told] = {}
        self._all_told_at = 0
        self._since = 0

    def news(self, projects: Iterable[SourceProject], since: int, now: int) -> list[SourceProject]:
        """Return the projects that were active since, or may have been: not those that were told as they are."""
        if since < self._since:
            # Who goes back is told again.
            self._told, self._all_told_at = {}, 0
        self._since = since
        return [each for each in projects if self._is_new(each, since, now)]

    def told(self, projects: Iterable[SourceProject], now: int) -> None:
        """Note what was told at a time."""
        for project in projects:
            if project.changed_at >= now - OVERLAP_MS:
                self._told[project.id] = _Told(hash(project), project.changed_at, now)

    def told_all(self, now: int) -> None:
        """Note that all projects were told at a time."""
        self._all_told_at = now

    def forget(self, before: int) -> None:
        """Forget projects that no later pass asks for."""
        self._told = {id: told for id, told in self._told.items() if told.changed_at >= before}

    def _is_new(self, project: SourceProject, since: int, now: int) -> bool:
        over = project.changed_at + MOVED_EVERY_MS
        told = self._told.get(project.id)
        if told is None:
            return project.changed_at > since or self._all_told_at < over
        return told.content != hash(project) or told.at < over <= now
