"""The door to lineage: one graph of datasets, runs, models and items, read where they are kept.

What other systems tell of their jobs, by OpenLineage, is kept here and joined to it.
"""

from mainspring.modules.lineage.service.events import list_events
from mainspring.modules.lineage.service.taking import take_events
from mainspring.modules.lineage.service.tracing import MAX_HOPS, MAX_NODES, trace

__all__ = ["MAX_HOPS", "MAX_NODES", "list_events", "take_events", "trace"]
