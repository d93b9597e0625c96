"""`params.yaml`: typed, complete, immutable, and clear when it is wrong."""

from pathlib import Path

import pydantic
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sedlib import annotations
from sedlib.config import (
    WORKSPACE_VARIABLE,
    ConfigError,
    Params,
    load_params,
    repository,
    workspace,
)

PARAMS = Path(__file__).parents[2] / "params.yaml"


@pytest.fixture
def changed(tmp_path):
    """Write params.yaml with one key changed; a key is a path with dots."""

    def change(key, value):
        raw = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
        *sections, last = key.split(".")
        section = raw
        for name in sections:
            section = section[name]
        if value is KeyError:
            del section[last]
        else:
            section[last] = value
        path = tmp_path / "params.yaml"
        path.write_text(yaml.safe_dump(raw), encoding="utf-8")
        return path

    return change


def refusal(path):
    with pytest.raises(ConfigError) as error:
        load_params(path)
    return str(error.value)


def test_the_params_of_the_project_are_valid():
    params = load_params(PARAMS)
    assert len(params.classes) == 10
    assert len(params.split.episodes) == 10
    assert params.split.episodes == (
        params.split.train + params.split.validation + params.split.test
    )


def test_every_value_arrives_as_it_is_written():
    def plain(value):
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value

    raw = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    assert plain(load_params(PARAMS).model_dump()) == raw


def test_params_cannot_be_changed_at_run_time():
    params = load_params(PARAMS)
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        params.stft.n_fft = 4096


def test_a_whole_number_will_do_for_a_decimal(changed):
    assert load_params(changed("train.learning_rate", 1)).train.learning_rate == 1.0


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("experiments.seeds", [1, 2, 1], "experiments: seeds [1, 2, 1] repeat a value; "
         "name every seed once"),
        ("stft.hop_lenght", 512, "unknown key 'stft.hop_lenght'; "
         "did you mean 'hop_length'?"),
        ("sead", 1, "unknown key 'sead'; did you mean 'seed'?"),
        ("labels.colour", 1, "unknown key 'labels.colour'; known keys: rule"),
        ("seed", KeyError, "key 'seed' is missing; add it"),
        ("train.epochs", KeyError, "key 'train.epochs' is missing; add it"),
        ("train.epochs", "20", "train.epochs is '20', which is a text, not a number; write 20"),
        ("train.epochs", "2e1", "train.epochs is '2e1', which is a text, not a number; write 20"),
        ("train.epochs", "1,000", "train.epochs is '1,000', but: "),
        ("train.epochs", "1.5", "train.epochs is '1.5', but: "),
        ("train.learning_rate", "nan", "train.learning_rate is 'nan', but: "),
        ("train.learning_rate", "1e300", "train.learning_rate is '1e300', but: "),
        ("train.epochs", 2.5, "train.epochs is 2.5, but: "),
        ("train.epochs", True, "train.epochs is True, but: "),
        ("train.epochs", 0, "train.epochs is 0, but: "),
        ("train.learning_rate", float("nan"), "train.learning_rate is nan, but: "),
        ("train.learning_rate", float("inf"), "train.learning_rate is inf, but: "),
        ("episodes.duration", float("inf"), "episodes.duration is inf, but: "),
        ("seed", -1, "seed is -1, but: "),
        ("labels.rule", "most", "labels.rule is 'most', but: "),
        ("classes", "speaking", "classes is 'speaking', which is not a list"),
        ("classes", ["a", ""], "classes.1 is '', but: "),
        ("classes", ["a", 7], "classes.1 is 7, which is not a text; put it in quotation marks"),
        ("classes", [], "classes is []; give at least 1"),
        ("episodes.aliases", {7: "speaking"}, "episodes.aliases.7 is 7, which is not a text"),
        ("split.test", [], "split.test is []; give at least 1"),
        ("experiments.seeds", [1], "experiments.seeds is [1]; give at least 2"),
        ("classes", ["a", "b", "a"], "classes: class 'a' is listed twice; name every class once"),
        ("classes", ["é", "e\u0301"], "classes: class 'é' is listed twice"),
        ("classes", ["a", "onset"], "classes.1: class 'onset' is named like a column or row of "
         "tables; rename it"),
        ("classes", ["a", "Event_Label"], "classes.1: class 'Event_Label' is named like a column"),
        ("classes", ["a", "No miss"], "classes.1: class 'No miss' is named like a column"),
        ("classes", ["a b", "A_b"], "classes: classes 'a b' and 'A_b' are too alike"),
        ("train.learning_rate", "3e-3", "train.learning_rate is '3e-3', which is a text, "
         "not a number; write 0.003"),
        ("episodes.folder", "a\0b", "episodes.folder: 'a\\x00b' holds a control character"),
        ("episodes.aliases", {"Door": "speaking", "door ": "knocking"},
         "episodes.aliases gives 'door ' two meanings; keep one"),
        ("classes", ["a", "All Classes"], "classes.1: class 'All Classes' is named like a column"),
        ("classes", ["a", "a\rb"], "classes.1: class 'a\\rb' holds a control character; rename it"),
        ("classes", ["a", "a "], "classes.1: class 'a ' begins or ends with a space; remove the "
         "space"),
        ("seed", 2**32, "seed is 4294967296, but: "),
        ("seed", "x" * 10**6, "seed is 'xxxxxxxxxxxx...xxxxxxxxxxxxx', but: "),
        ("stft", 7, "stft is 7, but: "),
        ("stft", None, "stft is None, but: "),
        ("stft.sample_rate", 1, "stft.sample_rate is 1, but: input should be greater than or "
         "equal to 100"),
        ("stft.sample_rate", 10**7, "stft.sample_rate is 10000000, but: input should be less "
         "than or equal to 655350"),
        ("stft.n_fft", 2047, "stft.n_fft is 2047, but: input should be a multiple of 2"),
        ("stft.win_length", 4096, "stft: win_length 4096 is longer than n_fft 2048; "
         "the window must fit into the FFT frame"),
        ("split.test", ["s01_ep08", "s01_ep01"], "split: episode 's01_ep01' is in train and "
         "again in test; name every episode once"),
        ("split.test", ["x", "../y"], "split.test.1: episode '../y' is not the name of a file "
         "without its suffix; correct it"),
        ("split.test", ["x", "./s01_ep01"], "split.test.1: episode './s01_ep01' is not the name"),
        ("split.test", ["x", "a\0b"], "split.test.1: episode 'a\\x00b' is not the name of a file"),
        ("split.test", ["x", 241 * "a"], "split.test.1: episode 'aaaaaaaaaaaa...aaaaaaaaaaaaa' is"),
        ("split.test", ["s01_ep08", "s01_ep08"], "split: episode 's01_ep08' is in test and "
         "again in test; name every episode once"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_by_key_and_value_in_one_sentence(changed, key, value, sentence):
    message = refusal(changed(key, value))
    assert message.startswith(f"params.yaml: {sentence}")
    assert "\n" not in message


def test_each_fault_has_a_line(changed):
    path = changed("seed", "x")
    path.write_text(path.read_text().replace("patience:", "patiense:"), encoding="utf-8")
    lines = refusal(path).splitlines()
    assert len(lines) == 3
    assert any("did you mean 'patience'?" in line for line in lines)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "holds NoneType, not a mapping"),
        ("- 1\n", "holds list, not a mapping"),
        ("a: [1\n", "not valid YAML: "),
        (b"\xff\xfe\xff", "not "),
        ("[" * 5000, "nested too deeply"),
        ("seed: " + "1" * 5000, "not valid YAML: Exceeds the limit (4300 digits)"),
        ("seed: 2018-13-45", "not valid YAML: month must be in 1..12"),
        ("seed: !!timestamp x", "not valid YAML: "),
        ("a: &a [1]\nb: *a\n", "not valid YAML: line 2 refers to another place with '*'"),
        ("a: &a {x: 1}\nb:\n  <<: *a\n", "not valid YAML: line 3 refers to another place"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused_in_one_sentence(tmp_path, content, fault):
    path = tmp_path / "params.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    message = refusal(path)
    assert message.startswith(f"{path}: {fault}")
    assert "\n" not in message


def test_a_number_of_thousands_of_digits_is_refused(tmp_path):
    path, text = tmp_path / "params.yaml", PARAMS.read_text(encoding="utf-8")
    path.write_text(text.replace("seed: 2018", f"seed: 0x{5000 * 'f'}", 1))
    assert refusal(path).startswith("params.yaml: seed is too long a number, but: ")


@pytest.mark.parametrize("again", ["seed: 7", "train: {epochs: 1, epochs: 1}", "labels: {}"])
def test_a_key_that_is_given_twice_is_refused_not_the_first_dropped(tmp_path, again):
    path = tmp_path / "params.yaml"
    path.write_text(PARAMS.read_text(encoding="utf-8") + again)
    assert "again; remove one of the two" in refusal(path)


def test_references_that_stand_for_billions_of_values_are_not_followed(tmp_path):
    lines = ["l0: &l0 [x, x]"]
    lines += [f"l{i}: &l{i} {{<<: [*l{i - 1}, *l{i - 1}]}}" for i in range(1, 64)]
    path = tmp_path / "params.yaml"
    path.write_text("\n".join(lines))
    assert "line 2 refers to another place with '*'; write the value out" in refusal(path)


@given(st.data())
@settings(deadline=None)
def test_a_file_is_read_or_refused_whatever_is_changed_in_it(tmp_path_factory, data):
    text = PARAMS.read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    stop = start + data.draw(st.integers(0, 20))
    path = tmp_path_factory.mktemp("params") / "params.yaml"
    inserted = data.draw(st.text("[]{}&*!:-?|>%@'\"#, \n\t0aé", max_size=8))
    path.write_text(text[:start] + inserted + text[stop:], encoding="utf-8")
    try:
        load_params(path)
    except ConfigError as error:
        assert all(path.name in line for line in str(error).splitlines())


@given(st.text(min_size=1, max_size=8))
@settings(deadline=None)
def test_every_class_that_is_accepted_can_be_written_in_every_format(tmp_path_factory, label):
    raw = yaml.safe_load(PARAMS.read_text(encoding="utf-8")) | {"classes": [label]}
    try:
        Params.model_validate(raw)
    except pydantic.ValidationError:
        return
    folder = tmp_path_factory.mktemp("annotations")
    events = annotations.event_table([("a", 0.0, 1.0, label)])
    for name, form in annotations.FORMATS.items():
        if form.to_text:
            path = folder / f"a{form.suffix}"
            annotations.write(events, path, name)
            assert annotations.read(path, [label])["event_label"].to_list() == [label], name


def test_a_missing_file_is_named(tmp_path):
    assert refusal(tmp_path / "gone.yaml").startswith(f"{tmp_path / 'gone.yaml'}: no such file")


def test_the_checkout_is_found_from_a_folder_inside_it(tmp_path, monkeypatch):
    inside = tmp_path / "notebooks" / "deep"
    inside.mkdir(parents=True)
    (tmp_path / "params.yaml").write_bytes(PARAMS.read_bytes())
    monkeypatch.chdir(inside)
    monkeypatch.delenv(WORKSPACE_VARIABLE, raising=False)
    assert repository() == workspace() == tmp_path
    assert load_params() == load_params(PARAMS)


def test_results_go_where_the_environment_variable_says(tmp_path, monkeypatch):
    monkeypatch.setenv(WORKSPACE_VARIABLE, str(tmp_path))
    assert workspace() == tmp_path


def test_an_alias_must_lead_to_a_class_or_nowhere(changed):
    aliases = {"speech": "speaking", "silence": None}
    assert load_params(changed("episodes.aliases", aliases)).episodes.aliases == aliases
    assert refusal(changed("episodes.aliases", {"speech": "talking"})) == (
        "params.yaml: episodes.aliases turns 'speech' into 'talking', which is not in classes; "
        "name a class, or null to leave the label out"
    )


def test_names_that_are_numbers_are_not_said_to_be_missing_as_well(changed):
    lines = refusal(changed("split.test", [101, 102])).splitlines()
    assert [line.split(" is ")[0] for line in lines] == [
        "params.yaml: split.test.0",
        "params.yaml: split.test.1",
    ]


@pytest.mark.parametrize("text", ["!!int ''", "!!bool foo", "!!map [a]", "1" + 200 * ":0" + ":0.5"])
def test_a_value_that_yaml_cannot_read_is_refused_in_a_sentence(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(f"seed: {text}\n")
    assert "not valid YAML" in refusal(path)


def test_a_set_is_refused_because_it_has_no_order(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("classes: !!set {a, b}\n")
    assert "could not determine a constructor" in refusal(path)
