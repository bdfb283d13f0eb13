"""Laws 1 and 2: imports go down only, a module's store and tables are its own, the client stays light."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tests.architecture.source import MODULES, ROOT, SOURCES, module_name

PRIVATE = re.compile(r"mainspring\.modules\.(\w+)\.(?:store|search|tables)\b")
HEAVY = {"alembic", "litestar", "psycopg", "sqlalchemy", "starlette", "uvicorn"}
SDK_CPU_SECONDS = 0.2


@pytest.fixture(scope="module")
def imports() -> list[tuple[str, str]]:
    """Return every import of the sources as (importer, imported)."""
    graph = grimp.build_graph("mainspring", "model_management", include_external_packages=True, cache_dir=None)
    return [(name, target) for name in graph.modules for target in graph.find_modules_directly_imported_by(name)]


def lint_imports(sources: Path) -> str:
    """Run import-linter over the packages in a folder and return what it prints."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(sources), "COLUMNS": "200"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False).stdout


def test_contracts_are_kept() -> None:
    said = lint_imports(SOURCES)
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", said), said


@pytest.mark.parametrize(
    ("file", "code", "contract"),
    [
        ("mainspring/kit/wrong.py", "import mainspring.server", "Imports go down only"),
        ("mainspring/attic/__init__.py", "", "Imports go down only"),
        ("mainspring/modules/artifacts/wrong.py", "import mainspring.modules.tracking", "A module imports"),
        ("mainspring/modules/attic/__init__.py", "", "A module imports"),
        ("mainspring/modules/registry/tables.py", "import mainspring.modules.registry.service", "Inside a module"),
        ("mainspring/modules/registry/attic.py", "", "Inside a module"),
        ("mainspring/client/wrong.py", "import sqlalchemy", "stay light"),
        ("mainspring/client/wrong.py", "import mainspring.db", "stay light"),
        ("model_management/wrong.py", "import mainspring.server", "The registry library"),
    ],
)
def test_contracts_see_what_breaks_them(tmp_path: Path, file: str, code: str, contract: str) -> None:
    shutil.copytree(SOURCES, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "static"))
    wrong = tmp_path / file
    wrong.parent.mkdir(exist_ok=True)
    wrong.write_text(code)
    said = lint_imports(tmp_path)
    assert re.search(rf"{contract}.* BROKEN", said), said


def reaches_into(importer: str, imported: str) -> bool:
    """Return whether ``imported`` is a private part of a module that ``importer`` does not belong to."""
    private = PRIVATE.match(imported)
    return private is not None and not importer.startswith(f"mainspring.modules.{private[1]}.")


def test_store_and_tables_of_another_module_are_private(imports: list[tuple[str, str]]) -> None:
    assert [pair for pair in imports if reaches_into(*pair)] == []


@pytest.mark.parametrize(
    ("importer", "imported", "wrong"),
    [
        ("mainspring.modules.registry.service", "mainspring.modules.tracking.store.runs", True),
        ("mainspring.api.mlflow.runs", "mainspring.modules.tracking.tables", True),
        ("mainspring.modules.registry.service", "mainspring.modules.tracking.service", False),
        ("mainspring.modules.tracking.service.runs", "mainspring.modules.tracking.store.runs", False),
    ],
)
def test_what_counts_as_private(importer: str, imported: str, wrong: bool) -> None:
    assert reaches_into(importer, imported) is wrong


def test_schemas_import_msgspec_kit_and_schemas_alone(imports: list[tuple[str, str]]) -> None:
    of_schemas = [(name, target) for name, target in imports if re.search(r"^mainspring\..*\bschemas\b", name)]
    assert of_schemas, "no schemas.py found: has the layout changed?"
    allowed = re.compile(r"mainspring\.kit\b|mainspring\.modules\.\w+\.schemas\b|msgspec\b")
    strangers = [
        (name, target)
        for name, target in of_schemas
        if not allowed.match(target) and target.partition(".")[0] not in sys.stdlib_module_names
    ]
    assert strangers == []


def imported_by(code: str) -> tuple[float, set[str]]:
    """Run ``code`` in a fresh interpreter and return its CPU seconds and the names of the loaded packages."""
    probe = f"""
import json, sys, time
start = time.process_time()
{code}
print(json.dumps([time.process_time() - start, sorted({{name.partition(".")[0] for name in sys.modules}})]))
"""
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    seconds, names = json.loads(done.stdout)
    return seconds, set(names)


def test_sdk_imports_no_server() -> None:
    everything = (
        "import mainspring, mainspring.client\n[getattr(mainspring, n) for n in getattr(mainspring, '__all__', [])]"
    )
    _, names = imported_by(everything)
    assert names & HEAVY == set()


def test_schemas_import_no_server() -> None:
    schemas = [module_name(path) for path in sorted(MODULES.glob("*/schemas.py"))]
    _, names = imported_by("import " + ", ".join(schemas))
    assert names & HEAVY == set()


def test_sdk_is_imported_quickly() -> None:
    # The least of several: a busy machine makes a run slower, never quicker.
    seconds = min(imported_by("import mainspring")[0] for _ in range(5))
    assert seconds <= SDK_CPU_SECONDS
