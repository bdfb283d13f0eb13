"""Descriptions to generate items from: those of the double of GitLab, and made ones."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import msgspec

from mainspring.engines.sources import Release, TreeEntry
from mainspring.modules.catalog.service.categories import OWN, Category, categories_with
from mainspring.modules.catalog.service.entries import Content, Description
from tests.gitlab_double.data import LICENSES, Project, world

HOME = "https://gitlab.example.org"
MODEL, DATASET, PROCESSOR = OWN


def described(readme: str | None = None, files: tuple[TreeEntry, ...] = (), **changes: Any) -> Description:
    """Return the description of a project of a made README and files."""
    fields: dict[str, Any] = {
        "slug": "a-model",
        "path": "lab/a-model",
        "title": "A model",
        "description": "Finds things.",
        "topics": ("sharinghub:aimodel", "Water"),
        "created_at": 1_704_067_200_000,
        "updated_at": 1_717_200_000_000,
        "url": f"{HOME}/lab/a-model",
        "ref": "main",
        "readme": readme,
        "files": files,
    }
    return Description(**{**fields, **changes})


def of_double() -> list[tuple[Description, Category]]:
    """Return each project of the double in each of its categories."""
    found = []
    for project in world()["projects"]:
        description = _describe(project)
        found += [(description, category) for category in categories_with(OWN, description.topics)]
    return found


def as_item(content: Content, category: Category = MODEL, id: str = "a-model") -> dict[str, Any]:
    """Return the STAC JSON that a reader would get of an item, its own addresses left as they are kept."""
    plain = msgspec.json.decode(msgspec.json.encode(content))
    item = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": plain.get("extensions", []),
        "id": id,
        "collection": category.id,
        "geometry": plain["geometry"],
        "properties": plain["properties"],
        "assets": plain.get("assets", {}),
        "links": [{"rel": "collection", "href": f"{HOME}/collections/{category.id}"}, *plain.get("links", [])],
    }
    return item if plain["bbox"] is None else {**item, "bbox": plain["bbox"]}


def _describe(project: Project) -> Description:
    readmes = [path for path in project.files if path.lower() == "readme.md"]
    readme = project.files[readmes[0]].decode().replace("%BASE%", HOME) if readmes else None
    releases = tuple(
        Release(
            each["tag_name"],
            each["name"],
            each["description"],
            _ms(each["released_at"]),
            links=tuple((link["name"], link["url"]) for link in each["links"]),
        )
        for each in project.releases
    )
    return Description(
        slug=project.path,
        path=project.full_path,
        title=project.name,
        description=project.description or "",
        topics=tuple(project.topics),
        created_at=_ms(project.created_at),
        updated_at=_ms(project.last_activity_at),
        url=f"{HOME}/{project.full_path}",
        stars=len(project.starrers),
        license=project.license_key if project.license_key in LICENSES else "",
        archived=project.archived,
        ref=project.default_branch,
        readme=readme,
        readme_path=readmes[0] if readmes else "README.md",
        files=tuple(_file(path, content, project) for path, content in project.files.items()),
        releases=releases,
    )


def _file(path: str, content: bytes, project: Project) -> TreeEntry:
    if content.startswith(b"version https://git-lfs"):
        oid = content.decode().split("sha256:")[1].split()[0]
        return TreeEntry(path, len(project.lfs[oid]), oid)
    return TreeEntry(path, len(content), version=hashlib.sha256(content).hexdigest())


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
