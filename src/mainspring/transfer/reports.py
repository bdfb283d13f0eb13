"""What an import has to say at its end, and how far it has come."""

from __future__ import annotations

from msgspec import Struct

from mainspring.transfer.copying import Copied
from mainspring.transfer.source import Note
from mainspring.transfer.tally import Tally

SHOWN = 20


class Progress(Struct):
    """How far an import has come; ``total`` is of runs, None where the source does not tell."""

    total: int | None = None
    experiment: str = ""
    runs: int = 0
    points: int = 0
    files: int = 0
    bytes: int = 0


class Imported(Struct):
    """An experiment with its runs and logged models, or all registered models.

    ``source`` and ``here`` count the same things on the two sides; in a dry run ``here`` is None.
    ``differing`` names some of the runs and models that are not here as the source has them.
    """

    source_id: str
    name: str
    source: Tally
    id: str | None = None
    here: Tally | None = None
    already: int = 0
    differing: list[str] = []


class ImportReport(Struct):
    """What was imported from where. ``complete`` says that all of it is here just as the source has it."""

    source: str
    complete: bool
    dry_run: bool
    total: Tally
    experiments: list[Imported]
    registered_models: Imported
    files: Copied
    not_imported: dict[str, int]
    notes: list[Note]
