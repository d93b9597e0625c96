"""Which files are media files, and where they are."""

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from sedlib.audio.container import AudioError
from sedlib.names import printable

MEDIA_SUFFIXES = frozenset(
    ".3g2 .3gp .aac .ac3 .aif .aifc .aiff .amr .ape .asf .au .avi .bwf .caf .divx .dts .dv .eac3 "
    ".ec3 .f4v .flac .flv .m2t .m2ts .m4a .m4b .m4r .m4v .mk3d .mka .mkv .mov .mp2 .mp3 .mp4 .mpa "
    ".mpe .mpeg .mpg .mts .mxf .nut .oga .ogg .ogm .ogv .opus .qt .ra .rf64 .rm .rmvb .snd .spx "
    ".tak .ts .tta .vob .voc .w64 .wav .wave .weba .webm .wma .wmv .wtv .wv".split()
)

_SHOWN = 12  # suffixes in a message


@dataclass
class MediaSearch:
    """What was found in files and folders.

    Attributes
    ----------
    files : dict of pathlib.Path to pathlib.Path
        Each media file, in the order given, to its name below the folder that was given.
    passed_over : list of pathlib.Path
        Files of folders that are not media files by their suffixes, without hidden ones.
    closed : dict of path-like to str
        Folders that cannot be searched, and why.
    empty : list of pathlib.Path
        Folders that were given and hold no media file.
    """

    files: dict[Path, Path] = field(default_factory=dict)
    passed_over: list[Path] = field(default_factory=list)
    closed: dict[Path, str] = field(default_factory=dict)
    empty: list[Path] = field(default_factory=list)

    @property
    def remarks(self):
        """What was passed over and why, as sentences."""
        remarks = [f"{printable(folder)}: holds no media file" for folder in self.empty]
        if self.passed_over:
            remarks.append(
                f"passed over, not media by their suffixes: {count_suffixes(self.passed_over)}; "
                "name a file itself to have it tried"
            )
        return remarks


def search_media(paths, deep=True):
    """Search files and folders for media files.

    Parameters
    ----------
    paths : iterable of path-like
        Files, and folders to search.
    deep : bool
        Whether to search the subfolders as well, to their full depth.

    Returns
    -------
    MediaSearch
        It lists each file once. A file that is named is listed whatever its suffix, and whether
        or not it exists. A folder is replaced by the files in it that have one of the
        `MEDIA_SUFFIXES`, sorted by name, without hidden files and folders.
    """
    search, known = MediaSearch(), set()
    for path in map(Path, paths):
        if os.path.isdir(path):  # unlike that of `path`, false for what cannot be reached
            inside = list(_walk(path, deep, search, set()))
            if not inside and path not in search.closed:
                search.empty.append(path)
            found = {file: file.relative_to(path) for file in inside}
        else:
            found = {path: Path(path.name)}
        for file, name in found.items():
            if os.path.abspath(file) not in known:
                known.add(os.path.abspath(file))
                search.files[file] = name
    return search


def find_media(paths, deep=False):
    """List the media files among files and folders.

    Parameters
    ----------
    paths : iterable of path-like
        As those of `search_media`.
    deep : bool
        Whether to search the subfolders as well.

    Returns
    -------
    list of pathlib.Path

    Raises
    ------
    AudioError
        If a folder cannot be searched.
    """
    search = search_media(paths, deep)
    if search.closed:
        folder, reason = next(iter(search.closed.items()))
        raise AudioError(f"{folder}: {reason}")
    return list(search.files)


def count_suffixes(paths):
    """Count files by their suffixes, as text: ``.txt (2), no suffix (1)``."""
    suffixes = Counter(path.suffix.lower() or "no suffix" for path in paths)
    counted = [f"{suffix} ({count})" for suffix, count in suffixes.most_common(_SHOWN)]
    return printable(", ".join(counted)) + (", ..." if len(suffixes) > _SHOWN else "")


def _walk(folder, deep, search, entered):
    """Yield the media files of a folder, and note in `search` what else it holds."""
    try:
        state = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        search.closed[folder] = f"cannot be searched ({error.strerror}); check its permissions"
        return
    if (state.st_dev, state.st_ino) in entered:
        return  # links may lead round in a circle
    entered.add((state.st_dev, state.st_ino))
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith("."):
            continue
        if os.path.isdir(path):  # unlike that of `entry`, false for a link that leads to itself
            if deep:
                yield from _walk(path, deep, search, entered)
        elif path.suffix.lower() not in MEDIA_SUFFIXES or _is_device(path):
            search.passed_over.append(path)
        else:
            yield path


def _is_device(path):
    """Tell whether a path is a pipe, socket or device, which might never end."""
    return os.path.exists(path) and not os.path.isfile(path)
