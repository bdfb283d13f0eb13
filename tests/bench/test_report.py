"""The bench's table: which peer a figure is judged against, and what stands in a cell without one."""

import pytest

from bench.cases import Case, Goal, cases
from bench.products import FASTTRACKML, MAINSPRING, MLFLOW
from bench.report import Results, number, table, times_better, verdict
from bench.subject import Sample, Size

PRODUCTS = [MLFLOW, FASTTRACKML, MAINSPRING]


def results(mlflow: float | None, fasttrackml: float | None, mainspring: float | None, **case: object) -> Results:
    found = Results(PRODUCTS, {"case": Case("a case", "units/CPU s", **case)})  # type: ignore[arg-type]
    for product, value in zip(PRODUCTS, (mlflow, fasttrackml, mainspring), strict=True):
        if value is not None:
            found.add("case", product.name, Sample(value, growth_mib=value))
    return found


def test_more_is_compared_with_the_larger_peer_and_less_with_the_smaller() -> None:
    assert times_better(results(10, 100, 500), "case") == 5
    assert times_better(results(10, 100, 5, more_is_better=False), "case") == 2
    assert times_better(results(10, 100, 500), "case", MLFLOW.name) == 50


def test_without_a_figure_of_ours_or_of_any_peer_there_is_no_ratio() -> None:
    assert times_better(results(None, None, 5), "case") is None
    assert times_better(results(1, 1, None), "case") is None
    assert times_better(results(None, 2, 4), "case") == 2


def test_the_median_is_compared() -> None:
    found = results(None, 10, 10)
    for value in (20, 90):
        found.add("case", MAINSPRING.name, Sample(value))
    assert times_better(found, "case") == 2
    assert "| 20 (10–90) | 2× |" in table(found)


@pytest.mark.parametrize(
    ("goal", "times", "ours", "expected"),
    [
        (Goal("≥ 5×", times=5), 5.0, 1.0, "≥ 5×: met"),
        (Goal("≥ 5×", times=5), 4.9, 1.0, "≥ 5×: **missed**"),
        (Goal("≥ 5×", times=5), None, 1.0, "≥ 5×"),
        (Goal("both", times=5, most=2), 9.0, 2.1, "both: **missed**"),
        (Goal("both", times=5, most=2), 4.0, 1.0, "both: **missed**"),
        (Goal("both", times=5, most=2), 9.0, 2.0, "both: met"),
        (Goal(), 9.0, 2.0, ""),
    ],
)
def test_a_goal_is_met_when_all_of_it_is(goal: Goal, times: float | None, ours: float, expected: str) -> None:
    assert verdict(goal, times, ours) == expected


def test_a_goal_that_names_a_peer_is_judged_by_that_one() -> None:
    found = results(1, 8, 2, more_is_better=False, goal=Goal("¼", times=4, peer=FASTTRACKML.name))
    assert table(found).endswith("| 0.5× | ¼: met |")


def test_what_a_peer_lacks_or_fails_at_is_told() -> None:
    found = results(None, None, 4, needs="artifacts")
    found.fail("case", MLFLOW.name, "why\nand more")
    assert "| failed | not offered | 4 | – |  |" in table(found)
    assert list(found.failures()) == [("case", MLFLOW.name, "why")]
    found.add("case", MLFLOW.name, Sample(1))
    assert "| failed |" in table(found)


def test_the_memory_row_shows_the_most_of_the_rounds() -> None:
    found = results(None, 10, 30, growth=Goal("≤ 50 MiB", most=50))
    found.add("case", MAINSPRING.name, Sample(1, growth_mib=51))
    assert "| a case: memory on top | MiB | – | 10 | 51 | – | ≤ 50 MiB: **missed** |" in table(found)


def test_numbers_have_three_significant_digits() -> None:
    assert [number(value) for value in (123456, 101.4, 99.96, 1.234, 0)] == ["123,000", "101", "100", "1.23", "0"]


@pytest.mark.parametrize(("database", "times"), [("sqlite", 12), ("postgresql", 8)])
def test_the_goal_of_log_batch_depends_on_the_database(database: str, times: float) -> None:
    assert cases(Size(), database)["log-batch"].goal.times == times
