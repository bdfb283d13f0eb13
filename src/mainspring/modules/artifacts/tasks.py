"""Background tasks of artifacts."""

from __future__ import annotations

from collections.abc import Sequence

from mainspring.modules.artifacts import service
from mainspring.modules.services import Task

TASKS: Sequence[Task] = (Task("uploads", every_s=3600, step=service.drop_abandoned),)
