"""nbval reruns every notebook from start to end and compares it with what is stored.

The rerun goes to a scratch workspace with freshly made episodes, so it needs no
earlier `dvc repro` and touches no result of this checkout. Each notebook finds
the published model there: the notebook that trains replaces it for
itself, and those that judge a model judge the one in git. `nbval_tolerance` says
when two outputs agree.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, coalesce_streams
from nbval_tolerance import differences, tolerances
from xdist.scheduler import LoadScopeScheduling

from sedlib.config import WORKSPACE_VARIABLE
from sedlib.reports.notebooks import neutral

ENVIRONMENT = pytest.StashKey[dict]()
# These read the stored results of the long experiments and nothing that another notebook makes.
INDEPENDENT = "06_compare_with_2018", "07_real_recordings"

# Their presence is compared, not their content: pixels vary with fonts, HTML has a text twin.
PRESENT = ("text/html", "image/png", "image/svg+xml")


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    """Take the notebooks that nbval collects, with our comparison."""
    collected = yield
    return [
        Notebook.from_parent(parent, path=file_path) if isinstance(node, IPyNbFile) else node
        for node in collected
    ]


class ByFile(LoadScopeScheduling):
    """Each file of tests in one process, and the notebooks that build on each other in one."""

    def _split_scope(self, nodeid):
        file = Path(nodeid.partition("::")[0])
        builds_on_others = file.suffix == ".ipynb" and file.stem not in INDEPENDENT
        return "notebooks" if builds_on_others else str(file)


def pytest_xdist_make_scheduler(config, log):
    """Take our way of sharing tests between the processes."""
    return ByFile(config, log)


def make_episodes(environment):
    """Make the episodes in the scratch workspace: the one stage that is no notebook."""
    command = [sys.executable, "-m", "sedlib", "episodes"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"{' '.join(command[1:])} failed:\n{done.stderr[-3000:]}", pytrace=False)


def kernel_environment(config, with_episodes):
    """Environment of the kernels; the first call makes the scratch workspace."""
    if ENVIRONMENT not in config.stash:
        scratch = tempfile.TemporaryDirectory(prefix="sedlib_", ignore_cleanup_errors=True)
        config.add_cleanup(scratch.cleanup)
        path = os.pathsep.join(filter(None, [str(config.rootpath), os.environ.get("PYTHONPATH")]))
        config.stash[ENVIRONMENT] = os.environ | {
            WORKSPACE_VARIABLE: scratch.name,
            "PYTHONPATH": path,
        }
    environment = config.stash[ENVIRONMENT]
    if with_episodes and not Path(environment[WORKSPACE_VARIABLE], "data", "episodes").exists():
        make_episodes(environment)
    return environment


def lend_model(checkout, scratch):
    """Put the published model into the scratch workspace, in place of any other."""
    stored, lent = Path(checkout, "models", "default"), Path(scratch, "data", "model")
    if not stored.is_dir():
        pytest.fail(f"{stored}: no such folder; restore it from git", pytrace=False)
    shutil.rmtree(lent, ignore_errors=True)
    shutil.copytree(stored, lent, ignore=shutil.ignore_patterns("summary.json"))


class Notebook(IPyNbFile):
    """A notebook whose kernel works in the scratch workspace."""

    def setup(self):
        """Lend the model and start the kernel."""
        environment = kernel_environment(self.config, self.path.stem not in INDEPENDENT)
        lend_model(self.config.rootpath, environment[WORKSPACE_VARIABLE])
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            # With it a kernel does not capture what libraries and child processes print.
            patch.delenv("PYTEST_CURRENT_TEST", raising=False)
            super().setup()

    def collect(self):
        """Yield the code cells."""
        for cell in super().collect():
            yield Cell.from_parent(
                self, name=cell.name, cell_num=cell.cell_num, cell=cell.cell, options=cell.options
            )


class Cell(IPyNbCell):
    """A code cell; one tagged `trained` shows numbers that come out of a training."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.output_timeout = 60  # s; the default of 5 is short on a busy machine

    def compare_outputs(self, test, ref, skip_compare=None):
        """Say whether the new outputs agree with the stored ones; note why not."""
        folders = (self.config.stash[ENVIRONMENT][WORKSPACE_VARIABLE], self.config.rootpath)
        shown, computed = texts(ref, folders), texts(test, folders)
        if [kind for kind, _ in shown] != [kind for kind, _ in computed]:
            faults = [f"stored outputs: {shown}", f"new outputs: {computed}"]
        else:
            trained = "trained" in self.cell.metadata.get("tags", [])
            allowed = tolerances() if trained else None
            faults = [
                fault
                for (_, old), (_, new) in zip(shown, computed, strict=True)
                for fault in differences(old, new, allowed)
            ]
        self.comparison_traceback = faults
        return not faults


def texts(outputs, folders):
    """List the outputs of a cell as (kind, text to compare); stderr is left out.

    Paths in the texts become relative to `folders`.
    """
    found = []
    for output in coalesce_streams(outputs):
        if output.output_type == "stream" and output.name != "stderr":
            found.append((output.name, neutral(output.text, folders)))
        elif output.output_type == "error":
            found.append(("error", f"{output.ename}: {output.evalue}"))
        for kind, data in sorted(output.get("data", {}).items()):
            found.append((kind, "" if kind in PRESENT else neutral(str(data), folders)))
    return found
