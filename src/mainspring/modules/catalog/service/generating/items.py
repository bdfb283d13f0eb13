"""Items out of descriptions, and the check of a README by itself."""

from __future__ import annotations

import re
from typing import Any

from mainspring.engines.sources import TreeEntry
from mainspring.modules.catalog.service.categories import OWN, Category
from mainspring.modules.catalog.service.entries import Content, Description, Warning
from mainspring.modules.catalog.service.generating import front_matter
from mainspring.modules.catalog.service.generating.assets import MOST_RULES, add_assets
from mainspring.modules.catalog.service.generating.citations import add_citations
from mainspring.modules.catalog.service.generating.drafts import Addresses, Draft
from mainspring.modules.catalog.service.generating.extensions import claim, prefixes_of
from mainspring.modules.catalog.service.generating.extent import place_of
from mainspring.modules.catalog.service.generating.links import add_links
from mainspring.modules.catalog.service.generating.models import add_ml_model, add_mlm
from mainspring.modules.catalog.service.generating.preview import add_preview
from mainspring.modules.catalog.service.generating.properties import add_further, describe
from mainspring.modules.catalog.service.generating.releases import add_releases
from mainspring.modules.catalog.service.generating.rendering import LONGEST, Readme
from mainspring.modules.catalog.service.generating.reporting import Report
from mainspring.modules.catalog.service.generating.texts import clean, one_line

_LONGEST_README = front_matter.LARGEST + 4 * LONGEST


def generate(description: Description, category: Category) -> Content:
    """Return the item of a project in a category.

    It is made of what the project tells and nothing else, so the same description gives the same content, byte for
    byte. It is valid STAC 1.1.0 and keeps each extension that it claims. Metadata that cannot be used is left out, with
    a warning each; none of it raises.
    """
    report = Report()
    front, body = front_matter.read(clean((description.readme or "")[:_LONGEST_README]), report)
    return _generate(front, body, description, category, report)


def lint(readme: str) -> list[Warning]:
    """Return what is wrong with the metadata of a README, as far as that can be seen without its project's files."""
    report = Report()
    front, body = front_matter.read(clean(readme[:_LONGEST_README]), report)
    files = tuple(TreeEntry(path) for path in _pretended(front.get("assets")))
    description = Description("readme", "readme", "README", "", (), 0, 0, files=files)
    _generate(front, body, description, OWN[0], report)
    return [warning for warning in report.warnings if warning.code != "asset_missing"]


def _generate(
    front: dict[str, Any], body: str, description: Description, category: Category, report: Report
) -> Content:
    if len(body) > LONGEST:
        message = f"The README has {len(body)} characters; the first {LONGEST} are shown."
        report.warn("readme_too_long", "", message)
    draft = Draft(report, Addresses.of(description))
    readme = Readme(body, draft.addresses)
    geometry, bbox = place_of(front.get("extent"), report)
    describe(front, description, category, readme, draft)
    front.pop("extent", None)
    prefixes = prefixes_of(front, draft)
    add_links(front, description, draft)
    add_assets(front, prefixes, description, draft)
    add_preview(front, description, readme, draft)
    add_releases(front, description, draft)
    # Fields that older versions of SharingHub had, which become those of extensions.
    older = {name: front.pop(name, None) for name in ("doi", "publications", "ml")}
    add_further(front, prefixes, draft)
    add_citations(older, readme, draft)
    add_mlm(draft)
    add_ml_model(older, draft)
    claim(draft)
    return Content(
        geometry=geometry,
        bbox=bbox,
        properties=dict(sorted(draft.properties.items())),
        assets=draft.assets,
        links=draft.links,
        extensions=draft.extensions,
        warnings=report.warnings,
        readme=readme.html(),
        ref=one_line(description.ref or "", 255),
        path=one_line(description.path, 500),
    )


def _pretended(assets: object) -> list[str]:
    """Return names of files that the patterns of a front matter would match."""
    if assets is None:
        return ["model.onnx"]
    entries = list(assets.values()) if isinstance(assets, dict) else assets if isinstance(assets, list) else [assets]
    globs = (entry.get("glob") or entry.get("path") if isinstance(entry, dict) else entry for entry in entries)
    names = (re.sub(r"\*\*|\*|\?", "x", glob.strip("/")) for glob in globs if isinstance(glob, str))
    return [name for name in names if name][:MOST_RULES]
