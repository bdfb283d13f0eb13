"""How long acts and deliveries are kept."""

from __future__ import annotations

from itertools import takewhile

from sqlalchemy import Connection

from mainspring.kit import events
from mainspring.kit.actors import SYSTEM
from mainspring.kit.events import Event
from mainspring.kit.time import now_ms
from mainspring.modules.audit.store import events as store
from mainspring.modules.audit.store import webhooks
from mainspring.modules.audit.store.webhooks import READER

DAY_MS = 24 * 3600 * 1000
DELIVERY_DAYS = 30
CUT_AT_ONCE = 5000
DROP_AT_ONCE = 1000


def cut_log(tx: Connection, days: int) -> bool:
    """Cut off acts that are older than ``days``, and say whether more may wait. The cut is an act itself.

    The hash of the last one that goes stays as the anchor that the rest follows. What webhooks have not
    been told yet is kept.
    """
    ends = store.lock_chain(tx)
    told = store.get_position(tx, READER)
    limit = now_ms() - days * DAY_MS
    oldest = store.read_after(tx, ends.cut_seq, CUT_AT_ONCE)
    gone = list(takewhile(lambda row: row[0].at < limit and row[0].seq <= told, oldest))
    if not gone:
        return False
    last, digest = gone[-1]
    store.cut(tx, last.seq, digest)
    after = {"first": gone[0][0].seq, "last": last.seq, "hash": digest.hex()}
    events.publish(tx, Event("audit.cut", f"{gone[0][0].seq}-{last.seq}", SYSTEM, None, after=after))
    return len(gone) == CUT_AT_ONCE


def drop_deliveries(tx: Connection) -> bool:
    """Forget deliveries that are done and older than a month, and say whether more may wait."""
    return webhooks.drop_done(tx, now_ms() - DELIVERY_DAYS * DAY_MS, DROP_AT_ONCE) == DROP_AT_ONCE
