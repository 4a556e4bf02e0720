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
# # Ablations
#
# **Needs** the prepared clips and the full run. **Makes** three more runs, each with one loss switched off, and
# Table V and Fig. 3 from them.
#
# **You will learn** to tell a difference between two models from noise, and an untrained head from an ignorant
# embedding.
#
# A loss is switched off by giving it the weight zero; nothing else changes. Without the attribution loss the
# attribution head is never trained, so what it says is noise: its accuracy tells nothing about what the embedding
# knows. A linear probe on the frozen embedding does.

# %% tags=["parameters", "hide-input"]
profile = "demo"
overrides = []

# %% tags=["hide-input"]
import pandas as pd

from amdd.analysis.embeddings import linear_probe
from amdd.analysis.predict import embed, metrics, predict
from amdd.figures.detection import ablation
from amdd.figures.seeds import seeds_figure
from amdd.stats import mcnemar, over_seeds, paired_bootstrap, wilson
from amdd.companion.notebook import open_notebook
from amdd.data.prepare import open_prepared
from amdd.companion.results import measured
from amdd.training import VARIANTS, train

nb = open_notebook("04_ablations", profile, overrides)
nb.opening()

# %%
train_name = nb.profile.corpus.train
e = nb.profile.evaluation
prepared = open_prepared(nb.reads(nb.workspace.prepared / train_name))
runs, predictions = {}, {}
for variant in VARIANTS:
    for seed in e.seeds:
        folder = nb.workspace.runs / f"{variant}-seed{seed}"
        runs[variant, seed] = train(nb.profile, prepared, folder, seed, variant)
        if variant == "full" and seed == e.seeds[0]:
            nb.reads(folder / "weights.safetensors")
        else:
            nb.writes(folder / "weights.safetensors")
        predictions[variant, seed] = predict(
            runs[variant, seed], prepared, prepared.manifest.split == "test", train_name
        )

# %% [markdown]
# ## Table V

# %% tags=["hide-input"]
first = e.seeds[0]
tables = {v: metrics(predictions[v, first], e.threshold, e.bootstrap, e.confidence) for v in VARIANTS}
note = f"{train_name}, n = {len(predictions['full', first])} test clips, profile {nb.profile.name}"
rows = []
for variant, table in tables.items():
    nb.results.metrics(variant, table, seed=first)
    values = over_seeds([metrics(predictions[variant, s], e.threshold, 0) for s in e.seeds])
    rows.append({"variant": variant, "seeds": len(e.seeds), **values["mean"].to_dict()})
shown = [
    "variant",
    "seeds",
    "balanced_accuracy",
    "auc",
    "f1",
    "real_accuracy",
    "fake_accuracy",
    "attribution_fakes",
    "attribution_generators",
]
nb.results.table(
    "table_5", pd.DataFrame(rows)[shown], f"Ablations (the form of Table V), mean over seeds. {note}."
)

# %% tags=["hide-input"]
nb.results.figure(
    "figure_3",
    ablation(tables),
    f"Ablations with 95 % intervals over people (the form of Fig. 3). {note}, seed {first}.",
)

# %% [markdown]
# ## Are the differences real?
#
# Each variant against the full model on the same clips: {term}`McNemar's test` on verdicts, and a paired {term}`bootstrap` of
# the AUC.

# %%
rows = []
for variant in list(VARIANTS)[1:]:
    test = mcnemar(predictions["full", first], predictions[variant, first], e.threshold)
    named = mcnemar(predictions["full", first], predictions[variant, first], what="attribution")
    gap = paired_bootstrap(predictions["full", first], predictions[variant, first], "auc", draws=e.bootstrap)
    rows.append(
        {
            "variant": variant, "only full right": test["only_first"], "only variant right": test["only_second"], "p (detection)": test["p"],
            "p (attribution)": named["p"], "AUC full - variant": gap.value, "low": gap.low, "high": gap.high,
        }
    )  # fmt: skip
nb.results.table("paired", pd.DataFrame(rows), f"The full model against each variant. {note}, seed {first}.")

# %% tags=["hide-input"]
# What the chapter "Claims" judges: each loss's worth, as a paired difference over people.
for variant in list(VARIANTS)[1:]:
    pair = predictions["full", first], predictions[variant, first]
    loss = variant.removeprefix("without_") + "_loss"
    nb.results.difference(
        f"{loss}.gain", paired_bootstrap(*pair, "attribution_fakes", draws=e.bootstrap), first
    )
    nb.results.difference(f"{loss}.auc_gain", paired_bootstrap(*pair, "auc", draws=e.bootstrap), first)

# %% [markdown]
# ## Another seed
#
# Intervals over people say what other people would have changed. They do not say what another seed would have: other
# first weights, another order of clips. `benchmarks/seed_spread.py` trained each variant of the profile `demo` with
# {result}`benchmarks/seed_spread.seeds|plain` seeds and tested all on the same
# {result}`benchmarks/seed_spread.clips|plain` clips of the built-in corpus, apart from the run that this book shows.
# Each dot is one training. The last panel asks of each fake only which generator made it, whatever the head gives to
# "real".

# %% tags=["hide-input"]
spread = measured("seed_spread")
shown = {"auc": "AUC", "attribution": "attribution", "named": "attribution among generators"}
nb.results.figure(
    "seeds",
    seeds_figure(spread["by_seed"], shown, {"auc": 1 / 2, "named": 1 / 3}),
    f"Trainings with {len(spread['seeds'])} seeds a variant, {spread['corpus']}, "
    f"n = {spread['numbers']['clips']['value']} test clips, profile {spread['profile']}; measured apart from this run.",
)

# %% tags=["hide-input"]
rows, told = [], spread["numbers"]
for variant in spread["by_seed"]:
    row = {"variant": variant.replace("_", " ")}
    for measure, title in shown.items():
        one, gap = told[f"{variant}.{measure}"], told.get(f"{variant}.{measure}.gap")
        row[title] = f"{one['value']:.3f} ({one['least']:.3f}–{one['most']:.3f})"
        if measure != "named":
            row[f"full ahead by, {title}"] = (
                f"{gap['value']:+.3f} [{gap['low']:+.3f}, {gap['high']:+.3f}]" if gap else "–"
            )
    rows.append(row)
nb.results.table(
    "seed_spread",
    pd.DataFrame(rows),
    f"Mean over {len(spread['seeds'])} seeds with the lowest and the highest; by how much the full model is ahead, "
    "paired by seed, with Student's 95 % interval.",
)

# %% [markdown]
# Where an interval holds zero, these seeds do not tell the two apart, whatever one pair of trainings says.
#
# Some trainings end with every test clip on the same side of the threshold, a balanced accuracy of exactly one half:
# {result}`benchmarks/seed_spread.full.at_chance|plain` of {result}`benchmarks/seed_spread.seeds|plain` of the full
# network, {result}`benchmarks/seed_spread.without_attribution.at_chance|plain` without attribution,
# {result}`benchmarks/seed_spread.without_fingerprint.at_chance|plain` without fingerprint consistency and
# {result}`benchmarks/seed_spread.without_contrastive.at_chance|plain` without the contrastive loss.

# %% tags=["hide-input"]
if len(e.seeds) > 1:
    rows = [
        {"variant": v, "seed": s, **metrics(predictions[v, s], e.threshold, 0)["value"][["auc", "balanced_accuracy", "attribution_fakes", "attribution_generators"]]}
        for v in VARIANTS
        for s in e.seeds
    ]  # fmt: skip
    nb.results.table("by_seed", pd.DataFrame(rows), f"This run, seed by seed. {note}.")

# %% [markdown]
# ## What the embedding knows
#
# A logistic regression on the frozen fused embedding of the test fakes, cross-validated over people, names the
# generator. It needs no attribution head.

# %%
part = prepared.manifest.split == "test"
fakes = prepared.manifest[part & (prepared.manifest.label == 1)]
rows = []
for variant in VARIANTS:
    fused = embed(runs[variant, first], prepared, fakes)["fused"]
    named = linear_probe(fused, fakes.generator.to_numpy(), fakes.identity.to_numpy())
    right = int((named == fakes.generator.to_numpy()).sum())
    share = wilson(right, len(fakes)).with_seed(first)
    nb.results.number(f"{variant}.probe", share)
    head = float(tables[variant].loc["attribution_fakes", "value"])
    rows.append(
        {
            "variant": variant,
            "probe": share.value,
            "low": share.low,
            "high": share.high,
            "attribution head": head,
        }
    )
nb.results.table(
    "probe",
    pd.DataFrame(rows),
    f"A linear probe beside the attribution head, n = {len(fakes)} test fakes of {train_name}.",
)

# %% [markdown]
# ## Exercises
#
# **1.** Two models differ on a few clips, and each time the first is right. From how many such clips on is McNemar's
# p-value below five in a hundred?
#
# **2.** How good is naming the same generator always? And how far above that is the head that was never trained?

# %% tags=["hide-cell", "solution"]
# Solution 1
from scipy.stats import binomtest

next(n for n in range(1, 50) if binomtest(n, n, 0.5).pvalue < 0.05)

# %% tags=["hide-cell", "solution"]
# Solution 2
most = fakes.generator.value_counts(normalize=True).iloc[0]
untrained = tables["without_attribution"].loc["attribution_fakes", "value"]
print(f"always the same: {most:.3f}; the untrained head: {untrained:.3f}")

# %% [markdown]
# ## Summary
#
# Without the attribution loss the head names {result}`04_ablations.without_attribution.attribution_fakes` of the
# fakes rightly, a linear probe on the same embedding {result}`04_ablations.without_attribution.probe`; with the
# loss the probe reaches {result}`04_ablations.full.probe`. The paper's collapse, from
# {paper}`table5.full.attribution` to {paper}`table5.without_attribution.attribution`, is the head's.
