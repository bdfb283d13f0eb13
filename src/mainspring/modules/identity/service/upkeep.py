"""What identity forgets in time: credentials and links that ended a month ago, failed sign-ins that count no more."""

from __future__ import annotations

from sqlalchemy import Connection

from mainspring.kit.time import now_ms
from mainspring.modules.identity.service import attempts
from mainspring.modules.identity.service.sessions import DAY_MS
from mainspring.modules.identity.store import credentials, providers, sign_ins
from mainspring.modules.services import Services

KEPT_MS = 30 * DAY_MS
PART = 1000


async def drop_ended(services: Services) -> bool:
    """Delete some of what has ended, and say whether there is more."""
    return await services.db.write(_drop_ended)


def _drop_ended(tx: Connection) -> bool:
    before = now_ms() - KEPT_MS
    attempts.drop_forgotten(tx)
    sign_ins.delete_stale_links(tx, before)
    providers.delete_spent(tx, now_ms())
    providers.delete_ended(tx, now_ms())
    return credentials.delete_stale(tx, before, PART) == PART
