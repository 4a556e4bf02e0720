# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Thresholds and base rates
#
# **Needs** the predictions of the full run. **Makes** what a threshold does to every measure, in domain and on unseen
# data, and what a verdict is worth where fakes are rare.
#
# **You will learn** what a {term}`threshold` and a base rate do to the meaning of a verdict.
#
# This chapter goes beyond the paper. Its tables are read at one fixed threshold, and on unseen data that threshold
# decides more than the network does: all called real or all called fake, with the same order of scores.

# %% tags=["parameters", "hide-input"]
profile = "demo"
overrides = []

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from IPython.display import HTML, display

from amdd.figures.threshold import base_rates, curves_over_threshold, predictive_value, slider, sweep
from amdd.stats import balanced_accuracy, wilson
from amdd.companion.notebook import open_notebook

nb = open_notebook("11_thresholds", profile, overrides)
nb.opening()

# %%
e, train_name = nb.profile.evaluation, nb.profile.corpus.train
folder = nb.workspace.runs / f"full-seed{e.seeds[0]}" / "predictions"
predictions = {name: pd.read_parquet(nb.reads(folder / f"{name}.parquet")) for name in nb.corpora()}
table = predictions[train_name]
found = sweep(table.label, table.score)
note = f"{train_name}, n = {len(table)} test clips, seed {e.seeds[0]}, profile {nb.profile.name}."

# %% [markdown]
# ## Drag it

# %% tags=["hide-input"]
reals, fakes = table.score[table.label == 0].to_numpy(), table.score[table.label == 1].to_numpy()
display(HTML(slider(found, reals, fakes, e.threshold)))

# %% tags=["hide-input"]
nb.results.figure(
    "curves", curves_over_threshold(found, e.threshold), f"Every measure over the threshold. {note}"
)

# %% [markdown]
# ## The collapse
#
# For each corpus: balanced accuracy at the fixed threshold, and at the best threshold *for that corpus*. The best one
# can't be known without its labels, so the second column is not a result but a bound: what the order of the scores
# would allow. Where the two are far apart the scores moved; where both are near one half there is no order to use.

# %%
rows = []
for name, part in predictions.items():
    curve = sweep(part.label, part.score)
    best = curve.loc[curve["balanced accuracy"].idxmax()]
    rows.append(
        {
            "corpus": name,
            "n": len(part),
            "at the fixed threshold": balanced_accuracy(part.label, part.score >= e.threshold),
            "at the best (needs labels)": best["balanced accuracy"],
            "the best threshold": best["threshold"],
            "median score of reals": part.score[part.label == 0].median(),
            "median score of fakes": part.score[part.label == 1].median(),
        }
    )
nb.results.table(
    "collapse", pd.DataFrame(rows), f"Balanced accuracy at two thresholds, by corpus. Seed {e.seeds[0]}."
)

# %% [markdown]
# ## What "fake" is worth
#
# A test set of this kind is one third to two thirds fakes. A stream of videos is not. By Bayes' theorem, with
# $s$ the share of fakes that are found, $r$ the share of reals that pass, and $b$ the share of fakes among all,
#
# $$P(\text{forged} \mid \text{called fake}) = \frac{s\,b}{s\,b + (1 - r)(1 - b)}.$$

# %%
s = float((fakes >= e.threshold).mean())
r = float((reals < e.threshold).mean())
nb.results.number("found", wilson(int((fakes >= e.threshold).sum()), len(fakes)), seed=e.seeds[0])
nb.results.number("passed", wilson(int((reals < e.threshold).sum()), len(reals)), seed=e.seeds[0])
rare, even = predictive_value(s, r, np.array([0.001, 0.5]))
nb.results.number("worth.rare", float(rare))
nb.results.number("worth.even", float(even))
nb.results.figure(
    "base_rates", base_rates(s, r), f"What the verdict 'fake' is worth over the base rate. {note}"
)

# %% [markdown]
# With the shares of this run, {result}`11_thresholds.found` and {result}`11_thresholds.passed`, the verdict *fake* is right
# with probability {result}`11_thresholds.worth.even|plain` where half of all clips are forged, and
# {result}`11_thresholds.worth.rare|plain` where one in a thousand is. Nearly all alarms are then false, though nothing
# about the detector has changed. Whoever shows such a verdict to others owes them the base rate.
#
# ## Are errors evenly spread?
#
# False alarms by group, on the built-in corpus, where groups are balanced by construction.

# %% tags=["hide-input"]
parts = table.assign(alarm=table.score >= e.threshold)
rows = []
for group, part in parts[parts.label == 0].groupby("group"):
    low, high = wilson(int(part.alarm.sum()), len(part)).interval
    rows.append(
        {"group": group, "reals": len(part), "called fake": part.alarm.mean(), "low": low, "high": high}
    )
nb.results.table(
    "groups", pd.DataFrame(rows), f"Reals called fake, by group, with 95 % Wilson intervals. {note}"
)

# %% [markdown]
# With so few clips in each group the intervals are wide, and no difference between groups can be read from them. That is
# the point: a claim of fairness needs as many clips as a claim of accuracy.

# %% [markdown]
# ## Exercises
#
# **1.** How common must fakes be for the verdict "fake" to be right in half of all cases?
#
# **2.** A platform tolerates one false alarm in twenty reals. Where must the threshold be, and how many fakes are then
# still found?

# %% tags=["hide-cell", "solution"]
# Solution 1
# s b = (1 - r)(1 - b), solved for b
print(f"{(1 - r) / max(s + 1 - r, 1e-9):.4f}")

# %% tags=["hide-cell", "solution"]
# Solution 2
fine = found[found["reals called real"] >= 0.95].iloc[0]
print(f"threshold {fine.threshold:.2f}: {fine['fakes found']:.2f} of the fakes are found")

# %% [markdown]
# ## Summary
#
# AUC, balanced accuracy and the worth of a verdict are three different things. A detector can keep the first while it
# loses the second to a shift of its scores, and the third to the rarity of fakes.
