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
