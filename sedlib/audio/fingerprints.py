"""Recognising the same recording again, although it was re-encoded, cut or made quieter.

The method is that of Wang [1]_: the peaks of a spectrogram survive lossy codecs, resampling and a
change of level, and two sounds that share many pairs of peaks at one shift in time share a
recording. Copies at another speed or pitch are not recognised.

.. [1] A. L.-C. Wang, "An industrial-strength audio search algorithm", Proc. ISMIR, 2003.
"""

from dataclasses import dataclass

import numpy as np
import soxr

_RATE = 8000  # Hz; a band that common codecs keep
_N_FFT, _HOP = 512, 128  # samples, 64 and 16 ms
_BINS = slice(13, 231)  # 200 to 3600 Hz
_NEAR = (8, 12)  # frames and bins; a peak is the largest value so far around it
_FAINT = 3e-5  # full scale is 1; lower peaks may be the rounding to 16 bits, ...
_MASKED = 1e-3  # ... and so may those 60 dB below the largest at their time
_CHUNK = 1024  # frames that are transformed at a time
_PAIRS = 10  # following peaks with which a peak makes landmarks
_LATEST, _WIDEST = 64, 64  # frames and bins between the two peaks of a landmark
_INDEXED = 1_000_000  # peaks of the recordings that are compared at a time, about twelve hours
_MOST = 50  # equal landmarks of one recording that are used: a steady sound has thousands
# At one shift, 12 different landmarks within 10 s are no chance, if they begin at 4 frequencies or
# more: all recordings of one tone are alike.
_VOTES, _WITHIN, _TONES = 12, 10 * _RATE // _HOP, 4
_COPIED_SHARE, _COPIED_SECONDS = 0.5, 120  # longer than title sequences usually are


@dataclass(frozen=True)
class SharedSound:
    """Sound that two recordings share, from `find_shared_sound`.

    A title sequence is shared by all episodes of a series; a copy, or an excerpt of another
    recording, shares most of its sound.

    Attributes
    ----------
    first, second : str
        Names of the recordings.
    seconds : int
        Number of seconds that hold shared landmarks.
    share : float
        `seconds` as a share of the seconds with landmarks in the shorter recording, in (0, 1].
    """

    first: str
    second: str
    seconds: int
    share: float

    @property
    def is_copy(self):
        """Whether it is at least half of the shorter recording, or at least two minutes."""
        return self.share >= _COPIED_SHARE or self.seconds >= _COPIED_SECONDS


class Fingerprinter:
    """Find the peaks in the spectrogram of a stream of sound, without holding the sound.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    """

    def __init__(self, sample_rate):
        self._resampler = soxr.ResampleStream(sample_rate, _RATE, 1)
        self._window = np.hanning(_N_FFT + 1)[:-1].astype(np.float32) * (2 / _N_FFT)
        self._samples = np.zeros(_N_FFT // 2, np.float32)
        self._frames = np.empty((0, _BINS.stop - _BINS.start), np.float32)
        self._position = 0  # number of the first of these frames
        self._peaks = [np.empty((0, 2), np.int32)]

    def feed(self, block):
        """Take the next samples; their level and the lengths of the blocks do not matter.

        Parameters
        ----------
        block : numpy.ndarray, shape (n_samples,)
        """
        self._resample(block)
        while len(self._samples) >= _N_FFT + _CHUNK * _HOP:
            self._find_peaks(self._samples[: _N_FFT + (_CHUNK - 1) * _HOP], last=False)
            self._samples = self._samples[_CHUNK * _HOP :]

    def finish(self):
        """End the sound and return its peaks.

        Returns
        -------
        numpy.ndarray of int32, shape (n_peaks, 2)
            Frame and bin of each peak, sorted.
        """
        self._resample(np.empty(0), last=True)
        self._find_peaks(self._samples, last=True)
        return np.concatenate(self._peaks)

    def _resample(self, block, last=False):
        block = self._resampler.resample_chunk(np.asarray(block, np.float32), last=last)
        self._samples = np.concatenate([self._samples, block])

    def _find_peaks(self, samples, last):
        """Transform samples and keep the peaks of all frames whose surroundings are known."""
        from scipy import ndimage  # here, because a rerun of `detect` with nothing to do is quick

        if len(samples) >= _N_FFT:
            frames = np.lib.stride_tricks.sliding_window_view(samples, _N_FFT)[::_HOP]
            magnitudes = np.abs(np.fft.rfft(frames * self._window)[:, _BINS])
            self._frames = np.concatenate([self._frames, magnitudes])
        if not len(self._frames):
            return
        size = [2 * near + 1 for near in _NEAR]
        largest = ndimage.maximum_filter(self._frames, size, mode="constant")
        begin = min(self._position, _NEAR[0])
        end = len(self._frames) - (0 if last else _NEAR[0])
        loudest = largest.max(axis=1, keepdims=True)
        peaks = (self._frames == largest) & (largest > np.maximum(_MASKED * loudest, _FAINT))
        times, bins = np.nonzero(peaks[begin:end])
        peaks = np.stack([times + begin + self._position, bins], axis=1)
        self._peaks.append(peaks.astype(np.int32))
        self._position += end - _NEAR[0]
        self._frames = self._frames[end - _NEAR[0] :]


def fingerprint(blocks, sample_rate):
    """Find the peaks in the spectrogram of a stream of sound.

    Parameters
    ----------
    blocks : iterable of numpy.ndarray, shape (n_samples,)
        Mono sound.
    sample_rate : int
        In Hz.

    Returns
    -------
    numpy.ndarray of int32, shape (n_peaks, 2)
        As `Fingerprinter.finish` returns it.
    """
    fingerprinter = Fingerprinter(sample_rate)
    for block in blocks:
        fingerprinter.feed(block)
    return fingerprinter.finish()


def find_shared_sound(fingerprints):
    """Find the recordings that share sound.

    Copies of about 3 s or more are usually found, and many shorter ones. Sounds with few partials,
    such as bells, are not matched. Repeated passages of one piece of music may match although
    neither is a copy.

    Parameters
    ----------
    fingerprints : mapping of str to numpy.ndarray
        Name of each recording to what `fingerprint` returned.

    Returns
    -------
    list of SharedSound
        Each pair once, in the order of the names given.
    """
    names, peaks = list(fingerprints), list(fingerprints.values())
    n, shared = len(names), {}
    # Group by group, so that the memory does not grow with the number of recordings.
    groups = np.cumsum([len(own) for own in peaks]) // _INDEXED
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        landmarks = {j: _landmarks(peaks[j]) for j in members}
        lengths = {j: _seconds(times) for j, (_, times) in landmarks.items()}
        # Sorted by hash and then by recording: those of the recordings after one lie together.
        known = np.concatenate([hashes * n + j for j, (hashes, _) in landmarks.items()])
        order = np.argsort(known, kind="stable")
        known, when = (
            known[order],
            np.concatenate([times for _, times in landmarks.values()])[order],
        )
        del landmarks, order
        for i in range(members[-1]):
            hashes, times = _landmarks(peaks[i])
            first = np.searchsorted(known, hashes * n + i, side="right")
            counts = np.searchsorted(known, hashes * n + n) - first
            here = np.repeat(np.arange(len(hashes), dtype=np.int32), counts)
            there = np.arange(len(here)) + np.repeat(first - np.cumsum(counts) + counts, counts)
            pairs = known[there] % n, times[here], when[there], hashes[here]
            pairs = np.stack(pairs, dtype=np.int32)[:, np.argsort(pairs[0], kind="stable")]
            numbers = np.bincount(pairs[0], minlength=n)
            for j in np.flatnonzero(numbers >= _VOTES):
                begin, end = np.searchsorted(pairs[0], [j, j + 1])
                own, other = _agreeing(*pairs[1:, begin:end])
                if len(own):
                    seconds = min(_seconds(own), _seconds(other))
                    share = seconds / min(_seconds(times), lengths[j])
                    shared[i, j] = SharedSound(names[i], names[j], seconds, share)
    return [shared[pair] for pair in sorted(shared)]


def _landmarks(peaks):
    """Return the landmarks of a recording as numbers (int64), and the frames where they begin."""
    times, bins = peaks.T
    hashes, begins = [], []
    for step in range(1, _PAIRS + 1):
        later, higher = times[step:] - times[:-step], bins[step:] - bins[:-step]
        close = (later > 0) & (later < _LATEST) & (np.abs(higher) < _WIDEST)
        number = (bins[:-step] * 2 * _WIDEST + higher + _WIDEST) * _LATEST + later
        hashes.append(number[close])
        begins.append(times[:-step][close])
    hashes, begins = np.concatenate(hashes, dtype=np.int64), np.concatenate(begins)
    order = np.lexsort([begins, hashes])
    hashes, begins = hashes[order], begins[order]
    rare = np.arange(len(hashes)) - np.searchsorted(hashes, hashes) < _MOST
    return hashes[rare], begins[rare]


def _agreeing(own, other, hashes):
    """Keep the times of the landmarks, of two recordings, that are no chance at their shift."""
    shifts = other - own
    values, counts = np.unique(shifts, return_counts=True)
    counts[:-1] += counts[1:] * (np.diff(values) == 1)  # the frames of a copy lie between
    kept = np.zeros(len(shifts), bool)
    for shift in values[counts >= _VOTES]:
        near = np.flatnonzero((shifts == shift) | (shifts == shift + 1))
        near = near[np.argsort(own[near], kind="stable")]
        dense = own[near[_VOTES - 1 :]] - own[near[: 1 - _VOTES]] < _WITHIN
        near = near[np.unique(np.flatnonzero(dense)[:, None] + np.arange(_VOTES))]
        votes = np.unique(hashes[near])
        tones = np.unique(votes // (2 * _WIDEST * _LATEST))
        if len(votes) >= _VOTES and len(tones) >= _TONES:
            kept[near] = True
    return own[kept], other[kept]


def _seconds(times):
    """Count the seconds in which any of these frames lie."""
    return len(np.unique(times * _HOP // _RATE))
