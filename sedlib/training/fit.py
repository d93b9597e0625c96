"""Fitting a network: learning rate, early stopping, resuming, logging.

Every random choice of an epoch depends on the seed, the epoch and the number of the batch
alone. A run that was interrupted and resumed therefore ends with the same weights as one that
was not.
"""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from dvclive import Live
from sklearn.metrics import average_precision_score, precision_recall_curve

from sedlib.models import predict_scores, with_frames
from sedlib.training.checkpoint import read_checkpoint, write_checkpoint

_AHEAD = 4  # batches


def make_reproducible(seed):
    """Make everything that follows the same in every run on one machine.

    Seeds Python, NumPy and Keras, and makes TensorFlow use deterministic operations.

    Parameters
    ----------
    seed : int
    """
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def train(model, batches, validation, options, checkpoint, key, on_epoch=()):
    """Fit a network and keep the averaged weights of its best epoch.

    After each epoch, a moving average takes in the new weights with the share 1 / n, where n is the
    number of epochs so far, but at most `options.averaging` times that of all epochs. The average
    is evaluated and kept; the training goes on from the new weights. Averaged weights lie in the
    middle of a flat region of the loss and can transfer better to data of another origin (Izmailov
    et al., "Averaging Weights Leads to Wider Optima and Better Generalization", UAI 2018; Cha et
    al., "SWAD: Domain Generalization by Seeking Flat Minima", NeurIPS 2021). The statistics of
    batch normalisation are averaged, too.

    With the schedule ``cosine`` the learning rate rises during the first epoch and falls along
    a cosine to a hundredth during the others. The best epoch is the one with the highest mean
    average precision on the validation segments. Training stops early after `options.patience`
    epochs without a better one. With `options.frame_weight` the loss is the binary
    cross-entropy of the segment-level scores plus that of the frame-level scores times the
    weight.

    A run that was interrupted resumes after the last epoch in the checkpoint. A finished run is
    reused: nothing is trained, and weights and history are those of the checkpoint.

    Parameters
    ----------
    model : keras.Model
        With new weights. It is fitted in place.
    batches : callable
        Takes the number of an epoch, from 0, and returns its `Batches` or `Crops`.
    validation : (magnitudes, labels)
        Features by episode, each (n_segments, frames, bins), and the labels, 0 or 1, of the
        segments of all these episodes in that order, (n_segments of all episodes, n_classes).
    options : sedlib.config.Train
    checkpoint : path-like
        File for the state after each epoch. It stays when training is done.
    key : str
        Identifies the run; see `training_key`. A checkpoint that has another key, or whose
        content does not match the SHA-256 in it, is ignored.
    on_epoch : sequence of callable
        Each is called after each epoch with the history so far; once, with the full history, if
        a finished run is reused.

    Returns
    -------
    pandas.DataFrame
        One row per epoch: ``epoch`` from 1, ``learning_rate``, ``loss`` of the segment-level
        scores of the augmented training segments, and ``val_loss``, ``val_average_precision``
        and ``val_f1`` of `validation_scores`, both of the averaged weights.
    """
    checkpoint = Path(checkpoint)
    first = batches(0)
    signature = keras.tree.map_structure(_any_number, first[0])
    schedule = _choose_learning_rate(options, steps=len(first))
    fitted, objective, weights = model, "binary_crossentropy", None
    if options.frame_weight:
        fitted, objective = with_frames(model), {"scores": objective, "frames": objective}
        weights = {"scores": 1.0, "frames": options.frame_weight}
    optimizer = keras.optimizers.Adam(schedule)
    fitted.compile(optimizer, loss=objective, loss_weights=weights)
    optimizer.build(model.trainable_variables)
    state = [*model.variables, *optimizer.variables]
    start = [], model.get_weights(), model.get_weights()
    history, average, best = read_checkpoint(checkpoint, key, state) or start
    if _is_finished(history, options):
        _report(history, on_epoch)
    while not _is_finished(history, options):
        epoch = len(history)
        examples = _read_ahead(batches(epoch), signature)
        losses = fitted.fit(examples, shuffle=False, verbose=0).history
        loss = losses.get("scores_loss", losses["loss"])[0]
        rate = float(optimizer.learning_rate)
        latest = model.get_weights()
        span = min(epoch + 1, options.averaging * options.epochs)
        average = _take_in(average, latest, 1 / max(1, span))
        model.set_weights(average)
        scores = validation_scores(model, *validation)
        model.set_weights(latest)
        history.append({"epoch": epoch + 1, "learning_rate": rate, "loss": loss, **scores})
        if best_epoch(history) == epoch:
            best = average
        write_checkpoint(checkpoint, key, state, average, best, history)
        _report(history, on_epoch)
    model.set_weights(best)
    return pd.DataFrame(history)


def _any_number(array):
    """Describe an array of a batch, which may hold any number of segments, to TensorFlow."""
    return tf.TensorSpec((None, *array.shape[1:]), array.dtype)


def _read_ahead(batches, signature):
    """Let a thread prepare the next batches of an epoch while the network is fitted to one.

    Keras would make nearly the same of a sequence, with three differences that cost time. It lets
    tf.data tune it, with which `fit` sometimes returns seconds after its last batch; there is
    nothing to tune, as one thread computes in order. It takes `Dataset.from_generator`, which
    tells the C library to return all freed memory at once, so that NumPy gets new pages for every
    array: an epoch then takes a fifth longer. And it does not say that a batch depends on its
    number alone. Where operations are to be deterministic, TensorFlow then prepares no batch
    before it is asked for.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    specs = keras.tree.flatten(signature)

    @tf.autograph.experimental.do_not_convert  # it would write its translation to a file
    def compute(number):
        arrays = tf.numpy_function(
            lambda i: keras.tree.flatten(batches[i]),
            [number],
            [spec.dtype for spec in specs],
            stateful=False,
        )
        arrays = [tf.ensure_shape(x, spec.shape) for x, spec in zip(arrays, specs, strict=True)]
        return keras.tree.pack_sequence_as(signature, arrays)

    return tf.data.Dataset.range(len(batches)).map(compute).prefetch(_AHEAD).with_options(options)


def _choose_learning_rate(options, steps):
    """Return the learning rate, or its schedule with `steps` batches an epoch."""
    if options.schedule == "constant":
        return options.learning_rate
    return keras.optimizers.schedules.CosineDecay(
        options.learning_rate / 10,
        decay_steps=max(1, options.epochs - 1) * steps,
        alpha=0.01,
        warmup_target=options.learning_rate,
        warmup_steps=steps,
    )


def _take_in(average, latest, share):
    """Return an average that gives `share` in (0, 1] to the latest weights."""
    return [(1 - share) * a + share * w for a, w in zip(average, latest, strict=True)]


def _is_finished(history, options):
    """Whether all epochs are trained, or the best is `options.patience` epochs ago."""
    if not history:
        return False
    since_best = len(history) - 1 - best_epoch(history)
    return len(history) >= options.epochs or since_best >= options.patience


def _report(history, on_epoch):
    for report in on_epoch:
        report(pd.DataFrame(history))


class LiveLog:
    """Log of the epochs, where `dvc metrics` and `dvc plots` find it.

    Parameters
    ----------
    folder : path-like
        Written anew: ``metrics.json`` and ``plots/metrics/*.tsv``.
    """

    def __init__(self, folder):
        self.live = Live(str(folder), save_dvc_exp=False, dvcyaml=None, monitor_system=False)
        self.live.step = 1  # epochs count from 1

    def __call__(self, history):
        """Log the epochs of a history that are not logged yet."""
        for row in history.iloc[self.live.step - 1 :].to_dict("records"):
            for name in ("learning_rate", "loss", "val_loss", "val_average_precision"):
                self.live.log_metric(name, row[name])
            self.live.next_step()


def validation_scores(model, magnitudes, labels):
    """Evaluate a network on segments it is not fitted to.

    Parameters
    ----------
    model : keras.Model
    magnitudes : sequence of numpy.ndarray, shape (n_segments, frames, bins)
        Features by episode.
    labels : numpy.ndarray, shape (n_segments of all episodes, n_classes)
        0 or 1.

    Returns
    -------
    dict
        ``val_loss``, the mean binary cross-entropy in nats; ``val_average_precision``, the mean
        over the classes that occur; and ``val_f1``, a list with the highest F1 that a threshold
        gives each class, None for a class that does not occur.
    """
    scores = np.concatenate([predict_scores(model, m) for m in magnitudes])
    occurs = labels.any(axis=0)
    loss = keras.losses.binary_crossentropy(labels.astype(np.float32), scores)
    precision = average_precision_score(labels[:, occurs], scores[:, occurs], average="macro")
    f1 = [
        _highest_f1(own, values) if own.any() else None
        for own, values in zip(labels.T, scores.T, strict=True)
    ]
    return {
        "val_loss": float(np.mean(loss)),
        "val_average_precision": float(precision),
        "val_f1": f1,
    }


def _highest_f1(labels, scores):
    """Return the highest F1 that a threshold gives one class."""
    precision, recall, _ = precision_recall_curve(labels, scores)
    return float(np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12)))


def best_epoch(history):
    """Position of the highest ``val_average_precision``, the first of equals.

    Parameters
    ----------
    history : sequence of dict

    Returns
    -------
    int
        From 0.
    """
    return int(np.argmax([row["val_average_precision"] for row in history]))
