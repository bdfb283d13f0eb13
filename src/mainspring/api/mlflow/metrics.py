"""Endpoints of metric histories.

A whole history is sent in pieces, each read and encoded in a short transaction of its own: neither the
server nor the database holds anything for a client that reads slowly.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from itertools import repeat

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from mainspring.api.mlflow import messages
from mainspring.api.mlflow.dispatch import endpoint
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.permissions import Permission
from mainspring.modules.services import Services
from mainspring.modules.tracking import service
from mainspring.modules.tracking.schemas import Number

READ = Permission.TRACKING_READ
AT_ONCE = 10_000
"""How many points are read at once of a history that is sent in pieces."""


class _Point(Struct, gc=False):
    key: str
    value: Number
    timestamp: int
    step: int


class _BulkPoint(Struct, gc=False):
    key: str
    run_id: str
    step: int
    timestamp: int
    value: Number


class _SampledPoint(Struct, gc=False):
    key: str
    value: Number
    timestamp: int
    step: int
    run_id: str


class _SampledPoints(Struct, omit_defaults=True):
    metrics: list[_SampledPoint] = []


class _BulkPoints(Struct):
    metrics: list[_BulkPoint]


@endpoint("GET", "metrics/get-history", messages.MetricHistory, READ)
async def get_history(
    services: Services, actor: Actor, message: messages.MetricHistory
) -> bytes | AsyncGenerator[bytes, None]:
    """Answer with all points, or as many as are asked for: an error of the first piece is told, a later one ends it."""
    run_id, key, left = message.run_id or "", message.metric_key or "", message.max_results

    async def read(token: str | None) -> tuple[bytes, str | None]:
        """Return the next points as JSON without the brackets of their list, and where to go on."""
        nonlocal left
        limit = AT_ONCE if left is None else min(left, AT_ONCE)
        piece, token = await services.db.read(_piece, actor, run_id, key, limit, token)
        left = None if left is None else left - limit
        return piece, token

    async def pieces(piece: bytes, token: str | None) -> AsyncGenerator[bytes, None]:
        yield b'{"metrics":[' + piece
        while token and left != 0:
            piece, token = await read(token)
            yield b"," + piece
        yield _end(token)

    piece, token = await read(message.page_token)
    if token and left != 0:
        return pieces(piece, token)
    return b'{"metrics":[' + piece + _end(token) if piece else b"{}"


def _piece(
    tx: Connection, actor: Actor, run_id: str, key: str, limit: int, page_token: str | None
) -> tuple[bytes, str | None]:
    history = service.read_metric_history(tx, actor, run_id, key, limit, page_token)
    points = list(map(_Point, repeat(key), history.values, history.timestamps, history.steps))
    return msgspec.json.encode(points)[1:-1], history.next_page_token


def _end(token: str | None) -> bytes:
    return b'],"next_page_token":"%b"}' % token.encode() if token else b"]}"


@endpoint("GET", "metrics/get-history-bulk", messages.MetricHistoryBulk, READ)
async def get_history_bulk(services: Services, actor: Actor, message: messages.MetricHistoryBulk) -> bytes:
    if not message.run_id:
        raise InvalidArgument("GetMetricHistoryBulk request must specify at least one run_id.", field="run_id")
    if not message.metric_key:
        raise InvalidArgument("GetMetricHistoryBulk request must specify a metric_key.", field="metric_key")
    return await services.db.read(_bulk, actor, message.run_id, message.metric_key, message.max_results)


def _bulk(tx: Connection, actor: Actor, run_ids: list[str], key: str, max_results: int) -> bytes:
    found = service.get_metric_history_bulk(tx, actor, run_ids, key, max_results)
    points = [
        point
        for run_id, history in found
        for point in map(_BulkPoint, repeat(key), repeat(run_id), history.steps, history.timestamps, history.values)
    ]
    return msgspec.json.encode(_BulkPoints(points))


@endpoint("GET", "metrics/get-history-bulk-interval", messages.MetricHistoryInterval, READ)
async def get_history_interval(services: Services, actor: Actor, message: messages.MetricHistoryInterval) -> bytes:
    window = (message.max_results, message.start_step, message.end_step)
    return await services.db.read(_interval, actor, message.run_ids or [], message.metric_key or "", *window)


def _interval(
    tx: Connection,
    actor: Actor,
    run_ids: list[str],
    key: str,
    max_results: int,
    start_step: int | None,
    end_step: int | None,
) -> bytes:
    found = service.sample_metric_history(tx, actor, run_ids, key, max_results, start_step, end_step)
    points = [
        point
        for run_id, history in found
        for point in map(_SampledPoint, repeat(key), history.values, history.timestamps, history.steps, repeat(run_id))
    ]
    return msgspec.json.encode(_SampledPoints(points))
