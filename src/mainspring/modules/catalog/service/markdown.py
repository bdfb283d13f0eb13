"""What people write as Markdown, notes and model cards, as safe HTML that asks no other server for anything."""

from __future__ import annotations

import re

from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.names import check_length, check_text
from mainspring.kit.permissions import Permission
from mainspring.modules.catalog.schemas import Markdown, RenderedMarkdown
from mainspring.modules.catalog.service.downloads import DOWNLOADS
from mainspring.modules.catalog.service.linting import shown
from mainspring.modules.catalog.service.reading import MAX_README
from mainspring.modules.catalog.service.readmes import place_files

_BASE = re.compile(r"/(?!/)(?:[A-Za-z0-9._~!$&()*+,;=:@-]|%[0-9A-F]{2}|/(?!/))*/")


def render_markdown(actor: Actor, written: Markdown) -> RenderedMarkdown:
    """Return a text as safe HTML. Raises InvalidArgument for a text that is too long, or a base that is none.

    Beyond ``LONGEST`` characters of ``generating.rendering`` the text is cut, with a warning.
    """
    from mainspring.modules.catalog.service.generating import front_matter, rendering, reporting, texts
    from mainspring.modules.catalog.service.generating.drafts import Addresses

    actor.require(Permission.PROJECTS_DISCOVER)
    text = check_length("text", check_text(written.text, "text"), MAX_README)
    if written.base is not None and not _BASE.fullmatch(written.base):
        right = "it must be a path on this server, '/' at both ends, percent-encoded"
        raise InvalidArgument(f"'base' is '{written.base[:200]}'; {right}.", field="base")
    report = reporting.Report()
    metadata, body = front_matter.read(texts.clean(text), report)
    if len(body) > rendering.LONGEST:
        message = f"The text has {len(body)} characters; the first {rendering.LONGEST} are shown."
        report.warn("readme_too_long", "", message)
    html = rendering.Readme(body, Addresses(), asks_elsewhere=False).html()
    base = written.base or f"{DOWNLOADS}/{actor.workspace}/"
    return RenderedMarkdown(place_files(html, base), metadata, shown(report.warnings))
