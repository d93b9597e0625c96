# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 5. Detecting events in a recording
#
# **Question.** Which sounds does the network detect in a recording that it was not trained on, when
# do they begin and end, and do you agree when you listen?
#
# **Inputs.** One audio or video file, and the trained network in `data/model`.
#
# **Outputs.** The detected events in `data/detected`, in four annotation formats, and a figure in
# `reports/notebooks/figures/05`.
#
# By default the file is the first test episode. Run `make reproduce` once before you run this
# notebook, because it uses the network in `data/model`. To analyse a recording of your own, set
# `file` in the parameters cell (an absolute path, or one relative to the root of the repository)
# and run all cells. The recording may have any length and any format that
# [FFmpeg](https://ffmpeg.org) decodes. If the folder of the recording also contains an annotation
# of it, such as `talk.txt` for `talk.mp4`, the notebook compares the detected events with that;
# without one, the tables of the comparison are empty. The command `sedlib detect FILE...` detects
# the events of many files without a notebook.

# %%
from itertools import islice

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sedlib import annotations, audio, detection, episodes, features, metrics, models
from sedlib.config import load_params, repository, workspace
from sedlib.labels import label_segments
from sedlib.reports import plots

# %% tags=["parameters"]
params = load_params()
file = None  # path of a media file, absolute or from the repository; default: first test episode
hop = "frames"  # time between scores: 1.0, 0.5, 0.2 or 0.1 s; "frames": frame-level scores
drawn_from = 180  # s, start of the excerpt that is drawn and played
drawn = 60  # s, length of this excerpt

# %% [markdown]
# ## The recording and the network
# This section opens the file and the network. The episodes that the network was trained on are
# listed below the properties of the file, so that you can check that the file is not one of them.

# %%
plots.use_style()
pd.options.display.float_format = "{:.2f}".format
data, figures = workspace() / "data", workspace() / "reports" / "notebooks" / "figures" / "05"
first_test = episodes.usable_split(params.split, data / "episodes").test[0]
path = repository() / file if file else data / "episodes" / f"{first_test}.flac"
name = path.stem

# %%
network, description = models.load_model(data / "model", params.stft)
classes, rate = description["classes"], params.stft.sample_rate
media = audio.probe(path)
print(f"{path.name}: {media.codec}, {media.sample_rate} Hz, {media.channels} channel(s)")
print(f"the network was trained on {', '.join(description['trained_on'])}")

# %% [markdown]
# ## Detection
# [Sound event detection](https://arxiv.org/abs/2107.05463) (SED) finds out which sounds a recording
# contains, and the times at which each begins (*onset*) and ends (*offset*). It has two steps here.
#
# 1. **Scores.** The network gives each class a *score* between 0 and 1; a higher score means
#    stronger evidence for the class. It looks at one *segment* of one second at a time. The *hop*
#    is the time from one segment to the next (not the hop length of the STFT in notebook 2). With a
#    hop below one second the segments overlap, and the scores of all segments that contain a moment
#    are averaged. With `hop = "frames"` a segment begins every half second, and the network scores
#    each *frame* of a segment, one column of its spectrogram. A frame gets the mean of its scores
#    in both segments that contain it, and a moving average smooths these frame-level scores. The
#    score table divides each second equally among its frames: with the default settings each gets
#    1/44 s = 22.7 ms, although the hop length of the STFT is 23.2 ms.
# 2. **Events.** A class is detected while its score is at or above its *threshold*, a number tuned
#    on the validation episodes. Consecutive segments or frames in which a class is detected form
#    one *event*.
#
# If `hop` is `"frames"` but the network has no frame-level scores, as with the 2018 model, a hop of
# 0.5 s is used instead.

# %%
if hop == detection.FRAMES and detection.FRAMES not in description:
    hop = 0.5
result = detection.detect(path, network, description, hop=hop)
spacing = result.scores["offset"].iloc[0]
print(f"{result.duration:.1f} s of sound, scores for {len(classes)} classes every {spacing:.3f} s")

# %% [markdown]
# ## The reference annotation
# The events that a person has marked, or that the synthesis has placed, are the *reference* (also
# called ground truth); those of the network are the *estimated* events. The annotation may be in
# any format that `sedlib.annotations` reads. Annotation errors such as a misspelt label are
# corrected, and events whose label is not a class of the network are left out.

# %%
folder = annotations.read_folder(path.parent, [name])
annotated = folder.events[folder.events["filename"] == name]
aliases, durations = params.episodes.aliases, {name: result.duration}
reference, errors = annotations.correct_events(annotated, classes, durations, aliases)
reference = reference[reference["event_label"].isin(classes)]
print(f"{len(reference)} reference events; {len(errors)} annotation errors found")
for error in folder.errors.loc[folder.errors["filename"] == name, "error"]:
    print(f"The annotation is not used: {error}")

# %% [markdown]
# The table lists the threshold of each class and the share of the recording in which the class is
# active (in percent), according to the reference and to the network. Where the two shares differ
# considerably, the network detects too much or too little of a class. Equal shares do not mean that
# the detected events are right, because misses and false alarms may cancel each other out. Without
# an annotation, all reference shares are 0.

# %%
part = description["frames"] if hop == detection.FRAMES else description
table = pd.DataFrame({"threshold": part["thresholds"]}).reindex(classes)
for kind, events in {"reference (%)": reference, "estimated (%)": result.events}.items():
    active = (events["offset"] - events["onset"]).groupby(events["event_label"]).sum()
    table[kind] = 100 * active.reindex(classes, fill_value=0) / result.duration
table

# %% [markdown]
# ## The events as files
# The estimated events are written in four formats: the JSON that the episodes use, a table of
# tab-separated values, a
# [label track](https://manual.audacityteam.org/man/importing_and_exporting_labels.html) for
# Audacity, and a [TextGrid](https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html) for
# Praat. In the last two programs you can see the events below the waveform, play them, and correct
# them. `sedlib detect --format` writes further formats.

# %%
target = data / "detected"
target.mkdir(parents=True, exist_ok=True)
for form in ("json", "tsv", "audacity", "textgrid"):
    written = target / (name + annotations.FORMATS[form].suffix)
    annotations.write(result.events, written, form)
    print(f"{written.name}: {annotations.FORMATS[form].description}")

# %% [markdown]
# ## From waveform to events
# The next figure shows one excerpt of the recording in four panels with the same time axis. From
# top to bottom the panels follow the steps from the sound to the events:
#
# - the waveform envelope;
# - the [spectrogram](https://en.wikipedia.org/wiki/Spectrogram), the level at each time and
#   frequency, in dB below the loudest point of the excerpt (up to 11 kHz, the upper limit of the
#   mel bands of `compact` with the default settings; computed for this figure, with twice the hop
#   length of the STFT and without loudness normalisation);
# - the scores, one row for each class, from white (0) to black (1), with a red outline where the
#   score reaches the threshold of the class;
# - the events, one row for each class. The coloured bars are the reference events and the dark
#   lines below them the estimated ones. Without an annotation, the coloured bars are the estimated
#   events.
#
# If the recording ends before `drawn_from + drawn`, the last `drawn` seconds are shown, or the
# whole recording if it is shorter than `drawn`.

# %%
start = max(0, int(min(drawn_from, np.ceil(result.duration) - drawn)))
stop = min(start + drawn, int(np.ceil(result.duration)))
# Blocks of one second, so that a recording of many hours does not have to fit into memory.
blocks = audio.read_blocks(path, rate, block_length=rate)
sound = np.concatenate(list(islice(blocks, start, stop)))
print(f"{name}, {start} to {stop} s")

# %%
coarse = params.stft.model_copy(update={"hop_length": 2 * params.stft.hop_length})
magnitude = features.spectrogram(sound[np.newaxis], coarse)[0]
scores = result.scores[result.scores["onset"].between(start, stop, inclusive="left")]
bars, lines, title = result.events, None, "events: estimated"
if len(reference):
    bars, lines = reference, result.events
    title = "events: reference (coloured bars) and estimated (dark lines)"

# %%
fig, axes = plt.subplots(4, figsize=(plots.WIDTH, 10), height_ratios=[2, 4, 5, 5], sharex=True)
plots.draw_waveform(axes[0], sound, rate, start)
image = plots.draw_spectrogram(axes[1], magnitude, coarse, fmax=11025, start=start)
shades = plots.draw_scores(axes[2], scores, classes, detected=result.events)
plots.draw_events(axes[3], bars, classes, estimated=lines)
fig.colorbar(image, ax=axes[1], label="level relative to the peak (dB)", pad=0.01)
fig.colorbar(shades, ax=axes[2], label="score", pad=0.01)
titles = "waveform", "spectrogram", "scores (outlined: threshold reached)", title
for ax, text in zip(axes, titles, strict=True):
    ax.set(title=text, xlim=(start, stop))
    ax.label_outer()
plots.save_figure(fig, figures / "detected.png")
plt.show()

# %% [markdown]
# If there is an annotation, a coloured bar with a dark line below it is an event that the network
# has detected. A bar without a line is a miss, and a line without a bar is a false alarm. Where a
# bar and its line begin or end at different times, the onset or offset is inaccurate. Where one bar
# has several lines below it, the score has fallen below the threshold in between.
#
# Compare such places with the panel of scores. If the row of a missed class is grey there without
# an outline, the network has given it a score that stays below the threshold, and a lower threshold
# would detect it. If the row is white, the score is near 0: the network does not recognise the
# sound. A miss with a false alarm of another class at the same time suggests that it confuses the
# two classes.

# %% [markdown]
# ## Listening
# The first player plays the whole excerpt. Each of the others plays the longest estimated event of
# one class that begins in the excerpt: up to eight seconds of it, with one second before and one
# second after. All sounds are scaled to the same peak level. Listen to each of them and decide
# whether you agree with the class.

# %%
events = result.events[result.events["onset"].between(start, stop, inclusive="left")]
longest = (events["offset"] - events["onset"]).groupby(events["event_label"]).idxmax()
sounds = {f"{name}, {start} to {stop} s": sound}
for event in events.loc[longest].itertuples():
    first = max(0, round((event.onset - 1 - start) * rate))
    last = round((min(event.offset, event.onset + 8) + 1 - start) * rate)
    sounds[f"{event.event_label}, {event.onset:.1f} s"] = sound[first:last]
plots.players(sounds, rate)

# %% [markdown]
# ## Comparison with the reference
# To count errors, the recording is cut into segments of one second; a last second that is
# incomplete is not counted. The parameter `labels.rule`, which notebook 2 explains, decides which
# segments the reference events and the estimated events label. For each class,
# [precision](https://en.wikipedia.org/wiki/Precision_and_recall) is the share of the segments
# labelled by the network that are also labelled in the reference; recall is the share of the
# segments labelled in the reference that are also labelled by the network; F1 is the harmonic mean
# of both; and support is the number of segments with the label in the reference.
#
# Classes that do not occur in the reference are left out, because an annotation of your own may not
# cover all classes.

# %%
judged = [label for label in classes if label in set(reference["event_label"])]
rule = params.labels.rule
estimated = result.events[result.events["event_label"].isin(judged)]
reference_labels = label_segments(reference, result.duration, judged, rule)
estimated_labels = label_segments(estimated, result.duration, judged, rule)
by_class = metrics.segment_metrics(reference_labels, estimated_labels, judged)
by_class[["precision", "recall", "f1", "support"]]

# %% [markdown]
# Keep the support in mind when you read the table: with a support of 20, one detected segment more
# or fewer changes the recall by 1/20. The next cell summarises the classes in two ways. The *micro*
# average counts the segments of all classes together, so that frequent classes dominate it; the
# *macro* average is the mean over the classes, so that each class has the same weight. If the micro
# average of F1 is above the macro average, the frequent classes tend to have a higher F1 than the
# rare ones. The last row is the micro average of the excerpt in the figure.

# %%
whole = metrics.averages(reference_labels, estimated_labels)
excerpt = metrics.averages(reference_labels[start:stop], estimated_labels[start:stop])
parts = {"macro": whole["macro"], "micro": whole["micro"], "micro, figure": excerpt["micro"]}
pd.DataFrame(parts).T[["precision", "recall", "f1"]]

# %% [markdown]
# ## Choice of the hop
# The hop limits how exact the times of the events can be. With a hop of 1 s, all onsets are whole
# seconds: when sounds begin anywhere within a second, even a perfect detector is wrong by a quarter
# of a second on average. A shorter hop allows more exact times, but it needs more computation: a
# hop of 0.1 s needs ten times as many segments as one of 1 s. Frame-level scores need as many
# segments as a hop of 0.5 s.
#
# Whether the times do become more exact depends on the network and on the recording. The next table
# answers this for the present recording. It leaves out the hop of 0.1 s, which needs twice as many
# segments as one of 0.2 s. There are four values for each hop:
#
# - *segment F1*: the macro average of the section above, for which exact times matter little;
# - *event F1*: the macro average of event-based F1
#   ([Mesaros et al., 2016](https://doi.org/10.3390/app6060162)). An estimated event is correct only
#   if it can be paired with a reference event of its class: the onsets may differ by 200 ms, and
#   the offsets by 200 ms or 20 % of the length of the reference event, whichever is more;
# - *onsets within 1 s*: the share of the reference events for which an estimated event of the same
#   class begins at most 1 s earlier or later;
# - *onset error*: the median absolute difference between the reference onset and the nearest
#   estimated onset of the same class, over these events, in seconds.

# %%
hops = [1.0, 0.5, 0.2, *({detection.FRAMES} & set(description))]
by_hop = {}
for choice in hops if judged else ():
    known = result if choice == hop else detection.detect(path, network, description, hop=choice)
    by_hop[choice] = known.events[known.events["event_label"].isin(judged)]

# %%
rows, nearest = [], {"on": "onset", "by": "event_label", "direction": "nearest"}
nearest["tolerance"] = 1 + 1e-6  # so that rounding errors exclude no difference of exactly 1 s
for estimated in by_hop.values():
    estimated_labels = label_segments(estimated, result.duration, judged, rule)
    segment_f1 = metrics.averages(reference_labels, estimated_labels)["macro"]["f1"]
    event_f1 = metrics.event_based(reference, estimated, judged).macro["f1"]
    onsets = estimated[["onset", "event_label"]].assign(estimated=estimated["onset"])
    pairs = pd.merge_asof(reference, onsets, **nearest)
    error = (pairs["estimated"] - pairs["onset"]).abs()
    rows.append([segment_f1, event_f1, error.notna().mean(), error.median()])
columns = ["segment F1", "event F1", "onsets within 1 s", "onset error (s)"]
comparison = pd.DataFrame(rows, index=[str(choice) for choice in by_hop], columns=columns)
comparison.rename_axis("hop (s)")

# %% [markdown]
# The columns should be read together. A network that breaks a sound into many short events has many
# onsets, some of which are near a reference onset by chance: then the onset error can be small
# while event F1 is low. One recording is also a small sample, so small differences between two rows
# can be due to chance; notebook 4 computes confidence intervals from all test episodes.

# %% [markdown]
# ## Findings
# If the recording has an annotation, the next cell prints the most important numbers of this run:
# the F1 of its segments with the chosen hop, and the first and the last row of the table above.

# %%
if judged:
    macro, micro = whole["macro"]["f1"], whole["micro"]["f1"]
    print(f"segment F1, chosen hop: macro {macro:.2f}, micro {micro:.2f}")
    names = {choice: f"a hop of {choice} s" for choice in hops}
    names[detection.FRAMES] = "frame-level scores"
    for column, values in comparison.items():
        first, last = values.iloc[[0, -1]]
        print(f"{column}: {first:.2f} with {names[hops[0]]}, {last:.2f} with {names[hops[-1]]}")

# %% [markdown]
# - Every recording passes through the same steps: scores, thresholds, events. The events are in
#   `data/detected`, ready to be opened in Audacity or Praat.
# - Where a class has a low precision in the table, check its events by ear before you use them;
#   where it has a low recall, the network misses much of it.
# - If the times of the events matter to you, choose the hop by its event-based F1; if only the
#   presence of a sound in each second matters, by its segment-based F1.
#
# **Limitations.** The weights of the network come from the training episodes, and the thresholds
# from the validation episodes; by default, these are synthetic. On recordings of another kind, the
# events may be much less reliable; if you can, train the network on annotated recordings of that
# kind. Notebook 7 measures how well networks trained on synthetic episodes work on episodes mixed
# from recorded sounds.
