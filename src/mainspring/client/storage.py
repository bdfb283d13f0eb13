"""The storage of a server: what was deleted, deleted for good."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from mainspring.client.transport import Transport
from mainspring.modules.tracking.schemas import GarbageQuery, GarbageReport

SoFar = Callable[[GarbageReport], object]


class StorageClient:
    """What a server stores."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def gc(
        self,
        *,
        run_ids: Sequence[str] = (),
        logged_model_ids: Sequence[str] = (),
        experiment_ids: Sequence[str] = (),
        older_than: timedelta = timedelta(0),
        dry_run: bool = False,
        progress: SoFar | None = None,
    ) -> GarbageReport:
        """Delete for good what was deleted, files and all, and return what that was.

        Ids narrow it to what they name; an experiment names its runs and logged models too. ``older_than`` is
        how long ago it must have been deleted. With ``dry_run`` it is only counted. ``progress`` is called
        with the sum after each step. It may be broken off at any moment: the next call goes on.
        """
        query = GarbageQuery(
            list(run_ids), list(logged_model_ids), list(experiment_ids), older_than.total_seconds(), dry_run
        )
        total = GarbageReport()
        while True:
            step = self._transport.call(GarbageReport, "POST", "/gc", body=query)
            total = _sum(total, step)
            if progress:
                progress(total)
            if step.next_page_token is None:
                return total
            query.page_token = step.next_page_token


def _sum(one: GarbageReport, other: GarbageReport) -> GarbageReport:
    names = ("runs", "logged_models", "experiments", "files", "bytes", "kept", "left")
    return GarbageReport(*(getattr(one, name) + getattr(other, name) for name in names))
