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
# # Claims
#
# **Needs** the numbers of the chapters before. **Makes** a verdict on each claim of the paper that an experiment of this
# book can touch.
#
# **You will learn** to state a claim so that it can fail, and to judge it by a rule that was set before.
#
# The rule stands in `book/claims.yml`: most claims are a difference, and its interval decides. All of it on the claim's side of zero: *supported*. All on the other side: *contradicted*. Zero
# inside: *not supported*, which is not the same as refuted; with more clips or seeds it may become either. No number,
# or a run too small to judge: *not attempted*.
#
# Intervals are over people. Where two *trainings* are compared the table also says how many seeds each has: with one, the
# difference is between two draws, and its verdict is provisional however narrow the interval. What several seeds say
# stands in a table of its own.
#
# A *value* of the paper's, such as its AUC on FakeAVCeleb, is compared with a run on that data set only, within a
# tolerance that the file states; on any other data it is not attempted.
#
# A verdict is about the data it was reached on. On the built-in corpus it says how the method behaves there; it
# neither confirms nor refutes a number of the paper's.

# %% tags=["parameters", "hide-input"]
profile = "demo"
overrides = []

# %% tags=["hide-input"]
import pandas as pd

from amdd.companion.claims import claims, numbers, verdict
from amdd.figures.claims import forest
from amdd.companion.notebook import open_notebook
from amdd.companion.results import anchor, measured

nb = open_notebook("10_claims", profile, overrides)
nb.opening()

# %% tags=["hide-input"]
found = {}
for entry in claims():
    nb.reads(nb.workspace.results / entry["notebook"] / "numbers.json")
known = numbers(nb.workspace.results)
unseen = ", ".join(nb.profile.corpus.external) + ("" if nb.profile.corpus.data else " (built-in)")
data = nb.profile.corpus.train + (" (built-in)" if not nb.profile.corpus.data else "")
rows = []
for entry in claims():
    number = known.get(f"{entry['notebook']}.{entry['number']}")
    corpus = nb.profile.corpus.train
    comparable = entry["holds_if"] != "within" or entry["needs"] == corpus
    judged = number is not None and "low" in number and comparable
    shown = "" if entry["holds_if"] == "within" else "+"
    rows.append(
        {
            "claim": entry["claim"],
            "where": entry["where"],
            "in the paper": entry["paper"],
            "here": f"{number['value']:{shown}.3f} [{number['low']:{shown}.3f}, {number['high']:{shown}.3f}]".replace(
                " ", "\u00a0"
            )
            if judged
            else "–",
            "n": number["n"] if judged else "–",
            "seeds": len(nb.profile.evaluation.seeds) if entry.get("trainings") else "–",
            "verdict": verdict(entry, number, nb.profile.evaluation.verdicts, corpus),
            "data": data,
            "id": entry["id"],
            "value": number["value"] if judged else float("nan"),
            "low": number["low"] if judged else float("nan"),
            "high": number["high"] if judged else float("nan"),
            "chapter": entry["notebook"],
            "difference": entry["holds_if"] != "within",
            "address": f"{entry['notebook']}.html#{anchor(entry['number'])}"
            if judged and entry["holds_if"] != "within"
            else "",
            "why": entry["if_not"],
        }
    )
table = pd.DataFrame(rows)

# %% [markdown]
# ## Verdicts

# %% tags=["hide-input"]
shown = ["claim", "where", "in the paper", "here", "n", "seeds", "verdict"]
nb.results.table(
    "verdicts",
    table[shown],
    f"Each claim: the paper's value, the difference measured here with its 95 % interval, and the verdict; trained on {data}, unseen data: {unseen}. Seed {nb.profile.evaluation.seeds[0]}, profile {nb.profile.name}. Each value leads to the cell that computed it.",
    links={"here": table.address.tolist()},
)
for name in ("supported", "not supported", "contradicted", "not attempted"):
    nb.results.number(name.replace(" ", "_"), int((table.verdict == name).sum()), n=len(table))

# %% tags=["hide-input"]
nb.results.figure(
    "forest",
    forest(table[table.difference]),
    f"The differences that decide, with 95 % intervals; right of the line is the claim's side. {data}, profile {nb.profile.name}.",
)

# %% [markdown]
# ### The same over seeds
#
# Where two trainings are compared, one pair of them is one draw. `benchmarks/seed_spread.py` trained full network and
# variant with several seeds on the built-in corpus, apart from the run that this book shows. Its interval is over seeds,
# the one above over people: a claim that stands on both feet has both on its side of zero.

# %% tags=["hide-input"]
spread = measured("seed_spread")
rows = []
for entry, row in zip(claims(), table.itertuples()):
    gap = spread["numbers"].get(entry.get("spread", ""))
    if gap and not nb.profile.corpus.data:
        own = verdict(entry, gap, nb.profile.evaluation.verdicts, data)
        rows.append(
            {
                "claim": row.claim,
                "this run": row.here,
                "verdict over people": row.verdict,
                "over seeds": f"{gap['value']:+.3f} [{gap['low']:+.3f}, {gap['high']:+.3f}]".replace(" ", "\u00a0"),
                "seeds": gap["seeds"],
                "verdict over seeds": own,
            }
        )  # fmt: skip
nb.results.table(
    "over_seeds",
    pd.DataFrame(rows, columns=["claim", "this run", "verdict over people", "over seeds", "seeds", "verdict over seeds"]),
    f"Differences between trainings, over people and over seeds {', '.join(map(str, spread['seeds']))}; {spread['corpus']}, "
    f"profile {spread['profile']}.",
)  # fmt: skip

# %% [markdown]
# The numbers come from [ablations](04_ablations), [cross-dataset evaluation](05_cross_dataset),
# [the embedding space](06_embedding_space) and [GradCAM](07_gradcam), where each is computed in the open.
#
# ## What did not reproduce, and why
#
# Claims that this run does not support, or contradicts. The last column is a guess at the reason; nothing here tests
# it.

# %% tags=["hide-input"]
fell = table[table.verdict.isin(["not supported", "contradicted"])]
nb.results.table(
    "not_reproduced",
    fell[["claim", "in the paper", "here", "verdict", "why"]].rename(
        columns={"why": "a possible reason (untested)"}
    ),
    f"Of {len(table)} claims, {len(fell)} were not supported or contradicted on {data}.",
    links={"here": fell.address.tolist()},
)

# %% [markdown]
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

measured = table[table.value.notna() & table.difference]
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
