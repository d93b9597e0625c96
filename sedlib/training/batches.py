"""The training examples of an epoch, in batches.

Every random choice depends on the seed, the epoch and the number of the batch alone.
"""

import numpy as np

from sedlib.features import spectrogram
from sedlib.labels import label_stretches
from sedlib.training.augmentation import augment_spectrograms, draw_balanced, mixup


class Batches:
    """Training segments of one epoch, shuffled and augmented.

    Parameters
    ----------
    magnitudes : sequence of numpy.ndarray, shape (n_segments, frames, bins)
        Features by episode. They may be memory-mapped.
    labels : numpy.ndarray, shape (n_segments of all episodes, n_classes)
        0 or 1.
    frame_labels : numpy.ndarray, shape (n_segments of all episodes, frames, n_classes)
        0 or 1. The batches leave them out if ``options.frame_weight`` is 0.
    options : sedlib.config.Train
    seed : int
    epoch : int
        From 0. It determines the order of the segments and their augmentation.
    share : float
        Share of the segments, in (0, 1], that an epoch shows. Each epoch draws others.
    """

    def __init__(self, magnitudes, labels, frame_labels, options, seed, epoch, share=1.0):
        self.magnitudes, self.options = magnitudes, options
        self.labels, self.frame_labels = labels, frame_labels
        self.key = (seed, epoch)
        self.starts = np.cumsum([0] + [len(m) for m in magnitudes])
        order = np.random.default_rng(self.key).permutation(len(labels))
        self.order = order[: round(share * len(labels))]

    def __len__(self):
        return -(-len(self.order) // self.options.batch_size)

    def __getitem__(self, index):
        rng = np.random.default_rng((*self.key, index))
        size = self.options.batch_size
        segments = self.order[index * size : (index + 1) * size]
        x, y, y_frames = self.read(segments)
        if self.options.augment.mixup > 0:
            partners = draw_balanced(self.labels, len(segments), rng)
            chosen = rng.random(len(segments)) < self.options.augment.mixup
            for i, partner in zip(np.flatnonzero(chosen), partners[chosen], strict=True):
                mixup(x[i], self.magnitude(partner), rng)
                y[i] = np.maximum(y[i], self.labels[partner])
                y_frames[i] = np.maximum(y_frames[i], self.frame_labels[partner])
        augment_spectrograms(x, self.options.augment, rng)
        x = x[..., np.newaxis]
        return (x, {"scores": y, "frames": y_frames}) if self.options.frame_weight else (x, y)

    def read(self, segments):
        """Read segments as they are.

        Parameters
        ----------
        segments : sequence of int
            Their numbers, counted over all episodes.

        Returns
        -------
        magnitudes : numpy.ndarray of float32, shape (n, frames, bins)
        labels : numpy.ndarray of float32, shape (n, n_classes)
        frame_labels : numpy.ndarray of float32, shape (n, frames, n_classes)
        """
        x = np.stack([self.magnitude(segment) for segment in segments], dtype=np.float32)
        return x, *(y[segments].astype(np.float32) for y in (self.labels, self.frame_labels))

    def magnitude(self, segment):
        """Return the magnitudes of a segment, (frames, bins), by its number over all episodes."""
        episode = np.searchsorted(self.starts, segment, side="right") - 1
        return self.magnitudes[episode][segment - self.starts[episode]]


class Crops:
    """Training examples of one epoch as in the 2018 experiment: random crops of 1 s.

    A recording is cut into stretches wherever its labels change. Every stretch is drawn with
    the same probability, whatever its length. The crop begins anywhere in it and takes all its
    labels. An epoch has as many crops as there are segments.

    Parameters
    ----------
    waveforms : sequence of numpy.ndarray of float32, shape (n_samples,)
        By episode.
    labels : sequence of numpy.ndarray of bool, shape (n_segments, n_classes)
        By episode.
    stft : sedlib.config.STFTParams
    options : sedlib.config.Train
        Only the batch size is used.
    seed : int
    epoch : int
        From 0. It determines the crops.
    """

    def __init__(self, waveforms, labels, stft, options, seed, epoch):
        self.waveforms, self.stft, self.size = waveforms, stft, options.batch_size
        self.stretches = [
            (waveform, *stretch)
            for waveform, own in zip(waveforms, labels, strict=True)
            for stretch in label_stretches(own)
        ]
        n_segments = sum(len(own) for own in labels)
        rng = np.random.default_rng((seed, epoch))
        self.chosen = rng.integers(len(self.stretches), size=n_segments)
        self.place = rng.random(n_segments)  # 0 the earliest crop of the stretch, 1 the latest

    def __len__(self):
        return -(-len(self.chosen) // self.size)

    def __getitem__(self, index):
        part = slice(index * self.size, (index + 1) * self.size)
        crops, labels, rate = [], [], self.stft.sample_rate
        for number, place in zip(self.chosen[part], self.place[part], strict=True):
            waveform, start, stop, label = self.stretches[number]
            first = round((start + place * (stop - start - 1)) * rate)
            crops.append(waveform[first : first + rate])
            labels.append(label)
        magnitude = spectrogram(np.stack(crops), self.stft)
        return magnitude[..., np.newaxis], np.array(labels, dtype=np.float32)
