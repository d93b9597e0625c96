# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 3. Training the network
#
# **Question.** Can a small network learn to detect all classes, most of them rare, from a few
# episodes?
#
# **Inputs.** `data/features/*.npy` (notebook 2) and the annotations in `data/episodes`.
#
# **Outputs.** `data/model`, with the weights and `model.json` (classes, STFT settings, thresholds,
# names of the training episodes); the state of the training, `data/checkpoint.npz`; the training
# log in `reports/training`; figures in `reports/notebooks/figures/03`.
#
# This notebook follows the usual order: training data, network, loss function, data augmentation
# (random changes of the training examples), training, choice of thresholds, and the stored model.
# The network is not evaluated on the test episodes here; notebook 4 does that.

# %%
import hashlib
import logging
from functools import partial
from importlib import import_module

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sedlib import detection, features, models, training
from sedlib.config import load_params, workspace
from sedlib.corpus import open_corpus
from sedlib.reports import plots

plots.use_style()
logging.getLogger("tensorflow").setLevel("ERROR")  # without hints about speed

# %% tags=["parameters"]
params = load_params()
preset = params.train.preset
epochs = params.train.epochs
learning_rate = params.train.learning_rate
seed = params.seed

# %% [markdown]
# ## Settings and reproducibility
# `make_reproducible` seeds all random generators and makes TensorFlow use deterministic operations.
# On the same machine, identical settings therefore give identical weights.

# %%
training.make_reproducible(seed)
changes = {"preset": preset, "epochs": epochs, "learning_rate": learning_rate}
options = params.train.model_copy(update=changes)
classes, stft = list(params.classes), params.stft
colours = plots.class_colours(classes)
data, figures = workspace() / "data", workspace() / "reports" / "notebooks" / "figures" / "03"

# %% [markdown]
# ## Training, validation and test data
# The unit of training is the *segment*, one second of sound. Each segment is represented by its
# magnitude spectrogram and has, for each class, a label that says whether the class is present. The
# episodes are divided into three subsets. The network is fitted to the *training* episodes. The
# *validation* episodes decide when training stops and which thresholds are used. The *test*
# episodes are kept for the final evaluation. Earlier versions of the network and its training were
# compared on default test episodes, so results on these may be optimistic. The table counts the
# segments that have the label of each class; one segment may count for several classes.

# %%
corpus = open_corpus(params, data)
train, validation = (corpus.examples(subset, params) for subset in ("train", "validation"))
labels = {subset: np.concatenate(corpus.labels(subset, params)) for subset, _ in corpus.split}
print("segments in all:", {subset: len(y) for subset, y in labels.items()})
pd.DataFrame({subset: y.sum(axis=0) for subset, y in labels.items()}, classes)

# %% [markdown]
# The classes are imbalanced. A class with few training segments is hard to learn; for a class with
# few validation segments, it is hard to choose a threshold. The sections on mixup and on thresholds
# deal with these two problems.

# %% [markdown]
# ## Network architecture
# The parameter `train.preset` selects one of two networks, called *presets*. The default,
# `compact`, is a *convolutional recurrent neural network* (CRNN), a widely used architecture for
# sound event detection ([Çakır et al., 2017](https://arxiv.org/abs/1702.06286)): convolutions
# recognise patterns in the spectrogram, and a recurrent layer follows them over time. The diagram
# leads from the input on the left to the scores on the right. It shows the mel bands, MixStyle, the
# convolutions, the recurrent layer, the dense layer and the final pooling. The layers between them
# (logarithm, average pooling, normalisation, activation and dropout) are left out; the table below
# lists them all. Below each box is the shape of its output for one segment. With `compact`, it is
# frames x bins x 1 for the input, frames x bands for the mel bands and MixStyle, bands x frames x
# channels for the convolutions (before the pooling that may follow), frames x values for the
# recurrent and the dense layer, and one value for each class at the end. The height of a box shows,
# on a logarithmic scale, how many values the layer outputs for each frame (the last box: for the
# segment).

# %%
network = models.build_model(options.preset, classes, stft)
table = models.layer_table(network)
plots.save_figure(plots.network_diagram(table), figures / "network.png")
plt.show()

# %% [markdown]
# In the preset `compact`, a spectrogram passes through the following steps.
#
# - **Log-mel input.** A fixed matrix sums the power of the frequency bins in 64 overlapping [mel
#   bands](https://librosa.org/doc/latest/generated/librosa.filters.mel.html), which are narrow at
#   low and wide at high frequencies, as in hearing. The bands reach up to a quarter of the sample
#   rate, which is 11 kHz with the default settings. A logarithm then compresses the range of
#   levels.
# - **[MixStyle](https://arxiv.org/abs/2104.02008)** is data augmentation inside the network and
#   active only in training. In half of the segments, the mean and the standard deviation of each
#   mel band over the frames are replaced by a random mixture of the segment's own values and those
#   of another segment. These statistics depend on the room and the microphone as well as on the
#   sound. The network learns to rely on them less, which can help with recordings that come from
#   another *domain*, such as other rooms and microphones ([Xiao et al.,
#   2024](https://arxiv.org/abs/2407.03654)).
# - **Convolutions.** Each of seven 3x3 convolutions combines a value with its neighbours in time
#   and frequency. *Average pooling* by two along frequency follows the first five, so that later
#   layers see wider frequency ranges. The convolutions and the pooling between them keep all
#   frames. Here the bands come before the frames, because a CPU computes the convolutions faster in
#   this order.
# - **[Batch normalisation](https://arxiv.org/abs/1502.03167)** shifts and scales each mel band
#   after the logarithm, and each channel after a convolution, to zero mean and unit variance over a
#   batch, which allows a higher learning rate. The activation function is ReLU, which sets negative
#   values to zero.
# - **Bidirectional GRU.** A [gated recurrent unit](https://arxiv.org/abs/1406.1078) (GRU) reads the
#   frames in order and keeps a state. The layer consists of two GRUs, one of which reads the frames
#   forwards and the other backwards, so that the score of a frame can depend on the frames before
#   and after it. In training, *dropout* sets a random part of their outputs to zero, so that the
#   network relies on no single value.
# - **Frame-level scores.** A dense layer with a sigmoid gives a score between 0 and 1 for each
#   frame and class. The classes are not mutually exclusive.
# - **[Linear softmax pooling](https://arxiv.org/abs/1810.09050).** The segment-level score is the
#   mean of the frame-level scores, weighted by the scores themselves: `sum(s * s) / sum(s)`.
#   Suppose that a knock gives a score of 0.9 in two of 44 frames, and that the others have 0.05.
#   The plain mean is 0.09, the linear softmax 0.44. The segment-level score of a short sound thus
#   remains clearly higher than with a plain mean.
#
# The table lists every layer with its number of parameters and its *multiply-adds*, the number of
# multiplications, each followed by an addition, that its matrix products and convolutions need for
# one segment.

# %%
print(f"{table['parameters'].sum():,} parameters")
print(f"{table['multiply_adds'].sum() / 1e6:,.1f} million multiply-adds per segment")
table

# %% [markdown]
# The next lines give the same two numbers for the network of the 2018 experiment (preset
# `vtt2018`) and how many times larger they are.

# %%
full = models.layer_table(models.build_model("vtt2018", classes, stft))
print(f"2018 model: {full['parameters'].sum():,} parameters", end=", ")
print(f"{full['multiply_adds'].sum() / 1e9:.1f} billion multiply-adds per segment")
for column in ("parameters", "multiply_adds"):
    print(f"{column}: {full[column].sum() / table[column].sum():.0f} times as many")

# %% [markdown]
# ## Loss function
# Each class is a separate yes-or-no question, so the loss is the *binary cross-entropy*, averaged
# over the classes. It is computed twice, for the segment-level scores with the labels of the
# segments and for the frame-level scores with the labels of the frames, and the two are added. A
# frame has the label of a class if an event of the class is active at its centre. The
# parameter `train.frame_weight` is the weight of the second term; with 0, it is left out. The
# segment labels say *what* is present in a second; the frame labels also say *when*.

# %% [markdown]
# ## Class imbalance and mixup
# A network that never detects a rare class is right in almost every segment. To show rare classes
# more often, a share of the training segments (`train.augment.mixup`) is mixed with a second
# segment. The second segment is drawn in two steps: first one of the classes, all equally likely,
# then one of its segments. This is similar to [mixup](https://arxiv.org/abs/1710.09412), a form of
# *data augmentation*. Mixup as published interpolates both the inputs and the labels of two
# examples. Here the powers of both sounds are added, the second after a random gain of -9 to +6 dB,
# and the mixture has the labels of both, because overlapping sounds are part of the task.
#
# An *epoch* is one pass through all training segments. The table gives the share of segments with
# each class in percent, in the original segments and as mixed in the first epoch, and the factor
# between them.

# %%
segment_level = options.model_copy(update={"frame_weight": 0.0})
batches = training.Batches(*train, segment_level, seed, epoch=0)
mixed = np.concatenate([batches[i][1] for i in range(len(batches))])
before, after = "without mixup", "with mixup"
columns = {before: train[1].mean(axis=0), after: mixed.mean(axis=0, dtype=float)}
shares = 100 * pd.DataFrame(columns, classes)
shares.assign(factor=shares[after] / shares[before]).round(1)

# %% [markdown]
# The figure shows the same shares. On its logarithmic axis, equal distances are equal factors.

# %%
fig, ax = plt.subplots(figsize=(plots.WIDTH, 3.8))
plots.draw_change(ax, shares[before], shares[after], colours, (before, after))
ax.set(xlabel="training segments (%)", xscale="log", xticks=[1, 10, 100])
plots.label_log_axis(ax.xaxis)
plots.save_figure(fig, figures / "imbalance.png")
plt.show()

# %% [markdown]
# Mixing only adds labels, so no share falls. The share of a frequent class can grow, too, because
# segments of this class are themselves drawn as second segments, and because it also occurs in
# second segments that were drawn for another class. The share of a rare class can grow by a larger
# factor. The ratio of the most frequent to the rarest class shows how imbalanced the segments are
# before and after mixing:

# %%
ratio = shares.max() / shares[shares > 0].min()
print(f"{before} {ratio[before]:.0f}, {after} {ratio[after]:.0f}")

# %% [markdown]
# ## Further data augmentation: noise, gain, filtering and masking
# Unlike mixup, the four random changes of this section leave the labels as they are. With them, the
# network sees a slightly different version of each segment in each epoch, so that it cannot simply
# memorise it. The four changes are:
#
# - in a share of the segments (`train.augment.noise`), stationary noise of a random level and
#   spectrum, so that the network does not rely on faint background sound, which differs between
#   recordings;
# - a random gain of up to `train.augment.gain` dB in either direction;
# - a random filter, with gains of up to `train.augment.filter` dB in either direction at six
#   frequencies and linear interpolation between them, similar to
#   [FilterAugment](https://arxiv.org/abs/2110.03282);
# - masks that set a random band of bins (a narrower one at low frequencies) and a random run of
#   frames to zero, as in [SpecAugment](https://arxiv.org/abs/1904.08779).
#
# The first row of the figure shows four original training segments, the second row the same
# segments after augmentation in the first epoch. The first line of each title says "original" or
# "augmented"; the lines below it are the labels of the segment, if it has any.

# %%
before, after = batches.read(batches.order[:4]), batches[0]
spectrograms = [*before[0], *after[0][:4, ..., 0]]
names = ["\n".join(np.array(classes)[y > 0]) for y in (*before[1], *after[1][:4])]
rows = 4 * ["original"] + 4 * ["augmented"]
titles = [f"{row}\n{name}" for row, name in zip(rows, names, strict=True)]
panels = list(zip(titles, spectrograms, strict=True))
fig = plots.spectrogram_panels(panels, stft, height=2.8, columns=4)
plots.save_figure(fig, figures / "augmentation.png")
plt.show()

# %% [markdown]
# A sharply bounded black column that appears only in the second row is a mask over frames, and a
# horizontal black band is a mask over bins. A mask can also have a width of zero or lie above the
# frequencies shown, and it can hide a short sound whose label remains. Where the lower title has
# more labels than the upper one, a second segment was added; a second segment with the same labels
# does not change the title. Each panel is drawn relative to its own peak, so that the change of
# gain is not visible.

# %% [markdown]
# ## Training, learning-rate schedule and early stopping
# The [Adam](https://arxiv.org/abs/1412.6980) optimiser fits the weights. The *learning rate*, the
# size of its steps, follows a *schedule*: with `schedule: cosine` it rises during the first epoch
# (warm-up) to `learning_rate` and then [falls along a cosine](https://arxiv.org/abs/1608.03983) to
# a hundredth of it. The steps are large early in the training and small at its end.
#
# The network that is kept has *averaged* weights: an exponential moving average, updated with the
# weights at the end of each epoch. Training itself continues from the latest weights, not from the
# average. The parameter `train.averaging` sets the length of the average as a share of all epochs:
# with 0.3, the last three tenths of them have most of the weight. In the first epochs, the average
# is the plain mean of all weights so far. The value 0 switches averaging off. Averaging weights
# ([Izmailov et al., 2018](https://arxiv.org/abs/1803.05407)) can help on data from another domain
# ([Cha et al., 2021](https://arxiv.org/abs/2102.08604)); notebook 7 measures this on episodes mixed
# from recorded sounds.
#
# A network *overfits* when it continues to improve on the training segments but becomes worse on
# segments that it has not seen. Therefore the averaged weights are evaluated on the validation
# episodes after each epoch by the mean [average
# precision](https://scikit-learn.org/stable/modules/generated/sklearn.metrics.average_precision_score.html),
# the area under the precision-recall curve, averaged over the classes. The averaged weights of the
# best epoch are kept. *[Early stopping](https://doi.org/10.1007/3-540-49430-8_3)* ends the training
# when `patience` epochs have passed without a better one.
#
# Each training run has a *key*, a hash of everything that it depends on: features, labels, options,
# classes, STFT settings, seed, training code and library versions. The state after each epoch is
# stored together with the key in `data/checkpoint.npz`. An interrupted run continues from there and
# ends with the same weights, and a finished run with the same key is not repeated.

# %%
key = training.training_key(options, seed, classes, stft, [train, validation])
live = plots.LiveCurves(classes)
history = training.train(
    network,
    partial(training.Batches, *train, options, seed),
    validation[:2],
    options,
    checkpoint=data / "checkpoint.npz",
    key=key,
    on_epoch=[
        live,
        plots.EpochLines(options.epochs),
        training.LiveLog(workspace() / "reports" / "training"),
    ],
)

# %% [markdown]
# The left panel shows the segment-level loss on the training and on the validation segments, the
# right panel the mean average precision on the validation segments. The validation curves are those
# of the averaged weights. The red dot is the epoch whose averaged weights are kept. The lower panel
# shows the F1 of each class on the validation segments, with the threshold that gives the highest
# F1 in that epoch. When the notebook is run interactively, the curves appear below the training
# cell and are updated after each epoch.

# %% tags=["trained"]
figure = plots.learning_curves(history, classes)
plots.save_figure(figure, figures / "learning_curves.png")
live.show(figure)
best = history.iloc[training.best_epoch(history.to_dict("records"))]
print(f"mean average precision of the best epoch: {best['val_average_precision']:.3f}")
occurring = labels["validation"].any(axis=0)
chance = labels["validation"][:, occurring].mean()
print(f"mean average precision of random scores: about {chance:.2f}")
last = history.iloc[-1]
print(f"last epoch: training loss / validation loss = {last['loss'] / last['val_loss']:.2f}")
print(f"last / lowest validation loss = {last['val_loss'] / history['val_loss'].min():.2f}")

# %% [markdown]
# The average precision of random scores is about the share of segments in which the class is
# present; the second number is the mean of this share over the classes. The first ratio compares
# two losses that are measured under different conditions: data augmentation, MixStyle and dropout
# make the task harder in training, whereas the validation segments are scored without them, and
# with averaged weights. A ratio above 1 is therefore no surprise. The second ratio indicates
# overfitting: it is close to 1 if the validation loss stays low until the end, and clearly above 1
# if it has risen again. If the red dot is at the last epoch, early stopping did not end the
# training. With a learning rate that falls to nearly zero and with averaged weights, this is to be
# expected. Only another training with a larger `epochs` can show whether a longer one is better,
# because it also changes the schedule.

# %% [markdown]
# ## Choosing the thresholds
# A class is detected in a segment when its score reaches the *threshold* of the class. With a low
# threshold, few sounds are missed but many detections are wrong; with a high threshold, it is the
# other way round. A measure that balances both is F1, the harmonic mean of precision (the share of
# detected segments that are correct) and recall (the share of segments with the class that are
# detected).
#
# The obvious choice is the threshold with the highest F1 on the validation segments. For a class
# with few *positives*, segments in which it is present, the position of this peak depends mostly on
# chance: a single segment can move it far. The curve of F1 over the threshold is therefore
# smoothed: a threshold then ranks high only if F1 is also high at neighbouring thresholds. Of all
# thresholds whose smoothed F1 is nearly the highest, the one nearest to 0.5 is taken, so that a
# threshold does not move away from 0.5 for a negligible gain. The thresholds that are chosen in
# this way are called the *tuned* thresholds; they are stored with the model.
#
# Distances between thresholds are measured in log-odds, `log(t / (1 - t))`. The curve is smoothed
# by a Gaussian window of constant width in log-odds; around 0.5, the window covers mainly
# thresholds from 0.3 to 0.7. A smoothed F1 is nearly the highest if it lies at most a tenth of a
# standard error below. The standard error is taken to be `sqrt(F1 * (1 - F1) / n)` for `n`
# positives, so that the margin is wider for rare classes. The idea is that of the
# *one-standard-error rule* for choosing among models of different size, but with a much smaller
# margin. A class without any positives gets 0.5.

# %%
magnitudes, reference, _ = validation
scores = np.concatenate([models.predict_scores(network, x) for x in magnitudes])
thresholds = detection.choose_thresholds(reference, scores)
positives = reference.sum(axis=0)
grid = np.linspace(0, 1, 1001)
detected = scores >= grid[:, np.newaxis, np.newaxis]
f1 = 2 * (detected & reference).sum(axis=1) / (detected.sum(axis=1) + positives).clip(1)

# %% [markdown]
# The figure shows the F1 of each class on the validation segments for every threshold, before
# smoothing. The dotted line is the tuned threshold. It need not lie at the highest point, because
# it is chosen on the smoothed curve and may lie nearer to 0.5; the number in brackets is the number
# of positives.

# %% tags=["trained"]
fig, axes = plots.class_axes(len(classes), 2.3, sharex=True, sharey=True)
for ax, label, curve, t, n in zip(axes, classes, f1.T, thresholds, positives, strict=True):
    ax.plot(grid, curve, color=colours[label])
    ax.axvline(t, color="0.3", ls=":")
    ax.set(title=f"{label} ({n})", xticks=[0, 0.5, 1], ylim=(0, 1))
fig.supxlabel("threshold")
fig.supylabel("F1 on the validation segments")
plots.save_figure(fig, figures / "thresholds.png")
plt.show()

# %% [markdown]
# Where a curve is flat around the dotted line, the choice matters little. With few positives the
# curve is a staircase, because each segment that is gained or lost changes F1 by a visible step; if
# a few segments were exchanged for others, the highest step could lie elsewhere. The table gives
# the numbers: F1 with the tuned threshold, and the highest F1 of the curve.

# %% tags=["trained"]
detected = scores >= thresholds
chosen = pd.DataFrame({"positives": positives, "threshold": thresholds}, classes)
chosen["F1"] = 2 * (detected & reference).sum(axis=0) / (detected.sum(axis=0) + positives).clip(1)
chosen["highest F1"] = np.maximum(f1.max(axis=0), chosen["F1"])
chosen.round(2)

# %% [markdown]
# This way of choosing thresholds has four limitations. First, F1 on the segments on which a
# threshold was tuned is optimistic; a fair value needs other segments, such as those of the test
# episodes. Second, the threshold with the highest F1 depends on how frequent the class is, so that
# it may not suit recordings with another mixture of sounds. Third, smoothing cannot add
# information: with few positives, the threshold remains uncertain. Fourth, if the scores hardly
# separate the segments with a class from the others, F1 can be highest where nearly everything is
# detected, with a threshold close to 0. Notebook 4 examines whether tuning the thresholds helps on
# the test episodes.

# %% [markdown]
# ## Thresholds for frame-level scores
# The frame-level scores tell when, within a second, a sound begins and ends. The network knows
# nothing of the sound before and after a segment, so the scores of the first and the last frames
# are less reliable. Segments that begin every half second are therefore scored, and each frame gets
# the mean of its scores in both segments that contain it. Frame-level scores flicker from frame to
# frame, so they are smoothed by a moving average of `detection.frame_smoothing` seconds, and they
# have thresholds of their own. These are chosen in the same way. Only every fourth frame is used,
# which saves time and loses little, because adjacent frames have nearly equal scores. The table
# gives the number of positives among all frames and the threshold of each class.

# %% tags=["trained"]
frame_level, chosen = {}, pd.DataFrame()
if options.frame_weight:
    smoothing = params.detection.frame_smoothing
    sounds = corpus.waveforms("validation", stft.sample_rate)
    frame_labels = corpus.frame_labels("validation", params)
    frames = network, sounds, frame_labels, stft, classes, smoothing
    frame_thresholds = detection.choose_frame_thresholds(*frames)
    by_class = dict(zip(classes, frame_thresholds.tolist(), strict=True))
    frame_level = {"frames": {"smoothing": smoothing, "thresholds": by_class}}
    active = np.concatenate(frame_labels).sum(axis=(0, 1))
    columns = {"positives": active, "frame-level threshold": frame_thresholds}
    chosen = pd.DataFrame(columns, classes)
chosen.round(2)

# %% [markdown]
# ## Saving the model
# The weights are stored together with a description of all that is needed to use them: classes,
# STFT settings and thresholds. `load_model` refuses a model that was trained with other STFT
# settings than those that it is given. The first cell collects where the model comes from: the
# names of the training and validation episodes, a hash of the features of each episode, and the
# versions of the libraries.

# %%
split, folder = corpus.split, data / "features"
files = {name: features.open_features(folder / f"{name}.npy", stft) for name in split.episodes}
libraries = "keras", "librosa", "numpy", "tensorflow"
origin = {
    "trained_on": list(split.train),
    "validated_on": list(split.validation),
    "data_md5": {name: hashlib.md5(magnitude).hexdigest() for name, magnitude in files.items()},
    "versions": {name: import_module(name).__version__ for name in libraries},
}

# %%
description = {
    "preset": options.preset,
    "classes": classes,
    "stft": stft.model_dump(),
    "thresholds": dict(zip(classes, thresholds.tolist(), strict=True)),
    "seed": seed,
    "training": options.model_dump(),
}
models.save_model(data / "model", network, description | frame_level | origin)

# %% [markdown]
# As a check, the model is loaded again and scores the validation episodes. The scores must be
# identical.

# %%
loaded, _ = models.load_model(data / "model", stft)
again = np.concatenate([models.predict_scores(loaded, x) for x in magnitudes])
print("the loaded model gives the same scores:", np.array_equal(again, scores))

# %% [markdown]
# ## Findings
# The following sentences are computed from the results of this run.

# %% tags=["trained"]
precision, n_parameters = best["val_average_precision"], table["parameters"].sum()
print(f"The mean average precision on the validation episodes is {precision:.3f};", end=" ")
print(f"that of random scores is about {chance:.2f}.")
print(f"The network has {n_parameters:,} parameters,", end=" ")
print(f"the 2018 model {full['parameters'].sum() / n_parameters:.0f} times as many.")
print("Mixup changes the ratio of the most frequent to the rarest class", end=" ")
print(f"from {ratio['without mixup']:.0f} to {ratio['with mixup']:.0f}.")

# %% [markdown]
# - **Learning.** The first line printed above gives the mean average precision on the validation
#   episodes. The column `F1` of the table of tuned thresholds shows, class by class, how well each
#   one is learned, and notebook 4 evaluates them on the test episodes.
# - **Size.** The preset `compact` is small enough to be trained without a GPU. Notebook 6 compares
#   its results with those of a version of the 2018 model with fewer channels.
# - **Data augmentation.** Mixup with classes drawn equally often lets rare classes occur in more
#   training segments. Notebook 6 measures how much mixup, the further data augmentation, MixStyle,
#   frame labels and averaged weights each contribute to the result, in an incremental *ablation*:
#   starting from the 2018 configuration, each variant adds one change.
# - **Thresholds.** Each class gets the threshold nearest to 0.5 whose smoothed F1 on the validation
#   segments is nearly the highest. For a rare class, the threshold with the highest unsmoothed F1
#   would depend strongly on a few segments.
#
# **Limitations.** The network is trained once, with one seed. The best epoch and the thresholds are
# chosen on the same validation subset, by default a single episode, which contains few segments of
# the rare classes. Both choices are therefore uncertain, and the validation scores are optimistic.
# Another seed or another type of CPU gives other weights; `reports/training_spread.json` records
# how much the numbers of this notebook changed in further training runs with other seeds, and with
# only the instructions of older CPUs. Notebook 6 compares training runs with several seeds.
