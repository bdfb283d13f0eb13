"""Groups: accounts that roles are granted to together. Administrators keep them, and identity providers may."""

from __future__ import annotations

from msgspec import UNSET
from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from mainspring.kit.names import check_length, check_text, invalid_value
from mainspring.kit.pages import Page, position_of, query_mark, token_of
from mainspring.kit.permissions import Permission
from mainspring.kit.time import now_ms
from mainspring.modules.identity.schemas import AccountKind, Group, GroupCreate, GroupMember, GroupUpdate
from mainspring.modules.identity.service import names
from mainspring.modules.identity.service.accounts import SHORTEST_PREFIX, find_user
from mainspring.modules.identity.service.acts import note, require_whole
from mainspring.modules.identity.service.credentials import change_access
from mainspring.modules.identity.store import groups as store
from mainspring.modules.identity.store.groups import GroupRecord


def create_group(tx: Connection, actor: Actor, new: GroupCreate) -> Group:
    """Create a group. Raises InvalidArgument or AlreadyExists."""
    _manage(tx, actor)
    name, claim = names.check_name(new.name), _check_claim(tx, new.claim)
    if store.find_group(tx, name):
        raise AlreadyExists(f"There is a group '{name}'.", field="name")
    store.insert_group(tx, name, names.check_description(new.description), claim, now_ms())
    note(tx, actor, "group.create", name, after={"name": name, "description": new.description, "claim": claim})
    return _described(find_group(tx, name))


def get_group(tx: Connection, actor: Actor, name: str) -> Group:
    """Return a group. Raises NotFound."""
    actor.require(Permission.SIGNED_IN)
    return _described(find_group(tx, name))


def search_groups(tx: Connection, actor: Actor, prefix: str, max_results: int, page_token: str | None) -> Page[Group]:
    """Return groups by name. Who does not manage them names how they begin."""
    actor.require(Permission.SIGNED_IN)
    names.check_page_size(max_results)
    prefix = names.fold(prefix)
    if len(prefix) < SHORTEST_PREFIX and not actor.may(Permission.USERS_MANAGE):
        right = f"give at least the first {SHORTEST_PREFIX} characters of the name"
        raise InvalidArgument(f"prefix is '{prefix}'; {right}.", field="prefix")
    mark = query_mark("groups", prefix)
    [after] = position_of(page_token, mark, [str]) if page_token else [""]
    found = store.search_groups(tx, prefix, after, max_results + 1)
    more = token_of(mark, [found[max_results - 1].name]) if len(found) > max_results else None
    return Page([_described(record) for record in found[:max_results]], more)


def update_group(tx: Connection, actor: Actor, name: str, change: GroupUpdate) -> Group:
    """Change a group's description or claim. Raises NotFound, InvalidArgument or AlreadyExists."""
    _manage(tx, actor)
    record = find_group(tx, name)
    values: dict[str, str | None] = {}
    if change.description is not UNSET:
        values["description"] = names.check_description(change.description)
    if change.claim is not UNSET and change.claim != record.claim:
        values["claim"] = _check_claim(tx, change.claim)
    if values:
        store.update_group(tx, record.key, **values)
        note(tx, actor, "group.update", record.name, {each: getattr(record, each) for each in values}, dict(values))
    return _described(find_group(tx, record.name))


def delete_group(tx: Connection, actor: Actor, name: str) -> None:
    """Delete a group: its members keep what they may by themselves. Raises NotFound."""
    _manage(tx, actor)
    record = find_group(tx, name)
    note(tx, actor, "group.delete", record.name, before={"description": record.description, "claim": record.claim})
    store.delete_group(tx, record.key)


def list_members(
    tx: Connection, actor: Actor, name: str, max_results: int, page_token: str | None
) -> Page[GroupMember]:
    """Return who is in a group, by name: to its members, and to who manages groups. Raises NotFound."""
    actor.require(Permission.SIGNED_IN)
    names.check_page_size(max_results)
    record = find_group(tx, name)
    if record.key not in actor.groups:
        actor.require(Permission.USERS_MANAGE)
    mark = query_mark("members", record.key)
    [after] = position_of(page_token, mark, [str]) if page_token else [""]
    found = store.search_members(tx, record.key, after, max_results + 1)
    more = token_of(mark, [found[max_results - 1].name]) if len(found) > max_results else None
    items = [GroupMember(each.name, each.display_name, AccountKind(each.kind), each.source) for each in found]
    return Page(items[:max_results], more)


def add_member(tx: Connection, actor: Actor, name: str, user: str) -> None:
    """Make an account a member of a group. Raises NotFound."""
    _manage(tx, actor)
    group, member = find_group(tx, name), find_user(tx, user)
    store.add_member(tx, group.key, member.key)
    note(tx, actor, "group.add_member", group.name, after={"user": member.name})


def remove_member(tx: Connection, actor: Actor, name: str, user: str) -> None:
    """Take an account out of a group. Raises NotFound, FailedPrecondition for who is there by their claims."""
    _manage(tx, actor)
    group, member = find_group(tx, name), find_user(tx, user)
    source = store.find_source(tx, group.key, member.key)
    if source is None:
        raise NotFound(f"'{member.name}' is not in the group '{group.name}'.")
    if source:
        raise FailedPrecondition(f"'{member.name}' is in '{group.name}' because {source} says so: change it there.")
    store.remove_member(tx, group.key, member.key)
    note(tx, actor, "group.remove_member", group.name, before={"user": member.name})


def find_group(tx: Connection, name: str) -> GroupRecord:
    """Return the group of a name. Raises NotFound."""
    folded = names.fold(name)
    found = store.find_group(tx, folded) if names.is_possible(folded) else None
    if found is None:
        raise NotFound(f"There is no group '{name[:100]}'.")
    return found


def _manage(tx: Connection, actor: Actor) -> None:
    actor.require(Permission.USERS_MANAGE)
    require_whole(actor)
    change_access(tx)


def _check_claim(tx: Connection, claim: str | None) -> str | None:
    """Return what identity providers call a group, which belongs to one group alone."""
    if claim is None:
        return None
    check_length("claim", check_text(claim, "claim"), 500)
    if not claim.strip() or not claim.isprintable():
        raise invalid_value("claim", claim, "it must be a group's name as the identity provider writes it.")
    if taken := store.find_claimed(tx, claim):
        raise AlreadyExists(f"The claim '{claim}' is that of the group '{taken.name}'.", field="claim")
    return claim


def _described(record: GroupRecord) -> Group:
    return Group(record.name, record.description, record.claim, record.created_at)
