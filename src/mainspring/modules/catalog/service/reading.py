"""What a source is asked of one project: its files, its README and its releases, within bounds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from mainspring.engines.sources import Release, Source, SourceProject, TreeEntry
from mainspring.kit.errors import NotFound, PermissionDenied, TooLarge, Unauthenticated, Unsupported
from mainspring.modules.catalog.service.entries import Description, Warning
from mainspring.modules.projects.service.sources import clean_text

MAX_README = 1024 * 1024
MAX_FILES = 20_000
MAX_RELEASES = 1_000
_CLOSED = (NotFound, PermissionDenied, Unauthenticated, Unsupported, TooLarge)
"""What it means that files are not for whoever asks, or not to be had at all: asking again does not help."""


@dataclass(slots=True)
class Contents:
    """What there is in a project, as far as it may be read; ``warnings`` say what may not."""

    files: list[TreeEntry] = field(default_factory=list)
    readme: str | None = None
    readme_path: str = "README.md"
    releases: list[Release] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)


def unreadable() -> Contents:
    """Return what is known of a project whose files cannot be read."""
    message = "The files of the project cannot be read by this server: it is listed by its name and topics alone."
    return Contents(warnings=[Warning("files_not_readable", "", message)])


async def read_contents(source: Source, project: SourceProject, token: str | None) -> Contents:
    """Return what there is in a project, as a token sees it. Raises Unavailable."""
    found = Contents()
    if project.default_ref is not None:
        try:
            await _read_files(source, project, project.default_ref, token, found)
        except _CLOSED:
            return unreadable()
    try:
        found.releases = (await source.releases(project.id, token))[:MAX_RELEASES]
    except _CLOSED:
        message = "The releases of the project cannot be read by this server."
        found.warnings.append(Warning("releases_not_readable", "", message))
    return found


async def _read_files(source: Source, project: SourceProject, ref: str, token: str | None, found: Contents) -> None:
    async for page in source.tree(project.id, ref, token):
        found.files += page[: MAX_FILES - len(found.files)]
        if len(found.files) >= MAX_FILES:
            message = f"The project has many files: the first {MAX_FILES} are looked at."
            found.warnings.append(Warning("files_too_many", "", message))
            break
    readmes = [entry.path for entry in found.files if entry.path.lower() == "readme.md"]
    if readmes:
        found.readme_path = "README.md" if "README.md" in readmes else readmes[0]
        found.readme = await _read_readme(source, project, ref, token, found)


async def _read_readme(source: Source, project: SourceProject, ref: str, token: str | None, found: Contents) -> str:
    text = bytearray()
    async with source.open(project.id, found.readme_path, ref, 0, MAX_README + 1, token) as file:
        async for chunk in file.chunks:
            text += chunk
            if len(text) > MAX_README:
                break
    if len(text) > MAX_README:
        message = f"The README is longer than {MAX_README} bytes: the rest is left out."
        found.warnings.append(Warning("readme_too_long", "", message))
    return clean_text(bytes(text[:MAX_README]).decode("utf-8-sig", errors="replace"))


def describe(project: SourceProject, slug: str, contents: Contents) -> Description:
    """Return all that items are made of; ``slug`` is what the project is called in the catalog."""
    return Description(
        slug=slug,
        path=project.path,
        title=clean_text(project.title) or project.path.rpartition("/")[2],
        description=clean_text(project.description),
        topics=project.topics,
        created_at=project.created_at,
        updated_at=project.changed_at,
        url=project.url,
        stars=project.stars,
        license=clean_text(project.license),
        archived=project.archived,
        picture=project.picture,
        ref=project.default_ref if contents.files else None,
        readme=contents.readme,
        readme_path=contents.readme_path,
        files=tuple(contents.files),
        releases=tuple(contents.releases),
    )


async def measure(
    source: Source, project: SourceProject, description: Description, shown: Collection[str], token: str | None
) -> Description:
    """Return a description with the sizes of the files that are shown, as far as a few calls tell them.

    Of large-file storage (LFS) they are those of the file itself, with its SHA-256. Raises Unavailable.
    """
    unknown = [each for each in description.files if each.size is None and each.path in shown]
    if not unknown or description.ref is None:
        return description
    try:
        told = await source.measure(project.id, description.ref, unknown, token)
    except _CLOSED:
        return description
    measured = {each.path: each for each in told}
    return replace(description, files=tuple(measured.get(each.path, each) for each in description.files))
