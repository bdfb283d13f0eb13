"""Background tasks of files."""

from __future__ import annotations

from collections.abc import Sequence

from mainspring.modules.files import service
from mainspring.modules.services import Task

TASKS: Sequence[Task] = (Task("files", every_s=3600, step=service.step_unused),)
