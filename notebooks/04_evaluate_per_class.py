# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 4. Evaluation of each class
#
# **Question.** Which sounds of the test episodes does the network detect, which does it miss, what
# does it confuse them with, and how much better is it than a simple baseline?
#
# **Inputs.** `data/model` (the trained network), `data/features`, `data/episodes`.
#
# **Outputs.** `data/scores/*.tsv` and `data/events/*.json` (scores of segments and the events
# detected from them, for the validation and test episodes), `data/scores/frames` and
# `data/events/frames` (the same for the frames of the test episodes), `reports/metrics.json`,
# `reports/summary.json`, `reports/plots`, and the figures in `reports/notebooks/figures/04`.
#
# Neither the weights nor the thresholds of the network were fitted to the test episodes. However,
# earlier versions of the network and its training were compared on default test episodes, so
# results on these may be optimistic. The annotations of the test episodes are called the
# *reference* (ground truth); the events that the network detects are called the *estimated* events.

# %%
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import soundfile
from sklearn import linear_model, multiclass, pipeline, preprocessing

from sedlib import annotations, detection, features, metrics, models
from sedlib.config import load_params, workspace
from sedlib.corpus import open_corpus
from sedlib.files import nan_to_null, write_json
from sedlib.labels import microseconds
from sedlib.reports import plots

# %% tags=["parameters"]
params = load_params()
episode = None  # the validation or test episode that is drawn; default: the first test episode
drawn_from = 60  # s, start of the excerpt that is drawn
n_worst = 5  # number of false alarms, and of misses, to look at and to listen to

# %%
plots.use_style()
pd.options.display.float_format = "{:.2f}".format
data, reports = workspace() / "data", workspace() / "reports"
figures = reports / "notebooks" / "figures" / "04"
classes = list(params.classes)
colours = plots.class_colours(classes)

# %%
network, description = models.load_model(data / "model", params.stft)
assert description["classes"] == classes, "the model is for other classes; train again"
thresholds = np.array([description["thresholds"][label] for label in classes])
corpus = open_corpus(params, data)
labels = {subset: np.concatenate(corpus.labels(subset, params)) for subset, _ in corpus.split}
reference, test = labels["test"], corpus.split.test

# %% [markdown]
# ## Scores and events
# The network gives each class a score between 0 and 1 for each segment of one second. A class is
# detected in a segment when its score reaches the threshold of the class. Consecutive segments in
# which a class is detected form an event.

# %%
arrays = corpus.magnitudes("validation", params.stft) + corpus.magnitudes("test", params.stft)
magnitudes = dict(zip(corpus.split.validation + test, arrays, strict=True))
score_tables, event_tables = {}, {}
for name, magnitude in magnitudes.items():
    score_tables[name] = detection.score_table(models.predict_scores(network, magnitude), classes)
    event_tables[name] = detection.scores_to_events(score_tables[name], thresholds, name)

# %%
for folder in ("scores", "events"):
    (data / folder).mkdir(parents=True, exist_ok=True)
for name in magnitudes:
    detection.write_scores(score_tables[name], data / "scores" / f"{name}.tsv")
    annotations.write(event_tables[name], data / "events" / f"{name}.json")
scores = np.concatenate([score_tables[name][classes] for name in test])
estimated = scores >= thresholds
print(f"{len(scores)} segments in {len(test)} test episodes: {', '.join(test)}")

# %% [markdown]
# ## Baseline: logistic regression
# A baseline shows how far a simple method gets. This one is a logistic regression for each class on
# the logarithm of the time-averaged spectrum, in bands of five bins. This input describes the level
# and the average spectrum of a segment, but not how the sound changes within it. The baseline is
# trained on the same segments as the network, but without data augmentation.

# %%
spectra = {}
for subset in labels:
    means = [magnitude.mean(axis=1) for magnitude in corpus.magnitudes(subset, params.stft)]
    means = np.concatenate(means)
    bands = np.add.reduceat(means, np.arange(0, means.shape[1], 5), axis=1)
    spectra[subset] = np.log(bands + 1e-4)
# Newton's method converges to the same optimum on every processor; the default solver stops
# earlier.
logistic = linear_model.LogisticRegression(C=0.05, solver="newton-cholesky", tol=1e-6)
each_class = multiclass.OneVsRestClassifier(logistic)
baseline = pipeline.make_pipeline(preprocessing.StandardScaler(), each_class)
baseline = baseline.fit(spectra["train"], labels["train"])

# %%
# With a single class, the first of two columns is the probability that it is absent.
validation_scores = baseline.predict_proba(spectra["validation"])[:, -len(classes) :]
baseline_scores = baseline.predict_proba(spectra["test"])[:, -len(classes) :]
baseline_thresholds = detection.choose_thresholds(labels["validation"], validation_scores)
baseline_estimated = baseline_scores >= baseline_thresholds

# %% [markdown]
# The thresholds of the baseline are tuned on the validation episodes in the same way as those of
# the network, which notebook 3 explains.

# %% [markdown]
# ## Metrics of each class
# The table compares the estimated labels of the network with the reference, segment by segment.
#
# - *Precision* is the share of the detected segments that are correct, *recall* the share of the
#   reference segments that are detected. *F1* is their harmonic mean.
# - *IoU*, intersection over union, is the number of correctly detected segments divided by the
#   number of segments that have the label in the reference, in the estimate, or in both.
# - *Accuracy* is the share of all segments in which the decision about the class is right. It says
#   little about a rare class, because a network that never detects such a class is right in nearly
#   all segments.
# - [*Average
#   precision*](https://scikit-learn.org/stable/modules/generated/sklearn.metrics.average_precision_score.html)
#   summarises precision and recall over all thresholds.
# - *Support* is the number of reference segments.
#
# *Macro* is the mean over the classes; *micro* adds up the counts of all classes first, so that
# frequent classes dominate it. A value that would be 0/0, such as the precision of a class that is
# never detected, is undefined (NaN) and left out of the macro average. The average
# precision of the micro row and the support of both averages are not computed.

# %%
by_class = metrics.segment_metrics(reference, estimated, classes, scores)
averages = metrics.averages(reference, estimated, scores)
rows = pd.concat([by_class, pd.DataFrame(averages).T])
rows.astype({"support": "Int64"})

# %% [markdown]
# ## Confidence intervals and comparison with the baseline
# A few test episodes are a small sample. The [block
# bootstrap](https://en.wikipedia.org/wiki/Bootstrapping_(statistics)#Block_bootstrap) estimates how
# much the metrics would vary if these episodes contained other material of the same kind. It draws
# blocks of consecutive segments with replacement, joins them into resampled versions of the test
# episodes (*resamples*), and evaluates each version. Blocks are used because errors in neighbouring
# segments depend on each other. The next cell prints the number of resamples and the length of a
# block.
#
# A 95 % *confidence interval* contains the middle 95 % of the resampled values. It covers neither
# the variation between episodes nor that between training runs.
#
# The table below compares the F1 of the baseline and of the network. `low` and `high` are the
# bounds of the confidence interval of their difference.

# %%
durations = {name: len(magnitudes[name]) for name in test}  # s
weights = metrics.block_bootstrap(list(durations.values()), params.seed)
block = metrics.block_length(durations.values())
print(f"{metrics.RESAMPLES} resamples, blocks of {block} segments")
samples = metrics.resampled_metrics(reference, estimated, weights, classes, scores)
baseline_samples = metrics.resampled_metrics(
    reference, baseline_estimated, weights, classes, baseline_scores
)

# %%
gain = metrics.paired_differences(baseline_samples, samples).xs("f1", level="metric")
gain = gain.rename(columns={"first": "baseline", "second": "network"})
gain[["baseline", "network", "difference", "low", "high"]]

# %% [markdown]
# Where the whole interval lies above zero, it is unlikely that the network beats the baseline for
# this class only because of the choice of test segments. The figure shows the same F1 values:
# filled dots for the network, with the 95 % confidence intervals of the network alone, and white
# dots for the baseline.

# %%
intervals = metrics.confidence_intervals(samples)
baseline_by_class = metrics.segment_metrics(reference, baseline_estimated, classes, baseline_scores)
f1_intervals = intervals.xs("f1", level="metric").loc[classes]
fig, ax = plt.subplots(figsize=(plots.WIDTH, 4.5))
plots.draw_dots(ax, baseline_by_class["f1"], colours, shift=-0.15, filled=False)
plots.draw_dots(ax, by_class["f1"], colours, f1_intervals, shift=0.15)
for name, face in {"baseline": "white", "network, with 95 % confidence interval": "0.3"}.items():
    ax.scatter([], [], s=45, facecolor=face, edgecolor="0.3", label=name)
plots.label_rows(ax, classes)
ax.set(xlabel="F1 on the test episodes", xlim=(-0.02, 1.02))
ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
plots.save_figure(fig, figures / "f1_by_class.png")
plt.show()

# %% [markdown]
# The intervals of classes with little support tend to be wide, because their F1 is based on few
# segments.

# %% [markdown]
# ## Events from segments and from frames
# Events that consist of whole segments begin and end on whole seconds. The default network also
# scores each *frame*, a time step of the spectrogram; a segment has 44 of them with the default
# settings. Notebook 3 explains how these frame-level scores are computed from overlapping segments
# and smoothed. They have thresholds of their own, also chosen on the validation episodes, and give
# events that begin and end at frames. A network without frame-level scores has only the events from
# segments.

# %%
grids, frame_tables = {"segments": ({name: score_tables[name] for name in test}, thresholds)}, {}
if "frames" in description:
    n_frames = magnitudes[test[0]].shape[1]
    for name in test:
        path = corpus.episodes / f"{name}.flac"
        result = detection.detect(path, network, description, hop=detection.FRAMES)
        frame_tables[name] = result.scores.iloc[: n_frames * len(score_tables[name])]
    frame_thresholds = [description["frames"]["thresholds"][label] for label in classes]
    grids["frames"] = frame_tables, np.array(frame_thresholds)

# %% [markdown]
# The next cell turns the scores of segments and those of frames into events. An incomplete second
# at the end of an episode has no scores; reference events are therefore cut at the last whole
# second. The cell also computes how many reference onsets lie close to a whole second. Scores and
# events of frames are stored in subfolders named `frames`, for the report site.

# %%
reference_events, _ = annotations.correct_events(corpus.events("test"), classes, durations)
events = {}
for grid, (tables, limits) in grids.items():
    parts = [detection.scores_to_events(table, limits, name) for name, table in tables.items()]
    events[grid] = pd.concat(parts, ignore_index=True)
for name, table in frame_tables.items():
    for folder in ("scores", "events"):
        (data / folder / "frames").mkdir(exist_ok=True)
    own = events["frames"][events["frames"]["filename"] == name]
    detection.write_scores(table, data / "scores" / "frames" / f"{name}.tsv")
    annotations.write(own, data / "events" / "frames" / f"{name}.json")
onsets = microseconds(reference_events["onset"])
near = np.abs(onsets - np.round(onsets, -6)) <= 200_000
print(f"share of onsets within 200 ms of a whole second: {near.mean():.2f}")

# %% [markdown]
# The event-based metric of the next section tolerates an error of 200 ms in the onset. An event
# from segments can meet this tolerance only where the reference onset is that close to a whole
# second. The share printed above is therefore an upper bound on the micro-averaged event-based
# recall of such events.

# %% [markdown]
# ## Standard metrics of sound event detection
# The following metrics are common in the literature on sound event detection (SED); most of them
# are used in the [DCASE
# challenges](https://dcase.community/challenge2023/task-sound-event-detection-with-weak-labels-and-synthetic-soundscapes):
#
# - [*Segment-based*](https://doi.org/10.3390/app6060162) F1 and error rate count segments of one
#   second. A segment has a label when an event overlaps it, however little, whatever the parameter
#   `labels.rule` is. The *error rate* is the number of substitutions, deletions and insertions
#   divided by the number of labels in the reference; it may exceed 1.
# - *Event-based* F1 counts events. An estimated event is correct when it can be paired with a
#   reference event of its class: their onsets differ by at most 200 ms, and their offsets by at
#   most 200 ms or 20 % of the length of the reference event, whichever is more.
# - [*Intersection-based*](https://arxiv.org/abs/1910.08440) F1 compares events by the share of
#   their duration that overlaps, not by their onsets. An estimated event is a false positive unless
#   reference events of its class cover at least half of it. A reference event is detected when
#   estimated events that are not false positives cover at least half of it.
# - The *polyphonic sound detection score* (PSDS), defined by [Bilen et al.
#   (2020)](https://arxiv.org/abs/1910.08440), lies between 0 and 1 and summarises the performance
#   over all thresholds. It is computed exactly, without a grid of thresholds, by the method of
#   [Ebbers et al. (2022)](https://arxiv.org/abs/2201.13148), for the two *scenarios* (sets of
#   parameters) of the DCASE challenge: scenario 1 rewards exact times; scenario 2 tolerates inexact
#   times but penalises confusion between classes.
# - *ROC AUC*, the area under the receiver operating characteristic curve, is the probability that a
#   randomly chosen segment with the label has a higher score than one without it; 0.5 is chance.
#   The section "Calibration of the scores" explains the *class-wise expected calibration error*.
#   Both are computed from the scores of segments only.

# %%
literature = {}
for grid, (tables, _) in grids.items():
    literature[grid] = metrics.literature_metrics(tables, reference_events, events[grid], durations)
literature["segments"]["ROC AUC, macro"] = float(np.nanmean(metrics.roc_auc(reference, scores)))
pairs = zip(reference.T, scores.T, strict=True)
calibration = np.mean([metrics.expected_calibration_error(*pair) for pair in pairs])
literature["segments"]["class-wise expected calibration error (15 bins)"] = calibration
pd.DataFrame(literature)

# %% [markdown]
# For the error rate and the calibration error, lower values are better; for all other metrics,
# higher values are. The segment-based F1 here and the F1 of the first table are based on different
# labels unless `labels.rule` is `any`.
#
# The next table gives the bounds of the 95 % confidence intervals of segment-based and event-based
# F1, computed from the same resamples as above.

# %%
f1_bounds = {}
for grid, estimated_events in events.items():
    f1_bounds[grid] = metrics.literature_intervals(
        reference_events, estimated_events, durations, classes, weights
    )
pd.concat({g: pd.DataFrame(b, ["low", "high"]).T for g, b in f1_bounds.items()}, axis=1)

# %% [markdown]
# ## Calibration of the scores
# Scores are *calibrated* when they can be read as probabilities: of the segments with a score of
# 0.7, 70 % have the label. The left panel is a
# [reliability diagram](https://scikit-learn.org/stable/modules/calibration.html): it sorts the
# scores of all classes into 15 bins and compares the mean score of each bin with the share of its
# segments that have the label. The right panel shows how many scores fall into each bin.

# %%
curve = metrics.reliability_curve(reference.ravel(), scores.ravel())
fig, (left, right) = plt.subplots(1, 2, figsize=(plots.WIDTH, 4))
left.plot([0, 1], [0, 1], color="0.6", ls=":", label="calibrated")
shares, style = curve["fraction_of_positives"], {"color": "0.2", "clip_on": False}
left.plot(curve["mean_score"], shares, "o-", label="network", **style)
left.set(xlabel="mean score", ylabel="share of segments with the label", xlim=(0, 1), ylim=(0, 1))
left.legend()
right.bar(curve["lower"], curve["count"], 1 / len(curve), align="edge", color="0.6", ec="white")
right.set(xlabel="score", ylabel="number of scores", yscale="log", xlim=(0, 1))
right.set_ylim(bottom=1)
plots.label_log_axis(right.yaxis)
plots.save_figure(fig, figures / "reliability.png")
plt.show()

# %% [markdown]
# Points below the dotted line belong to scores that are too high, points above it to scores that
# are too low. The [*expected calibration error*](https://arxiv.org/abs/1706.04599) of a class is
# the mean vertical distance of such points, from the scores of this class alone, to the dotted
# line, weighted by the number of scores in the bin. The table above gives its mean over the
# classes. The rare classes are more frequent in training than in the test episodes: the default
# training episodes contain more of them per minute (notebook 1), and mixup raises their share
# further (notebook 3). This tends to make their scores too high. The diagram cannot show it,
# because it pools all classes, and the frequent ones contribute most of the high scores.

# %% [markdown]
# ## Precision-recall curves
# A lower threshold never lowers recall, and it usually lowers precision. Each panel shows this
# trade-off for one class: the coloured line is the network, the thin black line the baseline. The
# dot marks the tuned threshold, and AP is the average precision of the network. The dotted line is
# chance: if the scores were random, precision would be close to the *prevalence* of the class, the
# share of the segments that have its label, at every recall.

# %%
curves = {
    "baseline": metrics.precision_recall_curves(reference, baseline_scores, classes),
    "network": metrics.precision_recall_curves(reference, scores, classes),
}

# %%
fig, axes = plots.class_axes(len(classes), 2.6, sharex=True, sharey=True)
for ax, label, prevalence in zip(axes, classes, reference.mean(axis=0), strict=True):
    for name, colour, width in (("baseline", "black", 0.8), ("network", colours[label], 2)):
        curve = curves[name][curves[name]["event_label"] == label]
        style = {"color": colour, "lw": width, "where": "pre", "label": name}
        ax.step(curve["recall"], curve["precision"], **style)
    ax.axhline(prevalence, color="0.4", ls=":", lw=1.5, label="chance")
    point = {"color": "black", "ms": 6, "label": "tuned threshold"}
    ax.plot(*by_class.loc[label, ["recall", "precision"]], "o", **point)
    ax.set_title(f"{label}\nAP {by_class.loc[label, 'average_precision']:.2f}")
    ax.set(xlim=(0, 1.02), ylim=(0, 1.02), xticks=(0, 0.5, 1))
fig.supxlabel("recall")
fig.supylabel("precision")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=4)
plots.save_figure(fig, figures / "precision_recall.png")
plt.show()

# %% [markdown]
# The position of the dot shows whether the threshold favours precision or recall. The curve keeps
# the highest precision at each recall, so the dot can lie a little below it. A class that is never
# detected has no precision and no dot.

# %% [markdown]
# ## Effect of the thresholds
# Notebook 3 explains how the thresholds are tuned on the validation episodes.
#
# The table shows the number of *positives* of each class, the validation segments in which it is
# present, its threshold, and three values of F1 on the test episodes: with a threshold of 0.5, with
# the tuned threshold, and with the threshold that is best for the test episodes (an *oracle*
# threshold). The last value is an upper bound and not a fair result, because that threshold was
# chosen on the test episodes themselves. The search uses a fine
# grid of thresholds, so this F1 is close to the highest that these scores allow. The column
# `tuned - 0.5` is the difference between the first two values of F1. The first printed line gives
# the difference between the two values of macro F1, with its 95 % confidence interval.

# %%
choice = pd.DataFrame({"positives": labels["validation"].sum(axis=0)}, classes)
choice["threshold"] = thresholds
best = detection.choose_thresholds(reference, scores, smoothing=0, margin=0)
for name, t in {"0.5": 0.5, "tuned": thresholds, "best": best}.items():
    choice[f"F1, {name}"] = metrics.segment_metrics(reference, scores >= t, classes)["f1"]
effect = choice["tuned - 0.5"] = choice["F1, tuned"] - choice["F1, 0.5"]
plain = metrics.resampled_metrics(reference, scores >= 0.5, weights, classes, scores)
change = metrics.paired_differences(plain, samples).loc[("macro", "f1")]
text = "macro F1 with the tuned thresholds minus macro F1 with 0.5:"
print(f"{text} {change['difference']:+.3f} [{change['low']:+.3f}, {change['high']:+.3f}]")
print(f"differences of single classes: from {effect.min():+.2f} to {effect.max():+.2f}")
print(f"macro F1 with the best thresholds: {choice['F1, best'].mean():.2f}")
choice

# %% [markdown]
# Where the column `tuned - 0.5` is negative, tuning lowered F1: a threshold of 0.5 would have given
# this class a higher F1 on the test episodes. If the interval of the first printed difference
# contains zero, these episodes do not show that tuning helps on average. Notebook 6 measures the
# same effect for networks trained in several ways, each with several seeds. The difference between
# `F1, best` and `F1, tuned` is what better thresholds could gain. The gap between `F1, best` and 1
# is due to the scores; no choice of threshold can close it.

# %% [markdown]
# ## Confusion between classes
# A segment may have several labels, so the usual confusion matrix is not defined. The one below is
# based on two kinds of errors: a class is *missed* when it is in the reference but not detected,
# and it is a *false alarm* when it is detected but not in the reference. All values in the row of a
# class are shares of its reference segments. The diagonal is the recall. Each of the other columns
# gives the share of these segments in which the class of the row was missed and that of the column
# was a false alarm; the last column gives the share in which the class was missed and nothing was
# falsely detected. The last row is for the segments in which no class was missed; it shows which
# share of them has a false alarm of each class, and which share has none. A row can add up to more
# than 1, because a segment can have several false alarms. The number in brackets at the bottom is
# the number of false alarms of the class in all segments.

# %%
confusion = metrics.confusion(reference, estimated, classes)
alarms = (estimated & ~reference).sum(axis=0)
fig, ax = plt.subplots(figsize=(plots.WIDTH, 6))
plots.draw_matrix(ax, confusion, "share of the segments of the row", vmax=1)
names = [f"{label} ({n})" for label, n in zip(classes, alarms, strict=True)]
ax.set_xticklabels([*names, confusion.columns[-1]])
ax.set(ylabel="reference", xlabel="estimated class (number of its false alarms)")
plots.save_figure(fig, figures / "confusion.png")
plt.show()

# %% [markdown]
# A high value off the diagonal, apart from the last row and column, points to two classes that the
# network confuses, or to a false alarm that merely coincides with the miss. Even a small value in
# the row "no miss" can mean many false alarms compared with the support of a rare class, because
# this row usually covers most of the segments.

# %% [markdown]
# ## Reference and estimated events over time
# The figure shows up to 90 seconds of one episode: the spectrogram up to 8 kHz and, below it, the
# reference events as coloured bars and the estimated events, made from segments, as dark lines.

# %%
episode = episode or test[0]
rate, length = params.stft.sample_rate, len(magnitudes[episode])
start = max(0, min(drawn_from, length - 90))
stop = min(start + 90, length)
file = data / "episodes" / f"{episode}.flac"
sound, _ = soundfile.read(file, start=start * rate, stop=stop * rate, dtype="float32")
magnitude = features.spectrogram(sound[np.newaxis], params.stft)[0]

# %%
size = (plots.WIDTH, 6.5)
fig, (upper, lower) = plt.subplots(2, 1, figsize=size, height_ratios=[1, 1.6], sharex=True)
view = {"fmax": min(8000, rate / 2), "floor": -90, "start": start}
image = plots.draw_spectrogram(upper, magnitude, params.stft, **view)
fig.colorbar(image, ax=upper, label="level relative to the peak (dB)", pad=0.01)
upper.set(title=episode, xlabel="")
own_events = annotations.read(data / "episodes" / f"{episode}.json")
plots.draw_events(lower, own_events, classes, estimated=event_tables[episode])
lower.set(xlim=(start, stop), title="reference events (colour) and estimated events (dark)")
plots.save_figure(fig, figures / "timeline.png")
plt.show()

# %% [markdown]
# A coloured bar without a dark line is a missed event, a dark line without a bar a false alarm. The
# dark lines begin and end on whole seconds, so even the estimate of a very short event lasts at
# least one second.

# %% [markdown]
# ## Errors at onsets and offsets
# An *edge segment* of a class is a segment in which an event of the class begins or ends. Whether
# such a segment has the label often depends, under the default rule, on whether the event covers
# half of it, so a small difference in time can change the label. The first two columns of the table
# give the share of the segments that are edge segments, and the share of the errors that fall in
# them. The last two columns give the share of wrong decisions in the edge segments and in all
# other segments. The
# last row is about all classes and counts pairs of a segment and a class.

# %%
edges = metrics.edge_segments(reference_events, durations, classes)
edge_errors = metrics.edge_errors(reference, estimated, edges, classes)
(100 * edge_errors).add_suffix(" (%)")

# %% [markdown]
# Where the second column is larger than the first, the errors of the class concentrate at the
# onsets and offsets of its events.

# %% [markdown]
# ## The most confident errors
# The *margin* of an error is the distance of the score from the threshold: the larger it is, the
# more confident the wrong decision. (Margins of classes with different thresholds can be compared
# only roughly.) The figure shows the spectrograms of the false alarms and misses with the largest
# margins, at most one false alarm and one miss per class.

# %%
places = [(name, second) for name in test for second in range(durations[name])]
kinds = {"false alarm": estimated & ~reference, "miss": reference & ~estimated}
columns = ["segment", "label"]
by_kind = {kind: pd.DataFrame(np.argwhere(wrong), columns=columns) for kind, wrong in kinds.items()}
errors = pd.concat(by_kind, names=["kind"]).reset_index("kind")
errors["margin"] = np.abs(scores - thresholds)[errors["segment"], errors["label"]]
ranked = errors.sort_values("margin", ascending=False, kind="stable")
worst = ranked.drop_duplicates(["kind", "label"]).groupby("kind").head(n_worst)
worst = worst.sort_values("kind", kind="stable")

# %%
panels = []
for row in worst.itertuples():
    name, second = places[row.segment]
    title = f"{row.kind}: {classes[row.label]}\n{name}, {second} s\nreference: "
    title += ",\n".join(np.array(classes)[reference[row.segment]]) or "nothing"
    panels.append((title, magnitudes[name][second]))
fig = plots.spectrogram_panels(panels, params.stft, height=3.2, columns=n_worst)
plots.save_figure(fig, figures / "worst.png")
plt.show()

# %% [markdown]
# Each title names the kind of error and the class, the episode and the start of the segment, and
# the classes in the reference. The players play the same segments, with one second before and one
# second after each.

# %%
sounds = {}
for row in worst.itertuples():
    name, second = places[row.segment]
    caption = f"{row.kind}: {classes[row.label]} ({name}, {second} s)"
    file, start, stop = data / "episodes" / f"{name}.flac", max(0, second - 1), second + 2
    sounds[caption], _ = soundfile.read(file, start=start * rate, stop=stop * rate, dtype="float32")
plots.players(sounds, rate)

# %% [markdown]
# ## Stored results
# `reports/metrics.json` contains the metrics and confidence intervals of this notebook, from which
# the model card, the tables and the report site are made. `reports/summary.json` contains the few
# numbers that `dvc metrics diff` compares between experiments. The two CSV files are for
# `dvc plots`.

# %%
baseline_averages = metrics.averages(reference, baseline_estimated, baseline_scores)
bounds = intervals.dropna()[["low", "high"]].apply(list, axis=1).groupby(level=0, sort=False)
test_intervals = {label: rows.droplevel(0).to_dict() for label, rows in bounds}
kept = {
    "test": {**averages, "classes": by_class.to_dict("index"), "intervals": test_intervals},
    "baseline": {**baseline_averages, "classes": baseline_by_class.to_dict("index")},
    "literature": literature,
    "literature_intervals": f1_bounds,
    "bootstrap": {"resamples": metrics.RESAMPLES, "block": block},
}
write_json(nan_to_null(kept), reports / "metrics.json")

# %%
kinds = ["f1", "precision", "recall", "average_precision"]
standard = ["event-based F1 (200 ms, 20 %), macro", "PSDS scenario 1", "PSDS scenario 2"]
summary = {
    "macro": {kind: averages["macro"][kind] for kind in kinds},
    "baseline": {"f1": baseline_averages["macro"]["f1"]},
    "f1": by_class["f1"].to_dict(),
}
if "frames" in literature:
    summary["frames"] = {name: literature["frames"][name] for name in standard}
write_json(nan_to_null(summary), reports / "summary.json")
folder = reports / "plots"
folder.mkdir(parents=True, exist_ok=True)
f1 = {"network": by_class["f1"], "baseline": baseline_by_class["f1"]}
pd.concat(f1, names=["model"]).reset_index().to_csv(folder / "f1_by_class.csv", index=False)
table = pd.concat(curves, names=["model"]).reset_index("model")
table.to_csv(folder / "precision_recall.csv", index=False, float_format="%.4f")

# %% [markdown]
# ## Findings
# The main results of this run, computed from the tables above, with the 95 % confidence interval of
# the difference in brackets:

# %%
macro, better = gain.loc["macro"], (gain.loc[classes, "low"] > 0).sum()
print("Macro F1 is {network:.2f} for the network, {baseline:.2f} for the baseline.".format(**macro))
print("The difference is {difference:.2f} [{low:.2f}, {high:.2f}].".format(**macro))
print(f"The interval lies above zero for {better} of {len(classes)} classes.")
rare = reference.mean(axis=0) < 0.05
for kind, chosen in {"rare classes": rare, "other classes": ~rare}.items():
    print(f"Mean F1 of the {chosen.sum()} {kind}: {by_class['f1'][chosen].mean():.2f}")
print("Compared with 0.5, the tuned thresholds change macro F1 by", end=" ")
print("{difference:+.3f} [{low:+.3f}, {high:+.3f}].".format(**change))
for grid, values in literature.items():
    f1 = values["event-based F1 (200 ms, 20 %), macro"]
    print(f"Events from {grid} have an event-based macro F1 of {f1:.2f}.")
overall = edge_errors.loc["all classes"]
print(f"In {overall['share of segments']:.0%} of all pairs of a segment and a class, an", end=" ")
print("event of the class begins or ends. These pairs account for", end=" ")
print(f"{overall['share of errors']:.0%} of the errors.")
confused = confusion.loc[classes, classes].mask(np.eye(len(classes), dtype=bool), 0.0)
missed, share = confused.max(axis=1).idxmax(), confused.max(axis=None)
alarm = confused.loc[missed].idxmax()
text = f"'{missed}' is missed in {share:.0%} of its segments while '{alarm}' is a false alarm."
print("Largest value between two classes in the confusion matrix:", text if share > 0 else "none.")

# %% [markdown]
# - **Comparison with the baseline.** Where the interval of the difference lies above zero, the
#   network is better than the baseline on these episodes. One reason may be that only the network
#   receives the temporal structure of a sound within the segment.
# - **Classes.** The first table and the first figure show how well each class is detected. Where
#   the confidence intervals of two classes overlap, the test episodes may be too few to rank them.
#   The lines above compare the rare classes, here those with a label in less than 5 % of the test
#   segments, with the others.
# - **Times.** Where a reference onset is more than 200 ms from a whole second, events from segments
#   cannot meet the tolerance of the event-based F1; events from frames can.
#
# **Next steps.** Where the best threshold has a much higher F1 than the tuned threshold, more
# validation segments of the class may help. Where even the best threshold gives a low F1, more
# training examples of the class, or a context of more than one second, can be tried.
#
# **Limitations.** The intervals cover neither other episodes nor other training runs; notebook 6
# compares training runs with several seeds. The metrics of a class with little support are based on
# few segments. Earlier versions of the network and its training were compared on default test
# episodes, so results on these may be optimistic. The default episodes are synthetic, so the
# results do not show how well the network works on real recordings.
