"""Addresses and texts out of other people's files."""

from __future__ import annotations

import pytest

from mainspring.modules.catalog.service.generating.texts import clean, one_line, own_path, safe_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.org", "https://example.org"),
        (" HTTPS://example.org/a?b=c#d ", "https://example.org/a?b=c#d"),
        ("https://exam\tple.org/a\n/b", "https://example.org/a/b"),
        ("https://example.org/a b<c>", "https://example.org/a%20b%3Cc%3E"),
        ("https://example.org/%20%3c", "https://example.org/%20%3c"),
        ("https://[::1]:8080/", "https://[::1]:8080/"),
        ("https://bücher.example.org/ü", "https://bücher.example.org/ü"),
        ("https://example.org/?" + "&" * 1500, "https://example.org/?" + "&" * 1500),
        ("https://example.org/?tokens=5&page=2", "https://example.org/?tokens=5&page=2"),
    ],
    ids=range(9),
)
def test_good_addresses_stay(text: str, url: str) -> None:
    assert safe_url(text) == url


@pytest.mark.parametrize(
    "text",
    [
        *("", "example.org", "//example.org", "ftp://example.org", "https:", "https://", "https:///a", "http://[::1"),
        *("https://me@example.org", "https://:x@example.org", "https://@example.org", "https://a.org:99999/"),
        *(
            "https://exa mple.org",
            "https://a.org\\@b.org/",
            'https://a"b.org',
            "https://a.org/?token=x",
            "javascript:a",
        ),
        *("https://a.org/?x=1&Private-Token=y", "https://a.org/?api_key=x", "https://a.org/?x-amz-signature=y"),
        *("https://a.org/#access_token=x", "https://a.org/" + "x" * 2000, "mailto:a@b.org", "javascript:a"),
    ],
    ids=range(24),
)
def test_bad_addresses_are_none(text: str) -> None:
    assert safe_url(text) is None


def test_mail_is_an_address_where_it_may_be() -> None:
    assert safe_url("mailto:a@example.org?subject=x y", mail=True) == "mailto:a@example.org?subject=x%20y"
    assert safe_url("mailto:x", mail=True) is None


@pytest.mark.parametrize(
    ("href", "folder", "path"),
    [
        ("a.txt", "", "a.txt"),
        ("./a/../b.txt?x#y", "docs", "docs/b.txt"),
        ("../b.txt", "docs", "b.txt"),
        ("/b.txt", "docs", "b.txt"),
        ("a%20b.txt", "", "a b.txt"),
        ("../../b.txt", "docs", None),
        ("%2e%2e/b.txt", "", None),
        ("/../b.txt", "", None),
        ("", "", None),
        (".", "", None),
        ("a:b", "", None),
        ("//a/b", "", None),
        ("a\\b", "", None),
        ("a%00b", "", None),
        ("#a", "", None),
    ],
)
def test_paths_stay_in_the_project(href: str, folder: str, path: str | None) -> None:
    assert own_path(href, folder) == path


def test_texts_are_clean() -> None:
    assert clean("a\r\nb\rc\x00\x1b\u202e\ufeff\ud800d") == "a\nb\ncd"
    assert one_line("  a\n\tb  ", 10) == "a b"
    assert one_line("abcdef", 4) == "abc…"
