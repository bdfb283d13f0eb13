"""Searches: what is found, by GET and by POST, in which order, and how many."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from pystac_client import Client

from tests.components.stac import validate_catalog, validate_collection, validate_item, validate_items
from tests.stac.conftest import ROOTS, Catalog
from tests.stac.world import BULK, TRIANGLE

PUBLIC_BULK = BULK - BULK // 10


def ids(answer: httpx.Response) -> list[str]:
    """Return the ids of the items of an answer; their number must be as it says."""
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["numberReturned"] == len(page["features"])
    return [each["id"] for each in page["features"]]


def found(
    catalog: Catalog, *, collections: str = "dataset,ai-model", name: str | None = "bob", **query: Any
) -> set[str]:
    """Return the ids that somebody finds, the same by GET and by POST."""
    client = catalog.client(name)
    by_get = client.get("/search", params={"collections": collections, "limit": 100, **query})
    return set(ids(by_get))


@pytest.mark.parametrize("root", ROOTS)
def test_pystac_client_opens_both_roots_and_searches(catalog: Catalog, root: str) -> None:
    token = catalog.server.tokens["bob"]
    client = Client.open(f"{catalog.url}{root}", headers={"authorization": f"Bearer {token}"})
    assert {each.id for each in client.get_collections()} == {"ai-model", "dataset", "processor"}
    for method in ("GET", "POST"):
        search = client.search(
            method=method,
            collections=["processor"],
            filter="level >= 2 AND kind = 'even'",
            filter_lang="cql2-text",
            sortby="-properties.level",
            limit=7,
        )
        items = list(search.items())
        levels = [each.properties["level"] for each in items]
        assert levels == sorted(levels, reverse=True)
        assert len({each.id for each in items}) == len(items) == search.matched()
        assert all(each.properties["level"] >= 2 and each.properties["kind"] == "even" for each in items)
        fields = client.search(method=method, ids=["alps-snow"], fields=["id", "properties.title"])
        (shown,) = fields.items_as_dicts()
        assert shown["properties"] == {"title": "Snow of the Alps"}
        assert "assets" not in shown
    assert all(
        link.href.startswith(f"{catalog.url}{root}") for link in client.links if link.rel not in {"related", "self"}
    )


@pytest.mark.parametrize("root", ROOTS)
def test_every_item_and_collection_is_valid(catalog: Catalog, root: str) -> None:
    with catalog.server.client("bob") as client:
        validate_catalog(client.get(root).json())
        for collection in client.get(f"{root}/collections").json()["collections"]:
            validate_collection(collection)
            validate_collection(client.get(f"{root}/collections/{collection['id']}").json())
        page = client.get(f"{root}/search?limit=1000").json()
        assert page["numberMatched"] == len(page["features"]) > PUBLIC_BULK
        validate_items(page["features"])


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "sortby",
    [[], ["-level"], ["level", "-title"], ["title"], ["-datetime"], ["kind", "-updated"], ["-no-such"], ["-id"]],
)
def test_pages_hold_each_item_once_under_every_order(catalog: Catalog, method: str, sortby: list[str]) -> None:
    client = catalog.client()
    query: dict[str, Any] = {"collections": "processor", "limit": 80, "sortby": ",".join(sortby)}
    if method == "POST":
        keys = [{"field": each.lstrip("-"), "direction": "desc" if each[0] == "-" else "asc"} for each in sortby]
        query |= {"collections": ["processor"], "sortby": keys}
    send = {"json": query} if method == "POST" else {"params": {key: value for key, value in query.items() if value}}
    answer = client.request(method, "/search", **send)  # type: ignore[arg-type]
    pages = [ids(answer)]
    links = {each["rel"]: each for each in answer.json()["links"]}
    assert "prev" not in links
    while "next" in links:
        answer = follow(client, links["next"])
        assert answer.json()["numberMatched"] == PUBLIC_BULK
        pages.append(ids(answer))
        links = {each["rel"]: each for each in answer.json()["links"]}
    every = [each for page in pages for each in page]
    assert len(every) == len(set(every)) == PUBLIC_BULK
    assert every == ids(whole(client, query, method))
    # And all the way back again.
    for page in pages[-2::-1]:
        answer = follow(client, links["prev"])
        assert ids(answer) == page
        links = {each["rel"]: each for each in answer.json()["links"]}
    assert "prev" not in links


def follow(client: httpx.Client, link: dict[str, Any]) -> httpx.Response:
    """Ask for the page of a link."""
    assert link["method"] == ("POST" if "body" in link else "GET")
    return client.request(link["method"], link["href"], json=link.get("body"))


def whole(client: httpx.Client, query: dict[str, Any], method: str) -> httpx.Response:
    """Ask for all in one page."""
    query = {key: value for key, value in query.items() if value} | {"limit": 1000}
    return client.post("/search", json=query) if method == "POST" else client.get("/search", params=query)


def test_what_is_missing_comes_last_in_both_directions(catalog: Catalog) -> None:
    client = catalog.client()
    for sortby in ("level", "-level"):
        features = client.get(f"/search?collections=processor&limit=1000&sortby={sortby}").json()["features"]
        levels = [each["properties"].get("level") for each in features]
        there = [each for each in levels if each is not None]
        assert None not in levels[: len(there)]
        assert there == sorted(there, reverse=sortby[0] == "-")
        assert len(there) < len(levels)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"bbox": "7,45,8,46"}, {"alps-snow"}),
        ({"bbox": "7,45,-10,8,46,9000"}, {"alps-snow"}),
        ({"bbox": "175,-5,179,5"}, {"pacific-swell"}),
        ({"bbox": "-179,-5,-175,5"}, {"pacific-swell"}),
        ({"bbox": "175,-5,-175,5"}, {"pacific-swell"}),
        ({"bbox": "100,-5,169,5"}, set()),
        # The triangle's box is met, the triangle is not.
        ({"bbox": "17,17,20,20"}, set()),
        ({"bbox": "11,11,12,12"}, {"triangle"}),
        ({"bbox": "9,9,21,21"}, {"triangle"}),
        ({"intersects": json.dumps(TRIANGLE)}, {"triangle"}),
        ({"intersects": json.dumps({"type": "Point", "coordinates": [19, 19]})}, set()),
        ({"intersects": json.dumps({"type": "LineString", "coordinates": [[0, 46], [30, 46]]})}, {"alps-snow"}),
        ({"datetime": "2019-04-14T00:00:00Z"}, {"pacific-swell"}),
        ({"datetime": "2019-04-14T00:00:00Z/2019-04-15T00:00:00Z"}, {"pacific-swell"}),
        ({"datetime": "../1972-09-27T00:00:00Z"}, {"hidden-ships"}),
        ({"datetime": "/1972-09-26T23:59:59.999Z"}, set()),
        ({"datetime": "2023-05-23T00:00:00Z/.."}, {"triangle"}),
        ({"datetime": "2023-05-23T02:00:00+02:00/"}, {"triangle"}),
        ({"q": "snow"}, {"alps-snow"}),
        ({"q": "snow,waves"}, {"alps-snow", "pacific-swell"}),
        ({"q": '"no box"'}, {"triangle"}),
        ({"q": '"box no",ÉTÉ'}, {"ete-indien"}),
        ({"q": "100%"}, set()),
        ({"ids": "alps-snow,world/triangle,no/such,none"}, {"alps-snow", "triangle"}),
        ({"ids": "alps-snow", "bbox": "0,0,1,1"}, set()),
        ({"collections": "ai-model"}, {"nowhere-model", "inner-model"}),
        ({"collections": "ai-model,no-such"}, {"nowhere-model", "inner-model"}),
        ({"collections": "no-such"}, set()),
        ({"query": '{"license": {"eq": "MIT"}}'}, {"pacific-swell", "ete-indien", "nowhere-model"}),
        ({"query": '{"license": {"neq": "MIT"}}'}, {"alps-snow", "hidden-ships"}),
        ({"query": '{"eo:cloud_cover": {"gt": 5, "lte": 40.5}}'}, {"pacific-swell"}),
        ({"query": '{"eo:cloud_cover": {"lt": 40.5}, "title": {"contains": "of the"}}'}, {"alps-snow"}),
        ({"query": '{"eo:cloud_cover": {"gte": 90}}'}, {"triangle"}),
        ({"query": '{"title": {"startsWith": "Sh"}}'}, {"hidden-ships"}),
        ({"query": '{"note": {"endsWith": "sure_thing"}}'}, {"ete-indien"}),
        ({"query": '{"note": {"contains": "0%"}}'}, {"ete-indien"}),
        ({"query": '{"note": {"contains": "%e_h"}}'}, set()),
        ({"query": '{"keywords": {"in": ["waves", "shapes"]}}'}, {"pacific-swell", "triangle"}),
        ({"query": '{"sharinghub:stars": {"gte": 7}}'}, {"alps-snow"}),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else None,
)
def test_what_is_found(catalog: Catalog, query: dict[str, str], expected: set[str]) -> None:
    assert found(catalog, **query) == expected
    body: dict[str, Any] = {"collections": ["dataset", "ai-model"], "limit": 100, **query}
    for name, text in query.items():
        if name in {"intersects", "query"}:
            body[name] = json.loads(text)
        elif name == "bbox":
            body[name] = [float(each) for each in text.split(",")]
        elif name in {"ids", "collections"} or (name == "q" and '"' not in text):
            body[name] = text.split(",")
    client = catalog.client()
    assert set(ids(client.post("/search", json=body))) == expected


def test_items_of_a_collection_are_searched_alike(catalog: Catalog) -> None:
    client = catalog.client()
    answer = client.get("/collections/dataset/items?bbox=7,45,8,46&filter=title LIKE 'Snow%'&sortby=-title")
    assert ids(answer) == ["alps-snow"]
    assert client.get("/collections/no-such/items").status_code == 404
    assert client.get("/collections/dataset/items?collections=ai-model").status_code == 400


def test_fields_choose_what_is_shown(catalog: Catalog) -> None:
    client = catalog.client()

    def shown(fields: Any) -> dict[str, Any]:
        answer = client.post("/search", json={"ids": ["alps-snow"], "fields": fields}).json()
        item: dict[str, Any] = answer["features"][0]
        return item

    assert shown({"include": ["properties.eo:cloud_cover", "bbox"]}) == {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": "alps-snow",
        "collection": "dataset",
        "bbox": [6.0, 44.0, 16.0, 48.0],
        "properties": {"eo:cloud_cover": 5.0},
    }
    assert shown({"include": ["license"]})["properties"] == {"license": "CC-BY-4.0"}
    without = shown({"exclude": ["assets", "properties.title"]})
    assert "assets" not in without
    assert "title" not in without["properties"]
    assert without["properties"]["license"] == "CC-BY-4.0"
    both = shown({"include": ["properties.title"], "exclude": ["properties"]})
    assert both["properties"] == {"title": "Snow of the Alps"}


def test_an_item_by_its_slug_and_by_its_project(catalog: Catalog) -> None:
    client = catalog.client()
    item = client.get("/collections/dataset/items/alps-snow")
    assert item.headers["content-type"] == "application/geo+json"
    for path in ("world/alps-snow", "world%2Falps-snow"):
        assert client.get(f"/collections/dataset/items/{path}").json() == item.json()
    validate_item(item.json())
    links = {each["rel"]: each["href"] for each in item.json()["links"]}
    url = f"{catalog.url}/api/stac"
    assert links["self"] == f"{url}/collections/dataset/items/alps-snow"
    assert links["parent"] == links["collection"] == f"{url}/collections/dataset"
    assert client.get(links["related"]).json()["id"] == "alps-snow"
    href = item.json()["assets"]["data.csv"]["href"]
    assert href == f"{catalog.url}/api/download/alps-snow/data/gr%C3%B6%C3%9Fe%201.csv?ref=main"
    assert item.json()["properties"]["sharinghub:stars"] == 7
    for path in (
        "ai-model/items/alps-snow",
        "dataset/items/none",
        "dataset/items/world/none",
        "none/items/alps-snow",
    ):
        assert client.get(f"/collections/{path}").status_code == 404


def test_what_a_client_has_is_not_sent_again(catalog: Catalog) -> None:
    client = catalog.client()
    for path in ("/collections/dataset", "/collections/dataset/items/alps-snow", "/search?limit=3"):
        etag = client.get(path).headers["etag"]
        again = client.get(path, headers={"if-none-match": f'"other", W/{etag}'})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get(path, headers={"if-none-match": '"other"'}).status_code == 200
        head = client.head(path)
        assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", etag)
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        refused = client.request(method, "/collections/dataset")
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET")


def test_all_items_are_reached_by_child_and_item_links(catalog: Catalog) -> None:
    client = catalog.client()
    seen: set[str] = set()
    waiting = [f"{catalog.url}/api/stac"]
    while waiting:
        document = client.get(waiting.pop()).json()
        if document["id"].endswith("-items"):
            validate_catalog(document)
        waiting += [each["href"] for each in document["links"] if each["rel"] == "child"]
        seen |= {each["href"].rpartition("/")[2] for each in document["links"] if each["rel"] == "item"}
    assert seen == set(ids(client.get("/search?limit=1000")))


def test_collections_are_searched(catalog: Catalog) -> None:
    client = catalog.client()

    def named(query: str) -> list[str]:
        answer = client.get(f"/collections?{query}").json()
        assert answer["numberReturned"] == len(answer["collections"])
        return [each["id"] for each in answer["collections"]]

    assert named("") == ["ai-model", "dataset", "processor"]
    assert named("sortby=-title") == ["processor", "dataset", "ai-model"]
    assert named("q=machine learning,nothing") == ["ai-model"]
    assert named("bbox=175,5,-175,9") == ["dataset"]
    assert named("datetime=../1973-01-01T00:00:00Z") == ["dataset"]
    first = client.get("/collections?limit=2&fields=id,title").json()
    assert first["collections"][0] == {
        "type": "Collection", "stac_version": "1.1.0", "id": "ai-model", "title": "AI Models",
    }  # fmt: skip
    (following,) = [each["href"] for each in first["links"] if each["rel"] == "next"]
    assert [each["id"] for each in client.get(following).json()["collections"]] == ["processor"]
    assert client.get("/collections?sortby=no-such").status_code == 400


def test_aggregations_count_all_that_is_found(catalog: Catalog) -> None:
    names = "total_count,datetime_min,datetime_max,collection_frequency,keyword_frequency,datetime_frequency"
    client = catalog.client()
    answer = client.get(
        f"/aggregate?collections=dataset,ai-model&datetime_frequency_interval=year&aggregations={names}"
    )
    assert answer.status_code == 200, answer.text
    counts = {each["name"]: each for each in answer.json()["aggregations"]}
    assert counts["total_count"]["value"] == 7
    assert counts["datetime_min"]["value"] == "1972-09-27T00:00:00Z"
    assert counts["datetime_max"]["value"] == "2023-05-23T00:00:00Z"

    def buckets(name: str) -> dict[str, int]:
        return {each["key"]: each["frequency"] for each in counts[name]["buckets"]}

    assert buckets("collection_frequency") == {"dataset": 5, "ai-model": 2}
    assert buckets("keyword_frequency") == {"alps": 2, "snow": 1, "shapes": 1, "waves": 1, "inside": 1, "hidden": 1}
    assert buckets("datetime_frequency") == {
        "1972-01-01T00:00:00Z": 1, "2019-01-01T00:00:00Z": 1, "2022-01-01T00:00:00Z": 4, "2023-01-01T00:00:00Z": 1,
    }  # fmt: skip
    body = {"aggregations": ["total_count"], "filter": {"op": "=", "args": [{"property": "license"}, "MIT"]}}
    assert client.post("/aggregate", json=body).json()["aggregations"][0]["value"] == 3
    within = client.get("/collections/processor/aggregate?aggregations=total_count&filter=level=3").json()
    known = client.get("/collections/processor/items?filter=level=3").json()["numberMatched"]
    assert within["aggregations"][0]["value"] == known > 0
    assert client.get("/aggregate?aggregations=no-such").status_code == 400
    assert client.get("/aggregate").status_code == 400


def test_queryables_are_what_there_is(catalog: Catalog) -> None:
    client = catalog.client()
    all_of_them = client.get("/queryables").json()["properties"]
    assert all_of_them["level"]["type"] == "number"
    assert all_of_them["kind"]["type"] == "string"
    assert {"id", "collection", "geometry", "datetime", "eo:cloud_cover"} <= all_of_them.keys()
    of_models = client.get("/collections/ai-model/queryables")
    assert of_models.headers["content-type"] == "application/schema+json"
    assert of_models.json()["$id"] == f"{catalog.url}/api/stac/collections/ai-model/queryables"
    assert "mlm:framework" in of_models.json()["properties"]
    assert "level" not in of_models.json()["properties"]
    assert "geometry" not in client.get("/sortables").json()["properties"]
