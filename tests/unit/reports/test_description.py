"""Claims about the words that stand for a figure: what is drawn, and its main values."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import seaborn as sns

from sedlib.annotations import event_table
from sedlib.detection import score_table
from sedlib.reports import plots

CLASSES = ["music", "speech", "bell"]
COLOURS = plots.class_colours(CLASSES)


@pytest.fixture(autouse=True)
def closed():
    """Close every figure at the end."""
    yield
    plt.close("all")


def shown(figure):
    """Return what a description says about the values in a figure."""
    return plots.describe_figure(figure).partition("Shown: ")[2]


def test_the_description_says_what_axes_rows_colours_and_legends_say():
    fig, ax = plt.subplots()
    ax.scatter([], [], label="network")
    plots.label_rows(ax, CLASSES[:2])
    ax.set(title="a\nb <c>", xlabel="time (s)")
    ax.legend()
    fig.colorbar(mpl.cm.ScalarMappable(), ax=ax, label="share")
    assert plots.describe_figure(fig) == (
        "Figure with 1 panel. a b <c>. Horizontal: time (s). Rows: music; speech. "
        "Colour: share, 0 to 1. Legend: network."
    )


def test_the_legend_of_a_whole_figure_is_described():
    fig, ax = plt.subplots()
    ax.plot([0, 1], [0.5, 0.5], label="chance")
    fig.legend()
    assert "Legend: chance." in plots.describe_figure(fig)


def test_what_panels_share_is_said_once_and_an_empty_panel_is_no_panel():
    fig, axes = plots.class_axes(3, 2, columns=2, sharex=True)
    for ax, label in zip(axes, CLASSES, strict=True):
        ax.set(title=label, xlabel="recall")
    assert plots.describe_figure(fig) == (
        "Figure with 3 panels. music; speech; bell. Horizontal: recall."
    )


def test_a_figure_of_texts_alone_is_described_by_them():
    fig, ax = plt.subplots()
    ax.text(0, 0, "mel\nbands")
    assert plots.describe_figure(fig) == "Figure with 1 panel. Texts: mel bands."


def test_the_smallest_and_the_largest_bar_are_named():
    fig, ax = plt.subplots()
    plots.draw_bars(ax, pd.Series([0.333, 0.918, 0.5], CLASSES), COLOURS)
    assert shown(fig) == "bars 0.33 (music) to 0.92 (speech)."


def test_of_equal_bars_none_is_named():
    fig, ax = plt.subplots()
    plots.draw_bars(ax, pd.Series([0.333, 0.918, 0.334], CLASSES), COLOURS)
    assert shown(fig) == "bars 0.33 to 0.92 (speech)."


def test_white_and_filled_dots_are_told_apart_also_in_panels_that_share_the_names():
    fig, axes = plt.subplots(1, 2, sharey=True)
    for ax, title, shift in zip(axes, ("real", "synthetic"), (0, 0.25), strict=True):
        plots.draw_dots(ax, pd.Series([0.1, 0.2, 0.3], CLASSES), COLOURS, filled=False)
        plots.draw_dots(ax, pd.Series([0.7, 0.6, 0.5], CLASSES) + shift, COLOURS, shift=shift)
        ax.set_title(title)
        plots.label_rows(ax, CLASSES)
    white = "white dots 0.1 (music) to 0.3 (bell), filled dots"
    assert shown(fig) == (
        f"real: {white} 0.5 (bell) to 0.7 (music); synthetic: {white} 0.75 (bell) to 0.95 (music)."
    )


def test_the_events_of_each_row_that_are_in_view_are_counted():
    spans = [
        ("a", t, t + 0.5, label) for label, n in (("speech", 3), ("bell", 1)) for t in range(n)
    ]
    fig, ax = plt.subplots()
    plots.draw_events(ax, event_table(spans), CLASSES, estimated=event_table(spans[:1]))
    ax.set_xlim(0, 2.5)
    assert shown(fig) == (
        "numbers of bars 0 (music) to 3 (speech), numbers of thin bars 0 to 1 (speech)."
    )


def test_the_medians_of_boxes_are_named():
    fig, ax = plt.subplots()
    table = pd.DataFrame({"music": [1, 2, 9], "speech": [4, 5, 6], "bell": [0, 7, 8]})
    sns.boxplot(table, orient="h", ax=ax)
    assert shown(fig) == "medians 2 (music) to 7 (bell)."


def test_the_ends_of_a_matrix_are_named_by_row_and_column():
    fig, ax = plt.subplots()
    table = pd.DataFrame([[0.1, 0.2], [np.nan, 0.4]], CLASSES[:2], ["one", "two"])
    plots.draw_matrix(ax, table.fillna(0.3), "share", vmax=1)
    description = plots.describe_figure(fig)
    assert (
        "Colour: share, 0 to 1. Shown: values 0.1 (music, one) to 0.4 (speech, two)." in description
    )


def test_of_scores_over_time_the_rows_with_the_highest_are_named():
    fig, ax = plt.subplots()
    scores = score_table(np.array([[0.1, 0.3, 0.0], [0.2, 0.25, 0.15]]), CLASSES)
    plots.draw_scores(ax, scores, CLASSES)
    assert shown(fig) == "highest value of a row 0.15 (bell) to 0.3 (speech)."


def test_a_named_line_is_followed_from_its_start_to_its_end_and_to_what_lies_beyond():
    fig, ax = plt.subplots()
    ax.plot([1, 2, 3], [0.512, 0.7, 0.6], label="validation")
    ax.plot([1, 2, 3], [0.9, 0.8, 0.7], label="training")
    ax.axvline(2)
    ax.axhline(5)
    assert shown(fig) == "validation from 0.51 to 0.6 (at most 0.7), training from 0.9 to 0.7."


def test_many_named_lines_are_compared_at_their_ends():
    fig, ax = plt.subplots()
    for i in range(5):
        ax.plot([0, 1], [0, i], label=f"class {i}")
    assert shown(fig) == "lines end at 0 (class 0) to 4 (class 4)."


def test_many_panels_are_compared_by_their_highest_points():
    fig, axes = plots.class_axes(6, 2)
    for i, ax in enumerate(axes):
        ax.plot([0, 1, 2], [0, i + 1, 0])
        ax.set_title(f"class {i}\nmore")
    assert shown(fig) == "highest point of a panel 1 (class 0) to 6 (class 5)."


def test_a_waveform_is_an_area():
    fig, ax = plt.subplots()
    plots.draw_waveform(ax, np.sin(np.arange(8000)) / 2, 8000)
    assert shown(fig) == "area -0.5 to 0.5."


def test_bars_without_a_scale_have_no_values():
    fig, ax = plt.subplots()
    ax.bar([0, 1], [3, 4])
    ax.set(yticks=[])
    assert shown(fig) == ""


def test_a_long_description_shortens_its_longest_lists_and_keeps_the_values():
    names = [f"a class with a rather long name, number {i}" for i in range(20)]
    fig, ax = plt.subplots()
    values = pd.DataFrame(np.diag(np.arange(20)), names, names)
    plots.draw_matrix(ax, values, "share", fmt="d")
    description = plots.describe_figure(fig)
    assert len(description) <= 400
    assert f"Rows: 20 from {names[0]} to {names[-1]}." in description
    assert description.endswith(f"Shown: values 0 to 19 ({names[-1]}, {names[-1]}).")
