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
# # In-domain results
#
# **Question.** How well does the network detect and attribute fakes of people
# that it has not seen, made by generators that it knows?
#
# **Answer.** On {result}`data_preparation.data` the detector reaches an AUC of
# {result}`in_domain_results.full.auc` and a balanced accuracy of
# {result}`in_domain_results.full.balanced_accuracy`. The attribution head gives
# the correct class for {result}`in_domain_results.full.attribution_fakes` of the
# fakes, and the correct generator for
# {result}`in_domain_results.full.attribution_generators` when the class *real*
# is excluded (chance: {result}`in_domain_results.chance|plain`).
#
# **Needs** the trained run and the prepared clips. **Makes** predictions for the
# test clips and the figures based on them: results by generator (Table VI), ROC
# (Fig. 4), confusion (Fig. 5), scores (Fig. 6).
#
# **You will learn** to read {term}`AUC`, {term}`balanced accuracy` and
# {term}`attribution` side by side, each with its interval.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
import numpy as np

from amdd.analysis.media import median_clips, play
from amdd.analysis.tables import generator_table, metrics_table
from amdd.companion.notebook import open_notebook
from amdd.figures.detection import confusion, reliability, roc, scores
from amdd.figures.player import clip_player
from amdd.stats import per_generator

nb = open_notebook("in_domain_results", profile, overrides)
nb.opening()

# %% [markdown]
# ## All metrics
#
# The network predicts every test clip once. Intervals come from a
# {term}`bootstrap` over identities, since clips of one person are not
# independent.

# %%
clips = nb.clips()
run = nb.run("full")
predictions = nb.predict(run, clips, save_as=nb.train_name)
found = nb.metrics(predictions)
nb.table(
    "metrics",
    metrics_table(found),
    f"Every metric with its 95 % interval. {nb.note(predictions)}",
)

# %% tags=["remove-cell"]
nb.results.metrics("full", found, seed=nb.seed)
nb.number("chance", 1 / (len(run.profile.model.classes) - 1))

# %% [markdown]
# The paper reports {paper}`table5.full.bal_acc` balanced accuracy,
# {paper}`table5.full.auc` AUC and {paper}`table5.full.attribution` attribution
# accuracy on FakeAVCeleb. The data differ, so the values are not directly
# comparable.
#
# ## Results by generator

# %%
nb.table(
    "per_generator",
    generator_table(per_generator(predictions, nb.evaluation.threshold)),
    "Accuracy of detection with Wilson intervals, AUC against all reals, and "
    f"attribution, by generator (the form of Table VI). {nb.note(predictions)}",
)

# %%
nb.show(
    "roc",
    roc(predictions),
    "ROC curve of each generator against all reals (the form of Fig. 4). "
    f"{nb.note(predictions)}",
)

# %% [markdown]
# The confusion matrix shows which class the attribution head gives to the clips
# of each generator. A column without entries is a class that the head never
# predicts.

# %%
nb.show(
    "confusion",
    confusion(predictions, run.profile.model.classes),
    f"Attribution: true class by row (the form of Fig. 5). {nb.note(predictions)}",
)

# %% tags=["remove-cell"]
swapped = predictions[predictions.generator == "faceswap"]
if len(swapped):
    taken = (swapped.attribution == "fsgan").astype(float)
    taken -= swapped.attribution == "wav2lip"
    nb.number("faceswap.taken_for_fsgan", nb.mean(taken, swapped.identity))

# %% [markdown]
# ## Score distributions
#
# A threshold turns scores into decisions. The distribution of scores around it
# is more informative than the accuracy: it shows whether errors are near misses
# or confident mistakes.

# %%
nb.show(
    "scores",
    scores(predictions, nb.evaluation.threshold),
    f"Detection scores by class (the form of Fig. 6). {nb.note(predictions)}",
)

# %%
nb.show(
    "reliability",
    reliability(predictions),
    f"Observed share of fakes over predicted probability, in ten bins. "
    f"{nb.note(predictions)}",
)

# %% [markdown]
# The {term}`expected calibration error <ECE>` is
# {result}`in_domain_results.full.ece`.
#
# ## Play the clips
#
# One clip of each class: the one with the median score of its class. Each bar is
# the score when only that frame is shown to the network, together with the whole
# audio.

# %%
root = nb.corpus_root()
chosen = median_clips(predictions)
played = [play(run, clips, row) for row in chosen.itertuples()]
nb.show("player", clip_player(played))

# %% [markdown]
# ## Exercises
#
# ```{exercise} AUC without a library
# :label: ex-auc-pairs
#
# AUC is a probability. Compute it without any library, from all pairs of one
# real and one fake.
# ```

# %% [markdown]
# ````{solution-start} ex-auc-pairs
# :class: dropdown
# ````
# AUC is the share of pairs in which the fake scores higher; ties count one half.

# %% tags=["solution"]
reals = predictions.score[predictions.label == 0].to_numpy()
fakes = predictions.score[predictions.label == 1].to_numpy()
gaps = fakes[:, None] - reals[None]
pairs = np.mean((gaps > 0) + 0.5 * (gaps == 0))
print(f"pairs: {pairs:.4f}; library: {found.loc['auc', 'value']:.4f}")

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} Resampling clips instead of identities
# :label: ex-bootstrap-unit
#
# Resample *clips* instead of identities in the bootstrap. Is the interval of AUC
# wider or narrower, and why?
# ```

# %% [markdown]
# ````{solution-start} ex-bootstrap-unit
# :class: dropdown
# ````
# Without an identity every clip is a cluster of its own.

# %% tags=["solution"]
alone = nb.metrics(predictions.assign(identity="")).loc["auc"]
people = found.loc["auc"]
print(f"width over identities: {people.high - people.low:.3f}")
print(f"width over clips:      {alone.high - alone.low:.3f}")

# %% [markdown]
# ````{solution-end}
# ````
#
# These values come from a single training run. The next chapter measures how far
# other seeds lie from it and what each loss contributes;
# [cross-dataset evaluation](05_cross_dataset) tests unseen generators.
