"""From the address that a user names to the source behind it, and to where its files are."""

from __future__ import annotations

from urllib.parse import urlsplit

from mainspring.kit.errors import FailedPrecondition, InvalidArgument, MainspringError
from mainspring.modules.tracking.schemas import Experiment
from mainspring.transfer.artifacts import LOCAL_SCHEMES, PROXIED, ArtifactSources
from mainspring.transfer.mlflow_files import MlflowFiles, local_path
from mainspring.transfer.mlflow_rest import MlflowRest
from mainspring.transfer.mlflow_sql import MlflowDatabase
from mainspring.transfer.source import Source

SERVER = ("http", "https")


def open_source(address: str) -> Source:
    """Return the source at an address: ``http(s)://server``, a database's URL, or a folder of MLflow's files.

    Raises InvalidArgument, NotFound, FailedPrecondition or Unavailable where there is none.
    """
    scheme = urlsplit(address).scheme
    if scheme in SERVER:
        return MlflowRest(address)
    return MlflowFiles(address) if scheme in ("", "file") else MlflowDatabase(address)


def open_files(source: Source, address: str, artifacts_from: str | None) -> ArtifactSources:
    """Return what opens the source's files; ``artifacts_from`` is where those behind its server's proxy are.

    Raises InvalidArgument where there are such and it is not said where, FailedPrecondition where the folders
    of its experiments are not on this machine.
    """
    proxied = artifacts_from or (address if urlsplit(address).scheme in SERVER else None)
    for experiment in source.experiments():
        if not _is_found(experiment, proxied) and next(iter(source.runs(experiment.experiment_id)), None):
            raise _lost(experiment)
    return ArtifactSources(proxied, source.notes)


def _is_found(experiment: Experiment, proxied: str | None) -> bool:
    """Say whether the files of an experiment may be where it says: better told before the import than after it."""
    location = experiment.artifact_location
    if urlsplit(location).scheme == PROXIED:
        return proxied is not None
    return urlsplit(location).scheme not in LOCAL_SCHEMES or local_path(location).parent.is_dir()


def _lost(experiment: Experiment) -> MainspringError:
    location = experiment.artifact_location
    if urlsplit(location).scheme == PROXIED:
        return InvalidArgument(
            f"The files of the experiment '{experiment.name}' lie behind the MLflow server, at {location}. Say where "
            "with --artifacts-from: the address of the running server, or the folder or bucket that is its "
            "--artifacts-destination. Or leave all files where they are: --no-artifacts.",
            field="--artifacts-from",
        )
    return FailedPrecondition(
        f"The files of the experiment '{experiment.name}' should lie in {local_path(location).parent}, which is not "
        "here. Import on the machine that has it, or from the folder that the server was started in; make an empty one "
        "if no file was ever logged; or leave all files where they are: --no-artifacts."
    )
