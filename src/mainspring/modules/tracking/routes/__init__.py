"""``/api/v1`` of experiments, runs and logged models, and of their artifacts."""

from mainspring.modules.tracking.routes import experiments, logged_models, run_files, runs

HANDLERS = [*experiments.HANDLERS, *runs.HANDLERS, *run_files.HANDLERS, *logged_models.HANDLERS]
