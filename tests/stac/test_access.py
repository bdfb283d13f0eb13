"""Who sees what: private items are in no page, count, facet or extent of those who may not see them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import insert, update

from mainspring.kit.sql_engines import create_write_engine
from mainspring.modules.projects.tables import project_origins, projects, sources
from tests.stac.conftest import Catalog
from tests.stac.test_search import ids

BLIND = ("eve", None)


@pytest.mark.parametrize("name", BLIND)
def test_a_hidden_item_is_nowhere(catalog: Catalog, name: str | None) -> None:
    client = catalog.client(name)
    hidden = ["hidden-ships", "secret-license", "few may see", "1972-"]
    everything = [
        "",
        "/collections",
        "/children",
        "/collections/dataset",
        "/collections/dataset/items?limit=1000",
        "/collections/dataset/browse",
        "/search?limit=1000",
        "/queryables",
        "/collections/dataset/queryables",
        "/aggregate?aggregations=total_count,datetime_min,datetime_max,collection_frequency,keyword_frequency,"
        "license_frequency,datetime_frequency",
    ]
    for path in everything:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        for text in hidden:
            assert text not in answer.text, path
    bob = catalog.client("bob")
    assert "hidden-ships" in bob.get("/search?limit=1000").text
    assert "1972-" in bob.get("/collections/dataset").text
    for path in ("hidden-ships", "world/hidden-ships", "no-such-item", "world/no-such-item"):
        answer = client.get(f"/collections/dataset/items/{path}")
        assert answer.status_code == 404
        told = answer.json()["detail"].replace(path, "…")
        assert told == client.get("/collections/dataset/items/none").json()["detail"].replace("none", "…")


@pytest.mark.parametrize("name", BLIND)
@pytest.mark.parametrize(
    "query",
    [
        {"ids": "hidden-ships,world/hidden-ships"},
        {"q": "ships"},
        {"bbox": "-50,-60,-40,-55"},
        {"datetime": "../1980-01-01T00:00:00Z"},
        {"filter": "license = 'secret-license'"},
        {"filter": "id = 'hidden-ships' OR CASEI(title) LIKE casei('%SHIPS%')"},
        {"filter": "S_WITHIN(geometry, POLYGON((-60 -70, -30 -70, -30 -50, -60 -50, -60 -70)))"},
        {"query": '{"keywords": {"in": ["hidden"]}}'},
    ],
    ids=json.dumps,
)
def test_a_hidden_item_is_not_found_nor_counted(catalog: Catalog, name: str | None, query: dict[str, str]) -> None:
    answer = catalog.client(name).get("/search", params=query)
    assert ids(answer) == []
    assert answer.json()["numberMatched"] == 0
    assert ids(catalog.client("bob").get("/search", params=query)) == ["hidden-ships"]
    counted = catalog.client(name).get("/aggregate", params=query | {"aggregations": "total_count,datetime_min"})
    assert [each["value"] for each in counted.json()["aggregations"]] == [0, None]


def test_numbers_are_of_what_one_sees(catalog: Catalog) -> None:
    counts = {
        name: catalog.client(name).get("/search?limit=1").json()["numberMatched"]
        for name in ("root", "bob", "eve", None)
    }
    assert counts["root"] > counts["bob"] == counts["eve"] + 1 == counts[None] + 2
    for name, count in counts.items():
        shelves = catalog.client(name).get("/collections").json()["collections"]
        assert sum(each["mainspring:items"] for each in shelves) == count


def test_a_token_that_is_no_good_is_refused(catalog: Catalog) -> None:
    for header in ("Bearer nonsense", "Bearer msk_" + "0" * 49):
        answer = httpx.get(f"{catalog.url}/api/stac/search", headers={"authorization": header})
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"


def test_files_of_private_projects_are_signed_for_who_may_read_them(catalog: Catalog) -> None:
    def href(name: str, id: str) -> str:
        item = catalog.client(name).get(f"/collections/dataset/items/{id}").json()
        assert catalog.server.tokens[name] not in json.dumps(item)
        return str(item["assets"]["data.csv"]["href"])

    assert "signature=" in href("root", "hidden-ships")
    # A guest sees the project, and no files of it.
    assert "signature=" not in href("bob", "hidden-ships")
    assert "signature=" not in href("root", "alps-snow")


PAGES = {
    "search": lambda client: client.get("/search?limit=1000"),
    "body": lambda client: client.post("/search", json={"limit": 1000}),
    "items": lambda client: client.get("/collections/dataset/items?limit=1000"),
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_files_in_pages_are_signed_for_who_may_read_them(
    catalog: Catalog, page: Callable[[httpx.Client], httpx.Response]
) -> None:
    def signed(name: str | None) -> set[str]:
        answer = page(catalog.client(name))
        assert name is None or catalog.server.tokens[name] not in answer.text
        found = {each["id"]: each["assets"]["data.csv"]["href"] for each in answer.json()["features"]}
        those = {id for id, href in found.items() if "signature=" in href}
        assert answer.headers["cache-control"] == ("private, no-store" if those else "private, no-cache")
        if "hidden-ships" in those:
            assert httpx.get(found["hidden-ships"]).status_code == 404  # it may be read, and is not there
        return those

    assert signed("root") >= {"hidden-ships"}
    assert "alps-snow" not in signed("root")
    # A guest sees the project, and no files of it; what is internal is for all who have an account.
    assert signed("bob") == signed("eve") <= {"inner-model"}
    assert signed(None) == set()


def test_an_answer_with_signed_urls_is_kept_by_no_cache(catalog: Catalog) -> None:
    for name, id, kept in (("root", "hidden-ships", False), ("bob", "hidden-ships", True), ("root", "alps-snow", True)):
        answer = catalog.client(name).get(f"/collections/dataset/items/{id}")
        assert answer.headers["cache-control"] == ("private, no-cache" if kept else "private, no-store")


@pytest.mark.parametrize("path", ["collections/dataset/items/hidden-ships", "search?ids=hidden-ships"])
def test_a_signed_url_ends_with_the_key_that_asked_for_it(catalog: Catalog, path: str) -> None:
    with catalog.server.browser("root") as browser:
        made = browser.post("/api/v1/auth/keys", json={"name": "short-lived"}).json()
    with catalog.server.client(token=made["token"]) as client:
        told = client.get(f"/api/stac/{path}").json()
    [item] = told.get("features", [told])
    href = item["assets"]["data.csv"]["href"]
    assert httpx.get(href).status_code == 404  # it may be read, and is not there
    assert catalog.server.admin.delete(f"/api/v1/auth/keys/{made['id']}").status_code == 204
    refused = httpx.get(href)
    assert refused.status_code == 403
    assert "no good any more" in refused.text


def test_no_answer_holds_a_token_that_was_sent(catalog: Catalog) -> None:
    token = catalog.server.tokens["bob"]
    client = catalog.client("bob")
    for path in ("", "/collections", "/search?limit=3", "/collections/dataset/items/hidden-ships", "/api"):
        assert token not in client.get(path).text
    refused = client.get("/search", params={"private_token": token})
    assert refused.status_code == 400
    assert token not in refused.text


def test_items_of_a_source_that_is_away_say_so(catalog: Catalog) -> None:
    engine = create_write_engine(catalog.server.database_url)
    project = catalog.keys["ete-indien"]
    with engine.begin() as tx:
        row = {"name": "gitlab:https://away.example", "kind": "gitlab", "position": "{}", "failure": "gone"}
        source = tx.execute(insert(sources).values(row | {"failed_at": 1_700_000_000_000}).returning(sources.c.id))
        key = source.scalar_one()
        origin = {"project": project, "source": key, "external_id": "1", "external_path": "a/b", "url": ""}
        tx.execute(insert(project_origins).values(origin | {"seen_at": 0, "changed_at": 0, "shown": True}))
        tx.execute(update(projects).where(projects.c.id == project).values(source=key))
    client = catalog.client("bob")
    since = datetime.fromtimestamp(1_700_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    item = client.get("/collections/dataset/items/ete-indien").json()
    assert item["properties"]["mainspring:stale"] == since
    found = client.get("/search?ids=ete-indien,alps-snow").json()["features"]
    assert {each["id"] for each in found if "mainspring:stale" in each["properties"]} == {"ete-indien"}
    with engine.begin() as tx:
        tx.execute(update(sources).values(failed_at=None))
    engine.dispose()
    assert "mainspring:stale" not in client.get("/collections/dataset/items/ete-indien").json()["properties"]
