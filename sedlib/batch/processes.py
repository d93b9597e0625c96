"""Worker processes of this machine, which share its processors."""

import multiprocessing
import signal
from contextlib import suppress
from multiprocessing import connection

from sedlib.batch.pool import DONE, LONGEST_WAIT, READ, limit_threads
from sedlib.errors import SedlibError
from sedlib.workers import count_processors, end_with_parent, thread_limit

_ERROR = "error"


class ProcessPool:
    """A pool of processes that end with this one; see `sedlib.batch.pool`.

    A process is started when there is a task for it, and does one task after the other. Where one
    has been killed, the next task starts another.

    Parameters
    ----------
    work : callable
        Called in the processes with a task and a function for the progress; see
        `sedlib.batch.run.Work`. It must be possible to pickle it.
    jobs : int
        Number of processes.
    """

    def __init__(self, work, jobs):
        self.size, self._work = jobs, work
        share = max(1, count_processors() // jobs)
        self._threads = min(share, thread_limit() or share)
        self._idle, self._busy = [], {}  # (pipe, process); pipe to (process, position)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        processes = [process for _, process in self._idle]
        processes += [process for process, _ in self._busy.values()]
        for process in processes:  # without notice: no file is ever left half written
            process.kill()
        for process in processes:
            process.join()

    def start(self, position, task):
        """Give a task to a process that has none."""
        pipe, process = self._idle.pop() if self._idle else self._start_process()
        self._busy[pipe] = process, position
        with suppress(OSError):  # of a process that was killed, as `wait` will find
            pipe.send(task)

    def wait(self):
        """List what the processes say, as soon as one says something or ends."""
        return [self._receive(pipe) for pipe in connection.wait(self._busy, LONGEST_WAIT)]

    def _receive(self, pipe):
        process, position = self._busy[pipe]
        try:
            kind, value = pipe.recv()
        except (EOFError, OSError):
            kind, value = DONE, _describe_end(process)
            del self._busy[pipe]
        else:
            if kind == DONE:
                self._idle.append((pipe, process))
                del self._busy[pipe]
        if kind == _ERROR:
            raise value
        return position, kind, value

    def _start_process(self):
        """Start a process that waits for tasks; return the pipe to it, and the process."""
        context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
        pipe, other_end = context.Pipe()
        process = context.Process(target=_serve, args=(other_end, self._threads), daemon=True)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            process.start()  # it ignores interruptions, too: this one ends it
        finally:
            signal.signal(signal.SIGINT, before)
        other_end.close()
        with suppress(OSError):
            pipe.send(self._work)
        return pipe, process


def _serve(pipe, threads):
    """Do the tasks that come through a pipe, in a process that ends with its parent."""
    end_with_parent()
    limit_threads(threads)
    with suppress(EOFError, OSError):  # when the parent has ended
        work = pipe.recv()
        while True:
            task = pipe.recv()
            try:
                message = DONE, work(task, lambda _, seconds: pipe.send((READ, seconds)))
            except Exception as error:  # the parent reports it
                message = _ERROR, error
            pipe.send(message)


def _describe_end(process):
    process.join()
    code = process.exitcode
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
    return SedlibError(
        f"the process that worked on it {how}, perhaps for lack of memory; run the command again, "
        "with fewer --jobs if it happens again"
    )
