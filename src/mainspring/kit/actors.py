"""Who is asking: every service function takes the actor and requires a permission of it."""

from dataclasses import dataclass

from mainspring.kit.errors import PermissionDenied
from mainspring.kit.permissions import Permission


@dataclass(frozen=True, slots=True)
class Actor:
    """Someone or something that acts, with what it may do."""

    name: str
    permissions: frozenset[Permission]

    def require(self, permission: Permission) -> None:
        """Raise ``PermissionDenied`` unless the actor holds ``permission``."""
        if permission is not Permission.PUBLIC and permission not in self.permissions:
            raise PermissionDenied(f"{self.name} lacks the permission '{permission}'.")


LOCAL = Actor("local", frozenset(Permission))
"""The one user of an embedded server without accounts: the owner of the data folder."""

NOBODY = Actor("nobody", frozenset())
"""An actor that may do nothing: what a request is before someone vouches for it."""
