"""Reading the sound of any media file, and writing FLAC.

`read_audio` and `read_blocks` give mono float32 samples at one rate, aligned with the
playback time; `probe` reads only what the file states; `measure_loudness` tells how loud it
is, `find_shared_sound` which recordings share sound. No other package decodes media.
"""

from sedlib.audio.container import AudioError, Media, probe
from sedlib.audio.decoding import read_audio, read_blocks
from sedlib.audio.fingerprints import Fingerprinter, find_shared_sound, fingerprint
from sedlib.audio.loudness import measure_loudness
from sedlib.audio.suffixes import (
    MEDIA_SUFFIXES,
    MediaSearch,
    count_suffixes,
    find_media,
    search_media,
)
from sedlib.audio.writing import convert_to_flac, write_flac
