"""Write the database that later releases must still open: ``python -m tests.migrations.write`` at each release.

It writes ``<newest revision>.db`` beside this file, with one of everything that ``tests/db/test_migrations.py`` reads.
"""

import asyncio
import math
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from mainspring.db import migrate
from mainspring.db.engine import Database
from mainspring.kit.actors import LOCAL
from mainspring.modules.registry import service as registry
from mainspring.modules.registry.schemas import ModelVersionCreate, RegisteredModelCreate
from mainspring.modules.tracking import service as tracking
from mainspring.modules.tracking.schemas import (
    Batch,
    Dataset,
    DatasetInput,
    ExperimentCreate,
    LoggedModelCreate,
    Metric,
    ModelOutput,
    RunCreate,
    RunInputs,
)

FOLDER = Path(__file__).parent
POINTS = [
    Metric("loss", 0.5, 1000, 1),
    Metric("loss", 0.25, 2000, 2),
    Metric("loss", "NaN", 3000, 3),
    Metric("loss", math.inf, 4000, 4),
]


async def fill(db: Database) -> None:
    """Write one of everything."""
    new = ExperimentCreate("kept", tags={"team": "vision"})
    experiment = (await db.write(tracking.create_experiment, LOCAL, new)).experiment_id
    deleted = await db.write(tracking.create_experiment, LOCAL, ExperimentCreate("deleted"))
    await db.write(tracking.delete_experiment, LOCAL, deleted.experiment_id)
    first = (await db.write(tracking.create_run, LOCAL, RunCreate(experiment, "first", "ada", 1))).run_id
    await db.write(tracking.create_run, LOCAL, RunCreate(experiment, "second", "ada", 2))
    params, tags = [("lr", "0.1"), ("ünïcode", "ß")], [("note", "with a quote ' and a line\nbreak")]
    await db.write(tracking.log_batch, LOCAL, first, Batch(POINTS, params, tags))
    model = await db.write(
        tracking.create_logged_model, LOCAL, LoggedModelCreate(experiment, "net", first, params={"depth": "3"})
    )
    wine = DatasetInput(Dataset("wine", "abc", "local", "wine.csv"), {"context": "training"})
    await db.write(tracking.log_inputs, LOCAL, first, RunInputs([wine], []))
    await db.write(tracking.log_outputs, LOCAL, first, [ModelOutput(model.model_id, 1)])
    await db.write(tracking.log_batch, LOCAL, first, Batch([Metric("f1", 0.9, 1, 1, model.model_id, "wine", "abc")]))
    await db.write(registry.create_registered_model, LOCAL, RegisteredModelCreate("wine-model", "of wine", {"a": "b"}))
    source = ModelVersionCreate(f"runs:/{first}/net", "the first", first, tags={"stage": "tested"})
    version = await db.write(registry.create_model_version, LOCAL, "wine-model", source)
    await db.write(registry.set_alias, LOCAL, "wine-model", "champion", version.version)


async def main() -> None:
    """Write the file: of small pages, so that it stays small."""
    target = FOLDER / f"{migrate.head()}.db"
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "written.db"
        db = Database(f"sqlite:///{written}")
        migrate.upgrade(db.write_engine)
        await fill(db)
        db.close()
        target.unlink(missing_ok=True)
        with closing(sqlite3.connect(written, isolation_level=None)) as connection:
            for statement in ("PRAGMA journal_mode = DELETE", "PRAGMA page_size = 512", f"VACUUM INTO '{target}'"):
                connection.execute(statement)


if __name__ == "__main__":
    asyncio.run(main())
