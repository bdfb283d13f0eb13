"""A catalog to search, put straight into a database: projects of every visibility, with items as the index has them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select

from mainspring.kit.sql_engines import reserve_keys
from mainspring.modules.catalog.service.entries import Content
from mainspring.modules.catalog.store.index import Entry, insert_item
from mainspring.modules.projects.tables import namespaces, projects

BULK = 300
DAY_MS = 86_400_000
FILE_EXTENSION = "https://stac-extensions.github.io/file/v2.1.0/schema.json"


@dataclass(frozen=True)
class Sample:
    """An item to be made; ``where`` is a box, or GeoJSON, ``days`` is when it is, from and to, since the epoch."""

    name: str
    collection: str = "dataset"
    visibility: str = "public"
    where: tuple[float, float, float, float] | dict[str, Any] | None = (0.0, 0.0, 1.0, 1.0)
    days: tuple[int, int] = (19_000, 19_000)
    title: str = ""
    properties: dict[str, Any] | None = None
    stars: int = 0

    @property
    def slug(self) -> str:
        """The id of the item."""
        return self.name


TRIANGLE = {"type": "Polygon", "coordinates": [[[10.0, 10.0], [20.0, 10.0], [10.0, 20.0], [10.0, 10.0]]]}
SAMPLES = [
    Sample("alps-snow", where=(6.0, 44.0, 16.0, 48.0), title="Snow of the Alps", stars=7,
           properties={"license": "CC-BY-4.0", "keywords": ["snow", "alps"], "eo:cloud_cover": 5.0, "ready": True}),
    Sample("pacific-swell", where=(170.0, -20.0, -170.0, 10.0), title="Swell at the date line", days=(18_000, 18_400),
           properties={"license": "MIT", "keywords": ["waves"], "eo:cloud_cover": 40.5}),
    Sample("triangle", where=TRIANGLE, title="A shape that is no box", days=(19_500, 19_500),
           properties={"keywords": ["alps", "shapes"], "eo:cloud_cover": 90, "ready": False}),
    Sample("ete-indien", where=(2.0, 48.0, 3.0, 49.0), title="Été indien à Montréal",
           properties={"license": "MIT", "note": "100% sure_thing"}),
    Sample("nowhere-model", collection="ai-model", where=None, title="A model of no place",
           properties={"mlm:framework": "PyTorch", "mlm:tasks": ["classification", "regression"], "license": "MIT"}),
    Sample("inner-model", collection="ai-model", visibility="internal", title="For those inside",
           properties={"mlm:framework": "ONNX", "keywords": ["inside"]}),
    Sample("hidden-ships", visibility="private", where=(-50.0, -60.0, -40.0, -55.0), days=(1_000, 1_000),
           title="Ships that few may see", properties={"license": "secret-license", "keywords": ["hidden"]}),
]  # fmt: skip
"""Few items, of which each is for something; ``hidden-ships`` is for its member ``bob`` alone."""


def bulk() -> Iterator[Sample]:
    """Yield many items, of which many are alike in what they are sorted by."""
    for number in range(BULK):
        west, south = float(number % 60 * 3 - 100), float(number % 20 - 10)
        level = {} if number % 5 == 0 else {"level": number % 7}
        yield Sample(
            f"bulk-{number:04d}",
            collection="processor",
            visibility="private" if number % 10 == 9 else "public",
            where=(west, south, west + 2, south + 2),
            days=(17_000 + number % 3, 17_000 + number % 3),
            title=f"Bulk {number % 4}",
            properties=level | {"kind": "even" if number % 2 == 0 else "odd"},
        )


def fill(tx: Connection, samples: Sequence[Sample], namespace: str = "world") -> dict[str, int]:
    """Insert projects with an item each, and return their keys by name."""
    key = tx.execute(select(namespaces.c.id).where(namespaces.c.name == namespace)).scalar()
    if key is None:
        row = {"name": namespace, "description": "", "created_at": 0}
        key = tx.execute(insert(namespaces).values(row).returning(namespaces.c.id)).scalar_one()
    made = {}
    for number, (project, sample) in enumerate(zip(reserve_keys(tx, projects, len(samples)), samples, strict=True)):
        row = {"id": project, "namespace": key, "name": sample.name, "workspace": f"{namespace}-{sample.name}"}
        row |= {"visibility": sample.visibility, "description": "", "readme": "", "created_by": "root"}
        tx.execute(insert(projects).values(row | {"created_at": 0, "updated_at": 0}))
        entry, values = index(sample, number)
        insert_item(tx, project, sample.slug, entry, values, 0)
        made[sample.name] = project
    return made


def index(sample: Sample, number: int) -> tuple[Entry, list[tuple[str, int, str | None, float | None]]]:
    """Return an item as the index keeps it."""
    start, end = (day * DAY_MS for day in sample.days)
    updated = (18_500 + number % 50) * DAY_MS
    geometry, bbox = _shape(sample)
    title = sample.title or sample.name
    times = {"datetime": moment(start)} if start == end else {
        "datetime": None, "start_datetime": moment(start), "end_datetime": moment(end)
    }  # fmt: skip
    properties = {
        "title": title,
        "description": f"What {title} is about.",
        "created": moment(0),
        "updated": moment(updated),
        **times,
        **(sample.properties or {}),
    }
    assets = {"data.csv": {"href": "file:data/größe 1.csv", "roles": ["data"], "type": "text/csv", "file:size": 12}}
    links = [{"rel": "related", "href": "project:dataset/world/alps-snow", "type": "application/geo+json"}]
    content = Content(geometry, bbox, properties, assets, links, [FILE_EXTENSION], ref="main", path=sample.name)
    text = msgspec.json.encode(content).decode()
    west, south, east, north = bbox or (None,) * 4
    entry = Entry(
        collection=sample.collection,
        title=title,
        created_at=0,
        updated_at=updated,
        start_at=start,
        end_at=end,
        west=west,
        south=south,
        east=east,
        north=north,
        boxed=not isinstance(sample.where, dict) and bbox is not None and bbox[0] <= bbox[2],
        stars=sample.stars,
        warnings=0,
        etag=hashlib.sha256(text.encode()).hexdigest(),
        words=f"{title} {' '.join((sample.properties or {}).get('keywords', ()))}".lower(),
        content=text,
    )
    return entry, list(_values(properties))


def moment(ms: int) -> str:
    """Return a time as items have it."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _shape(sample: Sample) -> tuple[dict[str, Any] | None, list[float] | None]:
    if sample.where is None:
        return None, None
    if isinstance(sample.where, dict):
        points = sample.where["coordinates"][0]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return sample.where, [min(xs), min(ys), max(xs), max(ys)]
    west, south, east, north = sample.where
    parts = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    rings = [[[[w, south], [e, south], [e, north], [w, north], [w, south]]] for w, e in parts]
    kind = (
        {"type": "Polygon", "coordinates": rings[0]}
        if len(rings) == 1
        else {"type": "MultiPolygon", "coordinates": rings}
    )
    return kind, [west, south, east, north]


def _values(properties: dict[str, Any]) -> Iterator[tuple[str, int, str | None, float | None]]:
    for name, value in properties.items():
        for place, each in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(each, (bool, int, float)):
                yield name, place, None, float(each)
            elif isinstance(each, str):
                yield name, place, each[:200], None
