"""Plotting helpers with one fixed colour per class.

A ``draw_`` function draws on the axes that it is given; the others return a whole figure or
something to play. `save_figure` writes a figure.
"""

from sedlib.reports.plots.axes import (
    draw_bars,
    draw_change,
    draw_dots,
    draw_events,
    draw_matrix,
    draw_scores,
    draw_spectrogram,
    draw_waveform,
    label_log_axis,
    label_rows,
)
from sedlib.reports.plots.description import describe_figure
from sedlib.reports.plots.figures import (
    class_axes,
    learning_curves,
    network_diagram,
    spectrogram_panels,
)
from sedlib.reports.plots.live import EpochLines, LiveCurves, players
from sedlib.reports.plots.style import (
    CLASS_COLOURS,
    STYLE,
    WIDTH,
    class_colours,
    save_figure,
    use_style,
)
