"""``/api/v1/users``: accounts, managed by administrators, and one's own."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from mainspring.db.engine import Database
from mainspring.kit.actors import Actor
from mainspring.kit.permissions import Permission, needs
from mainspring.modules.identity import service
from mainspring.modules.identity.schemas import (
    AccountKind,
    AdminChange,
    OneTimeLink,
    PasswordChange,
    PasswordSet,
    User,
    UserCreate,
    Users,
    UserUpdate,
)

MINE, MANAGE = needs(Permission.SIGNED_IN), needs(Permission.USERS_MANAGE)
Db = NamedDependency[Database]
Who = NamedDependency[Actor]
Prefix = Annotated[str, QueryParameter(description="How the name begins; all, for administrators.")]
MaxResults = Annotated[int, QueryParameter(description="How many at most.")]
PageToken = Annotated[str | None, QueryParameter(description="The `next_page_token` of the page before.")]
Kind = Annotated[AccountKind | None, QueryParameter(description="Only people, or only service accounts.")]
USERS = "/api/v1/users"
ME = f"{USERS}/me"
USER = f"{USERS}/{{name:str}}"


@get(USERS, opt=MINE)
async def search_users(
    db: Db,
    actor: Who,
    prefix: Prefix = "",
    kind: Kind = None,
    max_results: MaxResults = 100,
    page_token: PageToken = None,
) -> Users:
    """Find accounts by the beginning of their name."""
    page = await db.read(service.search_users, actor, prefix, kind, max_results, page_token)
    return Users(page.items, page.next_page_token)


@post(USERS, opt=MANAGE)
async def create_user(db: Db, actor: Who, data: JSONBody[UserCreate]) -> User:
    """Create an account of a person or of a program."""
    return await service.create_user(db, actor, data)


@get(ME, opt=MINE)
async def get_me(db: Db, actor: Who) -> User:
    """Get one's own account."""
    return await db.read(service.get_me, actor)


@patch(ME, opt=MINE)
async def update_me(db: Db, actor: Who, data: JSONBody[UserUpdate]) -> User:
    """Change one's own display name or e-mail address."""
    return await db.write(service.update_me, actor, data)


@put(f"{ME}/password", opt=MINE, status_code=204)
async def change_password(db: Db, actor: Who, data: JSONBody[PasswordChange]) -> None:
    """Change one's own password; one's other sessions end."""
    await service.change_password(db, actor, data)


@get(USER, opt=MINE)
async def get_user(db: Db, actor: Who, name: FromPath[str]) -> User:
    """Get an account."""
    return await db.read(service.get_user, actor, name)


@patch(USER, opt=MANAGE)
async def update_user(db: Db, actor: Who, name: FromPath[str], data: JSONBody[UserUpdate]) -> User:
    """Change an account's display name or e-mail address."""
    return await db.write(service.update_user, actor, name, data)


@delete(USER, opt=MANAGE)
async def delete_user(db: Db, actor: Who, name: FromPath[str]) -> None:
    """Delete an account; its name is not given again."""
    await db.write(service.delete_user, actor, name)


@put(f"{USER}/admin", opt=MANAGE)
async def set_user_admin(db: Db, actor: Who, name: FromPath[str], data: JSONBody[AdminChange]) -> User:
    """Make an account an administrator of the installation, or no longer one."""
    return await db.write(service.set_admin, actor, name, data.is_admin)


@post(f"{USER}/block", opt=MANAGE, status_code=200)
async def block_user(db: Db, actor: Who, name: FromPath[str]) -> User:
    """Keep an account out, and end its sessions."""
    return await db.write(service.set_blocked, actor, name, True)


@post(f"{USER}/unblock", opt=MANAGE, status_code=200)
async def unblock_user(db: Db, actor: Who, name: FromPath[str]) -> User:
    """Let an account in again."""
    return await db.write(service.set_blocked, actor, name, False)


@put(f"{USER}/password", opt=MANAGE, status_code=204)
async def set_user_password(db: Db, actor: Who, name: FromPath[str], data: JSONBody[PasswordSet]) -> None:
    """Set the password of an account; its sessions end."""
    await service.set_password(db, actor, name, data.password)


@post(f"{USER}/password-link", opt=MANAGE)
async def create_password_link(db: Db, actor: Who, name: FromPath[str]) -> OneTimeLink:
    """Make a one-time link by which the owner of an account sets its password."""
    return await db.write(service.create_password_link, actor, name)


HANDLERS = [
    search_users,
    create_user,
    get_me,
    update_me,
    change_password,
    get_user,
    update_user,
    delete_user,
    set_user_admin,
    block_user,
    unblock_user,
    set_user_password,
    create_password_link,
]
