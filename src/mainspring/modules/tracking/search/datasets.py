"""The search of the datasets that runs read."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, select

from mainspring.kit.sql import nulls_last
from mainspring.modules.tracking.schemas import DatasetSummary
from mainspring.modules.tracking.search.conditions import in_experiments
from mainspring.modules.tracking.search.probes import CONTEXT_TAG
from mainspring.modules.tracking.tables import datasets, run_dataset_tags, run_datasets

MAX_DATASETS = 1_000
"""Summaries of datasets that a search gives, as MLflow does."""


def search_datasets(tx: Connection, experiments: Sequence[int]) -> list[DatasetSummary]:
    """Return what datasets the runs of some experiments read, and as what; up to ``MAX_DATASETS``."""
    tag = run_dataset_tags
    tagged = and_(tag.c.run == run_datasets.c.run, tag.c.dataset == run_datasets.c.dataset, tag.c.key == CONTEXT_TAG)
    found = (
        select(datasets.c.experiment, datasets.c.name, datasets.c.digest, tag.c.value)
        .join_from(datasets, run_datasets, run_datasets.c.dataset == datasets.c.id)
        .outerjoin(tag, tagged)
        .where(in_experiments(datasets.c.experiment, experiments))
        .distinct()
        .order_by(datasets.c.experiment, datasets.c.name, datasets.c.digest, nulls_last(tag.c.value, ascending=True))
        .limit(MAX_DATASETS)
    )
    return [DatasetSummary(str(row.experiment), row.name, row.digest, row.value) for row in tx.execute(found)]
