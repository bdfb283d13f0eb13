"""What a request carries along without being passed: for logs, headers, error bodies and the audit log."""

from collections.abc import Callable
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being served; empty outside of one."""

client_address: ContextVar[str] = ContextVar("client_address", default="")
"""The network address of the client of that request; empty outside of one."""

note_access_change: ContextVar[Callable[[], None] | None] = ContextVar("note_access_change", default=None)
"""To be called when that request changes who may do what: it is answered when all processes go by the change."""
