"""An installation that many people share, put straight into a Mainspring database: by requests it would take hours.

Users are in groups, both hold roles in projects and in namespaces, some of which lie below others. Most projects are
private; one in twenty is public, one in twenty internal.
"""

import random
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert

from mainspring.kit.actors import DEFAULT_PROJECT
from mainspring.kit.permissions import Role
from mainspring.kit.sql_engines import reserve_keys
from mainspring.kit.time import now_ms
from mainspring.modules.identity.service import tokens
from mainspring.modules.identity.store.credentials import NewCredential, insert_credential
from mainspring.modules.identity.tables import group_members, groups, users
from mainspring.modules.projects.tables import grants, namespaces, projects

WORDS = ("churn", "demand", "fraud")
DAY_MS = 86_400_000
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Shape:
    """How many there are of what; ``user_grants`` and ``group_grants`` are roles of each, the last in a namespace."""

    users: int = 10_000
    groups: int = 1_000
    groups_of_user: int = 5
    namespaces: int = 500
    projects: int = 5_000
    user_grants: int = 9
    group_grants: int = 10
    keys: int = 1_000

    @property
    def grants(self) -> int:
        """How many roles are held."""
        return self.users * self.user_grants + self.groups * self.group_grants


SMALL = Shape(users=400, groups=40, namespaces=50, projects=1_000, keys=50)


@dataclass
class Population:
    """API keys of an administrator, of a user and of other users, and the projects' paths that they are to see."""

    administrator: str
    member: str
    others: list[str]
    all_paths: list[str]
    paths_of_member: list[str]


@dataclass
class Places:
    """Namespaces and projects: names and paths by key, and what is open to every account."""

    namespaces: dict[int, str]
    paths: dict[int, str]
    namespace_of: dict[int, int]
    open: set[int] = field(default_factory=set)


def fill(tx: Connection, shape: Shape) -> Population:
    """Insert all of it, and return who asks and what they are to see. The first user may log to the default project."""
    draw = random.Random(7)
    places = insert_places(tx, shape)
    people = insert_accounts(tx, shape)
    teams = insert_groups(tx, shape, people, draw)
    held = hold(draw, places, "user", people, shape.user_grants)
    held += hold(draw, places, "group", list(teams), shape.group_grants)
    held[0]["scope"] = DEFAULT_PROJECT
    tx.execute(insert(grants), held)
    root = insert_account(tx, "root", is_admin=True)
    default = {DEFAULT_PROJECT: "default/default"}
    member, *others = people[: shape.keys + 1]
    seen = visible(places, member, {team for team, members in teams.items() if member in members}, held)
    return Population(
        new_key(tx, root),
        new_key(tx, member),
        [new_key(tx, user) for user in others],
        by_path(default | places.paths),
        by_path({key: path for key, path in (default | places.paths).items() if key in seen}),
    )


def by_path(paths: dict[int, str]) -> list[str]:
    """Return paths as they are listed: by namespace, then by name."""
    return sorted(paths.values(), key=lambda path: path.rpartition("/")[::2])


def insert_places(tx: Connection, shape: Shape) -> Places:
    """Insert namespaces, every fifth below the one before, and projects, as many in each."""
    keys, now = list(reserve_keys(tx, namespaces, shape.namespaces)), now_ms()
    names = {}
    for number, key in enumerate(keys):
        names[key] = f"team-{number - 1:04d}/sub" if number % 5 == 4 else f"team-{number:04d}"
    made = [{"id": key, "name": name, "description": "", "created_at": now} for key, name in names.items()]
    tx.execute(insert(namespaces), made)
    places, rows = Places(names, {}, {}), []
    for number, key in enumerate(reserve_keys(tx, projects, shape.projects)):
        namespace, word = keys[number % len(keys)], WORDS[number % len(WORDS)]
        name, visibility = f"{word}-{number:05d}", {0: "public", 7: "internal"}.get(number % 20, "private")
        rows.append({"id": key, "namespace": namespace, "name": name, "visibility": visibility})
        places.paths[key], places.namespace_of[key] = f"{names[namespace]}/{name}", namespace
        if visibility != "private":
            places.open.add(key)
    same = {"description": "What it is about.", "readme": "", "created_by": "root", "created_at": now}
    tx.execute(insert(projects), [row | same | {"workspace": row["name"], "updated_at": now} for row in rows])
    return places


def insert_accounts(tx: Connection, shape: Shape) -> list[int]:
    """Insert users and return their keys."""
    keys = list(reserve_keys(tx, users, shape.users))
    tx.execute(insert(users), [account(f"user-{number:05d}") | {"id": key} for number, key in enumerate(keys)])
    return keys


def account(name: str, *, is_admin: bool = False) -> dict[str, Any]:
    """Return the row of an account."""
    row = {"name": name, "display_name": "", "email": "", "kind": "user", "is_admin": is_admin, "blocked": False}
    return row | {"created_at": now_ms(), "updated_at": now_ms()}


def insert_account(tx: Connection, name: str, *, is_admin: bool = False) -> int:
    """Insert one account and return its key."""
    [key] = reserve_keys(tx, users, 1)
    tx.execute(insert(users), [account(name, is_admin=is_admin) | {"id": key}])
    return key


def insert_groups(tx: Connection, shape: Shape, people: list[int], draw: random.Random) -> dict[int, set[int]]:
    """Insert groups, put each user into some of them, and return the members of each."""
    keys = list(reserve_keys(tx, groups, shape.groups))
    made = [{"id": key, "name": f"group-{key}", "description": "", "created_at": now_ms()} for key in keys]
    tx.execute(insert(groups), made)
    teams: dict[int, set[int]] = {key: set() for key in keys}
    for user in people:
        for key in draw.sample(keys, shape.groups_of_user):
            teams[key].add(user)
    rows = [{"group": key, "user": user, "source": ""} for key, members in teams.items() for user in sorted(members)]
    tx.execute(insert(group_members), rows)
    return teams


def hold(draw: random.Random, places: Places, kind: str, holders: list[int], count: int) -> Rows:
    """Return roles of holders: each has one in a namespace, the others in projects."""
    all_projects, all_namespaces = list(places.paths), list(places.namespaces)
    same = {"holder_kind": kind, "role": Role.DEVELOPER, "created_by": "root", "created_at": now_ms()}
    rows = []
    for holder in holders:
        scopes = [("project", key) for key in draw.sample(all_projects, count - 1)]
        scopes.append(("namespace", draw.choice(all_namespaces)))
        rows += [same | {"holder": holder, "scope_kind": scope, "scope": key} for scope, key in scopes]
    return rows


def visible(places: Places, user: int, teams: set[int], held: Rows) -> set[int]:
    """Return the keys of the projects that a user sees."""
    mine = [each for each in held if each["holder"] in (teams if each["holder_kind"] == "group" else {user})]
    given = {each["scope"] for each in mine if each["scope_kind"] == "project"}
    above = [places.namespaces[each["scope"]] for each in mine if each["scope_kind"] == "namespace"]
    below = {key for key, name in places.namespaces.items() if f"{name}/".startswith(tuple(f"{one}/" for one in above))}
    return given | places.open | {key for key, namespace in places.namespace_of.items() if namespace in below}


def new_key(tx: Connection, user: int) -> str:
    """Return a new API key of an account."""
    token, now = tokens.new_token(tokens.API_KEY), now_ms()
    insert_credential(tx, NewCredential(user, "key", tokens.digest_of(token), now, now + 30 * DAY_MS, "bench"))
    return token
