"""Find recordings with identical sound, and with sound that was re-encoded or cut."""

from collections import Counter

from sedlib.audio import find_shared_sound
from sedlib.check.findings import Finding
from sedlib.names import listed

_LONG = 10  # s of shared sound that deserve a look


def shared_sound(folder):
    """Yield a finding for recordings of different names with identical or similar sound."""
    copies = {}
    for sound in folder.readable:
        copies.setdefault(sound.content, {}).setdefault(sound.recording, sound.file)
    for files in copies.values():
        if len(files) > 1:
            subsets = Counter(folder.subset_of[name] for name in files if name in folder.subset_of)
            finding, detail = "duplicate", f"{listed(files)} hold the same sound"
            if len(subsets) > 1:
                finding = "leakage"
                detail += f", in {listed(subsets)}; training and test data must not overlap"
            # A split needs no recording twice, whatever the subsets.
            severity = "error" if subsets.total() > 1 else "warning"
            yield Finding(severity, finding, f"{detail}; keep one", *next(iter(files.items())))
    yield from _similar_sound(folder)


def _similar_sound(folder):
    """Yield a finding for recordings of different subsets that share sound but are not equal."""
    sounds = {s.recording: s for s in folder.readable if s.fingerprint is not None}
    for shared in find_shared_sound({name: s.fingerprint for name, s in sounds.items()}):
        first, second = sounds[shared.first], sounds[shared.second]
        subsets = [folder.subset_of[shared.first], folder.subset_of[shared.second]]
        if first.content == second.content or subsets[0] == subsets[1]:
            continue
        detail = f"{listed([shared.first, shared.second])} share {shared.seconds} s of sound, in "
        detail += listed(subsets)
        place = first.recording, first.file
        if shared.is_copy:
            advice = "put both into one subset, or keep one"
            detail += f", as copies and excerpts do; {advice}"
            yield Finding("error", "leakage", detail, *place)
        elif shared.seconds >= _LONG:
            advice = "a title sequence is acceptable, but makes results for its sounds optimistic"
            yield Finding("warning", "shared sound", f"{detail}; {advice}", *place)
