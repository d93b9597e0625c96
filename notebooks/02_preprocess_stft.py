# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2. From a waveform to spectrograms and labels
#
# **Question.** What does the network receive for one second of sound, how does the length of the
# analysis window change it, and which segments get which labels?
#
# **Inputs.** The episodes, `data/episodes/*.flac`, and their annotations, `*.json`.
#
# **Outputs.** The features, `data/features/*.npy`, one array for each episode, and figures in
# `reports/notebooks/figures/02`.
#
# The network scores sound in *segments* of one second. This notebook computes a spectrogram of
# each segment, which is the input of the network, and shows how annotated events are turned into
# labels of segments, which are its targets.

# %%
import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sedlib import annotations, audio, episodes, features
from sedlib.config import load_params, workspace
from sedlib.labels import label_segments
from sedlib.reports import plots

plots.use_style()

# %% [markdown]
# The cell below contains the parameters that you can change: the example episode (by default the
# first training episode with events), the class of the example segment (by default the one with the
# fewest labelled segments in this episode), and the class in the figure of the label rules (by
# default the one with the most events).

# %% tags=["parameters"]
params = load_params()
episode = None
label = None
rule_label = None

# %%
data, figures = workspace() / "data", workspace() / "reports" / "notebooks" / "figures" / "02"
classes, stft, rate = list(params.classes), params.stft, params.stft.sample_rate
split = episodes.usable_split(params.split, data / "episodes")

# %% [markdown]
# ## Loudness normalisation
# Recordings of the same scene can differ widely in level, but the same sound should get similar
# scores in all of them. Each recording is therefore first *normalised in loudness*: a single gain
# brings it to the same loudness as all others, so that the level differences within it are
# preserved. Loudness is measured as in broadcasting ([EBU R
# 128](https://tech.ebu.ch/publications/r128)): the mean power after a filter that approximates the
# sensitivity of hearing (*K-weighting*), with quiet passages excluded (*gating*), in *loudness
# units relative to full scale* (LUFS). It is measured on the mono mix as a single channel, so for a
# stereo file it differs from the EBU R 128 value, which sums the power of both channels.
# `stft.loudness` sets the target. The gain is at most `stft.largest_gain` dB, so that the noise of
# a nearly silent recording is not amplified to full loudness. The gain also amplifies the
# quantisation noise of a very quiet 16-bit recording.

# %%
with_events = (n for n in split.train if len(annotations.read(data / "episodes" / f"{n}.json")))
episode = episode or next(with_events)
recording = audio.read_audio(data / "episodes" / f"{episode}.flac", rate)
gain = features.normalising_gain([recording], stft)
print(f"{episode} before: {audio.measure_loudness([recording], rate):.1f} LUFS,", end=" ")
print(f"gain {20 * np.log10(gain):.1f} dB")

# %% [markdown]
# From here on, the notebook shows this episode after the gain. The table at the end lists the gains
# of all episodes.

# %%
waveform = recording * np.float32(gain)
events = annotations.read(data / "episodes" / f"{episode}.json")
duration = len(waveform) / rate
print(f"{episode}: {duration:.0f} s of mono sound at {rate} Hz with {len(events)} events")

# %% [markdown]
# ## The example segment
# The example is the first segment that has the chosen label. The parameter `labels.rule` in
# `params.yaml` decides which segments get a label; the section "Labels of segments" below explains
# the rules.

# %%
labels = label_segments(events, duration, classes, params.labels.rule)
counts = pd.Series(labels.sum(axis=0), classes)
label = label or counts[counts > 0].idxmin()
second = int(np.flatnonzero(labels[:, classes.index(label)])[0])
print(f"The example, labelled '{label}', is the segment from {second} to {second + 1} s.")
print(f"This run labels segments by the rule '{params.labels.rule}'.")

# %% [markdown]
# The table lists the annotated events from the second before the example to the second after it,
# with times in seconds, so that they can be found in the figures below. The figures may also show
# sounds that belong to none of the classes and therefore have no annotation.

# %%
segment = features.split_segments(waveform, stft)[second]
start = max(0, second - 1)
events[(events["onset"] < start + 3) & (events["offset"] > start)]

# %% [markdown]
# ## Framing and windowing
# A [short-time Fourier transform](https://en.wikipedia.org/wiki/Short-time_Fourier_transform)
# (STFT) describes how the frequencies in a sound change over time. It cuts the sound into
# overlapping *frames*, multiplies each by a [Hann
# window](https://docs.scipy.org/doc/scipy/reference/generated/scipy.signal.windows.hann.html),
# which falls to zero at both ends, and takes the Fourier transform of the product. The *hop length*
# is the distance between the centres of neighbouring frames. Only the magnitudes are kept; the
# phases are discarded.
#
# The settings are in the section `stft` of `params.yaml`: `win_length` is the length of the window,
# `hop_length` the hop length and `n_fft` the length of the Fourier transform (FFT), all in samples.
# If the FFT is longer than the window, the window is padded with zeros.

# %%
frames, bins = features.segment_shape(stft)
window, hop = 1000 * stft.win_length / rate, 1000 * stft.hop_length / rate
overlap = max(0, 1 - stft.hop_length / stft.win_length)
print(f"A segment of {rate} samples becomes {frames} frames x {bins} frequency bins.")
print(f"A window lasts {window:.1f} ms and overlaps the next by {overlap:.0%}", end=" ")
print(f"(hop length {hop:.1f} ms).")
print(f"Frequency bins are {rate / stft.n_fft:.1f} Hz apart.")

# %% [markdown]
# Frames are centred: the first one is centred on the first sample of the segment. To make this
# possible, each segment is padded with zeros (half the length of the FFT) on both sides. Padding
# with the neighbouring sound would also be possible. Because zeros are used, the spectrogram of a
# segment does not depend on the neighbouring segments (apart from the gain of the whole recording).
#
# The figure shows the first windows, drawn as high as the peak of the sound, over the waveform of
# the example. The grey area is the part of the padding that the first window covers.

# %%
n_windows = min(8, frames)
end = (n_windows - 1) * stft.hop_length + stft.win_length // 2
sound = segment[:end]
curve = np.abs(sound).max() * librosa.filters.get_window("hann", stft.win_length)
times = np.arange(stft.win_length) / rate * 1000 - window / 2
print(f"Shown: the first {n_windows} windows of {frames}.")

# %%
fig, ax = plt.subplots(figsize=(plots.WIDTH, 3))
ax.plot(np.arange(len(sound)) / rate * 1000, sound, color="0.7", lw=0.6)
for frame in range(n_windows):
    ax.plot(frame * hop + times, curve, lw=1.2, color=f"C{frame % 2}")
ax.axvspan(-window / 2, 0, color="0.93", zorder=0)
ax.set(xlabel="time in the segment (ms)", ylabel="amplitude")
ax.margins(x=0)
plots.save_figure(fig, figures / "framing.png")
plt.show()

# %% [markdown]
# Half of the first window lies over the padding. A sample near the end of a window contributes
# little to that frame, because the window is close to zero there. Overlapping windows partly make
# up for this: the sample lies closer to the centre of the next window. A sample midway between two
# centres still counts less than one at a centre.

# %% [markdown]
# ## Resolution in time and frequency
# The length of the window determines how finely the STFT resolves time and frequency. The figure
# shows three seconds around the example segment, up to 8 kHz, with a window of one
# eighth of the window length in `params.yaml` (left), of the same length (middle) and of eight
# times that length (right). The length of the FFT changes in proportion. The hop length is 256
# samples in all three panels, more than the length of the shortest window, which therefore skips
# some samples. The colours show the level in decibels (dB, 20 times the logarithm of
# the magnitude to base 10) relative to the largest magnitude of the panel.

# %%
excerpt = waveform[start * rate : (start + 3) * rate][np.newaxis]
fig, axes = plt.subplots(1, 3, figsize=(plots.WIDTH, 4), sharey=True)
for ax, n_fft in zip(axes, (stft.n_fft // 8, stft.n_fft, stft.n_fft * 8), strict=True):
    length = n_fft * stft.win_length // stft.n_fft
    other = stft.model_copy(update={"n_fft": n_fft, "win_length": length, "hop_length": 256})
    magnitude = features.spectrogram(excerpt, other)[0]
    image = plots.draw_spectrogram(ax, magnitude, other, fmax=min(8000, rate / 2), start=start)
    ax.set_title(f"window {1000 * length / rate:.0f} ms, {rate / n_fft:.0f} Hz between bins")
    ax.label_outer()
fig.colorbar(image, ax=axes, label="level relative to the peak (dB)", pad=0.01)
plots.save_figure(fig, figures / "resolution.png")
plt.show()

# %% [markdown]
# A short window resolves time: onsets are sharp vertical edges, but tones that lie close together
# in frequency merge. A long window resolves frequency: steady tones, such as the harmonics of a
# voice or a bell, are thin horizontal lines, but each onset is smeared over the length of the
# window. No window resolves both finely ([time-frequency uncertainty, or Gabor
# limit](https://en.wikipedia.org/wiki/Uncertainty_principle#Signal_processing)). The window of
# `params.yaml` is a compromise between the two.

# %% [markdown]
# ## Comparison with librosa
# [`librosa.stft`](https://librosa.org/doc/latest/generated/librosa.stft.html) is a widely used
# implementation of the STFT. The next cell compares it with the implementation in
# `sedlib.features`, on the segments of this episode and on white noise. The values are `float32`,
# which has about seven significant digits, so that an agreement to a millionth of the peak means
# that only rounding differs.

# %%
noise = np.random.default_rng(params.seed).standard_normal((20, rate), dtype=np.float32)
settings = stft.model_dump(include={"n_fft", "hop_length", "win_length"})
for name, x in {episode: features.split_segments(waveform, stft), "noise": noise}.items():
    ours = features.spectrogram(x, stft)
    theirs = np.abs(librosa.stft(x, **settings)).swapaxes(1, 2)
    agree = np.abs(ours - theirs).max() <= 1e-6 * theirs.max()
    print(f"{name}: shape {ours.shape}, agreement to 1e-6 of the peak: {agree}")

# %% [markdown]
# ## Logarithmic compression
# The next figure shows the spectrogram of the example segment. The left panel shows the magnitudes
# on a linear scale, as they are stored; the middle panel shows the same values in dB relative to
# the largest. Both end at a quarter of the sample rate. The right panel is a histogram of the
# levels at all frequencies, in dB relative to a magnitude of 1. Its counts are on a logarithmic
# scale, because a single peak could hide the rest. Levels below -120 dB are counted at -120 dB.

# %%
magnitude = features.spectrogram(segment[np.newaxis], stft)[0]
level = librosa.amplitude_to_db(magnitude, ref=1.0, amin=1e-6, top_db=None)
loud = np.mean(magnitude > 0.1 * magnitude.max())
spread = np.ptp(np.percentile(level, [1, 99]))
print(f"{loud:.1%} of the magnitudes are larger than a tenth of the largest.")
print(f"The middle 98 % of the levels span {spread:.0f} dB.")

# %%
fig, axes = plt.subplots(1, 3, figsize=(plots.WIDTH, 3.8))
fig.get_layout_engine().set(w_pad=0.15)
decibels = plots.draw_spectrogram(axes[1], magnitude, stft, fmax=rate / 4)
axes[1].set_title("the same in dB")
place = {"origin": "lower", "aspect": "auto", "extent": decibels.get_extent()}
linear = axes[0].imshow(magnitude.T, cmap="magma", **place)
axes[0].set(xlabel="time (s)", ylabel="frequency (kHz)", title="linear magnitude")
for ax in axes[:2]:
    ax.set(xticks=(0, 0.5, 1), xticklabels=("0", "0.5", "1"), ylim=(0, rate / 4000))
axes[2].hist(level.ravel(), bins=60, color="0.4", log=True)
plots.label_log_axis(axes[2].yaxis)
axes[2].set(xlabel="level (dB re 1)", ylabel="number of magnitudes", title="distribution")
fig.colorbar(linear, ax=axes[0], label="magnitude")
fig.colorbar(decibels, ax=axes[1], label="level relative to the peak (dB)")
plots.save_figure(fig, figures / "compression.png")
plt.show()

# %% [markdown]
# On the linear scale the few loudest magnitudes hide the rest; in dB quieter sounds become visible,
# too. The sounds of the synthetic episodes are low-pass filtered at 9 kHz. Above the transition
# band of the filter there is only faint noise. It is dark in the middle panel, whose colour scale
# spans 70 dB. At a sample rate of 44.1 kHz, it forms the peak at the left of the histogram. The
# first and the last frame may show a faint column up to the top of the panel: where the sound of
# the segment does not begin or end at zero, the step between the sound and the padding contains all
# frequencies.
#
# The features are stored on the linear scale, as in the 2018 experiment. The project has two
# networks, called *presets*; the parameter `train.preset` in `params.yaml` selects one of them. The
# 2018 model (`vtt2018`)
# receives the magnitudes as they are. The default network (`compact`) starts with layers that
# compute a *log-mel spectrogram*: they add up the power in [mel
# bands](https://en.wikipedia.org/wiki/Mel_scale), which are spaced roughly as humans perceive
# pitch, take the logarithm, and normalise the result. In this way both networks read the same
# files. Notebook 6 measures the effect of the log-mel input on a version of the 2018 network with
# fewer channels. It cannot attribute this effect to the logarithm alone, because the mel bands,
# their upper limit of a quarter of the sample rate and the normalisation change with it. The
# number of values that reach the recurrent layer changes as well, which notebook 6 discusses.

# %% [markdown]
# ## Labels of segments
# A sound rarely begins or ends exactly on a whole second. Three rules can decide which segments get
# its label:
#
# - `whole`, the rule of the 2018 experiment: one event covers the whole segment, except that it may
#   start up to 0.1 s late.
# - `half`: the events of the class cover at least half of the segment, or the segment contains at
#   least half of an event that is shorter than a segment.
# - `any`, the rule of the segment-based metrics in
#   [sed_eval](https://tut-arg.github.io/sed_eval/sound_event.html), a toolbox for evaluating sound
#   event detection: an event overlaps the segment, however little.
#
# A last second that is incomplete gets no labels and is not used.

# %%
rules = ["whole", "half", "any"]
by_rule = {rule: label_segments(events, duration, classes, rule) for rule in rules}
events["length"] = events["offset"] - events["onset"]
rule_label = rule_label or events["event_label"].value_counts().idxmax()
own = events[events["event_label"] == rule_label]
first = int(own["onset"].min())

# %% [markdown]
# The figure shows 30 s of annotated events of one class, starting in the second of its first onset,
# and below them the segments that get the label under each rule.

# %%
fig, ax = plt.subplots(figsize=(plots.WIDTH, 2.8))
ax.broken_barh(own[["onset", "length"]].to_numpy(), (-0.3, 0.6), color="0.2")
colour = plots.class_colours(classes)[rule_label]
for row, rule in enumerate(rules, start=1):
    marked = np.flatnonzero(by_rule[rule][:, classes.index(rule_label)])
    spans = [(onset, 1) for onset in marked]
    ax.broken_barh(spans, (row - 0.3, 0.6), color=colour, edgecolor="white")
plots.label_rows(ax, ["annotated events", *rules])
ax.set(xlim=(first, first + 30), xlabel="time (s)", title=rule_label)
plots.save_figure(fig, figures / "label_rules.png")
plt.show()

# %% [markdown]
# Each segment that `whole` labels is also labelled by `half`, and each segment that `half` labels
# is also labelled by `any`. The table counts the labelled segments of this episode under each rule.
# It also gives the total duration of the events of the class and the median duration of an event.
# The lines printed below the table give the ratio of labelled to annotated seconds: the smallest
# and the largest for each rule, with the class in brackets.

# %%
table = pd.DataFrame({rule: y.sum(axis=0) for rule, y in by_rule.items()}, index=classes)
lengths = events.groupby("event_label")["length"]
table["total (s)"], table["median (s)"] = lengths.sum().round(1), lengths.median().round(2)
table

# %%
ratios = table[rules].div(lengths.sum(), axis=0)
for rule, ratio in ratios.items():
    print(f"'{rule}': {ratio.min():.2f} ({ratio.idxmin()}) to", end=" ")
    print(f"{ratio.max():.2f} ({ratio.idxmax()}) labelled seconds for each annotated second")

# %% [markdown]
# The rules differ most for short events. Under `whole`, an event that is shorter than 0.9 s never
# gives a label, so that classes of short sounds lose examples. Under `any`, every overlap counts as
# a full second, so that a sound of a tenth of a second on the boundary of two segments counts as
# two seconds. `half` is a compromise between the two.

# %% [markdown]
# ## Storing the features
# The features of each episode are one array of `float32`. Training opens the files as
# [memory maps](https://numpy.org/doc/stable/reference/generated/numpy.memmap.html), which read
# only the segments of the current batch, so that the memory needed does not grow with the number of
# episodes. The table also lists the gain that brings each episode to the same loudness.

# %%
rows = []
(data / "features").mkdir(parents=True, exist_ok=True)
for name in split.episodes:
    path = data / "features" / f"{name}.npy"
    waveform = audio.read_audio(data / "episodes" / f"{name}.flac", rate)
    gain = features.normalising_gain([waveform], stft)
    waveform *= np.float32(gain)
    segments = features.split_segments(waveform, stft)
    magnitude = features.spectrogram(segments, stft)
    features.write_features(path, magnitude)
    size = path.stat().st_size / 2**20
    rows.append([name, 20 * np.log10(gain), *magnitude.shape, size])

# %%
columns = ["gain (dB)", "segments", "frames", "bins", "MiB"]
table = pd.DataFrame(rows, columns=["episode", *columns])
print(f"{len(table)} episodes, {table['segments'].sum()} segments, {table['MiB'].sum():.0f} MiB")
table.set_index("episode").round(1)

# %% [markdown]
# ## Findings
# - Each recording is first normalised in loudness, so that the level at which it was recorded
#   matters little.
# - The network receives the STFT magnitudes of one segment at a time. The comparison above checks
#   that they agree with those of librosa.
# - The length of the window is a compromise between resolution in time and in frequency.
# - On a linear scale the loudest bins dominate. The network `compact` computes a log-mel
#   spectrogram first; notebook 6 measures what this input changes in the 2018 network.
# - The label rule changes how many segments a class has, most of all for short sounds. Results
#   under different rules are not directly comparable.
#
# **Limitations.** Apart from the gain, the spectrogram of a segment contains nothing of the sound
# before and after it, and a sound that crosses the boundary of two segments is seen in two parts.
# The examples and the table of the label rules come from a single episode.
