"""Wire contracts of identity. Times are milliseconds since the epoch, UTC.

What may be sent is spelled out: a field that is not listed is refused, so that nobody sets what is not theirs to set.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType

from mainspring.kit.permissions import Permission


class AccountKind(StrEnum):
    """Whether an account is a person's or a program's."""

    USER = "user"
    SERVICE = "service"


class User(Struct, frozen=True):
    """An account. What stands behind ``kind`` is None for others than administrators and the user."""

    name: str
    display_name: str
    kind: AccountKind
    email: str | None = None
    is_admin: bool | None = None
    blocked: bool | None = None
    has_password: bool | None = None
    created_at: int | None = None
    updated_at: int | None = None
    last_seen_at: int | None = None


class UserCreate(Struct, forbid_unknown_fields=True):
    """A new account. Without a password a one-time link lets its owner set one; service accounts have none."""

    name: str
    display_name: str = ""
    email: str = ""
    password: str | None = None
    kind: AccountKind = AccountKind.USER


class UserUpdate(Struct, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    display_name: str | UnsetType = UNSET
    email: str | UnsetType = UNSET


class Users(Struct):
    items: list[User]
    next_page_token: str | None = None


class AdminChange(Struct, forbid_unknown_fields=True):
    """Whether an account is an administrator of the whole installation."""

    is_admin: bool


class PasswordChange(Struct, forbid_unknown_fields=True):
    """One's own new password, and the one that it replaces."""

    current_password: str
    new_password: str


class PasswordSet(Struct, forbid_unknown_fields=True):
    password: str


class Group(Struct, frozen=True):
    """``claim`` is what identity providers call the group: who comes with it in the claims is a member."""

    name: str
    description: str
    claim: str | None
    created_at: int


class GroupCreate(Struct, forbid_unknown_fields=True):
    name: str
    description: str = ""
    claim: str | None = None


class GroupUpdate(Struct, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    description: str | UnsetType = UNSET
    claim: str | UnsetType | None = UNSET


class Groups(Struct):
    items: list[Group]
    next_page_token: str | None = None


class GroupMember(Struct, frozen=True):
    """``source`` is empty for who was added here, else the identity provider that says so."""

    name: str
    display_name: str
    kind: AccountKind
    source: str


class GroupMembers(Struct):
    items: list[GroupMember]
    next_page_token: str | None = None


class SignIn(Struct, forbid_unknown_fields=True):
    name: str
    password: str


class WhoAmI(Struct, frozen=True):
    """Who is asking, and what that actor may do in the project that the request is about.

    ``scoped`` says that the credential allows less than the account may; ``run_id`` is the one run that may be
    written with it.
    """

    name: str
    kind: str
    is_admin: bool
    permissions: list[Permission]
    groups: list[str] = []
    scoped: bool = False
    run_id: str | None = None


class SessionDetails(Struct, frozen=True):
    """Where a session comes from: the client's address and program, and the identity provider that vouched for it."""

    address: str = ""
    user_agent: str = ""
    provider: str = ""


class Session(Struct, frozen=True):
    """A sign-in of a browser. ``current`` is the one that asks."""

    id: int
    created_at: int
    expires_at: int
    last_used_at: int | None
    address: str
    user_agent: str
    provider: str
    current: bool


class Sessions(Struct, frozen=True):
    items: list[Session]


class ApiKeyCreate(Struct, forbid_unknown_fields=True):
    """A new API key.

    ``permissions`` and ``projects`` (``namespace/name``) are what it is limited to, None for no limit beyond the
    account's own. ``user`` is the service account that it is for, left out one's own account.
    """

    name: str
    permissions: list[Permission] | None = None
    projects: list[str] | None = None
    expires_days: int = 90
    user: str | None = None


class ApiKey(Struct, frozen=True):
    id: int
    name: str
    user: str
    permissions: list[Permission] | None
    projects: list[str] | None
    created_at: int
    expires_at: int | None
    last_used_at: int | None


class NewApiKey(ApiKey, frozen=True, kw_only=True):
    """An API key with its token, which is told this once."""

    token: str


class ApiKeys(Struct, frozen=True):
    items: list[ApiKey]


class RunTokenCreate(Struct, forbid_unknown_fields=True):
    """``expires_s`` is in seconds, at most a day."""

    run_id: str
    expires_s: int = 3600


class RunTokenRefresh(Struct, forbid_unknown_fields=True):
    """``expires_s`` is in seconds, at most a day."""

    expires_s: int = 3600


class RunToken(Struct, frozen=True):
    """A token that reads the project and writes the one run."""

    token: str
    run_id: str
    expires_at: int


class OneTimeLink(Struct, frozen=True):
    """A link that is good once. ``path`` is the page's, with the token in its fragment, which is sent to no server."""

    token: str
    path: str
    expires_at: int


class Setup(Struct, forbid_unknown_fields=True):
    """The first administrator of an installation; ``token`` is that of the link which the server has printed."""

    token: str
    name: str
    password: str
    display_name: str = ""
    email: str = ""


class PasswordReset(Struct, forbid_unknown_fields=True):
    """A new password; ``token`` is that of a one-time link."""

    token: str
    password: str


class DeviceStart(Struct, forbid_unknown_fields=True):
    """A command line that wants to be signed in; ``client`` is how people know it, such as ``mainspring on laptop``."""

    client: str


class DeviceAuthorization(Struct, frozen=True):
    """What a command line shows, and what it asks with (RFC 8628, section 3.2). Times are in seconds."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


class DevicePoll(Struct, forbid_unknown_fields=True):
    device_code: str


class DeviceToken(Struct, frozen=True):
    """An API key for a command line that was approved. ``expires_in`` is in seconds."""

    access_token: str
    token_type: str
    expires_in: int
    name: str


class DeviceRefusal(Struct, frozen=True):
    """Why there is no token (RFC 8628, section 3.5): ``authorization_pending`` and ``slow_down`` mean to ask again."""

    error: str
    error_description: str


class Device(Struct, frozen=True):
    """A command line that waits to be approved; ``account`` is who would approve it."""

    user_code: str
    client: str
    account: str
    expires_at: int


class DeviceAnswer(Struct, forbid_unknown_fields=True):
    approve: bool
