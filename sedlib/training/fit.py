"""Fitting a network: batches, augmentation, early stopping, resuming.

Every random choice of an epoch follows from (seed, epoch, batch), so a run
that was interrupted and resumed ends with the same weights as one that was
not.
"""

import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from dvclive import Live
from sklearn.metrics import average_precision_score

from sedlib.features import spectrogram
from sedlib.files import write_arrays
from sedlib.labels import label_stretches
from sedlib.models import predict_scores, with_frames


def make_reproducible(seed):
    """Make all that follows the same in every run on one machine.

    Seeds Python, NumPy and Keras, and asks TensorFlow for deterministic
    operations.

    Parameters
    ----------
    seed : int
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


class Batches(keras.utils.PyDataset):
    """Training clips of one epoch, shuffled and augmented.

    Parameters
    ----------
    magnitudes : sequence of numpy.ndarray, shape (n_segments, frames, bins)
        Features by episode, memory-mapped or not.
    labels : numpy.ndarray, shape (n_segments in all, n_classes)
        0 or 1.
    frame_labels : numpy.ndarray, shape (n_segments in all, frames, n_classes)
        0 or 1; left out of the batches if ``options.frame_weight`` is 0.
    options : sedlib.config.Train
    seed : int
    epoch : int
        From 0; gives the order of clips and the draws of the augmentation.
    share : float
        Of the clips that an epoch shows, each epoch others.
    """

    def __init__(self, magnitudes, labels, frame_labels, options, seed, epoch, share=1.0):
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=4)
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
        clips = self.order[index * size : (index + 1) * size]
        x, y, y_frames = self.read(clips)
        if self.options.augment.mix > 0:
            partners = draw_balanced(self.labels, len(clips), rng)
            chosen = rng.random(len(clips)) < self.options.augment.mix
            x2, y2, y2_frames = self.read(partners[chosen])
            x[chosen] = mix(x[chosen], x2, rng)
            y[chosen] = np.maximum(y[chosen], y2)
            y_frames[chosen] = np.maximum(y_frames[chosen], y2_frames)
        x = perturb(x, self.options.augment, rng)[..., np.newaxis]
        return (x, {"scores": y, "frames": y_frames}) if self.options.frame_weight else (x, y)

    def read(self, clips):
        """Read magnitudes, labels and frame labels of clips, by their number over all episodes."""
        x = np.empty((len(clips), *self.magnitudes[0].shape[1:]), dtype=np.float32)
        for i, clip in enumerate(clips):
            episode = np.searchsorted(self.starts, clip, side="right") - 1
            x[i] = self.magnitudes[episode][clip - self.starts[episode]]
        return x, *(y[clips].astype(np.float32) for y in (self.labels, self.frame_labels))


class Crops(keras.utils.PyDataset):
    """Training clips of one epoch as in 2018: random seconds of annotated stretches.

    A stretch lasts from one change of the labels to the next. Each is as likely as any,
    whatever its length; the second begins anywhere in it and takes all its labels. An
    epoch has as many crops as there are clips.

    Parameters
    ----------
    waveforms : sequence of numpy.ndarray of float32, shape (n_samples,)
        By episode.
    labels : sequence of numpy.ndarray of bool, shape (n_segments, n_classes)
        By episode.
    recipe : sedlib.config.STFTParams
    options : sedlib.config.Train
        Uses the batch size.
    seed : int
    epoch : int
        From 0; gives the crops.
    """

    def __init__(self, waveforms, labels, recipe, options, seed, epoch):
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=4)
        self.waveforms, self.recipe, self.size = waveforms, recipe, options.batch_size
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
        clips, labels, rate = [], [], self.recipe.sample_rate
        for number, place in zip(self.chosen[part], self.place[part], strict=True):
            waveform, start, stop, label = self.stretches[number]
            first = round((start + place * (stop - start - 1)) * rate)
            clips.append(waveform[first : first + rate])
            labels.append(label)
        magnitude = spectrogram(np.stack(clips), self.recipe)
        return magnitude[..., np.newaxis], np.array(labels, dtype=np.float32)


def draw_balanced(labels, n, rng):
    """Draw clips so that each class that occurs is drawn equally often.

    Parameters
    ----------
    labels : numpy.ndarray, shape (n_segments, n_classes)
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray of int, shape (n,)
        Numbers of clips, with repetition.
    """
    present = np.flatnonzero(labels.any(axis=0))
    classes = rng.choice(present, size=n)
    return np.array([rng.choice(np.flatnonzero(labels[:, c])) for c in classes], dtype=int)


def mix(x, x2, rng):
    """Lay one clip over another, as if both had sounded at once.

    Powers add, as those of independent sounds do on average. The second clip
    is 9 dB softer to 6 dB louder than it was.

    Parameters
    ----------
    x, x2 : numpy.ndarray of float32, shape (n, frames, bins)
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray of float32, shape (n, frames, bins)
    """
    gain = 10 ** (rng.uniform(-9, 6, (len(x), 1, 1)) / 20)
    return np.sqrt(x**2 + (x2 * gain.astype(np.float32)) ** 2)


def perturb(x, augment, rng):
    """Change what a class does not depend on: level, timbre, place; hide parts.

    Parameters
    ----------
    x : numpy.ndarray of float32, shape (n, frames, bins)
    augment : sedlib.config.Augment
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray of float32, shape (n, frames, bins)
    """
    n, frames, bins = x.shape
    level = rng.uniform(-augment.gain, augment.gain, (n, 1))
    knots = rng.uniform(-augment.timbre, augment.timbre, (n, 6))
    # a smooth filter: straight lines in dB between six knots, spaced as pitch is
    at = np.log1p(np.arange(bins) / 16) / np.log1p(bins / 16) * 5
    left = np.minimum(at.astype(int), 4)
    curve = level + knots[:, left] * (1 - at + left) + knots[:, left + 1] * (at - left)
    scale = np.repeat(10 ** (curve / 20)[:, np.newaxis], frames, axis=1)
    for i in range(n):
        low, start = rng.integers(0, bins), rng.integers(0, frames)
        # narrower at low frequencies, where a mel band holds fewer bins
        width = rng.integers(0, 1 + augment.mask_bins) * (low + 64) // (bins + 64)
        scale[i, :, low : low + width] = 0
        scale[i, start : start + rng.integers(0, 1 + augment.mask_frames)] = 0
    return x * scale.astype(np.float32)


def train(model, batches, validation, options, checkpoint, key, on_epoch=()):
    """Fit a network; keep the weights of its best epoch; resume if interrupted.

    By the schedule ``cosine`` the learning rate rises over the first epoch and falls along
    a cosine to a hundredth over the rest. The best epoch is the one of the highest mean
    average precision on the validation clips; after `options.patience` epochs
    without a better one the training stops. With `options.frame_weight` the loss is that of
    the clips' scores and so many times that of their frames' scores.

    Parameters
    ----------
    model : keras.Model
        With new weights; fitted in place.
    batches : callable
        Takes the number of an epoch, from 0, and returns its `Batches` or `Crops`.
    validation : (magnitudes, labels)
        Features by episode, each (n_segments, frames, bins), and the 0/1 labels
        of all their clips in that order, (n_segments in all, n_classes).
    options : sedlib.config.Train
    checkpoint : path-like
        File for the state after each epoch; removed when training is done.
    key : str
        Says what is trained on what. A checkpoint of another key is not used.
    on_epoch : sequence of callable
        Each is called after each epoch with the history so far.

    Returns
    -------
    pandas.DataFrame
        A row an epoch: ``epoch`` from 1, ``learning_rate``, ``loss`` of the scores of the
        augmented training clips, and ``val_loss``, ``val_average_precision``
        of `validation_scores`.
    """
    checkpoint = Path(checkpoint)
    rate = _learning_rate(options, steps=len(batches(0)))
    fitted, loss, weights = model, "binary_crossentropy", None
    if options.frame_weight:
        fitted, loss = with_frames(model), {"scores": loss, "frames": loss}
        weights = {"scores": 1.0, "frames": options.frame_weight}
    optimizer = keras.optimizers.Adam(rate)
    fitted.compile(optimizer, loss=loss, loss_weights=weights)
    optimizer.build(model.trainable_variables)
    state = [*model.variables, *optimizer.variables]
    history, best = _restore(model, state, checkpoint, key)
    while len(history) < options.epochs and not _patience_is_over(history, options.patience):
        epoch = len(history)
        losses = fitted.fit(batches(epoch), shuffle=False, verbose=0).history
        loss = losses.get("scores_loss", losses["loss"])[0]
        rate = float(optimizer.learning_rate)
        scores = validation_scores(model, *validation)
        history.append({"epoch": epoch + 1, "learning_rate": rate, "loss": loss, **scores})
        if best_epoch(history) == epoch:
            best = model.get_weights()
        _store(state, history, best, checkpoint, key)
        for tell in on_epoch:
            tell(pd.DataFrame(history))
    model.set_weights(best)
    checkpoint.unlink(missing_ok=True)
    return pd.DataFrame(history)


def _learning_rate(options, steps):
    """Learning rate over the batches, `steps` of them an epoch."""
    if options.schedule == "constant":
        return options.learning_rate
    return keras.optimizers.schedules.CosineDecay(
        options.learning_rate / 10,
        decay_steps=max(1, options.epochs - 1) * steps,
        alpha=0.01,
        warmup_target=options.learning_rate,
        warmup_steps=steps,
    )


class LiveLog:
    """Writes each epoch's figures where `dvc metrics` and `dvc plots` find them.

    Parameters
    ----------
    folder : path-like
        Written anew; gets ``metrics.json`` and ``plots/metrics/*.tsv``.
    """

    def __init__(self, folder):
        self.live = Live(str(folder), save_dvc_exp=False, dvcyaml=None, monitor_system=False)

    def __call__(self, history):
        """Log the epochs not logged yet: all of them after a resumed run's first."""
        for row in history.iloc[self.live.step :].to_dict("records"):
            for name in ("learning_rate", "loss", "val_loss", "val_average_precision"):
                self.live.log_metric(name, row[name])
            self.live.next_step()


def validation_scores(model, magnitudes, labels):
    """Judge a network on clips it is not fitted to.

    Parameters
    ----------
    model : keras.Model
    magnitudes : sequence of numpy.ndarray, shape (n_segments, frames, bins)
    labels : numpy.ndarray, shape (n_segments in all, n_classes)

    Returns
    -------
    dict
        ``val_loss``, the mean binary cross-entropy in nats, and
        ``val_average_precision``, the mean over the classes that occur.
    """
    scores = np.concatenate([predict_scores(model, m) for m in magnitudes])
    occurs = labels.any(axis=0)
    loss = keras.losses.binary_crossentropy(labels.astype(np.float32), scores)
    precision = average_precision_score(labels[:, occurs], scores[:, occurs], average="macro")
    return {"val_loss": float(np.mean(loss)), "val_average_precision": float(precision)}


def best_epoch(history):
    """Position of the highest ``val_average_precision``, the first of equals."""
    return int(np.argmax([row["val_average_precision"] for row in history]))


def _patience_is_over(history, patience):
    return bool(history) and len(history) - 1 - best_epoch(history) >= patience


def _store(state, history, best, checkpoint, key):
    """Write the state after an epoch, whole or not at all."""
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    arrays = {f"state{i}": variable.numpy() for i, variable in enumerate(state)}
    arrays |= {f"best{i}": w for i, w in enumerate(best)}
    write_arrays(checkpoint, key=key, history=json.dumps(history), **arrays)


def _restore(model, state, checkpoint, key):
    """Put the state back and return (history, best weights); fresh if there is none.

    The state is all that an epoch changes: weights, statistics, dropout's seeds, the optimiser.
    """
    if checkpoint.is_file():
        with np.load(checkpoint) as stored:
            if str(stored["key"]) == key:
                for i, variable in enumerate(state):
                    variable.assign(stored[f"state{i}"])
                best = [stored[f"best{i}"] for i in range(len(model.weights))]
                return json.loads(str(stored["history"])), best
    return [], model.get_weights()
