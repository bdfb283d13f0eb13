"""What a request carries along without being passed: its id, for logs, headers and error bodies."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being served; empty outside of one."""
