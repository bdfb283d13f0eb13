"""The door to the audit log and to webhooks. Who imports it has every act that is published recorded."""

from mainspring.modules.audit.service.keeping import follow_rotation
from mainspring.modules.audit.service.log import export, search_events, verify
from mainspring.modules.audit.service.outbox import claim, has_work, make_deliveries, note_outcomes, open_secrets
from mainspring.modules.audit.service.recording import record, record_denied
from mainspring.modules.audit.service.retention import cut_log, drop_deliveries
from mainspring.modules.audit.service.sending import attempt
from mainspring.modules.audit.service.webhooks import (
    create_webhook,
    delete_webhook,
    get_webhook,
    list_deliveries,
    list_webhooks,
    redeliver,
    test_webhook,
    update_webhook,
)
from mainspring.modules.audit.store.webhooks import Outcome, Sending

__all__ = [
    "Outcome",
    "Sending",
    "attempt",
    "claim",
    "create_webhook",
    "cut_log",
    "delete_webhook",
    "drop_deliveries",
    "export",
    "follow_rotation",
    "get_webhook",
    "has_work",
    "list_deliveries",
    "list_webhooks",
    "make_deliveries",
    "note_outcomes",
    "open_secrets",
    "record",
    "record_denied",
    "redeliver",
    "search_events",
    "test_webhook",
    "update_webhook",
    "verify",
]
