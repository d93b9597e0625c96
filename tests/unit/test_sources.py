"""Episodes of the user's own folder: gathered, corrected, left out or refused."""

import unicodedata
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import yaml

from sedlib import annotations, sources
from sedlib.annotations import event_table
from sedlib.audio import read_audio
from sedlib.config import load_params
from sedlib.episodes import EpisodeError, read_remarks, usable_split
from sedlib.sources import prepare_episodes
from sedlib.synthesis import memory_needed

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("a", "b", "c", "d")
SPLIT = {"train": ["a", "d"], "validation": ["b"], "test": ["c"]}


@pytest.fixture
def own(tmp_path):
    """A good folder of four recordings; returns (folder, prepare it with such options)."""
    folder = tmp_path / "own"
    folder.mkdir()
    for i, name in enumerate(NAMES):
        rng = np.random.default_rng(i)
        soundfile.write(folder / f"{name}.mp3", rng.normal(0, 0.1, 3 * 22050), 22050)
        rows = [(name, 0.5, 1.5, "dog"), (name, 1.0, 2.0, "hen & egg")]
        annotations.write(event_table(rows), folder / f"{name}.txt", "audacity")

    def gather(classes=("dog", "hen & egg"), split=SPLIT, **options):
        raw = yaml.safe_load((ROOT / "params.yaml").read_text())
        raw |= {"classes": list(classes), "split": split}
        raw["episodes"] |= {"source": "folder"} | options
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
        params = load_params(tmp_path / "params.yaml")
        return params, *prepare_episodes(params, folder, tmp_path / "episodes")

    return folder, gather


def rows(path):
    return annotations.read(path)[["onset", "offset", "event_label"]].to_numpy().tolist()


def test_media_become_mono_flac_and_annotations_json(own, tmp_path):
    _, gather = own
    params, corrections, left_out = gather()
    assert corrections.empty and left_out.empty
    for name in NAMES:
        sound, rate = soundfile.read(tmp_path / "episodes" / f"{name}.flac")
        assert (rate, sound.shape) == (44100, (3 * 44100,))
        assert rows(tmp_path / "episodes" / f"{name}.json") == [
            [0.5, 1.5, "dog"],
            [1.0, 2.0, "hen & egg"],
        ]
    assert usable_split(params.split, tmp_path / "episodes") == params.split


def test_what_is_heard_stays_what_it_was_but_for_16_bit(own, tmp_path):
    folder, gather = own
    gather()
    sound = read_audio(tmp_path / "episodes" / "a.flac", 44100)
    np.testing.assert_allclose(sound, read_audio(folder / "a.mp3", 44100), atol=0.51 / 32768)


def test_one_table_may_annotate_all(own, tmp_path):
    folder, gather = own
    for name in NAMES:
        (folder / f"{name}.txt").unlink()
    table = event_table([(f"{name}.mp3", 0, 1, "dog") for name in NAMES])
    annotations.write(table, folder / "all.tsv")
    assert gather()[2].empty
    assert rows(tmp_path / "episodes" / "d.json") == [[0.0, 1.0, "dog"]]


def test_annotation_errors_are_corrected_and_every_one_is_listed(own, tmp_path):
    folder, gather = own
    faulty = [("a", 2.0, 1.0, "dog"), ("a", 1.0, 9.0, "Cat"), ("a", 0, 1, "cough")]
    annotations.write(event_table(faulty), folder / "a.txt", "audacity")
    _, corrections, left_out = gather(aliases={"cat": "hen & egg", "cough": None})
    assert left_out.empty
    assert sorted(corrections["error"]) == ["alias", "past the end", "reversed", "unwanted label"]
    assert rows(tmp_path / "episodes" / "a.json") == [[1.0, 2.0, "dog"], [1.0, 3.0, "hen & egg"]]
    stored, _ = read_remarks(tmp_path / "episodes")
    assert stored.to_dict("list") == corrections.to_dict("list")
    beside = annotations.read_folder(tmp_path / "episodes", NAMES)  # the corrections are not
    assert set(beside.sources) == set(NAMES) and beside.errors.empty


def delete_sound(folder):
    (folder / "d.mp3").unlink()


def delete_annotation(folder):
    (folder / "d.txt").unlink()


def empty_sound(folder):
    (folder / "d.mp3").write_bytes(b"")


def shorten_sound(folder):
    soundfile.write(folder / "d.mp3", np.zeros(11025), 22050)


def name_sound_twice(folder):
    (folder / "d.wav").write_bytes((folder / "d.mp3").read_bytes())


def annotate_twice(folder):
    annotations.write(event_table([("d", 0, 1, "dog")]), folder / "d.json")


def spoil_annotation(folder):
    (folder / "d.txt").write_text("0\t1\tdog\n1\tlater\tdog\n")


def give_milliseconds(folder):
    annotations.write(event_table([("d", 500, 1500, "dog")]), folder / "d.txt", "audacity")


def name_unknown_label(folder):
    annotations.write(event_table([("d", 0, 1, "fox")]), folder / "d.txt", "audacity")


FAULTS = {
    delete_sound: r"no media 'd\.\*' in .*; the nearest name there is",
    delete_annotation: r"d\.mp3: has no annotation beside it",
    empty_sound: r"d\.mp3: .*empty",
    shorten_sound: r"d\.mp3: lasts 0\.5\d* s, less than one segment",
    name_sound_twice: r"d\.mp3 and d\.wav have one name",
    annotate_twice: r"d\.json and d\.txt annotate 'd'",
    spoil_annotation: r"d\.txt: .*'later' is not a time",
    give_milliseconds: r"d\.txt: all events lie after the end of 'd', at .* look like milliseconds",
    name_unknown_label: r"d\.txt: event 1 of 'd' has the unknown label 'fox'; .* is 'dog'",
}


@pytest.mark.parametrize("spoil", FAULTS, ids=lambda f: f.__name__)
def test_a_bad_episode_stops_the_run_or_is_left_out_as_the_parameter_says(own, tmp_path, spoil):
    folder, gather = own
    spoil(folder)
    with pytest.raises(EpisodeError, match="episode 'd': .*" + FAULTS[spoil]):
        gather(bad="stop")
    params, _, left_out = gather(bad="leave out")
    assert list(left_out["name"]) == ["d"]
    assert left_out["reason"].str.contains(FAULTS[spoil]).all()
    assert not (tmp_path / "episodes" / "d.flac").exists()
    split = usable_split(params.split, tmp_path / "episodes")
    assert split.model_dump() == {"train": ("a",), "validation": ("b",), "test": ("c",)}
    assert rows(tmp_path / "episodes" / "a.json")


@pytest.mark.parametrize("pool", [None, nullcontext()])
def test_episodes_are_never_written_over_the_recordings_that_they_come_from(own, pool):
    folder, gather = own
    params, *_ = gather()
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(EpisodeError, match=r"own: is the folder that the episodes are written to"):
        prepare_episodes(params, folder, folder / "." / "sub" / "..", pool=pool)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_recording_that_was_converted_is_called_like_its_annotation(own, tmp_path):
    folder, gather = own
    (folder / "d.mp3").rename(folder / "d.mp4.mp3")
    (folder / "d.txt").rename(folder / "d.mp4.txt")
    gather()
    assert rows(tmp_path / "episodes" / "d.json")[0] == [0.5, 1.5, "dog"]


@pytest.mark.parametrize("name", ["01", "007", "1e5", "NA", "null", "True", "nan", "1.0", "#1"])
def test_an_episode_of_any_name_can_be_left_out(own, tmp_path, name):
    folder, gather = own
    for suffix in ("mp3", "txt"):
        (folder / f"a.{suffix}").rename(folder / f"{name}.{suffix}")
        (folder / f"e.{suffix}").write_bytes((folder / f"d.{suffix}").read_bytes())
    for bad in (name, "d"):
        (folder / f"{bad}.mp3").write_bytes(b"")
    (folder / "b.txt").write_text("0\t9\tdog\n2\t1\tNA\n")
    split = {"train": [name, "b"], "validation": ["c"], "test": ["d", "e"]}
    params, corrections, _ = gather(split=split, bad="leave out", aliases={"NA": "hen & egg"})
    split = usable_split(params.split, tmp_path / "episodes")
    assert split.model_dump() == {"train": ("b",), "validation": ("c",), "test": ("e",)}
    stored, left_out = read_remarks(tmp_path / "episodes")
    assert list(left_out["name"]) == [name, "d"]
    assert stored.to_dict("list") == corrections.to_dict("list")


@pytest.mark.parametrize("media", ["NFC", "NFD"])
def test_media_annotation_and_split_may_write_a_name_in_different_normal_forms(
    own, tmp_path, media
):
    folder, gather = own
    name = "Amélie é"
    forms = {"mp3": media, "txt": {"NFC": "NFD", "NFD": "NFC"}[media]}
    for suffix, form in forms.items():
        (folder / f"d.{suffix}").rename(folder / f"{unicodedata.normalize(form, name)}.{suffix}")
    for form in ("NFC", "NFD"):
        split = SPLIT | {"train": ["a", unicodedata.normalize(form, name)]}
        params, _, left_out = gather(split=split)
        assert left_out.empty and params.split.train[1] == name
        assert len(rows(tmp_path / "episodes" / f"{name}.json")) == 2


def copy_in_another_format(folder, sound):
    soundfile.write(folder / "c.wav", sound, 22050)


def copy_as_mp3(folder, sound):
    soundfile.write(folder / "c.mp3", 0.1 * sound, 22050, bitrate_mode="CONSTANT")


def copy_resampled(folder, sound):
    soundfile.write(folder / "c.flac", soxr.resample(sound, 22050, 16000), 16000)


def cut_excerpt(folder, sound):
    soundfile.write(folder / "c.ogg", np.stack([sound, sound], axis=1)[22050 * 7 :], 22050)


COPIES = (copy_in_another_format, copy_as_mp3, copy_resampled, cut_excerpt)


@pytest.mark.parametrize("copy", COPIES, ids=lambda f: f.__name__)
def test_no_sound_is_in_two_subsets_however_it_was_copied(own, tmp_path, copy):
    folder, gather = own
    sound = np.random.default_rng(9).normal(0, 0.1, 20 * 22050)
    (folder / "c.mp3").unlink()
    soundfile.write(folder / "a.wav", sound, 22050)
    (folder / "a.mp3").unlink()
    copy(folder, sound)
    fault = r"in split\.train, shares [12]\d s of sound with 'c' in split\.test"
    with pytest.raises(EpisodeError, match=f"episode 'a': .*{fault}"):
        gather(bad="stop")
    params, _, left_out = gather(bad="leave out")
    assert list(left_out["name"]) == ["a"] and left_out["reason"].str.contains(fault).all()
    assert not list((tmp_path / "episodes").glob("a.*"))
    split = usable_split(params.split, tmp_path / "episodes")
    assert split.model_dump() == {"train": ("d",), "validation": ("b",), "test": ("c",)}


def test_a_copy_within_a_subset_and_a_title_sequence_in_all_are_no_fault(own):
    folder, gather = own
    rng = np.random.default_rng(9)
    title = rng.normal(0, 0.1, 12 * 22050)
    for name in "abc":
        (folder / f"{name}.mp3").unlink()
        sound = np.concatenate([title, rng.normal(0, 0.1, 20 * 22050)])
        soundfile.write(folder / f"{name}.wav", sound, 22050)
    (folder / "d.mp3").write_bytes((folder / "a.wav").read_bytes())
    assert gather(bad="stop")[2].empty


def test_a_subset_without_an_episode_left_is_refused(own, tmp_path):
    folder, gather = own
    (folder / "c.mp3").write_bytes(b"")
    with pytest.raises(EpisodeError, match=r"every episode of split\.test was left out"):
        gather(bad="leave out")


@pytest.mark.parametrize(("subset", "names"), [("train", "ab"), ("validation", "d")])
def test_a_subset_to_learn_from_needs_an_event(own, subset, names):
    folder, gather = own
    split = {"train": ["a", "b"], "validation": ["d"], "test": ["c"]}
    for name in names:
        (folder / f"{name}.txt").write_text("")
    with pytest.raises(EpisodeError, match=rf"no episode of split\.{subset} has an event"):
        gather(split=split)


def test_a_folder_that_is_not_there_is_one_sentence(own):
    folder, gather = own
    folder.rename(folder.with_name("moved"))
    with pytest.raises(EpisodeError, match=r"own: no such folder; correct episodes\.folder"):
        gather()


def test_without_episodes_the_sentence_says_how_to_get_them(tmp_path):
    params = load_params(ROOT / "params.yaml")
    with pytest.raises(
        EpisodeError, match=r"corrections\.tsv: no such file; run `sedlib episodes`"
    ):
        usable_split(params.split, tmp_path)


@pytest.mark.parametrize("text", ["", "name\n", "episode\trow\n1\tx\n", "a\tb\n1\t2\t3\n"])
def test_damaged_lists_of_corrections_are_one_sentence(tmp_path, text):
    params = load_params(ROOT / "params.yaml")
    for name in ("corrections.tsv", "left_out.tsv"):
        (tmp_path / name).write_text(text)
    with pytest.raises(EpisodeError, match="is damaged; run `sedlib episodes`"):
        usable_split(params.split, tmp_path)


@pytest.mark.parametrize("free, expected", [(4.5, 4), (4, 4), (3.95, 3), (1.5, 1), (0, 1)])
def test_no_more_processes_start_than_the_free_memory_holds(monkeypatch, tmp_path, free, expected):
    def worker_pool(processes):
        raise RuntimeError(f"{processes} processes")

    params = load_params(ROOT / "params.yaml")
    monkeypatch.setattr(sources, "free_memory", lambda: free * memory_needed(params))
    monkeypatch.setattr(sources, "worker_pool", worker_pool)
    with pytest.raises(RuntimeError, match=f"^{expected} processes"):
        prepare_episodes(params, tmp_path, tmp_path / "episodes", 4)
