"""Files that pages of items sign are those that each project by itself would let its actor read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Connection, insert, select, update

from mainspring.kit.actors import LOCAL, NOBODY, Actor, ActorKind
from mainspring.kit.errors import MainspringError, NotFound
from mainspring.kit.permissions import Permission
from mainspring.modules.catalog import service as catalog
from mainspring.modules.catalog.service.signed_files import Reach, SignedFiles, sign_files
from mainspring.modules.identity.tables import users
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.service import Place, origins
from mainspring.modules.projects.tables import grants, namespaces, source_accounts
from mainspring.modules.projects.tables import projects as table
from mainspring.modules.services import Services
from tests.gitlab_double.app import GitLabDouble
from tests.modules.catalog.conftest import World
from tests.modules.catalog.test_internal import come_by, public_gitlab, shared, sync

__all__ = ["shared"]

DISCOVERS = frozenset({Permission.PROJECTS_DISCOVER})
READS = {Permission.PROJECT_READ, Permission.ARTIFACTS_READ}
ACTORS: dict[str, Callable[[Actor], Actor]] = {
    "user": lambda actor: actor,
    "local": lambda _actor: LOCAL,
    "nobody": lambda _actor: replace(NOBODY, permissions=DISCOVERS),
    "nobody where nothing is open": lambda _actor: NOBODY,
    "token that reads files": lambda actor: replace(actor, limits=DISCOVERS | READS),
    "token that reads files alone": lambda actor: replace(actor, limits=DISCOVERS | {Permission.ARTIFACTS_READ}),
    "token that reads no files": lambda actor: replace(actor, limits=DISCOVERS | {Permission.PROJECT_READ}),
    "token of one project": lambda actor: replace(actor, projects=frozenset({4, 5})),
    "run's token": lambda actor: replace(actor, run_id="r"),
}
NOTHING = {
    "nobody where nothing is open",
    "token that reads files alone",
    "token that reads no files",
    "run's token",
}
ROLES = (0, 10, 20, 50)


def fill(tx: Connection) -> Actor:
    """Make projects of each visibility in which somebody has each role, by itself or by a namespace."""
    row = {"name": "zoe", "display_name": "", "email": "", "kind": "user", "is_admin": False, "blocked": False}
    row |= {"created_at": 0, "updated_at": 0}
    user = tx.execute(insert(users).values(row).returning(users.c.id)).scalar_one()
    for held in ROLES:
        values = {"name": f"held-{held}", "description": "", "created_at": 0}
        above = tx.execute(insert(namespaces).values(values).returning(namespaces.c.id)).scalar_one()
        _grant(tx, user, "namespace", above, held)
        for visibility in ("private", "internal", "public"):
            for role in ROLES:
                name = f"{visibility}-{role}"
                told = {"namespace": above, "name": name, "workspace": f"held-{held}-{name}", "visibility": visibility}
                told |= {"description": "", "readme": "", "created_by": "root", "created_at": 0, "updated_at": 0}
                key = tx.execute(insert(table).values(told).returning(table.c.id)).scalar_one()
                _grant(tx, user, "project", key, role)
    return Actor("zoe", DISCOVERS, 0, user, ActorKind.USER)


def _grant(tx: Connection, user: int, kind: str, scope: int, role: int) -> None:
    if role:
        row = {"holder_kind": "user", "holder": user, "scope_kind": kind, "scope": scope, "role": role}
        tx.execute(insert(grants).values(row | {"created_by": "root", "created_at": 0}))


def may_read(tx: Connection, actor: Actor, path: str) -> bool:
    try:
        return projects.acting_in(tx, actor, Place(path)).may(Permission.ARTIFACTS_READ)
    except NotFound:
        return False


@pytest.mark.parametrize("name", ACTORS)
def test_what_is_readable_is_what_roles_say_of_each_project(tx: Connection, name: str) -> None:
    actor = ACTORS[name](fill(tx))
    keys = list(tx.execute(select(table.c.id)).scalars())
    paths = projects.paths_of(tx, keys)
    expected = {key for key in keys if may_read(tx, actor, paths[key])}
    assert {each.key for each in projects.readable_among(tx, actor, projects.list_placed(tx, keys))} == expected
    assert bool(expected) == (name not in NOTHING)


def test_what_is_open_to_everyone_is_not_signed(tx: Connection) -> None:
    actor = fill(tx)
    keys = list(tx.execute(select(table.c.id)).scalars())
    for public_read, there in ((True, False), (False, True)):
        signed = sign_files(tx, actor, projects.list_placed(tx, keys), Reach(public_read, (), ""))
        assert ("held-0-public-0" in signed.slugs.values()) == there
        assert "held-0-internal-0" in signed.slugs.values()
        assert "held-0-private-10" not in signed.slugs.values()


def test_a_credential_is_in_what_it_signed(tx: Connection) -> None:
    actor = replace(fill(tx), credential=7)
    placed = projects.list_placed(tx, list(tx.execute(select(table.c.id)).scalars()))
    signed = sign_files(tx, actor, placed, Reach(True, (), ""))
    key = next(iter(signed.slugs))
    other = sign_files(tx, replace(actor, credential=8), placed, Reach(True, (), "")).of(key)
    sign = signed.of(key)
    assert sign is not None
    assert other is not None
    assert f"account={actor.key}&credential=7&" in sign("a b.csv", "main")
    assert sign("a b.csv", "main").partition("signature=")[2] != other("a b.csv", "main").partition("signature=")[2]
    assert SignedFiles().of(key) is None


def test_files_at_a_gitlab_are_signed_for_whom_it_would_give_them(shared: World, double: GitLabDouble) -> None:
    async def work(services: Services) -> None:
        people = dict(zip(NAMES, await come_by(services, *NAMES), strict=True))
        await sync(services)
        keys = list(await services.db.read(lambda tx: tx.execute(select(table.c.id)).scalars().all()))
        for name, actor in people.items():
            assert await signed(services, actor, keys) == await had(services, actor, keys), name
        assert len(await signed(services, people["bob"], keys)) == 1 + len(await signed(services, people["eve"], keys))
        await services.db.write(forget_tokens)
        eve = people["eve"]
        assert await signed(services, eve, keys) == await had(services, eve, keys)
        away = Reach(False, (), catalog.reach_of(services).sign_ins)
        assert len(await signed(services, LOCAL, keys, away)) == 1  # the project that is at home

    shared.run(work, public_gitlab(double))


NAMES = ("bob", "dave", "eve", "portal")


def forget_tokens(tx: Connection) -> None:
    tx.execute(update(source_accounts).values(token=None))


async def signed(services: Services, actor: Actor, keys: list[int], reach: Reach | None = None) -> set[int]:
    """Return the projects whose files are signed for an actor."""

    def sign(tx: Connection) -> SignedFiles:
        return sign_files(tx, actor, projects.list_placed(tx, keys), reach or catalog.reach_of(services))

    return set((await services.db.read(sign)).slugs)


async def had(services: Services, actor: Actor, keys: list[int]) -> set[int]:
    """Return the projects whose files an actor may have."""
    found = set()
    for key in keys:
        try:
            await catalog.files_of(services, actor, key)
        except MainspringError:
            continue
        found.add(key)
    assert await services.db.read(origins.list_sources)
    return found
