"""Which files are media files, and where they are."""

from pathlib import Path

MEDIA_SUFFIXES = frozenset(
    ".3gp .aac .ac3 .aif .aiff .au .avi .caf .flac .flv .m2ts .m4a .m4b .m4v .mka .mkv .mov "
    ".mp2 .mp3 .mp4 .mpeg .mpg .mts .oga .ogg .ogv .opus .ts .wav .webm .wma .wmv .wv".split()
)


def find_media(paths):
    """List the media files among files and folders.

    Parameters
    ----------
    paths : iterable of path-like
        Files, and folders to search. Their subfolders are not searched.

    Returns
    -------
    list of pathlib.Path
        Each file once, in the order given. A file that is named is listed whether or not it
        exists. A folder is replaced by the files in it that have one of the `MEDIA_SUFFIXES`,
        sorted by name, without hidden files.
    """
    found = {}
    for path in map(Path, paths):
        inside = sorted(filter(_is_media, path.iterdir())) if path.is_dir() else [path]
        found |= dict.fromkeys(inside)
    return list(found)


def _is_media(path):
    visible = not path.name.startswith(".")
    return visible and path.suffix.lower() in MEDIA_SUFFIXES and path.is_file()
