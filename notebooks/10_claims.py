# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Claims
#
# **Needs** the numbers of the chapters before. **Makes** a verdict on each claim of the paper that an experiment of this
# book can touch.
#
# **You will learn** to state a claim so that it can fail, and to judge it by a rule that was set before.
#
# The rule was set before the numbers were seen and stands in `book/claims.yml`: each claim is a difference, and its
# interval decides. All of it on the claim's side of zero: *supported*. All on the other side: *contradicted*. Zero
# inside: *not supported*, which is not the same as refuted; with more clips or seeds it may become either. No number,
# or a run too small to judge: *not attempted*.
#
# Intervals are over people. Where two *trainings* are compared the table also says how many seeds each has: with one, the
# difference is between two draws, and its verdict is provisional however narrow the interval.
#
# A verdict is about the data it was reached on. On the built-in corpus it says how the method behaves there; it
# neither confirms nor refutes a number of the paper's.

# %% tags=["parameters", "hide-input"]
profile = "demo"
overrides = []

# %% tags=["hide-input"]
import pandas as pd

from amdd.claims import claims, numbers, verdict
from amdd.figures.claims import forest
from amdd.notebook import open_notebook

nb = open_notebook("10_claims", profile, overrides)
nb.opening()

# %% tags=["hide-input"]
found = {}
for entry in claims():
    nb.reads(nb.workspace.results / entry["notebook"] / "numbers.json")
known = numbers(nb.workspace.results)
data = nb.profile.corpus.train + (" (built-in)" if not nb.profile.corpus.data else "")
rows = []
for entry in claims():
    number = known.get(f"{entry['notebook']}.{entry['number']}")
    measured = number is not None and "low" in number
    rows.append(
        {
            "claim": entry["claim"],
            "where": entry["where"],
            "in the paper": entry["paper"],
            "here": f"{number['value']:+.3f} [{number['low']:+.3f}, {number['high']:+.3f}]".replace(
                " ", "\u00a0"
            )
            if measured
            else "–",
            "n": number["n"] if measured else "–",
            "seeds": len(nb.profile.evaluation.seeds) if entry.get("trainings") else "–",
            "verdict": verdict(entry, number, nb.profile.evaluation.verdicts),
            "data": data,
            "id": entry["id"],
            "value": number["value"] if measured else float("nan"),
            "low": number["low"] if measured else float("nan"),
            "high": number["high"] if measured else float("nan"),
            "chapter": entry["notebook"],
        }
    )
table = pd.DataFrame(rows)

# %% [markdown]
# ## Verdicts

# %% tags=["hide-input"]
shown = ["claim", "where", "in the paper", "here", "n", "seeds", "verdict", "data"]
nb.results.table(
    "verdicts",
    table[shown],
    f"Each claim: the paper's value, the difference measured here with its 95 % interval, and the verdict. Seed {nb.profile.evaluation.seeds[0]}, profile {nb.profile.name}.",
)
for name in ("supported", "not supported", "contradicted", "not attempted"):
    nb.results.number(name.replace(" ", "_"), int((table.verdict == name).sum()), n=len(table))

# %% tags=["hide-input"]
nb.results.figure(
    "forest",
    forest(table),
    f"The differences that decide, with 95 % intervals; right of the line is the claim's side. {data}, profile {nb.profile.name}.",
)

# %% [markdown]
# The numbers come from [ablations](04_ablations), [cross-dataset evaluation](05_cross_dataset),
# [the embedding space](06_embedding_space) and [GradCAM](07_gradcam), where each is computed in the open.
#
# ## What can't be judged here
#
# The paper's absolute values on FakeAVCeleb need FakeAVCeleb. Comparisons with other methods (Table VII) are quoted
# from their papers there, on different subsets, and were not run again. One seed is one draw of the training: set
# `evaluation.seeds=0,1,2` for more.

# %% [markdown]
# ## Exercises
#
# **1.** Many claims, many chances to be lucky. Which verdicts survive if the error of five in a hundred is shared out
# among them all (Bonferroni)? Take the intervals for normal ones.
#
# **2.** Turn a claim round: what does the rule say to "the attribution loss *harms* attribution"?

# %% tags=["hide-cell", "solution"]
# Solution 1
from scipy.stats import norm

measured = table[table.value.notna()]
error = (measured.high - measured.low) / (2 * norm.ppf(0.975))
wide = norm.ppf(1 - 0.05 / (2 * max(len(measured), 1)))
measured.assign(survives=(measured.value.abs() - wide * error) > 0)[["id", "verdict", "survives"]]

# %% tags=["hide-cell", "solution"]
# Solution 2
number = known.get("04_ablations.attribution_loss.gain")
verdict({"holds_if": "negative"}, number, nb.profile.evaluation.verdicts)

# %% [markdown]
# ## Summary
#
# Of the claims, supported: {result}`10_claims.supported|plain`; not supported: {result}`10_claims.not_supported|plain`;
# contradicted: {result}`10_claims.contradicted|plain`; not attempted: {result}`10_claims.not_attempted|plain`.
