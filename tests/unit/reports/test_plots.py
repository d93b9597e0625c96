import base64
import html
import io
import re
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import soundfile
from IPython.core.formatters import DisplayFormatter

from sedlib.annotations import event_table
from sedlib.config import STFTParams
from sedlib.reports import plots

STFT = STFTParams(sample_rate=8000, n_fft=256, hop_length=128, win_length=256)
CLASSES = ["music", "speech", "bell"]


@pytest.fixture(autouse=True)
def headless():
    mpl.use("agg")
    plots.use_style()
    yield
    plt.close("all")


def luminance(colour):
    """Relative luminance as WCAG defines it."""
    colour = mpl.colors.to_rgb(colour)
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


@pytest.mark.parametrize("n", [1, 3, 10, 25])
def test_every_class_has_a_colour_of_its_own_with_a_contrast_of_3_on_white(n):
    colours = plots.class_colours([f"class {i}" for i in range(n)])
    assert len(set(colours.values())) == n
    assert all(1.05 / (luminance(colour) + 0.05) >= 3 for colour in colours.values())


def test_a_class_keeps_its_colour_whatever_is_drawn():
    assert plots.class_colours(CLASSES) == plots.class_colours(list(CLASSES))


def test_the_same_figure_is_the_same_file(tmp_path):
    for name in ("a", "b"):
        fig, ax = plt.subplots()
        ax.plot([0, 1], [1, 0])
        plots.save_figure(fig, tmp_path / "new" / f"{name}.png")
    a, b = ((tmp_path / "new" / f"{name}.png").read_bytes() for name in ("a", "b"))
    assert a == b
    assert a.startswith(b"\x89PNG")


def test_a_spectrogram_has_its_axes_in_seconds_and_kilohertz():
    magnitude = np.random.default_rng(0).random((63, 129), dtype=np.float32)
    _, ax = plt.subplots()
    image = plots.draw_spectrogram(ax, magnitude, STFT, fmax=2000, start=5.0)
    assert ax.get_xlabel() == "time (s)"
    assert ax.get_ylabel() == "frequency (kHz)"
    assert ax.get_ylim() == (0, 2)
    assert image.get_array().max() == 0  # dB below the peak
    hop = STFT.hop_length / STFT.sample_rate  # s
    spacing = STFT.sample_rate / STFT.n_fft / 1000  # kHz
    edges = 5 - hop / 2, 5 + 62.5 * hop, -spacing / 2, 128.5 * spacing
    np.testing.assert_allclose(image.get_extent(), edges)


def test_the_lowest_bin_of_a_spectrogram_is_at_the_bottom_and_the_first_frame_at_the_left():
    magnitude = np.full((63, 129), 1e-3, dtype=np.float32)
    magnitude[0, 0] = 1
    fig, ax = plt.subplots()
    plots.draw_spectrogram(ax, magnitude, STFT)
    ax.set_axis_off()
    ax.set_position([0, 0, 1, 1])
    fig.canvas.draw()
    brightness = np.asarray(fig.canvas.buffer_rgba())[..., :3].sum(axis=-1, dtype=int)
    row, column = np.unravel_index(brightness.argmax(), brightness.shape)
    assert row > 0.98 * brightness.shape[0]
    assert column < 0.02 * brightness.shape[1]


def test_an_event_is_drawn_from_its_onset_to_its_offset_in_its_row_and_colour():
    events = event_table([("a", 1.0, 3.5, "speech"), ("a", 2.0, 4.0, "bell")])
    _, ax = plt.subplots()
    plots.draw_events(ax, events, CLASSES)
    drawn = {}
    for label, bars in zip(CLASSES, ax.collections, strict=True):
        for path in bars.get_paths():
            box = path.get_extents()
            drawn[label] = (box.x0, box.x1, round((box.y0 + box.y1) / 2))
            np.testing.assert_allclose(
                bars.get_facecolor()[0][:3], mpl.colors.to_rgb(plots.class_colours(CLASSES)[label])
            )
    assert drawn == {"speech": (1.0, 3.5, 1), "bell": (2.0, 4.0, 2)}


def test_estimated_events_are_drawn_below_the_true_ones_of_their_class():
    events = event_table([("a", 1.0, 3.0, "speech")])
    _, ax = plt.subplots()
    plots.draw_events(ax, events, CLASSES, estimated=event_table([("a", 2.0, 4.0, "speech")]))
    boxes = [p.get_extents() for bars in ax.collections for p in bars.get_paths()]
    true, estimated = boxes
    assert (true.x0, true.x1, estimated.x0, estimated.x1) == (1.0, 3.0, 2.0, 4.0)
    assert true.y1 < estimated.y0  # the axis points down


def test_bars_carry_their_numbers_and_the_first_is_on_top():
    _, ax = plt.subplots()
    values = pd.Series([0.25, 0.5, 1.0], CLASSES)
    plots.draw_bars(ax, values, plots.class_colours(CLASSES))
    assert [text.get_text() for text in ax.texts] == ["0.25", "0.50", "1.00"]
    assert [label.get_text() for label in ax.get_yticklabels()] == CLASSES
    assert ax.yaxis_inverted()


def test_bars_without_an_interval_beside_others_have_no_number():
    _, ax = plt.subplots()
    values = pd.Series([-0.25, 0.0, 0.5], CLASSES)
    interval = pd.DataFrame({"low": [-0.5, None, 0.25], "high": [0.0, None, 1.0]}, CLASSES)
    plots.draw_bars(ax, values, plots.class_colours(CLASSES), "{:+.2f}", interval)
    texts = [text.get_text() for text in ax.texts]
    assert texts == ["\N{MINUS SIGN}0.25  [\N{MINUS SIGN}0.50, +0.00]", "+0.50  [+0.25, +1.00]"]


def test_a_matrix_shows_every_number():
    _, ax = plt.subplots()
    table = pd.DataFrame([[0.1, 0.2], [0.3, 0.4]], ["a", "b"], ["c", "d"])
    plots.draw_matrix(ax, table, "share")
    assert [text.get_text() for text in ax.texts] == ["0.10", "0.20", "0.30", "0.40"]


def test_the_colour_bar_of_a_matrix_stands_at_the_right_of_the_panels_named():
    figure, axes = plt.subplots(1, 2)
    plots.draw_matrix(axes[0], pd.DataFrame([[0.1, 0.2]]), "share", beside=axes)
    figure.canvas.draw()
    assert figure.axes[2].get_position().x0 > axes[1].get_position().x1


def test_learning_curves_mark_the_epoch_of_the_best_score():
    history = pd.DataFrame(
        {
            "epoch": [1, 2, 3],
            "loss": [0.5, 0.4, 0.3],
            "val_loss": [0.5, 0.3, 0.35],
            "val_average_precision": [0.2, 0.6, 0.5],
        }
    )
    figure = plots.learning_curves(history)
    for ax in figure.axes:
        marks = [line for line in ax.get_lines() if line.get_marker() == "o"]
        assert [line.get_xdata()[0] for line in marks] == [2]


def test_learning_curves_show_the_f1_of_each_class_that_occurs():
    history = pd.DataFrame(
        {
            "epoch": [1, 2],
            "loss": [0.5, 0.4],
            "val_loss": [0.5, 0.3],
            "val_average_precision": [0.2, 0.6],
            "val_f1": [[0.1, None, 0.3], [0.4, None, 0.6]],
        }
    )
    panel = plots.learning_curves(history, CLASSES).axes[2]
    curves = panel.get_lines()
    assert [line.get_label() for line in curves] == CLASSES
    values = [line.get_ydata() for line in curves]
    np.testing.assert_array_equal(values, [[0.1, 0.4], [np.nan, np.nan], [0.3, 0.6]])
    assert [text.get_text() for text in panel.texts] == [CLASSES[0], CLASSES[2]]


def test_the_names_beside_the_learning_curves_do_not_overlap():
    rng, classes = np.random.default_rng(0), [f"class {i}" for i in range(12)]
    final = np.sort(np.r_[rng.uniform(0, 1, 8), [0.9] * 4])
    history = pd.DataFrame(
        {
            "epoch": [1, 2],
            "loss": [0.5, 0.4],
            "val_loss": [0.5, 0.3],
            "val_average_precision": [0.2, 0.6],
            "val_f1": [[0.1] * 12, list(final)],
        }
    )
    texts = plots.learning_curves(history, classes).axes[2].texts
    assert [text.get_text() for text in texts] == classes  # in the order of the curves
    places = [text.get_position()[1] for text in texts]
    assert np.diff(places).min() > 0.069 and max(places) <= 1


@pytest.mark.parametrize("headless", [False, True])
def test_curves_are_redrawn_after_each_epoch_only_where_there_is_a_browser(monkeypatch, headless):
    monkeypatch.delenv("SEDLIB_HEADLESS", raising=False)
    if headless:
        monkeypatch.setenv("SEDLIB_HEADLESS", "1")
    shown = []
    monkeypatch.setattr(plots.live, "display", lambda figure, display_id: shown.append(figure))
    live = plots.LiveCurves()
    history = pd.DataFrame(
        {
            "epoch": [1, 2],
            "loss": [0.5, 0.4],
            "val_loss": [0.5, 0.3],
            "val_average_precision": [0.2, 0.6],
        }
    )
    live(history.iloc[:1])
    assert len(shown) == (not headless)
    live.handle = None
    live.show(plots.learning_curves(history))
    assert len(shown) == 2 - headless
    assert not plt.get_fignums()


@pytest.mark.parametrize("variable", [[], ["SEDLIB_HEADLESS"]], ids=["browser", "headless"])
def test_a_line_after_each_epoch_says_how_long_the_others_take_unless_there_is_a_browser(
    monkeypatch, capsys, variable
):
    monkeypatch.delenv("SEDLIB_HEADLESS", raising=False)
    for name in variable:
        monkeypatch.setenv(name, "1")
    times = iter([0.0, 70.0, 100.0])
    lines = plots.EpochLines(5, clock=lambda: next(times))
    history = pd.DataFrame(
        {"loss": [0.5, 0.25], "val_loss": [0.4, 0.3], "val_average_precision": [0.1, 0.2]}
    )
    lines(history.iloc[:1])
    lines(history)
    assert capsys.readouterr().err.splitlines() == len(variable) * [
        "epoch 1 of 5: loss 0.500, validation loss 0.400, mean average precision 0.100; "
        "at most 4:40 left",
        "epoch 2 of 5: loss 0.250, validation loss 0.300, mean average precision 0.200; "
        "at most 1:30 left",
    ]


def test_a_player_plays_what_it_is_named_for_and_needs_no_other_file():
    rate = 44100
    tone = 0.01 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    page = plots.players({"a bell": tone}, rate).data
    assert "a bell" in page
    source = re.search(r'src="data:audio/mpeg;base64,([^"]+)"', page)[1]
    again, found = soundfile.read(io.BytesIO(base64.b64decode(source)))
    spectrum = np.abs(np.fft.rfft(again[:rate]))
    assert found == rate
    assert abs(spectrum.argmax() - 440) <= 1
    assert 0.5 < np.abs(again).max() < 1  # soft sounds are made audible


def test_the_same_sounds_give_the_same_page():
    noise = np.random.default_rng(0).uniform(-1, 1, 8000)
    assert plots.players({"x": noise}, 44100).data == plots.players({"x": noise}, 44100).data


def test_digital_silence_can_be_played():
    assert "audio" in plots.players({"nothing": np.zeros(44100)}, 44100).data


@pytest.mark.parametrize("n", [1, 4, 5, 7, 12])
def test_each_class_has_a_panel_and_no_empty_one_is_seen(n):
    figure, axes = plots.class_axes(n, 2.0)
    assert len(axes) == n
    assert [ax for ax in figure.axes if ax.get_visible()] == axes


def test_a_waveform_is_drawn_to_its_peaks_wherever_they_lie():
    waveform = np.zeros(8000 * 3)
    waveform[12345] = -0.7
    _, ax = plt.subplots()
    plots.draw_waveform(ax, waveform, 8000, start=5.0)
    points = ax.collections[0].get_paths()[0].vertices
    at = points[points[:, 1].argmax()]
    assert at[1] == pytest.approx(0.7) and at[0] == pytest.approx(5 + 12345 / 8000, abs=0.01)


def test_scores_are_drawn_at_their_time_a_row_a_class():
    table = pd.DataFrame({"onset": [3.0, 3.5], "offset": [3.5, 4.0]})
    table[CLASSES] = [[0, 0.5, 1], [0.2, 0.4, 0.6]]
    _, ax = plt.subplots()
    mesh = plots.draw_scores(ax, table, CLASSES)
    assert mesh.get_array().tolist() == table[CLASSES].to_numpy().T.tolist()
    assert ax.dataLim.intervalx.tolist() == [3.0, 4.0]
    assert [text.get_text() for text in ax.get_yticklabels()] == CLASSES
    assert ax.yaxis_inverted() and mesh.get_clim() == (0, 1)


def test_detected_stretches_are_outlined_in_the_scores_of_their_class():
    table = pd.DataFrame({"onset": [3.0, 3.5], "offset": [3.5, 4.0]})
    table[CLASSES] = [[0, 0.5, 1], [0.2, 0.4, 0.6]]
    _, ax = plt.subplots()
    detected = event_table([("a", 3.0, 3.5, CLASSES[2])])
    plots.draw_scores(ax, table, CLASSES, detected=detected)
    drawn = [outline for outline in ax.collections[1:] if outline.get_paths()]
    (path,) = drawn[0].get_paths()
    assert len(drawn) == 1 and len(drawn[0].get_facecolor()) == 0
    np.testing.assert_allclose(path.get_extents().get_points(), [[3, 1.6], [3.5, 2.4]])


def test_the_colours_of_the_first_ten_classes_differ_in_lightness_as_well():
    values = sorted(luminance(colour) for colour in plots.CLASS_COLOURS)
    assert (values[-1] + 0.05) / (values[0] + 0.05) > 2.5
    assert len({round(value, 3) for value in values}) == 10


def test_dots_and_intervals_lie_at_their_values_in_the_rows_of_their_classes():
    _, ax = plt.subplots()
    values = pd.Series([0.2, 0.5, 0.9], CLASSES)
    interval = pd.DataFrame({"low": values - 0.1, "high": values + 0.05})
    plots.draw_dots(ax, values, plots.class_colours(CLASSES), interval, shift=0.25)
    np.testing.assert_allclose(
        ax.collections[0].get_offsets(), np.column_stack([values, [0.25, 1.25, 2.25]])
    )
    np.testing.assert_allclose([line.get_xdata() for line in ax.lines], interval.to_numpy())
    rows = [list(line.get_ydata()) for line in ax.lines]
    assert rows == [[0.25, 0.25], [1.25, 1.25], [2.25, 2.25]]


def test_white_dots_are_as_large_as_filled_ones_and_the_ends_of_an_interval_are_seen_beyond_both():
    _, ax = plt.subplots()
    values = pd.Series([0.5, 0.5, 0.5], CLASSES)
    interval = pd.DataFrame({"low": values, "high": values})
    for filled in (True, False):
        plots.draw_dots(ax, values, plots.class_colours(CLASSES), interval, filled=filled)
    sizes = {float(area) ** 0.5 for dots in ax.collections for area in dots.get_sizes()}
    assert len(sizes) == 1
    assert min(line.get_markersize() for line in ax.lines) > sizes.pop() + 2


def test_rows_are_named_from_the_top():
    _, ax = plt.subplots()
    plots.label_rows(ax, CLASSES)
    assert [text.get_text() for text in ax.get_yticklabels()] == CLASSES
    top, bottom = ax.transData.transform([(0, 0), (0, 2)])[:, 1]
    assert top > bottom


def test_a_change_is_drawn_from_its_old_to_its_new_value():
    _, ax = plt.subplots()
    before, after = pd.Series([0.1, 0.2, 0.3], CLASSES), pd.Series([0.4, 0.1, 0.3], CLASSES)
    plots.draw_change(ax, before, after, plots.class_colours(CLASSES), ("old", "new"))
    spans = [segment[:, 0] for segment in ax.collections[0].get_segments()]
    np.testing.assert_allclose(spans, np.column_stack([before, after]))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["old", "new"]


@pytest.mark.parametrize("n", [0, 1, 7])
def test_spectrograms_have_a_panel_each(n):
    magnitude = np.ones((5, 129), dtype=np.float32)
    figure = plots.spectrogram_panels([(f"panel {i}", magnitude) for i in range(n)], STFT)
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    titles = [title for title in titles if title]
    assert titles == [f"panel {i}" for i in range(n)]


def test_the_diagram_has_a_box_for_each_layer_that_computes_with_its_shape_below():
    table = pd.DataFrame(
        {
            "kind": ["InputLayer", "Conv2D", "ReLU", "GRU", "Dense", "LinearSoftmax"],
            "output": ["4 x 8 x 1", "8 x 4 x 16", "8 x 4 x 16", "4 x 3", "4 x 2", "2"],
        }
    )
    (ax,) = plots.network_diagram(table).axes
    heights = [box.get_height() for box in ax.patches]
    np.testing.assert_allclose(heights, np.log2([16, 256, 6, 4, 4]))
    texts = [text for text in ax.texts if text.get_text()]
    names = [text.get_text() for text in texts if text.get_position()[1] > 0]
    shapes = [text.get_text() for text in texts if text.get_position()[1] < 0]
    assert names == [
        "input",
        "conv.\n3x3",
        "GRU",
        "dense,\nsigmoid",
        "linear\nsoftmax\npooling",
    ]
    assert shapes == ["4 x 8 x 1", "8 x 4 x 16", "4 x 3", "4 x 2", "2"]


@pytest.mark.parametrize("label", ["$x^{$", "$x$ and $y$", "\\$", "<b>", "%d {x}"])
def test_a_name_is_drawn_as_it_is_written(label, tmp_path):
    figure, ax = plt.subplots()
    plots.draw_events(ax, event_table([("a", 0.0, 1.0, label)]), [label])
    ax.set_title(label)
    with mpl.rc_context({"svg.fonttype": "none"}):
        figure.savefig(tmp_path / "a.svg")
    texts = re.findall(r"<text[^>]*>(.*?)</text>", (tmp_path / "a.svg").read_text())
    assert list(map(html.unescape, texts)).count(label) == 2


def test_a_caption_is_text():
    page = plots.players({"<script>alert(1)</script> & more": np.zeros(800)}, 8000).data
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert "<script>" not in page


@pytest.mark.parametrize("values", [(1, 1000), (150, 900), (0.002, 0.003)])
def test_a_logarithmic_axis_has_plain_numbers_however_little_it_spans(values):
    figure, ax = plt.subplots()
    ax.plot(values, values)
    ax.set(xscale="log", yscale="log")
    plots.label_log_axis(ax.xaxis)
    plots.label_log_axis(ax.yaxis)
    figure.canvas.draw()
    for axis in (ax.xaxis, ax.yaxis):
        texts = [text.get_text() for text in axis.get_ticklabels(which="both") if text.get_text()]
        assert [float(text) for text in texts] == sorted(map(float, texts))


def test_the_numbers_of_a_matrix_are_dark_on_light_and_light_on_dark():
    _, ax = plt.subplots()
    plots.draw_matrix(ax, pd.DataFrame([[0.0, 0.6], [0.75, 1.0]]), "share", vmax=1)
    assert [text.get_color() for text in ax.texts] == ["black", "black", "white", "white"]


def test_a_notebook_keeps_the_description_beside_the_figure(monkeypatch):
    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    monkeypatch.setattr(plots.style, "get_ipython", lambda: shell)
    plots.use_style()
    fig, ax = plt.subplots()
    ax.set_xlabel("time (s)")
    _, metadata = shell.display_formatter.format(fig)
    assert metadata == {"image/png": {"alt": plots.describe_figure(fig)}}
