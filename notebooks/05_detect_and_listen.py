# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 5. What is heard in this file, and when?
#
# **Question.** Given a recording that the network has not seen, which sounds does it find, when,
# and does the ear agree?
#
# **In:** one audio or video file, and the trained network, `data/model`. **Out:** its events in
# `data/detected`, figures in `reports/figures/05`.
#
# By default the file is a test episode. For your own, set `file` below and run all: any format will
# do, of any length. If annotations lie beside it, in any format that is read here, they are drawn,
# too. For many files, and without Jupyter: `sedlib detect FILE...`.

# %%
from itertools import islice

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

from sedlib import annotations, audio, detection, episodes, features, labels, metrics, models
from sedlib.config import load_params, repository, workspace
from sedlib.reports import plots

plots.use_style()
pd.options.display.float_format = "{:.2f}".format

# %% tags=["parameters"]
params = load_params()
file = None  # path of a media file, from the top of the checkout; default: the first test episode
step = "frames"  # time grid of the events: 1.0, 0.5, 0.2 or 0.1 s, or "frames", 44 a second
drawn_from = 180  # s, where the drawing starts
drawn = 60  # s

# %% [markdown]
# ## The file

# %%
data, figures = workspace() / "data", workspace() / "reports" / "figures" / "05"
split = episodes.usable_split(params.split, data / "episodes")
path = repository() / file if file else data / "episodes" / f"{split.test[0]}.flac"
network, described = models.load_model(data / "model")
classes, recipe, rate = described["classes"], params.stft, params.stft.sample_rate
media = audio.probe(path)
print(f"{path.name}: {media.codec}, {media.sample_rate} Hz, {media.channels} channel(s)")
print(f"trained on {', '.join(described['trained_on'])}")

# %% [markdown]
# ## Detecting
# A window of one second moves over the file. By frames, it moves on by a second, and the scores of
# its 44 frames are averaged over a while. By a step in seconds, it moves on by that, and where
# windows overlap, their scores are averaged. Steps in a row that reach the class's threshold are
# one event.

# %% tags=["trained"]
if "frames" not in described and step == "frames":
    step = 0.5  # this network does not score them
result = detection.detect(path, network, described, hop=step)
grid = float(result.scores["offset"].iloc[0])
print(f"{result.duration:.1f} s, a score for each class every {grid:.3f} s")
length = result.events["offset"] - result.events["onset"]
share = length.groupby(result.events["event_label"]).sum() / result.duration
share.reindex(classes, fill_value=0).rename("share of the time").to_frame()

# %%
target = data / "detected"
target.mkdir(parents=True, exist_ok=True)
for form in ("json", "tsv", "audacity", "textgrid"):
    written = target / (path.stem + annotations.FORMATS[form].suffix)
    annotations.write(result.events, written, form)
    print(written.name)

# %% [markdown]
# The same events in four formats: the reference's JSON, a table, a label track for Audacity, a
# TextGrid for Praat.

# %% [markdown]
# ## Looking

# %%
named = path.stem
beside = annotations.read_folder(path.parent, [named]).events
own = beside[beside["filename"] == named]
ends = {named: result.duration}
truth, corrections = annotations.correct_events(own, classes, ends, params.episodes.aliases)
truth = truth[truth["event_label"].isin(classes)]
start = max(0, int(min(drawn_from, result.duration - drawn)))
stop = min(start + drawn, int(np.ceil(result.duration)))
# One block a second, so that a file of hours need not fit into memory.
seconds = list(islice(audio.read_blocks(path, rate, rate), start, stop))
stretch = np.concatenate(seconds)
print(f"{len(truth)} annotated events of these classes, {len(corrections)} errors corrected")

# %%
fig, axes = plt.subplots(4, 1, figsize=(12, 9.5), height_ratios=[0.5, 1, 1.2, 1.2], sharex=True)
plots.draw_waveform(axes[0], stretch, rate, start)
axes[0].set_title(path.name)
magnitude = features.spectrogram(stretch[np.newaxis], recipe)[0][::2]
coarse = recipe.model_copy(update={"hop_length": 2 * recipe.hop_length})
mesh = plots.draw_spectrogram(axes[1], magnitude, coarse, fmax=11025, start=start)
shown = result.scores[result.scores["onset"].between(start, stop, inclusive="left")]
shades = plots.draw_scores(axes[2], shown, classes)
for ax, colours, label in ((axes[1], mesh, "level (dB)"), (axes[2], shades, "score")):
    fig.colorbar(colours, ax=ax, label=label, pad=0.01)
    ax.set_xlabel("")
if len(truth):
    plots.draw_events(axes[3], truth, classes, estimated=result.events)
else:
    plots.draw_events(axes[3], result.events, classes)
axes[3].set_xlim(start, stop)
plots.save_figure(fig, figures / "detected.png")
plt.show()

# %% [markdown]
# Waveform, spectrogram, scores, events. In the lowest panel the colours are the annotation, where
# there is one, and the dark lines the network's answers; without an annotation the colours are the
# answers. A grey score that never gets dark is a sound the network half hears.

# %% [markdown]
# ## Listening
# The whole stretch, then of each class found in it the event with the highest score, with a second
# before and after.

# %%
sounds = {f"{path.stem}, {start} to {stop} s": stretch}
for label in classes:
    own = result.events[result.events["event_label"] == label]
    own = own[own["onset"].between(start, stop - grid)]
    if len(own):
        spans = own[["onset", "offset"]].to_numpy()
        scores = [shown.loc[shown["onset"].between(*span, "left"), label].max() for span in spans]
        event = own.iloc[int(np.argmax(scores))]
        first = max(0, round((event["onset"] - start - 1) * rate))
        last = round(min(event["offset"] - start + 1, event["onset"] - start + 8) * rate)
        sounds[f"{label}, {event['onset']} s"] = stretch[first:last]
plots.players(sounds, rate)

# %% [markdown]
# ## Is it right?
# Against the annotation, on clips of one second. A class that the annotation never names cannot be
# judged.

# %% tags=["trained"]
judged = [label for label in classes if label in set(truth["event_label"])]
if judged:
    known = result.events[result.events["event_label"].isin(judged)]
    rule = params.labels.rule
    y = labels.label_segments(truth, result.duration, judged, rule)
    found = labels.label_segments(known, result.duration, judged, rule)
    table = metrics.segment_metrics(y, found, judged)
    display(table[["recall", "f1", "support"]])

# %% [markdown]
# ## What does a finer step bring?
# F1 by the second, event-based F1 (onset to 200 ms, offset to 200 ms or 20 % of the length), and of
# each annotated event that is found, how far off the nearest onset is.

# %% tags=["trained"]
steps = [*detection.HOPS, *(["frames"] if "frames" in described else [])] if judged else []
rows = []
for finer in steps:
    events = detection.detect(path, network, described, hop=finer).events
    events = events[events["event_label"].isin(judged)].assign(filename=named)
    found = labels.label_segments(events, result.duration, judged, rule)
    pairs = truth.merge(events, on="event_label", suffixes=("", "_found"))
    overlap = (pairs["onset_found"] < pairs["offset"]) & (pairs["offset_found"] > pairs["onset"])
    pairs = pairs[overlap].assign(off=lambda p: (p["onset_found"] - p["onset"]).abs())
    nearest = pairs.groupby(["event_label", "onset"])["off"].min()
    row = {"step (s)": str(finer), "macro F1": metrics.averages(y, found)["macro"]["f1"]}
    row["event-based F1"] = metrics.event_based(truth, events, judged).macro["f1"]
    rows.append(row | {"onset off by (s)": nearest.median()})
pd.DataFrame(rows)

# %% [markdown]
# A finer step places the onsets better, for more work: a step of 0.1 s takes ten windows where one
# of 1 s takes one. Frames, where the network scores them, cost no more than whole seconds. This is
# one file: differences of a few hundredths mean nothing.

# %% [markdown]
# ## What was found
# - Any file goes through the same steps as the test episodes did, and gets the same scores.
# - Frequent sounds are followed through; rare ones come with false alarms: listen to them.
# - Where it matters when a sound begins, the scores of frames are the better choice.
#
# **Limits.** The default network has heard synthetic episodes only. On a recording of another kind
# its answers are a guess until it is trained on such; notebook 7 shows how much is lost.
