"""Who has which role in a project or a namespace, and what that allows."""

from __future__ import annotations

import builtins

from mainspring.client.transport import Transport
from mainspring.client.values import one_of
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.permissions import Permission
from mainspring.modules.projects.schemas import (
    Explanation,
    HolderKind,
    Member,
    Members,
    MemberSet,
    Permissions,
    RoleName,
)


class MemberClient:
    """The members of a project, left out the one that the client works in, or of a namespace."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, *, project: str | None = None, namespace: str | None = None) -> builtins.list[Member]:
        """Return all roles that were given there, and in the namespaces above."""
        query = {"namespace": namespace}
        return self._there(project, namespace).call(Members, "GET", "/members", query=query).items

    def set(
        self,
        name: str,
        role: RoleName | str,
        *,
        kind: HolderKind | str = HolderKind.USER,
        expires_at: int | None = None,
        project: str | None = None,
        namespace: str | None = None,
    ) -> Member:
        """Give an account, or by the kind ``group`` a group, a role in place of the one that it had.

        ``expires_at`` is when it ends, in milliseconds since the epoch.
        """
        wanted = MemberSet(one_of(HolderKind, kind, "kind"), name, one_of(RoleName, role, "role"), expires_at)
        query = {"namespace": namespace}
        return self._there(project, namespace).call(Member, "PUT", "/members", body=wanted, query=query)

    def remove(
        self,
        name: str,
        *,
        kind: HolderKind | str = HolderKind.USER,
        project: str | None = None,
        namespace: str | None = None,
    ) -> None:
        """Take a role away; everyone may give up their own."""
        query = {"kind": one_of(HolderKind, kind, "kind").value, "name": name, "namespace": namespace}
        self._there(project, namespace).do("DELETE", "/members", query=query)

    def _there(self, project: str | None, namespace: str | None) -> Transport:
        if namespace is None:
            return self._transport if project is None else self._transport.of(project)
        if project is not None:
            raise InvalidArgument("Name a project or a namespace, not both.", field="namespace")
        return self._transport.of(None)


class PermissionClient:
    """What may be done in a project, left out the one that the client works in."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, *, project: str | None = None) -> Permissions:
        """Return what you may do there, and what each role allows."""
        return self._there(project).call(Permissions, "GET", "/permissions")

    def why(self, permission: Permission | str, user: str | None = None, *, project: str | None = None) -> Explanation:
        """Tell why an account, left out your own, may or may not do something: each role and rule that has a say."""
        query = {"permission": one_of(Permission, permission, "permission").value, "user": user}
        return self._there(project).call(Explanation, "GET", "/permissions/why", query=query)

    def _there(self, project: str | None) -> Transport:
        return self._transport if project is None else self._transport.of(project)
