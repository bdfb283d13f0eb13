"""The door to tracking: its service functions, each ``f(tx, actor, …)`` and without a commit.

``collect_garbage`` alone is asynchronous: it deletes files between its transactions.
"""

from mainspring.modules.tracking.service.batches import log_batch
from mainspring.modules.tracking.service.deletion import collect_garbage, give_up_project, is_empty
from mainspring.modules.tracking.service.experiments import (
    create_experiment,
    delete_experiment,
    delete_experiment_tag,
    get_experiment,
    get_experiment_by_name,
    rename_experiment,
    restore_experiment,
    search_experiments,
    set_experiment_tag,
)
from mainspring.modules.tracking.service.lineage import locate_runs
from mainspring.modules.tracking.service.metrics import (
    get_metric_history,
    get_metric_history_bulk,
    read_metric_history,
    sample_metric_history,
)
from mainspring.modules.tracking.service.models import (
    create_logged_model,
    delete_logged_model,
    delete_logged_model_tag,
    finalize_logged_model,
    get_logged_model,
    log_logged_model_params,
    search_logged_models,
    set_logged_model_tags,
)
from mainspring.modules.tracking.service.run_groups import get_run_columns, group_runs
from mainspring.modules.tracking.service.run_search import run_columns, search_datasets, search_documents, search_runs
from mainspring.modules.tracking.service.runs import (
    create_run,
    delete_run,
    delete_tag,
    get_document,
    get_run,
    get_run_header,
    log_inputs,
    log_model,
    log_outputs,
    look_up_document,
    restore_run,
    update_run,
)
from mainspring.modules.tracking.service.series import band_columns, get_series, series_columns

__all__ = [
    "band_columns",
    "collect_garbage",
    "create_experiment",
    "create_logged_model",
    "create_run",
    "delete_experiment",
    "delete_experiment_tag",
    "delete_logged_model",
    "delete_logged_model_tag",
    "delete_run",
    "delete_tag",
    "finalize_logged_model",
    "get_document",
    "get_experiment",
    "get_experiment_by_name",
    "get_logged_model",
    "get_metric_history",
    "get_metric_history_bulk",
    "get_run",
    "get_run_columns",
    "get_run_header",
    "get_series",
    "give_up_project",
    "group_runs",
    "is_empty",
    "locate_runs",
    "log_batch",
    "log_inputs",
    "log_logged_model_params",
    "log_model",
    "log_outputs",
    "look_up_document",
    "read_metric_history",
    "rename_experiment",
    "restore_experiment",
    "restore_run",
    "run_columns",
    "sample_metric_history",
    "search_datasets",
    "search_documents",
    "search_experiments",
    "search_logged_models",
    "search_runs",
    "series_columns",
    "set_experiment_tag",
    "set_logged_model_tags",
    "update_run",
]
