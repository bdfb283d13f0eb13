"""The door to configuration and secrets."""

from mainspring.modules.configuration.service.documents import (
    delete_document,
    delete_schema,
    diff_document,
    get_document,
    get_schema,
    list_documents,
    list_versions,
    rollback_document,
    set_document,
    set_schema,
)
from mainspring.modules.configuration.service.effective import effective_after, get_effective
from mainspring.modules.configuration.service.rules import Level
from mainspring.modules.configuration.service.validation import check_schema

__all__ = [
    "Level",
    "check_schema",
    "delete_document",
    "delete_schema",
    "diff_document",
    "effective_after",
    "get_document",
    "get_effective",
    "get_schema",
    "list_documents",
    "list_versions",
    "rollback_document",
    "set_document",
    "set_schema",
]
