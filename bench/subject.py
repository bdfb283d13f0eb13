"""What a case works on: a running server with the data set in it, and the load generator that is set on it."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

from bench import BenchError, dataset
from bench.products import ROOT
from bench.servers import Server, Spent


@dataclass(frozen=True)
class Size:
    """How much work: seconds of load a case and server, runs and points held, MiB of an artifact."""

    warm_s: float = 0.4
    seconds: float = 2.0
    runs: int = 10_000
    points: int = 1_000_000
    artifact_mib: int = 1024
    client_points: int = 1000
    rounds: int = 3


QUICK = Size(warm_s=0.2, seconds=0.8, runs=2_000, points=20_000, artifact_mib=32, client_points=100, rounds=1)


@dataclass(frozen=True)
class Sample:
    """One measurement: `value` in the row's unit.

    By the clock: units per second and latencies in seconds; `growth_mib`: RSS at the peak above that before the work.
    """

    value: float
    wall_rate: float | None = None
    p50: float | None = None
    p99: float | None = None
    growth_mib: float | None = None


@dataclass
class Account:
    """What the load generator was answered, and what that has cost the server."""

    spent: Spent
    done: list[int]
    measured: int
    wall: float
    p50: float
    p99: float
    sizes: list[int]

    def rate(self, units: float = 1) -> Sample:
        """Return units of work per CPU-second, `units` a request."""
        return self.sample(self.measured * units / self.spent.cpu, units)

    def milliseconds(self) -> Sample:
        """Return the CPU milliseconds of one request."""
        return self.sample(self.spent.cpu / self.measured * 1000, 1)

    def sample(self, value: float, units: float) -> Sample:
        return Sample(value, self.measured * units / self.wall, self.p50, self.p99, self.spent.growth_mib)

    def expect_one_size(self) -> None:
        """Raise BenchError if the same read was answered with bodies of different length."""
        if len(self.sizes) != 1:
            raise BenchError(f"the same request was answered with different lengths: {self.sizes}")


@dataclass
class Subject:
    """A running server, and the data set once it is filled in.

    `runs` are run ids by name, `history_run` is the run with the long history, `artifact` the path of a file to get.
    """

    server: Server
    size: Size
    experiment: str = ""
    runs: dict[str, str] = field(default_factory=dict)
    history_run: str = ""
    artifact: str = ""

    def create_runs(self, count: int) -> list[str]:
        """Return the ids of new runs in an experiment of their own."""
        experiment = self.server.new_experiment()
        with self.server.api() as api:
            body = {"experiment_id": experiment, "start_time": dataset.FIRST_START_MS}
            return [api.post("runs/create", body)["run"]["info"]["run_id"] for _ in range(count)]

    def load(self, kind: str, connections: int, **plan: Any) -> Account:
        """Set the load generator on the server; any answer but 200 raises BenchError."""
        times = {"warm": self.size.warm_s, "seconds": self.size.seconds}
        where = {"port": self.server.port, "token": self.server.token}
        order = {"kind": kind, "connections": connections, **where, **times, **plan}
        command = [sys.executable, "-m", "bench.load"]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as load:
            assert load.stdin
            assert load.stdout
            print(json.dumps(order), file=load.stdin, flush=True)
            if load.stdout.readline() != "ready\n":
                raise BenchError(f"the load generator did not get ready: exit {load.wait()}")
            with self.server.spending() as spent:
                print("go", file=load.stdin, flush=True)
                answer = load.stdout.readline()
        if not answer:
            raise BenchError(f"the load generator failed: exit {load.returncode}")
        account = json.loads(answer)
        if error := account.pop("error"):
            raise BenchError(f"{kind} failed after {sum(account['done'])} requests: {error}")
        return Account(spent, **account)
