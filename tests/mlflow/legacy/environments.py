"""Virtual environments with clients of earlier MLflow releases and with others, made once, kept in `.cache/venvs`."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
KEPT = REPOSITORY / ".cache" / "venvs"
BUILD_SECONDS = 600
# Old clients import pkg_resources and numpy 1: later releases of these two break them.
PINS = ["setuptools<81", "numpy<2"]


def client_python(release: str, pythons: list[str]) -> Path:
    """Return the interpreter of an environment with `mlflow==<release>.*`.

    `pythons` are the versions of Python that release runs on, the best first. Skips the test when
    uv, such a Python or the package cannot be had.
    """
    return python_with(f"mlflow-{release}", [f"mlflow=={release}.*", *PINS], pythons)


def python_with(name: str, packages: list[str], pythons: list[str]) -> Path:
    """Return the interpreter of an environment of that name with some packages; skips as `client_python` does."""
    KEPT.mkdir(parents=True, exist_ok=True)
    folder = KEPT / name
    ready = folder / "ready"
    with (KEPT / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            build(folder, packages, find_python(pythons))
            ready.touch()
    return folder / "bin" / "python"


def uv() -> Path:
    """Return the uv of this environment, or skip."""
    found = Path(sys.executable).parent / "uv"
    if not found.exists():
        pytest.skip("uv is not installed beside this Python, so no environment for an earlier client can be made")
    return found


def find_python(versions: list[str]) -> str:
    """Return a Python of one of these versions, as uv finds it or as pyenv keeps it, or skip."""
    for version in versions:
        asked = subprocess.run([uv(), "python", "find", version], capture_output=True, text=True, check=False)
        if asked.returncode == 0:
            return asked.stdout.strip()
        kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
        if kept:
            return str(kept[-1])
    pytest.skip(f"none of Python {', '.join(versions)} is installed")


def build(folder: Path, packages: list[str], python: str) -> None:
    """Make the environment anew, or skip with what the installer said."""
    commands = [
        [uv(), "venv", "--quiet", "--clear", "--python", python, folder],
        [uv(), "pip", "install", "--quiet", "--python", folder / "bin" / "python", *packages],
    ]
    # Packages come from outside, where the certificates are needed that the tests go without.
    environment = {key: value for key, value in os.environ.items() if key != "SSL_CERT_FILE"}
    if outside := os.environ.get("CERTIFICATES_OUTSIDE_TESTS"):
        environment["SSL_CERT_FILE"] = outside
    for command in commands:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS, env=environment
        )
        if done.returncode != 0:
            pytest.skip(f"{packages[0]} cannot be installed: {done.stderr.strip()[-300:]}")


def run_script(python: Path, script: str, *arguments: str) -> str:
    """Run a script of this folder with that Python and return what it prints; its failure fails the test."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "MLFLOW_"))}
    environment |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1", "GIT_PYTHON_REFRESH": "quiet"}
    done = subprocess.run(
        [python, "-W", "ignore", Path(__file__).with_name(script), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=environment,
        cwd=KEPT,
    )
    assert done.returncode == 0, f"{script} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout
