"""The administration and one's account in the page: members, permissions, configuration, secrets, audit, keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.components.accounts import Guarded
from tests.components.chromium import NewVisit

SECTIONS = [
    "Members",
    "Permissions",
    "Configuration",
    "Secrets",
    "Webhooks",
    "Audit log",
    "Quotas",
    "Users",
    "Groups",
    "Health",
]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Yield a server with a project, a maintainer and a guest of it."""
    with Guarded(tmp_path_factory.mktemp("admin") / "data") as server:
        server.add_user("mara")
        server.add_user("gus")
        server.add_project("team/churn", mara="maintainer", gus="guest")
        yield server


def test_every_part_is_accessible(guarded: Guarded, new_visit: NewVisit) -> None:
    visit = new_visit(guarded.url).sign_in("root")
    page = visit.go("admin", project="team/churn")
    for section in SECTIONS:
        page.get_by_role("link", name=section, exact=True).click()
        page.get_by_role("region", name=section).wait_for()
        page.wait_for_load_state("networkidle")
        visit.check_accessible()
    visit.check()


def test_a_member_is_given_a_role_and_told_why(guarded: Guarded, new_visit: NewVisit) -> None:
    guarded.add_user("nina")
    visit = new_visit(guarded.url).sign_in("root")
    page = visit.go("admin/members", project="team/churn")
    page.get_by_role("button", name="Give a role").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("nobody-here")
    dialog.get_by_role("button", name="Give a role").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    assert dialog.get_by_label("Name").input_value() == "nobody-here"
    dialog.get_by_label("Name").fill("nina")
    dialog.get_by_label("Role").select_option("reporter")
    dialog.get_by_role("button", name="Give a role").click()
    expect(page.get_by_label("Role of nina")).to_have_value("reporter")
    page.get_by_role("link", name="Permissions").click()
    page.get_by_label("Account (empty: yourself)").fill("nina")
    page.keyboard.press("Enter")
    page.get_by_label("Permission", exact=True).select_option("tracking:write")
    expect(page.get_by_text("nina may not")).to_be_visible()
    visit.expect("40[04] PUT .*/members").check()


def test_a_document_is_written_changed_and_rolled_back(guarded: Guarded, new_visit: NewVisit) -> None:
    visit = new_visit(guarded.url).sign_in("mara")
    page = visit.go("admin/configuration", project="team/churn")
    page.get_by_role("button", name="Write a document").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("training")
    dialog.get_by_label("Value, as JSON").fill("{not json")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("must be a JSON object")
    dialog.get_by_label("Value, as JSON").fill('{"rate": 1}')
    dialog.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Edit").click()
    page.get_by_role("dialog").get_by_label("Value, as JSON").fill('{"rate": 2}')
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Versions").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Compare with the newest").last.click()
    expect(dialog.get_by_role("table", name="Compare with the newest")).to_contain_text("rate")
    visit.check_accessible()
    dialog.get_by_role("button", name="Roll back").last.click()
    expect(dialog.get_by_role("row")).to_have_count(4)
    expect(dialog.get_by_text("Nothing differs.")).to_be_visible()
    read = guarded.client("mara").get("/p/team/churn/api/v1/config/training").json()
    assert read["value"] == {"rate": 1}
    visit.check()


def test_the_log_is_searched_and_verified(guarded: Guarded, new_visit: NewVisit) -> None:
    visit = new_visit(guarded.url).sign_in("root")
    page = visit.go("admin/audit", project="team/churn")
    page.get_by_role("button", name="Details of entry").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("After")
    visit.check_accessible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("as they were written")).to_be_visible()
    visit.check()


def test_a_guest_sees_what_a_guest_may(guarded: Guarded, new_visit: NewVisit) -> None:
    visit = new_visit(guarded.url).sign_in("gus")
    page = visit.go("admin", project="team/churn")
    expect(page.get_by_role("link", name="Members", exact=True)).to_be_visible()
    for hidden in ("Audit log", "Secrets", "Users", "Webhooks"):
        expect(page.get_by_role("link", name=hidden, exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name="Give a role")).to_have_count(0)
    visit.go("admin/audit", project="team/churn")
    expect(page.get_by_text("There is nothing here")).to_be_visible()
    visit.check()


def test_a_key_of_ones_own(guarded: Guarded, new_visit: NewVisit) -> None:
    visit = new_visit(guarded.url).sign_in("mara")
    page = visit.go("account")
    page.get_by_role("button", name="Make a key").click()
    page.get_by_role("dialog").get_by_label("Name").fill("laptop")
    page.get_by_role("dialog").get_by_role("button", name="Make a key").click()
    code = page.get_by_role("dialog", name="The new key").locator("code")
    token = code.inner_text()
    assert guarded.client(token=token).get("/api/v1/auth/me").json()["name"] == "mara"
    page.get_by_role("dialog", name="The new key").get_by_role("button", name="Close").click()
    visit.check_accessible()
    page.get_by_role("button", name="Revoke laptop").click()
    expect(page.get_by_role("cell", name="laptop")).to_have_count(0)
    assert guarded.client(token=token).get("/api/v1/auth/me").status_code == 401
    visit.check()
