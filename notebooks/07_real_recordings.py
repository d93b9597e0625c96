# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 7. Transfer from synthetic to recorded sounds
#
# **Question.** The default episodes are synthetic. How well does the same network perform when it
# is trained and tested on episodes mixed from recorded sounds? What carries over from synthetic
# episodes to episodes mixed from recorded sounds, and for which classes?
#
# **Inputs.** `reports/experiments/transfer.npz` and `transfer.json`, the scores of networks trained
# on synthetic episodes, on episodes mixed from recordings, and on both. The command
# `sedlib experiment transfer` trains them and needs a *sound bank*, a folder of short recordings
# for each class; `data/README.md` describes its layout. The sound bank of the stored results
# cannot be distributed with this repository. This notebook only evaluates the stored scores.
#
# **Outputs.** `reports/experiments/transfer_metrics.json` and figures in `reports/figures/07`.

# %%
import json
from itertools import product

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
# ## Training data and sound bank
# A *corpus* is a set of episodes with their split into training, validation and test. There are two
# corpora. The episodes of the second one are mixed from recordings by the same scripts as the
# synthetic episodes, with the same rooms, levels and unlabelled sounds. The experiment trains three
# *variants*, one on each corpus and one on both. In the last case half of the examples come from
# each corpus, so that all variants see equally many. Every variant is trained with several *seeds*,
# which determine the initial weights, the order of the examples and the data augmentation.

# %%
plots.use_style()
pd.options.display.float_format = "{:.2f}".format
stored = repository() / "reports" / "experiments"
figures = workspace() / "reports" / "figures" / "07"
experiment = json.loads((stored / "transfer.json").read_text(encoding="utf-8"))
arrays = dict(np.load(stored / "transfer.npz"))

# %%
variants, seeds, classes = (list(experiment[key]) for key in ("variants", "seeds", "classes"))
corpora, hours = list(experiment["lengths"]), sum(experiment["minutes"].values()) / 60
print(f"{len(variants)} variants x {len(seeds)} seeds: {', '.join(variants)}")
print(f"{experiment['epochs']} epochs of {experiment['examples_per_epoch']} examples per run")
print(f"{hours:.1f} hours of training on {experiment['processor']}")

# %% [markdown]
# The table gives the number of recordings of each class in each subset. Recordings that belong
# together, such as several takes of one door, form a *group*, and a group is used in one subset
# only. The number of groups is therefore the number of independent sources of a class.

# %%
counts = pd.DataFrame(experiment["recordings_and_groups"]).T.loc[classes]
groups = counts.map(lambda pair: pair[1])
few = groups.index[groups["test"] <= 2]
print(f"at most two groups in the test subset: {', '.join(few) or 'none'}")
pd.concat({"recordings": counts.map(lambda pair: pair[0]), "groups": groups}, axis=1)

# %% [markdown]
# The test result of a class with one or two groups describes one or two sound sources rather than
# the class.

# %% [markdown]
# ## Thresholds
# A class is detected in a segment of one second when its score reaches the *threshold* of the
# class. Thresholds are chosen on the validation episodes of the corpus or corpora that the network
# was trained on. For a network trained on synthetic episodes this is the realistic case: no
# annotated recordings are at hand. The chosen threshold is the one with the highest F1 or, for a
# class with fewer positive validation segments than printed below, half of that highest F1
# (notebook 3 explains why).

# %%
rule, thresholds = experiment["rule"], {}
for variant, seed in product(variants, seeds):
    own = [c for c in corpora if f"{variant}/{seed}/validation/{c}" in arrays]
    labels = np.concatenate([arrays[f"reference/{rule}/validation/{c}"] for c in own])
    scores = np.concatenate([arrays[f"{variant}/{seed}/validation/{c}"] for c in own])
    thresholds[variant, seed] = detection.choose_thresholds(labels, scores)
print(f"fewest positive validation segments: {detection.MINIMUM_POSITIVES}")

# %% [markdown]
# ## Evaluation on resampled test segments
# Every network is tested on the test episodes of both corpora. As in notebook 6, 95 % [*confidence
# intervals*](https://en.wikipedia.org/wiki/Confidence_interval) come from a *block bootstrap*: the
# test episodes are resampled in blocks of consecutive segments, and the seeds are resampled as
# well. With only a few seeds the intervals are somewhat too short. Two variants are compared on the
# same resamples (*paired difference*).

# %%
reference, weights = {}, {}
for corpus in corpora:
    lengths = list(experiment["lengths"][corpus]["test"].values())
    reference[corpus] = arrays[f"reference/{rule}/test/{corpus}"]
    weights[corpus] = metrics.block_bootstrap(lengths, params.seed, n_resamples=resamples)
pd.DataFrame({f"{c} test segments": reference[c].sum(axis=0) for c in corpora}, classes)

# %% [markdown]
# The table above counts the test segments that carry the label of each class. The next cell
# computes all metrics for every run and every resample, and then averages the runs of a variant.

# %%
samples = {}
for corpus, variant in product(corpora, variants):
    fixed, runs = (weights[corpus], classes), []
    for seed in seeds:
        scores = arrays[f"{variant}/{seed}/test/{corpus}"]
        detected = scores >= thresholds[variant, seed]
        runs.append(metrics.resampled_metrics(reference[corpus], detected, *fixed, scores))
    samples[corpus, variant] = metrics.mean_over_seeds(runs, params.seed)

# %% [markdown]
# ## Averages over the classes
# The table shows two metrics, averaged over the classes, with their 95 % intervals. *F1* is the
# harmonic mean of precision and recall and depends on the thresholds. [*Average precision*](https://scikit-learn.org/stable/modules/generated/sklearn.metrics.average_precision_score.html)
# is the area under the curve of precision over recall; it measures how well the scores rank the
# segments and does not depend on thresholds.

# %%
titles = {"f1": "macro F1", "average_precision": "mean average precision"}
bounds, levels = ["estimate", "low", "high"], ["tested on", "trained on"]
intervals = {pair: metrics.confidence_intervals(table)[bounds] for pair, table in samples.items()}
macro = pd.concat({pair: table.loc["macro"] for pair, table in intervals.items()}, names=levels)
pd.concat({title: macro.xs(key, level="metric") for key, title in titles.items()}, axis=1)

# %% [markdown]
# ## F1 by class
# The table shows F1 of each class for every combination of test and training episodes.

# %%
wanted = [*classes, "macro"]
f1 = {pair: table.xs("f1", level="metric").loc[wanted] for pair, table in intervals.items()}
table = pd.DataFrame({pair: rows["estimate"] for pair, rows in f1.items()})
table.rename_axis(levels, axis="columns")

# %% [markdown]
# The figure adds the confidence intervals. The shape of a marker shows what a network was trained
# on; a filled marker means that training and test episodes are from the same corpus.

# %%
fig, axes = plt.subplots(1, len(corpora), figsize=(plots.WIDTH, 5.5), sharey=True)
colours, styles = plots.class_colours(classes), list(zip("osD", (-0.25, 0, 0.25), strict=True))
for ax, corpus in zip(axes, corpora, strict=True):
    for variant, (marker, shift) in zip(variants, styles, strict=True):
        rows, at = f1[corpus, variant].loc[classes], {"shift": shift, "marker": marker}
        plots.draw_dots(ax, rows["estimate"], colours, rows, filled=corpus == variant, **at)
        ax.scatter([], [], marker=marker, facecolor="white", edgecolor="0.3", label=variant)
    ax.set(xlabel=f"F1, tested on {corpus}", xlim=(-0.02, 1.02))
    plots.label_rows(ax, classes)
axes[-1].legend(title="trained on", loc="upper left", bbox_to_anchor=(1, 1))
plots.save_figure(fig, figures / "by_class.png")
plt.show()

# %% [markdown]
# ## Training on synthetic episodes, tested on recordings
# Both networks of this comparison are tested on episodes mixed from recordings. The differences are
# *trained on synthetic episodes* minus *trained on recordings*, so a negative value is a loss. F1
# may be lower because the scores rank the segments worse or because the thresholds do not fit.
# Average precision helps to tell the two apart, because it depends on the ranking only.

# %%
synthetic, recorded = corpora
lost = metrics.paired_differences(samples[recorded, recorded], samples[recorded, synthetic])
lost = lost[["difference", "low", "high"]]
pd.concat({key: lost.xs(key, level="metric").loc[wanted] for key in titles}, axis=1)

# %% [markdown]
# A metric of a class is called lower here if the whole 95 % interval of its difference lies below
# zero, and higher if it lies above.

# %%
f1_lower, ranking_lower = (lost.xs(key, level="metric").loc[classes, "high"] < 0 for key in titles)
lists = {"F1 and average precision lower": f1_lower & ranking_lower}
lists["only F1 lower"] = f1_lower & ~ranking_lower
lists["only average precision lower"] = ~f1_lower & ranking_lower
lists["neither lower"] = ~f1_lower & ~ranking_lower
lists["F1 higher"] = lost.xs("f1", level="metric").loc[classes, "low"] > 0
for title, chosen in lists.items():
    print(f"{title}: {', '.join(chosen.index[chosen]) or 'none'}")

# %% [markdown]
# A list may be empty. A class in the first list is ranked worse by a network trained on synthetic
# episodes alone, and other thresholds are unlikely to make up for the loss. Possible reasons are
# differences in the sounds and in bandwidth. For a class in the second list, thresholds chosen on
# recordings may suffice. A class in the third list is ranked worse, but no loss of F1 is shown at
# the chosen thresholds. For a class in the fourth list no loss is shown, which does not prove that
# there is none: with few test segments the intervals are long.

# %% [markdown]
# ## Adding synthetic episodes to recordings
# The table compares the network trained on recordings alone with the one trained on both, again
# tested on recordings. Both have seen the same number of examples. A positive difference means that
# replacing half of the recorded examples by synthetic ones improves F1.

# %%
both = variants[-1]
added = metrics.paired_differences(samples[recorded, recorded], samples[recorded, both])
added = added.xs("f1", level="metric").loc[wanted]
added = added.rename(columns={"first": recorded, "second": both})
print("interval above zero:", ", ".join(added.index[added["low"] > 0]) or "none")
print("interval below zero:", ", ".join(added.index[added["high"] < 0]) or "none")
added[[recorded, both, "difference", "low", "high"]]

# %% [markdown]
# ## Stored results
# The `report` stage reads F1 and its intervals, by test corpus, training corpus and class, from
# `transfer_metrics.json`.

# %%
results = {corpus: {} for corpus in corpora}
for (corpus, variant), rows in f1.items():
    values = rows.dropna().to_dict("index")
    results[corpus][variant] = {label: values.get(label) for label in wanted}
target = workspace() / "reports" / "experiments" / "transfer_metrics.json"
target.parent.mkdir(parents=True, exist_ok=True)
write_json(results, target)

# %% [markdown]
# ## Findings
# The lines below summarise macro F1 on the episodes mixed from recordings. Each line gives the
# difference to the network that was trained on recordings alone, with its 95 % interval.

# %%
for variant in (synthetic, both):
    change = metrics.paired_differences(samples[recorded, recorded], samples[recorded, variant])
    difference, low, high = change.loc[("macro", "f1"), ["difference", "low", "high"]]
    verdict = "excludes" if low > 0 or high < 0 else "contains"
    print(f"trained on {variant}: {difference:+.3f} [{low:+.3f}, {high:+.3f}], {verdict} zero")

# %% [markdown]
# - **Synthetic episodes alone.** If the interval of the first line lies below zero, synthetic
#   episodes do not fully replace recordings. The lists above name the classes for which a loss is
#   shown. Possible reasons are the differences in bandwidth and in the sounds: a synthetic shout,
#   for example, is a high and distorted synthetic voice.
# - **The opposite direction.** The left panel of the figure shows how networks trained on
#   recordings perform on synthetic episodes. The experiment cannot tell whether a loss there arises
#   because the recordings are few or because the synthetic sounds differ from them.
# - **Both together.** If the interval of the second line lies above zero, a small sound bank is
#   better used together with synthetic episodes than alone, on average over the classes. Single
#   classes may differ; the section on adding synthetic episodes lists them.
#
# **Limits.** The results depend on the sound bank: the result of a class with one or two groups in
# the test subset shows little about sounds from other sources. Episodes mixed from recordings are
# limited to 7.5 kHz and synthetic ones to 9 kHz, so the two corpora differ in more than their
# sounds. Rooms, levels and scripts are synthetic in both, so the results do not describe a real
# broadcast.
