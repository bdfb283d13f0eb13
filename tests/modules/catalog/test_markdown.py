"""Markdown of notes and model cards: safe HTML that asks no other server for anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mainspring.kit.actors import LOCAL, NOBODY
from mainspring.kit.errors import InvalidArgument, Unauthenticated
from mainspring.modules.catalog.schemas import Markdown
from mainspring.modules.catalog.service.markdown import render_markdown

REL = 'rel="noopener noreferrer nofollow"'
ACTOR = replace(LOCAL, workspace="lab-churn")


def html(text: str, base: str | None = None) -> str:
    return render_markdown(ACTOR, Markdown(text, base)).html


def test_front_matter_is_told_apart() -> None:
    found = render_markdown(ACTOR, Markdown("---\nlicense: MIT\ntags: [a, b]\nx: &y 1\nz: *y\n---\n# Title\n"))
    assert found.html == "<h1>Title</h1>\n"
    assert found.metadata == {"license": "MIT", "tags": ["a", "b"], "x": 1}
    assert [(each.code, each.field) for each in found.warnings] == [("value_unsupported", "z")]


def test_bad_front_matter_is_a_warning() -> None:
    for text, code in [
        ("---\na: [\n---\nText", "front_matter_invalid"),
        ("---\nText", "front_matter_unclosed"),
        ("x" * 40_000, "readme_too_long"),
    ]:
        found = render_markdown(ACTOR, Markdown(text))
        assert found.metadata == {}
        assert [each.code for each in found.warnings] == [code]


def test_relative_addresses_are_files_of_the_project_or_below_the_base() -> None:
    assert html("![a](a.png)") == '<p><img alt="a" src="/api/download/lab-churn/a.png"></p>\n'
    assert html("[a](</b c.md>)") == f'<p><a href="/api/download/lab-churn/b%20c.md" {REL}>a</a></p>\n'
    assert html("![a](d/../a.png)", "/api/v1/runs/0/artifacts/&/").count('src="/api/v1/runs/0/artifacts/&amp;/a.png"')
    assert "src=" not in html("![a](../a.png)", "/api/v1/runs/0/artifacts/")


@pytest.mark.parametrize(
    "base", ["", "a/", "/a", "//evil/", "/a//b/", '/"/', "/<b>/", "https://e.org/", "/\\1/", "/%/"]
)
def test_a_base_is_a_path_of_this_server(base: str) -> None:
    with pytest.raises(InvalidArgument, match="base"):
        html("[a](b)", base)


def test_pictures_of_other_servers_are_links() -> None:
    link = f'<a href="https://e.org/a.png" {REL}>'
    assert html("![a *b*](https://e.org/a.png 't')") == f"<p>{link}a b</a></p>\n"
    assert html("![](https://e.org/a.png)") == f"<p>{link}https://e.org/a.png</a></p>\n"
    assert html("[![b](https://e.org/b.svg)](https://e.org/a.png)") == f"<p>{link}b</a></p>\n"


@pytest.mark.parametrize(
    "text",
    [
        *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "![x](javascript:alert(1))"),
        *("[x](data:text/html,x)", "![x](//evil.example.org/x.png)", "<svg onload=alert(1)>", "<iframe src=//evil>"),
        '![x"onerror="alert(1)](a.png)',
    ],
)
def test_nothing_in_it_runs(text: str) -> None:
    found = html(text)
    for tag in ("<script", "<svg", "<iframe", "javascript:", "data:", 'src="//', "<img src=x", '" onerror', '"onerror'):
        assert tag not in found


def test_who_may_not_look_round_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        render_markdown(NOBODY, Markdown("a"))
    with pytest.raises(InvalidArgument, match="text"):
        html("x" * 1_100_000)
