"""The door to identity: its service functions, each ``f(tx, actor, …)`` and without a commit."""

from mainspring.modules.identity.service.credentials import change_access, current_epoch, digest_of, find_credential
from mainspring.modules.identity.store.credentials import Account, Credential

__all__ = ["Account", "Credential", "change_access", "current_epoch", "digest_of", "find_credential"]
