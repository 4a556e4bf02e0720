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
# # Cross-dataset evaluation
#
# **Question.** Does the detector transfer to data from other generators, cameras
# and compression levels?
#
# **Answer.** Over the unseen conditions AUC lies between
# {result}`cross_dataset.auc.low` and {result}`cross_dataset.auc.high`; pooled it
# is {result}`cross_dataset.pooled.auc`. In-domain AUC minus pooled AUC is
# {result}`cross_dataset.transfer.drop`.
#
# **Needs** the full run and the prepared external corpora. **Makes** Table VIII
# and Fig. 7: unseen generators, another camera, other compression levels, short
# forged segments, forged audio.
#
# **You will learn** to read a cross-dataset table: what {term}`AUC`, accuracy
# and {term}`attribution` can and cannot say about unseen generators.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
import pandas as pd

from amdd.analysis.condition_tables import condition_table, conditions_of
from amdd.analysis.condition_tables import open_set_table, unseen_table
from amdd.analysis.open_set import open_set_scores, open_set_separation
from amdd.analysis.tables import SHOWN, differences
from amdd.analysis.transfer import transfer_differences, transfer_words
from amdd.companion.notebook import open_notebook
from amdd.figures.detection import conditions, scores

nb = open_notebook("cross_dataset", profile, overrides)
nb.opening()

# %% [markdown]
# Two numbers answer different questions. AUC says whether fakes score above
# reals at all. Accuracy at the fixed threshold also depends on whether the
# threshold still fits: if all scores shift together, accuracy collapses although
# the ranking is kept; at an AUC of one half no threshold helps.

# %%
run, clips = nb.run("full"), nb.clips()
known = nb.predict(run, clips)
prepared = {name: nb.clips(name) for name in nb.external}
predictions = {
    name: nb.predict(run, p, p.manifest.label >= 0, save_as=name)
    for name, p in prepared.items()
}

# %% [markdown]
# ## Table VIII
#
# Each condition is compared with all reals of its corpus.

# %%
parts = conditions_of(predictions)
found = {key: nb.metrics(part) for key, part in parts.items()}
table = condition_table(found, parts)
nb.table(
    "table_8",
    table.rename(columns=SHOWN),
    f"Unseen data by condition (the form of Table VIII). {nb.note()}",
)

# %%
if len(table):
    nb.show(
        "figure_7",
        conditions(table),
        f"Unseen data by condition (the form of Fig. 7). {nb.note()}",
    )

# %% tags=["remove-cell"]
for (name, condition), values in found.items():
    nb.results.metrics(f"{name}.{condition}", values, seed=nb.seed)
for key, column in (("auc", "auc"), ("fake", "fake_accuracy")):
    for end, value in (("low", table[column].min()), ("high", table[column].max())):
        missing = "not measured (no external corpus)"
        nb.number(f"{key}.{end}", float(value) if len(table) else missing)

# %% [markdown]
# The true-positive rate at the fixed threshold lies between
# {result}`cross_dataset.fake.low` and {result}`cross_dataset.fake.high`.
#
# ## Claims about transfer
#
# The paper claims that detection is far weaker on unseen data, that fakes of
# lower quality are easier to detect, and that reals are still classified as real.
# Each becomes a difference for each corpus, with an interval over people. Forgeries
# of a whole clip, of a part of it and of the audio alone are kept apart: a detector
# that misses two forged seconds need not miss a new generator. Two conditions of one
# corpus share their reals and people, so their difference is paired.

# %%
unseen = pd.concat([known.iloc[:0], *predictions.values()])
claims = transfer_differences(known, predictions, nb.difference)
named = {transfer_words(key): value for key, value in claims.items()}
pooled = "in-domain AUC - AUC on unseen data, pooled"
if len(unseen):
    named[pooled] = nb.difference(known, unseen)

# %%
nb.table(
    "transfer",
    differences(named, "difference"),
    f"Differences with 95 % intervals over people. {nb.note()}",
)

# %% tags=["remove-cell"]
missing = "not measured (no external corpus)"
for key, value in claims.items():
    nb.number(key, value)
nb.number("transfer.drop", named.get(pooled, missing))
if len(unseen):
    nb.results.metrics("pooled", nb.metrics(unseen), seed=nb.seed)
else:
    nb.number("pooled.auc", missing)

# %% [markdown]
# ## Results by generator

# %%
nb.table(
    "unseen",
    unseen_table(predictions, nb.evaluation.threshold),
    "Share of correct classifications with intervals over people, and the class "
    f"that the attribution head gives most often. {nb.note()}",
)

# %% [markdown]
# The attribution head has no class for unseen generators: it gives one of the
# known generators, or *real*.
#
# ## Open-set attribution
#
# The paper leaves {term}`open-set attribution` to future work. Two rules need no
# training: a low maximum softmax probability {cite}`softmax`, and a large k-NN
# distance to the training clips in the fused embedding {cite}`deepneighbours`.
# Each is tested on separating fakes of unseen generators from fakes of known
# ones. Unseen data also come from another camera, so the same test on *reals*
# serves as a control: a rule that separates reals equally well recognises the
# camera, not the generator.

# %%
scored = open_set_scores(run, clips, known, prepared, predictions)
separated = open_set_separation(scored, nb.metrics)
nb.table(
    "open_set",
    open_set_table(separated),
    "AUC of separating unseen from known clips, 95 % intervals over people; "
    f"0.5 is chance. {nb.note()}",
)

# %% tags=["remove-cell"]
for rule in ("maximum softmax probability", "k-NN distance"):
    for who in ("fakes", "reals"):
        value = separated.get((rule, who), (f"not measured (no such {who})", 0, 0))
        slug = rule.lower().replace("-", "_").replace(" ", "_")
        nb.number(f"open_set.{slug}.{who}", value[0])

# %% [markdown]
# Fakes of unseen generators are separated from known ones with an AUC of
# {result}`cross_dataset.open_set.maximum_softmax_probability.fakes` by the
# maximum softmax probability and
# {result}`cross_dataset.open_set.k_nn_distance.fakes` by the distance. For reals
# the values are
# {result}`cross_dataset.open_set.maximum_softmax_probability.reals` and
# {result}`cross_dataset.open_set.k_nn_distance.reals`. Only the excess of the
# first over the second can be attributed to the generator rather than to the
# dataset.
#
# ## Score distributions on unseen data

# %%
for name in nb.external[:1]:
    nb.show(
        "scores",
        scores(predictions[name], nb.evaluation.threshold),
        f"Detection scores on {name}, n = {len(predictions[name])}, seed {nb.seed}.",
    )

# %% [markdown]
# ## Forged audio
#
# FakeAVCeleb's category B has forged audio only, category D forged audio and
# video. No training clip had forged audio, so category B tests an unseen kind of
# forgery.

# %%
extra = clips.manifest[clips.manifest.split == "extra"]
audio = nb.predict(run, clips, extra).assign(category=extra.category.to_numpy())
rows = []
for category, part in audio.groupby("category"):
    rate = nb.share(part.score >= nb.evaluation.threshold, part)
    nb.number(f"category_{category}.found", rate)
    rows.append((category, len(part), rate.people, rate.value, *rate.interval))

# %%
columns = ["category", "n", "people", "true-positive rate", "from", "to"]
nb.table(
    "forged_audio",
    pd.DataFrame(rows, columns=columns),
    "Clips with forged audio: rate of detection with intervals over people (B: "
    f"audio only; D: audio and video). {nb.note()}",
)

# %% [markdown]
# ## Exercises
#
# ```{exercise} Closed-set attribution of unseen generators
# :label: ex-unseen-class
#
# A closed-set classifier gives every clip of an unseen generator one of its
# classes. Which one, for each generator?
# ```

# %% [markdown]
# ````{solution-start} ex-unseen-class
# :class: dropdown
# ````

# %% tags=["solution"]
fakes = unseen[unseen.label == 1]
pd.crosstab(fakes.generator, fakes.attribution)

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} Shift or loss of ranking?
# :label: ex-shift
#
# Does accuracy fall because scores shift or because the ranking is lost? Compare
# the quartiles of the fakes' scores by condition with the threshold.
# ```

# %% [markdown]
# ````{solution-start} ex-shift
# :class: dropdown
# ````

# %% tags=["solution"]
fakes.groupby("quality").score.describe()[["count", "25%", "50%", "75%"]]

# %% [markdown]
# ````{solution-end}
# ````
#
# The paper reports that transfer is difficult too: on the higher quality of
# DeepfakeTIMIT it detects {paper}`table8.timit_hq.fake` of the fakes.
