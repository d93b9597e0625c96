"""Several files at a time: what is done next, and results in the order of the files.

A *pool* is where the files are processed: worker processes of this machine
(`sedlib.batch.processes`) or those of a cluster (`sedlib.batch.cluster`). It is a context manager
with

- ``size``: the number of tasks that it works on at a time,
- ``start(position, task)``: begin a task,
- ``wait()``: wait until something has happened, at most for `LONGEST_WAIT`, and list what has as
  ``(position, kind, value)``. The kind `READ` comes with the seconds of sound that have been read,
  `DONE` with what the work returned, or with an error that says why the worker has ended before.

An error that the work itself raises is raised by ``wait``.
"""

import os
from collections import deque

READ, DONE = "read", "done"
LONGEST_WAIT = 1.0  # s; Ctrl-C just before a wait is noticed after it

_THREADS = "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"


def limit_threads(number):
    """Limit the threads of this process, before it loads a model.

    Workers that use all processors together are fastest with one thread each. The scores are the
    same with any number.
    """
    os.environ.update(dict.fromkeys(_THREADS, str(number)))


def run_tasks(pool, tasks, progress=None):
    """Run tasks on a pool.

    Parameters
    ----------
    pool : context manager
        As described above. It is opened when the first result is requested, and closed after the
        last one or when the generator is closed.
    tasks : sequence of sedlib.batch.Task
    progress : callable, optional
        Called with the path of a file and the seconds of its sound that have been read.

    Yields
    ------
    object
        What the work returned for each task, or why its worker has ended, in the order of `tasks`.
    """
    waiting, done, running = deque(enumerate(tasks)), {}, 0
    with pool:
        for position in range(len(tasks)):
            while position not in done:
                while waiting and running < pool.size:
                    pool.start(*waiting.popleft())
                    running += 1
                for at, kind, value in pool.wait():
                    if kind == DONE:
                        done[at] = value
                        running -= 1
                    elif progress:
                        progress(tasks[at].path, value)
            yield done.pop(position)
