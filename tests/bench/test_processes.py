"""What the bench measures of a program, and that nothing of it stays behind."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bench.processes import Program, cpu_seconds, forget_peaks, peak_mib, resident_mib
from tests.components.ports import wait_until

ORPHAN = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("orphan", "w").write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
os.wait()
time.sleep(600)
"""


def start(code: str, folder: Path) -> Program:
    with (folder / "log").open("wb") as log:
        return Program([sys.executable, "-c", code], folder, log, {})


def test_stopping_ends_processes_that_left_the_tree(tmp_path: Path) -> None:
    program, note = start(ORPHAN, tmp_path), tmp_path / "orphan"
    wait_until(lambda: note.exists() and note.read_text() != "", "the orphan", 10)
    orphan = psutil.Process(int(note.read_text()))
    assert orphan not in psutil.Process(program.pid).children(recursive=True)
    program.stop(10)
    assert not orphan.is_running()
    assert program.exit_status() is not None


@pytest.mark.skipif(sys.platform != "linux", reason="peaks of memory are read from Linux's /proc")
def test_the_peak_counts_from_when_it_was_asked_for(tmp_path: Path) -> None:
    code = "import sys\nfor n in (300, 100):\n    b = b'x' * n * 2**20\n    del b\n    sys.stdin.readline()\n"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        assert process.stdin
        wait_until(lambda: peak_mib(process.pid) > 300 and resident_mib(process.pid) < 100, "the first peak", 10)
        forget_peaks(process.pid)
        assert peak_mib(process.pid) < 100
        process.stdin.write(b"\n")
        process.stdin.flush()
        wait_until(lambda: peak_mib(process.pid) > 100, "the second peak", 10)
        assert peak_mib(process.pid) < 200


def test_cpu_of_ended_children_counts() -> None:
    code = "import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', 'for n in range(10**7): pass'])\n"
    with subprocess.Popen([sys.executable, "-c", code + "print(flush=True); time.sleep(60)"], stdout=-1) as process:
        assert process.stdout
        process.stdout.readline()
        spent = cpu_seconds(process.pid)
        process.kill()
    assert spent > 0.1
