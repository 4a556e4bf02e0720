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
# # In-domain results
#
# **Needs** the trained run and the prepared clips. **Makes** predictions for the test clips and every figure on
# them: per generator (Table VI), ROC (Fig. 4), confusion (Fig. 5), scores (Fig. 6).
#
# **You will learn** to read AUC, balanced accuracy and attribution side by side, each with its interval.
#
# Intervals come from a bootstrap over people: clips of one person are not independent of each other.

# %% tags=["parameters", "hide-input"]
profile = "demo"
overrides = []

# %% tags=["hide-input"]
import numpy as np

from amdd.evaluation import metrics, per_generator, predict
from amdd.figures.detection import confusion, reliability, roc, scores
from amdd.notebook import open_notebook
from amdd.prepare import open_prepared
from amdd.runs import load_run

nb = open_notebook("03_in_domain_results", profile, overrides)
nb.opening()

# %%
train_name = nb.profile.corpus.train
e = nb.profile.evaluation
prepared = open_prepared(nb.reads(nb.workspace.prepared / train_name))
run_dir = nb.workspace.runs / f"full-seed{e.seeds[0]}"
nb.reads(run_dir / "weights.safetensors")
run = load_run(run_dir)
predictions = predict(run, prepared, prepared.manifest.split == "test", train_name)
nb.writes(run_dir / "predictions" / f"{train_name}.parquet")
found = metrics(predictions, e.threshold, e.bootstrap, e.confidence)
nb.results.metrics("full", found, seed=e.seeds[0])
note = f"{train_name}, n = {len(predictions)} test clips, seed {e.seeds[0]}, profile {nb.profile.name}."
nb.results.table("metrics", found.reset_index(), f"Every measure with its 95 % interval. {note}")

# %% [markdown]
# Balanced accuracy is {result}`03_in_domain_results.full.balanced_accuracy`, AUC
# {result}`03_in_domain_results.full.auc`. Of the fakes, {result}`03_in_domain_results.full.attribution_fakes` are
# given to the right generator. The paper reports {paper}`table5.full.bal_acc`, {paper}`table5.full.auc` and
# {paper}`table5.full.attribution` on FakeAVCeleb: other people, other forgers, so these figures stand beside ours,
# not against them.
#
# ## By generator

# %% tags=["hide-input"]
table = per_generator(predictions, e.threshold)
nb.results.table(
    "per_generator",
    table,
    f"Detection, AUC and attribution by generator, Wilson intervals (the form of Table VI). {note}",
)

# %% tags=["hide-input"]
nb.results.figure("roc", roc(predictions), f"ROC by generator (the form of Fig. 4). {note}")

# %% tags=["hide-input"]
classes = ["real", *nb.profile.model.generators]
nb.results.figure("confusion", confusion(predictions, classes), f"Attribution (the form of Fig. 5). {note}")

# %% [markdown]
# ## Scores
#
# A threshold turns scores into verdicts. How the scores lie around it says more than the verdicts do.

# %% tags=["hide-input"]
nb.results.figure("scores", scores(predictions, e.threshold), f"Scores by class (the form of Fig. 6). {note}")

# %% tags=["hide-input"]
nb.results.figure("reliability", reliability(predictions), f"Calibration in ten bins. {note}")

# %% [markdown]
# The expected calibration error is {result}`03_in_domain_results.full.ece`.

# %% [markdown]
# ## Exercises
#
# **1.** AUC is a probability. Compute it without any library, from pairs of one real and one fake.
#
# **2.** Draw *clips* instead of people in the bootstrap. Is the interval of AUC wider or narrower, and why?

# %% tags=["hide-cell", "solution"]
# Solution 1
reals = predictions.score[predictions.label == 0].to_numpy()
fakes = predictions.score[predictions.label == 1].to_numpy()
pairs = fakes[:, None] - reals[None]
print(
    f"by pairs {np.mean((pairs > 0) + 0.5 * (pairs == 0)):.4f}, by the library {found.loc['auc', 'value']:.4f}"
)

# %% tags=["hide-cell", "solution"]
# Solution 2
alone = predictions.assign(identity=[f"clip {k}" for k in range(len(predictions))])
clips = metrics(alone, e.threshold, e.bootstrap, e.confidence).loc["auc"]
people = found.loc["auc"]
print(f"over people {people.high - people.low:.3f} wide, over clips {clips.high - clips.low:.3f}")

# %% [markdown]
# ## Summary
#
# On people it never saw, but on generators that it knows, the network reaches an AUC of
# {result}`03_in_domain_results.full.auc`. What each loss has to do with that is the next chapter's question; what
# happens with unknown generators is the question of the one after.
