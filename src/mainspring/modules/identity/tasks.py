"""Background tasks of identity."""

from __future__ import annotations

from collections.abc import Sequence

from mainspring.modules.identity import service
from mainspring.modules.identity.service.provider_sessions import refresh_sessions
from mainspring.modules.services import Task

TASKS: Sequence[Task] = (
    Task("credentials", every_s=3600, step=service.drop_ended),
    Task("provider_sessions", every_s=5, step=refresh_sessions, share=0.5),
)
