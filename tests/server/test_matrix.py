"""Every route is tried by everyone: nobody, strangers, each role, and by tokens that are no good.

The routes are those that the server declares: a new one is tried without being written down here, and fails
where it is open to everyone and not on the list, or has a field in its path that nobody has given a value.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from sqlalchemy import func, select, update

from mainspring.api.mlflow.routes import ENDPOINTS
from mainspring.kit.actors import OUTSIDE_PROJECTS
from mainspring.kit.permissions import ACCOUNT_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role
from mainspring.kit.sql_engines import create_write_engine
from mainspring.modules.identity.tables import credentials
from mainspring.server import v1
from mainspring.server.dialects import ROUTES as DIALECTS
from mainspring.server.schema import metadata
from tests.components.accounts import Guarded

PATH = "matrix/secret"
OPEN = {
    ("GET", "/health"),
    ("GET", "/version"),
    ("GET", "server-info"),
    # Constants of MLflow's page, and its files, which everyone can have from the package mlflow.
    ("GET", "ui-telemetry"),
    ("GET", "assistant/config"),
    ("GET", "assistant/providers"),
    ("GET", "/mlflow"),
    ("GET", "/mlflow/static-files/{path:path}"),
    ("PUT", "/api/v1/transfers/{path:path}"),
    ("HEAD", "/api/v1/transfers/{path:path}"),
    ("GET", "/api/v1/transfers/{path:path}"),
    ("POST", "/api/v1/auth/sign-in"),
    ("POST", "/api/v1/auth/setup"),
    ("POST", "/api/v1/auth/password"),
    ("POST", "/api/v1/auth/device"),
    ("POST", "/api/v1/auth/device/token"),
    ("GET", "/login"),
    ("GET", "/setup"),
    ("GET", "/reset"),
    ("GET", "/device"),
    ("GET", "/signed-out"),
    ("GET", "/assets/{name:str}"),
    ("GET", "/sign-in/{provider:str}"),
    ("GET", "/sign-in/{provider:str}/callback"),
    ("POST", "/sign-in/{provider:str}/backchannel-logout"),
    ("GET", "/api/v1/openapi.json"),
    # GitLab's webhooks bear the secret of the settings; without one all are refused.
    ("POST", "/api/v1/sources/gitlab/events"),
    # What SharingHub's page asks before anyone has signed in: names and titles of this installation.
    ("GET", "/api/config"),
    ("GET", "/api/config/"),
    # A signed URL is a proof of its own; without one it asks for PROJECTS_DISCOVER, and then for the files' project.
    ("GET", "/api/download/{rest:path}"),
}
"""Routes that ask nobody who they are: what they give and take is for everyone, or bears a proof of its own."""

QUIET = {"events", "event_chain", "outbox_positions", "webhook_deliveries", "sign_in_failures"}
"""Tables that refused requests may write to, and those that tasks do."""


@dataclass(frozen=True)
class Route:
    """A declared route."""

    method: str
    path: str
    permission: Permission

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def routes() -> list[Route]:
    """Return all routes of the server, MLflow's under one of their prefixes."""
    own = [
        Route(str(method), path, handler.opt["permission"])
        for handler in v1.ROUTES
        for path in handler.paths  # type: ignore[union-attr]
        for method in handler.http_methods  # type: ignore[union-attr]
    ]
    others = [*ENDPOINTS, *DIALECTS]
    return [*own, *(Route(each.method, each.path, each.permission) for each in others)]


PAGES = {("POST", "/sign-out")}
"""What browsers ask for, and no project has."""

GUARDED_ROUTES = [
    route for route in routes() if route.permission is not Permission.PUBLIC and (route.method, route.path) not in PAGES
]


@dataclass
class World:
    """A server with a project that holds one of everything, and ids of what is in it by the fields of paths."""

    server: Guarded
    fields: dict[str, str]

    def url(self, route: Route, project: str = f"/p/{PATH}") -> str:
        """Return the URL of a route with values in the place of its fields, in a project."""
        path = re.sub(r"\{(\w+)(?::\w+)?\}", lambda field: self.fields[field[1]], route.path)
        if "/resolve/" in path:  # it begins with its project
            return path
        return project + (path if path.startswith("/") else f"/api/2.0/mlflow/{path}")

    def ask(self, client: httpx.Client, route: Route, project: str = f"/p/{PATH}") -> httpx.Response:
        """Send a request to a route, with a body that says little."""
        body = {} if route.method in ("GET", "HEAD", "DELETE") else {"json": {}}
        return client.request(route.method, self.url(route, project), **body)  # type: ignore[arg-type]

    def rows(self) -> dict[str, int]:
        """Return how many rows the tables have."""
        engine = create_write_engine(self.server.database_url)
        with engine.connect() as tx:
            tables = [table for table in metadata.sorted_tables if table.name not in QUIET]
            found = {table.name: tx.execute(select(func.count()).select_from(table)).scalar_one() for table in tables}
        engine.dispose()
        return found


@pytest.fixture(scope="module")
def world(sqlite_guarded: Guarded) -> World:
    """Yield the server, with a project that people have each role in, and something of each kind."""
    server = sqlite_guarded
    server.add_project(PATH)
    for name in ("stranger", *(role.name.lower() for role in Role)):
        server.add_user(f"m-{name}")
        if name != "stranger":
            server.set_member(PATH, f"m-{name}", name)
    with server.client("m-owner") as owner:
        return World(server, fill(owner))


def fill(owner: httpx.Client) -> dict[str, str]:
    """Make something of each kind in the project, and return values for the fields of paths."""
    api = f"/p/{PATH}/api/v1"

    def post(url: str, **body: Any) -> Any:
        answer = owner.post(url, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    experiment = post(f"{api}/experiments", name="e")["experiment_id"]
    run = post(f"{api}/runs", experiment_id=experiment)["run_id"]
    file = owner.put(f"{api}/runs/{run}/artifacts/f.txt", content=b"secret bytes")
    assert file.status_code < 300, file.text
    model = post(f"/p/{PATH}/api/2.0/mlflow/logged-models", experiment_id=experiment, name="m")["model"]["info"]
    post(f"{api}/models", name="model")
    post(f"{api}/models/model/versions", source=f"runs:/{run}/f.txt", run_id=run)
    assert owner.put(f"{api}/models/model/aliases/best", json={"version": 1}).status_code < 300
    asked = post(f"{api}/models/model/versions/1/requests", stage="Staging")
    upload = post(f"{api}/runs/{run}/uploads", path="g", size=1, sha256="0" * 64)
    return {
        "experiment_id": experiment,
        "run_id": run,
        "model_id": model["model_id"],
        "name": "model",
        "version": "1",
        "alias": "best",
        "request_id": str(asked["id"]),
        "key": "99999",
        "tag_key": "99999",
        "path": "f.txt",
        "artifact_path": f"_projects/2/{experiment}/{run}/artifacts",
        "upload_id": upload["upload_id"] or "none",
        "workspace_name": "matrix-secret",
        "environment": "dev",
        "user": "m-guest",
        "webhook_id": "1",
        "delivery_id": "1",
        "session": "1",
        "user_code": "ABCD-EFGH",
        "provider": "oidc",
        "tag": "v1",
        "project": PATH,
        "owner": "matrix",
        "repository": "secret",
        "revision": "main/f.txt",
        "collection": "dataset",
        "id": PATH,
        "rest": f"{PATH}/files/md5/00/{'0' * 30}",
    }


def test_what_is_open_is_on_the_list() -> None:
    assert {(route.method, route.path) for route in routes() if route.permission is Permission.PUBLIC} == OPEN


def test_every_field_of_a_path_has_a_value(world: World) -> None:
    with httpx.Client(base_url=world.server.url) as nobody:
        assert {nobody.request(method, path).status_code for method, path in PAGES} == {401}
    fields = {field for route in routes() for field in re.findall(r"\{(\w+)(?::\w+)?\}", route.path)}
    assert fields <= world.fields.keys()


def bad_tokens(world: World) -> Iterator[tuple[str, str]]:
    """Yield (what is wrong, Authorization) of credentials that vouch for nobody."""
    server = world.server
    with server.browser("m-owner") as owner:
        revoked, expired = (owner.post("/api/v1/auth/keys", json={"name": name}).json() for name in ("r", "e"))
        assert owner.delete(f"/api/v1/auth/keys/{revoked['id']}").status_code == 204
    engine = create_write_engine(server.database_url)
    with engine.begin() as tx:
        tx.execute(update(credentials).where(credentials.c.id == expired["id"]).values(expires_at=1))
    engine.dispose()
    good = server.tokens["m-owner"]
    claims = {"sub": "m-owner", "iss": server.url, "aud": "mainspring", "exp": int(time.time()) + 600}
    key = RSAKey.generate_key(2048)
    yield "revoked", f"Bearer {revoked['token']}"
    yield "expired", f"Bearer {expired['token']}"
    yield "mistyped", f"Bearer {good[:-1]}{'0' if good[-1] != '0' else '1'}"
    yield "cut", f"Bearer {good[:-3]}"
    yield "two in one", f"Bearer {good} {good}"
    yield "no algorithm", f"Bearer {unsigned(claims)}"
    yield "another audience", "Bearer " + jwt.encode({"alg": "RS256"}, claims | {"aud": "other"}, key)
    yield "signed by a stranger", "Bearer " + jwt.encode({"alg": "RS256"}, claims, key)
    yield "public key as secret", "Bearer " + unsigned(claims, "HS256") + "c2lnbmVk"


def unsigned(claims: dict[str, Any], algorithm: str = "none") -> str:
    parts = ({"alg": algorithm, "typ": "JWT"}, claims)
    return "".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") + "." for part in parts)


def test_nobody_and_what_is_no_good_get_nowhere(world: World) -> None:
    before = world.rows()
    for what, header in [("nobody", ""), *bad_tokens(world)]:
        with httpx.Client(base_url=world.server.url, headers={"authorization": header} if header else {}) as client:
            wrong = {
                str(route): answer.status_code
                for route in GUARDED_ROUTES
                if (answer := world.ask(client, route)).status_code != 401
            }
        assert wrong == {}, what
    after = world.rows()
    assert {name: count for name, count in after.items() if count != before[name]} == {
        "credentials": after["credentials"]
    }
    assert after["credentials"] <= before["credentials"] + 3


def test_a_stranger_finds_nothing(world: World) -> None:
    before = world.rows()
    with world.server.client("m-stranger") as client:
        for project in (f"/p/{PATH}", f"/{PATH}/tracking", "/p/matrix/never-was"):
            wrong = {
                str(route): answer.status_code
                for route in GUARDED_ROUTES
                if (answer := world.ask(client, route, project)).status_code != 404
            }
            assert wrong == {}, project
    assert world.rows() == before


def test_a_stranger_has_no_part_in_the_default_project(world: World) -> None:
    """Nor does anyone who has a role elsewhere."""
    for name in ("m-stranger", "m-owner"):
        with world.server.client(name) as client:
            wrong = {
                str(route): answer.status_code
                for route in GUARDED_ROUTES
                if route.permission not in ACCOUNT_PERMISSIONS
                if (answer := world.ask(client, route, "")).status_code
                != (403 if route.permission in OUTSIDE_PROJECTS else 404)
            }
        assert wrong == {}, name


@pytest.mark.parametrize("role", Role)
def test_a_role_is_refused_what_it_does_not_allow(world: World, role: Role) -> None:
    before = world.rows()
    with world.server.client(f"m-{role.name.lower()}") as client:
        wrong = {
            str(route): answer.status_code
            for route in GUARDED_ROUTES
            if route.permission not in ROLE_PERMISSIONS[role]
            if (answer := world.ask(client, route)).status_code != 403
        }
    assert wrong == {}
    assert world.rows() == before


@pytest.mark.parametrize("role", Role)
def test_a_role_is_not_refused_what_it_reads(world: World, role: Role) -> None:
    readable = [
        route
        for route in GUARDED_ROUTES
        if route.method in ("GET", "HEAD")
        if route.permission in ROLE_PERMISSIONS[role] - ACCOUNT_PERMISSIONS
    ]
    assert readable
    with world.server.client(f"m-{role.name.lower()}") as client:
        wrong = {
            str(route): answer.status_code
            for route in readable
            if (answer := world.ask(client, route)).status_code in (401, 403) or answer.status_code >= 500
        }
    assert wrong == {}


def test_nothing_that_is_sent_makes_the_server_fail(world: World) -> None:
    """An owner's requests with next to nothing in them are answered, whatever they are."""
    with world.server.client("m-maintainer") as client:
        wrong = {
            str(route): answer.text
            for route in GUARDED_ROUTES
            if (answer := world.ask(client, route)).status_code >= 500 and answer.status_code != 501
        }
    assert wrong == {}
