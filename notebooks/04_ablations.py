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
# # Ablations
#
# **Question.** What does each loss contribute to detection and attribution?
#
# **Answer.** In this run, the full model minus the model without the attribution
# loss is {result}`ablations.attribution_loss.auc_gain` in AUC and
# {result}`ablations.attribution_loss.gain` in attribution accuracy. A single pair
# of runs is one draw of the seed, and removing the attribution loss removes a
# second detection loss with it, so the first difference does not show that
# *naming* generators helps detection.
#
# **Needs** the prepared clips and the full run. **Makes** one run for each loss
# that is switched off, and from them Table V and Fig. 3.
#
# **You will learn** to distinguish a difference between two models from noise,
# and an untrained head from an uninformative embedding.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
from scipy.stats import binomtest

from amdd.analysis.embeddings import probe
from amdd.analysis.predict import embed
from amdd.analysis.study import outcomes
from amdd.analysis.study_tables import one_pair, shipped
from amdd.analysis.tables import ablation_table, by_seed_table
from amdd.analysis.tables import paired_table, probe_table, seed_table
from amdd.companion.notebook import open_notebook
from amdd.companion.results import measured
from amdd.figures.detection import ablation
from amdd.figures.seeds import seeds_figure
from amdd.stats import people_of
from amdd.training import VARIANTS, table_v

nb = open_notebook("ablations", profile, overrides)
nb.opening()

# %% [markdown]
# A loss is switched off by setting its weight to zero; nothing else changes.
# Each variant is trained with every seed of `evaluation.seeds` and predicts the
# same test clips.

# %% tags=["remove-stderr"]
clips = nb.clips()
plan = table_v(nb.evaluation.seeds)
wanted = [{"variant": v, "seed": s, "clips": clips} for v, s in plan]
runs = dict(zip(plan, nb.train_all(wanted, after="training")))
predictions = {key: nb.predict(run, clips) for key, run in runs.items()}
full = predictions["full", nb.seed]

# %% [markdown]
# ## Table V

# %%
nb.table(
    "table_5",
    ablation_table(predictions, nb.evaluation),
    f"Ablations (the form of Table V), means over seeds. {nb.note(full)}",
)

# %%
tables = {v: nb.metrics(predictions[v, nb.seed]) for v in VARIANTS}
nb.show(
    "figure_3",
    ablation(tables),
    "Ablations with 95 % intervals over people (the form of Fig. 3). "
    f"{nb.note(full)}",
)

# %% tags=["remove-cell"]
for variant, table in tables.items():
    nb.results.metrics(variant, table, seed=nb.seed)

# %% [markdown]
# ## Are the differences larger than noise?
#
# Two variants classify the same clips, so their difference is computed on pairs:
# {term}`McNemar's test` compares decisions (as if clips were independent), and a
# paired {term}`jackknife` over people compares metrics.
#
# With several seeds the difference is their mean and its interval covers both seeds and
# people; with one seed it covers people alone and cannot decide about a loss.


# %%
def against(variant, metric):
    runs = [
        [predictions[v, s] for s in nb.evaluation.seeds] for v in ("full", variant)
    ]
    return nb.over_runs(*runs, metric)


# %%
pairs = {}
for variant in list(VARIANTS)[1:]:
    other, loss = predictions[variant, nb.seed], variant.removeprefix("without_")
    in_auc, named = (against(variant, m) for m in ("auc", "attribution_fakes"))
    nb.number(f"{loss}_loss.auc_gain", in_auc)
    nb.number(f"{loss}_loss.gain", named)
    pairs[variant] = other, in_auc, named

# %%
nb.table(
    "paired",
    paired_table(full, pairs, nb.evaluation.threshold),
    f"The full model against each variant, 95 % intervals. {nb.note(full)}",
)

# %% [markdown]
# ## One draw among many
#
# The [study](16_regulariser) trained full and without attribution with
# {result}`ablations.study.pairs|plain` seeds each, on frozen backbones (the map of one
# block, where the profile `demo` takes several). By their spread, the prediction interval for the AUC difference of a
# single pair on the training generators is {result}`ablations.study.low` to
# {result}`ablations.study.high`. This run's pair, {result}`ablations.attribution_loss.auc_gain`,
# lies *{result}`ablations.study.place|plain`*. A run with other settings or data, or with
# a small test set, may lie outside without anything being wrong.

# %% tags=["remove-cell"]
data = shipped("attribution-frozen")
known = one_pair(outcomes(data.predictions, data.protocol), ("full", "none"))
mine = pairs["without_attribution"][1].value
nb.number("study.pairs", known.seeds)
nb.number("study.low", known.low)
nb.number("study.high", known.high)
inside = known.low <= mine <= known.high
nb.number("study.place", "inside" if inside else "outside")

# %% [markdown]
# ## Variation across seeds
#
# Intervals over people describe what other people would have changed, not
# what another seed would have: other initial weights and another order of clips.
# The second [study](16_regulariser) trained each variant of Table V with
# {result}`benchmarks/seed_spread.seeds|plain` common seeds on frozen backbones,
# separately from the run that this book shows. Here they are
# tested on the {result}`benchmarks/seed_spread.clips|plain` clips of its test corpus that
# are real or come from a training generator
# ({result}`benchmarks/seed_spread.people|plain` people). Each dot is one training run; the
# last panel shows attribution when the class *real* is excluded.

# %%
spread = measured("seed_spread")
shown = {"auc": "AUC", "attribution": "attribution"}
shown |= {"named": "attribution among generators"}
where = f"{spread['corpus']}, {spread['source']}, separate experiment."
nb.show(
    "seeds",
    seeds_figure(spread["by_seed"], shown, {"auc": 1 / 2, "named": 1 / 3}),
    f"Training runs with {len(spread['seeds'])} seeds per variant. {where}",
)

# %%
nb.table(
    "seed_spread",
    seed_table(spread, shown),
    "Mean over seeds with the lowest and highest value, and the difference from "
    f"the full model, paired by seed, with Student's 95 % interval. {where}",
)

# %% [markdown]
# If an interval contains zero, these seeds give no evidence of a difference,
# even if a single pair of runs suggests one.
#
# In all of these runs detection started. Where whole networks are trained, it did not
# always: of the first study's trainings without attribution
# {result}`regulariser.none.started` started. A run that has not started measures the
# optimisation, not the value of a loss for a trained detector.

# %% tags=["remove-cell"]
if len(nb.evaluation.seeds) > 1:
    nb.table(
        "by_seed",
        by_seed_table(predictions, nb.evaluation),
        f"Every training run of this book. {nb.note(full)}",
    )

# %% [markdown]
# ## Generator information in the embedding
#
# Without the attribution loss the attribution head is never trained, so its
# accuracy says nothing about the embedding. A linear probe does: a logistic
# regression on the frozen fused embedding of the test fakes, cross-validated over
# identities.

# %%
manifest = clips.manifest
fakes = manifest[(manifest.split == "test") & (manifest.label == 1)]
true, people = fakes.generator.to_numpy(), people_of(fakes)
probes = {}
for variant in VARIANTS:
    fused = embed(runs[variant, nb.seed], clips, fakes)["fused"]
    hits = probe(fused, true, people)
    probes[variant] = nb.share(hits, people[: len(hits)])

# %%
heads = {v: t.loc["attribution_fakes", "value"] for v, t in tables.items()}
nb.table(
    "probe",
    probe_table(probes, heads),
    "Attribution accuracy of a linear probe on the embedding, with intervals over "
    f"people, beside that of the head; n = {len(fakes)} test fakes. {nb.note()}",
)

# %% tags=["remove-cell"]
for variant, share in probes.items():
    nb.number(f"{variant}.probe", share.with_seed(nb.seed))

# %% [markdown]
# The probe reaches {result}`ablations.full.probe` on the full model's embedding
# and {result}`ablations.without_attribution.probe` on that of the model without
# the attribution loss, whose head gives the correct class for
# {result}`ablations.without_attribution.attribution_fakes`. The drop from
# {paper}`table5.full.attribution` to
# {paper}`table5.without_attribution.attribution` in the paper reflects an
# untrained head; it says nothing about the embedding.
#
# ## Exercises
#
# ```{exercise} How many clips make a difference?
# :label: ex-mcnemar-count
#
# Two models differ on a few clips, and each time the first one is correct. From
# how many such clips on is McNemar's p-value below 0.05?
# ```

# %% [markdown]
# ````{solution-start} ex-mcnemar-count
# :class: dropdown
# ````
# Under the null hypothesis each of the clips is won by either model with
# probability one half.

# %% tags=["solution"]
p = [binomtest(n, n, 0.5).pvalue for n in range(1, 11)]
next(n for n, value in enumerate(p, start=1) if value < 0.05)

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} A constant baseline
# :label: ex-constant-head
#
# What attribution accuracy does a constant prediction of the most frequent
# generator reach? How does the untrained head compare?
# ```

# %% [markdown]
# ````{solution-start} ex-constant-head
# :class: dropdown
# ````

# %% tags=["solution"]
constant = fakes.generator.value_counts(normalize=True).iloc[0]
print(f"constant prediction: {constant:.3f}")
print(f"untrained head:      {heads['without_attribution']:.3f}")

# %% [markdown]
# ````{solution-end}
# ````
