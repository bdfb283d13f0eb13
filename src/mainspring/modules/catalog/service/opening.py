"""The sources that the settings name, and what follows from the categories of an installation."""

from __future__ import annotations

from functools import partial

from mainspring.engines.sources import Source, open_source
from mainspring.modules.catalog.service.builtin import use_categories
from mainspring.modules.catalog.service.categories import categories_of
from mainspring.modules.catalog.service.syncing import take_own
from mainspring.modules.projects.service.source_access import on_seen
from mainspring.settings import Settings


def open_sources(settings: Settings) -> dict[str, Source]:
    """Return the sources that the settings name, by their names; nothing is asked of them yet.

    Raises InvalidArgument for a setting that cannot be read.
    """
    categories = categories_of(settings)
    use_categories(categories)
    on_seen(partial(take_own, categories=categories))
    topics = sorted({topic for category in categories for topic in category.topics})
    named = [each.strip() for each in settings.sources.split(",") if each.strip()]
    opened = [open_source(name, "", topics) for name in named]
    if settings.gitlab_url:
        opened.append(open_source(f"gitlab:{settings.gitlab_url.rstrip('/')}", settings.gitlab_token, topics))
    return {source.name: source for source in opened}
