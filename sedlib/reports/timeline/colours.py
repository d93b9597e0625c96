"""Colours of the classes that stand out on a light page and on a dark one."""

import numpy as np
from matplotlib.colors import to_hex, to_rgb

from sedlib.reports.plots.style import class_colours

_DARK = "#14171b"  # --back of page.css in the dark
_CONTRAST = 4.0  # of marks on it: a little more than the 3 that is needed


def page_colours(classes):
    """Give each class its colour on a light and on a dark page.

    Parameters
    ----------
    classes : sequence of str

    Returns
    -------
    dict of str to (str, str)
        As ``#rrggbb``; the first is the one of `sedlib.reports.plots.class_colours`.
    """
    return {
        label: (to_hex(colour), _on_dark(colour))
        for label, colour in class_colours(classes).items()
    }


def _on_dark(colour):
    """Lighten a colour until it stands out on the dark background."""
    rgb, back = np.array(to_rgb(colour)), _luminance(to_rgb(_DARK))
    for white in np.linspace(0, 1, 101):
        lighter = rgb + white * (1 - rgb)
        if (_luminance(lighter) + 0.05) / (back + 0.05) >= _CONTRAST:
            break
    return to_hex(lighter)


def _luminance(rgb):
    """Relative luminance as WCAG 2.2 defines it."""
    rgb = np.asarray(rgb)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))
