"""Worker processes that never outlive the process that started them."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from sedlib.errors import SedlibError


@contextmanager
def worker_pool(processes, context=None, initializer=None):
    """Open a pool of worker processes that never outlive this one, however it ends.

    Parameters
    ----------
    processes : int
    context : multiprocessing.context.BaseContext, optional
    initializer : callable, optional
        Called in each worker at its start.

    Yields
    ------
    concurrent.futures.ProcessPoolExecutor
        If the block raises an error, work that has not begun is dropped.

    Raises
    ------
    SedlibError
        If a worker is killed.
    """
    pool = ProcessPoolExecutor(processes, context, _start_worker, (initializer,))
    try:
        yield pool
    except BrokenProcessPool:
        raise SedlibError(
            "a worker process was killed, perhaps for lack of memory; close other programs, or "
            "start fewer processes (--processes, or the environment variable LOKY_MAX_CPU_COUNT), "
            "and run the same command again"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def count_processors():
    """Count the processors that this process may use; in a container, those of its limit."""
    from joblib import cpu_count  # imported when it is needed, because that takes a while

    return cpu_count()


def thread_limit():
    """Return the number of threads that the user allows by ``OMP_NUM_THREADS``; None if any."""
    value = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(value) if value.isdecimal() and int(value) else None


def free_memory(cgroup=Path("/sys/fs/cgroup")):
    """Return the memory that is free on this machine, or in its container if that is less.

    Parameters
    ----------
    cgroup : pathlib.Path
        Where Linux shows the limits of a container (control groups, version 2).

    Returns
    -------
    int
        In bytes.
    """
    free = psutil.virtual_memory().available
    with suppress(OSError, ValueError, KeyError):  # no container, or one without a limit
        limit = int((cgroup / "memory.max").read_text())
        used = int((cgroup / "memory.current").read_text())
        state = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
        free = min(free, limit - used + int(state["inactive_file"]))  # such files can be dropped
    return free


def _start_worker(initializer):
    """Let this process end when its parent ends, and without a traceback after Ctrl-C."""
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if initializer:
        initializer()


def end_with_parent():
    """Let this process end as soon as the one that started it ends, even if that is killed."""
    parent = multiprocessing.parent_process()

    def wait_and_end():
        parent.join()
        os._exit(1)

    threading.Thread(target=wait_and_end, daemon=True).start()
