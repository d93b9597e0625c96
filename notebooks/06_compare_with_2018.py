# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 6. Ablation of the changes since 2018
#
# **Question.** The configuration of this project differs from that of the [2018
# experiment](https://github.com/vtt-project/vtt-sound-event-detection) in its network, its training
# examples, its optimisation, its loss and its thresholds. How much does each change since 2018
# contribute to the result, and which contributions are larger than chance alone would produce?
#
# An [*ablation*](https://arxiv.org/abs/1901.08644) measures such contributions by adding or
# removing one part at a time. This one is incremental (additive): starting from the 2018
# configuration, each variant adds one change and keeps the earlier ones.
#
# **Inputs.** `reports/experiments/ablation.npz` and `ablation.json`, the scores of every trained
# network and a description of the experiment. The command `make experiment` trains the networks,
# which takes half an hour to several hours; this notebook only evaluates the stored scores. The
# *final* configuration is that of `params.yaml` at the time of the experiment, except for the
# number of epochs and that no run is stopped early. Later changes to `params.yaml` have no effect
# here, except `seed`: it seeds the bootstrap, which is explained below, and so changes the
# confidence intervals slightly.
#
# **Outputs.** `reports/experiments/ablation_metrics.json` and figures in
# `reports/notebooks/figures/06`.

# %%
import json
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sedlib import detection, metrics
from sedlib.config import load_params, repository, workspace
from sedlib.files import write_json
from sedlib.reports import plots

# %% tags=["parameters"]
params = load_params()
resamples = 2000  # bootstrap resamples of the test segments

# %% [markdown]
# ## Variants and training setup
# A *variant* is one way to train a network. The first variant is the 2018 configuration. Each later
# variant adds one change, which may consist of several settings. Every variant is trained once with
# each of several *seeds*; a seed determines the initial weights, the order of the examples and the
# data augmentation. All runs use the same number of examples (by default fewer than in notebook 3,
# to save time), and each keeps its best epoch by mean average precision on the validation episodes.
#
# The results that come with this repository were computed without a GPU. For that reason, the
# convolutions of the 2018 network have only a fraction of their original channels here, and it was
# trained for far fewer steps than in 2018. There are further differences from 2018. The main ones
# are that segments are labelled by the rule printed below, that every episode is first normalised
# in loudness, and that the best epoch is kept instead of the last one. The documentation of
# `sedlib.models.vtt2018` and `sedlib.experiments.ablation_variants` lists the others.

# %%
plots.use_style()
pd.options.display.float_format = "{:.3f}".format
pd.options.display.max_colwidth = None
stored = repository() / "reports" / "experiments"
figures = workspace() / "reports" / "notebooks" / "figures" / "06"
experiment = json.loads((stored / "ablation.json").read_text(encoding="utf-8"))
arrays = dict(np.load(stored / "ablation.npz"))

# %%
variants, seeds, classes = (list(experiment[key]) for key in ("variants", "seeds", "classes"))
(corpus,) = experiment["lengths"]
minutes = pd.Series(experiment["minutes"])
print(f"{len(variants)} variants x {len(seeds)} seeds, trained on {corpus} episodes")
print(f"{experiment['epochs']} epochs of {experiment['examples_per_epoch']} examples per run")
print(f"label rule of the experiment: '{experiment['rule']}'")
print(f"{minutes.sum() / 60:.1f} hours of training, summed over the runs, on", end=" ")
print(experiment["processor"])

# %% [markdown]
# Notebook 2 explains the label rules. Under `half`, for example, a segment has the label of a class
# when events of the class cover at least half of it, or when it contains at least half of an event
# that is shorter than a segment.
#
# The table lists the change that each variant adds and the mean training time of one run. The tuned
# thresholds, a change that needs no training, follow in a section of their own. Notebook 3 explains
# most of the terms. In short:
#
# - a [log-mel](https://librosa.org/doc/latest/generated/librosa.feature.melspectrogram.html) input
#   contains the logarithm of the power in frequency bands that are spaced roughly as humans
#   perceive pitch;
# - [batch normalisation](https://arxiv.org/abs/1502.03167) standardises the outputs of a layer;
# - a *bidirectional GRU* lets the score of a frame depend on the frames before and after it; the
#   network of 2018 had a unidirectional one, with ReLU in place of tanh, and used only its last
#   state;
# - [linear softmax pooling](https://arxiv.org/abs/1810.09050) averages the scores of the frames,
#   weighted by the scores themselves;
# - warm-up raises the learning rate at the start of the training, and [cosine
#   decay](https://arxiv.org/abs/1608.03983) lowers it towards the end;
# - [mixup](https://arxiv.org/abs/1710.09412) is a form of *data augmentation* that combines two
#   training examples into a new one;
# - the variant `augmentation` adds further data augmentation: random noise, random gains and
#   filters, and [masks](https://arxiv.org/abs/1904.08779) over parts of the spectrogram;
# - [MixStyle](https://arxiv.org/abs/2104.02008) mixes the mean and the standard deviation of each
#   frequency band of some training segments with those of other segments. It is meant for
#   recordings from another domain than the training data; notebook 7 measures its effect on such
#   recordings;
# - [averaged weights](https://arxiv.org/abs/2102.08604) are an exponential moving average of the
#   weights at the end of each epoch, which may also help on such recordings.

# %%
print(f"channels of the 2018 convolutions: {experiment['vtt2018_width']:g} of the original number")
by_variant = minutes.groupby(minutes.index.str.rsplit("/").str[0]).mean().loc[variants]
table = pd.DataFrame({"change": experiment["variants"]})
table["minutes per run"] = by_variant.map("{:.1f}".format)
table

# %% [markdown]
# ## Evaluation on resampled test segments
# The variants are compared by two metrics, each computed for every class and then averaged over the
# classes:
#
# - *F1*, the harmonic mean of precision and recall. A class is detected in a segment of one second
#   when its score reaches the threshold of the class, which the next section describes. The mean
#   over the classes is called macro F1.
# - [*Average
#   precision*](https://scikit-learn.org/stable/modules/generated/sklearn.metrics.average_precision_score.html),
#   the area under the precision-recall curve. It measures how well the scores rank the segments and
#   does not depend on thresholds.
#
# A [*confidence interval*](https://en.wikipedia.org/wiki/Confidence_interval) indicates how much a
# result depends on the choice of test segments and training runs. It is computed with a [*block
# bootstrap*](https://en.wikipedia.org/wiki/Bootstrapping_%28statistics%29#Block_bootstrap): the
# test episodes are resampled many times in blocks of consecutive segments, because errors in
# neighbouring segments depend on each other. The training runs are resampled as well, so that the
# 95 % intervals cover both the choice of test material within these episodes and the variation
# between training runs. With only a few seeds, the intervals are somewhat too narrow. All
# variants are evaluated on the same resamples. The *paired difference* of two variants is therefore
# more precise than a comparison on two independent sets of test segments would be.

# %%
rule = experiment["rule"]
reference = arrays[f"reference/{rule}/test/{corpus}"]
lengths = list(experiment["lengths"][corpus]["test"].values())
weights = metrics.block_bootstrap(lengths, params.seed, n_resamples=resamples)
print(f"{len(reference)} test segments from {len(lengths)} episodes, {resamples} resamples")
print(f"blocks of {metrics.block_length(lengths)} segments")

# %% [markdown]
# ## Thresholds
# The 2018 configuration is evaluated with the threshold 0.5 for every class, as in 2018. The first
# change, `tuned thresholds`, needs no training: the same networks are evaluated with a separate
# threshold for each class, which is tuned on the validation segments as notebook 3 explains. Every
# later variant is evaluated with its own tuned thresholds, which are chosen in the same way for
# each training run.
#
# The thresholds are tuned first because a later change can move the scores of a class up or down
# without ranking the segments better or worse. With a fixed threshold, a change in F1 could come
# from better scores or merely from scores that are higher or lower overall. Tuned thresholds adapt
# to such a shift of the scores, so that it affects the gains of the later changes much less.
#
# The table shows the tuned thresholds for the networks of the first and of the last variant, with
# one column for each seed.

# %%
first, *_, last = variants
validation = arrays[f"reference/{rule}/validation/{corpus}"]
scores, thresholds = {}, {}
for name in variants:
    scores[name] = [arrays[f"{name}/{seed}/test/{corpus}"] for seed in seeds]
    validation_scores = [arrays[f"{name}/{seed}/validation/{corpus}"] for seed in seeds]
    thresholds[name] = [detection.choose_thresholds(validation, s) for s in validation_scores]

columns = pd.Index(seeds, name="seed")
table = {name: pd.DataFrame(thresholds[name], columns, classes).T for name in (first, last)}
pd.concat(table, axis=1)

# %% [markdown]
# The next table shows the macro F1 of every variant, as the mean over the seeds, with the threshold
# 0.5 and with tuned thresholds. The last column is the effect of tuning the thresholds of a
# variant. Where it changes considerably from one row to the next, the gain of the later variant
# would be quite different at a fixed threshold of 0.5.

# %%
default, rows = detection.DEFAULT_THRESHOLD, []
for name in variants:
    pairs = list(zip(scores[name], thresholds[name], strict=True))
    fixed_f1 = [metrics.averages(reference, s >= default)["macro"]["f1"] for s, _ in pairs]
    tuned_f1 = [metrics.averages(reference, s >= t)["macro"]["f1"] for s, t in pairs]
    rows.append((np.mean(fixed_f1), np.mean(tuned_f1)))
table = pd.DataFrame(rows, variants, [f"{default}", "tuned"])
table[f"tuned - {default}"] = table["tuned"] - table[f"{default}"]
table

# %% [markdown]
# The next two cells insert `tuned thresholds` as the second variant and apply the thresholds of
# every run to its scores.

# %%
tuned = "tuned thresholds"
names = [first, tuned, *variants[1:]]
scores[tuned], thresholds[tuned] = scores[first], thresholds[first]
thresholds[first] = [default] * len(seeds)

# %%
detected = {}
for name in names:
    detected[name] = [s >= t for s, t in zip(scores[name], thresholds[name], strict=True)]

# %% [markdown]
# The next cell computes all metrics for every run and every resample, and then averages the runs of
# a variant.

# %%
runs, samples = {}, {}
for name in names:
    pairs = zip(detected[name], scores[name], strict=True)
    runs[name] = [metrics.resampled_metrics(reference, d, weights, classes, s) for d, s in pairs]
    samples[name] = metrics.mean_over_seeds(runs[name], params.seed)

# %% [markdown]
# ## Contribution of each change
# The *gain* of a change is the paired difference between a variant and the one before it. The
# first table shows macro F1 and its gains, with the lower and upper bounds of the 95 % intervals.
# The first row has no gain, because there is no variant before it.

# %%
bounds = ["estimate", "low", "high"]
macro = {name: samples[name]["macro"] for name in names}
values = pd.concat({name: metrics.confidence_intervals(macro[name]) for name in names})
gains = pd.concat({b: metrics.paired_differences(macro[a], macro[b]) for a, b in pairwise(names)})
gains = gains.rename(columns={"difference": "estimate"})
gains.loc[(tuned, "average_precision"), :] = np.nan  # no change by definition
tables = {"value": values[bounds], "gain": gains[bounds]}

# %%
table = pd.concat({key: table.xs("f1", level=1) for key, table in tables.items()}, axis=1)
table.astype(object).fillna("")

# %% [markdown]
# The second table shows mean average precision. It does not depend on thresholds, so the row
# `tuned thresholds` repeats the values of the row above and has no gain.

# %%
each = {key: table.xs("average_precision", level=1) for key, table in tables.items()}
pd.concat(each, axis=1).astype(object).fillna("")

# %% [markdown]
# The next figure draws the values of both tables, from the 2018 configuration at the top to the
# final configuration at the bottom. Dots are means over the seeds, lines are 95 % confidence
# intervals, and the small vertical marks below a dot are the individual training runs.

# %%
titles = {"f1": "macro F1", "average_precision": "mean average precision"}
fig, axes = plt.subplots(1, 2, figsize=(plots.WIDTH, 4.2), sharey=True)
for ax, (metric, title) in zip(axes, titles.items(), strict=True):
    value = values.xs(metric, level=1)
    plots.draw_dots(ax, value["estimate"], dict.fromkeys(names, "black"), value)
    for row, name in enumerate(names):
        single = [run.loc[0, ("macro", metric)] for run in runs[name]]
        ax.plot(single, [row + 0.36] * len(single), "|", color="0.3", ms=7)
    plots.label_rows(ax, [first, *(f"+ {name}" for name in names[1:])])
    ax.set(xlabel=f"{title} on the test episodes", xlim=(0, 1))
plots.save_figure(fig, figures / "results.png")
plt.show()

# %% [markdown]
# Where the marks of a variant lie far apart, its result depends strongly on the seed, and a
# comparison of single runs would be misleading. The next figure shows the gains, again with their
# 95 % intervals. The row of the tuned thresholds is empty in the right panel.

# %%
fig, axes = plt.subplots(1, 2, figsize=(plots.WIDTH, 3.8), sharey=True)
for ax, (metric, title) in zip(axes, titles.items(), strict=True):
    gain = gains.xs(metric, level=1)
    bars = gain["estimate"].fillna(0)
    plots.draw_bars(ax, bars, dict.fromkeys(names, "0.75"), "{:+.3f}", gain)
    ax.axvline(0, color="black", lw=0.8)
    ax.locator_params(axis="x", nbins=6)
    ax.set(xlabel=f"gain in {title}")
plots.save_figure(fig, figures / "gains.png")
plt.show()

# %% [markdown]
# A line that lies entirely to the right of zero shows that the change helps at its place in the
# sequence; a line entirely to the left shows that it hurts there (subject to the limitations at the
# end). If a line crosses zero, these test segments and seeds do not show whether the change helps
# or hurts.

# %% [markdown]
# ## All changes together, class by class
# The table compares F1 of the 2018 configuration with F1 of the final configuration, which
# includes the tuned thresholds. The 95 % interval of the difference reaches from `low` to `high`.
# Micro F1 pools the decisions of all classes, so that it mostly reflects the frequent classes.

# %%
total = metrics.paired_differences(samples[first], samples[names[-1]]).xs("f1", level="metric")
total = total.rename(columns={"first": "2018", "second": "final"})
each = total.loc[classes]
print(f"interval above zero: {(each['low'] > 0).sum()} of {len(classes)} classes")
print(f"interval below zero: {(each['high'] < 0).sum()} of {len(classes)} classes")
total.loc[[*classes, "macro", "micro"], ["2018", "final", "difference", "low", "high"]]

# %% [markdown]
# The figure shows both values of F1 for each class with their 95 % intervals.

# %%
colours = plots.class_colours(classes)
fig, ax = plt.subplots(figsize=(plots.WIDTH, 4.5))
for title, name, shift in (("2018", first, -0.17), ("final", names[-1], 0.17)):
    f1 = metrics.confidence_intervals(samples[name]).xs("f1", level="metric").loc[classes]
    plots.draw_dots(ax, f1["estimate"], colours, f1, shift=shift, filled=name != first)
    face = "white" if name == first else "0.3"
    ax.scatter([], [], s=45, facecolor=face, edgecolor="0.3", label=f"{title} configuration")
plots.label_rows(ax, classes)
ax.set(xlabel="F1 on the test episodes", xlim=(-0.02, 1.02))
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
plots.save_figure(fig, figures / "by_class.png")
plt.show()

# %% [markdown]
# The intervals of classes with few segments in the test episodes tend to be wide. Whether the two
# configurations differ for a class is shown by the interval of the difference in the table rather
# than by the overlap of the two lines.

# %% [markdown]
# ## Evaluation as in 2018
# The 2018 experiment used the label rule `whole`, a threshold of 0.5 for every class, and smoothed
# formulas for precision, recall and F1. Under this rule, a segment has the label of an event only
# if the event covers the whole segment, except that it may begin up to 0.1 s late. The table
# evaluates the first and the last variant in this way, although they were trained with the labels
# of the rule printed above, to show how much the results depend on the evaluation. It also gives
# the F1 values published in 2018, which exist for the three frequent classes only. The published
# values were measured on other episodes, those of a real TV series. They give only a rough idea of
# how difficult each class was there; they do not show which model is better.

# %%
whole = arrays[f"reference/whole/test/{corpus}"]
path = repository() / "data" / "published" / "scores.tsv"
table = pd.read_csv(path, sep="\t", index_col="event_label")[["f1"]]
table.columns = ["published"]
for name, title in ((first, "2018 configuration"), (last, "last variant")):
    fixed = [s >= default for s in scores[name]]
    each = [metrics.smoothed_metrics_vtt2018(whole, d, classes)["f1"] for d in fixed]
    table[title] = pd.concat(each, axis=1).mean(axis=1)
table

# %% [markdown]
# The column `2018 configuration` can be compared with the column `2018` of the previous section.
# The scores and the thresholds are the same in both, so any difference is due to the label rule and
# the formulas alone.

# %% [markdown]
# ## Stored results
# `make publish` reads the values, the gains and the setup from `ablation_metrics.json`.

# %%
results = {}
for metric, title in titles.items():
    parts = {key: table.xs(metric, level=1).dropna() for key, table in tables.items()}
    rows = {key: part.to_dict("index") for key, part in parts.items()}
    results[title] = {n: {key: r[n] for key, r in rows.items() if n in r} for n in names}

# %%
setup = {"corpus": corpus, "classes": len(classes), "seeds": len(seeds)}
setup |= {key: experiment[key] for key in ("epochs", "examples_per_epoch", "vtt2018_width")}
setup |= {"hours": round(minutes.sum() / 60, 1), "processor": experiment["processor"]}
whole_gain = total.loc["macro"].rename({"difference": "estimate"})[[*bounds, "p"]].to_dict()
target = workspace() / "reports" / "experiments" / "ablation_metrics.json"
target.parent.mkdir(parents=True, exist_ok=True)
write_json(results | {"setup": setup, "total gain in macro F1": whole_gain}, target)

# %% [markdown]
# ## Findings
# For each metric, the lines below list the changes whose 95 % interval excludes zero, with the
# largest gain first; a negative gain is a loss. The changes whose interval contains zero follow in
# one line.

# %%
for metric, title in titles.items():
    gain = gains.xs(metric, level=1).dropna().sort_values("estimate", ascending=False)
    clear = (gain["low"] > 0) | (gain["high"] < 0)
    print(f"gain in {title}:")
    for name, row in gain[clear].iterrows():
        print(f"  {row['estimate']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]  {name}")
    print(f"  interval contains zero: {', '.join(gain.index[~clear]) or 'none'}\n")

# %%
largest = gains.xs("f1", level=1)["estimate"].idxmax()
print(f"The change with the largest gain in macro F1 is '{largest}'.")
text = "All changes together change macro F1 by {estimate:+.3f} [{low:+.3f}, {high:+.3f}]."
print(text.format(**whole_gain))
higher = (total.loc[classes, "low"] > 0).sum()
print(f"The interval of the change in F1 lies above zero for {higher} of {len(classes)} classes.")

# %% [markdown]
# The following points help to interpret these results.
#
# - **Ranking and thresholds.** A gain in mean average precision means that the scores rank the
#   segments better. A gain in macro F1 alone can also arise because the thresholds that were chosen
#   on the validation episodes happen to suit the test episodes better.
# - **Order of the list.** If the intervals of two neighbours in the list overlap, their order may
#   be different in another experiment.
# - **Intervals that contain zero.** Such an interval does not show that a change is useless. Its
#   effect may be too small to be visible in so few test episodes. Conversely, when there is no
#   effect, about one in twenty 95 % intervals excludes zero by chance, and more where the intervals
#   are somewhat too narrow.
# - **Losses.** A change that lowers a metric at its place in the sequence may still be useful in
#   the end, because later changes build on it. MixStyle and averaged weights are meant for
#   recordings from another domain, which this notebook does not contain; notebook 7 measures what
#   they change there.
# - **Changes that build on each other.** For example, the 2018 configuration draws random crops of
#   one second from regions with constant labels. Long and short regions are drawn with the same
#   probability, which favours short, rare sounds. The variant `segment labels` drops this. The
#   variant `mixup` favours rare sounds again, because it draws the second segment evenly over the
#   classes.
# - **A bottleneck in the log-mel variant.** The variant `log-mel input` keeps the five poolings of
#   the 2018 network, so that with the default parameters only 2 values of each frame reach its GRU
#   instead of 33. This bottleneck may lower its result and raise the gain of the variant after it.
#
# **Limitations.** The changes were added in one order; in another order, each could have a
# different effect. The 2018 network has fewer channels here than in 2018 and was trained for fewer
# steps. The confidence intervals do not cover the choice of the validation episodes, on which the
# thresholds depend. There are few episodes, all from one source, and earlier versions of the
# network and its training were compared on such test episodes, so the total gain may be
# optimistic.
