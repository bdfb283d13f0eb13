"""Searches: which experiments, runs, logged models and datasets, and in which order.

Each takes the text of a search in MLflow's grammar (``mainspring.kit.filters``) and gives the keys of a
page. Pass one more than the size of a page as ``limit`` to learn whether another follows.
"""

from mainspring.modules.tracking.search.datasets import search_datasets
from mainspring.modules.tracking.search.experiments import search_experiments
from mainspring.modules.tracking.search.groups import logged_keys
from mainspring.modules.tracking.search.models import search_logged_models
from mainspring.modules.tracking.search.probes import Subject
from mainspring.modules.tracking.search.runs import RunQuery

__all__ = ["RunQuery", "Subject", "logged_keys", "search_datasets", "search_experiments", "search_logged_models"]
