"""The folder that most tests of `sedlib.check` begin with."""

import pytest
from faulty_folders import make_folder


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "own").mkdir()
    return make_folder(tmp_path / "own")
