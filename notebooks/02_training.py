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
# # Training
#
# **Question.** How is AMDD trained, and how is a checkpoint selected without
# the test clips?
#
# **Answer.** The network was trained on
# {result}`training.train_clips|plain` clips with the sum of five losses; the
# checkpoint of epoch {result}`training.best_epoch|plain` of
# {result}`training.epochs|plain` was selected on
# {result}`training.val_clips|plain` validation clips. The test clips are first
# used in [in-domain results](03_in_domain_results).
#
# **Needs** the prepared clips of [data preparation](01_data_preparation).
# **Makes** the training run of the full model: weights, history and record.
#
# **You will learn** the initial value of each loss, and how the checkpoint is
# selected.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
import dataclasses
import math

import pandas as pd

from amdd.analysis.hyperparameters import hyperparameters
from amdd.companion.notebook import open_notebook
from amdd.figures.detection import curves
from amdd.model import AMDD, summary
from amdd.training import side_by_side, table_v

nb = open_notebook("training", profile, overrides)
nb.opening()

# %% [markdown]
# Algorithm 1 of the paper is short. For each batch, one forward pass gives the
# detection logit, the attribution logits and two projections. The five losses
# are summed, the gradient is clipped at norm one, and the optimiser takes a
# step; the generators' centroids are updated afterwards. The loop is in
# `amdd/training/loop.py`.
#
# ## Size of the network
#
# The parameter count of each component beside the paper's Table I. Profiles
# with other backbones differ in the rows of the two encoders only.

# %%
settings = dataclasses.replace(
    nb.profile.model, weights="random", generators=nb.generators()
)
model = AMDD(settings)
sizes = summary(model)
nb.table(
    "parameters",
    sizes.rename(columns={"table_1": "Table I (millions)"}),
    f"Parameters with {nb.profile.model.visual_backbone} and "
    f"{nb.profile.model.audio_backbone}, beside the paper's Table I.",
    digits=2,
)

# %% tags=["remove-cell"]
nb.number("parameters", float(sizes.millions.iloc[-1]), unit="million")

# %% [markdown]
# ## Hyperparameters
#
# Table IV of the paper leaves learning rate and weight decay open, and the text
# does not state the number of frames and mel bands, among others. The values marked
# *ours* fill these gaps or depart from the paper, each with its reason; the chapter
# [Open choices](12_open_choices) tries others on validation clips.

# %%
nb.table(
    "hyperparameters",
    hyperparameters(nb.profile),
    f"Hyperparameters of the profile {nb.profile.name} (the form of Table IV).",
)

# %% [markdown]
# ## The training run
#
# A run that is finished is loaded, an interrupted one continues from its last
# checkpoint and ends with the same weights. On a processor, two trainings with
# one thread each are faster than one after the other with two threads, so variants that
# [Ablations](04_ablations) needs are trained beside this one, one a core.

# %% tags=["remove-stderr"]
clips = nb.clips()
ahead = table_v(nb.evaluation.seeds)[: side_by_side(nb.profile)]
run = nb.train_all([{"variant": v, "seed": s, "clips": clips} for v, s in ahead])[0]

# %% tags=["remove-cell"]
facts = run.record
nb.number("best_epoch", int(facts["best_epoch"]))
nb.number("epochs", int(facts["epochs"]))
nb.number("train_clips", int(facts["clips"]["train"]))
nb.number("val_clips", int(facts["clips"]["val"]))
nb.number("steps", int(facts["steps"]))
nb.number("minutes", facts["seconds"] / 60, unit="min")
rule = facts["selection"].replace("_", " ")
nb.number("selection", "last epoch" if rule == "last" else rule)
nb.number("precision", f"{facts['precision']} ({facts['precision_reason']})")
nb.number("device", facts["device"])

# %% tags=["remove-cell"]
by_epoch = run.history.set_index("epoch")
best = int(by_epoch.validation_auc.idxmax())
nb.number("by_auc", best)
if "validation_named" in by_epoch:  # not in runs of earlier versions
    nb.number("named.by_auc", float(by_epoch.validation_named[best]))
    nb.number("named.last", float(by_epoch.validation_named.iloc[-1]))
else:
    nb.number("named.by_auc", "not recorded")
    nb.number("named.last", "not recorded")
nb.number("visual_weights", facts["weights"]["visual"])
nb.number("audio_weights", facts["weights"]["audio"])

# %% [markdown]
# The run took {result}`training.steps|plain` steps and
# {result}`training.minutes|plain` on {result}`training.device|plain`, in
# {result}`training.precision|plain`. Rule for the checkpoint:
# {result}`training.selection|plain`. Initial weights of the two backbones:
# {result}`training.visual_weights|plain`;
# {result}`training.audio_weights|plain`.

# %%
n = run.record["clips"]
nb.show(
    "curves",
    curves(run.history),
    f"Losses on {n['train']} training clips (left) and metrics on {n['val']} "
    f"validation clips (right) by epoch. {nb.note()}",
)

# %% [markdown]
# With $\alpha = 0.75$ the {term}`focal loss` gives fakes three times the weight
# of reals, while the sampler draws both equally often. Scores are therefore
# biased towards fake at first, and AUC rises before balanced accuracy at the
# fixed threshold does.
#
# The choice of the checkpoint decides about attribution as well: of the validation
# fakes the last epoch names {result}`training.named.last|plain` among generators;
# the epoch of the highest validation AUC, another usual choice, is epoch
# {result}`training.by_auc|plain` and names {result}`training.named.by_auc|plain`.
# The paper does not say which checkpoint its attribution figures come from.
#
# ## Exercises
#
# ```{exercise} The initial losses
# :label: ex-initial-losses
#
# An uninformative network gives every class the same probability. What are the
# attribution loss and the contrastive loss of such a network, and how close is
# the first epoch to these values?
# ```

# %% [markdown]
# ````{solution-start} ex-initial-losses
# :class: dropdown
# ````
# A uniform distribution over $m$ alternatives has cross-entropy $\log m$: the
# classes for attribution, the clips of a batch for contrast.

# %% tags=["solution"]
first = run.history.iloc[0]
classes = len(run.profile.model.classes)
batch = run.profile.training.batch_size
pd.DataFrame(
    {
        "uninformative": [math.log(classes), math.log(batch)],
        "first epoch": [first.attribution, first.contrastive],
    },
    index=["attribution", "contrastive"],
)

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} Another selection rule
# :label: ex-selection-rule
#
# Which epoch would the validation *loss* have selected, and which the validation
# AUC?
# ```

# %% [markdown]
# ````{solution-start} ex-selection-rule
# :class: dropdown
# ````

# %% tags=["solution"]
history = run.history
by_loss = int(history.epoch[history.validation_loss.idxmin()])
print(f"by loss: epoch {by_loss}; by AUC: epoch {best}")

# %% [markdown]
# ````{solution-end}
# ````
