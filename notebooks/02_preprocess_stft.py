# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 2. From a waveform to 44 x 1025 numbers
#
# **Question.** What does the network see of a second of sound, what does each choice in the recipe
# do to it, and which seconds carry which label?
#
# **In:** the episodes and their annotations. **Out:** `data/features/*.npy`, one array an episode,
# and figures in `reports/figures/02`.

# %%
import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import scipy.signal

from sedlib import annotations, audio, episodes, features, labels
from sedlib.config import load_params, workspace
from sedlib.reports import plots

plots.use_style()

# %% tags=["parameters"]
params = load_params()
episode = None  # the one the examples are taken from; default: the first
label = None  # the example is a second of this class; default: the rarest in the episode
rule_label = None  # the rules are shown on events of this class; default: that with most

# %%
folder = workspace() / "data" / "episodes"
figures = workspace() / "reports" / "figures" / "02"
recipe, rate, classes = params.stft, params.stft.sample_rate, list(params.classes)
sides = episodes.usable_split(params.split, folder)
episode = episode or sides.train[0]
waveform = audio.read_audio(folder / f"{episode}.flac", rate)
events = annotations.read(folder / f"{episode}.json")
labels = labels.label_segments(events, len(waveform) / rate, classes, params.labels.rule)
seconds = pd.Series(labels.sum(axis=0), classes)
label = label or seconds[seconds > 0].idxmin()
rule_label = rule_label or events["event_label"].value_counts().idxmax()
second = int(np.flatnonzero(labels[:, classes.index(label)])[0])
clip = features.split_segments(waveform, recipe)[second]
print(f"{len(waveform) / rate:.0f} s of {episode}; the example is second {second}, {label}")
pd.Series(recipe.model_dump(), name="recipe").to_frame()

# %% [markdown]
# ## Framing
# The second is cut into overlapping frames; each is multiplied by a window that falls to zero at
# both ends, and Fourier transformed. Frames are centred: the clip gets half an FFT frame of zeros
# on each side, which makes 44 of them. The zeros are the clip's own, so no clip knows its
# neighbours, and a clip cut from a file looks the same wherever it was cut.

# %%
margin, hop = recipe.n_fft // 2, recipe.hop_length
window = scipy.signal.get_window("hann", recipe.win_length)
padded = np.pad(clip, margin)
shown = range(8)
fig, ax = plt.subplots(figsize=(10, 3))
part = slice(0, hop * len(shown) + recipe.n_fft)
ax.plot((np.arange(len(padded))[part] - margin) / rate * 1000, padded[part], color="0.7", lw=0.6)
for frame in shown:
    at = frame * hop + np.arange(recipe.win_length) - recipe.win_length // 2
    ax.plot(at / rate * 1000, window * np.abs(padded[part]).max(), lw=1.2, color=f"C{frame % 2}")
ax.axvspan(-margin / rate * 1000, 0, color="0.93", zorder=0)
ax.set(xlabel="time in the clip (ms)", ylabel="amplitude", xlim=(-margin / rate * 1000, 160))
plots.save_figure(fig, figures / "framing.png")
plt.show()

# %% [markdown]
# The first eight windows over the waveform; the grey part is padding. Neighbouring windows overlap
# by a third: with a hop of two thirds of the window every sample counts, though not all alike.

# %% [markdown]
# ## What each choice does to what one sees
# The same three seconds with a shorter and a longer FFT, and without the logarithm.

# %%
start = max(0, second - 1)
stretch = waveform[start * rate : (start + 3) * rate]
fig, axes = plt.subplots(2, 2, figsize=(11, 6.4), sharex=True)
for ax, n_fft in zip(axes.flat, (256, recipe.n_fft, 16384), strict=False):
    other = recipe.model_copy(
        update={"n_fft": n_fft, "win_length": n_fft * 3 // 4, "hop_length": 256}
    )
    magnitude = features.spectrogram(stretch[np.newaxis], other)[0]
    plots.draw_spectrogram(ax, magnitude, other, fmax=8000)
    ax.set_title(
        f"n_fft {n_fft}: {1000 * n_fft * 3 / 4 / rate:.0f} ms, {rate / n_fft:.0f} Hz apart"
    )
magnitude = features.spectrogram(stretch[np.newaxis], recipe)[0]
extent = (0, 3, 0, rate / 2000)
axes[1, 1].imshow(magnitude.T, origin="lower", aspect="auto", cmap="magma", extent=extent)
axes[1, 1].set(xlabel="time (s)", ylim=(0, 8), title="the recipe's, without the logarithm")
plots.save_figure(fig, figures / "choices.png")
plt.show()

# %% [markdown]
# A short frame tells when, not what pitch; a long one what pitch, not when. The recipe's 2048
# samples keep both the edge of a knock and the comb of a voice. Without the logarithm nearly
# everything is black: the few loudest bins hide the rest. The reference fed its network those raw
# magnitudes; ours are stored as they are, too, but the network's own first layers take the power in
# mel bands and its logarithm, so that recipe and compression can be judged apart.

# %% [markdown]
# ## Is it right?
# The same numbers by librosa, on this episode and on noise. A relative error of 1e-7 is the last
# digit of a float32.

# %%
cases = {
    episode: features.split_segments(waveform, recipe),
    "noise": np.random.default_rng(params.seed).standard_normal((20, rate), dtype=np.float32),
}
for name, x in cases.items():
    ours = features.spectrogram(x, recipe)
    lengths = {"n_fft": recipe.n_fft, "hop_length": hop, "win_length": recipe.win_length}
    theirs = np.abs(librosa.stft(x, **lengths)).swapaxes(1, 2)
    error = np.abs(ours - theirs).max() / theirs.max()
    print(f"{name}: {ours.shape}, agrees with librosa to 1e-6 of the peak: {error < 1e-6}")

# %% [markdown]
# ## Which second has which label?
# An event rarely begins on a whole second. Three rules decide which clips it labels: `half`, ours,
# asks for half of the clip or half of a short event; `whole`, the reference's, for an event that
# covers the clip; `any`, sed_eval's, is content with any overlap.

# %%
rules = {
    rule: labels.label_segments(events, len(waveform) / rate, classes, rule)
    for rule in ("whole", "half", "any")
}
fig, ax = plt.subplots(figsize=(10, 2.6))
own, column = events[events["event_label"] == rule_label], classes.index(rule_label)
start = max(0, int(own["onset"].iloc[min(2, len(own) - 1)]) - 1)
bars = {"events": list(zip(own["onset"], own["offset"] - own["onset"], strict=True))}
bars |= {rule: [(s, 1) for s in np.flatnonzero(grid[:, column])] for rule, grid in rules.items()}
for row, spans in enumerate(bars.values()):
    colour = plots.class_colours(classes)[rule_label] if row else "0.2"
    ax.broken_barh(spans, (row - 0.3, 0.6), color=colour, edgecolor="white" if row else "none")
ax.set(xlim=(start, start + 25), xlabel="time (s)", yticks=range(4), yticklabels=bars)
ax.set(xticks=range(start, start + 26, 5), title=rule_label)
ax.set_xticks(range(start, start + 26), minor=True)
ax.invert_yaxis()
ax.grid(axis="x", which="both", color="0.9")
plots.save_figure(fig, figures / "label_rules.png")
plt.show()

# %%
table = pd.DataFrame({rule: grid.sum(axis=0) for rule, grid in rules.items()}, index=classes)
length = events["offset"] - events["onset"]
table["seconds annotated"] = length.groupby(events["event_label"]).sum()
table.round(1)

# %% [markdown]
# The reference's rule loses most short sounds, sed_eval's counts a second for a sliver of sound.
# With `half` the number of labelled seconds stays close to the seconds annotated.

# %% [markdown]
# ## What the network sees
# One clip, as it is stored.

# %%
stored = features.spectrogram(clip[np.newaxis], recipe)[0]
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), width_ratios=[1.6, 1])
mesh = plots.draw_spectrogram(left, stored, recipe)
left.set_title(f"{stored.shape[0]} frames x {stored.shape[1]} bins")
fig.colorbar(mesh, ax=left, label="level below the peak (dB)")
right.hist(librosa.amplitude_to_db(stored.ravel(), amin=1e-4), bins=60, color="0.4")
right.set(xlabel="magnitude (dB)", ylabel="bins")
plots.save_figure(fig, figures / "one_clip.png")
plt.show()

# %% [markdown]
# Magnitudes span several orders of magnitude: a reason to compress them before normalising. Where
# there is a spike at the left, it is the faint hiss above the band to which synthetic episodes are
# limited.

# %% [markdown]
# ## Storing
# One array an episode, `float32`, read by memory-mapping, so that training holds one batch at a
# time whatever the number of episodes.

# %%
target = workspace() / "data" / "features"
target.mkdir(parents=True, exist_ok=True)
rows = []
for name in sides.episodes:
    x = audio.read_audio(folder / f"{name}.flac", rate)
    magnitude = features.spectrogram(features.split_segments(x, recipe), recipe)
    features.write_features(target / f"{name}.npy", magnitude)
    size = (target / f"{name}.npy").stat().st_size / 2**20
    rows.append(
        {"episode": name, "shape": str(magnitude.shape), "MiB": size, "mean": magnitude.mean()}
    )
pd.DataFrame(rows).set_index("episode").round({"MiB": 1, "mean": 4})

# %% [markdown]
# ## What was found
# - 44 x 1025 magnitudes a second, equal to librosa's.
# - The recipe's frame of 35 ms is a compromise between when and what pitch.
# - The rule of the label grid changes the rare classes more than anything else here: results under
#   two rules must not be compared.
#
# **Limits.** A clip knows nothing of the second before it. A sound cut by the clip's edge is seen
# in two halves.
