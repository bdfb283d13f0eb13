"""Links and pictures between the pages of the repository lead somewhere."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT

LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
WRITTEN = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]


def broken_links(page: str, folder: Path) -> list[str]:
    """Return the relative targets of a page's links that do not exist."""
    targets = [match["target"] for match in LINK.finditer(page)]
    inside = [target.partition("#")[0] for target in targets if "://" not in target and not target.startswith("#")]
    return [target for target in inside if not (folder / target).exists()]


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    assert broken_links(page.read_text(), page.parent) == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    (tmp_path / "there.md").touch()
    page = "[a](there.md#part) [b](gone.md) [c](https://example.org/x) [d](#here)"
    assert broken_links(page, tmp_path) == ["gone.md"]
