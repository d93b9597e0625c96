"""What tests of several folders need."""

import os

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
    """Start a Dask cluster of two processes; tests are skipped where Dask is not installed."""
    dask = pytest.importorskip("dask")
    dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"})  # starts fastest
    distributed = pytest.importorskip("distributed")
    options = {"processes": True, "dashboard_address": None, "host": "127.0.0.1"}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **options) as cluster:
        yield cluster
