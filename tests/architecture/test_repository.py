"""Laws of the repository: it names no machine and no registry, its pins are hashed, its licenses are free to use."""

import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source import ROOT, tracked_texts

# Put together here, so that this file does not name what it forbids.
REGISTRY_HOSTS = ["pypi" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org", "yarnpkg" + ".com"]
REGISTRY = re.compile("|".join(map(re.escape, REGISTRY_HOSTS)) + r"|https?://\S+/simple\b|--(extra-)?index-url[ =]")
MACHINE_PATH = re.compile(r"(?<![\w.}~-])/(root|home|Users)/\w")
STRONG_COPYLEFT = re.compile(r"\bA?GPL|Affero|(?<!Lesser )General Public License|SSPL|BUSL|Business Source")


def lines_matching(pattern: re.Pattern[str]) -> list[str]:
    """Return ``file:line`` of every line of a tracked file that matches."""
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in tracked_texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_registry() -> None:
    assert lines_matching(REGISTRY) == []


def test_no_file_names_a_folder_of_this_machine() -> None:
    here = re.compile(f"{MACHINE_PATH.pattern}|{re.escape(str(ROOT))}\\b")
    assert [line for line in lines_matching(here) if not line.startswith("tests/architecture/")] == []


@pytest.mark.parametrize(
    "text", [f"see https://{REGISTRY_HOSTS[0]}/project/x", "pip install --index-url" + " x", "http:" + "//h/simple/"]
)
def test_registries_are_recognized(text: str) -> None:
    assert REGISTRY.search(text)


@pytest.mark.parametrize(("text", "found"), [("cd /home/x", True), ("'/home/me'", True), ("a/home/b", False)])
def test_machine_paths_are_recognized(text: str, found: bool) -> None:
    assert bool(MACHINE_PATH.search(text)) is found


def pins(name: str) -> dict[str, Requirement]:
    """Return name → requirement of a file of pins; fail on one without an exact version and a hash."""
    text = (ROOT / "requirements" / name).read_text().replace("\\\n", " ")
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        requirement, *hashes = re.split(r"\s+--hash=", line)
        assert hashes, f"{name}: no hash: {line}"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), f"{name}: {line[:80]}"
        pin = Requirement(requirement)
        assert re.fullmatch(r"==[^,*]+", str(pin.specifier)), f"{name}: not one exact version: {requirement}"
        found[f"{canonicalize_name(pin.name)} {pin.marker or ''}".strip()] = pin
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "requirements").iterdir()))
def test_pins_are_exact_and_hashed(name: str) -> None:
    assert pins(name)


def test_running_and_testing_use_the_same_versions() -> None:
    runtime = {pin.name: str(pin.specifier) for pin in pins("runtime.txt").values()}
    development = {pin.name: str(pin.specifier) for pin in pins("dev.txt").values()}
    assert runtime.items() <= development.items()


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {canonicalize_name(pin.name): pin for pin in pins("runtime.txt").values()}
    for wanted in map(Requirement, project["dependencies"]):
        pin = pinned[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(str(pin.specifier).removeprefix("==")), f"run `make lock`: {wanted}"


def licenses_of(package: Distribution) -> str:
    """Return what a package says of its license: its expression, or its classifiers, or its free text."""
    metadata = package.metadata
    classifiers = [line for line in metadata.get_all("Classifier", []) if line.startswith("License ::")]
    return "; ".join(metadata.get_all("License-Expression") or classifiers or metadata.get_all("License") or [])


def is_strong(said: str) -> bool:
    """Say whether a license asks for more than weak copyleft does; of several one may choose."""
    return all(STRONG_COPYLEFT.search(each) for each in said.split(" OR "))


def test_runtime_dependencies_are_at_most_weakly_copyleft() -> None:
    wrong = {}
    for pin in pins("runtime.txt").values():
        if pin.marker and not pin.marker.evaluate():
            continue
        said = licenses_of(distribution(pin.name))
        if not said or is_strong(said):
            wrong[pin.name] = said or "no license named"
    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "strong"),
    [
        ("GPL-3.0-only", True),
        ("AGPL-3.0-or-later", True),
        ("GNU Affero General Public License v3", True),
        ("License :: OSI Approved :: GNU General Public License v3 (GPLv3)", True),
        ("GNU General Public License, version 2", True),
        ("BUSL-1.1", True),
        ("GPL-2.0-only OR AGPL-3.0-only", True),
        ("Apache-2.0 OR GPL-2.0-or-later", False),
        ("LGPL-3.0-only", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("MPL-2.0", False),
        ("MIT", False),
    ],
)
def test_strong_copyleft_is_recognized(text: str, strong: bool) -> None:
    assert is_strong(text) is strong


def test_project_carries_its_license() -> None:
    assert "Apache License" in Path(ROOT / "LICENSE").read_text()


def test_a_package_that_is_absent_is_noticed() -> None:
    with pytest.raises(PackageNotFoundError):
        distribution("mainspring-no-such-package")
