import json
import os
import re
import resource
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

import sedlib
from sedlib import annotations
from sedlib.__main__ import main
from sedlib.audio import read_audio
from sedlib.cli import build_parser
from sedlib.config import load_params

ROOT = Path(__file__).resolve().parents[2]
SPLIT = {"train": ["a"], "validation": ["b"], "test": ["c"]}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A folder with a params.yaml of three short episodes; returns how to change it."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw["episodes"] |= {"duration": 10, "evaluation_duration": 10}
    raw["split"] = SPLIT
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEDLIB_WORKSPACE", raising=False)

    def change(section=None, **values):
        (raw[section] if section else raw).update(values)
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
        return tmp_path

    change()
    return change


def message(*arguments):
    """Run a command that must fail; return its error message, which is one sentence."""
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    assert isinstance(stop.value.code, str)  # Python prints it and exits with 1
    return stop.value.code


def test_episodes_creates_every_episode_of_the_split_and_its_annotation(checkout):
    folder = checkout() / "data" / "episodes"
    main(["episodes"])
    params = load_params()
    made = [f"{name}.{kind}" for name in "abc" for kind in ("flac", "json")]
    assert {p.name for p in folder.iterdir()} == {*made, "corrections.tsv", "left_out.tsv"}
    sounds = [read_audio(folder / f"{name}.flac", 44100) for name in "abc"]
    assert [len(x) for x in sounds] == [10 * 44100] * 3
    assert not np.array_equal(sounds[0], sounds[1])
    events = annotations.read(folder / "a.json", params.classes)
    assert set(events["filename"]) == {"a"}
    assert events["offset"].max() <= 10


def test_results_are_written_to_the_workspace_if_one_is_set(checkout, monkeypatch):
    top = checkout(split={"train": ["a"], "validation": ["b"], "test": ["c"]})
    monkeypatch.setenv("SEDLIB_WORKSPACE", str(top / "scratch"))
    main(["episodes"])
    assert (top / "scratch" / "data" / "episodes" / "a.flac").is_file()
    assert not (top / "data").exists()


def test_an_error_in_the_parameters_is_one_sentence(checkout):
    checkout("train", epoch=3)
    expected = "sedlib: params.yaml: unknown key 'train.epoch'; did you mean 'epochs'?"
    assert message("episodes") == expected
    assert message("run-notebook", str(ROOT / "notebooks" / "02_preprocess_stft.py")) == expected


def test_an_episode_in_two_subsets_is_one_sentence(checkout):
    checkout(split=SPLIT | {"test": ["a"]})
    assert "episode 'a' is in train and again in test" in message("episodes")


def test_a_class_that_cannot_be_synthesised_is_one_sentence(checkout):
    checkout(classes=["speaking", "yodelling"])
    assert "no sound is known for class 'yodelling'" in message("episodes")


def test_a_missing_notebook_is_one_sentence(checkout):
    checkout()
    assert "none.py: no such notebook" in message("run-notebook", "none.py")


@pytest.fixture
def folder(tmp_path):
    """A folder with three recordings of noise, annotated."""
    folder, rng = tmp_path / "own", np.random.default_rng(0)
    folder.mkdir()
    for name in ("a", "b", "c"):
        soundfile.write(folder / f"{name}.wav", rng.normal(0, 0.1, 3 * 44100), 44100)
        (folder / f"{name}.txt").write_text("0\t2.5\tspeaking\n")
    return folder


def check(*arguments):
    """Run `sedlib check`; return its exit code."""
    with pytest.raises(SystemExit) as stop:
        main(["check", *map(str, arguments)])
    return stop.value.code


def test_the_exit_code_of_check_is_that_of_the_worst_finding(checkout, folder, capsys):
    checkout(classes=["speaking"])
    assert check(folder, "--split") == 0
    (folder / "a.txt").write_text("0\t5\tspeaking\n")
    assert check(folder, "--split") == 1
    (folder / "b.wav").write_bytes(b"")
    assert check(folder, "--split") == 2
    printed = capsys.readouterr().out
    assert "past the end of the recording" in printed and "the file is empty" in printed


def test_a_recording_lacks_frequencies_if_its_rate_is_below_that_of_the_training(
    checkout, folder, capsys
):
    for rate, lacking in ((44100, False), (48000, True)):
        checkout("stft", sample_rate=rate)
        check(folder, "--split")
        assert ("low sample rate" in capsys.readouterr().out) == lacking


def test_check_needs_only_class_names_and_works_outside_a_checkout(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert check(".", "--classes", "speaking") == 0
    assert check(".", "--classes", "speaking", "laughing", "--classes", "door bell") == 1
    assert "'door bell' has no event" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stop:
        main(["check", "."])
    said = str(stop.value.code) + capsys.readouterr().err
    assert "no classes to check against" in said and "--classes" in said


def test_check_takes_the_classes_of_a_model(folder, monkeypatch):
    monkeypatch.chdir(folder)
    asked = []

    def read_description(path):
        asked.append(path)
        return {"classes": ["speaking"], "stft": {"sample_rate": 44100}}

    monkeypatch.setattr("sedlib.models.read_description", read_description)
    assert check(".", "--model", "some/model") == 0
    assert asked == [Path("some/model")]


@pytest.mark.parametrize("processes", ["-1", "two", "1.5"])
def test_a_number_of_processes_that_is_none_is_refused(processes, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["experiment", "ablation", f"--processes={processes}"])
    assert stop.value.code == 2
    assert f"'{processes}' is not a whole number from 0 on" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["detect", ""], ["detect", "a.wav", "--output", ""], ["check", ""]]
)
def test_an_empty_name_such_as_that_of_an_unset_variable_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "an empty name; name a file or folder" in capsys.readouterr().err


def test_check_takes_the_sample_rate_of_a_model_with_other_classes(folder, monkeypatch, capsys):
    known = {"classes": ["speaking"], "stft": {"sample_rate": 96000}}
    monkeypatch.setattr("sedlib.models.read_description", lambda _: known)
    check(folder, "--model", "some/model", "--classes", "door bell")
    printed = capsys.readouterr().out
    assert "nothing above 22050 Hz" in printed and "'door bell' has no event" in printed


def test_a_target_of_check_that_cannot_be_used_is_refused_before_any_sound_is_read(
    checkout, folder, monkeypatch
):
    checkout(classes=["speaking"])
    monkeypatch.setattr("sedlib.check.check_folder", None)
    for target in (folder, folder / "a.wav", ROOT / "tests"):
        with pytest.raises(SystemExit) as stop:
            main(["check", str(folder), "--write-corrected", str(target)])
        assert stop.value.code != 0


def test_check_prints_json_for_programs(checkout, folder, capsys):
    checkout(classes=["speaking"])
    (folder / "a.txt").write_text("0\t2\ttalking\n1\t2\tspeaking\n")
    assert check(folder, "--json", "--alias", "talking=speaking") == 1
    report = json.loads(capsys.readouterr().out)
    assert [finding["finding"] for finding in report["findings"]] == ["overlapping"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("listed", ["NFC", "NFD"])
def test_an_alias_leads_to_its_class_in_either_unicode_form(checkout, folder, capsys, form, listed):
    checkout(classes=[unicodedata.normalize(listed, "caf\u00e9")])
    label = unicodedata.normalize(form, "caf\u00e9")
    assert check(folder, "--json", "--alias", f"speaking={label}") == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []


def test_an_alias_to_no_class_is_refused_with_the_words_of_the_user(checkout, folder, capsys):
    checkout(classes=["speaking"])
    assert check(folder, "--alias", "nullify=null") == 2
    assert "turns 'nullify' into 'null', which is not in classes; name a class, or nothing" in (
        capsys.readouterr().err
    )


def test_corrected_annotations_are_written_elsewhere_and_the_originals_kept(
    checkout, folder, tmp_path, capsys
):
    checkout(classes=["speaking"])
    (folder / "a.txt").write_text("2\t1\tspeakin\n")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert check(folder, "--write-corrected", tmp_path / "corrected") == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    corrected = annotations.read(tmp_path / "corrected" / "a.json", ["speaking"])
    assert corrected[["onset", "offset"]].to_numpy().tolist() == [[1.0, 2.0]]
    assert check(folder, "--write-corrected", folder) == 2
    assert "own" in capsys.readouterr().err


def test_episodes_of_a_folder_of_the_user_are_collected(checkout, folder):
    top = checkout("episodes", source="folder", folder=str(folder), aliases={})
    checkout(classes=["speaking"])
    main(["episodes"])
    events = annotations.read(top / "data" / "episodes" / "b.json", ["speaking"])
    assert events[["onset", "offset"]].to_numpy().tolist() == [[0.0, 2.5]]


@pytest.mark.parametrize("option", [("--alias", "speech"), ("--threshold", "speaking=2")])
def test_an_option_value_that_is_not_valid_is_refused_by_name(option, capsys):
    with pytest.raises(SystemExit):
        main(["detect", "a.wav", *option])
    assert f"argument {option[0]}: '{option[1]}' is not " in capsys.readouterr().err


COMMANDS = [
    "detect",
    "check",
    "export",
    "episodes",
    "run-notebook",
    "experiment",
    "compare",
    "publish",
    "release",
    "site",
]


def said_on_leaving(capsys, *arguments):
    """Run a command that prints something and ends well; return what it prints."""
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    assert not stop.value.code
    return capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_states_every_default_the_exit_codes_and_examples(capsys, command):
    options, end = said_on_leaving(capsys, command, "--help").split("\nexit codes: ")
    for option in re.split(r"^  --", options, flags=re.MULTILINE)[1:]:
        assert "(default: " in " ".join(option.split()), option
    codes, examples = end.split("\n\nexamples:\n")
    assert re.match(r"0: .*; 1: .*; 2: ", codes)
    examples = examples.splitlines()
    assert examples
    for example in examples:  # which the parser understands
        assert example.startswith(f"  sedlib {command}")
        words = example.split()[1:]
        assert build_parser().parse_args(words).run


def test_the_help_lists_every_command(capsys):
    printed = said_on_leaving(capsys, "--help")
    assert re.findall(r"^    ([a-z-]+) ", printed, re.MULTILINE) == COMMANDS


def test_the_version_is_that_of_the_package(capsys):
    assert said_on_leaving(capsys, "--version") == f"sedlib {sedlib.__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_shell_completes_commands_options_and_formats(capsys, shell):
    script = said_on_leaving(capsys, "--print-completion", shell)
    assert all(word in script for word in ("run-notebook", "overwrite", "textgrid"))


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_the_completion_for_bash_is_a_script_that_bash_takes(capsys):
    script = said_on_leaving(capsys, "--print-completion", "bash")
    assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0


def test_an_experiment_reads_the_episodes_and_writes_to_reports(checkout, monkeypatch, capsys):
    from sedlib import experiments

    top = checkout()
    main(["episodes"])
    called = []

    def run_experiment(*arguments):
        called.append(arguments)
        yield "done"

    monkeypatch.setattr(experiments, "run_experiment", run_experiment)
    main(["experiment", "ablation", "--processes", "0"])
    assert capsys.readouterr().out.endswith("done\n")
    [(name, variants, [corpus], params, scratch, target, processes, facts)] = called
    assert (name, processes, facts) == ("ablation", 0, {})
    expected = load_params()
    assert params.train.epochs == expected.experiments.ablation_epochs != expected.train.epochs
    assert params.model_copy(update={"train": expected.train}) == expected
    assert len(variants) == len(experiments.ablation_variants(params.train))
    assert corpus.episodes == top / "data" / "episodes"
    assert scratch == top / "data" / "experiments" / "ablation_runs"
    assert target == top / "reports" / "experiments"


def run(*arguments, **options):
    """Run a command as a user does; return its process."""
    command = [sys.executable, "-m", "sedlib", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | options.pop("env", {})
    return subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, **options)


def test_a_reader_that_stops_reading_ends_a_command_without_a_word(checkout):
    top = checkout()
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        done = run("check", "none", cwd=top, stdout=pipe)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_that_cannot_be_printed_is_one_sentence(checkout):
    top = checkout()
    with open("/dev/full", "w") as full:
        done = run("check", "none", cwd=top, stdout=full)
    assert done.returncode == 2
    assert re.fullmatch(r"sedlib: the output of this command: No space left .*\n", done.stderr)


def test_an_interruption_while_modules_are_imported_is_one_sentence(tmp_path):
    (tmp_path / "shtab.py").write_text("raise KeyboardInterrupt")  # as when Ctrl-C is pressed there
    done = run("detect", "a.wav", env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})
    assert done.returncode == 130
    assert done.stderr == "sedlib: interrupted; run the same command to continue\n"


def test_a_full_disk_is_one_sentence_that_names_the_file_and_nothing_is_left(checkout):
    top = checkout()

    def allow_small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = run("episodes", cwd=top, preexec_fn=allow_small_files)
    assert done.returncode == 1
    path = top / "data" / "episodes" / "a.flac"
    assert done.stderr.startswith(f"sedlib: {path}: File too large; correct this and ")
    assert len(done.stderr.splitlines()) == 1
    assert list(path.parent.iterdir()) == []


def test_a_file_in_the_place_of_a_folder_is_one_sentence(checkout):
    (checkout() / "data").touch()
    assert re.fullmatch(
        r"sedlib: .*data.*: (Not a dir|File ex)\w+.*; correct .*", message("episodes")
    )


def test_a_missing_result_is_one_sentence(checkout):
    checkout()
    assert "metrics.json: no such file; check the path or make it again" in message("publish")


@pytest.mark.parametrize("error", [OSError(13, "Permission denied", "a.flac"), MemoryError()])
def test_exit_code_1_of_check_means_warnings_and_nothing_else(
    checkout, folder, monkeypatch, capsys, error
):
    from sedlib import check as package

    checkout(classes=["speaking"])

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(package, "check_folder", fail)
    assert check(folder) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_name_that_the_terminal_cannot_show_is_printed_with_escapes(capsys, monkeypatch):
    monkeypatch.setattr("sedlib.cli.experiment_command", lambda _: print("caf\udce9"))
    main(["experiment", "ablation"])
    assert capsys.readouterr().out == "caf\\udce9\n"
