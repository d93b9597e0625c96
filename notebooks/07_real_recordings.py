# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 7. What holds for real recordings?
#
# **Question.** The default episodes are synthetic. How well does the same network do when it is
# trained and tested on episodes mixed from real recordings, how much of what it learns from
# synthetic ones holds for those, and what is lost?
#
# **In:** `reports/experiments/transfer.npz` and `.json`, the scores of networks trained on
# synthetic episodes, on episodes mixed by the same script from a sound bank of real recordings, and
# on both, each from several seeds. `sedlib experiment transfer` makes them from a sound bank of
# your own; the one used here cannot be distributed with this repository. **Out:**
# `reports/experiments/transfer_metrics.json`, figures in `reports/figures/07`.

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

plots.use_style()
pd.options.display.float_format = "{:.2f}".format

# %% tags=["parameters"]
params = load_params()
resamples = 2000  # of the test episodes

# %% [markdown]
# ## What was run
# A recording, and all that belong to it, sounds on one side of the split only. Rooms, levels,
# scripts and the sounds without a label are made as for the synthetic episodes.

# %%
stored, figures = repository() / "reports" / "experiments", workspace() / "reports/figures/07"
described = json.loads((stored / "transfer.json").read_text(encoding="utf-8"))
arrays = dict(np.load(stored / "transfer.npz"))
variants, seeds, classes = (described[key] for key in ("variants", "seeds", "classes"))
corpora, minutes = list(described["lengths"]), pd.Series(described["minutes"])
print(f"{len(variants)} variants x {len(seeds)} seeds, {described['epochs']} epochs of", end=" ")
print(f"{described['examples_per_epoch']} examples")
print(f"{minutes.sum() / 60:.1f} hours of training on {described['processor']}, one thread a run")
counts = pd.DataFrame(described["recordings_and_groups"]).T.loc[classes]
pd.concat(
    {
        "recordings": counts.map(lambda pair: pair[0]),
        "independent groups": counts.map(lambda pair: pair[1]),
    },
    axis=1,
)

# %% [markdown]
# How many recordings of each class there are to be drawn from on each side, and how many of them
# are independent of each other. A test class that rests on one or two groups is judged on one or
# two bells, or rooms full of people.

# %% [markdown]
# ## Judging
# Thresholds are chosen on the validation episodes of what a network was trained on: whoever has
# only synthetic episodes has no others. Test minutes and seeds are drawn again together, as in
# notebook 6, and with three seeds the 95 % intervals are somewhat short, as there.

# %%
samples, support = {}, {}
for variant, corpus in product(variants, corpora):
    own = [c for c in corpora if f"{variant}/{seeds[0]}/validation/{c}" in arrays]
    validation = [arrays[f"reference/{described['rule']}/validation/{c}"] for c in own]
    reference = arrays[f"reference/{described['rule']}/test/{corpus}"]
    support[corpus] = pd.Series(reference.sum(axis=0), classes)
    lengths = list(described["lengths"][corpus]["test"].values())
    weights = metrics.block_bootstrap(lengths, params.seed, n_resamples=resamples)
    runs = []
    for seed in seeds:
        estimated = [arrays[f"{variant}/{seed}/validation/{c}"] for c in own]
        thresholds = detection.choose_thresholds(*map(np.concatenate, (validation, estimated)))
        scores = arrays[f"{variant}/{seed}/test/{corpus}"]
        detected = scores >= thresholds
        runs.append(metrics.resampled_metrics(reference, detected, weights, classes, scores))
    samples[variant, corpus] = metrics.mean_over_seeds(runs, params.seed)
print(f"{len(samples)} pairs of training and test")

# %% [markdown]
# ## All classes together

# %%
rows = []
for (variant, corpus), of_pair in samples.items():
    found = metrics.confidence_intervals(of_pair).loc["macro"]
    row = {"trained on": variant, "tested on": corpus}
    for metric, name in (("f1", "macro F1"), ("average_precision", "mAP")):
        row |= {name: found.loc[metric, "estimate"]}
        row |= {f"{name} low": found.loc[metric, "low"], f"{name} high": found.loc[metric, "high"]}
    rows.append(row)
together = pd.DataFrame(rows).set_index(["tested on", "trained on"]).sort_index(ascending=False)
together

# %% [markdown]
# ## Class by class
# F1 on the test episodes, with 95 % intervals, beside the seconds that each class is heard there.

# %%
table = {}
for (variant, corpus), of_pair in samples.items():
    f1 = metrics.confidence_intervals(of_pair).xs("f1", level="metric").loc[classes]
    cells = [f"{e:.2f} [{low:.2f}, {high:.2f}]" for e, low, high in f1.iloc[:, :3].to_numpy()]
    table[f"tested on {corpus}", f"trained on {variant}"] = pd.Series(cells, classes)
for corpus in corpora:
    table[f"tested on {corpus}", "seconds"] = support[corpus]
table = pd.DataFrame(table)
table[[pair for corpus in corpora for pair in table if pair[0] == f"tested on {corpus}"]]

# %%
fig, axes = plt.subplots(1, len(corpora), figsize=(12, 5), sharey=True)
rows, colours = np.arange(len(classes)), list(plots.class_colours(classes).values())
for ax, corpus in zip(axes, corpora, strict=True):
    for variant, marker, shift in zip(variants, "osD", (-0.22, 0, 0.22), strict=True):
        f1 = metrics.confidence_intervals(samples[variant, corpus]).xs("f1", level="metric")
        f1 = f1.loc[classes]
        fill = colours if corpus == variant else "white"
        ax.hlines(rows + shift, f1["low"], f1["high"], color=colours, lw=1.3)
        ax.scatter(
            f1["estimate"], rows + shift, marker=marker, s=32, facecolor=fill, edgecolor=colours
        )
        ax.scatter([], [], marker=marker, facecolor="white", edgecolor="0.3", label=variant)
    ax.set(xlabel="F1", xlim=(-0.02, 1), title=f"tested on {corpus}")
axes[0].set(yticks=rows, yticklabels=classes)
axes[0].invert_yaxis()
axes[-1].legend(title="trained on", loc="lower right")
plots.save_figure(fig, figures / "by_class.png")
plt.show()

# %% [markdown]
# Circles: trained on synthetic episodes; squares: on recordings; diamonds: on both. Filled where
# training and test are of one kind.

# %% [markdown]
# ## What transfers
# On episodes of recordings: what is lost when the training episodes are synthetic, in F1 and in
# average precision. Where F1 is lost and average precision is not, the network ranks the seconds
# well and only its thresholds are off; where both are lost, it has not learnt that sound.

# %%
synthetic, recorded = corpora
lost = metrics.paired_differences(samples[recorded, recorded], samples[synthetic, recorded])
wanted = [*classes, "macro"]
pd.concat(
    {
        name: lost.xs(metric, level="metric").loc[wanted, ["difference", "low", "high"]]
        for metric, name in (("f1", "F1"), ("average_precision", "average precision"))
    },
    axis=1,
)

# %% [markdown]
# And what synthetic episodes add to recordings, when half of the examples are from each:

# %%
added = metrics.paired_differences(samples[recorded, recorded], samples["both", recorded])
added.xs("f1", level="metric").loc[wanted, ["first", "second", "difference", "low", "high"]].rename(
    columns={"first": "recordings", "second": "both"}
)

# %% [markdown]
# ## What is kept

# %%
kept = {}
for (variant, corpus), of_pair in samples.items():
    found = metrics.confidence_intervals(of_pair).xs("f1", level="metric").loc[wanted]
    bounds = found[["estimate", "low", "high"]].to_dict("index")
    kept.setdefault(corpus, {})[variant] = {
        label: row if row["estimate"] == row["estimate"] else None for label, row in bounds.items()
    }
target = workspace() / "reports" / "experiments" / "transfer_metrics.json"
target.parent.mkdir(parents=True, exist_ok=True)
write_json(kept, target)
print(f"F1 by test, training and class: {target.name}")

# %% [markdown]
# ## What was found
# - **What transfers.** A network that has heard only synthetic episodes finds speech, the audience
#   and, with some loss, music in recordings nearly as well as one trained on recordings; crashes,
#   knocks and laughs about as well, as far as so few seconds tell.
# - **What does not.** Shouting and doors: both precision curve and F1 are lost, so it is not the
#   thresholds. A voice synthesiser does not shout, it speaks high and loud, and a formula for a
#   latch is not a door. Clapping is ranked worse as well.
# - The other way round hardly anything but the frequent classes transfers. Whether some twenty
#   recordings of a sound teach those and not the sound, or the synthetic ones are unlike any,
#   cannot be told here.
# - So half of the examples synthetic and half recorded is better on recordings than recordings
#   alone, though not for shouting. That is what to do with a small bank of one's own.
#
# **Limits.** The bank decides: one bell in training and another in test are no statement about
# bells, and shouting in test comes from two groups. Episodes of recordings are limited to 7.5 kHz,
# synthetic ones to 9. Rooms, levels and scripts are synthetic in both, so this is not yet a
# broadcast.
