"""What the bench of accounts compares: who sees what, how columns relate, and requests that bring a token."""

import subprocess
import sys

import pytest

from bench import load
from bench.access import LIST, row, times
from bench.population import Places, by_path, visible
from bench.products import ROOT

PLACES = Places(
    namespaces={1: "a", 2: "a/sub", 3: "ab", 4: "a-b"},
    paths={10: "a/x", 20: "a/sub/x", 30: "ab/x", 40: "a-b/x"},
    namespace_of={10: 1, 20: 2, 30: 3, 40: 4},
    open={40},
)


def role(kind: str, holder: int, scope_kind: str, scope: int) -> dict[str, object]:
    return {"holder_kind": kind, "holder": holder, "scope_kind": scope_kind, "scope": scope}


@pytest.mark.parametrize(
    ("held", "seen"),
    [
        ([], {40}),
        ([role("user", 7, "project", 30)], {30, 40}),
        ([role("user", 8, "project", 30), role("group", 7, "project", 30)], {40}),
        ([role("group", 5, "namespace", 1)], {10, 20, 40}),
        ([role("user", 7, "namespace", 2)], {20, 40}),
    ],
)
def test_a_user_sees_what_roles_open_and_what_is_open_to_all(held: list[dict[str, object]], seen: set[int]) -> None:
    assert visible(PLACES, 7, {5}, held) == seen


def test_projects_are_listed_by_namespace_then_name() -> None:
    assert by_path({1: "b/a", 2: "a/sub/x", 3: "a/z", 4: "a/b"}) == ["a/b", "a/z", "a/sub/x", "b/a"]


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    cells = {"administrator": [1.0, 10.0, 2.0], "user": [1.2, 11.0, 3.0]}
    assert times(cells, "user", "administrator") == 1.2
    assert row("a page", cells, "administrator", LIST, "user") == "| a page | 2 | 3 (1.20×) | ≤ 1.3×: met |"


def test_a_token_goes_into_the_head_of_a_request() -> None:
    body = b'{"text": "\\r\\n\\r\\n"}'
    [sent] = load.signed(iter([load.request("POST", "/", body)]), "secret")
    head, _, rest = sent.partition(b"\r\n\r\n")
    assert rest == body
    assert head.endswith(b"\r\nAuthorization: Bearer secret")
    assert next(load.signed(iter([b"as it is"]), "")) == b"as it is"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_figures_of_accounts_can_be_had() -> None:
    command = [sys.executable, "-m", "bench.access", "--quick", "--database", "sqlite"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| by what the process remembers |" in done.stdout
