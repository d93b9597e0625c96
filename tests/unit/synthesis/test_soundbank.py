"""Claims about sound banks, on small ones of tones and noise."""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections import Counter
from itertools import product

import numpy as np
import pandas as pd
import pytest
import soundfile
import soxr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sedlib.audio import AudioError
from sedlib.config import ConfigError, load_params
from sedlib.synthesis import mixing, synthesise
from sedlib.synthesis.sound_registry import SOUNDS
from sedlib.synthesis.soundbank import SUBSET_SHARES, open_soundbank
from sedlib.synthesis.soundbank_groups import read_credits

RATE = 44100
SECONDS = 16.0
CLASSES = load_params().classes
DOORS = {"doors": "opening/closing doors"}
FOLDERS = tuple("doors" if c in DOORS.values() else c.replace(" ", "_") for c in CLASSES)
TONES = {c: 700.0 + 411.0 * i for i, c in enumerate((*CLASSES, "ambience"))}  # Hz


def tone(frequency, seconds):
    return 0.3 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)


def noise(seed, seconds=0.12):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * RATE))


def silence(seconds):
    return np.zeros(round(seconds * RATE))


def write(path, samples):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE)


def note(folder, groups):
    """Write sources.csv."""
    rows = [(name, f"trimmed; group={group}; src_sr=44100") for name, group in groups.items()]
    pd.DataFrame(rows, columns=["path", "notes"]).to_csv(folder / "sources.csv", index=False)


def small_soundbank(folder, n=3, places=("knocking",)):
    """`n` different recordings of noise in each place."""
    for k, place in enumerate(places):
        for i in range(n):
            write(folder / place / f"{i}.wav", noise([k, i]))
    return folder


def subsets_of(soundbank):
    return {recording.name: recording.subset for recording in soundbank.recordings}


def strength(x, frequency):
    """Level in dB of one frequency in frames of 50 ms: Goertzel's sum, written out."""
    frames = x[: len(x) // 2205 * 2205].reshape(-1, 2205).astype(float)
    wave = np.exp(-2j * np.pi * frequency * np.arange(2205) / RATE) * np.hanning(2205)
    return 20 * np.log10(np.abs(frames @ wave) / wave.size * 4 + 1e-9)


@pytest.fixture(scope="module")
def tonal(tmp_path_factory):
    """A folder in which each class is a tone of its own, with silence around it."""
    folder = tmp_path_factory.mktemp("tonal")
    rng = np.random.default_rng(0)
    for place, label in zip((*FOLDERS, "ambience"), TONES, strict=True):
        for i in range(4):
            x = tone(TONES[label], rng.uniform(0.4, 2.5))
            write(folder / place / f"{i}.wav", np.concatenate([silence(0.3), x, silence(0.4)]))
    return folder


@pytest.fixture(scope="module")
def soundbank(tonal):
    return open_soundbank(tonal, CLASSES, DOORS, 2018)


@pytest.fixture(scope="module")
def episode(soundbank, params_for):
    return synthesise("s01_ep08", params_for(SECONDS), soundbank)


# --- the split


def joined(links):
    """Merge sets of names until none share a link; slow and obvious."""
    sets = [({name}, set(link)) for name, link in links.items()]
    merged = True
    while merged:
        merged = False
        for a, b in product(sets, sets):
            if a is not b and a[1] & b[1]:
                sets.remove(a)
                sets.remove(b)
                sets.append((a[0] | b[0], a[1] | b[1]))
                merged = True
                break
    return [names for names, _ in sets]


@settings(max_examples=10, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_a_group_is_in_one_subset_and_each_class_in_each(data, seed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("soundbank")
    places = ("knocking", "door_bell", "ambience")
    small_soundbank(folder, n=3, places=places)  # three of its own, so that it can be done
    links = {f"{place}/{i}.wav": {f"{place} {i}"} for place in places for i in range(3)}
    notes = {}
    extra = st.tuples(st.sampled_from(places), st.integers(0, 5), st.integers(0, 5))
    for i, (place, group, content) in enumerate(data.draw(st.lists(extra, max_size=12))):
        name = f"{place}/more{i}.wav"
        write(folder / name, noise([99, content]))
        notes[name] = f"g{group}"
        links[name] = {f"group {group}", f"content {content}"}
    note(folder, notes)
    soundbank = open_soundbank(folder, ("knocking", "door bell"), {}, seed)
    subsets = subsets_of(soundbank)
    assert subsets.keys() == links.keys()
    groups = {recording.name: recording.group for recording in soundbank.recordings}
    together = joined(links)
    assert len({*groups.values()}) == len(together)
    for names in together:
        assert len({subsets[name] for name in names}) == 1
        assert len({groups[name] for name in names}) == 1
    for label in ("knocking", "door bell", "ambience"):
        assert {r.subset for r in soundbank.recordings if r.label == label} == {*SUBSET_SHARES}


@settings(max_examples=20, deadline=None)
@given(
    held=st.lists(
        st.sets(st.integers(0, 4), min_size=3, max_size=4), min_size=3, max_size=3, unique_by=str
    )
)
@example(held=[{0, 1, 2}, {0, 1, 3}, {0, 2, 3}])  # 2 and 3 would have to differ and agree
@example(held=[{0, 1, 2}, {0, 3, 4}, {0, 1, 3}])  # the first try ends nowhere
def test_groups_that_hold_several_classes_are_split_if_it_can_be_done(held, tmp_path_factory):
    folder = tmp_path_factory.mktemp("soundbank")
    classes = ("a", "b", "c")
    notes = {}
    for label, groups in zip(classes, held, strict=True):
        for group in groups:
            name = f"{label}/{group}.wav"
            write(folder / name, noise([ord(label), group]))
            notes[name] = f"g{group}"
    note(folder, notes)
    possible = any(
        all(len({subsets[group] for group in groups}) == 3 for groups in held)
        for subsets in product(SUBSET_SHARES, repeat=5)
    )
    if possible:
        soundbank = open_soundbank(folder, classes, {}, 1)
        for label in classes:
            assert {r.subset for r in soundbank.recordings if r.label == label} == {*SUBSET_SHARES}
    else:
        with pytest.raises(ConfigError, match="too many groups hold several classes"):
            open_soundbank(folder, classes, {}, 1)


@pytest.mark.parametrize("n", [3, 4, 7, 20])
def test_about_60_15_and_25_percent_go_to_the_subsets(tmp_path, n):
    small_soundbank(tmp_path, n)
    counts = Counter(subsets_of(open_soundbank(tmp_path, ("knocking",), {}, 5)).values())
    expected = {3: (1, 1, 1), 4: (2, 1, 1), 7: (4, 1, 2), 20: (12, 3, 5)}[n]
    assert tuple(counts[subset] for subset in SUBSET_SHARES) == expected


def test_a_group_without_a_note_is_the_file_itself(tmp_path):
    small_soundbank(tmp_path)
    note(tmp_path, {})
    groups = {r.group for r in open_soundbank(tmp_path, ("knocking",), {}, 0).recordings}
    assert groups == {f"knocking/{i}.wav" for i in range(3)}


WAYS_TO_WRITE = {
    "as it is": lambda name, folder: name,
    "dot": lambda name, folder: f"./{name}",
    "backslashes": lambda name, folder: name.replace("/", "\\"),
    "absolute": lambda name, folder: str(folder / name),
    "on another machine": lambda name, folder: f"C:\\bank\\{name}".replace("/", "\\"),
    "name alone": lambda name, folder: name.rpartition("/")[2],
    "upper case": lambda name, folder: name.upper(),
    "other normal form": lambda name, folder: unicodedata.normalize("NFD", name),
}


@pytest.mark.parametrize("way", WAYS_TO_WRITE)
def test_a_group_holds_however_its_paths_are_written(tmp_path, way):
    small_soundbank(tmp_path, places=("knocking", "door_bell"))
    names = [f"{place}/klopfén {i}{place}.wav" for place in ("knocking", "door_bell") for i in "ab"]
    for i, name in enumerate(names):
        write(tmp_path / name, noise([7, i]))
    note(tmp_path, {WAYS_TO_WRITE[way](name, tmp_path): "one night" for name in names})
    for seed in range(4):
        recordings = open_soundbank(tmp_path, ("knocking", "door bell"), {}, seed).recordings
        together = [recording for recording in recordings if recording.name in names]
        assert {recording.group for recording in together} == {"one night"}
        assert len({recording.subset for recording in together}) == 1


def test_copies_of_a_recording_are_one_group_however_they_are_encoded(tmp_path):
    small_soundbank(tmp_path, n=5, places=("knocking", "door_bell"))
    sound = noise(1, 4.0)
    write(tmp_path / "knocking" / "original.wav", sound)
    quiet = soxr.resample(0.1 * sound[RATE // 2 :], RATE, 22050)
    soundfile.write(tmp_path / "door_bell" / "copy.mp3", quiet, 22050)
    write(tmp_path / "knocking" / "other.wav", noise(2, 4.0))
    for seed in range(4):
        recordings = open_soundbank(tmp_path, ("knocking", "door bell"), {}, seed).recordings
        groups = {recording.name: recording.group for recording in recordings}
        assert groups["knocking/original.wav"] == groups["door_bell/copy.mp3"]
        assert len({*groups.values()}) == len(groups) - 1 == 12


def test_short_sounds_of_one_kind_are_not_taken_for_copies(tmp_path):
    # Knocks of the synthesis, 0.3 s each, and bells: short or with few partials, as like as can be.
    for i in range(12):
        for place, label, length in (("knocking", "knocking", 0.3), ("door_bell", "door bell", 1)):
            sound = SOUNDS[label].make(np.random.default_rng(i), round(length * RATE), RATE)
            write(tmp_path / place / f"{i}.wav", 0.5 * sound / np.abs(sound).max())
    recordings = open_soundbank(tmp_path, ("knocking", "door bell"), {}, 0).recordings
    assert len({recording.group for recording in recordings}) == 24


def test_a_file_in_two_groups_joins_them(tmp_path):
    small_soundbank(tmp_path, n=6)
    rows = [("0.wav", "group=a"), ("1.wav", "group=a"), ("1.wav", "group=b"), ("2.wav", "group=b")]
    pd.DataFrame(rows, columns=["path", "notes"]).to_csv(tmp_path / "sources.csv", index=False)
    recordings = open_soundbank(tmp_path, ("knocking",), {}, 0).recordings
    assert len({r.group for r in recordings if r.path.stem in "012"}) == 1


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("knocking/gone.wav", "is not in the sound bank; correct the path, or remove the row"),
        ("doors/0.wav", "is not in the sound bank"),
        ("0.wav", r"may be door_bell/0\.wav or knocking/0\.wav; give the folder as well"),
        ("", "is not in the sound bank"),
    ],
)
def test_a_row_of_sources_that_fits_no_file_or_several_is_an_error(tmp_path, path, fault):
    small_soundbank(tmp_path, places=("knocking", "door_bell"))
    note(tmp_path, {"knocking/1.wav": "x", path: "x"})
    with pytest.raises(ConfigError, match=rf"sources\.csv: row 2: '{path}' {fault}"):
        open_soundbank(tmp_path, ("knocking", "door bell"), {}, 0)


def test_a_row_may_name_a_file_that_is_left_out_and_empty_rows_do_not_matter(tmp_path):
    small_soundbank(tmp_path, places=("knocking", "other"))
    (tmp_path / "knocking" / "notes.txt").write_text("by me")
    (tmp_path / "sources.csv").write_text("path,notes\nother/0.wav,group=x\nnotes.txt,\n,\n")
    assert len(open_soundbank(tmp_path, ("knocking",), {"other": None}, 0).recordings) == 3


def test_recordings_may_be_in_subfolders_of_the_folder_of_a_class(tmp_path):
    small_soundbank(tmp_path)
    write(tmp_path / "knocking" / "studio" / "new" / "3.wav", noise(7))
    names = {r.name for r in open_soundbank(tmp_path, ("knocking",), {}, 0).recordings}
    assert names == {*(f"knocking/{i}.wav" for i in range(3)), "knocking/studio/new/3.wav"}


def test_a_row_fits_files_behind_links_as_it_fits_others(tmp_path):
    bank = tmp_path / "bank"
    small_soundbank(bank, n=4, places=("knocking", "door_bell"))
    (bank / "door_bell").rename(tmp_path / "elsewhere")
    (bank / "door_bell").symlink_to(tmp_path / "elsewhere")
    note(bank, {"door_bell/1.wav": "x", "door_bell/2.wav": "x"})
    recordings = open_soundbank(bank, ("knocking", "door bell"), {}, 0).recordings
    assert sum(recording.group == "x" for recording in recordings) == 2
    note(bank, {"1.wav": "x"})
    with pytest.raises(ConfigError, match=r"may be door_bell/1\.wav or knocking/1\.wav"):
        open_soundbank(bank, ("knocking", "door bell"), {}, 0)


def test_rows_about_one_recording_may_not_name_different_licences(tmp_path):
    small_soundbank(tmp_path)
    head, rest = "path,licence,author_or_credit,source_repo,source_file\n", ",a,b,c\n"
    row = f"knocking/0.wav,CC0{rest}"
    (tmp_path / "sources.csv").write_text(head + row + row)
    assert read_credits(tmp_path)["knocking/0.wav"]["licence"] == "CC0"
    (tmp_path / "sources.csv").write_text(head + row + row.replace("CC0", "CC BY-NC"))
    with pytest.raises(ConfigError, match=r"sources.csv: the rows about 'knocking/0.wav' differ"):
        read_credits(tmp_path)


def test_a_folder_is_that_of_a_class_in_any_unicode_normal_form(tmp_path):
    for form in ("NFC", "NFD"):
        small_soundbank(tmp_path, places=[unicodedata.normalize(form, "türen_é")])
        [place] = tmp_path.iterdir()
        assert open_soundbank(tmp_path, ("türen é",), {}, 0).labels == ("türen é",)
        assert open_soundbank(tmp_path, ("x",), {"türen é": "x"}, 0).labels == ("x",)
        shutil.rmtree(place)


def test_another_seed_gives_another_split(tmp_path):
    small_soundbank(tmp_path, 12)
    first, again, other = (
        subsets_of(open_soundbank(tmp_path, ("knocking",), {}, seed)) for seed in (1, 1, 2)
    )
    assert first == again != other


# --- folders and classes


def test_names_fit_exactly_or_with_underscores_or_by_an_alias(tmp_path):
    places = ("knocking", "door_bell", "doors", "cup_boards", "old_stuff", "a_b", "ambience")
    small_soundbank(tmp_path, places=places)
    aliases = {"doors": "x/y", "cup boards": "x/y", "old_stuff": None}
    soundbank = open_soundbank(tmp_path, ("knocking", "door bell", "x/y", "a_b"), aliases, 0)
    labels = {recording.name.split("/")[0]: recording.label for recording in soundbank.recordings}
    assert labels == {
        "knocking": "knocking",
        "door_bell": "door bell",
        "doors": "x/y",
        "cup_boards": "x/y",
        "a_b": "a_b",
        "ambience": "ambience",
    }


@pytest.mark.parametrize(
    ("classes", "aliases", "sentence"),
    [
        (["knocking"], {}, r"door_bel: no class is called 'door bel', the nearest is '\w+'; .*"),
        (
            ["knocking", "door bell"],
            {},
            r"door_bel: no class is called 'door bel', the nearest is 'door bell'; .*under aliase"
            r"s in params\.yaml",
        ),
        (
            ["knocking"],
            {"door_bel": "knoking"},
            r"no class is called 'knoking', the nearest is 'knocking'",
        ),
        (
            ["knocking", "clapping"],
            {"door_bel": None},
            r"class 'clapping' has no folder; .*take it out of classes",
        ),
        (
            ["door bell", "knocking"],
            {"door_bel": "door bell", "knocking": None},
            r"class 'knocking' has no folder",
        ),
    ],
)
def test_a_folder_without_class_and_a_class_without_folder_are_named(
    tmp_path, classes, aliases, sentence
):
    small_soundbank(tmp_path, places=("knocking", "door_bel"))
    with pytest.raises(ConfigError, match=sentence):
        open_soundbank(tmp_path, classes, aliases, 0)


def test_fewer_than_three_independent_recordings_are_too_few(tmp_path):
    small_soundbank(tmp_path)
    shutil.copy(tmp_path / "knocking" / "0.wav", tmp_path / "knocking" / "2.wav")
    with pytest.raises(
        ConfigError, match=r"class 'knocking' has 2 independent recordings, but 3 are needed"
    ):
        open_soundbank(tmp_path, ("knocking",), {}, 0)
    small_soundbank(tmp_path)
    small_soundbank(tmp_path, n=1, places=("ambience",))
    with pytest.raises(ConfigError, match=r": 'ambience' has 1 independent recordings"):
        open_soundbank(tmp_path, ("knocking",), {}, 0)
    assert open_soundbank(tmp_path, ("knocking",), {"ambience": None}, 0).labels == ("knocking",)
    (tmp_path / "clapping").mkdir()
    with pytest.raises(ConfigError, match=r"class 'clapping' has 0 independent recordings"):
        open_soundbank(tmp_path, ("knocking", "clapping"), {"ambience": None}, 0)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"gone: no such folder; .*params\.yaml"):
        open_soundbank(tmp_path / "gone", ("knocking",), {}, 0)


@pytest.mark.parametrize("text", [b"", b"file,notes\na,b\n", b"path,notes\n\xff\xfe,1\n"])
def test_a_table_of_sources_that_is_none_is_named(tmp_path, text):
    small_soundbank(tmp_path)
    (tmp_path / "sources.csv").write_bytes(text)
    with pytest.raises(ConfigError, match=r"sources\.csv: not a table with the columns path"):
        open_soundbank(tmp_path, ("knocking",), {}, 0)


# --- recordings that cannot be used


@pytest.mark.parametrize(
    ("samples", "fault"),
    [
        (None, "cannot be read"),
        (silence(1), "silent"),
        (np.full(RATE, 0.25), "silent"),
        (np.concatenate([silence(0.5), noise(0, 0.02), silence(0.5)]), r"holds 0\.0\d+ s of sound"),
    ],
)
def test_a_bad_recording_stops_the_run_or_is_left_out_and_told(tmp_path, samples, fault):
    small_soundbank(tmp_path)
    bad = tmp_path / "knocking" / "bad.wav"
    if samples is None:
        bad.write_text("not sound")
    else:
        write(bad, samples)
    with pytest.raises(AudioError, match=rf"bad\.wav: {fault}.*episodes\.bad"):
        open_soundbank(tmp_path, ("knocking",), {}, 0)
    soundbank = open_soundbank(tmp_path, ("knocking",), {}, 0, bad="leave out")
    assert [r.name for r in soundbank.recordings] == [f"knocking/{i}.wav" for i in range(3)]
    [(name, sentence)] = soundbank.left_out
    assert name == "knocking/bad.wav"
    assert re.search(rf"bad\.wav: {fault}", sentence)


def test_a_recording_that_resampling_leaves_without_samples_is_left_out(tmp_path):
    small_soundbank(tmp_path)
    soundfile.write(tmp_path / "knocking" / "bad.wav", np.array([0.5]), 192_000)
    soundbank = open_soundbank(tmp_path, ("knocking",), {}, 0, bad="leave out")
    assert [name for name, _ in soundbank.left_out] == ["knocking/bad.wav"]


# --- sounds


def one_sound(tmp_path, samples):
    """Maker of a class with one recording in its subset."""
    for i in range(3):
        write(tmp_path / "knocking" / f"{i}.wav", samples(i))
    soundbank = open_soundbank(tmp_path, ("knocking",), {}, 0)
    return soundbank.maker("knocking", "train", RATE)


def test_a_sound_begins_where_its_recording_does_and_long_pauses_are_shortened(tmp_path):
    def knocks(i):
        pauses = (0.5, 0.2, 0.9)
        return np.concatenate([p for s in pauses for p in (silence(s), tone(300 + i, 0.3))])

    n = int(1.6 * RATE)
    x = one_sound(tmp_path, knocks)(np.random.default_rng(0), n)
    heard = np.flatnonzero(np.abs(x) > 0.3) / RATE
    # 0.3 s of sound, 0.2 s of silence, sound, 0.3 s, sound, and then from the start again.
    begins = heard[np.r_[True, np.diff(heard) > 0.05]]
    np.testing.assert_allclose(begins, [0, 0.5, 1.1], atol=0.03)


def test_short_recordings_follow_each_other_without_gap_or_click(tmp_path):
    def burst(i):
        return np.concatenate([silence(0.2), tone(230 + i, 0.33), silence(0.2)])

    make = one_sound(tmp_path, burst)
    n = int(2.1 * RATE)
    for seed in range(4):
        x = make(np.random.default_rng(seed), n)
        loud = np.abs(x[: n // 441 * 441]).reshape(-1, 441).max(axis=1) > 0.1
        silent = np.diff(np.flatnonzero(np.r_[True, loud, True])) - 1
        assert silent.max() <= 10  # hundredths of a second
        assert np.abs(np.diff(x)).max() < 0.1  # a sine of 230 Hz has 0.05, a click 1.4


def test_what_is_left_after_a_recording_stays_silent_if_it_is_too_short_for_another(tmp_path):
    make = one_sound(tmp_path, lambda i: tone(230 + i, 0.33))
    x = make(np.random.default_rng(0), int(0.42 * RATE))
    assert np.abs(x[: int(0.3 * RATE)]).max() > 0.5
    assert not x[int(0.34 * RATE) :].any()


def test_a_long_recording_is_cut_where_it_sounds(tmp_path):
    def seldom(i):
        x = 0.05 * noise(i, 8.0)  # too loud to be taken for silence
        x[5 * RATE : 6 * RATE] += tone(500 + i, 1.0)
        return x

    make = one_sound(tmp_path, seldom)
    for seed in range(20):
        x = make(np.random.default_rng(seed), int(0.5 * RATE))
        assert np.mean(x**2) > 0.25
        assert np.mean(x[:882] ** 2) > 0.1


def test_a_steady_recording_is_cut_anywhere_and_often_from_its_beginning(tmp_path):
    def sweep(i):
        return 0.3 * np.sin(2 * np.pi * (200 + 10 * i) * (np.arange(5 * RATE) / RATE) ** 2)

    make = one_sound(tmp_path, sweep)
    crossings = [
        np.count_nonzero(np.diff(np.sign(make(np.random.default_rng(seed), RATE // 2))))
        for seed in range(40)
    ]
    first = np.array(crossings) == min(crossings)
    assert 10 <= first.sum() <= 30
    assert len(set(crossings)) > 10


def test_a_turn_stays_with_its_speaker_as_long_as_there_is_more_of_him(tmp_path):
    notes = {}
    for i in range(24):
        name = f"speaking/{i:02}.wav"
        write(tmp_path / name, tone(500 + 100 * i, 0.5))
        notes[name] = f"speaker{i % 6}"
    note(tmp_path, notes)
    soundbank = open_soundbank(tmp_path, ("speaking",), {}, 0)
    make = soundbank.maker("speaking", "train", RATE)
    for seed in range(5):
        x = make(np.random.default_rng(seed), 4 * RATE)
        parts = x.reshape(8, -1)[:, 2205:-2205]
        heard = [
            max(range(24), key=lambda i: strength(part, 500 + 100 * i).mean()) for part in parts
        ]
        for turn in (heard[:4], heard[4:]):
            assert len({*turn}) == 4 and len({i % 6 for i in turn}) == 1


def test_a_sound_bank_that_lacks_a_class_is_named(soundbank):
    with pytest.raises(ConfigError, match="without class 'yodelling' for test"):
        soundbank.maker("yodelling", "test", RATE)


def pitch(x):
    """Frequency in Hz of the strongest component."""
    return np.argmax(np.abs(np.fft.rfft(x * np.hanning(len(x))))) * RATE / len(x)


def test_a_varied_sound_bank_changes_the_speed_in_training_alone(soundbank):
    varied = dataclasses.replace(soundbank, varied=True)
    for subset in ("train", "validation", "test"):
        make = varied.maker("knocking", subset, RATE)
        played = [make(np.random.default_rng(seed), RATE // 4) for seed in range(12)]
        speeds = np.array([pitch(x) for x in played]) / TONES["knocking"]
        if subset == "train":
            assert 0.79 < speeds.min() < 0.9 and 1.1 < speeds.max() < 1.26
        else:
            assert np.abs(speeds - 1).max() < 0.01


def test_the_shortest_recordings_that_are_accepted_can_be_varied(tmp_path):
    for i in range(3):
        write(tmp_path / "knocking" / f"{i}.wav", noise([i], 0.102))
    soundbank = open_soundbank(tmp_path, ("knocking",), {}, 0)
    make = dataclasses.replace(soundbank, varied=True).maker("knocking", "train", RATE)
    for seed in range(10):
        assert np.isfinite(make(np.random.default_rng(seed), RATE // 2)).all()


def test_the_fewer_groups_the_more_events_are_computed_but_in_training_alone(tmp_path):
    small_soundbank(tmp_path, n=3, places=("door_bell", "knocking", "ambience"))
    for i in range(9):
        write(tmp_path / "knocking" / f"more{i}.wav", noise([9, i]))
    plain = open_soundbank(tmp_path, ("knocking", "door bell"), {}, 0)
    varied = dataclasses.replace(plain, varied=True)
    assert varied.computed_share("door bell", "train") == 4 / 5
    assert varied.computed_share("knocking", "train") < 4 / 10
    assert varied.computed_share("ambience", "train") == 0
    assert varied.computed_share("door bell", "test") == 0
    assert plain.computed_share("door bell", "train") == 0


def test_an_episode_mixes_recorded_and_computed_sounds_in_that_share():
    cues = pd.DataFrame(
        {"onset": np.arange(40.0), "offset": np.arange(40.0) + 0.9, "sound": "knocking"}
    ).assign(level=-20.0)
    heard = {}
    for share in (0.0, 0.3, 1.0):
        calls = []

        def recorded(rng, n, calls=calls):
            calls.append(n)
            return rng.standard_normal(n)

        mixing.render(cues, np.random.default_rng(1), 41.0, RATE, {"knocking": (recorded, share)})
        heard[share] = len(calls)
    assert heard[0.0] == 40 and heard[1.0] == 0
    assert 20 <= heard[0.3] <= 36


@pytest.mark.parametrize("label", [*CLASSES, "ambience"])
def test_a_recorded_sound_fills_its_time(soundbank, label):
    make = soundbank.maker(label, "test", RATE)
    for n in (int(0.31 * RATE), int(3.27 * RATE)):
        x = mixing.make_dry_sound(np.random.default_rng(n), make, n, RATE, 0.0)
        assert x.shape == (n,) and np.isfinite(x).all() and x[0] != 0 and x[-1] != 0
        for part in (x[: n // 5], x[-n // 5 :]):
            assert 20 * np.log10(np.sqrt(np.mean(part**2))) > -40


# --- episodes


def test_an_annotated_class_is_heard_during_its_events_and_not_elsewhere(episode):
    waveform, events = episode
    frames = np.arange(len(waveform) // 2205) * 0.05
    seen = 0
    for label in CLASSES:
        level = strength(waveform, TONES[label])
        own = events[events.event_label == label]
        near = np.zeros(len(frames), bool)
        for event in own.itertuples():
            inside = (frames >= event.onset) & (frames + 0.05 <= event.offset)
            assert np.median(level[inside]) > -45 and np.percentile(level[inside], 15) > -48
            near |= (frames > event.onset - 0.1) & (frames < event.offset + 1.0)
            seen += 1
        # What else there is at this frequency are distractors and distant reverberation.
        assert near.all() or np.median(level[~near]) < -65
    assert seen == len(events) > 10


def test_an_episode_has_only_recordings_of_its_subset_wherever_the_sound_bank_is(
    tonal, soundbank, episode, tmp_path, params_for, digest
):
    moved = tmp_path / "elsewhere"
    shutil.copytree(tonal, moved, copy_function=shutil.copyfile)
    again = open_soundbank(moved, CLASSES, DOORS, 2018)
    assert subsets_of(again) == subsets_of(soundbank)
    for recording in again.recordings:
        if recording.subset != "test":
            recording.path.unlink()
    waveform, events = synthesise("s01_ep08", params_for(SECONDS), again)
    assert digest(waveform) == digest(episode[0])
    pd.testing.assert_frame_equal(events, episode[1])
    with pytest.raises(AudioError, match="no such file"):
        synthesise("s01_ep01", params_for(SECONDS), again)


def test_another_process_mixes_the_same_episode(tonal, episode, digest):
    code = (
        "import hashlib, sys\n"
        "from sedlib.config import load_params\n"
        "from sedlib.synthesis import synthesise\n"
        "from sedlib.synthesis.soundbank import open_soundbank\n"
        "p = load_params()\n"
        f"short = {{'duration': {SECONDS}, 'evaluation_duration': {SECONDS}}}\n"
        "e = p.episodes.model_copy(update=short)\n"
        "p = p.model_copy(update={'episodes': e})\n"
        f"soundbank = open_soundbank(sys.argv[1], p.classes, {DOORS}, 2018)\n"
        "print(hashlib.sha256(synthesise('s01_ep08', p, soundbank)[0].tobytes()).hexdigest())\n"
    )
    environment = os.environ | {"PYTHONHASHSEED": "11", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code, tonal],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    assert done.stdout.strip() == digest(episode[0])


def test_the_script_is_that_of_the_synthetic_episode_and_the_sound_is_not(
    episode, params_for, digest
):
    waveform, events = synthesise("s01_ep08", params_for(SECONDS))
    pd.testing.assert_frame_equal(events, episode[1])
    assert digest(waveform) != digest(episode[0])


def test_the_background_is_recorded_if_the_sound_bank_has_ambience(
    tonal, soundbank, episode, params_for
):
    without = open_soundbank(tonal, CLASSES, DOORS | {"ambience": None}, 2018)
    bare, _ = synthesise("s01_ep08", params_for(SECONDS), without)
    levels = [np.median(strength(x, TONES["ambience"])) for x in (episode[0], bare)]
    assert levels[0] > levels[1] + 6


def test_the_band_ends_below_that_of_speech_sampled_at_16_khz(tmp_path, params_for):
    for place in FOLDERS:
        for i in range(3):
            write(tmp_path / place / f"{i}.wav", noise([len(place), i], 0.7))
    soundbank = open_soundbank(tmp_path, CLASSES, DOORS, 0)
    x, _ = synthesise("s01_ep01", params_for(10.0), soundbank)
    power = np.abs(np.fft.rfft(x * np.hanning(len(x)))) ** 2
    frequency = np.fft.rfftfreq(len(x), 1 / RATE)
    density = {
        f: 10 * np.log10(power[(frequency > f) & (frequency < f + 400)].mean())
        for f in (6000, 7000, 8000, 9000, 15000)
    }
    assert density[7000] > density[6000] - 6
    assert density[8000] < density[7000] - 30
    assert abs(density[9000] - density[15000]) < 1.5  # the faint noise that is everywhere


def test_an_episode_in_no_subset_is_refused(soundbank, params_for):
    with pytest.raises(ConfigError, match=r"episode 'pilot' is in no subset of split"):
        synthesise("pilot", params_for(10.0), soundbank)


@pytest.mark.parametrize("written", ["group=a", "group = a", "Group=a", "by hand; group=a; x"])
def test_a_group_is_understood_however_it_is_noted(tmp_path, written):
    small_soundbank(tmp_path, n=4)
    rows = [(f"knocking/{i}.wav", written) for i in (0, 1)]
    pd.DataFrame(rows, columns=["path", "notes"]).to_csv(tmp_path / "sources.csv", index=False)
    groups = {r.name: r.group for r in open_soundbank(tmp_path, ("knocking",), {}, 0).recordings}
    assert groups["knocking/0.wav"] == groups["knocking/1.wav"] != groups["knocking/2.wav"]


def test_a_row_with_more_values_than_columns_is_refused_not_cut(tmp_path):
    small_soundbank(tmp_path)
    (tmp_path / "sources.csv").write_text("path,notes\nknocking/0.wav,close, group=a\n")
    with pytest.raises(ConfigError, match="row 1: has more values than there are columns"):
        open_soundbank(tmp_path, ("knocking",), {}, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text there")
def test_a_name_that_is_not_utf_8_is_no_obstacle(tmp_path):
    small_soundbank(tmp_path)
    (tmp_path / "knocking" / "0.wav").rename(tmp_path / "knocking" / os.fsdecode(b"caf\xe9.wav"))
    assert len(open_soundbank(tmp_path, ("knocking",), {}, 0).recordings) == 3
