"""Laws of the single file: length, names, what it may contain. Each is also held against code that breaks it."""

import ast
import enum
import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from tests.architecture.source import MODULES, PACKAGE, module_name, parsed, python_files, short

LONGEST = 800
FORBIDDEN_WORDS = {"manager", "managers", "helper", "helpers", "util", "utils", "base", "info", "data2"}
# The protocol's own word: MLflow calls its messages RunInfo and FileInfo.
PROTOCOL_WORDS = {PACKAGE / "api" / "mlflow": {"info"}}
DATABASES = {"sqlite", "postgresql", "postgres", "mysql"}


def words(name: str) -> set[str]:
    """Return the words of a snake_case or CamelCase name, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)}


def forbidden_names(path: Path, tree: ast.Module) -> Iterator[str]:
    """Yield the names of the file and its classes that say nothing."""
    excused = set().union(*(names for folder, names in PROTOCOL_WORDS.items() if folder in path.parents))
    classes = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    for name in [path.stem, path.parent.name, *classes]:
        if words(name) & FORBIDDEN_WORDS - excused:
            yield name


def swallowed_errors(path: Path, tree: ast.Module) -> Iterator[str]:
    """Yield the lines of ``except …: pass`` and of ``suppress(Exception)``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and all(is_nothing(statement) for statement in node.body):
            yield f"line {node.lineno}: except: pass"
        if isinstance(node, ast.Call) and suppresses_all(node):
            yield f"line {node.lineno}: {ast.unparse(node)}"


def is_nothing(statement: ast.stmt) -> bool:
    """Return whether a statement does nothing: ``pass``, ``...``, a lone string."""
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def suppresses_all(call: ast.Call) -> bool:
    """Return whether a call is ``suppress(Exception)`` or broader."""
    return ast.unparse(call.func).endswith("suppress") and any(
        ast.unparse(argument) in {"Exception", "BaseException"} for argument in call.args
    )


def dialect_branches(path: Path, tree: ast.Module) -> Iterator[str]:
    """Yield the lines that ask which database this is, outside of the files of the kit that know it.

    ``model_management`` is left alone: a library with databases of its own, MySQL among them. So are migrations,
    which make what is different in the two.
    """
    if PACKAGE not in path.parents or (path.parent == PACKAGE / "kit" and path.stem.startswith("sql")):
        return
    if PACKAGE / "db/migrations" in path.parents:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node).endswith("dialect.name"):
            yield f"line {node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.Compare | ast.MatchValue) and names_database(node):
            yield f"line {node.lineno}: {ast.unparse(node)}"


def names_database(node: ast.AST) -> bool:
    """Return whether an expression holds the bare name of a database."""
    return any(isinstance(part, ast.Constant) and part.value in DATABASES for part in ast.walk(node))


def more_than_schemas(path: Path, tree: ast.Module) -> Iterator[str]:
    """Yield the top-level statements of a schemas.py that are neither classes, imports, constants nor docstrings."""
    if path.stem != "schemas":
        return
    allowed = (ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
    for node in tree.body:
        if not isinstance(node, allowed) and not is_nothing(node):
            yield f"line {node.lineno}: {ast.unparse(node).splitlines()[0]}"


LAWS: list[Callable[[Path, ast.Module], Iterator[str]]] = [
    forbidden_names,
    swallowed_errors,
    dialect_branches,
    more_than_schemas,
]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_sources_keep_the_law(law: Callable[[Path, ast.Module], Iterator[str]]) -> None:
    broken = {short(path): found for path in python_files() if (found := list(law(path, parsed(path))))}
    assert broken == {}


@pytest.mark.parametrize(
    ("law", "file", "code"),
    [
        (forbidden_names, "modules/tracking/utils.py", ""),
        (forbidden_names, "modules/tracking/helpers/runs.py", ""),
        (forbidden_names, "modules/tracking/store.py", "class RunManager: ..."),
        (forbidden_names, "modules/tracking/store.py", "class BaseStore: ..."),
        (forbidden_names, "modules/tracking/schemas.py", "class RunInfo: ..."),
        (swallowed_errors, "db/engine.py", "try: f()\nexcept KeyError: pass"),
        (swallowed_errors, "db/engine.py", "try: f()\nexcept KeyError:\n    'never mind'"),
        (swallowed_errors, "db/engine.py", "with contextlib.suppress(Exception): f()"),
        (dialect_branches, "db/engine.py", "if tx.dialect.name in names: f()"),
        (dialect_branches, "modules/tracking/store.py", "if kind == 'sqlite': f()"),
        (dialect_branches, "modules/tracking/store.py", "match kind:\n    case 'postgresql': f()"),
        (more_than_schemas, "modules/tracking/schemas.py", "def f(): ..."),
    ],
)
def test_law_sees_what_breaks_it(law: Callable[[Path, ast.Module], Iterator[str]], file: str, code: str) -> None:
    assert list(law(PACKAGE / file, ast.parse(code)))


@pytest.mark.parametrize(
    ("law", "file", "code"),
    [
        (forbidden_names, "db/database.py", "class Database: ..."),
        (forbidden_names, "api/mlflow/messages.py", "class RunInfo: ..."),
        (swallowed_errors, "db/engine.py", "try: f()\nexcept KeyError: g()"),
        (dialect_branches, "kit/sql.py", "if tx.dialect.name == 'sqlite': f()"),
        (more_than_schemas, "modules/tracking/schemas.py", "'''Wire contracts.'''\nimport msgspec\nLIMIT = 5"),
    ],
)
def test_law_lets_good_code_be(law: Callable[[Path, ast.Module], Iterator[str]], file: str, code: str) -> None:
    assert list(law(PACKAGE / file, ast.parse(code))) == []


def test_no_file_is_too_long() -> None:
    lengths = {short(path): len(path.read_text().splitlines()) for path in python_files()}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


@pytest.mark.parametrize("path", sorted(MODULES.glob("*/schemas.py")), ids=short)
def test_schemas_are_structs_and_enums(path: Path) -> None:
    module = importlib.import_module(module_name(path))
    own = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__]
    assert own, "a schemas.py without a contract"
    assert [kind for kind in own if not issubclass(kind, msgspec.Struct | enum.Enum)] == []
