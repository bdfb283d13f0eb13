"""Logs: one line an event with its fields and the request's id, as JSON or for reading."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from mainspring.kit.context import request_id
from mainspring.kit.redaction import redact


def _add_request_id(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if this := request_id.get():
        event.setdefault("request_id", this)
    return event


def _redacting(renderer: structlog.typing.Processor) -> structlog.typing.Processor:
    """Return a renderer whose lines hold no secret: tracebacks and what other libraries say are in them too."""

    def render(logger: Any, method: str, event: structlog.typing.EventDict) -> str:
        return redact(str(renderer(logger, method, event)))

    return render


def configure_logs(log_format: str, level: str) -> None:
    """Send the logs of structlog and of the standard library to standard error."""
    pretty = log_format == "pretty" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        _add_request_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    if pretty:
        shared = shared[:-1]  # the console renderer draws tracebacks itself
    renderer = _redacting(_console() if pretty else _json())
    numeric = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(numeric, logging.WARNING), force=True)


def _console() -> structlog.typing.Processor:
    # Tracebacks without the values of variables, which are nobody's business.
    plain = structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)


def _json() -> structlog.typing.Processor:
    import msgspec

    return structlog.processors.JSONRenderer(
        serializer=lambda event, **_: msgspec.json.encode(event, enc_hook=repr).decode()
    )
