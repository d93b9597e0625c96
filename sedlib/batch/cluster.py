"""The workers of a Dask cluster, which may be on other machines."""

import os
import pickle
import queue
import uuid
from dataclasses import replace
from functools import lru_cache

import distributed

from sedlib.batch.plan import failed
from sedlib.batch.pool import DONE, LONGEST_WAIT, READ, limit_threads
from sedlib.batch.record import Record
from sedlib.cluster import connect, faults_reported, killed
from sedlib.places import is_remote


class ClusterPool:
    """A pool of the workers of a Dask cluster; see `sedlib.batch.pool`.

    Dask tries a task again elsewhere when the worker that it was on has died, as often as the
    scheduler's setting ``allowed-failures`` says. No more tasks are sent than there are threads,
    because a death counts against all tasks that the worker holds.

    Parameters
    ----------
    work : sedlib.batch.run.Work
    address : str
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.
    """

    def __init__(self, work, address):
        self._given, self._address, self._run = work, address, uuid.uuid4().hex
        work = replace(work, model=work.model.absolute(), output=work.output.absolute())
        self._pickled, self._tasks, self._messages = pickle.dumps(work), {}, queue.SimpleQueue()

    def __enter__(self):
        self._client = connect(self._address)
        self._client.subscribe_topic(self._run, lambda event: self._messages.put(event[1]))
        return self

    def __exit__(self, *_):
        self._client.close()

    @property
    def size(self):
        """Number of threads of all workers; 1 where there is none yet."""
        with faults_reported(self._address):
            return max(sum(self._client.nthreads().values()), 1)

    def start(self, position, task):
        """Send a task to the cluster."""
        self._tasks[position] = task
        task = replace(task, path=task.path.absolute())
        key = f"detect-{self._run}-{position}"
        with faults_reported(self._address):
            future = self._client.submit(
                _work_on, self._run, self._pickled, position, task, key=key
            )
        future.add_done_callback(lambda done: self._messages.put((position, done)))

    def wait(self):
        """Wait for the next message of a worker."""
        try:
            position, value = self._messages.get(timeout=LONGEST_WAIT)
        except queue.Empty:
            return []
        if not isinstance(value, distributed.Future):
            return [(position, READ, value)]
        task = self._tasks.pop(position)
        try:
            with faults_reported(self._address):
                outcome, goes_on = value.result()
        except distributed.KilledWorker as error:
            return [(position, DONE, killed(error))]
        return [(position, DONE, (self._as_given(outcome, task), goes_on))]

    def _is_here(self, task):
        """Tell whether what a worker has written is seen here, too."""
        output = self._given.output
        if is_remote(output):
            return True
        try:
            for name in task.outputs:  # a network file system may know a new file by its folder
                os.listdir((output / name).parent)
            return Record(output).done(task.outputs, task.made_from, task.source) is not None
        except OSError:
            return False

    def _as_given(self, outcome, task):
        """Name files as the user named them: workers are given their full paths."""
        result = self._given.output / task.outputs[0]
        if not outcome.fault and not self._is_here(task):
            fault = (
                f"{result}: was written where the worker runs and is not here; give the output "
                "folder to all machines, as by a network file system, or name one in a store"
            )
            return failed(task, self._given.output, fault)

        def shorten(text):
            for path in (task.path, self._given.output, self._given.model):
                text = text.replace(str(path.absolute()), str(path))
            return text

        return replace(
            outcome,
            path=task.path,
            result=result,
            fault=outcome.fault and shorten(outcome.fault),
            remarks=tuple(shorten(remark) for remark in outcome.remarks),
        )


def _work_on(run, pickled, position, task):
    """Do a task, in a worker."""
    worker = distributed.get_worker()
    work = _unpickle(run, pickled)
    return work(task, lambda _, seconds: worker.log_event(run, (position, seconds)))


@lru_cache(maxsize=1)
def _unpickle(run, pickled):
    """Return the work of a run, which keeps its model from one file to the next."""
    limit_threads(1)  # there is a worker for every processor
    return pickle.loads(pickled)
