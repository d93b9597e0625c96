"""Worker processes never outlive the process that started them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from sedlib.errors import SedlibError
from sedlib.workers import free_memory, thread_limit, worker_pool

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_end_when_the_process_that_started_them_is_killed(tmp_path, method):
    (tmp_path / "parent.py").write_text(f"""
import functools, multiprocessing, os, signal, time
from sedlib.workers import worker_pool

if __name__ == "__main__":
    with worker_pool(2, multiprocessing.get_context("{method}")) as pool:
        list(pool.map(functools.partial(os.write, 1), [b"begun\\n"] * 2))
        tasks = [pool.submit(time.sleep, 300) for _ in range(4)]
        os.kill(os.getpid(), signal.SIGKILL)
""")
    # The workers have the output open as well: it ends when the last of them has ended. Each
    # writes its line in one call, so that lines of two workers cannot mix.
    command = [sys.executable, tmp_path / "parent.py"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, stdout=subprocess.PIPE, env=environment, timeout=120)
    assert (done.stdout, done.returncode) == (b"begun\nbegun\n", -signal.SIGKILL)


@pytest.mark.parametrize(
    "value, limit",
    [("1", 1), (" 12 ", 12), ("4,2", 4), ("", None), ("0", None), ("-1", None), ("many", None)],
)
def test_the_limit_of_threads_is_the_first_number_that_the_user_names(monkeypatch, value, limit):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert thread_limit() == limit


@pytest.mark.parametrize(
    ("limit", "free"), [("3000", 3000 - 1200 + 200), ("max", 10**9), ("4000000000", 10**9)]
)
def test_the_limit_of_a_container_counts_if_it_leaves_less_than_the_machine_has(
    tmp_path, monkeypatch, limit, free
):
    state = psutil.virtual_memory()._replace(available=10**9)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: state)
    assert free_memory(tmp_path) == 10**9  # no container
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text("1200\n")
    (tmp_path / "memory.stat").write_text("anon 900\ninactive_file 200\nactive_file 100\n")
    assert free_memory(tmp_path) == free


def test_a_worker_that_is_killed_is_one_sentence():
    with pytest.raises(SedlibError, match="a worker process was killed, perhaps for lack of mem"):
        with worker_pool(1) as pool:
            pool.submit(signal.raise_signal, signal.SIGKILL).result()
