"""`sedlib episodes --scheduler`: episodes on a Dask cluster of two worker processes."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from sedlib import annotations
from sedlib.__main__ import main
from sedlib.annotations import event_table
from sedlib.config import load_params
from sedlib.episodes import EpisodeError
from sedlib.errors import SedlibError
from sedlib.sources import prepare_episodes

pytest.importorskip("distributed")
from sedlib.cluster import cluster_pool, connect

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder with parameters for three short episodes; takes the parameters of the episodes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEDLIB_WORKSPACE", raising=False)

    def change(**episodes):
        raw = yaml.safe_load((ROOT / "params.yaml").read_text())
        raw["split"] = {"train": ["a"], "validation": ["b"], "test": ["c"]}
        raw["episodes"] |= {"duration": 10, "evaluation_duration": 10} | episodes
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
        return tmp_path

    return change


def made(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_cluster_makes_the_episodes_that_processes_of_this_machine_make(checkout, cluster):
    folder = checkout() / "data" / "episodes"
    main(["episodes"])
    here = made(folder)
    folder.rename(folder.with_name("here"))
    main(["episodes", "--scheduler", cluster.scheduler_address])
    assert made(folder) == here and len(here) == 2 * 3 + 2
    main(["episodes", "--scheduler", cluster.scheduler_address])  # safe to run twice
    assert made(folder) == here


def test_a_cluster_gathers_a_folder_and_leaves_out_what_is_bad(checkout, cluster, capsys):
    top = checkout(source="folder", folder="own", bad="leave out")
    (top / "own").mkdir()
    for i, name in enumerate("abc"):
        sound = np.random.default_rng(i).normal(0, 0.1, 3 * 44100)
        soundfile.write(top / "own" / f"{name}.wav", sound, 44100)
        annotations.write(event_table([(name, 0.5, 1.5, "speaking")]), top / "own" / f"{name}.json")
    raw = yaml.safe_load((top / "params.yaml").read_text())
    raw["split"]["train"].append("d")
    (top / "params.yaml").write_text(yaml.safe_dump(raw))
    (top / "own" / "d.wav").write_text("no sound")
    main(["episodes"])
    here, said = made(top / "data" / "episodes"), capsys.readouterr()
    (top / "data" / "episodes").rename(top / "here")
    main(["episodes", "--scheduler", cluster.scheduler_address])
    assert capsys.readouterr() == said and "left out: d: " in said.out
    assert made(top / "data" / "episodes") == here


def kill_once(folder, number):
    """Return a number, but kill this process the first time that it is 3."""
    mark = folder / "killed"
    if number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def always_kill(_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_killed_worker_was_working_on_is_done_by_another(tmp_path, cluster):
    with cluster_pool(cluster.scheduler_address) as pool:
        assert list(pool.map(partial(kill_once, tmp_path), range(8))) == list(range(8))
    assert (tmp_path / "killed").exists()


def test_work_that_kills_every_worker_is_one_sentence(cluster, monkeypatch):
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 1)  # by default 3
    with (
        pytest.raises(SedlibError, match="2 workers died while they worked on the same task"),
        cluster_pool(cluster.scheduler_address) as pool,
    ):
        pool.submit(always_kill, 0).result()


def test_a_cluster_without_workers_is_said(caplog):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=0, dashboard_address=None, host="127.0.0.1") as empty:
        connect(empty.scheduler_address).close()
    assert "has no workers yet; waiting for some" in caplog.text


def test_a_scheduler_that_does_not_answer_is_one_sentence(checkout, monkeypatch):
    folder = checkout() / "data" / "episodes"
    folder.mkdir(parents=True)
    (folder / "a.flac").write_text("of an earlier run")
    monkeypatch.setattr("sedlib.cluster._PATIENCE", 0.5)
    with pytest.raises(SystemExit) as stop:
        main(["episodes", "--scheduler", "tcp://127.0.0.1:1"])
    said = "sedlib: --scheduler tcp://127.0.0.1:1: no Dask scheduler answers there"
    assert stop.value.code.startswith(said)
    assert (folder / "a.flac").read_text() == "of an earlier run"


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_bad_episode_stops_the_command_with_one_sentence(checkout, cluster, capfd):
    top = checkout(source="folder", folder="own")
    (top / "own").mkdir()
    with pytest.raises(SystemExit) as stop:
        main(["episodes", "--scheduler", cluster.scheduler_address])
    assert stop.value.code.startswith("sedlib: episode 'a': no media 'a.*' in ")
    assert capfd.readouterr().err == ""


def test_episodes_go_to_the_workspace_wherever_the_workers_run(checkout, cluster, monkeypatch):
    top = checkout()
    monkeypatch.setenv("SEDLIB_WORKSPACE", "scratch")
    main(["episodes", "--scheduler", cluster.scheduler_address])
    assert (top / "scratch" / "data" / "episodes" / "a.flac").is_file()


def test_an_episode_that_only_the_worker_has_is_not_called_done(checkout, tmp_path):
    class Elsewhere(ThreadPoolExecutor):
        """Does nothing, as workers do whose folders are not those of this machine."""

        def map(self, work, names):
            return ((None, None, None) for name in names)

    checkout()
    target = tmp_path / "episodes"
    target.mkdir()
    (target / "a.flac").write_text("of an earlier run")
    (target / "a.json").write_text("of an earlier run")
    with pytest.raises(EpisodeError, match="episode 'a': was written where the worker runs and is"):
        prepare_episodes(load_params(), tmp_path, target, pool=Elsewhere())
