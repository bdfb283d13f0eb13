"""The door to configuration and secrets.

Functions that ask a vault, or wait for changes, are asynchronous; the others are ``f(tx, actor, …)``.
"""

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
from mainspring.modules.configuration.service.keys import list_keys, rewrap_keys, rotate_key
from mainspring.modules.configuration.service.rules import Level
from mainspring.modules.configuration.service.secrets import (
    delete_secret,
    get_secret,
    list_secret_versions,
    list_secrets,
    reveal_secret,
    set_secret,
    update_secret,
)
from mainspring.modules.configuration.service.validation import check_schema
from mainspring.modules.configuration.service.watching import Asking, Changes

__all__ = [
    "Asking",
    "Changes",
    "Level",
    "check_schema",
    "delete_document",
    "delete_schema",
    "delete_secret",
    "diff_document",
    "effective_after",
    "get_document",
    "get_effective",
    "get_schema",
    "get_secret",
    "list_documents",
    "list_keys",
    "list_secret_versions",
    "list_secrets",
    "list_versions",
    "reveal_secret",
    "rewrap_keys",
    "rollback_document",
    "rotate_key",
    "set_document",
    "set_schema",
    "set_secret",
    "update_secret",
]
