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
# **Question.** Which claims of the paper hold on these data?
#
# **Answer.** Of the claims, {result}`claims.supported|plain` are supported,
# {result}`claims.contradicted|plain` contradicted,
# {result}`claims.no_difference|plain` show no difference beyond a stated margin,
# {result}`claims.undecided|plain` are undecided and
# {result}`claims.not_attempted|plain` not attempted. A claim that compares two
# training runs gets no verdict from one seed.
#
# **Needs** the numbers of the preceding chapters. **Makes** a verdict on each claim
# that an experiment of this book can test.
#
# **You will learn** to state a claim so that it can fail, and to judge it by a rule
# that was fixed beforehand.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]

from amdd.companion.claims import claims, over_seeds_table, study_numbers
from amdd.companion.claims import verdict, verdict_table, verdicts
from amdd.companion.notebook import open_notebook
from amdd.companion.results import measured
from amdd.companion.verdicts import CONTRADICTED, MARGIN, NO_DIFFERENCE, UNDECIDED
from amdd.companion.verdicts import VERDICTS
from amdd.figures.claims import forest
from amdd.stats import Estimate, holm, p_value

nb = open_notebook("claims", profile, overrides)
nb.opening()

# %% [markdown]
# Most claims are a difference, and its 95 % interval over people decides:
#
# - *supported* or *contradicted*: the interval excludes zero on the claim's side, or
#   on the other;
# - *no difference beyond the margin*: two one-sided tests place it within the margin
#   of equivalence, {result}`claims.margin|plain` in AUC unless the claim states another;
# - *undecided*: anything else, which is not a refutation; always for a difference
#   between two *training runs* with one seed, since one training is one draw, and
#   while the [study](16_regulariser) that a claim rests on is not finished;
# - *not attempted*: no number, other data, or a run that is too small to judge.
#
# A claim about each of several corpora fails if it fails in one. The rule is in
# `amdd/companion/verdicts.py`, the claims with their margins in
# `amdd/companion/claims.yml`. A *value* of the paper, such as its AUC on FakeAVCeleb,
# is compared only with a run on that dataset, within a stated tolerance.
#
# A verdict concerns the data on which it was reached. On the built-in corpus it
# describes the method's behaviour there; it neither confirms nor refutes a number of
# the paper.
#
# ## Verdicts

# %%
tested = [entry for entry in claims() if "number" in entry]
topics = {entry["topic"] for entry in tested if "study" not in entry}
known = nb.numbers_of(sorted(topics)) | study_numbers()
table = verdicts(known, nb.profile)

# %%
unseen = ", ".join(nb.external) or "none"
nb.table(
    "verdicts",
    verdict_table(table),
    "Each claim: the paper's value, the value measured here with its 95 % interval, "
    f"and the verdict. Unseen data: {unseen}. {nb.note()} Values link to the table "
    "that shows them.",
    links={"here": table.address.tolist()},
)

# %% tags=["remove-cell"]
for name in VERDICTS:
    key = name.removesuffix(" beyond the margin").replace(" ", "_")
    nb.number(key, int((table.verdict == name).sum()), n=len(table))
nb.number("margin", MARGIN)

# %%
nb.show(
    "forest",
    forest(table[table.difference & table.value.notna()]),
    "The differences that decide, with 95 % intervals; the claim's side is to the "
    f"right of the line. {nb.note()}",
)

# %% [markdown]
# ## Verdicts over seeds
#
# A single pair of training runs is one draw of the seed. The second
# [study](16_regulariser) trained the full model and each variant with several seeds,
# separately from this run. These intervals are over seeds alone, on the same clips; those
# above are over people. A claim is robust only if both exclude zero on the same side.

# %%
spread = measured("seed_spread")
nb.table(
    "over_seeds",
    over_seeds_table(table, spread, nb.profile),
    "Differences between training runs, over people and over the seeds "
    f"{', '.join(map(str, spread['seeds']))}; {spread['corpus']}, "
    f"{spread['source']}.",
)

# %% [markdown]
# The numbers come from [Ablations](04_ablations),
# [Cross-dataset evaluation](05_cross_dataset),
# [The embedding space](06_embedding_space) and [Grad-CAM](07_gradcam).
#
# ## What did not reproduce, and why
#
# Claims that this run does not support. The last column gives a possible reason, which
# is not tested here.

# %%
fell = table[table.verdict.isin([CONTRADICTED, NO_DIFFERENCE, UNDECIDED])]
columns = ["claim", "in the paper", "here", "verdict", "why"]
nb.table(
    "not_reproduced",
    fell[columns].rename(columns={"why": "a possible reason (untested)"}),
    f"{len(fell)} of {len(table)} claims. {nb.note()}",
    links={"here": fell.address.tolist()},
)

# %% [markdown]
# ## What cannot be judged here
#
# The paper's absolute values on FakeAVCeleb need FakeAVCeleb. Comparisons with other
# methods (Table VII) are quoted from their papers, on different subsets, and were not
# run again. More seeds per variant: `evaluation.seeds=0,1,2`. The study of the central
# question, with placebos, is planned in `book/studies/attribution.yml`.
#
# ## Exercises
#
# ```{exercise} Multiple comparisons
# :label: ex-bonferroni
#
# Which differences survive Holm's correction at the 5 % level?
# ```

# %% [markdown]
# ````{solution-start} ex-bonferroni
# :class: dropdown
# ````

# %% tags=["solution"]
numbers = table.value.notna() & table.difference
tested = table[numbers & (table.people != "–")]  # not those over trainings
p = {
    row.id: p_value(Estimate(row.value, row.low, row.high, people=row.people))
    for row in tested.itertuples()
}
tested.assign(p=p.values(), adjusted=holm(p).values())[
    ["id", "verdict", "p", "adjusted"]
]

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} The opposite claim
# :label: ex-opposite-claim
#
# State the opposite of a claim: which verdict does the rule give to "the attribution
# loss *harms* attribution"?
# ```

# %% [markdown]
# ````{solution-start} ex-opposite-claim
# :class: dropdown
# ````

# %% tags=["solution"]
record = nb.numbers_of(["ablations"]).get("ablations.attribution_loss.gain")
number = Estimate.from_record(record) if record else None
verdict({"holds_if": "negative"}, number, nb.evaluation.verdicts)

# %% [markdown]
# ````{solution-end}
# ````
