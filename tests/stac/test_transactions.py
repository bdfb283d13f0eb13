"""Items are written by STAC: what is said of them is what is read back, and what cannot be kept is refused by name."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import select, update

from mainspring.kit.sql_engines import create_write_engine
from mainspring.modules.projects.tables import project_origins, projects, sources
from tests.components.accounts import Guarded
from tests.components.postgres import Postgres, create_database
from tests.components.stac import validate_item
from tests.stac.conftest import ROOTS

ITEMS = "/collections/dataset/items"
BOX = {"type": "Polygon", "coordinates": [[[6, 44], [16, 44], [16, 48], [6, 48], [6, 44]]]}
WHOLE: dict[str, Any] = {
    "type": "Feature",
    "stac_version": "1.1.0",
    "geometry": BOX,
    "bbox": [6, 44, 16, 48],
    "properties": {
        "datetime": None,
        "start_datetime": "2020-01-01T00:00:00Z",
        "end_datetime": "2020-12-31T23:59:59.500Z",
        "title": "Snow: of the Alps",
        "description": "How high it lies.\n\n--- and how long: [1, 2]",
        "license": "CC-BY-4.0",
        "keywords": ["snow", "alps", "yes", "1e5"],
        "providers": [{"name": "Office of Snow", "roles": ["producer"], "url": "https://example.org/snow"}],
        "gsd": 10,
        "eo:cloud_cover": 3.5,
        "sharinghub:jupyter": "enable",
        "odd": {"nested": [1, "two", None, {"three": True}]},
        "language": {"code": "de", "name": "Deutsch"},
    },
    "assets": {
        "figure": {
            "href": "https://example.org/figure.png",
            "title": "How",
            "type": "image/png",
            "roles": ["overview"],
        },
        "table": {"href": "https://example.org/t.parquet", "file:size": 12},
    },
    "links": [
        {"rel": "about", "href": "https://example.org/paper", "title": "The paper", "type": "text/html"},
        {"rel": "derived_from", "href": "https://other.example.org/stac/items/x", "hreflang": "fr"},
    ],
}


@dataclass
class Site:
    """A server; ``root`` is its administrator, ``mia`` maintains what she makes, ``eve`` is nobody's member."""

    server: Guarded
    clients: dict[tuple[str | None, str], httpx.Client] = field(default_factory=dict)

    def client(self, name: str | None = "mia", root: str = ROOTS[1]) -> httpx.Client:
        """Return somebody's client of the API at a root."""
        if (name, root) not in self.clients:
            client = self.clients[name, root] = self.server.client(name)
            client.base_url = httpx.URL(f"{self.server.url}{root}")
        return self.clients[name, root]

    def make(self, **changes: Any) -> tuple[str, httpx.Response]:
        """Make an item of mia's; return its id, and the answer."""
        id = f"item-{secrets.token_hex(4)}"
        answer = self.client().post(ITEMS, json={**WHOLE, "id": id, **changes})
        assert answer.status_code == 201, answer.text
        return id, answer

    def project(self, id: str, name: str = "mia") -> dict[str, Any]:
        """Return the project of an item."""
        found: dict[str, Any] = self.server.client(name).get(f"/p/mia/{id}/api/v1/project").json()
        return found

    def change(self, id: str, **values: Any) -> None:
        """Change the project of an item."""
        answer = self.server.client("mia").patch(f"/p/mia/{id}/api/v1/project", json=values)
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Yield a server with accounts."""
    url = None
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.database_url(create_database(postgres))
    with Guarded(tmp_path_factory.mktemp("transactions") / "data", "--public-read", database_url=url) as server:
        for name in ("mia", "eve"):
            server.add_user(name)
        yield Site(server)


def kept(said: dict[str, Any], item: dict[str, Any]) -> None:
    """Assert that an item is what was said of it, field by field."""
    assert item["geometry"] == said["geometry"]
    assert item.get("bbox") == said.get("bbox")
    for name, value in said["properties"].items():
        found = item["properties"].get(name)
        assert (found[: len(value)] if name in ("keywords", "providers") else found) == value, name
    for key, asset in said["assets"].items():
        assert item["assets"][key].items() >= asset.items()
    for link in said["links"]:
        assert any(each.items() >= link.items() for each in item["links"]), link


@pytest.mark.parametrize("root", ROOTS)
def test_an_item_is_made_read_replaced_patched_and_deleted(site: Site, root: str) -> None:
    client, id = site.client(root=root), f"made-{secrets.token_hex(4)}"
    made = client.post(ITEMS, json={**WHOLE, "id": id})
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"{site.server.url}{root}{ITEMS}/{id}"
    item = client.get(made.headers["location"]).json()
    assert (item["id"], item["collection"], item["properties"]["sharinghub:path"]) == (id, "dataset", f"mia/{id}")
    kept(WHOLE, item)
    validate_item(item)
    assert client.post(ITEMS, json={**WHOLE, "id": id}).status_code == 409

    item["properties"] |= {"title": "Ice", "datetime": "2021-05-01T12:00:00+02:00"}
    for name in ("start_datetime", "end_datetime", "gsd"):
        del item["properties"][name]
    replaced = client.put(f"{ITEMS}/{id}", json=item)
    assert replaced.status_code == 200, replaced.text
    properties = client.get(f"{ITEMS}/{id}").json()["properties"]
    assert (properties["title"], properties["datetime"]) == ("Ice", "2021-05-01T10:00:00Z")
    assert properties.keys().isdisjoint({"start_datetime", "end_datetime", "gsd"})
    validate_item(replaced.json())

    patch = {
        "properties": {"license": "MIT", "eo:cloud_cover": None},
        "geometry": {"type": "Point", "coordinates": [1.5, 2]},
    }
    patched = client.patch(f"{ITEMS}/{id}", json=patch)
    assert patched.status_code == 200, patched.text
    item = patched.json()
    assert (item["properties"]["license"], item["properties"]["title"], item["bbox"]) == (
        "MIT",
        "Ice",
        [1.5, 2, 1.5, 2],
    )
    assert "eo:cloud_cover" not in item["properties"]
    assert [each["href"] for each in item["links"] if each["rel"] == "license"] == [
        "https://spdx.org/licenses/MIT.html"
    ]
    found = client.get("/search", params={"filter": f"title = 'Ice' AND id = '{id}'"}).json()
    assert [each["id"] for each in found["features"]] == [id]

    assert client.delete(f"{ITEMS}/{id}").status_code == 204
    assert client.get(f"{ITEMS}/{id}").status_code == 404
    assert client.delete(f"{ITEMS}/{id}").status_code == 404
    restored = site.server.client("mia").post("/api/v1/project-restores", json={"path": f"mia/{id}"})
    assert restored.status_code in (200, 201, 404), restored.text


def test_the_readme_stays_below_what_is_said(site: Site) -> None:
    id, _ = site.make()
    body = "\n# Snow\r\n\n---\n![Preview](https://example.org/p.png)\n"
    front = (
        "# ours\ntitle: Snow\nlicense: MIT # why not\nrelated:\n  dataset: mia/other\n# beside it\nextra: {a: [1]}\n"
    )
    site.change(id, readme=f"---\n{front}---\n{body}")
    item = site.client().get(f"{ITEMS}/{id}").json()
    assert any(each["rel"] == "derived_from" for each in item["links"])
    item["properties"]["title"] = "More snow"
    answer = site.client().put(f"{ITEMS}/{id}", json=item)
    assert answer.status_code == 200, answer.text
    readme = site.project(id)["readme"]
    assert readme.endswith(f"---\n{body}")
    assert "license: MIT # why not\nrelated:\n  dataset: mia/other\n# beside it\nextra: {a: [1]}\n" in readme
    assert "title: More snow\n" in readme


def test_nothing_changes_that_is_put_back_as_it_was(site: Site) -> None:
    id, _ = site.make()
    site.change(
        id,
        readme="---\ntitle: A\nassets: ['*.csv']\npreview: https://example.org/p.png\n---\n# A\n",
        topics=["sharinghub:dataset", "b"],
    )
    assert site.server.client("mia").put(f"/p/mia/{id}/api/v1/files/a.csv", content=b"a,b").status_code == 200
    before = site.client().get(f"{ITEMS}/{id}").json()
    assert before["assets"].keys() == {"a.csv", "preview"}
    for item in (before, site.client("mia", ROOTS[0]).get(f"{ITEMS}/{id}").json()):
        assert site.client().put(f"{ITEMS}/{id}", json=item).status_code == 200
        after = site.client().get(f"{ITEMS}/{id}").json()
        assert {**after["properties"], "updated": ""} == {**before["properties"], "updated": ""}
        assert (after["assets"], after["links"]) == (before["assets"], before["links"])
    project = site.project(id)
    assert "title: A\nassets: ['*.csv']\npreview: https://example.org/p.png\n" in project["readme"]
    assert project["topics"] == ["b", "sharinghub:dataset"]
    # Times that nobody gave are the project's own, and stay so where they are not spoken of.
    assert site.client().patch(f"{ITEMS}/{id}", json={"properties": {"gsd": 5}}).status_code == 200


def test_times_that_are_not_patched_stay_the_projects_own(site: Site) -> None:
    id, made = site.make(properties={"title": "A"})
    assert site.client().patch(f"{ITEMS}/{id}", json={"properties": {"gsd": 5}}).status_code == 200
    properties = site.client().get(f"{ITEMS}/{id}").json()["properties"]
    assert properties["datetime"] == properties["updated"] > made.json()["properties"]["updated"]
    assert "temporal" not in site.project(id)["readme"]


def test_a_readme_that_is_a_file_is_written_as_a_file(site: Site) -> None:
    id, _ = site.make()
    site.change(id, readme="")
    owner = site.server.client("mia")
    files = f"/p/mia/{id}/api/v1/files"
    assert owner.put(f"{files}/README.md", content="---\ntitle: Grün\n---\n# Body\n".encode()).status_code == 200
    assert owner.put(f"{files}/data/a.csv", content=b"1").status_code == 200
    answer = site.client().patch(f"{ITEMS}/{id}", json={"properties": {"license": "MIT"}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["properties"]["license"] == "MIT"
    text = owner.get(f"{files}/README.md").text
    assert text == "---\ntitle: Grün\nlicense: MIT\n---\n# Body\n"
    assert not site.project(id)["readme"]

    etag = site.client().get(f"{ITEMS}/{id}").headers["etag"]
    wrong = site.client().patch(f"{ITEMS}/{id}", json={"properties": {"gsd": "far"}})
    assert (wrong.status_code, wrong.json()["field"]) == (400, "properties.gsd")
    assert owner.get(f"{files}/README.md").text == text
    assert site.client().get(f"{ITEMS}/{id}").headers["etag"] == etag
    assert owner.put(f"{files}/README.md", content=b"---\ntitle: \xff\n---\n").status_code == 200
    assert site.client().patch(f"{ITEMS}/{id}", json={"properties": {"gsd": 1}}).status_code == 409


def test_files_are_assets_by_this_servers_addresses(site: Site) -> None:
    id, _ = site.make()
    owner = site.server.client("mia")
    assert owner.put(f"/p/mia/{id}/api/v1/files/data/a [1].csv", content=b"1,2").status_code == 200
    href = f"{site.server.url}/api/download/{id}/data/a%20%5B1%5D.csv"
    asset = {"href": href, "title": "First", "roles": ["data", "labels"], "type": "text/csv"}
    answer = site.client().patch(f"{ITEMS}/{id}", json={"assets": {"first": asset, "figure": None}})
    assert answer.status_code == 200, answer.text
    found = answer.json()["assets"]
    assert found.keys() == {"first", "table"}
    assert {**found["first"], "href": href}.items() >= {**asset, "file:size": 3}.items()
    signed = httpx.get(found["first"]["href"])
    assert (signed.status_code, signed.content) == (200, b"1,2")
    for changes, field_name in (
        ({"first": {"file:size": 9}}, "assets.first.file:size"),
        ({"gone": {"href": f"{site.server.url}/api/download/{id}/gone.csv"}}, "assets.gone"),
        ({"x": {"href": "file:/etc/passwd"}}, "assets.x.href"),
        ({"x": {"href": "https://user:secret@example.org/x"}}, "assets.x"),
        ({"mlflow:m/MLmodel": {"href": "https://example.org/x"}}, "assets.mlflow:m/MLmodel"),
    ):
        wrong = site.client().patch(f"{ITEMS}/{id}", json={"assets": changes})
        assert (wrong.status_code, wrong.json()["field"]) == (400, field_name), wrong.text


@pytest.mark.parametrize(
    ("changes", "field_name"),
    [
        ({"properties": {"gsd": "x"}}, "properties.gsd"),
        ({"properties": {"title": "a  b"}}, "properties.title"),
        ({"properties": {"title": "a" * 201}}, "properties.title"),
        ({"properties": {"license": "mine"}}, "properties.license"),
        ({"properties": {"datetime": "yesterday"}}, "properties.datetime"),
        ({"properties": {"datetime": "2020-01-01T00:00:00.123456Z"}}, "properties.datetime"),
        ({"properties": {"datetime": None}}, "properties.datetime"),
        ({"properties": {"assets": ["*"]}}, "properties.assets"),
        ({"properties": {"sharinghub:category": "ai-model"}}, "properties.sharinghub:category"),
        ({"properties": {"keywords": "one"}}, "properties.keywords"),
        ({"properties": {"large": 2**60}}, "properties.large"),
        ({"properties": {"bell": "\u0007"}}, "properties.bell"),
        ({"properties": {"language": {"code": "not a tag"}}}, "properties.language"),
        ({"geometry": {"type": "Point", "coordinates": [200, 0]}}, "geometry"),
        ({"geometry": {"type": "Point", "coordinates": [1, 2, 3]}}, "geometry"),
        ({"geometry": {"type": "Polygon", "coordinates": "((0 0))"}}, "geometry.coordinates"),
        ({"geometry": {"type": "GeometryCollection", "geometries": []}}, "geometry.type"),
        ({"geometry": BOX, "bbox": [0, 0, 1, 1]}, "bbox"),
        ({"geometry": None, "bbox": [0, 0, 1, 1]}, "bbox"),
        ({"assets": {"a": {"title": "no href"}}}, "assets.a"),
        ({"assets": {"release": {"href": "https://example.org", "key": "x"}}}, "assets.release.key"),
        ({"links": [{"rel": "next", "href": "https://example.org"}]}, "links"),
        ({"links": [{"rel": "about", "href": "javascript:alert(1)"}]}, "links"),
        ({"links": [{"rel": "about", "href": "https://example.org", "method": "POST"}]}, "links.about.method"),
        ({"links": {}}, "links"),
        ({"colour": "red"}, "colour"),
        ({"collection": "ai-model"}, "collection"),
        ({"id": "Not an id"}, "id"),
        ({"type": "Collection"}, "type"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_by_name(site: Site, changes: dict[str, Any], field_name: str) -> None:
    id = f"bad-{secrets.token_hex(4)}"
    answer = site.client().post(ITEMS, json={"id": id, "properties": {"title": "A"}, **changes})
    assert (answer.status_code, answer.json().get("field")) == (400, field_name), answer.text
    assert site.client().get(f"{ITEMS}/{id}").status_code == 404
    assert site.server.client("mia").get(f"/p/mia/{id}/api/v1/project").status_code == 404


def test_id_and_collection_are_those_of_the_url(site: Site) -> None:
    id, made = site.make()
    for changes in ({"id": "another-one"}, {"collection": "ai-model"}):
        for method in ("PUT", "PATCH"):
            body = {**made.json(), **changes} if method == "PUT" else changes
            assert site.client().request(method, f"{ITEMS}/{id}", json=body).status_code == 400
    assert site.client().put(f"{ITEMS}/mia%2F{id}", json=made.json()).status_code == 200
    assert site.client().put(f"{ITEMS}/never-was", json=WHOLE).status_code == 404
    assert site.client().put(f"/collections/ai-model/items/{id}", json=WHOLE).status_code == 404
    assert site.client().post("/collections/never/items", json=WHOLE).status_code == 404


def test_a_front_matter_that_cannot_be_read_is_not_overwritten(site: Site) -> None:
    id, _ = site.make()
    site.change(id, readme="---\ntitle: [\n---\n# A\n")
    answer = site.client().patch(f"{ITEMS}/{id}", json={"properties": {"gsd": 1}})
    assert (answer.status_code, answer.json()["code"]) == (409, "failed_precondition")
    assert site.project(id)["readme"] == "---\ntitle: [\n---\n# A\n"


def test_etags_guard_against_lost_changes(site: Site) -> None:
    id, made = site.make()
    client, url = site.client(), f"{ITEMS}/{id}"
    first = client.get(url)
    assert first.headers["etag"] == client.get(url).headers["etag"] == made.headers["etag"]
    assert first.headers["etag"] == site.client(root=ROOTS[0]).get(url).headers["etag"]
    # Addresses of private files are signed anew.
    assert client.get(url, headers={"if-none-match": first.headers["etag"]}).status_code == 200
    patch = {"properties": {"gsd": 11}}
    for name, value in (("if-match", '"no"'), ("if-none-match", "*"), ("if-none-match", first.headers["etag"])):
        answer = client.patch(url, json=patch, headers={name: value})
        assert (answer.status_code, answer.json()["field"].lower()) == (412, name)
        assert client.delete(url, headers={name: value}).status_code == 412
    site.change(id, visibility="public")
    first = client.get(url)
    assert client.get(url, headers={"if-none-match": first.headers["etag"]}).status_code == 304
    changed = client.patch(url, json=patch, headers={"if-match": first.headers["etag"]})
    assert (changed.status_code, changed.headers["etag"]) == (200, client.get(url).headers["etag"])
    assert changed.headers["etag"] != first.headers["etag"]
    assert client.put(url, json=first.json(), headers={"if-match": first.headers["etag"]}).status_code == 412
    assert client.put(url, json=first.json(), headers={"if-match": f"W/{changed.headers['etag']}"}).status_code == 200
    assert client.put(url, json=first.json(), headers={"if-match": "*"}).status_code == 200


@pytest.mark.parametrize("is_file", [False, True], ids=["field", "file"])
def test_of_those_who_write_the_same_state_one_wins(site: Site, is_file: bool) -> None:
    id, _ = site.make()
    if is_file:
        site.change(id, readme="")
        readme = site.server.client("mia").put(f"/p/mia/{id}/api/v1/files/README.md", content=b"---\na: 1\n---\n")
        assert readme.status_code == 200
        assert site.client().patch(f"{ITEMS}/{id}", json={"properties": {"title": "First"}}).status_code == 200
    first = site.client().get(f"{ITEMS}/{id}")

    def write(number: int) -> int:
        item = first.json()
        item["properties"]["title"] = f"Writer {number}"
        with site.server.client("mia") as own:
            url = f"{ROOTS[1]}{ITEMS}/{id}"
            return own.put(url, json=item, headers={"if-match": first.headers["etag"]}).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(write, range(8)))
    assert answers.count(200) == 1, answers
    assert set(answers) <= {200, 412, 409, 503}


def test_who_may_write(site: Site) -> None:
    id, _ = site.make()
    url = f"{ITEMS}/{id}"
    for method in ("PUT", "PATCH", "DELETE"):
        body: dict[str, Any] = {} if method == "DELETE" else {"json": WHOLE}
        assert site.client("eve").request(method, url, **body).status_code == 404
        assert site.client(None).request(method, url, **body).status_code == 401
    site.change(id, visibility="public")
    for method in ("PUT", "PATCH", "DELETE"):
        body = {} if method == "DELETE" else {"json": WHOLE}
        assert site.client("eve").request(method, url, **body).status_code == 403
        assert site.client(None).request(method, url, **body).status_code == 401
    assert site.client(None).post(ITEMS, json={**WHOLE, "id": "of-nobody"}).status_code == 401
    site.server.set_member(f"mia/{id}", "eve", "maintainer")
    assert site.client("eve").patch(url, json={"properties": {"gsd": 2}}).status_code == 200
    assert site.client("eve").delete(url).status_code == 403
    elsewhere = {**WHOLE, "id": "elsewhere-1", "properties": {"sharinghub:path": "mia/elsewhere"}}
    assert site.client("eve").post(ITEMS, json=elsewhere).status_code in (403, 404)
    assert site.client().post(ITEMS, json=elsewhere).status_code == 201
    events = site.server.client("mia").get("/p/mia/elsewhere/api/v1/audit").json()
    assert "project.create" in str(events)


def test_many_are_made_at_once_or_none(site: Site) -> None:
    mark = secrets.token_hex(3)
    many = [
        {"type": "Feature", "id": f"many-{mark}-{number}", "properties": {"title": str(number)}} for number in range(3)
    ]
    for path in ("items", "bulk_items"):
        body = {"type": "FeatureCollection", "features": [{**each, "id": f"{each['id']}-{path[:4]}"} for each in many]}
        bad = {**body, "features": [*body["features"], {"id": "bad-one-1", "properties": {"gsd": "x"}}]}
        assert site.client().post(f"/collections/dataset/{path}", json=bad).status_code == 400
        assert site.client().get(f"{ITEMS}/{body['features'][0]['id']}").status_code == 404
        made = site.client().post(f"/collections/dataset/{path}", json=body)
        assert (made.status_code, made.json()["numberCreated"]) == (201, 3), made.text
        assert "location" not in made.headers
        assert site.client().post(f"/collections/dataset/{path}", json=body).status_code == 409
    features = [{"id": f"more-{number}"} for number in range(101)]
    assert site.client().post(ITEMS, json={"type": "FeatureCollection", "features": features}).status_code == 413
    assert site.client().post(ITEMS, json={"type": "FeatureCollection", "features": []}).status_code == 400
    large = {"id": "large", "properties": {"x": "x" * 2**20}}
    assert site.client().post(ITEMS, json=large).status_code == 413
    assert site.client().post(ITEMS, content=b'{"id": ' + b"[" * 100_000).status_code == 400
    assert (
        site.client().post(ITEMS, content=b'{"id": "deep", "links": ' + b"[" * 60 + b"]" * 60 + b"}").status_code == 400
    )


def test_an_item_of_two_collections_is_deleted_from_one(site: Site) -> None:
    id, _ = site.make()
    site.change(id, topics=["sharinghub:dataset", "sharinghub:aimodel"])
    assert site.client().delete(f"{ITEMS}/{id}").status_code == 204
    assert site.client().get(f"{ITEMS}/{id}").status_code == 404
    assert site.client().get(f"/collections/ai-model/items/{id}").status_code == 200
    assert site.client().delete(f"/collections/ai-model/items/{id}").status_code == 204
    assert site.server.client("mia").get(f"/p/mia/{id}/api/v1/project").status_code == 404


def test_keywords_that_are_topics_of_categories_move_nothing(site: Site) -> None:
    id, made = site.make(properties={"keywords": ["sharinghub:aimodel", "snow", "ice"]})
    assert made.json()["properties"]["keywords"] == ["sharinghub:aimodel", "snow", "ice"]
    assert site.project(id)["topics"] == ["ice", "sharinghub:dataset", "snow"]
    assert site.client().get(f"/collections/ai-model/items/{id}").status_code == 404


def test_what_is_kept_elsewhere_is_changed_there(site: Site) -> None:
    id, _ = site.make()
    url = "https://gitlab.example.org/lab/floods"
    engine = create_write_engine(site.server.database_url)
    with engine.begin() as tx:
        key = tx.execute(select(projects.c.id).where(projects.c.workspace == id)).scalar_one()
        row = {each.name: 0 for each in sources.c if not each.nullable and each.name not in ("id", "name", "kind")}
        row |= {"name": f"gitlab:https://{id}", "kind": "gitlab"}
        number = tx.execute(sources.insert().values(row).returning(sources.c.id)).scalar_one()
        origin = {"project": key, "source": number, "external_id": "7", "external_path": "lab/floods", "url": url}
        tx.execute(project_origins.insert().values({**origin, "seen_at": 1, "changed_at": 1, "shown": True}))
        tx.execute(update(projects).where(projects.c.id == key).values(source=number))
    engine.dispose()
    for method in ("PUT", "PATCH", "DELETE"):
        body: dict[str, Any] = {} if method == "DELETE" else {"json": {"properties": {}}}
        answer = site.client("root").request(method, f"{ITEMS}/{id}", **body)
        assert (answer.status_code, answer.json()["code"]) == (409, "failed_precondition"), answer.text
        assert url in answer.json()["detail"]


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), min_size=1, max_size=30
)
PLAIN = WORDS.map(lambda text: " ".join(text.split())).filter(bool)
ODD = st.sampled_from(
    [
        "yes",
        "null",
        "~",
        "1e5",
        "0o7",
        ".inf",
        "2024-01-01",
        "a: b",
        "- x",
        "#",
        "---",
        "...",
        "'",
        "{",
        "\t",
        "&a",
        "*a",
        "!t",
        "12:30:45",
        "=",
        "<<",
        "|",
        "%",
    ]
)
TEXTS = st.one_of(PLAIN, ODD.filter(lambda text: text.strip() != ""))
NUMBERS = st.one_of(
    st.integers(-(2**53), 2**53), st.floats(-1e15, 1e15, allow_nan=False), st.sampled_from([1e-7, 1e300])
)
VALUES = st.recursive(
    st.one_of(st.booleans(), NUMBERS, TEXTS, st.just("line\nline\n\n  line ")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(PLAIN, inner, max_size=3)),
    max_leaves=8,
)
PROPERTIES = st.fixed_dictionaries(
    {"datetime": st.sampled_from(["2020-01-01T00:00:00Z", "1970-06-30T23:59:59.001Z", "2020-02-29T12:00:00+05:30"])},
    optional={
        "title": TEXTS,
        "description": st.one_of(TEXTS, st.just("One.\n\nTwo: [a](https://example.org)\n- x")),
        "license": st.sampled_from(["MIT", "CC-BY-4.0", "other"]),
        "keywords": st.lists(TEXTS, min_size=1, max_size=30, unique=True),
        "gsd": st.floats(0.1, 1000),
        "odd:field": VALUES,
        "another": VALUES,
        "providers": st.lists(
            st.fixed_dictionaries({"name": TEXTS, "roles": st.just(["producer"])}), min_size=1, max_size=3
        ),
        "language": st.fixed_dictionaries(
            {"code": st.sampled_from(["de", "pt-BR", "zh-Hant"])}, optional={"name": TEXTS}
        ),
    },
)
POINTS = st.tuples(st.floats(-180, 180), st.floats(-90, 90)).map(list)
PLACES = st.one_of(st.none(), POINTS.map(lambda point: {"type": "Point", "coordinates": point}), st.just(BOX))
LINKS = st.lists(
    st.fixed_dictionaries(
        {
            "rel": st.sampled_from(["about", "cite-as", "license"]),
            "href": st.sampled_from(["https://example.org/a", "https://example.org/b?c=1#d"]),
        },
        optional={"title": PLAIN},
    ),
    max_size=3,
    unique_by=lambda link: (link["rel"], link["href"]),
)
ASSETS = st.dictionaries(
    PLAIN,
    st.fixed_dictionaries(
        {"href": st.sampled_from(["https://example.org/a.tif", "https://example.org/b"])},
        optional={
            "title": PLAIN,
            "roles": st.lists(st.sampled_from(["data", "overview"]), min_size=1, unique=True),
            "gsd": st.floats(0.1, 9),
        },
    ),
    max_size=3,
)
SAID = st.fixed_dictionaries({"properties": PROPERTIES, "geometry": PLACES, "links": LINKS, "assets": ASSETS})
SETTINGS = hypothesis.settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=10)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
BODIES = st.one_of(
    ANYTHING,
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["Feature", "FeatureCollection", 1]),
            "id": st.one_of(st.just("fuzzed-item"), ANYTHING),
            "geometry": st.one_of(
                ANYTHING, PLACES, st.fixed_dictionaries({"type": st.just("Polygon"), "coordinates": ANYTHING})
            ),
            "bbox": st.one_of(st.lists(NUMBERS, max_size=6), ANYTHING),
            "properties": st.one_of(
                PROPERTIES,
                st.dictionaries(
                    st.sampled_from(["title", "eo:x", "mlm:input", "extent", "datetime", "sci:doi", "providers"]),
                    ANYTHING,
                    max_size=3,
                ),
                ANYTHING,
            ),
            "assets": st.one_of(
                ASSETS,
                ANYTHING,
                st.dictionaries(
                    st.text(max_size=5),
                    st.fixed_dictionaries(
                        {"href": st.text(max_size=9)}, optional={"roles": ANYTHING, "mlm:x": ANYTHING}
                    ),
                    max_size=2,
                ),
            ),
            "links": st.one_of(LINKS, ANYTHING),
            "features": ANYTHING,
        },
    ),
)
"""Bodies of which some are items, and most are not."""


@SETTINGS
@given(said=SAID)
def test_what_is_said_is_what_is_read_back(site: Site, said: dict[str, Any]) -> None:
    client = site.client()
    client.post(ITEMS, json={"id": "said-often"})
    answer = client.put(f"{ITEMS}/said-often", json=said)
    if answer.status_code == 400:  # by name, and nothing has changed
        field_name = answer.json()["field"]
        assert field_name.split(".")[0] in said, answer.text
        return
    assert answer.status_code == 200, answer.text
    item = client.get(f"{ITEMS}/said-often").json()
    validate_item(item)
    moment = said["properties"].pop("datetime")
    assert item["properties"]["datetime"][:4] == moment[:4]
    kept({**said, "bbox": item.get("bbox")}, item)
    again = client.put(f"{ITEMS}/said-often", json=item)
    assert again.status_code == 200, again.text
    assert {**again.json()["properties"], "updated": ""} == {**item["properties"], "updated": ""}


@SETTINGS
@given(body=BODIES, method=st.sampled_from(["PUT", "PATCH", "POST"]))
def test_whatever_is_sent_is_answered(site: Site, body: Any, method: str) -> None:
    client = site.client()
    client.post(ITEMS, json={"id": "fuzzed-item"})
    url = ITEMS if method == "POST" else f"{ITEMS}/fuzzed-item"
    answer = client.request(method, url, json=body)
    assert answer.status_code in (200, 201, 400, 409, 413), answer.text
    item = client.get(f"{ITEMS}/fuzzed-item")
    assert item.status_code == 200
    validate_item(item.json())
