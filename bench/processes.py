"""CPU time and memory of process trees, and an end for all that a server has started."""

import os
import secrets
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO

import psutil

MARK = "MAINSPRING_BENCH_MARK"
MIB = 2**20


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and all its living descendants; empty if it is gone."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def sum_over_tree(pid: int, figure: Callable[[psutil.Process], float]) -> float:
    """Add a figure over a process tree; a process that ends meanwhile counts nothing (its parent has its CPU time)."""
    total = 0.0
    for process in tree(pid):
        try:
            total += figure(process)
        except (psutil.NoSuchProcess, psutil.ZombieProcess, FileNotFoundError, ProcessLookupError):
            continue
    return total


def cpu_seconds(pid: int) -> float:
    """Return user and system CPU seconds of a process tree, ended children included."""
    return sum_over_tree(pid, lambda process: float(sum(process.cpu_times()[:4])))


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process tree in MiB; pages that processes share count more than once."""
    return sum_over_tree(pid, lambda process: float(process.memory_info().rss)) / MIB


def forget_peaks(pid: int) -> None:
    """Make the kernel measure every process's peak of resident memory from now on (Linux: proc(5), clear_refs)."""
    for process in tree(pid):
        Path(f"/proc/{process.pid}/clear_refs").write_text("5")


def peak_mib(pid: int) -> float:
    """Return the peak resident memory of a process tree in MiB since `forget_peaks`, each process's own added up."""
    return sum_over_tree(pid, lambda process: peak_of(process.pid)) / MIB


def peak_of(pid: int) -> float:
    """Return the peak resident memory of one process in bytes; 0 for one that has just ended."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) * 1024
    return 0.0


class Program:
    """A running program that is ended together with all it has started, processes that left its tree included."""

    def __init__(self, command: list[str], folder: Path, log: IO[bytes], environment: dict[str, str]) -> None:
        self.mark = secrets.token_hex(8)
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env={**os.environ, **environment, MARK: self.mark},
        )

    @property
    def pid(self) -> int:
        """The id of the process at the top."""
        return self.process.pid

    def exit_status(self) -> int | None:
        """Return the exit status, None while it runs."""
        return self.process.poll()

    def stop(self, patience_s: float) -> None:
        """Ask it to stop, then kill what is left: workers of MLflow outlive their parent, and are started again."""
        self.process.terminate()
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        while orphans := self.marked():
            for orphan in orphans:
                orphan.kill()
            psutil.wait_procs(orphans, timeout=10)

    def marked(self) -> list[psutil.Process]:
        """Return the living processes that have inherited this program's mark in their environment."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self.mark:
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
                continue
        return found
