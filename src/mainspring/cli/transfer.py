"""``mainspring import`` and ``mainspring export``: whole servers in and out, beside the server and not through it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mainspring.cli.flags import ArtifactsUrl, Data, DatabaseUrl
from mainspring.cli.output import Columns, complain, err, plain, say, show_json, show_table, size
from mainspring.kit.errors import FAILED_PRECONDITION, FailedPrecondition, NotFound

if TYPE_CHECKING:
    from mainspring.modules.services import Services
    from mainspring.settings import Settings
    from mainspring.transfer.exporting import Manifest
    from mainspring.transfer.reports import ImportReport, Progress
    from mainspring.transfer.source import Source

importing = typer.Typer(help="Bring in what another server holds.", no_args_is_help=True)
NoArtifacts = Annotated[bool, typer.Option("--no-artifacts", help="Leave all files where they are.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]

EXPERIMENTS: Columns = (
    ("EXPERIMENT", lambda each: each.name),
    ("ID THERE", lambda each: each.source_id),
    ("ID HERE", lambda each: each.id or ""),
    ("RUNS", lambda each: each.source.runs),
    ("POINTS", lambda each: each.source.points),
    ("CHECKSUM THERE", lambda each: f"{each.source.checksum:016x}"),
    ("CHECKSUM HERE", lambda each: f"{each.here.checksum:016x}" if each.here else ""),
)


@importing.callback()
def import_from() -> None:
    """Bring in what another server holds."""


@importing.command("mlflow")
def import_mlflow(
    source: Annotated[
        str,
        typer.Argument(
            help="sqlite:///mlflow.db or postgresql://…, a folder such as mlruns, or the address of a running server."
        ),
    ],
    artifacts_from: Annotated[
        str | None,
        typer.Option(
            help="Where mlflow-artifacts:/ leads: the address of the running server, or the folder or bucket that is "
            "its --artifacts-destination. Left out, the server that is imported.",
            show_default=False,
        ),
    ] = None,
    no_artifacts: NoArtifacts = False,
    update: Annotated[
        bool,
        typer.Option(
            "--update", help="Take in again the runs and logged models that are here already: the source's win."
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and count everything, and write nothing.")] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
    artifacts_url: ArtifactsUrl = None,
    as_json: AsJson = False,
) -> None:
    """Bring in a whole MLflow server: experiments, runs, histories, models, the registry and files.

    It writes straight to the database and artifact store that `mainspring up` with the same options would use.
    It may be stopped at any moment; the next time it goes on. At the end everything is compared with the source.
    """
    from mainspring.settings import load_settings
    from mainspring.transfer.opening import open_source

    settings, _ = load_settings({"data": data, "database_url": database_url, "artifacts_url": artifacts_url})
    opened = open_source(source)
    try:
        files_from = None if no_artifacts else (source, artifacts_from)
        report = _survey(opened, files_from) if dry_run else _import(opened, files_from, update, settings)
    finally:
        opened.close()
    show_json(report) if as_json else _show(report)
    if not report.complete and not dry_run:
        complain("Not everything is here as it is in the source; the report says what.")
        raise typer.Exit(FAILED_PRECONDITION.exit_code)


def export(
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet, or is empty.")],
    experiment: Annotated[
        list[str] | None,
        typer.Option(help="The name or id of an experiment; may be repeated. Left out, all.", show_default=False),
    ] = None,
    no_artifacts: Annotated[bool, typer.Option("--no-artifacts", help="Write the tables alone.")] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
    artifacts_url: ArtifactsUrl = None,
    as_json: AsJson = False,
) -> None:
    """Write everything into a folder: Parquet tables, the files, and a manifest with counts and hashes.

    It reads straight from the database and artifact store that `mainspring up` with the same options uses; a
    server may run meanwhile. The folder appears when it is whole.
    """
    from mainspring.settings import load_settings
    from mainspring.transfer.exporting import Export

    settings, _ = load_settings({"data": data, "database_url": database_url, "artifacts_url": artifacts_url})

    async def write() -> Manifest:
        with _opened_to_read(settings) as services, _bar() as tell:
            return await Export(services, folder, experiment or [], not no_artifacts, tell).run()

    manifest = asyncio.run(write())
    if as_json:
        return show_json(manifest)
    for table, written in manifest.tables.items():
        say(f"{table}.parquet: {written.rows} rows, {size(written.bytes)}")
    if manifest.artifacts:
        say(f"artifacts: {manifest.artifacts.files} files, {size(manifest.artifacts.bytes)}")
        if manifest.artifacts.elsewhere:
            say(f"{manifest.artifacts.elsewhere} runs and logged models keep their files outside of the store.")
    say(f"Exported to {folder}.")


FilesFrom = tuple[str, str | None] | None


def _survey(source: Source, files_from: FilesFrom) -> ImportReport:
    from mainspring.transfer.opening import open_files
    from mainspring.transfer.surveying import Survey

    async def survey() -> ImportReport:
        files = open_files(source, *files_from) if files_from else None
        with _bar() as tell:
            report = await Survey(source, files, tell).run()
        if files:
            await files.close()
        return report

    return asyncio.run(survey())


def _import(source: Source, files_from: FilesFrom, update: bool, settings: Settings) -> ImportReport:
    from mainspring.transfer.importing import Import
    from mainspring.transfer.opening import open_files

    async def bring_in() -> ImportReport:
        files = open_files(source, *files_from) if files_from else None
        with _opened(settings) as services, _bar() as tell:
            report = await Import(source, services, files, update, tell).run()
        if files:
            await files.close()
        return report

    return asyncio.run(bring_in())


@contextmanager
def _opened(settings: Settings) -> Iterator[Services]:
    """Yield the database and artifact store of the settings, the schema up to date, no server beside us on SQLite."""
    from mainspring.db import migrate
    from mainspring.db.engine import Database, check_url
    from mainspring.engines.blobs import open_store
    from mainspring.kit.sql_engines import embedded_file
    from mainspring.modules.services import Services
    from mainspring.server.lock import lock_database
    from mainspring.server.logs import configure_logs
    from mainspring.server.schema import metadata

    configure_logs(settings.log_format, "error")
    url = check_url(settings.resolved_database_url)
    file = embedded_file(url)
    lock = lock_database(file) if file else None
    database = Database(url)
    try:
        migrate.upgrade(database.write_engine, metadata)
        yield Services(database, open_store(settings.resolved_artifacts_url), settings)
    finally:
        database.close()
        if lock:
            lock.close()


@contextmanager
def _opened_to_read(settings: Settings) -> Iterator[Services]:
    """Yield the database and artifact store of the settings, beside a server or not; the schema must be up to date."""
    from mainspring.db import migrate
    from mainspring.db.engine import Database, check_url
    from mainspring.engines.blobs import open_store
    from mainspring.kit.sql_engines import embedded_file
    from mainspring.modules.services import Services
    from mainspring.server.logs import configure_logs

    configure_logs(settings.log_format, "error")
    url = check_url(settings.resolved_database_url)
    file = embedded_file(url)
    if file and not file.exists():
        raise NotFound(f"There is no database at {file}: name the data folder with --data.")
    database = Database(url)
    try:
        at, newest = migrate.check(database.read_engine)
        if at != newest:
            raise FailedPrecondition(
                f"The database is at revision {at or 'none'}, this release needs {newest}: run `mainspring db upgrade`."
            )
        yield Services(database, open_store(settings.resolved_artifacts_url), settings)
    finally:
        database.close()


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    """Yield what draws how far an import has come, where somebody watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=err, disable=not err.is_terminal) as bars:
        task = bars.add_task("Looking", total=None)

        def tell(now: Progress) -> None:
            told = f"{plain(now.experiment)[:40]}: {now.points} points, {now.files} files, {size(now.bytes)}; runs"
            bars.update(task, description=told, completed=now.runs, total=now.total)

        yield tell


def _show(report: ImportReport) -> None:
    show_table(report.experiments, EXPERIMENTS, "The source has no experiments.")
    total, files = report.total, report.files
    say("")
    say(f"{'Would import' if report.dry_run else 'Imported'} from {report.source}:")
    say(f"  {len(report.experiments)} experiments, {total.runs} runs, {total.params} params, {total.tags} tags")
    say(f"  {total.points} metric points, {total.datasets} dataset inputs, {total.logged_models} logged models")
    say(f"  {total.registered_models} registered models, {total.versions} versions")
    say(f"  {files.files} files, {size(files.bytes)}")
    for kind, count in report.not_imported.items():
        say(f"Not imported: {count} {kind}.")
    for note in report.notes:
        say(f"Note: {note.what} ({note.count}, such as {note.examples[0]}).")
    for each in (*report.experiments, report.registered_models):
        if each.differing:
            say(f"Not the same here in {each.name}: {', '.join(each.differing)}")
    if report.complete:
        say("All of it is here: counts and checksums are the same on both sides.")
