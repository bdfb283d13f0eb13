"""GitLab's webhooks and system hooks: what they tell of is read again at once.

They are told apart by nothing but the project that they name: what they say of it is not believed, it is asked for.
So one that is sent twice, or late, does no harm. Source: https://docs.gitlab.com/user/project/integrations/webhook_events/.
"""

from __future__ import annotations

import hmac

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from mainspring.kit.errors import InvalidArgument, PermissionDenied
from mainspring.kit.time import now_ms
from mainspring.modules.projects.service import origins
from mainspring.modules.projects.service import sources as mirrors
from mainspring.modules.services import Services

MAX_BODY = 2 * 1024 * 1024
MAX_ID = 2**63


class _Project(Struct):
    id: int | None = None


class _Told(Struct):
    """What is read of an event: events of projects name it at the top, or in an object of its own."""

    project_id: int | None = None
    project: _Project | None = None


def check_secret(services: Services, given: str) -> None:
    """Raise PermissionDenied unless a webhook brings the secret of the settings; without one all are refused."""
    secret = services.settings.gitlab_webhook_secret
    if not secret or not services.settings.gitlab_url:
        raise PermissionDenied("Webhooks of GitLab are refused: the settings have no gitlab_webhook_secret.")
    if not hmac.compare_digest(secret.encode(), given.encode()):
        raise PermissionDenied("The X-Gitlab-Token is not the one of the setting gitlab_webhook_secret.")


async def take_event(services: Services, body: bytes) -> None:
    """Note the project that an event tells of, to be read again. Raises InvalidArgument for what is no event.

    Events that are not about a project, and those of members, whose access is asked for anyway, change nothing.
    """
    try:
        told = msgspec.json.decode(body, type=_Told)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgument(f"The body is no event as GitLab sends it: {error}.") from error
    project = told.project.id if told.project_id is None and told.project else told.project_id
    if project is None:
        return
    if not 0 < project < MAX_ID:
        raise InvalidArgument(f"The event is of the project {project}, which there cannot be.", field="project_id")
    name = f"gitlab:{services.settings.gitlab_url.rstrip('/')}"
    await services.db.write(_note, name, str(project))


def _note(tx: Connection, name: str, external_id: str) -> None:
    origins.note_changes(tx, mirrors.know_source(tx, name).key, [external_id], now_ms())
