"""The pages: what guards them, what stands in them, and which of them are shown."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path

import httpx
import pytest

from mainspring.modules.identity.service import links
from mainspring.server.pages.rendering import FOLDER
from tests.components.server import MainspringServer

PAGES = ["/login", "/setup", "/reset", "/device", "/signed-out"]


@pytest.mark.parametrize("path", PAGES)
def test_headers(guarded: MainspringServer, path: str) -> None:
    answer = httpx.get(f"{guarded.url}{path}")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", PAGES)
def test_what_they_load(guarded: MainspringServer, path: str) -> None:
    """Files of the server's own, by their hashes; nothing stands inline."""
    page = httpx.get(f"{guarded.url}{path}").text
    assert not re.search(r"<style|\son\w+=|style=|javascript:|\{\{", page)
    assert re.findall(r"<script[^>]*>(.+?)</script>", page) == []
    files = re.findall(r'(?:src|href)="(/assets/[^"]+)" integrity="sha256-([^"]+)"', page)
    assert files
    for address, digest in files:
        answer = httpx.get(f"{guarded.url}{address}")
        assert answer.status_code == 200
        assert b64encode(sha256(answer.content).digest()).decode() == digest


@pytest.mark.parametrize("path", PAGES)
def test_they_can_be_used_without_a_mouse_or_eyes(guarded: MainspringServer, path: str) -> None:
    page = httpx.get(f"{guarded.url}{path}").text
    assert '<html lang="en">' in page
    assert len(re.findall("<h1>", page)) == 1
    fields = re.findall(r'<input id="(\w+)"', page)
    assert all(f'<label for="{field}">' in page for field in fields)
    if fields:
        assert 'role="alert"' in page
    assert "tabindex" not in page or 'tabindex="-1"' in page


@pytest.mark.parametrize(
    "name", ["nothing.js", "login.html", "routes.py", "..%2Froutes.py", "%2e%2e%2frun.py", "%2e%2e"]
)
def test_other_files_are_not_given(guarded: MainspringServer, name: str) -> None:
    assert httpx.get(f"{guarded.url}/assets/{name}").status_code in (400, 404)


def test_scripts_import_what_is_there() -> None:
    for script in FOLDER.glob("*.js"):
        for imported in re.findall(r"from '\./([^']+)'", script.read_text()):
            assert (FOLDER / imported).is_file()


def test_a_page_to_go_to_is_only_text(guarded: MainspringServer) -> None:
    page = '/a"><script>alert(1)</script>&x='
    shown = httpx.get(f"{guarded.url}/login", params={"next": page}).text
    assert f'data-next="{escape(page)}"' in shown
    assert "<script>alert" not in shown


def test_how_one_signs_in(guarded: MainspringServer) -> None:
    page = httpx.get(f"{guarded.url}/login", params={"next": "/x?y=1#z"}).text
    assert 'href="/sign-in/oidc?next=%2Fx%3Fy%3D1%23z"' in page
    assert 'href="/sign-in/gitlab?next=%2Fx%3Fy%3D1%23z"' in page
    assert 'data-next="/x?y=1#z"' in page


@pytest.mark.parametrize(("auth", "shown"), [("local", 'id="sign-in"'), ("off", "No sign-in needed")])
def test_without_providers(tmp_path: Path, auth: str, shown: str) -> None:
    with MainspringServer(tmp_path / "data", "--auth", auth) as other:
        page = httpx.get(f"{other.url}/login").text
        assert shown in page
        assert "/sign-in/" not in page
        assert httpx.get(f"{other.url}/sign-in/oidc").status_code == 404


def test_links_lead_to_pages_that_read_them() -> None:
    assert set(PAGES) > set(links.PAGES.values())
    assert "get('token')" in (FOLDER / "forms.js").read_text()
