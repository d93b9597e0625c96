"""The look of every figure: style, colours, width, and how a figure is written."""

from pathlib import Path

import matplotlib.pyplot as plt
import seaborn as sns
from IPython import get_ipython
from matplotlib.figure import Figure

STYLE = {
    "figure.dpi": 100,
    "figure.labelsize": "medium",
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
    "text.parse_math": False,  # a class or file may have dollar signs in its name
}


CLASS_COLOURS = (
    *("#0067a5", "#d1680c", "#00745c", "#9c1c4a", "#8c6bc8"),
    *("#5d3a1a", "#d24d96", "#56606b", "#8a7d00", "#14909b"),
)


_PLACES = ("left", "center", "right")  # of the title of a panel
WIDTH = 12.0  # inches, of a figure as wide as the page


def use_style():
    """Make the project's look the default of every figure drawn afterwards.

    In a notebook, figures also get an alternative text, where nbconvert looks for it.
    """
    plt.rcParams.update(STYLE)
    if shell := get_ipython():
        texts = shell.display_formatter.mimebundle_formatter
        texts.for_type(Figure, lambda figure: ({}, {"image/png": {"alt": describe_figure(figure)}}))


def describe_figure(figure):
    """Say in words what a figure shows, for those who do not see it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    str
        The titles of its panels, what is on their axes, and the legends. Without any of these,
        the texts in it.
    """
    shown = [ax for ax in figure.axes if ax.get_visible()]
    panels = [ax for ax in shown if ax.get_label() != "<colorbar>"]
    scales = [ax for ax in shown if ax.get_label() == "<colorbar>"]
    legends = [legend for ax in panels if (legend := ax.get_legend())]
    texts = {
        "": [figure.get_suptitle(), *(ax.get_title(place) for ax in panels for place in _PLACES)],
        "Horizontal: ": [figure.get_supxlabel(), *(ax.get_xlabel() for ax in panels)],
        "Columns: ": [name for ax in panels for name in _names(ax.xaxis)],
        "Vertical: ": [figure.get_supylabel(), *(ax.get_ylabel() for ax in panels)],
        "Rows: ": [name for ax in panels for name in _names(ax.yaxis)],
        "Colour: ": [ax.get_ylabel() or ax.get_xlabel() for ax in scales],
        "Legend: ": [text.get_text() for legend in legends for text in legend.get_texts()],
    }
    if not any(text for words in texts.values() for text in words):
        texts["Texts: "] = [text.get_text() for ax in panels for text in ax.texts]
    sentences = [f"Figure with {len(panels)} panel{'' if len(panels) == 1 else 's'}."]
    for name, words in texts.items():
        if words := [" ".join(text.split()) for text in dict.fromkeys(words) if text.strip()]:
            sentences.append(f"{name}{'; '.join(words)}.")
    return " ".join(sentences)


def _names(axis):
    """List the labels along an axis that has names and not numbers."""
    texts = [label.get_text() for label in axis.get_ticklabels()]
    return texts if any(text[:1].isalpha() for text in texts) else []


def class_colours(classes):
    """Give each class one colour, the same in every figure.

    Parameters
    ----------
    classes : sequence of str
        In the order of ``params.yaml``.

    Returns
    -------
    dict of str to colour
        Every colour has a contrast of at least 3 on white (WCAG 2.2, criterion 1.4.11). The
        first ten differ in lightness as well as in hue, for readers who do not tell hues
        apart; beyond ten classes the hues are evenly spaced.
    """
    few = len(classes) <= len(CLASS_COLOURS)
    palette = CLASS_COLOURS if few else sns.husl_palette(len(classes), l=0.5)
    return dict(zip(classes, palette, strict=False))


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
