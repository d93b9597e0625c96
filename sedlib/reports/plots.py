"""Figures made to be looked at: one colour for one class, labelled axes, no junk.

Every function draws on axes that it is given, or returns a new figure that
notebooks show and `save_figure` writes.
"""

import base64
import io
from pathlib import Path

import librosa
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import soundfile
from IPython.display import HTML, display

STYLE = {
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "axes.grid": False,
    "font.size": 9.5,
    "legend.frameon": False,
    "savefig.dpi": 130,
    "svg.hashsalt": "sedlib",
}


def use_style():
    """Make the project's look the default of every figure drawn afterwards."""
    plt.rcParams.update(STYLE)


def class_colours(classes):
    """One colour for one class, told apart by the colour-blind.

    Parameters
    ----------
    classes : sequence of str
        In the order of ``params.yaml``.

    Returns
    -------
    dict of str to RGB tuple
        seaborn's ``colorblind`` palette, evenly spaced hues beyond ten classes.
    """
    palette = "colorblind" if len(classes) <= 10 else "husl"
    return dict(zip(classes, sns.color_palette(palette, len(classes)), strict=True))


def class_axes(n, height, columns=5, **options):
    """Return a figure with a panel for each of `n` classes.

    Parameters
    ----------
    n : int
    height : float
        Of a row of panels, in inches.
    columns : int
        Panels in a row.
    **options
        For `matplotlib.figure.Figure.subplots`, such as ``sharex``.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : list of matplotlib.axes.Axes, of length n
    """
    rows = -(-n // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(12, height * rows), squeeze=False, **options
    )
    for ax in axes.flat[n:]:
        ax.set_visible(False)
    return figure, list(axes.flat[:n])


def save_figure(figure, path):
    """Write a figure as PNG, the same bytes for the same figure.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : path-like
        Folders are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


def draw_waveform(ax, waveform, sample_rate, start=0.0):
    """Draw the peaks of a waveform over time, a hundred a second.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    waveform : numpy.ndarray, shape (n_samples,)
    sample_rate : int
        In Hz.
    start : float
        Time of the first sample in s.
    """
    step = sample_rate // 100
    starts = np.arange(0, len(waveform), step)
    peaks = np.maximum.reduceat(np.abs(waveform), starts)
    ax.fill_between(start + starts / sample_rate, -peaks, peaks, color="0.4", lw=0)
    ax.set(ylabel="amplitude")


def draw_spectrogram(ax, magnitude, recipe, fmax=None, floor=-70.0, start=0.0):
    """Draw |STFT| in dB below its peak over time and frequency.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    magnitude : numpy.ndarray, shape (frames, bins)
        Of one clip, or of several joined along the frames.
    recipe : sedlib.config.STFTParams
    fmax : float, optional
        Highest frequency shown in Hz; default: all.
    floor : float
        What is drawn darkest, in dB below the peak.
    start : float
        Time of the first frame in s.

    Returns
    -------
    matplotlib.collections.QuadMesh
        For a colour bar in dB.
    """
    level = librosa.amplitude_to_db(magnitude, ref=np.max, top_db=-floor)
    times = start + np.arange(len(level)) * recipe.hop_length / recipe.sample_rate
    frequencies = np.arange(level.shape[1]) * recipe.sample_rate / recipe.n_fft / 1000
    mesh = ax.pcolormesh(
        times, frequencies, level.T, cmap="magma", vmin=floor, vmax=0, rasterized=True
    )
    ax.set(xlabel="time (s)", ylabel="frequency (kHz)")
    if fmax is not None:
        ax.set_ylim(0, fmax / 1000)
    return mesh


def draw_events(ax, events, classes, predicted=None):
    """Draw events as bars over time, a row a class.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    events : pandas.DataFrame
        Event table of one file.
    classes : sequence of str
        Rows from the top.
    predicted : pandas.DataFrame, optional
        Events drawn as a thin dark line under the bars of `events`.
    """
    colours = class_colours(classes)
    for row, label in enumerate(classes):
        own = events[events["event_label"] == label]
        spans = list(zip(own["onset"], own["offset"] - own["onset"], strict=True))
        lower = 0.4 if predicted is None else 0.1
        ax.broken_barh(spans, (row - 0.4, 0.4 + lower), color=colours[label], linewidth=0)
        if predicted is not None:
            own = predicted[predicted["event_label"] == label]
            spans = list(zip(own["onset"], own["offset"] - own["onset"], strict=True))
            ax.broken_barh(spans, (row + 0.2, 0.18), color="0.15", linewidth=0)
    ax.set(xlabel="time (s)", yticks=range(len(classes)), yticklabels=classes)
    ax.set_ylim(len(classes) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)


def draw_scores(ax, scores, classes):
    """Draw scores over time, a row a class, the darker the higher.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    scores : pandas.DataFrame
        Score table.
    classes : sequence of str
        Rows from the top.

    Returns
    -------
    matplotlib.collections.QuadMesh
        For a colour bar from 0 to 1.
    """
    edges = np.append(scores["onset"], scores["offset"].iloc[-1])
    rows = np.arange(len(classes) + 1) - 0.5
    values = scores[list(classes)].T
    mesh = ax.pcolormesh(edges, rows, values, cmap="Greys", vmin=0, vmax=1, rasterized=True)
    ax.set(xlabel="time (s)", yticks=range(len(classes)), yticklabels=classes)
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    return mesh


def draw_bars(ax, values, colours, fmt="{:.2f}", interval=None):
    """Draw horizontal bars, a row a class, each with its number.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    values : pandas.Series
        By class, the first on top.
    colours : dict
        Colour by class.
    fmt : str
        Format of the numbers.
    interval : pandas.DataFrame, optional
        By class, ``low`` and ``high``, drawn as a line; the numbers then stand at the right.
    """
    rows = np.arange(len(values))
    bars = ax.barh(rows, values, color=[colours[label] for label in values.index], height=0.7)
    if interval is None:
        ax.bar_label(bars, [fmt.format(v) for v in values], padding=3, fontsize="small")
    else:
        ax.hlines(rows, interval["low"], interval["high"], color="0.25", lw=1.2)
        bounds = zip(rows, values, interval["low"], interval["high"], strict=True)
        for row, value, low, high in bounds:
            text = f"{fmt.format(value)}  [{fmt.format(low)}, {fmt.format(high)}]"
            at = {"transform": ax.get_yaxis_transform(), "va": "center", "fontsize": "small"}
            ax.text(1.02, row, text, **at)
    ax.set(yticks=rows, yticklabels=values.index)
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)


def draw_matrix(ax, table, label, fmt=".2f", vmax=None):
    """Draw a table of numbers as a heat map with the numbers in it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    table : pandas.DataFrame
    label : str
        What the colour means, with its unit.
    fmt : str
        Format of the numbers.
    vmax : float, optional
        Value of the darkest colour; default: the largest.
    """
    sns.heatmap(
        table,
        ax=ax,
        annot=True,
        fmt=fmt,
        annot_kws={"fontsize": "x-small"},
        cmap="Blues",
        vmin=0,
        vmax=vmax,
        linewidths=0.5,
        cbar_kws={"label": label, "shrink": 0.8},
    )
    ax.set(xlabel="", ylabel="")
    ax.tick_params(length=0)
    plt.setp(ax.get_xticklabels(), rotation=40, ha="right")


def learning_curves(history):
    """Loss and validation score by epoch, side by side.

    Parameters
    ----------
    history : pandas.DataFrame
        As `sedlib.training.train` returns it.

    Returns
    -------
    matplotlib.figure.Figure
    """
    best = history.loc[history["val_average_precision"].idxmax()]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3))
    left.plot(history["epoch"], history["loss"], color="0.5", ls="--", label="training, augmented")
    left.plot(history["epoch"], history["val_loss"], color="C0", label="validation")
    left.set(xlabel="epoch", ylabel="binary cross-entropy (nats)", yscale="log")
    right.plot(history["epoch"], history["val_average_precision"], color="C0", label="validation")
    right.set(xlabel="epoch", ylabel="mean average precision", ylim=(0, 1))
    for ax, column in ((left, "val_loss"), (right, "val_average_precision")):
        ax.plot(
            best["epoch"], best[column], "o", color="C3", label=f"best: epoch {best['epoch']:.0f}"
        )
        ax.set_xlim(0.5, max(2, len(history)) + 0.5)
        ax.legend()
    return figure


class LiveCurves:
    """Learning curves under a cell, redrawn after each epoch while the cell runs."""

    def __init__(self):
        self.handle = None

    def __call__(self, history):
        """Draw the history so far, in place of the figure before."""
        figure = learning_curves(history)
        if self.handle is None:
            self.handle = display(figure, display_id=True)
        else:
            self.handle.update(figure)
        plt.close(figure)


def players(sounds, sample_rate):
    """Audio players in a table, each under its name, that need no other file.

    Parameters
    ----------
    sounds : dict of str to numpy.ndarray
        Mono waveforms by caption.
    sample_rate : int
        In Hz.

    Returns
    -------
    IPython.display.HTML
        The sound is embedded as MP3, scaled to one peak so that none is lost
        in the others.
    """
    cells = []
    for caption, waveform in sounds.items():
        scaled = waveform * (0.7 / max(np.abs(waveform).max(), 1e-6))
        file = io.BytesIO()
        soundfile.write(file, scaled, sample_rate, format="MP3")
        data = base64.b64encode(file.getvalue()).decode("ascii")
        cells.append(
            f'<figure style="display:inline-block;margin:4px 10px">'
            f"<figcaption>{caption}</figcaption>"
            f'<audio controls preload="none" style="width:220px" '
            f'src="data:audio/mpeg;base64,{data}"></audio></figure>'
        )
    return HTML("".join(cells))
