# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 1. Exploring the episodes
#
# **Question.** The task of the project is
# [sound event detection](https://arxiv.org/abs/2107.05463): to find out which sounds occur in a
# recording, and when. Which sounds do the episodes contain, how much of each, and which of them
# will be hard to detect?
#
# **Inputs.** The episodes `data/episodes/*.flac` and their annotations `data/episodes/*.json`.
#
# **Outputs.** Figures in `reports/notebooks/figures/01`.
#
# This project continues an [experiment of
# 2018](https://github.com/vtt-project/vtt-sound-event-detection) on episodes of a television
# series, which are protected by copyright and cannot be distributed. The default episodes are
# therefore synthetic: the speech synthesiser [eSpeak NG](https://github.com/espeak-ng/espeak-ng)
# speaks the dialogue, shouted words, some laughs and the voices of a murmuring crowd, which has no
# label; all other sounds are generated procedurally. The synthetic episodes are modelled on the
# statistics that the 2018 experiment published about its annotations
# (`data/published/annotations.tsv`). This notebook also works with your own episodes;
# [data/README.md](../data/README.md) describes how to use them.

# %%
import hashlib

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import soundfile

from sedlib import annotations, audio, features
from sedlib.config import load_params, repository, workspace
from sedlib.episodes import read_remarks, refuse_duplicates, split_table, usable_split
from sedlib.labels import label_segments
from sedlib.reports import plots

# %% tags=["parameters"]
params = load_params()
episode = None  # the episode that is shown in full; default: the first for training
example_seed = params.seed  # for choosing the examples of each class
published_minutes = 22.7  # mean duration of the episodes of 2018

# %%
plots.use_style()
pd.options.display.float_format = "{:.2f}".format
folder = workspace() / "data" / "episodes"
figures = workspace() / "reports" / "notebooks" / "figures" / "01"
classes, rate = list(params.classes), params.stft.sample_rate
colours = plots.class_colours(classes)
split = usable_split(params.split, folder)
episode = episode or split.train[0]

# %% [markdown]
# ## Annotations
# The annotations are the ground truth that the network learns from and is evaluated against. They
# form an *event table* with the same four columns as in [DCASE](https://dcase.community) and
# [sed_eval](https://tut-arg.github.io/sed_eval/): an event has a recording (`filename`), a start
# (`onset`) and an end (`offset`) in seconds, and a class (`event_label`). The class
# `background laughing` is laughter of the audience, and `laughing` is laughter of a character.
# Annotations made by hand often contain errors, such as a misspelt class or an offset before the
# onset. The first stage of the pipeline (`episodes` in `dvc.yaml`) corrects such errors. It lists
# all corrections in `data/episodes/corrections.tsv`, including the labels that were renamed by the
# parameter `episodes.aliases` in `params.yaml`.

# %%
tables = [annotations.read(folder / f"{name}.json") for name in split.episodes]
events = pd.concat(tables, ignore_index=True)
corrections, left_out = read_remarks(folder)
print(f"{len(events)} events in {len(tables)} episodes")
print(f"corrections of annotations: {len(corrections)}; files left out: {len(left_out)}")
events.head()

# %% [markdown]
# ## Training, validation and test subsets
# The split assigns each episode as a whole to one of three subsets. The network is fitted to the
# *training* episodes. Choices such as the detection threshold of each class are made on the
# *validation* episodes. The *test* episodes show how well the trained network generalises to new
# recordings. If the same sound occurred in two subsets, which is called [*data
# leakage*](https://scikit-learn.org/stable/common_pitfalls.html#data-leakage), the test results
# would be too optimistic. `refuse_duplicates` raises an error if two whole episodes are identical.
# For your own episodes, the stage `episodes` also looks for long passages that occur in two
# subsets. Neither check finds a short sound that two episodes share. The level in the table is the
# mean power of an episode in decibels relative to full scale
# ([dBFS](https://en.wikipedia.org/wiki/DBFS)).

# %%
durations, levels, hashes = {}, {}, {}
for name in split.episodes:
    waveform = audio.read_audio(folder / f"{name}.flac", rate)
    durations[name] = len(waveform) / rate
    levels[name] = 10 * np.log10(np.mean(waveform**2))
    hashes[name] = hashlib.sha256(waveform).hexdigest()
refuse_duplicates(hashes)

# %%
overview = split_table(split, durations).rename(columns={"duration": "duration (s)"})
overview["level (dBFS)"] = levels
overview["events"] = events["filename"].value_counts()
overview

# %% [markdown]
# ## Amount of each class
# The next table shows, for each class, the share of the total duration in which it is active (in
# percent), the number of events per minute, and the median, the 90th percentile and the maximum of
# the event durations. The columns under `published` contain the same statistics for six annotated
# episodes of 2018. Those episodes last about 22.7 minutes each, so the published number of events
# per episode is divided by this duration. Most onsets and offsets in the annotations of 2018 are
# rounded to whole seconds, which explains the round values in the last three columns.

# %%
events["duration"] = events["offset"] - events["onset"]
by_class = events.groupby("event_label")["duration"]

# %%
statistics = by_class.describe(percentiles=[0.5, 0.9])[["50%", "90%", "max"]]
statistics.columns = ["median (s)", "90th percentile (s)", "maximum (s)"]
statistics.insert(0, "share (%)", 100 * by_class.sum() / sum(durations.values()))
statistics.insert(1, "events per minute", by_class.size() / sum(durations.values()) * 60)
statistics = statistics.reindex(classes)

# %%
path = repository() / "data" / "published" / "annotations.tsv"
published = pd.read_csv(path, sep="\t", index_col="event_label").reindex(classes)
published["share"] *= 100
published.insert(1, "events per minute", published.pop("events_per_episode") / published_minutes)
published.columns = statistics.columns
pd.concat({"these episodes": statistics, "published": published}, axis=1)

# %% [markdown]
# The figure compares the two columns `share (%)`. Its axis is logarithmic, because the shares of
# the classes differ by orders of magnitude.

# %%
fig, ax = plt.subplots(figsize=(plots.WIDTH, 4))
names = ("published", "these episodes")
plots.draw_change(ax, published["share (%)"], statistics["share (%)"], colours, names)
ax.set(xscale="log", xlabel="share of the total duration (%)")
plots.label_log_axis(ax.xaxis)
plots.save_figure(fig, figures / "shares.png")
plt.show()

# %% [markdown]
# *Class imbalance* means that some classes are much more frequent than others. In these notebooks,
# a class is called *rare* if it is active for less than 5 % of the time. Like the real episodes,
# the synthetic ones are imbalanced, but deliberately less so: the rare classes take up a larger
# share of the time than in the published statistics, so that each of them occurs often enough in so
# few episodes to be evaluated at all. The synthetic episodes also contain more music.

# %%
share = statistics["share (%)"].fillna(0)
rare = share[share < 5].index
frequent = share.drop(rare).sum() / share.sum()
print(f"{len(classes) - len(rare)} frequent classes account for {frequent:.0%}", end=" ")
print("of the annotated time.")
multiples = (share / published["share (%)"]).dropna()
print("Share in these episodes, as a multiple of the published share (where one is known):")
print(multiples.to_string(float_format="{:.1f}".format))

# %% [markdown]
# ## One episode from start to end
# The upper panel shows the waveform of one episode, the lower panel its events, with one row for
# each class.

# %%
fig, axes = plt.subplots(2, 1, figsize=(plots.WIDTH, 5.2), height_ratios=[1, 2.4], sharex=True)
waveform = audio.read_audio(folder / f"{episode}.flac", rate)
plots.draw_waveform(axes[0], waveform, rate)
plots.draw_events(axes[1], events[events["filename"] == episode], classes)
axes[0].set_title(episode)
axes[1].set_xlim(0, durations[episode])
plots.save_figure(fig, figures / "episode.png")
plt.show()

# %% [markdown]
# A synthetic episode begins with music under the titles. Turns of dialogue follow, with the
# reactions of an audience, short pieces of music in pauses of the dialogue and longer ones under
# it. The rare classes appear as narrow marks that are spread over the episode. Bars that lie above
# each other at the same time are sounds that overlap.

# %% [markdown]
# ## Duration of events
# The box plot shows the event durations of each class, again on a logarithmic axis. A box spans the
# middle half of the durations, the white line in it is the median, the whiskers reach from the 10th
# to the 90th percentile, and dots are events beyond them. The dotted line marks one second. This is
# the length of a *segment*, the unit that the network classifies.

# %%
options = {"y": "event_label", "order": classes, "hue": "event_label", "hue_order": classes}
style = {"whis": (10, 90), "fliersize": 1, "saturation": 1, "linewidth": 0.8}
style["medianprops"] = {"color": "white", "linewidth": 1.6}
fig, ax = plt.subplots(figsize=(plots.WIDTH, 4))
sns.boxplot(events, x="duration", **options, palette=colours, **style, ax=ax)
ax.axvline(1, color="0.4", ls=":", zorder=0)
ax.set(xscale="log", xlabel="duration of an event (s)", ylabel="")
ax.set_xticks([0.5, 1, 2, 5, 10, 20, 50, 100])
plots.label_log_axis(ax.xaxis)
plots.save_figure(fig, figures / "lengths.png")
plt.show()

# %%
short = events["duration"] < 1
kinds = events["event_label"].isin(rare).map({True: "rare", False: "frequent"})
for kind, part in short.groupby(kinds).mean().items():
    print(f"Shorter than a segment: {part:.0%} of the events of {kind} classes")

# %% [markdown]
# An event that is shorter than a segment fills only a part of it, or lies across the boundary of
# two. The rule that decides which segments get its label therefore matters most for the classes
# with short events. Notebook 2 compares three such rules.

# %% [markdown]
# ## Co-occurring labels
# From here on, the events are converted to a table of labels, with one row for each segment and one
# column for each class. The rule `labels.rule` in `params.yaml` decides when a segment has the
# label of an event; notebook 2 explains it. A segment can have several labels, so the task is
# [multi-label classification](https://scikit-learn.org/stable/modules/multiclass.html): for each
# segment, the network answers one yes-or-no question for each class.

# %%
tables = {}
for name, duration in durations.items():
    own = events[events["filename"] == name]
    segments = label_segments(own, duration, classes, params.labels.rule)
    tables[name] = pd.DataFrame(segments, columns=classes)
labels = pd.concat(tables, names=["episode", "second"])

# %% [markdown]
# Read the left panel by rows: of the segments with the label of the row, it shows the share that
# also has the label of the column. The colour bar is at the far right. The right panel shows the
# share of these segments that has no other label.

# %%
together = labels.T.astype(int) @ labels.astype(int)
alone = labels[labels.sum(axis=1) == 1].sum() / labels.sum()
options = {"figsize": (plots.WIDTH, 5), "width_ratios": [2.4, 1]}
fig, (left, right) = plt.subplots(1, 2, **options)
overlap = together.div(labels.sum(), axis=0)
beside = {"beside": (left, right)}
plots.draw_matrix(left, overlap, "share of the segments of the row", vmax=1, **beside)
plots.draw_bars(right, alone.fillna(0), colours)
right.set(xlim=(0, 1), xlabel="share without another label", yticklabels=[])
plots.save_figure(fig, figures / "together.png")
plt.show()

# %% [markdown]
# A short bar means that the class seldom occurs without another label. In the default episodes,
# most segments with a rare class have at least one other label: the detector has to recognise the
# rare sound in a mixture, mostly with speech, laughter or music.

# %% [markdown]
# ## Labelled segments in each episode
# The figure shows the number of segments with each label, episode by episode. The colour scale ends
# at 50 segments, so that differences between the rare classes remain visible. The number in
# brackets after the name of an episode is its duration in minutes; by default, the episodes for
# validation and test are longer than those for training. The synthetic episodes for training
# contain more of the rare classes per minute than the others, so that the network hears many
# different sounds of each class. The table below the figure gives the number of labelled segments
# per minute in each subset.

# %%
counts = labels.groupby(level="episode", sort=False).sum().T
fig, ax = plt.subplots(figsize=(plots.WIDTH, 4.4))
plots.draw_matrix(ax, counts, "segments (darkest: 50 or more)", fmt="d", vmax=50)
minutes = overview["duration (s)"] / 60
ax.set_xticklabels([f"{n}, {overview['subset'][n]} ({m:.0f})" for n, m in minutes.items()])
plots.save_figure(fig, figures / "split.png")
plt.show()

# %%
per_subset = counts.T.groupby(overview["subset"], sort=False).sum().T
absent = per_subset.index[(per_subset == 0).any(axis=1)]
rarest = per_subset["validation"].idxmin()
print(f"Classes that are absent from a subset: {', '.join(absent) or 'none'}")
print(f"Fewest validation segments: {rarest}, {per_subset.loc[rarest, 'validation']}")

# %%
per_minute = per_subset / minutes.groupby(overview["subset"], sort=False).sum()
pd.concat({"segments": per_subset, "segments per minute": per_minute}, axis=1)

# %% [markdown]
# The threshold of each class is chosen on the validation episodes. For a class with few segments
# there, this choice is uncertain. A class that is absent from the test subset cannot be evaluated.

# %% [markdown]
# ## Examples of each class
# For each class, one training segment with its label is chosen at random. The figure shows the
# magnitude spectrograms of these segments, which notebook 2 explains: time runs to the right,
# frequency upwards, and the brighter the colour, the louder the sound, relative to the loudest
# point of the panel. The lines with a plus sign name the other labels of the same segment.

# %%
train = labels.loc[list(split.train)]
examples = {}
for label in train.columns[train.any()]:
    examples[label] = train[train[label]].sample(1, random_state=example_seed).index[0]

# %%
panels, excerpts = [], {}
for label, (name, second) in examples.items():
    file, start, stop = folder / f"{name}.flac", max(0, second - 1) * rate, (second + 2) * rate
    excerpt, _ = soundfile.read(file, start=start, stop=stop, dtype="float32")
    segment = features.split_segments(excerpt, params.stft)[[min(second, 1)]]
    others = train.columns[train.loc[name, second]].drop(label)
    title = "\n+ ".join([label, *others])
    panels.append((title, features.spectrogram(segment, params.stft)[0]))
    excerpts[f"{label} ({name}, {second} s)"] = excerpt

# %%
fig = plots.spectrogram_panels(panels, params.stft, height=3)
plots.save_figure(fig, figures / "classes.png")
plt.show()

# %% [markdown]
# Some patterns are typical. Short impacts, such as knocks and claps, usually give vertical lines:
# they are brief and cover many frequencies. Bells and held notes usually give horizontal lines,
# which are their partial tones. Voices often give a stack of harmonics that moves with the pitch.
# A single example need not show the pattern of its class, because the segment also contains other
# sounds and background noise. A faint vertical line at the left or right edge of a panel comes
# from cutting the segment out of the recording.
#
# The players play the same examples, with one second before and one second after each. All are
# scaled to the same peak level. The caption names the episode and the start of the segment.

# %%
plots.players(excerpts, rate)

# %% [markdown]
# ## Level and mean spectrum of each class
# Could a class be recognised without its temporal structure, by its level or its average spectrum
# alone? The left panel of the next figure shows the level of the training segments with each label;
# the boxes are drawn as in the figure of the event durations. The right panel shows the shape of
# the mean spectrum of the same segments: its difference in dB from the mean spectrum of all
# training segments, with the average over the bands subtracted, so that differences in level do not
# show. Red means stronger than in the average segment, blue weaker. The frequencies from 100 Hz to
# a quarter of the sample rate (11 kHz with the default settings) are grouped into bands of about a
# third of an octave.

# %%
powers, spectra = [], []
for name in split.train:
    waveform = audio.read_audio(folder / f"{name}.flac", rate)
    segments = features.split_segments(waveform, params.stft)
    powers.append(np.mean(segments**2, axis=1))
    spectra.append(features.spectrogram(segments, params.stft).mean(axis=1))
level = pd.Series(10 * np.log10(np.concatenate(powers) + 1e-10), train.index)
spectrum = pd.DataFrame(np.concatenate(spectra), train.index)
spectrum.columns = np.fft.rfftfreq(params.stft.n_fft, 1 / rate)

# %%
levels = pd.DataFrame({label: level[train[label]] for label in examples})
bands = np.geomspace(100, rate / 4, 21)  # Hz, edges of the bands
means = pd.DataFrame({label: spectrum[train[label]].mean() for label in examples})
means = means.assign(all=spectrum.mean()).groupby(pd.cut(means.index, bands), observed=False).mean()
difference = 20 * np.log10(means[list(examples)].div(means["all"], axis=0))
difference -= difference.mean()

# %%
options = {"figsize": (plots.WIDTH, 4.4), "width_ratios": [1, 1.2], "sharey": True}
fig, (left, right) = plt.subplots(1, 2, **options)
sns.boxplot(levels, orient="h", palette=colours, **style, ax=left)
left.set(xlabel="level of a segment (dBFS)")
rows, bound = np.arange(len(examples) + 1) - 0.5, difference.abs().max(axis=None)
mesh = right.pcolormesh(bands, rows, difference.T, cmap="RdBu_r", vmin=-bound, vmax=bound)
fig.colorbar(mesh, ax=right, label="shape of the spectrum (dB)")
right.set(xscale="log", xlabel="frequency (Hz)")
plots.label_log_axis(right.xaxis)
plots.save_figure(fig, figures / "level_and_spectrum.png")
plt.show()

# %%
medians, quartiles = levels.median(), levels.quantile([0.25, 0.75])
print(f"Median levels: {medians.min():.0f} dBFS ({medians.idxmin()})", end=" ")
print(f"to {medians.max():.0f} dBFS ({medians.idxmax()})")
print(f"Mean width of a box: {quartiles.diff().iloc[-1].mean():.0f} dB")

# %% [markdown]
# Half of the segments of a class lie inside its box. The numbers above compare the spread between
# the classes (the range of the medians) with the spread within a class (the mean width of a box).
# If the two are similar, most boxes overlap, and level alone hardly separates the classes. Strong
# colours in a row of the right panel mean that the segments with this label have a characteristic
# average spectrum; the other sounds in these segments contribute to it. All synthetic episodes are
# low-pass filtered at 9 kHz (within the highest band), so that no class can be recognised merely by
# its bandwidth.
#
# The levels are those of the recordings before loudness normalisation, which notebook 2 explains.
# The baseline of notebook 4, a logistic regression on the logarithm of the time-averaged spectrum,
# measures how far a classifier gets with level and average spectrum alone. These do not describe
# how a sound changes within the segment. The network therefore receives the spectrogram with all
# its frames.

# %% [markdown]
# ## Findings
# The numbers are in the outputs above. For the default episodes they show the following:
#
# - The classes are imbalanced: speech, the laughter of an audience and music account for most of
#   the annotated time.
# - Many events of the rare classes are shorter than a segment of one second.
# - Most segments with a rare class have at least one other label, so the task is multi-label.
# - Every class occurs in every subset, but the rare ones have few segments for validation.
#
# The rare classes are therefore likely to be the hardest to detect. Notebook 4 compares their F1
# with that of the other classes.
#
# **Limitations.** The annotations of the synthetic episodes are exact, and a synthesiser speaks
# their dialogue. Results on them describe detection in synthetic episodes of this kind and do not
# predict performance on real broadcasts.
