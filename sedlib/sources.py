"""Episodes from where `params.yaml` says: computed, mixed from recordings, or the user's own."""

import difflib
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import pandas as pd

from sedlib import annotations
from sedlib.annotations import AnnotationError
from sedlib.audio import AudioError, convert_to_flac, find_media, write_flac
from sedlib.episodes import EpisodeError, write_remarks
from sedlib.synthesis import synthesise
from sedlib.synthesis.soundbank import open_soundbank

SHORTEST = 1.0  # s, a clip


def prepare(params, source, target, processes=1):
    """Make or gather every episode of the split.

    Parameters
    ----------
    params : sedlib.config.Params
    source : pathlib.Path
        Folder of the recordings, as ``params.episodes.folder`` names it.
    target : pathlib.Path
        Made if missing.
    processes : int
        Episodes at a time; changes the speed only.

    Returns
    -------
    slips : pandas.DataFrame
        What was mended; see `sedlib.annotations.correct_events`.
    left_out : pandas.DataFrame
        Columns ``name`` and ``reason``.

    Raises
    ------
    EpisodeError
        If an episode of the folder cannot be used and ``params.episodes.bad`` is ``stop``.
    sedlib.audio.AudioError
        If a recording of the sound bank cannot be used and ``bad`` is ``stop``.
    sedlib.config.ConfigError
        If there are no sounds for a class.
    """
    target.mkdir(parents=True, exist_ok=True)
    options, left_out = params.episodes, []
    slips = [annotations.correct_events(annotations.event_table())[1]]  # its columns
    if options.source == "folder":
        work = partial(_gather, params, target, _Found(source, params.split.episodes))
    elif options.source == "soundbank":
        bank = open_soundbank(source, params.classes, options.aliases, params.seed, options.bad)
        work = partial(_make, params, target, bank)
        left_out.extend(bank.left_out)
    else:
        work = partial(_make, params, target, None)
    with ProcessPoolExecutor(processes) as pool:
        made = zip(params.split.episodes, pool.map(work, params.split.episodes), strict=True)
        for name, (report, fault) in made:
            if fault and options.bad == "stop":
                pool.shutdown(cancel_futures=True)
                raise EpisodeError(
                    f"episode '{name}': {fault}; or set episodes.bad to 'leave out' in params.yaml"
                )
            left_out.extend([(name, fault)] if fault else [])
            slips.extend([] if report is None else [report])
    slips = pd.concat(slips, ignore_index=True)
    left_out = pd.DataFrame(left_out, columns=["name", "reason"])
    write_remarks(target, slips, left_out)
    return slips, left_out


def _make(params, target, bank, name):
    """Compute or mix one episode; there is nothing to mend."""
    waveform, events = synthesise(name, params, bank)
    write_flac(target / f"{name}.flac", waveform, params.stft.sample_rate)
    annotations.write_json(events, target / f"{name}.json")
    return None, None


def _gather(params, target, folder, name):
    """Convert one episode of the user's; returns what was mended, and why it is not usable."""
    try:
        media, events = folder.episode(name)
        _refuse_unknown(events, params, folder.annotated.sources[name])
        sound = target / f"{name}.flac"
        duration = convert_to_flac(media, sound, params.stft.sample_rate)
        if duration < SHORTEST:
            sound.unlink()
            raise EpisodeError(f"{media}: lasts {duration:.3f} s, less than one clip; leave it out")
    except (AnnotationError, AudioError, EpisodeError) as error:
        return None, str(error)
    aliases = params.episodes.aliases
    events, slips = annotations.correct_events(events, params.classes, {name: duration}, aliases)
    annotations.write_json(events, target / f"{name}.json")
    return slips, None


def _refuse_unknown(events, params, file):
    """Raise for the first label that is neither a class nor an alias."""
    _, slips = annotations.correct_events(events, params.classes, aliases=params.episodes.aliases)
    for slip in slips[slips["slip"] == "unknown label"].itertuples():
        near = difflib.get_close_matches(slip.event_label, params.classes, n=1, cutoff=0.0)
        raise AnnotationError(
            f"{file}: row {slip.row}: unknown label '{slip.event_label}', the nearest class is "
            f"'{near[0]}'; correct it, or add it to classes or to episodes.aliases in params.yaml"
        )


class _Found:
    """Media and annotations of a folder, by episode."""

    def __init__(self, folder, names):
        if not folder.is_dir():
            raise EpisodeError(f"{folder}: no such folder; correct episodes.folder in params.yaml")
        self.folder, self.media = folder, defaultdict(list)
        for path in find_media([folder]):
            self.media[path.stem].append(path)
        self.annotated = annotations.read_folder(folder, names)

    def episode(self, name):
        """Return the media file and the events of an episode; raise if either is not usable."""
        media = self.media.get(name, [])
        if not media:
            near = difflib.get_close_matches(name, self.media, n=1, cutoff=0.0)
            hint = f"the nearest name there is '{near[0]}'" if near else "it holds no media"
            raise EpisodeError(f"no media '{name}.*' in {self.folder}; {hint}")
        if len(media) > 1:
            both = " and ".join(path.name for path in media)
            raise EpisodeError(f"{self.folder}: {both} have one name; keep one")
        faults = self.annotated.errors
        for fault in faults.loc[faults["filename"] == name, "error"]:
            raise AnnotationError(fault)
        if name not in self.annotated.sources:
            raise AnnotationError(f"{media[0]}: has no annotation beside it; add {name}.json")
        events = self.annotated.events
        return media[0], events[events["filename"] == name]
