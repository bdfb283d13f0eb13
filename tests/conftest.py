"""What every test shares: the components, and the law that nothing is skipped unnoticed.

Under ``CI=true`` a test that was skipped, or was expected to fail, fails the run unless
``tests/allowed_skips`` lists it. Reports of xdist's workers arrive at the controlling process,
which alone decides.
"""

import os
import re
from pathlib import Path

import pytest
import structlog

pytest_plugins = [
    "tests.components.gitlab",
    "tests.components.oidc",
    "tests.components.postgres",
    "tests.components.pgbouncer",
    "tests.components.redis",
    "tests.components.rgw",
    "tests.components.server",
    "tests.components.accounts",
    "tests.components.chromium",
]

ROOT_CERTIFICATE = Path(__file__).parent / "components" / "root.pem"
ALLOWED_SKIPS = Path(__file__).with_name("allowed_skips")
SLOW_TESTS = Path(__file__).with_name("slow_tests")


def pytest_configure(config: pytest.Config) -> None:
    """Keep every client that the tests start from calling home, and register the guard of skips."""
    os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="1")
    # No test asks a server of the internet, and httpx would read all root certificates for each of its clients, which
    # was half of what many modules cost: there is one, which vouches for nobody.
    os.environ.setdefault("CERTIFICATES_OUTSIDE_TESTS", os.environ.get("SSL_CERT_FILE", ""))
    os.environ["SSL_CERT_FILE"] = str(ROOT_CERTIFICATE)
    # Like the server's log: structlog's own shows the variables of every frame, which takes seconds.
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure([structlog.stdlib.add_log_level, structlog.dev.set_exc_info, plain])
    if os.environ.get("CI") == "true" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipGuard(ALLOWED_SKIPS), "skip-guard")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what the list of slow tests names."""
    slow = read_slow(SLOW_TESTS)
    for item in items:
        if any(each.fullmatch(item.nodeid) for each in slow):
            item.add_marker(pytest.mark.slow)


def read_slow(path: Path) -> list[re.Pattern[str]]:
    """Return the patterns of the ids of a list of slow tests."""
    return [star_pattern(line) for line in read_lines(path)]


class SkipGuard:
    """Collect what was skipped, and fail the run for what the list of allowed skips lacks."""

    def __init__(self, allowed: Path) -> None:
        self.allowed = read_allowed(allowed)
        self.unlisted: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that was skipped or expected to fail."""
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a whole file that was skipped."""
        self._note(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn success into failure when something unlisted was skipped."""
        if self.unlisted and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was skipped and where it would have to be listed."""
        if not self.unlisted:
            return
        terminalreporter.section("skipped, and not listed in tests/allowed_skips", red=True)
        for test, reason in self.unlisted.items():
            terminalreporter.write_line(f"{test} | {reason}")

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.outcome != "skipped":
            return
        reason = skip_reason(report)
        if not any(test.fullmatch(report.nodeid) and why.fullmatch(reason) for test, why in self.allowed):
            self.unlisted[report.nodeid] = reason


def skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return why a test was skipped or expected to fail."""
    expected_failure: str | None = getattr(report, "wasxfail", None)
    if expected_failure is not None:
        return expected_failure
    where = report.longrepr
    return str(where[2]).removeprefix("Skipped: ") if isinstance(where, tuple) else str(where)


def read_allowed(path: Path) -> list[tuple[re.Pattern[str], re.Pattern[str]]]:
    """Return the pairs (pattern of the test's id, pattern of the reason) of a list of allowed skips."""
    pairs = [line.partition(" | ") for line in read_lines(path)]
    return [(star_pattern(test), star_pattern(reason)) for test, _, reason in pairs]


def read_lines(path: Path) -> list[str]:
    """Return the lines of a list that are no comments."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def star_pattern(text: str) -> re.Pattern[str]:
    """Return the pattern in which ``*`` stands for anything; brackets are common in ids, so they mean themselves."""
    return re.compile(".*".join(re.escape(part) for part in text.strip().split("*")), re.DOTALL)
