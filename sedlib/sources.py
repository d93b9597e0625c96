"""Filling the folder of episodes from the source that ``params.yaml`` names.

The source is synthesis, a sound bank of recordings to mix, or a folder of episodes with
annotations.
"""

import os
from collections import defaultdict
from contextlib import closing
from functools import partial

import pandas as pd

from sedlib import annotations, audio
from sedlib.annotations import AnnotationError, correct_events, event_table, find_misplaced
from sedlib.annotations.event_table import recording_name
from sedlib.episodes import EpisodeError, usable_split, write_remarks
from sedlib.names import nearest
from sedlib.synthesis import memory_needed, synthesise
from sedlib.synthesis.soundbank import open_soundbank
from sedlib.workers import free_memory, worker_pool

SHORTEST = 1.0  # s, one segment


def prepare_episodes(params, source, target, processes=1, soundbank=None, pool=None):
    """Make or gather every episode of the split.

    Parameters
    ----------
    params : sedlib.config.Params
    source : pathlib.Path
        Folder of the recordings, as ``params.episodes.folder`` names it.
    target : pathlib.Path
        Folder of the episodes; made if missing.
    processes : int
        Number of episodes that are made at the same time; fewer where the free memory does not
        hold them. It does not change the results.
    soundbank : sedlib.synthesis.soundbank.SoundBank, optional
        The sound bank, if it is open already.
    pool : context manager of concurrent.futures.Executor, optional
        Where the episodes are made, in place of `processes` of this machine; see
        `sedlib.cluster.cluster_pool`. The folders must have the same paths there.

    Returns
    -------
    corrections : pandas.DataFrame
        The annotation errors that were corrected; see `sedlib.annotations.correct_events`.
    left_out : pandas.DataFrame
        Columns ``name`` and ``reason``.

    Raises
    ------
    EpisodeError
        If the folder is `target`; if an episode of the folder cannot be used, or holds the sound
        of one in another subset, and ``params.episodes.bad`` is ``stop``; or if no episode is left
        of a subset, or none with an event of the training or the validation.
    sedlib.audio.AudioError
        If a recording of the sound bank cannot be used and ``bad`` is ``stop``.
    sedlib.config.ConfigError
        If there are no sounds for a class.
    """
    options, left_out = params.episodes, []
    if options.source == "folder" and source.resolve() == target.resolve():
        raise EpisodeError(
            f"{source}: is the folder that the episodes are written to, so that they would replace "
            "your recordings; move these elsewhere and correct episodes.folder in params.yaml"
        )
    names = params.split.episodes
    for name in names:
        if recording_name(name) != name:
            raise EpisodeError(
                f"episode '{name}' in split ends like a media file; write '{recording_name(name)}'"
            )
    target.mkdir(parents=True, exist_ok=True)
    corrections, fingerprints = {}, {}
    if options.source == "folder":
        work = partial(_gather_episode, params, target, _AnnotatedMedia(source, names))
    else:
        if options.source == "soundbank":
            classes, aliases, bad = params.classes, options.aliases, options.bad
            soundbank = soundbank or open_soundbank(source, classes, aliases, params.seed, bad)
            left_out.extend(soundbank.left_out)
        work = partial(_make_episode, params, target, soundbank)
        processes = max(1, min(processes, int(free_memory() // memory_needed(params))))
    with pool or worker_pool(processes) as workers:
        if pool:  # what is there already must not be taken for what another machine has made
            for name in names:
                for path in _files(target, name):
                    path.unlink(missing_ok=True)
        with closing(workers.map(work, names)) as made:
            for name, (corrected, peaks, fault) in zip(names, made, strict=True):
                if fault:
                    _leave_out(left_out, name, fault, options.bad)
                    continue
                if pool:
                    _refuse_missing(target, name)
                if peaks is not None:
                    corrections[name], fingerprints[name] = corrected, peaks
    for name, fault in _find_leaks(fingerprints, params.split):
        _leave_out(left_out, name, fault, options.bad)
        del corrections[name]
        for path in _files(target, name):
            path.unlink()
    no_corrections = correct_events(event_table())[1]  # has the columns if there are no others
    corrections = pd.concat([no_corrections, *corrections.values()], ignore_index=True)
    left_out = pd.DataFrame(left_out, columns=["name", "reason"])
    write_remarks(target, corrections, left_out)
    for subset, kept in usable_split(params.split, target):
        events = (annotations.read(target / f"{name}.json") for name in kept)
        if subset != "test" and all(found.empty for found in events):
            raise EpisodeError(
                f"no episode of split.{subset} has an event, so that nothing can be learnt; "
                "annotate one, or change the split in params.yaml"
            )
    return corrections, left_out


def _files(target, name):
    """Return the paths of the sound and the events of an episode."""
    return target / f"{name}.flac", target / f"{name}.json"


def _refuse_missing(target, name):
    """Raise if an episode that a worker has made is not here."""
    # A network file system may know of a new file from its folder alone.
    if not {path.name for path in _files(target, name)} <= set(os.listdir(target)):
        raise EpisodeError(
            f"episode '{name}': was written where the worker runs and is not in {target}; give the "
            "folder to all machines, as by a network file system"
        )


def _make_episode(params, target, soundbank, name):
    """Synthesise or mix one episode; there is nothing to correct."""
    waveform, events = synthesise(name, params, soundbank)
    audio.write_flac(target / f"{name}.flac", waveform, params.stft.sample_rate)
    annotations.write(events, target / f"{name}.json")
    return None, None, None


def _gather_episode(params, target, folder, name):
    """Convert one episode of the folder.

    Returns its corrections, its fingerprint, and why it cannot be used.
    """
    try:
        media, events = folder.find_episode(name)
        _refuse_unknown_labels(events, params, folder.annotations.sources[name], name)
        sound = target / f"{name}.flac"
        duration = audio.convert_to_flac(media, sound, params.stft.sample_rate)
        misplaced = find_misplaced(events, {name: duration}).get(name)
        if duration < SHORTEST or misplaced:
            sound.unlink()
        if duration < SHORTEST:
            fault = f"lasts {duration:.3f} s, less than one segment; leave it out"
            raise EpisodeError(f"{media}: {fault}")
        if misplaced:
            raise AnnotationError(f"{folder.annotations.sources[name]}: {misplaced}")
    except (AnnotationError, audio.AudioError, EpisodeError) as error:
        return None, None, str(error)
    rate = params.stft.sample_rate
    peaks = audio.fingerprint(audio.read_blocks(sound, rate), rate)
    aliases = params.episodes.aliases
    events, corrections = correct_events(events, params.classes, {name: duration}, aliases)
    annotations.write(events, target / f"{name}.json")
    return corrections, peaks, None


def _leave_out(left_out, name, fault, bad):
    """Add an episode to those that are left out, or raise as ``episodes.bad`` says."""
    if bad == "stop":
        raise EpisodeError(
            f"episode '{name}': {fault}; or set episodes.bad to 'leave out' in params.yaml"
        )
    left_out.append((name, fault))


def _find_leaks(fingerprints, split):
    """Yield each episode that holds the sound of one in a later subset, and a sentence.

    The earlier subset is that of the training if possible, which can best spare an episode.
    """
    subset_of = {name: subset for subset, names in split for name in names}
    found = set()
    for shared in audio.find_shared_sound(fingerprints):
        first, second = shared.first, shared.second
        apart = subset_of[first] != subset_of[second]
        if apart and shared.is_copy and not {first, second} & found:
            found.add(first)
            yield (
                first,
                f"in split.{subset_of[first]}, shares {shared.seconds} s of sound with '{second}' "
                f"in split.{subset_of[second]}, as copies and excerpts do; put both into one "
                "subset, or remove one",
            )


def _refuse_unknown_labels(events, params, file, name):
    """Raise an AnnotationError for the first label that is neither a class nor an alias."""
    _, corrections = correct_events(events, params.classes, aliases=params.episodes.aliases)
    unknown = next(corrections[corrections["error"] == "unknown label"].itertuples(), None)
    if unknown:
        raise AnnotationError(
            f"{file}: event {unknown.row} of '{name}' has the unknown label "
            f"'{unknown.event_label}'; the nearest class is "
            f"'{nearest(unknown.event_label, params.classes)}'; correct it, or add it to "
            "classes or to episodes.aliases in params.yaml"
        )


class _AnnotatedMedia:
    """The media files of a folder and their annotations, by episode."""

    def __init__(self, folder, names):
        if not folder.is_dir():
            raise EpisodeError(f"{folder}: no such folder; correct episodes.folder in params.yaml")
        self.folder, self.media = folder, defaultdict(list)
        for path in audio.find_media([folder]):
            self.media[recording_name(path.name)].append(path)
        self.annotations = annotations.read_folder(folder, names)

    def find_episode(self, name):
        """Return the media file and the events of an episode; raise if one is not usable."""
        media = self.media.get(name, [])
        if not media:
            near = nearest(name, self.media)
            hint = f"the nearest name there is '{near}'" if near else "it holds no media"
            raise EpisodeError(f"no media '{name}.*' in {self.folder}; {hint}")
        if len(media) > 1:
            both = " and ".join(path.name for path in media)
            raise EpisodeError(f"{self.folder}: {both} have one name; keep one")
        faults = self.annotations.errors
        faults = faults.loc[faults["filename"] == name, "error"].tolist()
        if faults:
            raise AnnotationError(faults[0])
        if name not in self.annotations.sources:
            raise AnnotationError(f"{media[0]}: has no annotation beside it; add {name}.json")
        events = self.annotations.events
        return media[0], events[events["filename"] == name]
