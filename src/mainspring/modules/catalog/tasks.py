"""Background tasks of the catalog: they keep its index in step with the places where projects are kept."""

from __future__ import annotations

from collections.abc import Sequence

from mainspring.modules.catalog.service.builtin import index_noted, index_older
from mainspring.modules.catalog.service.syncing import list_sources, read_changes
from mainspring.modules.services import Task

TASKS: Sequence[Task] = (
    # Their steps are waiting, for other machines.
    Task("sources", every_s=1, step=list_sources, share=1.0),
    Task("source changes", every_s=1, step=read_changes, share=1.0),
    Task("items", every_s=1, step=index_noted, share=0.5),
    Task("older items", every_s=60, step=index_older, share=0.25),
)
