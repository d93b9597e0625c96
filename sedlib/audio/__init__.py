"""Reading any media file as mono sound, and writing sound."""

from sedlib.audio.media import (
    MEDIA_SUFFIXES,
    AudioError,
    Media,
    convert_to_flac,
    find_media,
    probe,
    read_audio,
    read_blocks,
    write_flac,
)

__all__ = [
    "MEDIA_SUFFIXES",
    "AudioError",
    "Media",
    "convert_to_flac",
    "find_media",
    "probe",
    "read_audio",
    "read_blocks",
    "write_flac",
]
