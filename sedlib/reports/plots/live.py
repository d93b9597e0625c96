"""What moves and sounds in a notebook: curves that grow while training, audio players."""

import base64
import html
import io
import os
import sys
import time

import matplotlib.pyplot as plt
import numpy as np
import soundfile
from IPython.display import HTML, display

from sedlib.config import HEADLESS_VARIABLE
from sedlib.reports.plots.figures import learning_curves


class LiveCurves:
    """Learning curves under a cell, redrawn after each epoch while the cell runs.

    Where a notebook runs without a browser, nothing is drawn before `show` is called, since
    nobody would see it.

    Parameters
    ----------
    classes : sequence of str
        As in `sedlib.reports.plots.learning_curves`.
    """

    def __init__(self, classes=()):
        self.classes, self.handle = classes, None

    def __call__(self, history):
        """Draw the history so far, in place of the figure before."""
        if HEADLESS_VARIABLE not in os.environ:
            self.show(learning_curves(history, self.classes))

    def show(self, figure):
        """Show a figure in place of the one before, and close it."""
        if self.handle is None:
            self.handle = display(figure, display_id=True)
        else:
            self.handle.update(figure)
        plt.close(figure)


class EpochLines:
    """A line in standard error after each epoch, where a notebook runs without a browser.

    `sedlib.reports.notebooks.run_notebook` shows the lines at once and leaves them out of the
    notebook that it writes.

    Parameters
    ----------
    epochs : int
        The most that are trained.
    clock : callable, optional
        Returns a time in seconds.
    """

    def __init__(self, epochs, clock=time.monotonic):
        self.epochs, self.clock, self.last = epochs, clock, clock()

    def __call__(self, history):
        """Write the line of the last epoch of a history."""
        now = self.clock()
        row, duration, self.last = history.iloc[-1], now - self.last, now
        if HEADLESS_VARIABLE not in os.environ:
            return
        minutes, seconds = divmod(round(duration * (self.epochs - len(history))), 60)
        print(
            f"epoch {len(history)} of {self.epochs}: loss {row['loss']:.3f}, validation loss "
            f"{row['val_loss']:.3f}, mean average precision {row['val_average_precision']:.3f}; "
            f"at most {minutes}:{seconds:02} left",
            file=sys.stderr,
            flush=True,
        )


def players(sounds, sample_rate):
    """Audio players in a table, each under its name, that need no other file.

    Parameters
    ----------
    sounds : dict of str to numpy.ndarray
        Mono waveforms by caption, which is plain text.
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
            f"<figcaption>{html.escape(caption)}</figcaption>"
            f'<audio controls preload="none" style="width:220px" '
            f'src="data:audio/mpeg;base64,{data}"></audio></figure>'
        )
    return HTML("".join(cells))
