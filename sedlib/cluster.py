"""A Dask cluster, whose workers may be on other machines."""

import logging
from contextlib import contextmanager

import distributed

from sedlib.errors import SedlibError
from sedlib.places import one_line

_LOG = logging.getLogger(__name__)
_PATIENCE = 10.0  # s, for the scheduler to answer


def connect(address):
    """Connect to the scheduler of a cluster.

    Parameters
    ----------
    address : str
        Such as ``tcp://10.0.0.1:8786``.

    Returns
    -------
    distributed.Client
        To be closed.

    Raises
    ------
    SedlibError
        If no scheduler answers there.
    """
    for name in list(logging.root.manager.loggerDict):  # what matters is raised
        if name.startswith("distributed"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, OverflowError) as error:
        raise SedlibError(
            f"--scheduler {address}: no Dask scheduler answers there ({error}); start "
            "one with `dask scheduler`, or give the address that it prints"
        ) from None
    if not client.nthreads():
        _LOG.warning("--scheduler %s: has no workers yet; waiting for some", address)
    return client


@contextmanager
def faults_reported(address):
    """Describe in one sentence what is wrong with a cluster.

    Raises
    ------
    SedlibError
        For any error except a `SedlibError` or a `distributed.KilledWorker`, which are raised
        unchanged.
    """
    try:
        yield
    except (SedlibError, distributed.KilledWorker):
        raise
    except Exception as error:
        raise SedlibError(
            f"--scheduler {address}: the cluster cannot do the work ({one_line(error)}); "
            "see docs/scale.md for what it needs, and run the same command again to continue"
        ) from None


@contextmanager
def cluster_pool(address):
    """Open a pool of the workers of a cluster; `sedlib.workers.worker_pool` is its like here.

    A task is tried again elsewhere when its worker dies, as often as the scheduler's setting
    ``allowed-failures`` says.

    Parameters
    ----------
    address : str

    Yields
    ------
    concurrent.futures.Executor

    Raises
    ------
    SedlibError
        If the cluster cannot do the work.
    """
    try:
        with connect(address) as client, faults_reported(address):
            yield client.get_executor(pure=False)
    except distributed.KilledWorker as error:
        raise killed(error, "the same task") from None


def killed(error, task="it"):
    """Return the error that says how many workers died at a task.

    Parameters
    ----------
    error : distributed.KilledWorker
    task : str

    Returns
    -------
    SedlibError
    """
    return SedlibError(
        f"{error.allowed_failures + 1} workers died while they worked on {task}, perhaps for lack "
        "of memory; see what they logged, and run the command again"
    )
