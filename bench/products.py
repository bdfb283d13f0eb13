"""The servers that are compared: how each is installed and started, and what it does not offer."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MLFLOW_VERSION = "3.17.2"
FASTTRACKML_VERSION = "0.6.0"


@dataclass(frozen=True)
class Product:
    """A server: its name and version, and the command for a folder, a port and a database URL (None: SQLite).

    `lacks` are words of `bench.cases.Case.needs`; `install` makes its environment on first use; `variables` are those
    of the process.
    """

    name: str
    version: str
    command: Callable[[Path, int, str | None], list[str]]
    lacks: frozenset[str] = frozenset()
    install: Callable[[], object] = lambda: None
    variables: Mapping[str, str] = field(default_factory=dict)


def peer_folder(name: str, *packages: str) -> Path:
    """Return the `bin` folder of a peer's own environment, made on first use under `.cache/bench`."""
    folder = ROOT / ".cache/bench" / name
    ready = folder / "ready"
    if not ready.exists():
        beside = Path(sys.executable).parent / "uv"
        uv = str(beside) if beside.exists() else "uv"
        subprocess.run([uv, "venv", "--allow-existing", "--python", sys.executable, str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "--python", str(folder / "bin/python"), *packages], check=True)
        ready.touch()
    return folder / "bin"


def mlflow_python() -> Path:
    """Return the Python of the original's environment."""
    packages = (f"mlflow=={MLFLOW_VERSION}", "psycopg2-binary==2.9.13")
    return peer_folder(f"mlflow-{MLFLOW_VERSION}", *packages) / "python"


def mlflow_store(folder: Path, database: str | None) -> str:
    """Return the original's store URL, with the PostgreSQL driver that is in its environment."""
    return database.replace("postgresql:", "postgresql+psycopg2:") if database else f"sqlite:///{folder}/mlflow.db"


def mlflow_command(folder: Path, port: int, database: str | None) -> list[str]:
    """Start the original as its documentation does, with its default of four workers.

    By default a worker that is busy for 5 s, with a long history for one, is killed in the middle of its answer.
    """
    command = [str(mlflow_python()), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--uvicorn-opts", "--timeout-worker-healthcheck 600"]
    store = ["--backend-store-uri", mlflow_store(folder, database), "--artifacts-destination", f"{folder}/artifacts"]
    return [*command, *store]


def fasttrackml_program() -> Path:
    """Return FastTrackML's program: one binary, which needs none of the packages that its wheel asks for."""
    return peer_folder(f"fasttrackml-{FASTTRACKML_VERSION}", "--no-deps", f"fasttrackml=={FASTTRACKML_VERSION}") / "fml"


def fasttrackml_command(folder: Path, port: int, database: str | None) -> list[str]:
    """Start FastTrackML with its defaults."""
    store = ["--database-uri", database or f"sqlite://{folder}/fasttrackml.db"]
    store += ["--default-artifact-root", f"{folder}/artifacts"]
    return [str(fasttrackml_program()), "server", *store, "--listen-address", f"127.0.0.1:{port}"]


def mainspring_command(folder: Path, port: int, database: str | None) -> list[str]:
    """Start Mainspring with its defaults."""
    command = [sys.executable, "-m", "mainspring.cli.main", "up", "--data", f"{folder}/data", "--port", str(port)]
    return [*command, "--database-url", database] if database else command


MLFLOW = Product("mlflow server", MLFLOW_VERSION, mlflow_command, install=mlflow_python)
FASTTRACKML = Product(
    "FastTrackML",
    FASTTRACKML_VERSION,
    fasttrackml_command,
    frozenset({"artifacts", "registry", "bulk-interval"}),
    fasttrackml_program,
)
MAINSPRING = Product("Mainspring", version("mainspring"), mainspring_command)
PRODUCTS = {"mlflow": MLFLOW, "fasttrackml": FASTTRACKML, "mainspring": MAINSPRING}
