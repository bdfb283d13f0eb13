"""CQL2: what filters find, as text and as JSON, and what is refused without harm."""

from __future__ import annotations

import json
import time
from typing import Any

import cql2
import httpx
import pytest

from tests.stac.conftest import Catalog
from tests.stac.test_search import ids

WITHIN = {"collections": "dataset,ai-model", "limit": 100}
ALL = {"alps-snow", "pacific-swell", "triangle", "ete-indien", "nowhere-model", "inner-model", "hidden-ships"}
MIT = {"pacific-swell", "ete-indien", "nowhere-model"}


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("license = 'MIT'", MIT),
        ("license <> 'MIT'", {"alps-snow", "hidden-ships"}),
        ("NOT license = 'MIT'", {"alps-snow", "hidden-ships"}),
        ("NOT (license = 'MIT' OR license IS NULL)", {"alps-snow", "hidden-ships"}),
        ("license IS NULL", {"triangle", "inner-model"}),
        ("properties.license IS NOT NULL AND NOT license LIKE '%e%'", MIT | {"alps-snow"}),
        ("'MIT' = license", MIT),
        ("eo:cloud_cover < 40.5", {"alps-snow"}),
        ("40.5 > eo:cloud_cover", {"alps-snow"}),
        ("eo:cloud_cover BETWEEN 5 AND 40.5", {"alps-snow", "pacific-swell"}),
        ("eo:cloud_cover NOT BETWEEN 5 AND 40.5", {"triangle"}),
        ("eo:cloud_cover = '5'", set()),
        ("NOT eo:cloud_cover > 39", {"alps-snow"}),
        ("ready = TRUE", {"alps-snow"}),
        ("ready", {"alps-snow"}),
        ("NOT ready", {"triangle"}),
        ("keywords = 'alps'", {"alps-snow", "triangle"}),
        ("keywords <> 'alps'", {"pacific-swell", "inner-model", "hidden-ships"}),
        ("license IN ('MIT', 'CC-BY-4.0')", MIT | {"alps-snow"}),
        ("license NOT IN ('MIT', 'CC-BY-4.0')", {"hidden-ships"}),
        ("collection = 'ai-model' AND id <> 'inner-model'", {"nowhere-model"}),
        ("title LIKE 'S%'", {"alps-snow", "pacific-swell", "hidden-ships"}),
        ("title LIKE 's%'", set()),
        ("title LIKE '%of the%'", {"alps-snow"}),
        ("title LIKE 'Sno_ %s'", {"alps-snow"}),
        (r"note LIKE '%\%%'", {"ete-indien"}),
        (r"note LIKE '%e\_t%'", {"ete-indien"}),
        (r"note LIKE '%e\_h%'", set()),
        ("CASEI(title) = CASEI('ÉTÉ INDIEN À MONTRÉAL')", {"ete-indien"}),
        ("ACCENTI(title) = ACCENTI('Eté indien à Montreal')", {"ete-indien"}),
        ("CASEI(ACCENTI(title)) LIKE CASEI(ACCENTI('éTe%'))", {"ete-indien"}),
        ("CASEI(license) IN (CASEI('mit'))", MIT),
        ("CASEI(license) <> CASEI('mit')", {"alps-snow", "hidden-ships"}),
        ("title = 'It''s (not) here'", set()),
        ("title = 'Swell at the date line' AND (eo:cloud_cover > 1 AND (license = 'MIT'))", {"pacific-swell"}),
        ("S_INTERSECTS(geometry, BBOX(7, 45, 8, 46))", {"alps-snow"}),
        ("S_INTERSECTS(geometry, BBOX(175, -5, -175, 5))", {"pacific-swell"}),
        ("S_INTERSECTS(geometry, POLYGON((17 17, 20 17, 20 20, 17 17)))", set()),
        ("S_INTERSECTS(geometry, POINT(11 11))", {"triangle"}),
        ("S_INTERSECTS(POINT(11 11), geometry)", {"triangle"}),
        ("S_WITHIN(geometry, POLYGON((0 40, 20 40, 20 50, 0 50, 0 40)))", {"alps-snow", "ete-indien"}),
        ("S_CONTAINS(geometry, POINT(10 46))", {"alps-snow"}),
        ("S_CONTAINS(POLYGON((0 40, 20 40, 20 50, 0 50, 0 40)), geometry)", {"alps-snow", "ete-indien"}),
        ("S_EQUALS(geometry, POLYGON((10 10, 20 10, 10 20, 10 10)))", {"triangle"}),
        ("S_TOUCHES(geometry, POINT(10 10))", {"triangle"}),
        ("S_CROSSES(LINESTRING(0 46, 30 46), geometry)", {"alps-snow"}),
        ("S_OVERLAPS(geometry, POLYGON((0 40, 10 40, 10 50, 0 50, 0 40)))", {"alps-snow"}),
        ("S_DISJOINT(geometry, BBOX(-180, 0, 180, 90))", {"hidden-ships"}),
        ("NOT S_INTERSECTS(geometry, BBOX(-180, 0, 180, 90))", {"hidden-ships"}),
        ("geometry IS NULL", {"nowhere-model"}),
        ("T_INTERSECTS(datetime, INTERVAL('2019-01-01', '2019-12-31'))", {"pacific-swell"}),
        ("T_AFTER(datetime, DATE('2023-05-22'))", {"triangle"}),
        ("T_BEFORE(datetime, TIMESTAMP('1972-09-27T00:00:00.001Z'))", {"hidden-ships"}),
        ("T_DURING(datetime, INTERVAL('..', '1990-01-01'))", {"hidden-ships"}),
        ("T_CONTAINS(datetime, DATE('2019-05-05'))", {"pacific-swell"}),
        ("T_DURING(DATE('2019-05-05'), datetime)", {"pacific-swell"}),
        ("T_CONTAINS(INTERVAL(start_datetime, end_datetime), DATE('2019-05-05'))", {"pacific-swell"}),
        ("datetime > TIMESTAMP('2023-01-01T00:00:00Z')", {"triangle"}),
        ("datetime <= '1972-09-27T00:00:00Z'", {"hidden-ships"}),
        ("datetime = DATE('2019-05-05')", {"pacific-swell"}),
        ("A_CONTAINS(keywords, ('alps', 'snow'))", {"alps-snow"}),
        ("A_OVERLAPS(keywords, ('waves', 'snow'))", {"alps-snow", "pacific-swell"}),
        ("A_EQUALS(keywords, ('shapes', 'alps'))", {"triangle"}),
        ("A_CONTAINEDBY(keywords, ('alps', 'snow', 'waves'))", {"alps-snow", "pacific-swell"}),
        ("sharinghub:stars > 0", {"alps-snow"}),
        ("no-such = 1", None),
        ("no_such = 1", set()),
        ("NOT no_such = 1", set()),
        ("TRUE", ALL),
        ("NOT (TRUE AND license = 'MIT')", {"alps-snow", "hidden-ships"}),
        ("(" * 40 + "license = 'MIT'" + ")" * 40, MIT),
        ("NOT " * 40 + "license = 'MIT'", MIT),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, str) else None,
)
def test_a_filter_finds_the_same_as_text_and_as_json(catalog: Catalog, filter: str, expected: set[str] | None) -> None:
    if expected is None:
        client = catalog.client()
        assert client.get("/search", params=WITHIN | {"filter": filter}).status_code == 400
        return
    as_json = cql2.parse_text(filter).to_json()
    body = {"collections": ["dataset", "ai-model"], "limit": 100, "filter": as_json}
    client = catalog.client()
    assert set(ids(client.get("/search", params=WITHIN | {"filter": filter}))) == expected
    assert set(ids(client.post("/search", json=body))) == expected


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"filter": "soundex(title) = 'x'"}, "soundex"),
        ({"filter": "x + 1 = 2"}, "+"),
        ({"filter": "title = license"}, "another property"),
        ({"filter": "S_INTERSECTS(title, POINT(1 1))"}, "geometry"),
        ({"filter": "S_INTERSECTS(geometry, POINT(1 200))"}, "latitude"),
        ({"filter": "T_AFTER(datetime, TIMESTAMP('yesterday'))"}, "yesterday"),
        ({"filter": "datetime > 'yesterday'"}, "yesterday"),
        ({"filter": "title = 'unclosed"}, "CQL2 text"),
        ({"filter": "title ="}, "title ="),
        ({"filter": ""}, "nothing"),
        ({"filter": "()"}, "nothing"),
        ({"filter": "x = 1)"}, "not opened"),
        ({"filter": "x = \x01"}, "control"),
        ({"filter": "x = '" + "a" * 9000 + "'"}, "8192"),
        ({"filter": '{"op": "levitate", "args": []}', "filter-lang": "cql2-json"}, "levitate"),
        ({"filter": "x = 1", "filter-lang": "sql"}, "cql2-text or cql2-json"),
        ({"filter": "x = 1", "filter-crs": "http://www.opengis.net/def/crs/EPSG/0/3857"}, "CRS84"),
        ({"query": '{"x": {"levitate": 1}}'}, "levitate"),
        ({"query": '{"x": 1}'}, "object"),
        ({"query": "["}, "JSON"),
        ({"limit": "0"}, "limit is 0"),
        ({"limit": "-1"}, "limit is -1"),
        ({"limit": "many"}, "limit is 'many'"),
        ({"limit": "1" * 5000}, "limit"),
        ({"bbox": "1,2,3"}, "3 numbers"),
        ({"bbox": "1,2,3,nan"}, "bbox"),
        ({"bbox": "1,2,inf,4"}, "bbox"),
        ({"bbox": "1,4,3,2"}, "south"),
        ({"bbox": "-200,2,3,4"}, "bbox"),
        ({"bbox": "1,2,3,4", "intersects": '{"type": "Point", "coordinates": [1, 1]}'}, "one of them"),
        ({"intersects": '{"type": "Pointless"}'}, "Pointless"),
        ({"intersects": '{"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}'}, "intersects"),
        ({"intersects": '{"type": "Point", "coordinates": [1e999, 1]}'}, "intersects"),
        ({"intersects": json.dumps({"type": "MultiPoint", "coordinates": [[0, 0]] * 10_001})}, "10000 positions"),
        ({"datetime": "../.."}, "'..'"),
        ({"datetime": "2024-05-01"}, "2024-05-01T00:00:00Z"),
        ({"datetime": "2024-05-02T00:00:00Z/2024-05-01T00:00:00Z"}, "earlier"),
        ({"q": ",".join(["word"] * 101)}, "at most 100"),
        ({"sortby": ",".join(["title"] * 11)}, "at most 10"),
        ({"token": "nonsense"}, "next"),
        ({"token": "nAAAA"}, "next"),
        ({"ids": ",".join(map(str, range(501)))}, "at most 500"),
        ({"colections": "dataset"}, "colections"),
    ],
    ids=lambda value: str(value)[:50],
)  # fmt: skip
def test_what_is_wrong_is_refused_by_name(catalog: Catalog, query: dict[str, str], told: str) -> None:
    client = catalog.client()
    # The longest do not fit into a URL.
    long = sum(map(len, query.values())) > 9_000
    answer = client.post("/search", json=query_as_body(query)) if long else client.get("/search", params=query)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert told in answer.json()["detail"]


def query_as_body(query: dict[str, str]) -> dict[str, Any]:
    """Return the fields of a query string as a body has them."""
    body: dict[str, Any] = dict(query)
    if "filter" in body:
        body["filter-lang"] = "cql2-text"
    if "intersects" in body:
        body["intersects"] = json.loads(body["intersects"])
    if "ids" in body:
        body["ids"] = body["ids"].split(",")
    return body


DEEP: dict[str, tuple[str, Any]] = {
    "parentheses": ("cql2-text", "(" * 20_000 + "x = 1" + ")" * 20_000),
    "short parentheses": ("cql2-text", "(" * 4_000 + "x = 1" + ")" * 4_000),
    "parentheses that never close": ("cql2-text", "(" * 99),
    "parentheses around nonsense": ("cql2-text", "(" * 99 + "x =" + ")" * 99),
    "arithmetic": ("cql2-text", "x = " + "(" * 99 + "1 +" + ")" * 99),
    "lists": ("cql2-text", "x IN " + "(" * 99 + ")" * 99),
    "shapes": ("cql2-text", "S_INTERSECTS(geometry, POLYGON" + "(" * 60 + "0 0" + ")" * 60 + ")"),
    "minus signs": ("cql2-text", "x = " + "-" * 8_000 + "1"),
    "minus signs apart": ("cql2-text", "x = " + "- " * 4_000 + "1"),
    "quoted parentheses": ("cql2-text", "x = '" + "(" * 4_000 + "' AND ("),
    "negations": ("cql2-text", "NOT " * 2_000 + "x = 1"),
    "sums": ("cql2-text", "x = " + "1+" * 4_000 + "1"),
    "many conditions": ("cql2-text", " AND ".join(["x=1"] * 1_000)),
    "many alternatives": ("cql2-text", " OR ".join(["x=1"] * 1_000)),
    "many patterns": ("cql2-text", " OR ".join(["CASEI(x) LIKE 'a_'"] * 300)),
    "half a quote": ("cql2-text", "'" + "((" * 40),
    "arrays": ("cql2-json", "[" * 4_000 + "]" * 4_000),
    "objects": ("cql2-json", '{"op":"not","args":[' * 400 + "true" + "]}" * 400),
}


@pytest.mark.parametrize("name", DEEP)
def test_depth_is_refused_at_once_and_the_process_lives(catalog: Catalog, name: str) -> None:
    language, text = DEEP[name]
    client = catalog.client()
    before = time.monotonic()
    answer = client.post("/search", json={"filter": text, "filter-lang": language})
    assert answer.status_code == 400, answer.text[:200]
    if language == "cql2-json":
        whole = f'{{"filter-lang": "cql2-json", "filter": {text}}}'
        assert client.post("/search", content=whole).status_code == 400
    assert client.post("/search", content="[" * 100_000).status_code == 400
    assert time.monotonic() - before < 5
    assert client.get("/search?limit=1").status_code == 200


def test_a_filter_in_a_url_may_be_json(catalog: Catalog) -> None:
    condition = json.dumps({"op": "=", "args": [{"property": "license"}, "MIT"]})
    query = WITHIN | {"filter": condition, "filter-lang": "cql2-json"}
    assert set(ids(catalog.client().get("/search", params=query))) == MIT


def test_many_values_are_compared(catalog: Catalog) -> None:
    client = catalog.client()
    values = [*range(4_000), "MIT"]
    assert len(ids(client.post("/search", json={"query": {"license": {"in": values}}}))) == 3
    assert client.post("/search", json={"query": {"license": {"in": [1] * 100_000}}}).status_code == 400
    many = {f"p{number}": {"eq": 1} for number in range(10_000)}
    assert client.post("/search", json={"query": many}).status_code == 400
    assert ids(client.post("/search", json={"filter-lang": "cql2-text", "filter": " OR ".join(["x=1"] * 400)})) == []


def test_patterns_of_many_wildcards_take_no_time(catalog: Catalog) -> None:
    client = catalog.client()
    before = time.monotonic()
    pattern = "%a" * 1_000 + "b"
    assert ids(client.post("/search", json={"filter": f"title LIKE '{pattern}'", "filter-lang": "cql2-text"})) == []
    contains = {"query": {"title": {"contains": "%_" * 500}}}
    assert ids(client.post("/search", json=contains)) == []
    assert time.monotonic() - before < 5


@pytest.mark.parametrize(
    "text",
    [
        "' OR 1=1 --",
        "x'; DROP TABLE catalog_items; --",
        '"}) { projects { nodes { id } } }',
        "gid://gitlab/Project/1\") { name } evil: project(id: \"1",
        "%25%5F*?[a]",
        "../../etc/passwd",
        "${jndi:ldap://x}",
        "\u202e\U0001f600",
    ],
    ids=range(8),
)  # fmt: skip
def test_hostile_texts_find_nothing(catalog: Catalog, text: str) -> None:
    quoted = text.replace("'", "''")
    nobody = catalog.client(None)
    for body in (
        {"ids": [text]},
        {"ids": [f"world/{text}"]},
        {"collections": [text]},
        {"q": [text]},
        {"query": {text: {"eq": text}}},
        {"query": {"title": {"contains": text}}},
        {"filter": f"title = '{quoted}'", "filter-lang": "cql2-text"},
        {"filter": {"op": "like", "args": [{"property": text}, text]}},
    ):
        assert ids(nobody.post("/search", json=body)) == [], body
    for path in (f"/collections/dataset/items/{text}", f"/collections/{text}", f"/collections/{text}/items"):
        assert nobody.get(httpx.URL(nobody.base_url).raw_path.decode() + quote(path)).status_code == 404
    assert nobody.get("/search", params={"sortby": text}).status_code == 200


def quote(path: str) -> str:
    """Return a path percent-encoded, slashes and all that stands between those of the API."""
    from urllib.parse import quote as encode

    return encode(path, safe="/")


def test_no_text_that_a_database_cannot_keep(catalog: Catalog) -> None:
    client = catalog.client()
    for body in (
        '{"ids": ["a\\u0000b"]}',
        '{"q": ["\\ud800"]}',
        '{"query": {"a\\u0000": {"eq": 1}}}',
        '{"query": {"a": {"eq": "\\u0000"}}}',
        '{"filter": {"op": "=", "args": [{"property": "a"}, "\\u0000"]}}',
        '{"sortby": [{"field": "\\u0000"}]}',
    ):
        assert client.post("/search", content=body).status_code == 400, body
