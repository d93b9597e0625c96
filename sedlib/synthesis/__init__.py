"""The built-in episodes: made on the spot, annotated exactly, the same every time.

`script` decides what happens when, `people`, `objects`, `music` and
`distractors` make the sounds, `mixing` puts them into rooms and masters the
whole. Nothing is recorded: speech comes from eSpeak NG, all else is computed.
"""

from zlib import crc32

import numpy as np

from sedlib.config import ConfigError
from sedlib.synthesis.mixing import render
from sedlib.synthesis.script import DOMINANT, RARE, write_script


def synthesise(name, params):
    """Make one episode.

    Parameters
    ----------
    name : str
        Of the episode; with ``params.seed`` it decides everything in it.
    params : sedlib.config.Params
        Uses seed, classes, episodes.duration and features.sample_rate.

    Returns
    -------
    waveform : ndarray of float32, shape (n_samples,)
        In (-1, 1), at ``params.features.sample_rate``.
    events : pandas.DataFrame
        Columns filename (the name), onset, offset (s, whole
        milliseconds, exact), event_label; sorted by onset. Events of one
        class do not overlap.

    Raises
    ------
    ConfigError
        A class for which there is no sound.
    """
    known = (*DOMINANT, *RARE)
    for label in params.classes:
        if label not in known:
            raise ConfigError(
                f"params.yaml: no sound is known for class '{label}' in classes; "
                f"synthetic episodes have: {', '.join(known)}"
            )
    duration = params.episodes.duration
    rng = np.random.default_rng([params.seed, crc32(name.encode())])
    script = write_script(rng, duration)
    waveform = render(script, rng, duration, params.features.sample_rate)
    events = script[script.sound.isin(params.classes)].rename(columns={"sound": "event_label"})
    events.insert(0, "filename", name)
    return waveform, events[["filename", "onset", "offset", "event_label"]].reset_index(drop=True)
