"""Experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mainspring.client.pages import Results
from mainspring.client.transport import Transport, segment
from mainspring.modules.tracking.schemas import (
    Experiment,
    ExperimentCreate,
    Experiments,
    ExperimentUpdate,
    TagValue,
    ViewType,
)


class ExperimentClient:
    """The experiments of a server."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def search(
        self,
        filter: str = "",
        *,
        view_type: str = ViewType.ACTIVE_ONLY,
        order_by: Sequence[str] = (),
        page_size: int = 100,
    ) -> Results[Experiment]:
        """Find experiments. ``filter`` and ``order_by`` are MLflow's grammar."""

        def fetch(page_token: str | None) -> Experiments:
            query = {"filter": filter, "view_type": str(view_type), "order_by": list(order_by)}
            more = {"max_results": page_size, "page_token": page_token}
            return self._transport.call(Experiments, "GET", "/experiments", query={**query, **more})

        return Results(fetch)

    def get(self, experiment_id: str) -> Experiment:
        """Return an experiment, a deleted one too."""
        return self._transport.call(Experiment, "GET", _path(experiment_id))

    def create(
        self, name: str, *, artifact_location: str | None = None, tags: Mapping[str, str] | None = None
    ) -> Experiment:
        """Create an experiment."""
        new = ExperimentCreate(name, artifact_location, dict(tags or {}))
        return self._transport.call(Experiment, "POST", "/experiments", body=new)

    def update(self, experiment_id: str, *, name: str) -> Experiment:
        """Rename an experiment."""
        return self._transport.call(Experiment, "PATCH", _path(experiment_id), body=ExperimentUpdate(name))

    def delete(self, experiment_id: str) -> None:
        """Mark an experiment and its runs as deleted."""
        self._transport.do("DELETE", _path(experiment_id))

    def restore(self, experiment_id: str) -> Experiment:
        """Bring a deleted experiment back with its runs."""
        return self._transport.call(Experiment, "POST", f"{_path(experiment_id)}/restore")

    def set_tag(self, experiment_id: str, key: str, value: str) -> None:
        """Set a tag of an experiment."""
        self._transport.do("PUT", f"{_path(experiment_id)}/tags/{segment(key)}", body=TagValue(value))

    def delete_tag(self, experiment_id: str, key: str) -> None:
        """Delete a tag of an experiment."""
        self._transport.do("DELETE", f"{_path(experiment_id)}/tags/{segment(key)}")


def _path(experiment_id: str) -> str:
    return f"/experiments/{segment(experiment_id)}"
