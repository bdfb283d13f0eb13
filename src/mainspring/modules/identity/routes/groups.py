"""``/api/v1/groups``: groups of accounts, and who is in them."""

from __future__ import annotations

from litestar import delete, get, patch, post, put
from litestar.params import FromPath, JSONBody

from mainspring.modules.identity import service
from mainspring.modules.identity.routes.users import MANAGE, MINE, Db, MaxResults, PageToken, Prefix, Who
from mainspring.modules.identity.schemas import Group, GroupCreate, GroupMembers, Groups, GroupUpdate

GROUPS = "/api/v1/groups"
GROUP = f"{GROUPS}/{{name:str}}"


@get(GROUPS, opt=MINE)
async def search_groups(
    db: Db, actor: Who, prefix: Prefix = "", max_results: MaxResults = 100, page_token: PageToken = None
) -> Groups:
    """Find groups by the beginning of their name."""
    page = await db.read(service.search_groups, actor, prefix, max_results, page_token)
    return Groups(page.items, page.next_page_token)


@post(GROUPS, opt=MANAGE)
async def create_group(db: Db, actor: Who, data: JSONBody[GroupCreate]) -> Group:
    """Create a group."""
    return await db.write(service.create_group, actor, data)


@get(GROUP, opt=MINE)
async def get_group(db: Db, actor: Who, name: FromPath[str]) -> Group:
    """Get a group."""
    return await db.read(service.get_group, actor, name)


@patch(GROUP, opt=MANAGE)
async def update_group(db: Db, actor: Who, name: FromPath[str], data: JSONBody[GroupUpdate]) -> Group:
    """Change a group's description, or what identity providers call it."""
    return await db.write(service.update_group, actor, name, data)


@delete(GROUP, opt=MANAGE)
async def delete_group(db: Db, actor: Who, name: FromPath[str]) -> None:
    """Delete a group."""
    await db.write(service.delete_group, actor, name)


@get(f"{GROUP}/members", opt=MINE)
async def list_group_members(
    db: Db, actor: Who, name: FromPath[str], max_results: MaxResults = 100, page_token: PageToken = None
) -> GroupMembers:
    """List who is in a group: its members may, and administrators."""
    page = await db.read(service.list_members, actor, name, max_results, page_token)
    return GroupMembers(page.items, page.next_page_token)


@put(f"{GROUP}/members/{{user:str}}", opt=MANAGE, status_code=204)
async def add_group_member(db: Db, actor: Who, name: FromPath[str], user: FromPath[str]) -> None:
    """Make an account a member of a group."""
    await db.write(service.add_member, actor, name, user)


@delete(f"{GROUP}/members/{{user:str}}", opt=MANAGE)
async def remove_group_member(db: Db, actor: Who, name: FromPath[str], user: FromPath[str]) -> None:
    """Take an account out of a group."""
    await db.write(service.remove_member, actor, name, user)


HANDLERS = [
    search_groups,
    create_group,
    get_group,
    update_group,
    delete_group,
    list_group_members,
    add_group_member,
    remove_group_member,
]
