"""What a project tells of itself, and what the catalog makes of it.

``Description`` goes in, one for each project; ``Content`` comes out, one for each category that the project belongs
to, and is what ``catalog_items.content`` keeps as JSON. Nothing in it depends on who reads it or on this server's
address: links and addresses of files are added when it is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec import Struct, field

from mainspring.engines.sources import Release, TreeEntry

OWN_FILE = "file:"
"""How the href of an asset begins that is a file of the project; its path follows, as it is."""
OWN_ARCHIVE = "archive:"
"""How the href of an asset begins that is all files of a release; its tag follows."""
OWN_PROJECT = "project:"
"""How the href of a link begins that is the item of another project: ``project:<collection>/<namespace/name>``."""


@dataclass(frozen=True, slots=True)
class Description:
    """All that items are made of. Times are milliseconds since the epoch, UTC.

    ``slug`` is the project's id in the catalog, which stays when it moves. ``readme`` is the text of the README, None
    where there is none or it could not be read. ``ref`` is the branch or state that ``files`` are of, None without any.
    """

    slug: str
    path: str
    title: str
    description: str
    topics: tuple[str, ...]
    created_at: int
    updated_at: int
    url: str = ""
    stars: int = 0
    license: str = ""
    archived: bool = False
    picture: str = ""
    ref: str | None = None
    readme: str | None = None
    readme_path: str = "README.md"
    files: tuple[TreeEntry, ...] = ()
    releases: tuple[Release, ...] = ()


class Warning(Struct, frozen=True, omit_defaults=True):
    """Something in a project's metadata that is not as it should be; ``code`` is one of a documented few.

    ``field`` is where in the front matter, with dots between; ``message`` says what was found and what would be right.
    """

    code: str
    field: str
    message: str


class Content(Struct, frozen=True, omit_defaults=True):
    """An item as it is kept: the parts of its STAC JSON.

    ``properties`` has no ``datetime`` fields left out: STAC's rules hold for it as it is. ``links`` are those to
    elsewhere, their hrefs absolute or beginning with ``OWN_FILE`` or ``OWN_PROJECT``. ``assets`` are STAC's, their
    hrefs absolute or beginning with ``OWN_FILE`` or ``OWN_ARCHIVE``. ``readme`` is safe HTML, in which hrefs may begin
    with ``OWN_FILE``.
    """

    geometry: dict[str, Any] | None
    bbox: list[float] | None
    properties: dict[str, Any]
    assets: dict[str, dict[str, Any]] = field(default_factory=dict)
    links: list[dict[str, Any]] = field(default_factory=list)
    extensions: list[str] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)
    readme: str = ""
    ref: str = ""
    path: str = ""
