"""READMEs as safe HTML.

Raw HTML in the Markdown is shown as the text that it is. What the Markdown makes is cleaned once more by an allowlist.
Addresses of the project's own files begin with ``file:``, the path from the project's root after it, quoted; other
addresses are http, https or, of links, mailto, and carry no password or token. Links without a good address lose it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from mainspring.modules.catalog.service.entries import OWN_FILE
from mainspring.modules.catalog.service.generating.drafts import Addresses
from mainspring.modules.catalog.service.generating.texts import one_line, quote_odd

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LONGEST = 32_768
"""Characters of a README that are rendered."""
_MOST_ADDRESSES = 200_000

_TAGS = frozenset(
    "a blockquote br code del em h1 h2 h3 h4 h5 h6 hr img li ol p pre s strong table tbody td th thead tr ul".split()
)
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title"}, "ol": {"start"}, "code": {"class"}}
_SCHEMES = {"http", "https", "mailto", OWN_FILE.rstrip(":")}


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False, "maxNesting": 12}).enable(["table", "strikethrough"])
    # A link that is not followed here is still a link, whose address is dropped; it must not stay in the text.
    markdown.validateLink = lambda url: True  # type: ignore[method-assign]
    return markdown


class Readme:
    """A README that was read as Markdown once, for its pictures, links and words, and for its HTML."""

    def __init__(self, text: str, addresses: Addresses, *, asks_elsewhere: bool = True) -> None:
        """Read it; where it may not ask other servers for anything, pictures of theirs become links."""
        self._tokens = _markdown().parse(text[:LONGEST])
        self._asks_elsewhere = asks_elsewhere
        # A reference is written once and used often, so that little text may mean many long addresses.
        self._left = _MOST_ADDRESSES
        self._resolve = lru_cache(addresses.resolve)

    def _inline(self) -> Iterator[list[Token]]:
        return (token.children for token in self._tokens if token.children)

    def pictures(self) -> list[tuple[str, str]]:
        """Return the alternative text and the address of each picture, as they are written."""
        tokens = (token for line in self._inline() for token in line if token.type == "image")
        return [(_text(token.children or []), str(token.attrGet("src") or "")) for token in tokens]

    def links(self) -> list[tuple[str, str]]:
        """Return the text and the address of each link, as they are written."""
        found = []
        for line in self._inline():
            begin = None
            for place, token in enumerate(line):
                if token.type == "link_open":
                    begin = place
                elif token.type == "link_close" and begin is not None:
                    found.append((_text(line[begin + 1 : place]), str(line[begin].attrGet("href") or "")))
                    begin = None
        return found

    def first_paragraph(self) -> str:
        """Return the words of the first paragraph that has some, on one line."""
        for before, token in zip(self._tokens, self._tokens[1:], strict=False):
            if before.type == "paragraph_open" and (text := one_line(_text(token.children or []), 1000)):
                return text
        return ""

    def html(self) -> str:
        """Return all of it as safe HTML."""
        import nh3

        for line in self._inline():
            for token in line:
                self._address(token)
            if not self._asks_elsewhere:
                line[:] = _linked(line)
        markdown = _markdown()
        html = markdown.renderer.render(self._tokens, markdown.options, {})
        return nh3.clean(
            html,
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            url_schemes=_SCHEMES,
            link_rel="noopener noreferrer nofollow",
        )

    def _address(self, token: Token) -> None:
        name = {"link_open": "href", "image": "src"}.get(token.type)
        if name is None:
            return
        self._left -= sum(len(str(value)) for value in token.attrs.values())
        href = self._resolve(token.attrs.pop(name, ""), token.type == "link_open")
        if self._left < 0:
            token.attrs.clear()
            return
        if href is not None and href.startswith(OWN_FILE):
            token.attrs[name] = f"{OWN_FILE}{quote(href[len(OWN_FILE) :])}"
        elif href is not None and href.startswith(("https:", "http:", "mailto:")):
            token.attrs[name] = quote_odd(href)


def _linked(line: list[Token]) -> Iterator[Token]:
    """Yield tokens of a line with links in the place of pictures of other servers: inside of a link, their words."""
    from markdown_it.token import Token

    inside = False
    for token in line:
        inside = {"link_open": True, "link_close": False}.get(token.type, inside)
        href = str(token.attrGet("src") or "") if token.type == "image" else ""
        if not href or href.startswith(OWN_FILE):
            yield token
            continue
        words = Token("text", "", 0, content=_text(token.children or []) or href)
        begin, end = Token("link_open", "a", 1, attrs={"href": href}), Token("link_close", "a", -1)
        yield from (words,) if inside else (begin, words, end)


def _text(tokens: list[Token]) -> str:
    words = (" " if token.type in {"softbreak", "hardbreak"} else token.content for token in tokens)
    return "".join(word for word, token in zip(words, tokens, strict=True) if token.type != "image").strip()


def render_readme(markdown: str, readme_path: str = "README.md") -> str:
    """Return a README without its front matter as safe HTML; see the module for its addresses."""
    from mainspring.modules.catalog.service.generating import front_matter, texts

    _, body, _ = front_matter.split(texts.clean(markdown))
    return Readme(body, Addresses(readme_path.rpartition("/")[0])).html()
