"""Progress through the sound of several files, for a terminal and for a log."""

import sys

from tqdm import tqdm

from sedlib.names import printable

_NAME_LENGTH = 24  # characters of a name beside the bar


class Progress:
    """A bar with the time reached in all sound and the file; plain lines outside a terminal.

    Parameters
    ----------
    total : float, optional
        Duration of all sound in seconds, as far as it is known. Without it there are no lines.
    keep : bool
        Whether the bar stays in the terminal when all is done.
    file : file-like, optional
        Default: standard error.
    """

    def __init__(self, total=None, keep=True, file=None):
        self._file = file or sys.stderr
        self._total, self._reached = total or 0.0, 0.0
        # In a log a line follows each tenth of the sound, but none the seconds of short files.
        self._step = self._next = max(self._total / 10, 60.0)
        form = "{desc}{percentage:3.0f}%|{bar}| {position} of {length} [{remaining} left]"
        self._bar = _Bar(
            total=total,
            file=self._file,
            leave=keep,
            disable=None,  # no bar outside a terminal
            bar_format=form if total else "{desc}{position} of sound",
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._bar.close()

    def __call__(self, path, seconds):
        """Add seconds of sound that has been read from a file."""
        self._reached += seconds
        name = printable(getattr(path, "name", path))
        self._bar.set_description_str(f"{name[:_NAME_LENGTH]}: ", refresh=False)
        self._bar.update(seconds)
        if self._bar.disable and self._total and self._reached >= self._next:
            self._next += self._step
            place = f"{clock(self._reached)} of {clock(self._total)} of sound"
            print(f"{place}, now {name}", file=self._file, flush=True)

    def write(self, text):
        """Print a line to standard output, at once also where that is a pipe."""
        self._bar.write(text)
        sys.stdout.flush()


class _Bar(tqdm):
    """A bar whose format may hold the position and the length as ``mm:ss``."""

    @property
    def format_dict(self):
        """What the format may hold."""
        known = super().format_dict
        return known | {"position": clock(known["n"]), "length": clock(known["total"] or 0)}


def clock(seconds):
    """Write a time in seconds as ``mm:ss``, or ``h:mm:ss`` from an hour on."""
    return tqdm.format_interval(round(seconds))
