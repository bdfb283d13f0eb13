"""What a search finds: all of it, page after page, or one page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Page(Protocol[T]):
    """One page as the API answers it; ``next_page_token`` is None at the end."""

    items: list[T]
    next_page_token: str | None


class Results(Generic[T]):
    """What a search finds: iterate over it to get everything, or ask for a ``page``."""

    def __init__(self, fetch: Callable[[str | None], Page[T]]) -> None:
        self._fetch = fetch

    def page(self, page_token: str | None = None) -> Page[T]:
        """Return one page: the first, or the one whose token the page before has told."""
        return self._fetch(page_token)

    def __iter__(self) -> Iterator[T]:
        token = None
        while True:
            page = self._fetch(token)
            yield from page.items
            token = page.next_page_token
            if not token:
                return
