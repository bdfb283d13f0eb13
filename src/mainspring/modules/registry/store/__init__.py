"""SQL of the model registry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    UnaryExpression,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from mainspring.kit.sql_engines import chosen, upsert_rows
from mainspring.modules.registry.schemas import (
    ModelFile,
    ModelVersion,
    ModelVersionDetails,
    Number,
    RegisteredModel,
    Stage,
)
from mainspring.modules.registry.tables import (
    model_version_tags,
    model_versions,
    registered_model_aliases,
    registered_model_tags,
    registered_models,
    stage_requests,
)

Condition = ColumnElement[bool]
Order = UnaryExpression[Any]

_LISTED = [
    column for column in model_versions.c if column.name not in {"params", "metrics", "model_file"}
]  # the rest is JSON of any size, read for one version at a time
_VERSIONS: Select[Any] = select(*_LISTED, registered_models.c.name).join_from(model_versions, registered_models)


# Registered models


def insert_model(
    tx: Connection, project: int, name: str, description: str | None, tags: Mapping[str, str], now: int
) -> int:
    """Insert a registered model without versions, and return its key."""
    values = {"name": name, "description": description, "last_version": 0, "created_at": now, "updated_at": now}
    values["project"] = project
    key = int(tx.execute(insert(registered_models).values(values).returning(registered_models.c.id)).scalar_one())
    set_model_tags(tx, key, tags)
    return key


def count_models(tx: Connection, project: int) -> int:
    """Return how many registered models a project has."""
    own = registered_models.c.project == project
    return tx.execute(select(func.count()).select_from(registered_models).where(own)).scalar_one()


def _named(project: int, name: str) -> Condition:
    return and_(registered_models.c.project == project, registered_models.c.name == name)


def find_model(tx: Connection, project: int, name: str) -> RegisteredModel | None:
    """Return the project's registered model of that name with its latest versions, or None."""
    rows = tx.execute(select(registered_models).where(_named(project, name))).all()
    return _models(tx, rows)[0] if rows else None


def find_model_key(tx: Connection, project: int, name: str) -> int | None:
    """Return the key of the project's registered model of that name, or None."""
    return tx.execute(select(registered_models.c.id).where(_named(project, name))).scalar_one_or_none()


def search_models(
    tx: Connection, project: int, conditions: Sequence[Condition], order: Sequence[Order], limit: int, offset: int
) -> list[RegisteredModel]:
    """Return registered models of a project that meet every condition."""
    found = (
        select(registered_models)
        .where(registered_models.c.project == project, *conditions)
        .order_by(*order)
        .limit(limit)
        .offset(offset)
    )
    return _models(tx, tx.execute(found).all())


def find_model_tag(tx: Connection, key: int, tag: str) -> str | None:
    """Return the value of a registered model's tag, or None."""
    table = registered_model_tags
    return tx.execute(select(table.c.value).where(table.c.model == key, table.c.key == tag)).scalar_one_or_none()


def update_model(tx: Connection, key: int, **values: Any) -> None:
    """Set columns of a registered model."""
    tx.execute(update(registered_models).where(registered_models.c.id == key).values(values))


def touch_versions(tx: Connection, key: int, now: int) -> None:
    """Mark every version of a registered model as updated."""
    tx.execute(update(model_versions).where(model_versions.c.model == key).values(updated_at=now))


def delete_model(tx: Connection, key: int) -> None:
    """Delete a registered model with its versions, tags, aliases and requests."""
    versions = select(model_versions.c.id).where(model_versions.c.model == key)
    tx.execute(delete(registered_model_aliases).where(registered_model_aliases.c.model == key))
    tx.execute(delete(model_version_tags).where(model_version_tags.c.version.in_(versions)))
    tx.execute(delete(stage_requests).where(stage_requests.c.version.in_(versions)))
    tx.execute(delete(model_versions).where(model_versions.c.model == key))
    tx.execute(delete(registered_model_tags).where(registered_model_tags.c.model == key))
    tx.execute(delete(registered_models).where(registered_models.c.id == key))


def delete_models_of(tx: Connection, project: int) -> None:
    """Delete all registered models of a project."""
    for key in tx.execute(select(registered_models.c.id).where(registered_models.c.project == project)).scalars().all():
        delete_model(tx, key)


def set_model_tags(tx: Connection, key: int, tags: Mapping[str, str]) -> None:
    """Set tags of a registered model."""
    upsert_rows(tx, registered_model_tags, ("model", "key", "value"), [(key, tag, tags[tag]) for tag in tags])


def delete_model_tag(tx: Connection, key: int, tag: str) -> bool:
    """Delete a registered model's tag and say whether there was one."""
    table = registered_model_tags
    return tx.execute(delete(table).where(table.c.model == key, table.c.key == tag)).rowcount > 0


# Aliases


def set_alias(tx: Connection, key: int, alias: str, version_key: int) -> None:
    """Point an alias of a registered model at a version."""
    upsert_rows(tx, registered_model_aliases, ("model", "alias", "version"), [(key, alias, version_key)])


def delete_alias(tx: Connection, key: int, alias: str) -> bool:
    """Delete an alias and say whether there was one."""
    table = registered_model_aliases
    return tx.execute(delete(table).where(table.c.model == key, table.c.alias == alias)).rowcount > 0


def find_aliased_version(tx: Connection, key: int, alias: str) -> ModelVersion | None:
    """Return the version that an alias of a registered model leads to, or None."""
    table = registered_model_aliases
    found = _VERSIONS.join(table, table.c.version == model_versions.c.id)
    return _one_version(tx, found.where(table.c.model == key, table.c.alias == alias))


# Versions


def take_version_number(tx: Connection, project: int, name: str, now: int) -> tuple[int, int] | None:
    """Count a registered model's versions up by one; return its key and the new number, or None if it is absent.

    The row stays locked until the transaction ends: concurrent writers get numbers one after the other.
    """
    table = registered_models
    counted = update(table).where(_named(project, name)).values(last_version=table.c.last_version + 1, updated_at=now)
    row = tx.execute(counted.returning(table.c.id, table.c.last_version)).one_or_none()
    return None if row is None else (row.id, row.last_version)


def raise_last_version(tx: Connection, key: int, number: int) -> None:
    """Let the next version of a registered model get a number above ``number``."""
    table = registered_models
    tx.execute(update(table).where(table.c.id == key, table.c.last_version < number).values(last_version=number))


def insert_version(
    tx: Connection,
    key: int,
    version: ModelVersion,
    params: Mapping[str, str],
    metrics: Mapping[str, Number],
) -> None:
    """Insert a version of the registered model with that key, with its tags."""
    values = msgspec.structs.asdict(version)
    for name in ("name", "tags", "aliases"):
        del values[name]
    values |= {
        "model": key,
        "stage": version.stage.value,
        "params": msgspec.json.encode(params).decode(),
        "metrics": msgspec.json.encode(metrics).decode(),
    }
    [version_key] = tx.execute(insert(model_versions).values(values).returning(model_versions.c.id)).one()
    set_version_tags(tx, version_key, version.tags)


def find_version(tx: Connection, project: int, name: str, version: int) -> ModelVersion | None:
    """Return a version of a project's model, or None."""
    return _one_version(tx, _VERSIONS.where(_named(project, name), model_versions.c.version == version))


def find_version_details(tx: Connection, project: int, name: str, version: int) -> ModelVersionDetails | None:
    """Return a version with the params and metrics of its registration, and its model file, or None."""
    listed = find_version(tx, project, name, version)
    keys = find_version_keys(tx, project, name, version)
    if listed is None or keys is None:
        return None
    table = model_versions
    row = tx.execute(select(table.c.params, table.c.metrics, table.c.model_file).where(table.c.id == keys[1])).one()
    return ModelVersionDetails(
        **msgspec.structs.asdict(listed),
        params=msgspec.json.decode(row.params, type=dict[str, str]),
        metrics=msgspec.json.decode(row.metrics, type=dict[str, Number]),
        model_file=row.model_file and msgspec.json.decode(row.model_file, type=ModelFile),
    )


def find_version_keys(tx: Connection, project: int, name: str, version: int) -> tuple[int, int] | None:
    """Return the keys of a registered model and of one of its versions, or None."""
    found = (
        select(model_versions.c.model, model_versions.c.id)
        .join(registered_models)
        .where(_named(project, name), model_versions.c.version == version)
    )
    row = tx.execute(found).one_or_none()
    return None if row is None else (row.model, row.id)


def search_versions(
    tx: Connection, project: int, conditions: Sequence[Condition], order: Sequence[Order], limit: int, offset: int
) -> list[ModelVersion]:
    """Return versions of a project's models that meet every condition."""
    found = (
        _VERSIONS.where(registered_models.c.project == project, *conditions)
        .order_by(*order)
        .limit(limit)
        .offset(offset)
    )
    return _versions(tx, tx.execute(found).all())


def latest_versions(tx: Connection, keys: Iterable[int]) -> dict[int, list[ModelVersion]]:
    """Return the newest version of each stage of registered models by key, stages in the order they were entered."""
    latest: dict[int, list[ModelVersion]] = {}
    for part in chosen(keys):
        table = model_versions
        stages = (
            select(func.max(table.c.version).label("newest"), func.min(table.c.version).label("oldest"), table.c.model)
            .where(table.c.model.in_(part))
            .group_by(table.c.model, table.c.stage)
            .subquery()
        )
        rows = tx.execute(
            _VERSIONS.join(stages, (stages.c.model == table.c.model) & (stages.c.newest == table.c.version)).order_by(
                stages.c.oldest
            )
        ).all()
        for row, version in zip(rows, _versions(tx, rows), strict=True):
            latest.setdefault(row.model, []).append(version)
    return latest


def update_version(tx: Connection, version_key: int, **values: Any) -> None:
    """Set columns of a version."""
    tx.execute(update(model_versions).where(model_versions.c.id == version_key).values(values))


def archive_others(tx: Connection, key: int, version_key: int, stage: Stage, now: int) -> None:
    """Archive the other versions of a registered model that are in ``stage``."""
    table = model_versions
    others = update(table).where(table.c.model == key, table.c.stage == stage.value, table.c.id != version_key)
    tx.execute(others.values(stage=Stage.ARCHIVED.value, updated_at=now))


def delete_version(tx: Connection, version_key: int) -> None:
    """Delete a version with its tags and requests, and the aliases that led to it."""
    tx.execute(delete(registered_model_aliases).where(registered_model_aliases.c.version == version_key))
    tx.execute(delete(model_version_tags).where(model_version_tags.c.version == version_key))
    tx.execute(delete(stage_requests).where(stage_requests.c.version == version_key))
    tx.execute(delete(model_versions).where(model_versions.c.id == version_key))


def set_version_tags(tx: Connection, version_key: int, tags: Mapping[str, str]) -> None:
    """Set tags of a version."""
    upsert_rows(tx, model_version_tags, ("version", "key", "value"), [(version_key, tag, tags[tag]) for tag in tags])


def delete_version_tag(tx: Connection, version_key: int, tag: str) -> bool:
    """Delete a version's tag and say whether there was one."""
    table = model_version_tags
    return tx.execute(delete(table).where(table.c.version == version_key, table.c.key == tag)).rowcount > 0


def find_references(tx: Connection, locations: Mapping[str, str]) -> list[tuple[str, int, str, str | None, str | None]]:
    """Return the versions that come of runs or logged models, or lie in their folders.

    ``locations`` are those of their files by id, "" where there are none. A version is (name, version,
    location, run_id, model_id).
    """
    table = model_versions.c
    lengths: dict[int, list[str]] = {}
    for location in filter(None, locations.values()):
        lengths.setdefault(len(location), []).append(location)
    starts = [func.substr(table.storage_location, 1, length).in_(same) for length, same in lengths.items()]
    refers = or_(table.run_id.in_(locations), table.model_id.in_(locations), *starts)
    found = select(registered_models.c.name, table.version, table.storage_location, table.run_id, table.model_id)
    rows = tx.execute(found.join_from(model_versions, registered_models).where(refers))
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]


# Rows into structs: tags and aliases are sorted here, alike whatever a database's collation is


def _models(tx: Connection, rows: Sequence[Row[Any]]) -> list[RegisteredModel]:
    keys = [row.id for row in rows]
    tags: dict[int, dict[str, str]] = {key: {} for key in keys}
    aliases: dict[int, dict[str, int]] = {key: {} for key in keys}
    for part in chosen(keys):
        table = registered_model_tags
        for key, tag, value in tx.execute(select(table).where(table.c.model.in_(part))):
            tags[key][tag] = value
        for row in tx.execute(_aliases(registered_model_aliases.c.model.in_(part))):
            aliases[row.model][row.alias] = row.version
    latest = latest_versions(tx, keys)
    return [
        RegisteredModel(
            row.name,
            row.created_at,
            row.updated_at,
            row.description,
            dict(sorted(tags[row.id].items())),
            dict(sorted(aliases[row.id].items())),
            latest.get(row.id, []),
        )
        for row in rows
    ]


def _aliases(condition: Condition) -> Select[Any]:
    table = registered_model_aliases
    named = select(table.c.model, table.c.alias, model_versions.c.version)
    return named.join(model_versions, table.c.version == model_versions.c.id).where(condition)


def _one_version(tx: Connection, found: Select[Any]) -> ModelVersion | None:
    rows = tx.execute(found).all()
    return _versions(tx, rows)[0] if rows else None


def _versions(tx: Connection, rows: Sequence[Row[Any]]) -> list[ModelVersion]:
    tags: dict[int, dict[str, str]] = {row.id: {} for row in rows}
    aliases: dict[int, list[str]] = {row.id: [] for row in rows}
    for part in chosen(tags):
        table = model_version_tags
        for key, tag, value in tx.execute(select(table).where(table.c.version.in_(part))):
            tags[key][tag] = value
        pointers = registered_model_aliases
        named = select(pointers.c.version, pointers.c.alias).where(pointers.c.version.in_(part))
        for key, alias in tx.execute(named):
            aliases[key].append(alias)
    return [
        ModelVersion(
            name=row.name,
            version=row.version,
            stage=Stage(row.stage),
            source=row.source,
            storage_location=row.storage_location,
            user_id=row.user_id,
            created_at=row.created_at,
            updated_at=row.updated_at,
            description=row.description,
            run_id=row.run_id,
            run_link=row.run_link,
            model_id=row.model_id,
            tags=dict(sorted(tags[row.id].items())),
            aliases=sorted(aliases[row.id]),
        )
        for row in rows
    ]
