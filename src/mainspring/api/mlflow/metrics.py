"""Endpoints of metric histories."""

from __future__ import annotations

from mainspring.api.mlflow import messages
from mainspring.api.mlflow.answers import Json, metric_out, present
from mainspring.api.mlflow.dispatch import Services, endpoint
from mainspring.kit.actors import Actor
from mainspring.kit.errors import InvalidArgument
from mainspring.kit.permissions import Permission
from mainspring.modules.tracking import service

READ = Permission.TRACKING_READ


@endpoint("GET", "metrics/get-history", messages.MetricHistory, READ)
async def get_history(services: Services, actor: Actor, message: messages.MetricHistory) -> Json:
    page = await services.db.read(
        service.get_metric_history,
        actor,
        message.run_id or "",
        message.metric_key or "",
        message.max_results,
        message.page_token,
    )
    return present({"metrics": [metric_out(m) for m in page.items], "next_page_token": page.next_page_token})


@endpoint("GET", "metrics/get-history-bulk", messages.MetricHistoryBulk, READ)
async def get_history_bulk(services: Services, actor: Actor, message: messages.MetricHistoryBulk) -> Json:
    if not message.run_id:
        raise InvalidArgument("GetMetricHistoryBulk request must specify at least one run_id.", field="run_id")
    if not message.metric_key:
        raise InvalidArgument("GetMetricHistoryBulk request must specify a metric_key.", field="metric_key")
    points = await services.db.read(
        service.get_metric_history_bulk, actor, message.run_id, message.metric_key, message.max_results
    )
    return {
        "metrics": [
            {"key": m.key, "run_id": run, "step": m.step, "timestamp": m.timestamp, "value": m.value}
            for run, m in points
        ]
    }


@endpoint("GET", "metrics/get-history-bulk-interval", messages.MetricHistoryInterval, READ)
async def get_history_interval(services: Services, actor: Actor, message: messages.MetricHistoryInterval) -> Json:
    points = await services.db.read(
        service.sample_metric_history,
        actor,
        message.run_ids or [],
        message.metric_key or "",
        message.max_results,
        message.start_step,
        message.end_step,
    )
    return present({"metrics": [metric_out(metric) | {"run_id": run} for run, metric in points]})
