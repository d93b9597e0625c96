"""nbval reruns every notebook from start to end and compares it with what is stored.

The rerun goes to scratch workspaces, so it needs no earlier `dvc repro` and touches no result of
this checkout. It links to the episodes of the checkout if `dvc status` finds them up to date, and
makes new ones otherwise. The notebooks that make features and the model build on one another and
share one workspace. Those that judge a model always take the one in git; they share a second
workspace, which links to the episodes and features of the first. They wait only for these; with
several processes, they run while another one trains a new model. The other notebooks have a
workspace each. `nbval_tolerance` says when two outputs agree.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import yaml
from nbval.plugin import IPyNbCell, IPyNbFile, coalesce_streams
from nbval_tolerance import differences, tolerances
from xdist.scheduler import LoadScopeScheduling

from sedlib.config import HEADLESS_VARIABLE, WORKSPACE_VARIABLE
from sedlib.reports.notebooks import neutral
from sedlib.workers import count_processors

SCRATCH = pytest.StashKey[str]()
# The environment variables that set how many threads OpenBLAS and TensorFlow use.
THREADS = "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"
BORROWED = {"data/episodes", "data/features"}
MODEL = "data/model"


def notebook_stages(file):
    """List what the stage of each notebook reads and makes, by the name of the notebook."""
    found = {}
    for stage in yaml.safe_load(file.read_text())["stages"].values():
        notebook = re.search(r"notebooks/(\w+)\.py", stage["cmd"])
        if notebook:
            outs = [
                path for out in stage["outs"] for path in ([out] if isinstance(out, str) else out)
            ]
            found[notebook[1]] = set(stage["deps"]), set(outs)
    return found


STAGES = notebook_stages(Path(__file__).with_name("dvc.yaml"))
# The notebooks in neither list read the stored results of the long experiments alone.
JUDGING = [name for name, (reads, _) in STAGES.items() if MODEL in reads]
BUILDING = [name for name, (reads, _) in STAGES.items() if reads & BORROWED and MODEL not in reads]
LAST_USED = next(name for name, (_, makes) in STAGES.items() if makes & BORROWED)

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
    """Each file of tests in one process, and notebooks that share a workspace in one."""

    def _split_scope(self, nodeid):
        file = Path(nodeid.partition("::")[0])
        return workspace_name(file) if file.suffix == ".ipynb" else str(file)

    def _assign_work_unit(self, node):
        """Take the notebooks that judge a model next, once episodes and features are made.

        In the order of collection they come last, and one process would run them while the others
        have nothing left to do.
        """
        if "judging" in self.workqueue and features_made(Path(self.config.stash[SCRATCH])):
            self.workqueue.move_to_end("judging", last=False)
        super()._assign_work_unit(node)


def pytest_xdist_make_scheduler(config, log):
    """Take our way of sharing tests between the processes."""
    return ByFile(config, log)


def pytest_configure(config):
    """Make the folder of the workspaces, which all processes share."""
    if hasattr(config, "workerinput"):
        config.stash[SCRATCH] = config.workerinput["scratch"]
    else:
        scratch = tempfile.TemporaryDirectory(prefix="sedlib_", ignore_cleanup_errors=True)
        config.add_cleanup(scratch.cleanup)
        config.stash[SCRATCH] = scratch.name


def pytest_xdist_setupnodes(specs):
    """Limit the threads of each test process to its share of the processors.

    Otherwise the processes compete for them. A variable that the user has set stays as it is.
    """
    threads = str(max(1, count_processors() // len(specs)))
    for variable in THREADS:
        os.environ.setdefault(variable, threads)


def pytest_configure_node(node):
    """Tell a process where the workspaces are."""
    node.workerinput["scratch"] = node.config.stash[SCRATCH]


def pytest_collection_modifyitems(items):
    """Take the notebooks that judge a model last: they wait for what they need."""
    items.sort(key=lambda item: item.path.stem in JUDGING)


def workspace_name(notebook):
    """Name the workspace of a notebook."""
    shared = {"building": BUILDING, "judging": JUDGING}
    return next((name for name, group in shared.items() if notebook.stem in group), notebook.stem)


def features_made(scratch):
    """Say whether the notebooks that make episodes and features are done."""
    return (scratch / "building" / LAST_USED).exists()


class Notebook(IPyNbFile):
    """A notebook whose kernel works in a scratch workspace."""

    def setup(self):
        """Prepare the workspace and start the kernel."""
        scratch = Path(self.config.stash[SCRATCH])
        self.workspace = scratch / workspace_name(self.path)
        data = self.workspace / "data"
        data.mkdir(parents=True, exist_ok=True)
        path = os.pathsep.join(
            filter(None, [str(self.config.rootpath), os.environ.get("PYTHONPATH")])
        )
        environment = {WORKSPACE_VARIABLE: str(self.workspace), "PYTHONPATH": path}
        environment[HEADLESS_VARIABLE] = "1"
        if self.path.stem in BUILDING and not (data / "episodes").exists():
            if episodes_up_to_date(self.config.rootpath):
                (data / "episodes").symlink_to(self.config.rootpath / "data" / "episodes")
            else:
                make_episodes(os.environ | environment)
        if self.path.stem in JUDGING:
            self.borrow(scratch)
        lend_model(self.config.rootpath, data / "model")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            # With it a kernel does not capture what libraries and child processes print.
            patch.delenv("PYTEST_CURRENT_TEST", raising=False)
            super().setup()

    def borrow(self, scratch):
        """Wait until episodes and features are made, and link to them."""
        if not any(item.path.stem == LAST_USED for item in self.session.items):
            pytest.fail(f"{self.path.name} needs {LAST_USED}.ipynb; run both", pytrace=False)
        while not features_made(scratch):
            time.sleep(1)
        for name in BORROWED:
            link = self.workspace / name
            if not link.exists():
                link.symlink_to(scratch / "building" / name)

    def teardown(self):
        """Stop the kernel, and tell those that wait for this notebook."""
        super().teardown()
        (self.workspace / self.path.stem).touch()

    def collect(self):
        """Yield the code cells."""
        for cell in super().collect():
            yield Cell.from_parent(
                self, name=cell.name, cell_num=cell.cell_num, cell=cell.cell, options=cell.options
            )


def episodes_up_to_date(checkout):
    """Say whether DVC finds the episodes of the checkout to be those that its code makes."""
    command = [sys.executable, "-m", "dvc", "status", "--json", "episodes"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    return done.returncode == 0 and json.loads(done.stdout) == {}


def make_episodes(environment):
    """Make the episodes in the scratch workspace: the one stage that is no notebook."""
    command = [sys.executable, "-m", "sedlib", "episodes"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"{' '.join(command[1:])} failed:\n{done.stderr[-3000:]}", pytrace=False)


def lend_model(checkout, lent):
    """Put the published model into the scratch workspace, in place of any other."""
    stored = Path(checkout, "models", "default")
    if not stored.is_dir():
        pytest.fail(f"{stored}: no such folder; restore it from git", pytrace=False)
    shutil.rmtree(lent, ignore_errors=True)
    shutil.copytree(stored, lent, ignore=shutil.ignore_patterns("summary.json"))


class Cell(IPyNbCell):
    """A code cell; one tagged `trained` shows numbers that come out of a training."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.output_timeout = 60  # s; the default of 5 is short on a busy machine

    def compare_outputs(self, test, ref, skip_compare=None):
        """Say whether the new outputs agree with the stored ones; note why not."""
        folders = (self.parent.workspace, self.config.rootpath)
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
