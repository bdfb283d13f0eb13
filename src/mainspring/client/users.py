"""Accounts and groups, and one's own account."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from mainspring.client.pages import Results
from mainspring.client.transport import Query, Transport, segment
from mainspring.modules.identity.schemas import (
    AccountKind,
    AdminChange,
    Group,
    GroupCreate,
    GroupMember,
    GroupMembers,
    Groups,
    GroupUpdate,
    OneTimeLink,
    PasswordChange,
    PasswordSet,
    User,
    UserCreate,
    Users,
    UserUpdate,
)


class UserClient:
    """The accounts of a server. Only administrators manage those of others."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def search(self, prefix: str = "", *, kind: AccountKind | None = None, page_size: int = 100) -> Results[User]:
        """Find accounts by the beginning of their name, which only administrators may leave out."""

        def fetch(page_token: str | None) -> Users:
            query: Query = {"prefix": prefix, "kind": kind, "max_results": page_size, "page_token": page_token}
            return self._transport.call(Users, "GET", "/users", query=query)

        return Results(fetch)

    def get(self, name: str) -> User:
        """Return an account."""
        return self._transport.call(User, "GET", _user(name))

    def create(
        self,
        name: str,
        *,
        display_name: str = "",
        email: str = "",
        password: str | None = None,
        kind: AccountKind = AccountKind.USER,
    ) -> User:
        """Create an account. Without a password ``create_password_link`` lets its owner set one."""
        new = UserCreate(name, display_name, email, password, kind)
        return self._transport.call(User, "POST", "/users", body=new)

    def update(self, name: str, *, display_name: str | UnsetType = UNSET, email: str | UnsetType = UNSET) -> User:
        """Change an account's display name or e-mail address; what is left out stays as it is."""
        return self._transport.call(User, "PATCH", _user(name), body=UserUpdate(display_name, email))

    def delete(self, name: str) -> None:
        """Delete an account; its name is not given again."""
        self._transport.do("DELETE", _user(name))

    def set_admin(self, name: str, is_admin: bool) -> User:
        """Make an account an administrator of the server, or no longer one."""
        return self._transport.call(User, "PUT", f"{_user(name)}/admin", body=AdminChange(is_admin))

    def block(self, name: str) -> User:
        """Keep an account out: its sessions end, its API keys rest."""
        return self._transport.call(User, "POST", f"{_user(name)}/block")

    def unblock(self, name: str) -> User:
        """Let an account in again."""
        return self._transport.call(User, "POST", f"{_user(name)}/unblock")

    def set_password(self, name: str, password: str) -> None:
        """Set the password of an account; its sessions end."""
        self._transport.do("PUT", f"{_user(name)}/password", body=PasswordSet(password))

    def create_password_link(self, name: str) -> OneTimeLink:
        """Return a one-time link by which the owner of an account sets its password; ``path`` is the page's."""
        return self._transport.call(OneTimeLink, "POST", f"{_user(name)}/password-link")

    def me(self) -> User:
        """Return one's own account."""
        return self._transport.call(User, "GET", "/users/me")

    def update_me(self, *, display_name: str | UnsetType = UNSET, email: str | UnsetType = UNSET) -> User:
        """Change one's own display name or e-mail address; what is left out stays as it is."""
        return self._transport.call(User, "PATCH", "/users/me", body=UserUpdate(display_name, email))

    def change_password(self, current_password: str, new_password: str) -> None:
        """Change one's own password; one's sessions end."""
        change = PasswordChange(current_password, new_password)
        self._transport.do("PUT", "/users/me/password", body=change)


class GroupClient:
    """The groups of a server. Only administrators manage them."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def search(self, prefix: str = "", *, page_size: int = 100) -> Results[Group]:
        """Find groups by the beginning of their name, which only administrators may leave out."""

        def fetch(page_token: str | None) -> Groups:
            query: Query = {"prefix": prefix, "max_results": page_size, "page_token": page_token}
            return self._transport.call(Groups, "GET", "/groups", query=query)

        return Results(fetch)

    def get(self, name: str) -> Group:
        """Return a group."""
        return self._transport.call(Group, "GET", _group(name))

    def create(self, name: str, *, description: str = "", claim: str | None = None) -> Group:
        """Create a group; ``claim`` is what identity providers call it, whose members it then has."""
        return self._transport.call(Group, "POST", "/groups", body=GroupCreate(name, description, claim))

    def update(
        self, name: str, *, description: str | UnsetType = UNSET, claim: str | UnsetType | None = UNSET
    ) -> Group:
        """Change a group's description or claim; what is left out stays as it is."""
        return self._transport.call(Group, "PATCH", _group(name), body=GroupUpdate(description, claim))

    def delete(self, name: str) -> None:
        """Delete a group."""
        self._transport.do("DELETE", _group(name))

    def members(self, name: str, *, page_size: int = 100) -> Results[GroupMember]:
        """Find who is in a group."""

        def fetch(page_token: str | None) -> GroupMembers:
            query: Query = {"max_results": page_size, "page_token": page_token}
            return self._transport.call(GroupMembers, "GET", f"{_group(name)}/members", query=query)

        return Results(fetch)

    def add_member(self, name: str, user: str) -> None:
        """Make an account a member of a group."""
        self._transport.do("PUT", f"{_group(name)}/members/{segment(user)}")

    def remove_member(self, name: str, user: str) -> None:
        """Take an account out of a group."""
        self._transport.do("DELETE", f"{_group(name)}/members/{segment(user)}")


def _user(name: str) -> str:
    return f"/users/{segment(name)}"


def _group(name: str) -> str:
    return f"/groups/{segment(name)}"
