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
# **Question.** Can seven convolutions and a recurrent layer learn ten sounds, most of them rare,
# from six short episodes?
#
# **In:** `data/features/*.npy` and the annotations. **Out:** `data/model` (weights, and
# `model.json`: classes, recipe, thresholds, what it was trained on), the log of the training in
# `reports/training`, figures in `reports/figures/03`.

# %%
import hashlib
from functools import partial

import keras
import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import tensorflow as tf

from sedlib import annotations, detection, episodes, features, labels, models, training
from sedlib.config import load_params, workspace
from sedlib.reports import plots

plots.use_style()

# %% tags=["parameters"]
params = load_params()
preset = params.train.preset
epochs = params.train.epochs
learning_rate = params.train.learning_rate
seed = params.seed

# %%
training.make_reproducible(seed)
changes = {"preset": preset, "epochs": epochs, "learning_rate": learning_rate}
options = params.train.model_copy(update=changes)
classes, recipe = list(params.classes), params.stft
data, figures = workspace() / "data", workspace() / "reports" / "figures" / "03"
split = episodes.usable_split(params.split, data / "episodes")
x = {name: features.open_features(data / f"features/{name}.npy", recipe) for name in split.episodes}
y, y_frames = {}, {}
for name in split.episodes:
    events = annotations.read(data / "episodes" / f"{name}.json")
    y[name] = labels.label_segments(events, len(x[name]), classes, params.labels.rule)
    y_frames[name] = labels.label_frames(events, len(x[name]), classes, recipe)
sides = {
    side: ([x[name] for name in names], np.concatenate([y[name] for name in names]))
    for side, names in split
}
examples = *sides["train"], np.concatenate([y_frames[name] for name in split.train])
pd.DataFrame({side: labels.sum(axis=0) for side, (_, labels) in sides.items()}, classes)

# %% [markdown]
# The seconds of each class on each side. The network sees the training episodes; the validation
# episode decides when to stop and where the thresholds lie; the test episodes wait for notebook 4.

# %% [markdown]
# ## The network

# %%
network = models.build_model(options.preset, classes, recipe)
table = models.layer_table(network)
print(f"{table['parameters'].sum():,} parameters")
print(f"{table['multiply_adds'].sum() / 1e6:,.1f} M multiply-adds for a second of sound")
table

# %% [markdown]
# Each second comes as 44 frames x 1025 bins of magnitude. Fixed mel bands and a logarithm, then
# seven 3x3 convolutions that look at ever wider surroundings in frequency by average pooling and
# keep all 44 frames, then a GRU along the frames, and a score between 0 and 1 for each frame and
# class. The score of the second is the mean of its frames' scores, each weighted by itself, so that
# a knock of a few frames is not drowned by the silence around it. The loss asks for both: what
# sounds in the second, and in which frames.
#
# For comparison, the network of 2018 at its full width:

# %%
full = models.layer_table(models.build_model("vtt2018", classes, recipe))
print(f"vtt2018: {full['parameters'].sum():,} parameters", end=", ")
print(f"{full['multiply_adds'].sum() / 1e9:.1f} G multiply-adds")
print(f"{full['multiply_adds'].sum() / table['multiply_adds'].sum():.0f} times the work of ours")

# %% [markdown]
# ## Classes that hardly occur
# Left alone, a network learns to never say "door bell" and is nearly always right. So half of the
# training clips get a second one laid over them, drawn so that each class comes up equally often:
# powers add, the labels join. Every rare sound is heard again and again over something else.

# %%
of_clips = options.model_copy(update={"frame_weight": 0.0})
batches = training.Batches(*examples, of_clips, seed, epoch=0)
epoch_labels = np.concatenate([batches[i][1] for i in range(len(batches))])
share = pd.DataFrame(
    {"as recorded": sides["train"][1].mean(axis=0), "as trained": epoch_labels.mean(axis=0)},
    classes,
)
fig, ax = plt.subplots(figsize=(7, 3.6))
rows, colours = np.arange(len(classes)), list(plots.class_colours(classes).values())
ax.hlines(rows, share["as recorded"], share["as trained"], color="0.8", lw=2, zorder=1)
ax.scatter(
    share["as recorded"], rows, facecolor="white", edgecolor="0.3", s=40, label="as recorded"
)
ax.scatter(share["as trained"], rows, color=colours, s=60, label="as trained")
ax.set(yticks=rows, yticklabels=classes, xlabel="share of training clips")
ax.set(xscale="log", xlim=(0.005, 1.2))
ax.invert_yaxis()
ax.legend(loc="lower right")
plots.save_figure(fig, figures / "imbalance.png")
plt.show()

# %% [markdown]
# From white to coloured: the rare classes gain severalfold, the frequent ones hardly move.

# %% [markdown]
# ## Variation
# Besides, each clip's level and timbre change, and a band and a stretch of it are silenced. The
# same four clips as they are (above) and as one epoch shows them (below).

# %%
shown = batches.order[:4]
fig, axes = plt.subplots(2, 4, figsize=(12, 5), sharex=True, sharey=True)
for i, clip in enumerate(shown):
    plots.draw_spectrogram(axes[0, i], batches.read([clip])[0][0], recipe, fmax=11025)
    mesh = plots.draw_spectrogram(axes[1, i], batches[0][0][i, :, :, 0], recipe, fmax=11025)
    for ax, labels in zip(axes[:, i], (sides["train"][1][clip], batches[0][1][i]), strict=True):
        ax.set_title("\n".join(np.array(classes)[labels.astype(bool)]), fontsize="small")
        ax.set_xticks([0, 0.5, 1])
        ax.label_outer()
fig.colorbar(mesh, ax=axes, label="level below the peak (dB)", shrink=0.6)
plots.save_figure(fig, figures / "variation.png")
plt.show()

# %% [markdown]
# ## Training
# Run by hand, the curves below grow epoch by epoch. An interrupted run goes on where it stopped
# and ends with the same weights. Training stops early when the validation episode has not got
# better for some epochs, and the weights of its best epoch are kept. The key identifies the run by
# its settings, data and training code: a finished run with the same key is not trained again.

# %%
data_md5 = {name: hashlib.md5(magnitude).hexdigest() for name, magnitude in x.items()}
contents = {
    "train": [(data_md5[name], y[name], y_frames[name]) for name in split.train],
    "validation": [(data_md5[name], y[name], y_frames[name]) for name in split.validation],
}
key = training.training_key(options, seed, classes, recipe, contents)
history = training.train(
    network,
    partial(training.Batches, *examples, options, seed),
    sides["validation"],
    options,
    checkpoint=data / "checkpoint.npz",
    key=key,
    on_epoch=[plots.LiveCurves(), training.LiveLog(workspace() / "reports" / "training")],
)

# %% tags=["trained"]
best = training.best_epoch(history.to_dict("records"))
plots.save_figure(plots.learning_curves(history), figures / "learning_curves.png")
plt.close()
kept = history.iloc[best]
print(f"validation loss {kept['val_loss']:.3f}")
print(f"validation mean average precision {kept['val_average_precision']:.2f}")

# %% [markdown]
# The loss on the training clips stays above that on the validation episode: they are made harder.
# Towards the end of the cosine the curves flatten and training more would change little.

# %% [markdown]
# ## Thresholds
# A class is detected in a segment when its score reaches the threshold of the class. Each threshold
# is the one with the highest F1 on the validation episode. For a class with very few positive
# segments there, the best threshold would be mostly chance, so such a class keeps 0.5.

# %% tags=["trained"]
scores = np.concatenate([models.predict_scores(network, m) for m in sides["validation"][0]])
thresholds = detection.choose_thresholds(sides["validation"][1], scores)
fig, axes = plots.class_axes(len(classes), 2.1, sharex=True, sharey=True)
grid = np.linspace(0.02, 0.98, 49)
for ax, label, truth, score, t in zip(
    axes, classes, sides["validation"][1].T, scores.T, thresholds, strict=True
):
    hits = [(truth & (score >= g)).sum() for g in grid]
    either = [max(1, (score >= g).sum() + truth.sum()) for g in grid]
    f1 = 2 * np.array(hits) / either
    ax.plot(grid, f1, color=plots.class_colours(classes)[label])
    ax.axvline(t, color="0.3", ls=":")
    ax.set_title(f"{label} ({truth.sum()} s)")
fig.supxlabel("threshold")
fig.supylabel("F1, validation")
plots.save_figure(fig, figures / "thresholds.png")
plt.show()

# %% [markdown]
# The dotted line is the threshold chosen. Where the curve is a broad plateau around it, the choice
# matters little; where a handful of segments decides, the curve is ragged and the threshold may
# suit other episodes less well.

# %% tags=["trained"]
positives = sides["validation"][1].sum(axis=0)
print(f"with fewer than {detection.MINIMUM_POSITIVES} positives, the threshold stays at 0.5")
pd.DataFrame({"threshold": thresholds.round(2), "positives": positives}, classes)

# %% [markdown]
# ## Thresholds of frames
# The scores of single frames, where the network is trained to give them, say when within a second a
# sound begins and ends. They flicker, so they are averaged over a while, and they have thresholds
# of their own, chosen in the same way on every fourth frame: neighbours say nearly the same.

# %% tags=["trained"]
fine = {}
if options.frame_weight:
    smoothing, frames = params.detection.frame_smoothing, x[split.train[0]].shape[1]
    both = models.with_frames(network)
    smooth = [
        detection.smooth_scores(models.predict_frames(both, m), smoothing * frames)
        for m in sides["validation"][0]
    ]
    heard = np.concatenate([y_frames[name] for name in split.validation])
    levels = detection.choose_thresholds(
        heard.reshape(-1, len(classes))[::4], np.concatenate(smooth)[::4]
    )
    by_class = dict(zip(classes, levels.tolist(), strict=True))
    fine = {"frames": {"smoothing": smoothing, "thresholds": by_class}}
    print(f"smoothed over {smoothing} s; thresholds:")
    print(pd.Series(by_class).round(2).to_string())

# %% [markdown]
# ## Keeping the model
# Whoever loads the weights gets what belongs to them, and features made otherwise are refused.

# %%
models.save_model(
    data / "model",
    network,
    {
        "preset": options.preset,
        "classes": classes,
        "stft": recipe.model_dump(),
        "thresholds": dict(zip(classes, thresholds.tolist(), strict=True)),
        **fine,
        "trained_on": list(split.train),
        "validated_on": list(split.validation),
        "data_md5": data_md5,
        "seed": seed,
        "training": options.model_dump(),
        "versions": {m.__name__: m.__version__ for m in (keras, librosa, np, tf)},
    },
)
again, _ = models.load_model(data / "model", recipe)
same = np.array_equal(
    models.predict_scores(again, sides["validation"][0][0]),
    scores[: len(sides["validation"][0][0])],
)
print(f"loaded again, it scores the validation episode the same: {same}")

# %% [markdown]
# ## What was found
# - A network hundreds of times smaller than that of 2018 learns the frequent classes within minutes
#   on two processor cores, and the rare ones as far as a few dozen examples teach them.
# - Laying clips over each other is how the rare classes are heard at all, and labels of frames tell
#   the network where in the second they are. Notebook 6 says what each of these is worth.
#
# **Limits.** One seed, one validation episode with a few seconds of each rare class: the choice of
# the best epoch and of the thresholds is uncertain by as much.
