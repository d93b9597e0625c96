"""Whole figures that several notebooks show."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from sedlib.reports.plots.axes import draw_spectrogram
from sedlib.reports.plots.style import WIDTH, class_colours


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
        rows, columns, figsize=(WIDTH, height * rows), squeeze=False, **options
    )
    for ax in axes.flat[n:]:
        ax.set_visible(False)
    return figure, list(axes.flat[:n])


def spectrogram_panels(magnitudes, stft, height=2.5, columns=5):
    """Show spectrograms of segments side by side, on the same axes.

    Parameters
    ----------
    magnitudes : sequence of (str, numpy.ndarray of shape (frames, bins))
        Title and spectrogram of each panel.
    stft : sedlib.config.STFTParams
    height : float
        Of a row of panels, in inches.
    columns : int
        Panels in a row.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = class_axes(max(1, len(magnitudes)), height, columns, sharex=True, sharey=True)
    image = None
    for ax, (title, magnitude) in zip(axes, magnitudes, strict=False):
        image = draw_spectrogram(ax, magnitude, stft, fmax=11025)
        ax.set_title(title, fontsize="small")
        ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        ax.label_outer()
    if image is not None:
        figure.colorbar(image, ax=axes, label="level relative to the peak (dB)", shrink=0.6)
    return figure


# What is written into the box of a layer, by its class in Keras, and the colour of the box; layers
# of other classes are not drawn.
_DRAWN = {
    "InputLayer": ("input", "0.85"),
    "MelBands": ("mel\nbands", "#cfe3f2"),
    "Conv2D": ("conv.\n3x3", "#f3d9bf"),
    "MixStyle": ("MixStyle", "#d9e8c4"),
    "GRU": ("GRU", "#cde8df"),
    "Bidirectional": ("bidi-\nrectional\nGRU", "#cde8df"),
    "Dense": ("dense,\nsigmoid", "#e6d5ee"),
    "LinearSoftmax": ("linear\nsoftmax\npooling", "#f0f0c8"),
}


def network_diagram(table):
    """Draw a network as a row of boxes, from the spectrogram to the scores.

    Parameters
    ----------
    table : pandas.DataFrame
        As `sedlib.models.layer_table` returns it.

    Returns
    -------
    matplotlib.figure.Figure
        A box for the input, for each convolution, recurrent or dense layer, and for the layers of
        this project; the taller, the more values it gives for each frame (on a logarithmic scale).
        Its name is in it, the shape of its output below it.
    """
    layers = table[table["kind"].isin(_DRAWN)].reset_index(drop=True)
    figure, ax = plt.subplots(figsize=(WIDTH, 3))
    # The input has the frames first; later layers may have the bands first, the last has no frames.
    frames = int(layers["output"].iloc[0].split(" x ")[0])
    for x, layer in layers.iterrows():
        name, colour = _DRAWN[layer["kind"]]
        shape = [int(n) for n in layer["output"].split(" x ")]
        height = np.log2(2 * np.prod(shape) / (frames if len(shape) > 1 else 1))
        ax.bar(x, height, width=0.76, color=colour, edgecolor="0.3", lw=0.8)
        ax.text(x, 2, name, ha="center", va="center")
        ax.text(x, -0.4, layer["output"], ha="center", va="top")
        if x:
            arrow = {"arrowstyle": "->", "color": "0.4", "lw": 0.8}
            ax.annotate("", (x - 0.38, 2), (x - 0.62, 2), arrowprops=arrow)
    ax.set(xlim=(-0.6, len(layers) - 0.4), ylim=(-1.4, None), xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return figure


def learning_curves(history, classes=()):
    """Loss and validation score by epoch, side by side, and the F1 of each class below.

    Parameters
    ----------
    history : pandas.DataFrame
        As `sedlib.training.train` returns it.
    classes : sequence of str
        The classes of the network; without them the lower panel is left out.

    Returns
    -------
    matplotlib.figure.Figure
    """
    best = history.loc[history["val_average_precision"].idxmax()]
    rows = [["loss", "score"], ["f1", "f1"]] if classes else [["loss", "score"]]
    figure, axes = plt.subplot_mosaic(rows, figsize=(WIDTH, 3.6 * len(rows)))
    left, right, lower = (axes.get(name) for name in ("loss", "score", "f1"))
    if classes:
        by_class = np.array(history["val_f1"].tolist(), dtype=float)
        for (label, colour), values in zip(class_colours(classes).items(), by_class.T, strict=True):
            lower.plot(history["epoch"], values, color=colour, label=label)
        lower.set(xlabel="epoch", ylabel="highest F1, validation", ylim=(0, 1))
        lower.set_xlim(0.5, max(2, len(history)) + 0.5)
        lower.xaxis.set_major_locator(MaxNLocator(integer=True))
        _label_ends(lower)
    left.plot(history["epoch"], history["loss"], color="0.5", ls="--", label="training, augmented")
    left.plot(history["epoch"], history["val_loss"], color="C0", label="validation")
    left.set(xlabel="epoch", ylabel="binary cross-entropy (nats)")
    right.plot(history["epoch"], history["val_average_precision"], color="C0", label="validation")
    right.set(xlabel="epoch", ylabel="mean average precision", ylim=(0, 1))
    for ax, column in ((left, "val_loss"), (right, "val_average_precision")):
        ax.plot(
            best["epoch"], best[column], "o", color="C3", label=f"best: epoch {best['epoch']:.0f}"
        )
        ax.set_xlim(0.5, max(2, len(history)) + 0.5)
        ax.set_ylim(bottom=0)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.legend(loc="upper right" if ax is left else "lower right")
    return figure


def _label_ends(ax):
    """Write the label of each line beside its end, the labels far enough apart to be read."""
    lines = [line for line in ax.get_lines() if np.isfinite(line.get_ydata()[-1])]
    lines.sort(key=lambda line: line.get_ydata()[-1])
    places, gap = [line.get_ydata()[-1] for line in lines], min(0.07, 1 / max(len(lines), 1))
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + gap)
    for i in reversed(range(len(places))):
        places[i] = min(places[i], 1 - gap * (len(places) - 1 - i))
    for line, place in zip(lines, places, strict=True):
        end, colour = (line.get_xdata()[-1], line.get_ydata()[-1]), line.get_color()
        ax.annotate(
            line.get_label(),
            end,
            (1.02, place),
            textcoords=ax.get_yaxis_transform(),
            va="center",
            color=colour,
            fontsize="small",
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.6, "relpos": (0, 0.5)},
        )
