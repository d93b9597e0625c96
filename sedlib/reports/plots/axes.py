"""Drawing on the axes that a notebook gives: sound, events, scores, values by class."""

import librosa
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.patheffects import withStroke
from matplotlib.ticker import NullFormatter

from sedlib.reports.plots.style import class_colours

DOT = 45  # square points, the area of a dot


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


def draw_spectrogram(ax, magnitude, stft, fmax=None, floor=-70.0, start=0.0):
    """Draw |STFT| in dB below its peak over time and frequency.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    magnitude : numpy.ndarray, shape (frames, bins)
        Of one stretch of sound.
    stft : sedlib.config.STFTParams
    fmax : float, optional
        Highest frequency shown in Hz; default: all.
    floor : float
        What is drawn darkest, in dB below the peak.
    start : float
        Time of the first frame in s.

    Returns
    -------
    matplotlib.image.AxesImage
        For a colour bar in dB.
    """
    level = librosa.amplitude_to_db(magnitude, ref=np.max, top_db=-floor).T
    # The value of a frame and a bin stands in the middle of a pixel of this width and height.
    width, height = stft.hop_length / stft.sample_rate, stft.sample_rate / stft.n_fft / 1000
    bins, frames = np.array(level.shape) - 0.5
    extent = start - width / 2, start + frames * width, -height / 2, bins * height
    image = ax.imshow(
        level, cmap="magma", vmin=floor, vmax=0, origin="lower", aspect="auto", extent=extent
    )
    ax.set(xlabel="time (s)", ylabel="frequency (kHz)")
    if fmax is not None:
        ax.set_ylim(0, fmax / 1000)
    return image


def draw_events(ax, events, classes, estimated=None):
    """Draw events as bars over time, a row a class.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    events : pandas.DataFrame
        Event table of one file.
    classes : sequence of str
        Rows from the top.
    estimated : pandas.DataFrame, optional
        Detected events, drawn as a thin dark line under the bars of `events`.
    """
    colours = class_colours(classes)
    for row, label in enumerate(classes):
        lower = 0.4 if estimated is None else 0.1
        spans = _spans(events, label)
        ax.broken_barh(spans, (row - 0.4, 0.4 + lower), color=colours[label], linewidth=0)
        if estimated is not None:
            spans = _spans(estimated, label)
            ax.broken_barh(spans, (row + 0.2, 0.18), color="0.15", linewidth=0)
    ax.set(xlabel="time (s)")
    label_rows(ax, classes)


def draw_scores(ax, scores, classes, detected=None):
    """Draw scores over time, a row a class, the darker the higher.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    scores : pandas.DataFrame
        Score table.
    classes : sequence of str
        Rows from the top.
    detected : pandas.DataFrame, optional
        Event table of the stretches in which the scores reach the thresholds; outlined in red.

    Returns
    -------
    matplotlib.collections.QuadMesh
        For a colour bar from 0 to 1.
    """
    edges = np.append(scores["onset"], scores["offset"].iloc[-1])
    rows = np.arange(len(classes) + 1) - 0.5
    values = scores[list(classes)].T
    mesh = ax.pcolormesh(edges, rows, values, cmap="Greys", vmin=0, vmax=1, rasterized=True)
    # A white edge, because in greyscale red is as light as a score of about 0.6.
    style = {"facecolor": "none", "edgecolor": "C3", "lw": 1.5}
    style["path_effects"] = [withStroke(linewidth=3.5, foreground="white")]
    for row, label in enumerate(classes if detected is not None else ()):
        ax.broken_barh(_spans(detected, label), (row - 0.4, 0.8), **style)
    ax.set(xlabel="time (s)")
    label_rows(ax, classes)
    return mesh


def _spans(events, label):
    """Return the onset and the duration of each event of a class."""
    own = events[events["event_label"] == label]
    return list(zip(own["onset"], own["offset"] - own["onset"], strict=True))


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
        By class, ``low`` and ``high``, drawn as a line; the numbers then stand at the right. A
        class whose interval is nan gets neither.
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
            if not np.isnan(low):
                ax.text(1.02, row, text.replace("-", "−"), **at)
    label_rows(ax, values.index)


def label_rows(ax, names):
    """Name the rows of a panel that has one row for each class, the first on top.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    names : sequence of str
    """
    ax.set(yticks=range(len(names)), yticklabels=names)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)


def draw_dots(ax, values, colours, interval=None, *, shift=0.0, filled=True, marker="o", size=DOT):
    """Draw a dot for each class, with its confidence interval as a line with two ends.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Its rows are named by `label_rows`.
    values : pandas.Series
        By class, the first on top.
    colours : dict
        Colour by class.
    interval : pandas.DataFrame, optional
        By class, ``low`` and ``high``.
    shift : float
        Downwards, in rows, so that several series fit into one row.
    filled : bool
        Otherwise the dots are white with a coloured edge.
    marker : str
        As matplotlib names it.
    size : float
        Area of a dot in square points.
    """
    rows = np.arange(len(values)) + shift
    colour = [colours[label] for label in values.index]
    if interval is not None:
        bounds = zip(rows, interval["low"], interval["high"], colour, strict=True)
        for row, low, high, own in bounds:  # the ends are seen above and below any dot
            ax.plot([low, high], [row, row], "|-", color=own, lw=1.5, ms=9, mew=1.5)
    face = colour if filled else "white"
    ax.scatter(values, rows, s=size, marker=marker, facecolor=face, edgecolor=colour, zorder=3)


def draw_change(ax, before, after, colours, names):
    """Draw two values of each class as dots joined by a line.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    before, after : pandas.Series
        By class, the first on top; drawn white and filled.
    colours : dict
        Colour by class.
    names : (str, str)
        What the white and the filled dots are, for the legend.
    """
    rows = np.arange(len(before))
    ax.hlines(rows, before, after, color="0.8", lw=2, zorder=1)
    larger = 2 * DOT  # so that the edge of a white dot is seen where a filled one lies on it
    draw_dots(ax, before, colours, filled=False, size=larger)
    draw_dots(ax, after, colours)
    for name, face, size in zip(names, ("white", "0.3"), (larger, DOT), strict=True):
        ax.scatter([], [], s=size, facecolor=face, edgecolor="0.3", label=name)
    label_rows(ax, before.index)
    ax.legend(loc="lower right")


def label_log_axis(axis):
    """Label a logarithmic axis with plain numbers: 1, 10, 100.

    Matplotlib's own labels are powers in its mathematical notation, which is off here so that
    names are drawn as they are written.

    Parameters
    ----------
    axis : matplotlib.axis.Axis
        ``ax.xaxis`` or ``ax.yaxis``, already logarithmic.
    """
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def draw_matrix(ax, table, label, fmt=".2f", vmax=None, beside=None):
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
    beside : sequence of matplotlib.axes.Axes, optional
        Panels at whose right the colour bar stands; default: this one.
    """
    sns.heatmap(
        table,
        ax=ax,
        annot=True,
        fmt=fmt,
        annot_kws={"fontsize": "small"},
        cmap="Blues",
        vmin=0,
        vmax=vmax,
        linewidths=0.5,
        cbar=False,
    )
    mesh = ax.collections[0]
    bar = ax.figure.colorbar(mesh, ax=ax if beside is None else beside, label=label, shrink=0.8)
    bar.outline.set_visible(False)
    largest = mesh.norm.vmax
    for text in ax.texts:  # white is legible on the darkest blues alone
        text.set_color("white" if float(text.get_text()) > 0.7 * largest else "black")
    ax.set(xlabel="", ylabel="")
    ax.tick_params(length=0)
    plt.setp(ax.get_xticklabels(), rotation=40, ha="right")
