"""What tests of several folders need."""

import os
import subprocess
import sys
import threading

import pytest
from browser import MISSING, Browser, find_browser

# Tests convert no networks into the user's cache folder, nor do the processes that they start.
os.environ["SEDLIB_ENGINE"] = "keras"


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Start the headless browser; tests are skipped where there is none."""
    executable = find_browser()
    if executable is None:
        pytest.skip(MISSING)
    browser = Browser(executable, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def cluster():
    """Start a Dask cluster of two processes; tests are skipped where Dask is not installed.

    A worker that ends, as those that tests kill, is followed by another one.
    """
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 0, "dashboard_address": None, "host": "127.0.0.1"}
    closing = threading.Event()
    with distributed.LocalCluster(**options) as cluster:
        arguments = cluster.scheduler_address, closing
        keepers = [threading.Thread(target=_keep_worker, args=arguments) for _ in range(2)]
        for keeper in keepers:
            keeper.start()
        try:
            yield cluster
        finally:
            closing.set()
    for keeper in keepers:  # a worker ends with its scheduler
        keeper.join()


def _keep_worker(address, closing):
    """Start a worker whenever the one before has ended.

    Dask's own nanny gives up where a worker is killed before it has heard that it has started.
    """
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--no-nanny"]
    options = ["--nthreads", "1", "--no-dashboard", "--death-timeout", "30"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    while not closing.is_set():
        subprocess.run([*command, *options], env=environment, **pipes)
