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
# # Open choices
#
# **Question.** Do the choices that the paper leaves open change the results?
#
# **Answer.** Among the choices tried in this run, validation AUC differs by at most
# {result}`open_choices.spread` after {result}`open_choices.epochs|plain` epochs (means
# over {result}`open_choices.seeds|plain` seeds);
# {result}`open_choices.distinguished|plain` of
# {result}`open_choices.tried|plain` differ from the default by more than their
# interval. In a separate, longer experiment
# {result}`benchmarks/open_choices.distinguished|plain` of
# {result}`benchmarks/open_choices.choices|plain` do; its largest difference from the
# default is {result}`benchmarks/open_choices.largest`.
#
# An *open choice* is a setting that the paper does not state, or a passage that can
# be read in two ways.
#
# **Needs** the prepared clips. **Makes** short training runs that differ in one
# choice each, and their metrics on the *validation* clips.
#
# **You will learn** what a paper leaves open, and how to examine it without the test
# clips.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
import pandas as pd
import torch

from amdd.analysis.choices import DEFAULT, chosen, slug
from amdd.analysis.over_seeds import seeds_table
from amdd.analysis.tables import differences
from amdd.companion.notebook import open_notebook
from amdd.companion.results import measured
from amdd.companion.short_runs import (
    predict_seeds,
    short_note,
    short_profile,
    train_seeds,
)
from amdd.figures.choices import choices_figure
from amdd.model import CrossModalAttention
from amdd.profiles import replaced

nb = open_notebook("open_choices", profile, overrides)
nb.opening()

# %% [markdown]
# The paper states neither learning rate nor weight decay nor the number of frames.
# Three of its parts can be read in two ways: attention between two pooled vectors or
# between their tokens, fingerprint consistency over each clip's own pair or over all
# pairs of a generator, and a sampler that draws as many reals as fakes or as many as
# of each generator.
#
# ## Attention over a single key
#
# Read as written, each modality's vector attends to the other's single vector. A
# softmax over one score is one, so the query has no effect and half of the module is
# never trained. With tokens it is attention in the full sense.

# %%
torch.manual_seed(0)
d = nb.profile.model.dim
visual, audio, other = (torch.randn(4, n, d) for n in (8, 16, 8))


def effect_of_query(module):
    """Return the largest change of the output when the query is replaced."""

    def output(v):
        return module(v.mean(1), audio.mean(1), v, audio)[0]

    return float((output(visual) - output(other)).abs().max())


# %%
moved = {}
for kind in ("pooled", "tokens"):
    settings = replaced(nb.profile, {"model.cross_modal": kind}).model
    with torch.no_grad():
        moved[kind] = effect_of_query(CrossModalAttention(settings).eval())
nb.table(
    "single_key",
    pd.DataFrame({"reading": list(moved), "largest change": list(moved.values())}),
    "Largest change of the attention's output when the query is replaced.",
    digits=6,
)

# %% tags=["remove-cell"]
nb.number("single_key.moved", moved["pooled"])

# %% [markdown]
# Replacing the query changes the output of the attention as written by
# {result}`open_choices.single_key.moved|plain`: it is a linear map of the other
# modality.
#
# ## One choice at a time
#
# Short runs, few clips, and each choice trained once for every seed. Such a study cannot
# rank the choices; it can show whether one of them would overturn the results. Only
# validation clips are used, so nothing is tuned on the test clips.

# %% tags=["remove-stderr"]
clips = nb.clips()
validation = clips.manifest.split == "val"
wanted = {}
for name in (DEFAULT, *nb.evaluation.studies):
    settings, data = chosen(short_profile(nb), clips, name)
    folder = "plain-short" if name == DEFAULT else f"choice-{slug(name)}"
    wanted[name] = {"clips": data, "profile": settings, "name": folder}
predictions = {
    name: predict_seeds(nb, runs, wanted[name]["clips"], validation)
    for name, runs in train_seeds(nb, wanted).items()
}

# %%
seeds = nb.evaluation.study_seeds
shown = ["brier_skill", "attribution_fakes", "attribution_generators"]
table = seeds_table(predictions, "choice", seeds, nb.evaluation, shown)
default = predictions[DEFAULT]
note = short_note(nb, default[0], "validation clips")
nb.table(
    "choices",
    table,
    f"Short runs that differ in one choice, 95 % intervals over seeds and people. {note}",
)

# %%
nb.show(
    "choices",
    choices_figure(table),
    f"Validation AUC by choice: means, 95 % intervals, and each seed (small). {note}",
)

# %% [markdown]
# All choices are evaluated on the same clips and trained from the same seeds, so the
# paired difference from the default decides.

# %%
others = [name for name in predictions if name != DEFAULT]
gains = {name: nb.over_runs(predictions[name], default) for name in others}
nb.table(
    "gains",
    differences(gains, "AUC, choice - default"),
    f"Each choice against the default on the same clips. {note}",
)

# %% tags=["remove-cell"]
for name, gain in gains.items():
    nb.number(slug(name).replace("-", "_") + ".auc_gain", gain)
nb.number("epochs", nb.evaluation.study_epochs)
nb.number("seeds", len(seeds))
nb.number("n", int(validation.sum()))
nb.number("tried", len(gains))
nb.number("spread", float(table.AUC.max() - table.AUC.min()), n=len(default[0]))
nb.number("distinguished", sum(g.excludes_zero for g in gains.values()))

# %% [markdown]
# If an interval contains zero, these clips and seeds give no evidence of a difference.
#
# ## Longer runs
#
# Short runs favour what learns fast. `benchmarks/open_choices.py` trained more choices for
# {result}`benchmarks/open_choices.epochs|plain` epochs and
# {result}`benchmarks/open_choices.seeds|plain` seeds, separately from this run, and
# evaluated them on {result}`benchmarks/open_choices.clips|plain` validation clips of the
# built-in corpus.

# %%
long = measured("open_choices")
full = pd.DataFrame(long["choices"])
numbers = long["numbers"]
where = f"{long['corpus']}, n = {numbers['clips']['value']}, seeds {long['seeds']}"
nb.show(
    "longer",
    choices_figure(full),
    f"Validation AUC after {numbers['epochs']['value']} epochs, 95 % intervals over seeds "
    f"and people. {where}, profile {long['profile']}; separate experiment.",
)

# %%
nb.table(
    "longer_gains",
    pd.DataFrame(long["gains"]),
    f"Each choice against the default, paired by seed and clip. {where}.",
)

# %%
nb.table(
    "longer_table",
    full,
    f"The values by themselves, with attribution. {where}.",
    fold="Table: the values by themselves, with attribution",
)

# %% [markdown]
# ## Exercises
#
# ```{exercise} Untrained parameters
# :label: ex-untrained-parameters
#
# How many of the network's parameters does the attention as written leave untrained?
# ```

# %% [markdown]
# ````{solution-start} ex-untrained-parameters
# :class: dropdown
# ````
# Two directions, each with a query and a key projection of $d \times d$ weights and $d$
# biases.

# %% tags=["solution"]
untrained = 2 * 2 * (d * d + d)
print(f"{untrained / 1e6:.2f} million")

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} Chance findings
# :label: ex-chance-findings
#
# With as many choices as were compared here, how probable is at least one difference
# at the 5 % level by chance, if each were tested on its own clips?
# ```

# %% [markdown]
# ````{solution-start} ex-chance-findings
# :class: dropdown
# ````

# %% tags=["solution"]
print(f"{len(gains)} choices: {1 - 0.95 ** len(gains):.2f}")

# %% [markdown]
# ````{solution-end}
# ````
