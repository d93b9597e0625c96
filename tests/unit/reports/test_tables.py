import html.parser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from sedlib.annotations import FORMATS
from sedlib.config import load_params
from sedlib.reports import tables

ROOT = Path(__file__).parents[3]


def metrics():
    row = dict.fromkeys(tables.COLUMNS, 0.25) | {"support": 7}
    other = row | {"precision": float("nan"), "f1": 0.999}
    mean = dict.fromkeys(tables.COLUMNS, 0.5)
    classes = {"door bell": row, "speaking": other}
    return {
        "test": {
            "macro": mean,
            "classes": classes,
            "intervals": {"door bell": {"f1": [0.125, 0.5]}, "macro": {"f1": [0.4, 0.6]}},
        },
        "baseline": {"macro": mean, "classes": classes},
    }


def test_the_table_has_a_row_for_each_class_and_the_macro_mean():
    lines = tables.results_table(metrics()).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2].startswith("| door bell | 0.25 | 0.25 | 0.25 [0.12, 0.50] |")
    assert lines[2].endswith("| 0.25 | 7 |")
    assert lines[3].startswith("| speaking | – | 0.25 | 1.00 |")
    assert lines[4].startswith("| **macro** | **0.50** | **0.50** | **0.50 [0.40, 0.60]** |")


def test_every_metric_of_the_literature_has_a_row_with_its_name():
    values = {
        "segments": {"PSDS scenario 1": 0.251, "F1": float("nan"), "AUC": 0.5},
        "frames": {"PSDS scenario 1": 0.3, "F1": 0.126},
    }
    bounds = {"segments": {}, "frames": {"F1": [0.1, 0.2]}}
    table = tables.literature_table({"literature": values, "literature_intervals": bounds})
    assert table.splitlines() == [
        "| metric, test episodes | segment-level | frame-level |",
        "|---|---:|---:|",
        "| PSDS scenario 1 | 0.25 | 0.30 |",
        "| F1 | – | 0.13 [0.10, 0.20] |",
        "| AUC | 0.50 | – |",
    ]


def test_a_value_that_is_null_is_shown_as_a_dash():
    values = metrics()
    values["test"]["classes"]["door bell"] = dict.fromkeys(tables.COLUMNS) | {"support": 0}
    values["baseline"]["macro"] = dict.fromkeys(tables.COLUMNS)
    lines = tables.results_table(values).splitlines()
    assert lines[2] == "| door bell | – | – | – | – | – | – | – | 0 |"
    assert lines[4].endswith("| **–** |  |")
    literature = {"segments": {"F1": None, "AUC": 0.5}}
    bounds = {"segments": {"F1": [None, None], "AUC": [None, None]}}
    table = tables.literature_table({"literature": literature, "literature_intervals": bounds})
    assert table.splitlines()[2:] == ["| F1 | – |", "| AUC | 0.50 [–, –] |"]


def test_segment_based_metrics_are_named_as_those_of_sed_eval():
    names = ["segment-based F1 (1 s), macro", "event-based F1 (200 ms, 20 %), macro"]
    values = {"literature": {"segments": dict.fromkeys(names, 0.5)}}
    table = tables.literature_table(values | {"literature_intervals": {"segments": {}}})
    assert table.splitlines()[2:] == [
        "| segment-based F1 (1 s), macro, labels for any overlap | 0.50 |",
        "| event-based F1 (200 ms, 20 %), macro | 0.50 |",
    ]


def test_there_is_no_negative_zero():
    assert tables.format_number(-0.004) == "0.00"
    assert tables.format_number(-0.006) == "-0.01"
    assert tables.format_number(-0.0004, style=tables.VALUE) == "0.000"
    assert tables.format_number(-0.0004, style=tables.GAIN) == "+0.000"


def interval(estimate):
    return {"estimate": estimate, "low": estimate - 0.1, "high": estimate + 0.1}


def test_the_experiments_have_a_row_for_each_variant_and_for_each_test_corpus():
    steps = {
        "old": {"value": interval(0.2)},
        "better": {"value": interval(0.5), "gain": interval(0.05)},
    }
    setup = {"seeds": 3, "epochs": 22, "examples_per_epoch": 2880, "vtt2018_width": 0.5}
    setup |= {"corpus": "synthetic", "classes": 2, "hours": 1.5, "processor": "an abacus"}
    ablation = {"macro F1": steps, "total gain in macro F1": interval(0.3), "setup": setup}
    transfer = {
        "synthetic": {"synthetic": {"macro": interval(0.6)}, "both": {"macro": interval(0.7)}},
        "recordings": {"synthetic": {"macro": interval(0.3)}, "both": {"macro": interval(0.4)}},
    }
    values = metrics() | {"literature": {}, "literature_intervals": {}}
    page = tables.results_page(values, ablation, transfer, "synthetic")
    assert page[page.index("The ablation uses") :].splitlines() == [
        "The ablation uses synthetic episodes of 2 classes. Each variant was trained with 3 seeds "
        "for 22 epochs of 2880 examples; the convolutions of the 2018 network have 0.5 times the "
        "original number of channels. Training took 1.5 hours on an abacus, summed over the runs, "
        "several of which ran at a time. The 2018 configuration uses the threshold 0.5 for every "
        "class. The row `tuned thresholds` is for the same trained networks with thresholds chosen "
        "on the validation episodes; every later variant has thresholds of its own, chosen in the "
        "same way.",
        "",
        "| variant | macro F1 | gain |",
        "|---|---:|---:|",
        "| old | 0.200 [0.100, 0.300] |  |",
        "| + better | 0.500 [0.400, 0.600] | +0.050 [-0.050, +0.150] |",
        "| **all changes** |  | **+0.300 [+0.200, +0.400]** |",
        "",
        "The variant `log-mel input` keeps the five pooling layers of the 2018 network, so that "
        "only 2 values of each frame reach its GRU. Its gain therefore does not show whether a "
        "log-mel input helps in other networks.",
        "",
        "The transfer experiment trains networks on synthetic episodes, on episodes mixed from "
        "recorded clips (called `recordings` in the table), and on both. Two more are trained on "
        "synthetic episodes without MixStyle and without averaged weights. Thresholds are chosen "
        "on validation episodes of the kinds that the network was trained on.",
        "",
        "| macro F1 | trained on synthetic | trained on both |",
        "|---|---:|---:|",
        "| tested on synthetic | 0.60 [0.50, 0.70] | 0.70 [0.60, 0.80] |",
        "| tested on recordings | 0.30 [0.20, 0.40] | 0.40 [0.30, 0.50] |",
    ]


def test_a_block_is_replaced_and_the_rest_is_kept():
    text = "a\n<!-- x -->\nold\nolder\n<!-- /x -->\nb \\1\n"
    once = tables.replace_block(text, "x", "new \\1")
    assert once == "a\n<!-- x -->\nnew \\1\n<!-- /x -->\nb \\1\n"
    assert tables.replace_block(once, "x", "new \\1") == once


def test_a_text_without_the_markers_is_refused():
    with pytest.raises(ValueError, match="no <!-- x -->"):
        tables.replace_block("text", "x", "block")


def test_every_format_that_can_be_written_is_listed():
    listed = tables.formats_block().splitlines()
    writable = [name for name, form in FORMATS.items() if form.to_text]
    assert [line.split("`")[1] for line in listed] == writable
    scored = [line.split("`")[1] for line in listed if line.endswith(", with scores")]
    assert scored == [name for name in writable if FORMATS[name].scores]


class Text(html.parser.HTMLParser):
    """Collect the elements and the text of a page."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.text = set(), ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)

    def handle_data(self, data):
        self.text += data


@given(st.text("ab*_`|\\<>&$#[]()!~/ :;=\"'", min_size=1, max_size=20))
@settings(deadline=None)
def test_every_name_is_shown_as_it_is_in_a_table(name):
    table = tables.markdown_table(["class", "n"], [[tables.escape_markdown(name), "1"]])
    shown = Text(markdown2html_mistune(table))
    assert shown.elements <= {"table", "thead", "tbody", "tr", "th", "td"}
    assert "".join(shown.text.split()) == "".join(f"class n {name} 1".split())


def test_how_far_another_training_moves_f1_is_said_of_the_results_that_it_was_compared_with():
    def block(stored):
        values = {"as stored": stored, "seed 1": 0.714, "seed 2": 0.72, "AVX2": 0.7}
        values["SSE4.1"] = 0.73
        summaries = {name: {"macro": {"f1": f1}} for name, f1 in values.items()}
        return tables.results_block(
            metrics(), load_params(ROOT / "params.yaml"), {"summaries": summaries}
        )

    assert block(0.5).endswith(
        "seeds gave a macro F1 of 0.71 and 0.72. Training with the same seed, but limited to "
        "the instructions of older CPUs, which changes the rounding, gave 0.70 (AVX2) and 0.73 "
        "(SSE4.1)."
    )
    assert block(0.6).endswith(tables.results_table(metrics()))
