"""The door to the audit log and to webhooks."""

from mainspring.modules.audit import store as store
