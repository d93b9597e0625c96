"""The worst errors of each class, as clips to listen to."""

import soundfile

from sedlib.reports.timeline import embed

MOST = 4  # errors of each kind that are shown of a class
KINDS = {"miss": "Misses", "false alarm": "False alarms"}
_SHORTEST, _LONGEST, _AROUND = 3.0, 5.0, 1.0  # s
_BIT_RATE = 24_000  # bit/s


def worst_errors(marked, label, kind):
    """Choose the most confident errors of one class.

    Parameters
    ----------
    marked : dict of str to list of dict
        Events by episode, as `sedlib.reports.timeline.mark_events` returns them.
    label : str
    kind : {"miss", "false alarm"}

    Returns
    -------
    list of (str, dict)
        Episode and event: misses with the lowest peak score first, false alarms with the highest.
    """
    sign = 1 if kind == "miss" else -1
    errors = [
        (name, event)
        for name, events in marked.items()
        for event in events
        if event["class"] == label and event["mark"] == kind
    ]
    return sorted(errors, key=lambda error: sign * (error[1]["peak"] or 0.0))[:MOST]


def cut_clip(path, name, event):
    """Cut the sound of an error out of its episode.

    Parameters
    ----------
    path : pathlib.Path
        FLAC file of the episode.
    name : str
        Of the episode.
    event : dict
        As `sedlib.reports.timeline.mark_events` describes it.

    Returns
    -------
    Clip
        Three to five seconds that begin up to a second before the event, and earlier at the end
        of an episode. Long events are cut.
    """
    with soundfile.SoundFile(path) as file:
        rate, length = file.samplerate, file.frames / file.samplerate
        wanted = event["offset"] - event["onset"] + 2 * _AROUND
        duration = min(max(wanted, _SHORTEST), _LONGEST, length)
        start = min(max(0.0, event["onset"] - _AROUND), length - duration)
        file.seek(round(start * rate))
        samples = file.read(round(duration * rate), dtype="float32")
    parts = embed((samples, rate), bit_rate=_BIT_RATE)
    begin, end = ((event[edge] - start) / parts.duration for edge in ("onset", "offset"))
    return event | {
        "episode": name,
        "span": (round(begin, 4), round(min(1.0, end) - begin, 4)),
        "duration": parts.duration,
        "media": parts.media,
        "image": parts.tiles[0],
    }
