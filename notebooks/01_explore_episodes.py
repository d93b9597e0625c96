# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 1. What is in the episodes?
#
# **Question.** Ten kinds of sound are to be found in TV episodes, second by second. What do the
# episodes hold, how unevenly, and what will be hard to hear?
#
# **In:** the episodes, `data/episodes/*.flac`, and the annotation beside each, `*.json`.
# **Out:** figures in `reports/figures/01`, and what to expect of the later notebooks.
#
# The recordings of the 2018 experiment, the first episodes of a well-known series, cannot be
# handed on. By default the episodes here are synthetic: dialogue by a speech synthesiser, music,
# audience and objects made by formulas, mixed in rooms that differ by episode, shaped by the
# published statistics of the real annotations. The same notebook reads real episodes.

# %%
import hashlib

import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import NullFormatter

from sedlib import annotations, audio, episodes, features, labels
from sedlib.config import load_params, repository, workspace
from sedlib.reports import plots

plots.use_style()
pd.options.display.float_format = "{:.3f}".format

# %% tags=["parameters"]
params = load_params()
episode = params.split.train[0]  # the one drawn in full
example_seed = params.seed  # draws the examples of each class

# %% [markdown]
# ## The annotations
# An event table has four columns, the same as in DCASE and sed_eval. Times are in seconds.

# %%
folder = workspace() / "data" / "episodes"
figures = workspace() / "reports" / "figures" / "01"
classes, rate = list(params.classes), params.stft.sample_rate
colours = plots.class_colours(classes)
sides = episodes.usable_split(params.split, folder)
read = [annotations.read(folder / f"{name}.json") for name in sides.episodes]
events = pd.concat(read, ignore_index=True)
events["length"] = events["offset"] - events["onset"]
corrections, left_out = episodes.read_remarks(folder)
print(f"{len(events)} events; {len(corrections)} annotation errors corrected", end=", ")
print(f"{len(left_out)} files left out {list(left_out['name'])}")
events.head()

# %% [markdown]
# ## The split
# Whole episodes go to one side, and no two hold the same sound: a network that has heard a voice
# in a room must not be asked about the same take again.

# %%
sounds = {name: audio.read_audio(folder / f"{name}.flac", rate) for name in sides.episodes}
labels.check_leakage({name: hashlib.sha256(x).hexdigest() for name, x in sounds.items()})
split = labels.split_table(sides, {name: len(x) / rate for name, x in sounds.items()})
split["level_dB"] = [20 * np.log10(np.sqrt(np.mean(sounds[name] ** 2))) for name in split.index]
split["events"] = events["filename"].value_counts()
split

# %% [markdown]
# ## How much of each class?
# Beside ours: the annotations of six real episodes, as published.

# %%
total = split["duration"].sum()
lengths = events.groupby("event_label")["length"]
ours = pd.DataFrame(
    {
        "share": lengths.sum() / total,
        "events_per_episode": lengths.size() / len(split),
        "median": lengths.median(),
        "p90": lengths.quantile(0.9),
        "longest": lengths.max(),
    }
).reindex(classes)
path = repository() / "data" / "published" / "annotations.tsv"
published = pd.read_csv(path, sep="\t", index_col="event_label").reindex(classes)
pd.concat({"these episodes": ours, "published": published}, axis=1)

# %%
fig, ax = plt.subplots(figsize=(7, 3.6))
rows = np.arange(len(classes))
ax.hlines(rows, ours["share"], published["share"], color="0.8", lw=2, zorder=1)
ax.scatter(ours["share"], rows, color=list(colours.values()), s=60, label="these episodes")
ax.scatter(published["share"], rows, facecolor="white", edgecolor="0.3", s=40, label="published")
ax.set(yticks=rows, yticklabels=classes, xscale="log", xlabel="share of all seconds")
ax.xaxis.set_minor_formatter(NullFormatter())
ax.invert_yaxis()
ax.legend(loc="lower right")
plots.save_figure(fig, figures / "shares.png")
plt.show()

# %% [markdown]
# Three classes fill the time, as in the real episodes; the other seven are rarer by one or two
# orders of magnitude. They are made more frequent here than published, and music longer, so that
# what a network does with them can be measured at all.

# %%
dominant = ours["share"].nlargest(3)
print("dominant classes:", ", ".join(dominant.index))
print(f"their part of the labelled seconds: {dominant.sum() / ours['share'].sum():.3f}")

# %% [markdown]
# ## One episode from start to end

# %%
fig, axes = plt.subplots(2, 1, figsize=(11, 5), height_ratios=[1, 2.4], sharex=True)
plots.draw_waveform(axes[0], sounds[episode], rate)
axes[0].set_title(episode)
plots.draw_events(axes[1], events[events["filename"] == episode], classes)
axes[1].set_xlim(0, split.loc[episode, "duration"])
plots.save_figure(fig, figures / "episode.png")
plt.show()

# %% [markdown]
# Dialogue runs through the episode, the audience answers it, music opens the episode and lies under
# some of its scenes. The rare sounds come as thin marks, most of them under something else.

# %% [markdown]
# ## How long does a sound last?

# %%
fig, ax = plt.subplots(figsize=(7, 3.6))
jitter = np.random.default_rng(params.seed).uniform(-0.15, 0.15, len(events))
at = events["event_label"].map(classes.index) + jitter
ax.scatter(events["length"], at, c=list(events["event_label"].map(colours)), s=7, alpha=0.5, lw=0)
ax.scatter(ours["median"], rows, marker="|", s=250, color="black", label="median", zorder=3)
ax.set(xscale="log", xlabel="length of an event (s)", yticks=rows, yticklabels=classes)
ax.invert_yaxis()
ax.axvline(1, color="0.6", ls=":", lw=1)
ax.legend(loc="lower right")
plots.save_figure(fig, figures / "lengths.png")
plt.show()

# %% [markdown]
# The dotted line is one clip. About half of the rare sounds are shorter than the clip that is to
# carry their label, so the grid of whole seconds decides much; notebook 2 looks at its rules.

# %% [markdown]
# ## What sounds together?

# %%
labels = {
    name: labels.label_segments(
        events[events["filename"] == name], row["duration"], classes, params.labels.rule
    )
    for name, row in split.iterrows()
}
stacked = np.concatenate([labels[name] for name in split.index]).astype(int)
together = pd.DataFrame(stacked.T @ stacked, classes, classes)
shared = together.div(np.diag(together), axis=0)
fig, ax = plt.subplots(figsize=(7.5, 5.2))
plots.draw_matrix(ax, shared, "share of the row's seconds in which the column sounds too", vmax=1)
plots.save_figure(fig, figures / "together.png")
plt.show()
solo = stacked[stacked.sum(axis=1) == 1].sum(axis=0)
alone = pd.Series(solo, classes) / stacked.sum(axis=0)
print("share of its seconds in which a class sounds alone")
print(alone.dropna().to_string(float_format="{:.2f}".format))

# %% [markdown]
# Read along a row: hardly a rare sound is heard without speech, laughter or music over it. A
# detector that needs silence around a sound will not find it.

# %% [markdown]
# ## How uneven are the sides of the split?

# %%
counts = pd.DataFrame({name: labels[name].sum(axis=0) for name in split.index}, classes)
fig, ax = plt.subplots(figsize=(8.5, 4))
plots.draw_matrix(ax, np.log10(1 + counts), "log10(1 + labelled seconds)")
for text, value in zip(ax.texts, counts.to_numpy().ravel(), strict=True):
    text.set_text(str(value))
ax.set_xticklabels([f"{name} ({subset})" for name, subset in split["subset"].items()])
plots.save_figure(fig, figures / "split.png")
plt.show()
counts.T.groupby(split["subset"]).sum().T[["train", "validation", "test"]]

# %% [markdown]
# Every class occurs on every side. With a handful of seconds in the validation episode, whatever is
# chosen there for a rare class, its threshold above all, is uncertain.

# %% [markdown]
# ## What does a class look and sound like?
# One second of each, drawn at random from the training episodes: as it stands in the mix.

# %%
rng = np.random.default_rng(example_seed)
examples = {}
for i, label in enumerate(classes):
    where = [(n, s) for n in sides.train for s in np.flatnonzero(labels[n][:, i])]
    if where:
        examples[label] = where[rng.integers(len(where))]
deep = -(-len(examples) // 5)
panels = {"figsize": (12, 3.5 * deep), "height_ratios": deep * [1, 2.6], "squeeze": False}
fig, axes = plt.subplots(2 * deep, 5, **panels)
for ax in axes[-2:, len(examples) - 5 * deep + 5 :].flat:
    ax.set_visible(False)
for i, (label, (name, second)) in enumerate(examples.items()):
    wave, image = axes[2 * (i // 5), i % 5], axes[2 * (i // 5) + 1, i % 5]
    clip = sounds[name][second * rate : (second + 1) * rate]
    wave.plot(
        np.arange(rate) / rate, clip / max(np.abs(clip).max(), 1e-9), color=colours[label], lw=0.4
    )
    wave.set(title=label, ylim=(-1, 1), xlim=(0, 1), yticks=[], xticks=[])
    magnitude = features.spectrogram(clip[np.newaxis], params.stft)[0]
    mesh = plots.draw_spectrogram(image, magnitude, params.stft, fmax=11025)
    image.label_outer()
fig.colorbar(mesh, ax=axes, label="level below the peak (dB)", shrink=0.6)
plots.save_figure(fig, figures / "classes.png")
plt.show()

# %%
context = {
    f"{label} ({name}, {second} s)": sounds[name][max(0, second - 1) * rate : (second + 2) * rate]
    for label, (name, second) in examples.items()
}
plots.players(context, rate)

# %% [markdown]
# Knocks and claps are upright lines, bells and music lie flat, voices are combs that move. All
# share one bandwidth, so that no class is known by where its spectrum ends.

# %% [markdown]
# ## Do level or mean spectrum give a class away?

# %%
waves = np.concatenate([features.split_segments(sounds[name], params.stft) for name in split.index])
level = 10 * np.log10(np.mean(waves**2, axis=1) + 1e-10)
table = pd.DataFrame(
    [(c, v) for i, c in enumerate(classes) for v in level[stacked[:, i] == 1]],
    columns=["event_label", "level"],
)
options = {"y": "event_label", "order": classes, "hue": "event_label", "hue_order": classes}
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8))
sns.boxplot(table, x="level", **options, palette=colours, ax=left, fliersize=1, linewidth=0.8)
left.set(xlabel="level of the clip (dB re full scale)", ylabel="")
spectrum = features.spectrogram(waves[::5], params.stft).mean(axis=1)
frequency = librosa.fft_frequencies(sr=rate, n_fft=params.stft.n_fft)
for label in examples:
    sounding = stacked[::5, classes.index(label)] == 1
    mean = librosa.amplitude_to_db(spectrum[sounding]).mean(axis=0)
    right.semilogx(frequency[2:], mean[2:], color=colours[label], lw=1.2, label=label)
right.set(xlabel="frequency (Hz)", ylabel="mean level (dB)", xlim=(40, 20000))
right.legend(fontsize="x-small", ncols=2, loc="lower left")
plots.save_figure(fig, figures / "level_and_spectrum.png")
plt.show()

# %% [markdown]
# The boxes overlap: no class is known by its loudness. The mean spectra differ somewhat; how far
# they lead is measured by the baseline of notebook 4. All end at one frequency. What tells the
# classes apart is the course over time, so the network reads all 44 frames.

# %% [markdown]
# ## What was found
# - Three classes make up nearly all labelled seconds; the rest are rare, short, and covered.
# - Sounds overlap, so the task is multi-label: ten yes-or-no questions a second.
# - Every class occurs on every side of the split, but the validation episode has few rare seconds.
#
# **Limits.** The synthetic episodes have clean, exact annotations and a synthesiser's voices. What
# a network reaches here is a statement about the method, not about any broadcast.
