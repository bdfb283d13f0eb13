"""What is wrong with the metadata of projects, and with that of a README that is not in any."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.names import check_length, check_text
from mainspring.kit.pages import Page, position_of, query_mark, token_of
from mainspring.kit.permissions import Permission
from mainspring.modules.catalog.schemas import MetadataWarning, WarnedItem
from mainspring.modules.catalog.service.entries import Content, Warning
from mainspring.modules.catalog.service.reading import MAX_README
from mainspring.modules.catalog.store import index as store
from mainspring.modules.projects import service as projects
from mainspring.modules.projects.service import Place

MAX_PAGE = 1000


def list_warnings(
    tx: Connection, actor: Actor, project: str = "", max_results: int = 100, page_token: str | None = None
) -> Page[WarnedItem]:
    """Return a page of the items with warnings that the actor may see, by id, or of one project of that path."""
    actor.require(Permission.PROJECTS_DISCOVER)
    if not 1 <= max_results <= MAX_PAGE:
        raise InvalidArgument(f"max_results is {max_results}; it must be 1 to {MAX_PAGE}.", field="max_results")
    mark = query_mark("warnings", project)
    after = position_of(page_token, mark, (str, str)) if page_token else ("", "")
    key = projects.own_project(tx, projects.acting_in(tx, actor, Place(project.lower()))).key if project else None
    visible = projects.visible_projects(tx, actor)
    found = store.list_warned(tx, visible, key, (after[0], after[1]), max_results + 1)
    page = found[:max_results]
    paths = projects.paths_of(tx, {each.project for each in page})
    token = token_of(mark, (page[-1].slug, page[-1].collection)) if len(found) > max_results else None
    items = [WarnedItem(paths[each.project], each.collection, each.slug, _warnings(each.content)) for each in page]
    return Page(items, token)


def lint_readme(text: str) -> list[MetadataWarning]:
    """Return what is wrong with the metadata of a README. Raises InvalidArgument for a text that is too long."""
    from mainspring.modules.catalog.service.generating import lint

    return shown(lint(check_length("readme", check_text(text, "readme"), MAX_README)))


def shown(warnings: list[Warning]) -> list[MetadataWarning]:
    """Return warnings as they are answered."""
    return [MetadataWarning(each.code, each.field, each.message) for each in warnings]


def _warnings(content: str) -> list[MetadataWarning]:
    return shown(msgspec.json.decode(content, type=Content).warnings)
