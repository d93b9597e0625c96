"""Episodes mixed from a script, annotated exactly, the same every time.

`script` decides what happens when, `mixing` puts the sounds into rooms and masters the
whole. The sounds are of two kinds. For synthetic episodes `people`, `objects`, `music`
and `distractors` compute them: nothing is recorded, speech comes from eSpeak NG. With a
sound bank the classes and the background are real recordings, see `bank`; the
distractors, sounds without a label, are computed as before.
"""

from zlib import crc32

import numpy as np

from sedlib.config import ConfigError
from sedlib.synthesis.mixing import AMBIENCE, render
from sedlib.synthesis.script import DOMINANT, RARE, write_script


def synthesise(name, params, bank=None):
    """Make one episode.

    Script, rooms, levels and mastering are the same for both kinds, but that with a bank
    the band ends at 7.5 kHz instead of 9. The sounds of all classes of `params`, and the
    background if the bank has ``ambience``, are then recordings of the side of the split
    on which the episode is. The rest stays computed: the distractors, and classes of the
    script that `params` leaves out, which are heard but not annotated.

    Parameters
    ----------
    name : str
        Of the episode; with ``params.seed`` it decides everything in it.
    params : sedlib.config.Params
        Uses seed, classes, episodes.duration and features.sample_rate; with a bank
        also split.
    bank : sedlib.synthesis.soundbank.SoundBank, optional
        Opened with ``params.classes``. With seed and name its recordings and their names
        decide everything; where it lies does not matter.

    Returns
    -------
    waveform : ndarray of float32, shape (n_samples,)
        In (-1, 1), at ``params.stft.sample_rate``.
    events : pandas.DataFrame
        Columns filename (the name), onset, offset (s, whole
        milliseconds, exact), event_label; sorted by onset. Events of one
        class do not overlap.

    Raises
    ------
    ConfigError
        A class for which there is no sound or, with a bank, an episode on no side.
    AudioError
        A recording of the bank that cannot be read any more.
    """
    known = (*DOMINANT, *RARE)
    for label in params.classes:
        if label not in known:
            raise ConfigError(
                f"params.yaml: no sound is known for class '{label}' in classes; "
                f"the script has: {', '.join(known)}"
            )
    duration = params.episodes.duration
    rng = np.random.default_rng([params.seed, crc32(name.encode())])
    script = write_script(rng, duration)
    rate = params.stft.sample_rate
    recorded = _recorded(name, params, bank, rate) if bank else None
    waveform = render(script, rng, duration, rate, recorded)
    events = script[script.sound.isin(params.classes)].rename(columns={"sound": "event_label"})
    events.insert(0, "filename", name)
    return waveform, events[["filename", "onset", "offset", "event_label"]].reset_index(drop=True)


def _recorded(name, params, bank, rate):
    """Sound makers of the side of an episode."""
    sides = [side for side, names in params.split if name in names]
    if not sides:
        raise ConfigError(
            f"params.yaml: episode '{name}' is on no side of split, so that it is unknown which "
            "recordings it may have; add it to train, validation or test"
        )
    labels = [*params.classes, *({AMBIENCE} & set(bank.labels))]
    return {label: bank.maker(label, sides[0], rate) for label in labels}
