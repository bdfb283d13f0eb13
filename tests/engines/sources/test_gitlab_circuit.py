"""When a GitLab that was away is asked again."""

import pytest

from mainspring.engines.sources import gitlab_circuit
from mainspring.engines.sources.gitlab_circuit import LONGEST_AWAY_S, Circuit
from mainspring.kit.errors import Unavailable


class Clock:
    """Time as the test tells it."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        """Return the seconds."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the circuit."""
    clock = Clock()
    monkeypatch.setattr(gitlab_circuit, "time", clock)
    return clock


def pause(circuit: Circuit) -> float:
    """Return for how long nobody asks."""
    with pytest.raises(Unavailable) as raised:
        circuit.check("GitLab")
    assert raised.value.retry_after is not None
    return raised.value.retry_after


def test_each_time_it_is_still_away_the_pause_is_longer(clock: Clock) -> None:
    circuit, pauses = Circuit(5, 20), []
    for _ in range(6):
        circuit.check("GitLab")  # one call tries
        began = clock.now
        clock.now += 1
        circuit.failed(began)
        pauses.append(pause(circuit))
        clock.now += pauses[-1]
    assert pauses == [5, 10, 20, 40, LONGEST_AWAY_S, LONGEST_AWAY_S]


def test_calls_that_fail_together_are_one_time(clock: Clock) -> None:
    circuit = Circuit(5, 20)
    began = [clock.now + place for place in range(4)]
    clock.now += 4
    for each in began:
        circuit.failed(each)
        clock.now += 0.1
    assert pause(circuit) == pytest.approx(4.6)


def test_a_failure_is_not_believed_where_another_was_answered_since(clock: Clock) -> None:
    circuit = Circuit(5, 20)
    began = clock.now
    clock.now += 1
    circuit.answered()
    circuit.failed(began)
    circuit.check("GitLab")


def test_once_it_answers_the_pauses_begin_anew(clock: Clock) -> None:
    circuit = Circuit(5, 20)
    for _ in range(3):
        circuit.failed(clock.now)
        clock.now += 60
    circuit.answered()
    clock.now += 1
    circuit.failed(clock.now)
    assert pause(circuit) == 5
