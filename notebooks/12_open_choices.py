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
# # Open choices
#
# **Needs** the prepared clips. **Makes** short trainings that differ in one choice each, and their measures on the
# *validation* clips.
#
# **You will learn** what a paper leaves open, and how to look at it without touching the test clips.
#
# The paper states neither learning rate nor weight decay nor the number of frames, and three of its parts can be read
# in two ways: attention between two single vectors or between their tokens, fingerprint consistency over each
# clip's own pair or over all pairs of a generator, and a sampler that draws as many reals as fakes or as many as of
# each generator. Each choice is tried here, briefly, with everything else as it is.
#
# This is a small study: short trainings, one seed, few clips. It can't rank the choices; it shows whether one could
# overturn the results. Only validation clips are looked at, so nothing here is tuned on a test split.

# %% tags=["parameters", "hide-input"]
profile = "demo"
overrides = []

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
import torch

from amdd.analysis.choices import DEFAULT, chosen, slug
from amdd.analysis.predict import metrics, predict
from amdd.figures.choices import choices_figure
from amdd.stats import mean_bootstrap, paired_bootstrap
from amdd.model import CrossModalAttention
from amdd.companion.notebook import open_notebook
from amdd.data.prepare import open_prepared
from amdd.profiles import replaced
from amdd.companion.results import measured
from amdd.training import train

nb = open_notebook("12_open_choices", profile, overrides)
nb.opening()

# %% [markdown]
# ## Attention over a single key
#
# Read as written, each modality's vector attends to the other's single vector. A softmax over one score is one, so the
# query plays no part and half of the module is never trained. With tokens it is attention in the full sense.

# %%
torch.manual_seed(0)
d, n, m = nb.profile.model.dim, 8, 16
visual, audio = torch.randn(4, n, d), torch.randn(4, m, d)
rows = []
for kind in ("pooled", "tokens"):
    module = CrossModalAttention(replaced(nb.profile, {"model.cross_modal": kind}).model).eval()
    call = lambda v: module(v.mean(1), audio.mean(1), v, audio)[0]  # noqa: E731
    with torch.no_grad():
        moved = float((call(visual) - call(torch.randn_like(visual))).abs().max())
    call(visual).sum().backward()
    query = module.visual_to_audio.in_proj_weight.grad[: 2 * d].abs().max()
    rows.append(
        {
            "cross_modal": kind,
            "largest change when the query is replaced": moved,
            "largest gradient of query and key weights": float(query),
        }
    )
nb.results.table("single_key", pd.DataFrame(rows), "What the query does in the two readings.", digits=6)
nb.results.number("single_key.moved", rows[0]["largest change when the query is replaced"])

# %% [markdown]
# ## One choice at a time

# %%
e, train_name = nb.profile.evaluation, nb.profile.corpus.train
prepared = open_prepared(nb.reads(nb.workspace.prepared / train_name))
validation = prepared.manifest.split == "val"
seed = e.seeds[0]
short = replaced(nb.profile, {"training.epochs": e.study_epochs})
told = {}
for name in (DEFAULT, *e.studies):
    settings, clips = chosen(short, prepared, name)
    folder = "plain-short" if name == DEFAULT else f"choice-{slug(name)}"
    run = train(settings, clips, nb.workspace.runs / f"{folder}-seed{seed}", seed)
    told[name] = predict(run, clips, validation)

# %% tags=["hide-input"]
rows = []
for name, table in told.items():
    found = metrics(table, e.threshold, e.bootstrap, e.confidence)
    loss = mean_bootstrap(
        np.logaddexp(0, np.where(table.label == 1, -table.logit, table.logit)), table.identity, e.bootstrap
    )
    rows.append(
        {
            "choice": name, "n": len(table), "AUC": found.loc["auc", "value"], "from": found.loc["auc", "low"],
            "to": found.loc["auc", "high"], "loss": loss.value, "loss from": loss.low, "loss to": loss.high,
            "attribution": found.loc["attribution_fakes", "value"],
        }
    )  # fmt: skip
table = pd.DataFrame(rows)
n, default = int(validation.sum()), told[DEFAULT]
note = (
    f"{train_name}, n = {n} validation clips, {e.study_epochs} epochs, seed {seed}, profile {nb.profile.name}"
)
nb.results.table(
    "choices", table, f"Short trainings that differ in one choice, with intervals over people. {note}."
)
nb.results.number("epochs", e.study_epochs)
nb.results.number("n", n)
nb.results.number("tried", len(table) - 1)
nb.results.number("spread", float(table.AUC.max() - table.AUC.min()), n=n, seed=seed)

# %% tags=["hide-input"]
nb.results.figure(
    "choices", choices_figure(table), f"AUC on validation clips by choice, 95 % intervals. {note}."
)

# %% [markdown]
# The same clips judge every choice, so what counts is the paired difference from the default, over people.

# %% tags=["hide-input"]
rows = []
for name in [c for c in told if c != DEFAULT]:
    gap = paired_bootstrap(told[name], default, "auc", draws=e.bootstrap)
    nb.results.difference(slug(name).replace("-", "_") + ".auc_gain", gap, seed)
    rows.append(
        {
            "choice": name, "AUC gain": gap.value, "from": gap.low, "to": gap.high,
            "can be told from the default": "no" if gap.low <= 0 <= gap.high else "yes",
        }
    )  # fmt: skip
gains = pd.DataFrame(rows)
nb.results.table("gains", gains, f"Each choice against the default on the same clips. {note}.")
nb.results.number("told_apart", int((gains["can be told from the default"] == "yes").sum()))

# %% [markdown]
# Between the best and the worst choice AUC differs by {result}`12_open_choices.spread` after
# {result}`12_open_choices.epochs|plain` epochs. A choice whose interval of the gain holds zero can't be told from the
# default by these clips; of {result}`12_open_choices.tried|plain` choices {result}`12_open_choices.told_apart|plain`
# can. An interval here covers the choice of people and not that of the seed, which may move AUC as much.
#
# ## At full length
#
# Short trainings favour what learns fast. `benchmarks/open_choices.py` trained the values that the paper does not state,
# learning rate, weight decay, frames and mel bands, for all epochs of the profile `demo`, apart from the run that this
# book shows, and looked at {result}`benchmarks/open_choices.clips|plain` validation clips. One seed each: what lies
# within the spread of seeds in the chapter [Ablations](04_ablations) is no difference.

# %% tags=["hide-input"]
long = measured("open_choices")
full = pd.DataFrame(long["choices"])
nb.results.figure(
    "full_length",
    choices_figure(full),
    f"AUC on validation clips after {long['epochs']} epochs, 95 % intervals over people. {long['corpus']}, "
    f"n = {long['numbers']['clips']['value']}, seed {long['seed']}, profile {long['profile']}; measured apart from this run.",
)
nb.results.table(
    "full_length_table",
    full,
    f"The same as a table, with attribution. Epochs: {long['epochs']}, seed {long['seed']}.",
)

# %% [markdown]
# ## Exercises
#
# **1.** How many of the network's parameters does reading the attention as written leave untrained?
#
# **2.** With as many choices as were compared here, by chance alone, how probable is it that at least one looks
# different at the level of five in a hundred, if each were tested on clips of its own?

# %% tags=["hide-cell", "solution"]
# Solution 1
query_and_key = 2 * 2 * (d * d + d)  # two directions, two projections each, with their biases
print(f"{query_and_key / 1e6:.2f} million")

# %% tags=["hide-cell", "solution"]
# Solution 2
compared = len(told) - 1
print(f"{compared} choices: {1 - 0.95**compared:.2f}")

# %% [markdown]
# ## Summary
#
# Replacing the query changes the output of the attention as written by {result}`12_open_choices.single_key.moved|plain`:
# it is a linear map of the other modality. What the paper leaves open moves the AUC of short trainings by
# {result}`12_open_choices.spread` on {result}`12_open_choices.n|plain` validation clips. The test clips took no part.
