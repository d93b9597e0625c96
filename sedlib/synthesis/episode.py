"""One episode: its waveform and its exact annotation, the same every time."""

from zlib import crc32

import numpy as np

from sedlib.config import ConfigError
from sedlib.synthesis.mixing import AMBIENCE, render
from sedlib.synthesis.script import RARE_SECONDS, TRAINING_RARE_SECONDS, write_script
from sedlib.synthesis.sound_registry import CLASSES

# In bytes, what a process needs whatever the length of an episode; and how many arrays of 64-bit
# numbers as long as the episode it holds at a time, if the episode is a single scene.
PROCESS_MEMORY, ARRAYS_AT_ONCE = 3e8, 3.0


def memory_needed(params):
    """Estimate the memory that a process needs while it makes the longest episode.

    Parameters
    ----------
    params : sedlib.config.Params

    Returns
    -------
    float
        In bytes.
    """
    longest = max(params.episodes.duration, params.episodes.evaluation_duration)
    return PROCESS_MEMORY + ARRAYS_AT_ONCE * 8 * params.stft.sample_rate * longest


def synthesise(name, params, soundbank=None):
    """Make one episode.

    Validation and test episodes last ``evaluation_duration``; all other episodes last
    ``duration`` and hold more of the rare classes per minute.

    Without a sound bank every sound is computed. With one, the sounds of all classes in
    `params`, and the backgrounds if the sound bank has ``ambience``, are recordings of the
    subset to which the episode belongs, and the band ends at 7.5 kHz instead of 9 kHz.
    In the training episodes of a varied sound bank some sounds are computed all the same.
    Distractors, and classes that `params` leaves out, are computed, heard and not annotated.

    Parameters
    ----------
    name : str
        Name of the episode. Together with ``params.seed`` it decides everything in it.
    params : sedlib.config.Params
        Uses seed, classes, split, stft.sample_rate, and the durations in episodes.
    soundbank : sedlib.synthesis.soundbank.SoundBank, optional
        Opened with ``params.classes``. Its recordings and their names matter, not its place.

    Returns
    -------
    waveform : ndarray of float32, shape (n_samples,)
        In (-1, 1), at ``params.stft.sample_rate``.
    events : pandas.DataFrame
        Columns filename (the name), onset, offset (s, whole milliseconds, exact) and
        event_label; sorted by onset. Events of one class do not overlap.

    Raises
    ------
    ConfigError
        If there is no sound for a class or, with a sound bank, the episode is in no subset.
    AudioError
        If a recording of the sound bank cannot be read any more.
    """
    for label in params.classes:
        if label not in CLASSES:
            raise ConfigError(
                f"params.yaml: no sound is known for class '{label}' in classes; "
                f"there are sounds for: {', '.join(CLASSES)}"
            )
    options, rate = params.episodes, params.stft.sample_rate
    if name in {*params.split.validation, *params.split.test}:
        duration, rare_seconds = options.evaluation_duration, RARE_SECONDS
    else:
        duration, rare_seconds = options.duration, TRAINING_RARE_SECONDS
    rng = np.random.default_rng([params.seed, crc32(name.encode())])
    script = write_script(rng, duration, rare_seconds)
    recorded = _recorded_makers(name, params, soundbank, rate) if soundbank else None
    waveform = render(script, rng, duration, rate, recorded)
    events = script[script.sound.isin(params.classes)].rename(columns={"sound": "event_label"})
    events.insert(0, "filename", name)
    return waveform, events[["filename", "onset", "offset", "event_label"]].reset_index(drop=True)


def _recorded_makers(name, params, soundbank, rate):
    """Functions that play the recordings of the subset of an episode, and computed shares."""
    subset = next((subset for subset, names in params.split if name in names), None)
    if subset is None:
        raise ConfigError(
            f"params.yaml: episode '{name}' is in no subset of split, so that it is unknown which "
            "recordings it may contain; add it to train, validation or test"
        )
    labels = [*params.classes, *({AMBIENCE} & set(soundbank.labels))]
    return {
        label: (soundbank.maker(label, subset, rate), soundbank.computed_share(label, subset))
        for label in labels
    }
