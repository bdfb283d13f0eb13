"""Categories of projects: which topics make a project an item of which collection."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from mainspring.kit.errors import InvalidArgument
from mainspring.settings import Settings

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Category:
    """A category, which is a collection of the catalog; projects belong to it that have one of its topics."""

    id: str
    title: str
    description: str
    topics: frozenset[str]


def _known(name: str, id: str, title: str, description: str) -> Category:
    return Category(id, title, description, frozenset({f"sharinghub:{name}", f"sharinghub-{name}"}))


OWN = (
    _known("aimodel", "ai-model", "AI Models", "Machine learning models, with what is needed to run them."),
    _known("dataset", "dataset", "Datasets", "Data to train and to test models with."),
    _known("processor", "processor", "Processors", "Programs that make data out of data."),
)
"""SharingHub's categories, by its topics."""


def categories_of(settings: Settings) -> tuple[Category, ...]:
    """Return the categories of an installation. Raises InvalidArgument for a setting that cannot be read."""
    return _parse(settings.categories)


@cache
def _parse(text: str) -> tuple[Category, ...]:
    found = {each.id: each for each in OWN}
    for part in filter(None, (each.strip() for each in text.split(";"))):
        id, _, rest = (each.strip() for each in part.partition("="))
        title, _, topics = (each.strip() for each in rest.partition("="))
        names = frozenset(filter(None, (each.strip() for each in topics.split(","))))
        if not _ID.fullmatch(id) or not title or not names:
            right = "id=Title=topic,topic, the id of a-z, 0-9 and -"
            raise InvalidArgument(f"The setting categories has '{part[:100]}'; it must be {right}.", field="categories")
        found[id] = Category(id, title, f"Projects of the category {title}.", names)
    return tuple(found.values())


def categories_with(categories: Collection[Category], topics: Collection[str]) -> list[Category]:
    """Return the categories that a project of these topics belongs to."""
    lower = {topic.lower() for topic in topics}
    return [each for each in categories if lower & each.topics]
