"""The background tasks of all modules."""

from __future__ import annotations

from collections.abc import Sequence

from mainspring.modules.services import Task


def load_tasks() -> Sequence[Task]:
    """Import the modules' tasks, which may take long, and return them."""
    from mainspring.modules.artifacts import tasks as artifacts
    from mainspring.modules.audit import tasks as audit
    from mainspring.modules.catalog import tasks as catalog
    from mainspring.modules.files import tasks as files
    from mainspring.modules.identity import tasks as identity
    from mainspring.modules.tracking import tasks as tracking

    return [*tracking.TASKS, *artifacts.TASKS, *audit.TASKS, *identity.TASKS, *files.TASKS, *catalog.TASKS]
