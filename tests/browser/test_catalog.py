"""The catalog and lineage in the page: found by words, facets and place; an item with README, files and warnings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.components.accounts import Guarded
from tests.components.chromium import NewVisit
from tests.components.ports import wait_until

README = """---
title: Snow of the {name}
license: {license}
keywords: [snow, {name}]
extent:
  spatial: {box}
---
# Snow

Some *text* <script>document.title = 'broken in'</script>.
"""
PLACES = {
    "alps": ("[6, 44, 16, 48]", "CC-BY-4.0"),
    "andes": ("[-78, -30, -65, 5]", "MIT"),
    "tundra": ("nonsense", "MIT"),
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Yield a server with three datasets, one of them badly described, and somebody who may see them."""
    with Guarded(tmp_path_factory.mktemp("catalog") / "data") as server:
        server.add_user("dana")
        for name, (box, license) in PLACES.items():
            readme = README.format(name=name, box=box, license=license)
            body = {"path": f"snow/{name}", "topics": ["sharinghub:dataset"], "readme": readme}
            assert server.admin.post("/api/v1/projects", json=body).status_code == 201
            server.set_member(f"snow/{name}", "dana", "reporter")
            files = server.admin.put(f"/p/snow/{name}/api/v1/files/data/snow.csv", content=b"a,b\n1,2\n")
            assert files.status_code in (200, 201), files.text
        wait_until(lambda: _has_files(server), "the files in the catalog")
        yield server


def _has_files(server: Guarded) -> bool:
    found = server.admin.get("/api/v1/stac/search?q=snow").json()
    return len(found["features"]) == 3 and all(each["assets"] for each in found["features"])


def test_found_by_facets_and_opened(published: Guarded, new_visit: NewVisit) -> None:
    visit = new_visit(published.url).sign_in("dana")
    page = visit.go("catalog")
    expect(page.get_by_text("3 items")).to_be_visible()
    visit.check_accessible()
    page.get_by_label("MIT").check()
    expect(page.get_by_text("2 items")).to_be_visible()
    assert "license=MIT" in page.url
    page.get_by_role("searchbox", name="Search").fill("andes")
    expect(page.get_by_text("1 item", exact=True)).to_be_visible()
    page.get_by_role("link", name="Snow of the andes").click()
    expect(page.get_by_role("heading", level=1, name="Snow of the andes")).to_be_visible()
    expect(page.get_by_role("heading", name="Snow", exact=True)).to_be_visible()
    assert page.title() == "Snow of the andes · Mainspring"
    visit.check_accessible()
    page.get_by_role("link", name="Files", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").first.click()
    assert download.value.path().read_bytes() == b"a,b\n1,2\n"
    page.go_back()
    page.go_back()
    expect(page.get_by_text("1 item", exact=True)).to_be_visible()
    visit.check()


def test_what_to_mend_is_told(published: Guarded, new_visit: NewVisit) -> None:
    visit = new_visit(published.url).sign_in("dana")
    page = visit.go("catalog?q=tundra")
    page.get_by_role("link", name="Snow of the tundra").click()
    expect(page.get_by_text("1 warning")).to_be_visible()
    page.get_by_role("link", name="Metadata").click()
    expect(page.get_by_text("extent.spatial is")).to_be_visible()
    visit.check_accessible()
    visit.check()


def test_a_box_on_the_map(published: Guarded, new_visit: NewVisit) -> None:
    visit = new_visit(published.url).sign_in("dana")
    page = visit.go("catalog")
    page.get_by_role("button", name="Map").click()
    page.get_by_role("img", name="Map with 3 items").wait_for()
    page.get_by_role("textbox", name="Box").fill("0, 40, 20, 50")
    page.get_by_role("textbox", name="Box").blur()
    expect(page.get_by_role("link", name="Snow of the alps")).to_be_visible()
    expect(page.get_by_role("link", name="Snow of the andes")).not_to_be_visible()
    visit.check_accessible()
    visit.check()


def test_nobody_finds_nothing(published: Guarded, new_visit: NewVisit) -> None:
    published.add_user("eve")
    visit = new_visit(published.url).sign_in("eve")
    page = visit.go("catalog")
    expect(page.get_by_text("Nothing is published yet")).to_be_visible()
    page = visit.expect("404").go("catalog/dataset/snow-alps")
    expect(page.get_by_text("There is nothing here")).to_be_visible()
    visit.check()


def test_lineage_as_picture_and_list(published: Guarded, new_visit: NewVisit) -> None:
    event = {
        "eventTime": "2026-01-01T00:00:00Z",
        "eventType": "COMPLETE",
        "producer": "https://example.org/test",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "01890000-0000-7000-8000-000000000001"},
        "job": {"namespace": "nightly", "name": "clean"},
        "inputs": [{"namespace": "raw", "name": "snow"}],
        "outputs": [{"namespace": "clean", "name": "snow"}],
    }
    assert published.admin.post("/p/snow/alps/api/v1/lineage/events", json=event).status_code in (200, 201, 202, 204)
    visit = new_visit(published.url).sign_in("root")
    page = visit.go("lineage?of=dataset:clean/snow", project="snow/alps")
    page.locator(".react-flow__node").first.wait_for()
    assert page.locator(".react-flow__node").count() >= 2
    visit.check_accessible()
    page.get_by_role("button", name="As a list").click()
    expect(page.get_by_role("table", name="Lineage")).to_be_visible()
    visit.check_accessible()
    visit.check()
