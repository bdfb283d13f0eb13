"""Mainspring: one MLOps platform for the whole life of a model.

``connect`` is the door of the Python SDK::

    import mainspring as ms

    client = ms.connect("http://127.0.0.1:5000")

Errors are the classes of ``mainspring.kit.errors``, whose root is ``MainspringError``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mainspring.client import Client, Transfer, connect, runs
    from mainspring.kit.errors import MainspringError
    from mainspring.modules.tracking.schemas import Metric

__version__ = "0.1.0"

__all__ = ["Client", "MainspringError", "Metric", "Transfer", "__version__", "connect", "runs"]

_HOMES = {
    "Client": "mainspring.client",
    "MainspringError": "mainspring.kit.errors",
    "Metric": "mainspring.modules.tracking.schemas",
    "Transfer": "mainspring.client",
    "connect": "mainspring.client",
    "runs": "mainspring.client",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for: who needs but the version waits for nothing else."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mainspring' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
