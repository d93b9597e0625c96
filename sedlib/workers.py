"""Worker processes that never outlive the process that started them."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from sedlib.config import SedlibError


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
            "a worker process was killed, perhaps for lack of memory; close other programs and "
            "run the same command again"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


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
