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
# # Training
#
# **Needs** the prepared clips of the chapter before. **Makes** the run `full-seed0`: weights, history and record.
#
# **You will learn** what each loss starts from, and how the kept epoch is chosen without looking at the test
# clips.
#
# Algorithm 1 of the paper: for each batch, one forward pass gives the detection logit, the attribution logits and
# two projections; five losses are summed; the gradient is clipped; the generators' centroids move. The loop stands
# in `amdd/training.py` and fits on a screen.

# %% tags=["parameters", "hide-input"]
profile = "demo"
overrides = []

# %% tags=["hide-input"]
import pandas as pd

from amdd.figures.detection import curves
from amdd.model import AMDD, summary
from amdd.companion.notebook import open_notebook
from amdd.data.prepare import open_prepared
from amdd.training import train

nb = open_notebook("02_training", profile, overrides)
nb.opening()

# %% [markdown]
# ## The network's size
#
# Beside the paper's Table I. On a profile with another visual trunk that row differs; everything else is the
# paper's.

# %% tags=["hide-input"]
import dataclasses

sizes = summary(AMDD(dataclasses.replace(nb.profile.model, weights="random")))
nb.results.table(
    "parameters",
    sizes.rename(columns={"table_1": "Table I (millions)"}),
    f"Parameters with {nb.profile.model.visual_backbone} and {nb.profile.model.audio_backbone}, beside the paper's Table I.",
    digits=2,
)
nb.results.number("parameters", float(sizes.millions.iloc[-1]), unit="million")

# %% [markdown]
# ## Hyper-parameters
#
# The paper's Table IV leaves learning rate and weight decay open, and its text the frames and mel bands. What
# stands here for those is ours, with the reason beside it; [open choices](12_open_choices) tries others.

# %% tags=["hide-input"]
t, losses, p = nb.profile.training, nb.profile.training.loss, nb.profile.preparation
rows = [
    ("detection loss weight", losses.detection, "Eq. 8", ""), ("attribution loss weight", losses.attribution, "Table IV", ""),
    ("contrastive loss weight", losses.contrastive, "Table IV", ""), ("fingerprint loss weight", losses.fingerprint, "Table IV", ""),
    ("centroid loss weight", losses.centroid, "Table IV", ""), ("focal alpha", losses.focal_alpha, "Table IV", ""),
    ("focal gamma", losses.focal_gamma, "Table IV", ""), ("contrastive temperature", losses.temperature, "Table IV", ""),
    ("centroid momentum", losses.momentum, "Table IV", ""), ("batch size", t.batch_size, "Table IV", ""),
    ("epochs", t.epochs, "Table IV says 50", "fewer where the profile is for minutes"), ("gradient clip norm", t.clip_norm, "Table IV", ""),
    ("learning rate", t.learning_rate, "ours", "neighbours with pretrained trunks take 1e-5 to 1e-3: their geometric middle"),
    ("weight decay", t.weight_decay, "ours", "neighbours take 1e-5 to 5e-4, two of them 1e-4"),
    ("frames per clip", p.frames, "ours", "neighbours take 10; a step costs in proportion"),
    ("mel bands", p.n_mels, "ours", "64 and 128 are usual; 64 make a picture half as large"),
    ("crop size", p.size, "ours", "224 is what the trunk was trained with; half of it is four times cheaper"),
    ("dropout", nb.profile.model.dropout, "ours", "the paper has it in the heads and gives no rate; the middle of the usual 0.1 to 0.5"),
]  # fmt: skip
table = pd.DataFrame(
    [(a, f"{b:g}", c, d) for a, b, c, d in rows],
    columns=["hyper-parameter", "value here", "where from", "why"],
)
nb.results.table(
    "hyperparameters", table, f"Hyper-parameters of the profile {nb.profile.name} (the form of Table IV)."
)

# %% [markdown]
# ## The run

# %%
train_name = nb.profile.corpus.train
prepared = open_prepared(nb.reads(nb.workspace.prepared / train_name))
seed = nb.profile.evaluation.seeds[0]
run_dir = nb.workspace.runs / f"full-seed{seed}"
run = train(nb.profile, prepared, run_dir, seed)
for part in ("weights.safetensors", "config.json", "history.parquet"):
    nb.writes(run_dir / part)

# %% tags=["hide-input"]
facts = run.record
print("\n".join(facts["weights"].values()))
print(f"{facts['device']}, {facts['precision']} ({facts['precision_reason']}), {facts['threads']} threads")
print(
    f"{facts['steps']} steps, {facts['seconds']:.0f} s, best epoch {facts['best_epoch']} of {facts['epochs']} by {facts['selection']}"
)
nb.results.number("best_epoch", int(facts["best_epoch"]), seed=seed)
nb.results.number("epochs", int(facts["epochs"]))
nb.results.number("train_clips", int(facts["clips"]["train"]))
nb.results.number("val_clips", int(facts["clips"]["val"]))
nb.results.number("visual_weights", facts["weights"]["visual"])
nb.results.number("audio_weights", facts["weights"]["audio"])

# %% tags=["hide-input"]
n = facts["clips"]["val"]
nb.results.figure(
    "curves",
    curves(run.history),
    f"Training on {facts['clips']['train']} clips of {train_name}, seed {seed}; validation on {n} clips.",
)

# %% [markdown]
# {term}`Focal loss <focal loss>` lays three quarters of its weight on fakes, while the sampler draws as many reals as
# fakes. Scores therefore lean towards fake at first, and AUC rises before balanced accuracy at the fixed threshold does.

# %% [markdown]
# ## Exercises
#
# **1.** A network that knows nothing gives every class the same probability. What are the attribution loss and the
# contrastive loss then, and how near does the first epoch come to that?
#
# **2.** Which epoch would the validation *loss* have chosen instead of the validation AUC?

# %% tags=["hide-cell", "solution"]
# Solution 1
import math

first = run.history.iloc[0]
classes, batch = len(nb.profile.model.generators) + 1, nb.profile.training.batch_size
pd.DataFrame(
    {
        "knows nothing": [math.log(classes), math.log(batch)],
        "first epoch": [first.attribution, first.contrastive],
    },
    index=["attribution", "contrastive"],
)

# %% tags=["hide-cell", "solution"]
# Solution 2
history = run.history
print(
    f"by loss epoch {int(history.epoch[history.validation_loss.idxmin()])}, by AUC epoch {facts['best_epoch']}"
)

# %% [markdown]
# ## Summary
#
# The network was trained on {result}`02_training.train_clips|plain` clips; the epoch that is kept,
# {result}`02_training.best_epoch|plain` of {result}`02_training.epochs|plain`, was chosen on
# {result}`02_training.val_clips|plain` validation clips. The test clips come in the next chapter, for the first
# time.
#
# Where its first weights came from: {result}`02_training.visual_weights|plain`;
# {result}`02_training.audio_weights|plain`.
