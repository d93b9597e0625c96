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
# **Question.** The default episodes are synthetic. How well does training on synthetic episodes
# carry over to episodes mixed from recorded sounds?
#
# **Inputs.** `reports/experiments/transfer.npz` and `transfer.json`, the scores of all trained
# networks and a description of the experiment. The section "Training and test episodes" lists the
# networks. The command
# `make experiment NAME=transfer` trains the networks and needs a *sound bank*, a folder of recorded
# *clips* for each class. A clip is a short recording of one kind of sound. This notebook only
# evaluates the stored scores.
#
# **Outputs.** `reports/experiments/transfer_metrics.json` and figures in
# `reports/notebooks/figures/07`.

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
# ## Origin of the clips
# For the results that come with this repository, the sound bank consists of a few hundred clips,
# collected from public repositories whose licences permit free use, some of them only for
# non-commercial purposes. Most knocks, crashes, claps and laughs come from
# [ESC-50](https://github.com/karolpiczak/ESC-50), a collection of sounds from
# [Freesound](https://freesound.org). The speech comes mainly from public speech corpora, and the
# music and shouts mainly from open-source games and audio software. Most of the clips of audience
# laughter are mixtures of several single laughs. The sound bank is not part of this repository,
# because of these licences. `data/README.md` describes the layout of a sound bank, so that you can
# make one of your own.
#
# ## Training and test episodes
# A *corpus* is a set of episodes with their split into training, validation and test. There are two
# corpora here, `synthetic` and `recordings`. The episodes of the corpus `recordings` are called
# *mixed episodes* below, because they are mixed from recorded clips and are not recordings of real
# scenes. Both corpora follow the same *scripts*: lists that say which sound is heard when, and how
# loud. Rooms and levels are drawn in the same way. In the mixed episodes, recorded clips replace
# the synthetic sounds of the classes and, if the sound bank has a folder for it, the background
# noise. *Distractors*, sounds that belong to none of the classes, are synthetic in both. The
# experiment trains five *variants* of the network: one on each corpus, one
# on both, and two on synthetic episodes, the first without MixStyle and the second without
# averaging the weights of the epochs (notebook 3 explains both methods). The variant `both` takes
# half of its examples from each corpus, so that all variants are trained on the same number of
# examples. Every variant is trained once with each of several *seeds*, which determine the initial
# weights, the order of the examples and the data augmentation.

# %%
plots.use_style()
pd.options.display.float_format = "{:.3f}".format
stored = repository() / "reports" / "experiments"
figures = workspace() / "reports" / "notebooks" / "figures" / "07"
experiment = json.loads((stored / "transfer.json").read_text(encoding="utf-8"))
arrays = dict(np.load(stored / "transfer.npz"))

# %%
variants, seeds, classes = (list(experiment[key]) for key in ("variants", "seeds", "classes"))
synthetic, recorded, both, *without = variants
corpora, hours = list(experiment["lengths"]), sum(experiment["minutes"].values()) / 60

# %%
print(f"{len(variants)} variants x {len(seeds)} seeds: {', '.join(variants)}")
print(f"{experiment['epochs']} epochs of {experiment['examples_per_epoch']} examples per run")
print(f"label rule of the experiment: '{experiment['rule']}' (see notebook 2)")
print(f"{hours:.1f} hours of training, summed over the runs, on {experiment['processor']}")

# %% [markdown]
# The table gives the number of clips of each class in each subset. Clips that belong together, such
# as several takes of one door, form a *group*, and each group is used in one subset only. (In the
# sound bank behind the results of this repository there is one exception, which the limitations
# describe.) The number of groups therefore says more about the variety of a class than the number
# of clips.

# %%
counts = pd.DataFrame(experiment["recordings_and_groups"]).T.loc[classes]
groups = counts.map(lambda pair: pair[1])
few = groups.index[groups["test"] <= 2]
print(f"at most two groups in the test subset: {', '.join(few) or 'none'}")
pd.concat({"clips": counts.map(lambda pair: pair[0]), "groups": groups}, axis=1)

# %% [markdown]
# If a class has only one or two groups in the test subset, its test result describes these one or
# two sound sources rather than the class. If it has so few in the validation subset, the thresholds
# of the networks trained on mixed episodes likewise depend on one or two sound sources.

# %% [markdown]
# ## Thresholds
# A class is detected in a segment of one second when its score reaches the *threshold* of the
# class. The thresholds are chosen on the validation episodes of the corpus or corpora that the
# network was trained on. Networks trained on synthetic episodes thus get their thresholds without
# any recorded sound, as if no annotated recordings were available. The thresholds are tuned as in
# notebook 3.

# %%
rule, thresholds = experiment["rule"], {}
for variant, seed in product(variants, seeds):
    own = [c for c in corpora if f"{variant}/{seed}/validation/{c}" in arrays]
    labels = np.concatenate([arrays[f"reference/{rule}/validation/{c}"] for c in own])
    scores = np.concatenate([arrays[f"{variant}/{seed}/validation/{c}"] for c in own])
    thresholds[variant, seed] = detection.choose_thresholds(labels, scores)

# %% [markdown]
# ## Evaluation on resampled test segments
# Every network is tested on the test episodes of both corpora. As in notebook 6, 95 % [*confidence
# intervals*](https://en.wikipedia.org/wiki/Confidence_interval) come from a *block bootstrap*: the
# test episodes are resampled in blocks of consecutive segments, and the training runs are resampled
# as well. With only a few seeds, the intervals are somewhat too narrow, and they do not cover the
# choice of the clips. Two variants are compared on the same resamples by their *paired difference*.
# The table gives the number of test segments with the label of each class.

# %%
reference, weights = {}, {}
for corpus in corpora:
    lengths = list(experiment["lengths"][corpus]["test"].values())
    reference[corpus] = arrays[f"reference/{rule}/test/{corpus}"]
    weights[corpus] = metrics.block_bootstrap(lengths, params.seed, n_resamples=resamples)
pd.DataFrame({f"{c} test segments": reference[c].sum(axis=0) for c in corpora}, classes)

# %% [markdown]
# Both corpora follow the same scripts, so their counts are equal or nearly equal. The next cell
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
# harmonic mean of precision and recall and depends on the thresholds. [*Average
# precision*](https://scikit-learn.org/stable/modules/generated/sklearn.metrics.average_precision_score.html)
# is the area under the precision-recall curve; it measures how well the scores rank the segments
# and does not depend on thresholds.

# %%
titles = {"f1": "macro F1", "average_precision": "mean average precision"}
bounds, roles = ["estimate", "low", "high"], ["tested on", "trained on"]
intervals = {pair: metrics.confidence_intervals(table)[bounds] for pair, table in samples.items()}
macro = pd.concat({pair: table.loc["macro"] for pair, table in intervals.items()}, names=roles)
pd.concat({title: macro.xs(key, level="metric") for key, title in titles.items()}, axis=1)

# %% [markdown]
# ## F1 by class
# The table shows F1 of each class and macro F1 for each variant, tested on each corpus.

# %%
wanted = [*classes, "macro"]
f1 = {pair: table.xs("f1", level="metric").loc[wanted] for pair, table in intervals.items()}
tables = {c: pd.DataFrame({v: f1[c, v]["estimate"] for v in variants}) for c in corpora}
pd.concat(tables, names=["tested on", "class"]).rename_axis("trained on", axis="columns")

# %% [markdown]
# The figure shows the same values with their 95 % intervals for the three variants with MixStyle
# and averaged weights. The left panel is for tests on synthetic episodes, the right panel for tests
# on mixed episodes. The shape of a marker shows what the networks were trained on. A filled marker
# means that all their training episodes are from the same corpus as the test episodes. A white
# marker means that all of them (circle or square) or half of them (diamond) are from the other
# corpus.

# %%
fig, axes = plt.subplots(1, len(corpora), figsize=(plots.WIDTH, 7), sharey=True)
colours = plots.class_colours(classes) | {"macro": "black"}
styles = list(zip((synthetic, recorded, both), "osD", (-0.28, 0, 0.28), strict=True))
for ax, corpus in zip(axes, corpora, strict=True):
    for variant, marker, shift in styles:
        rows, at = f1[corpus, variant], {"shift": shift, "marker": marker}
        plots.draw_dots(ax, rows["estimate"], colours, rows, filled=corpus == variant, **at)
        ax.scatter([], [], s=45, marker=marker, fc="white", ec="0.3", label=f"trained on {variant}")
    ax.set(xlabel=f"F1 on the test episodes, {corpus}", xlim=(-0.02, 1.02))
    plots.label_rows(ax, wanted)
fills = {
    "0.3": "training and test\non the same corpus",
    "white": "all or half of the training\non the other corpus",
}
for face, text in fills.items():
    axes[-1].fill([], [], fc=face, ec="0.3", label=text)
axes[-1].legend(loc="upper left", bbox_to_anchor=(1, 1))
plots.save_figure(fig, figures / "by_class.png")
plt.show()

# %% [markdown]
# In each panel, the distance between circle and square shows how much F1 changes when the network
# is trained on the other corpus. In the right panel, this is the effect of training on synthetic
# episodes alone; the next section examines it. The diamond shows the networks trained on both
# corpora.

# %% [markdown]
# ## Training on synthetic episodes, testing on mixed episodes
# Both variants of this comparison are tested on mixed episodes. The table shows the difference
# *trained on synthetic episodes* minus *trained on mixed episodes*, so a negative value is a loss.
# F1 may be lower because the scores rank the segments worse or because the thresholds do not fit.
# Average precision helps to tell the two apart, because it depends only on the ranking.

# %%
lost = metrics.paired_differences(samples[recorded, recorded], samples[recorded, synthetic])
lost = lost[["difference", "low", "high"]]
pd.concat({key: lost.xs(key, level="metric").loc[wanted] for key in titles}, axis=1)

# %% [markdown]
# In the following lists, a metric is called lower if the whole 95 % interval of its difference lies
# below zero, and higher if it lies above.

# %%
f1_lower, ranking_lower = (lost.xs(key, level="metric").loc[classes, "high"] < 0 for key in titles)
lists = {"1. F1 and average precision lower": f1_lower & ranking_lower}
lists["2. only F1 lower"] = f1_lower & ~ranking_lower
lists["3. only average precision lower"] = ~f1_lower & ranking_lower
lists["4. neither lower"] = ~f1_lower & ~ranking_lower
lists["F1 higher"] = lost.xs("f1", level="metric").loc[classes, "low"] > 0
for title, chosen in lists.items():
    print(f"{title}: {', '.join(chosen.index[chosen]) or 'none'}")

# %% [markdown]
# Lists 1 to 4 together contain every class once; any of them may be empty. The last list names the
# classes of lists 3 and 4 for which training on synthetic episodes gives a higher F1. This may be
# so where the sound bank has few groups of a class for training.
#
# 1. The segments of these classes are ranked worse by networks trained only on synthetic episodes,
#    and other thresholds may not make up for the loss. Possible reasons are that the synthetic
#    sounds differ from the recorded ones and that the two corpora differ in bandwidth.
# 2. For these classes the experiment shows a loss of F1 but not of average precision. Where the
#    interval of average precision is narrow, thresholds tuned on mixed episodes may be enough to
#    avoid the loss; where it is wide, the ranking may be worse as well.
# 3. The segments of these classes are ranked worse, but at the tuned thresholds the experiment
#    shows no loss of F1.
# 4. For these classes the experiment shows no loss. This does not prove that there is none: with
#    few test segments, the intervals are wide.

# %% [markdown]
# ## Replacing half of the training examples with synthetic ones
# The table compares the networks trained on mixed episodes alone with those trained on both
# corpora, again tested on mixed episodes. Both were trained on the same number of examples. A
# positive difference means that F1 improves when half of the examples from mixed episodes are
# replaced with synthetic ones.

# %%
added = metrics.paired_differences(samples[recorded, recorded], samples[recorded, both])
added = added.xs("f1", level="metric").loc[wanted]
added = added.rename(columns={"first": recorded, "second": both})
print("interval above zero:", ", ".join(added.index[added["low"] > 0]) or "none")
print("interval below zero:", ", ".join(added.index[added["high"] < 0]) or "none")
added[[recorded, both, "difference", "low", "high"]]

# %% [markdown]
# ## The contributions of MixStyle and of averaged weights
# [MixStyle](https://arxiv.org/abs/2104.02008) and [averaged
# weights](https://arxiv.org/abs/2102.08604) can help on recordings from another domain than the
# training data. The table compares the networks trained on synthetic episodes with and without each
# of them. A positive difference of macro F1 or of mean average precision is a gain from the method
# on the test episodes of that corpus; if its interval contains zero, the experiment does not show
# whether the method helps there.

# %%
gains = {}
for variant, corpus in product(without, corpora):
    gain = metrics.paired_differences(samples[corpus, variant], samples[corpus, synthetic])
    method = variant.split(" without ")[1].replace("averaging", "averaged weights")
    gains[method, corpus] = gain.loc["macro"].loc[list(titles), ["difference", "low", "high"]]
pd.concat(gains, names=["method", "tested on", "metric"]).rename(titles)

# %% [markdown]
# ## Stored results
# `make publish` reads F1 and its intervals, by test corpus, variant and class, from
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
# The sentences below are computed from F1 on the mixed test episodes. The first four compare with
# training on mixed episodes alone (`recordings`); the others compare training on synthetic episodes
# with and without each method.

# %%
for variant in (synthetic, both):
    change = metrics.paired_differences(samples[recorded, recorded], samples[recorded, variant])
    difference, low, high = change.loc[("macro", "f1"), ["difference", "low", "high"]]
    verdict = "higher" if low > 0 else "lower" if high < 0 else "neither clearly higher nor lower"
    print(f"After training on '{variant}', macro F1 is {verdict} than after training on", end=" ")
    print(f"'{recorded}': {difference:+.3f} [{low:+.3f}, {high:+.3f}].")
    pair = [samples[recorded, v].xs("f1", axis=1, level="metric") for v in (recorded, variant)]
    means = [f1_samples[classes].drop(columns=few).mean(axis=1).to_frame() for f1_samples in pair]
    rest = metrics.paired_differences(*means).iloc[0]
    print("Averaged over the classes with more than two groups in the test subset, the", end=" ")
    print(f"difference is {rest['difference']:+.3f} [{rest['low']:+.3f}, {rest['high']:+.3f}].")
for (method, corpus), gain in gains.items():
    if corpus == recorded:
        difference, low, high = gain.loc["f1"]
        print(f"Change in macro F1 due to {method}, trained on '{synthetic}':", end=" ")
        print(f"{difference:+.3f} [{low:+.3f}, {high:+.3f}].")

# %% [markdown]
# - **Synthetic episodes alone.** If macro F1 is lower after training on synthetic episodes, these
#   do not fully replace recorded sounds. The lists above name the classes for which the experiment
#   shows a loss. Possible reasons are the differences in bandwidth and in the sounds: a synthetic
#   shout, for example, is a filtered pulse train with noise, or a distorted synthetic voice.
# - **The opposite direction.** The left panel of the figure shows how networks trained on mixed
#   episodes perform on synthetic episodes. If they perform worse there, the experiment cannot tell
#   whether the reason is the small number of clips or the difference between synthetic and recorded
#   sounds.
# - **Both together.** Compare the difference in macro F1 with that of the average over the classes
#   with more than two groups in the test subset. If both are clearly above zero, a small sound bank
#   is better used together with synthetic episodes than alone. If the second is close to zero, most
#   of the gain in macro F1 comes from classes that are tested on only one or two sound sources, and
#   it should not be expected for other classes. Single classes may behave differently; the section
#   "Replacing half of the training examples with synthetic ones" lists them.
#
# **Limitations.** Earlier versions of the network and its training were compared on synthetic
# test episodes, so the results on them may be optimistic. The results on mixed episodes depend on
# the sound bank: if a class has only one or two groups in the test subset, its result says little
# about sounds from other sources. Mixed episodes are limited to 7.5 kHz and synthetic ones to 9
# kHz, so the two corpora also differ in bandwidth. Rooms, levels and scripts are synthetic in both,
# so the results do not predict the performance on real broadcasts. In the sound bank behind the
# results that come with this repository, the clips of audience laughter that are mixtures of single
# laughs are all in the validation subset, while some of the same single laughs are clips of the
# class `laughing` in the other subsets. The validation results for laughter are therefore not
# independent of training and test.
