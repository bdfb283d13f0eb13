"""READMEs as HTML that harms nobody."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainspring.modules.catalog.service.generating import render_readme

REL = 'rel="noopener noreferrer nofollow"'


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("# A *title*", "<h1>A <em>title</em></h1>"),
        ("---\na: b\n---\nText", "<p>Text</p>"),
        ("[a](https://example.org/?x=1&y=2)", f'<p><a href="https://example.org/?x=1&amp;y=2" {REL}>a</a></p>'),
        ("[a](docs/a.md#part)", f'<p><a href="file:docs/a.md" {REL}>a</a></p>'),
        ("[a](</docs/a b.md>)", f'<p><a href="file:docs/a%20b.md" {REL}>a</a></p>'),
        ("![a](./a.png)", '<p><img alt="a" src="file:a.png"></p>'),
        ("![a](https://example.org/a.png)", '<p><img alt="a" src="https://example.org/a.png"></p>'),
        ("<a@example.org>", f'<p><a href="mailto:a@example.org" {REL}>a@example.org</a></p>'),
        ("~~no~~", "<p><s>no</s></p>"),
        ("| a |\n|---|\n| 1 |", "<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n"),
        ("```python\nx\n```", '<pre><code class="language-python">x\n</code></pre>'),
    ],
)
def test_markdown_becomes_html(markdown: str, html: str) -> None:
    assert render_readme(markdown).startswith(html)


def test_addresses_count_from_the_folder_of_the_readme() -> None:
    assert 'src="file:docs/a.png"' in render_readme("![a](a.png)", "docs/README.md")
    assert 'src="file:a.png"' in render_readme("![a](../a.png)", "docs/README.md")
    assert "src" not in render_readme("![a](../../a.png)", "docs/README.md")


@pytest.mark.parametrize(
    "href",
    [
        *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "java&#115;cript:alert(1)", "javascript&colon;alert(1)"),
        *("vbscript:x", "data:text/html;base64,PHNjcmlwdD4=", "data:image/svg+xml,x", "file:///etc/passwd", "file:a"),
        *("//evil.example.org", "\\\\evil.example.org", "ftp://example.org", "#part", "../../etc/passwd", "blob:x"),
        *("https://me:secret@example.org/", "https://example.org/?private_token=x", "https://example.org/#access_token=x"),
        *("https:", "project:dataset/a/b", "archive:v1", "%2e%2e/%2e%2e/etc/passwd"),
    ],
)  # fmt: skip
def test_bad_addresses_are_gone(href: str) -> None:
    for markdown in (f"[x]({href})", f"![x]({href})", f"[x][y]\n\n[y]: {href}"):
        html = render_readme(markdown)
        assert not re.search(r"(?:href|src)=", html), html
        assert "x" in html


@pytest.mark.parametrize(
    "raw",
    [
        *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<iframe src='https://example.org'>"),
        *("<svg onload=alert(1)>", "<a href='javascript:x'>", "<!-- x -->", "<details open ontoggle=alert(1)>"),
        *("text <script>alert(1)</script>", "# <script>", "- <img src=x onerror=alert(1)>", "[<img src=x>](a)"),
        *("<style>x", "<b>x</b>", "| <script> |\n|---|"),
        *("`<script>`", "```\n</code><script>\n```", "```\"><script>\n```", "![<script>](a.png)"),
        *('[a](b "<script>")', '[a](b "\\"><script>")', "<https://example.org/\"onclick=alert(1)>", "<<script>script>"),
    ],
)  # fmt: skip
def test_raw_html_is_text(raw: str) -> None:
    html = render_readme(raw)
    tags = set(re.findall(r"<\s*/?([a-zA-Z0-9]+)", html))
    assert tags <= {*("p", "h1", "ul", "li", "a", "img", "pre", "code", "table", "thead", "tr", "th")}
    for tag in re.findall(r"<[^>]*>", html):
        names = re.findall(r'\s([a-zA-Z-]+)="', tag)
        assert set(names) <= {"href", "rel", "src", "alt", "title", "class"}, tag
        assert not re.search(r"\son\w+\s*=", re.sub(r'"[^"]*"', '""', tag)), tag


PARTS = [
    *("[", "]", "(", ")", "<", ">", '"', "'", "`", "*", "_", "!", "|", "#", "\\", "\n", "\n\n", " ", ":"),
    *("javascript:", "data:text/html,", "https://example.org/", "onclick=", "<script>", "</", "<img ", "src=", "&lt;"),
    *("&", ";", "/", "-", "&#x3c;"),
    *("a", "[a]: ", "![a](", "[a](", "```", "|-|", "file:", "//", "..", "%3c", "&quot;", "\t", "mailto:a@b"),
]  # fmt: skip


def test_harmless_html_is_text_too() -> None:
    for raw in ("<b>x</b>", '<a href="https://example.org">x</a>', '<img src="https://example.org/a.png">', "<br>"):
        assert not re.search(r"<(?!/?p>)", render_readme(f"y {raw}"))
        assert "&lt;" in render_readme(raw)


class Seen(HTMLParser):
    """Notes every tag and address of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.addresses: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.addresses |= {value or "" for name, value in attrs if name in {"href", "src"}}


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(PARTS), max_size=25).map("".join))
def test_nothing_that_is_written_runs(markdown: str) -> None:
    seen = Seen()
    seen.feed(render_readme(markdown))
    seen.close()
    assert seen.tags <= {
        *("p", "a", "img", "em", "strong", "code", "pre", "br", "hr", "s", "ul", "ol", "li", "blockquote"),
        *("h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
    }
    assert seen.names <= {"href", "src", "alt", "title", "rel", "class", "start"}
    assert all(re.match(r"https?://[^/]|mailto:|file:[^/]", each) for each in seen.addresses), seen.addresses


def test_control_characters_are_gone() -> None:
    assert render_readme("a\x00b\x1b[31m\u202ec\ud800") == "<p>ab[31mc</p>\n"
