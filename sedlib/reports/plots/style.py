"""The look of every figure: style, colours, width, and how a figure is written."""

from pathlib import Path

import matplotlib.pyplot as plt
import seaborn as sns
from IPython import get_ipython
from matplotlib.figure import Figure

from sedlib.reports.plots.description import describe_figure

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


WIDTH = 12.0  # inches, of a figure as wide as the page


def use_style():
    """Make the project's look the default of every figure drawn afterwards.

    In a notebook, figures also get an alternative text, where nbconvert looks for it.
    """
    plt.rcParams.update(STYLE)
    if shell := get_ipython():
        texts = shell.display_formatter.mimebundle_formatter
        texts.for_type(Figure, lambda figure: ({}, {"image/png": {"alt": describe_figure(figure)}}))


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
