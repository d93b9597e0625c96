"""What moves and sounds in a notebook: curves that grow while training, audio players."""

import base64
import html
import io

import matplotlib.pyplot as plt
import numpy as np
import soundfile
from IPython.display import HTML, display

from sedlib.reports.plots.figures import learning_curves


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
