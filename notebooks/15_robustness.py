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
# # Robustness
#
# **Needs** the full run and the prepared clips. **Makes** what fading, compression, blur, noise and covered patches do to
# the detector, level by level.
#
# **You will learn** to ask of a detector what a messenger app asks of a video, and to tell a lost order of scores from
# a threshold that no longer fits.
#
# This chapter goes beyond the paper, which tests on clean test clips only. Kinds and levels are those of
# DeeperForensics {cite}`deeperforensics`, from mild to harsh. Nothing is trained here: the network that the chapter
# [Training](02_training) made looks at its test clips again, with only the pictures changed. The network has seen flips
# and mild colour jitter in training, and none of these.

# %% tags=["parameters", "hide-input"]
profile = "demo"
overrides = []

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from tqdm import tqdm

from amdd.data.variants.corruptions import LEVELS, corrupt, corrupted
from amdd.analysis.predict import predict
from amdd.figures.robustness import corruption_strip, robustness
from amdd.stats import auc, paired_bootstrap
from amdd.companion.notebook import open_notebook
from amdd.data.prepare import open_prepared
from amdd.training.runs import load_run

nb = open_notebook("15_robustness", profile, overrides)
nb.opening()

# %%
e, train_name = nb.profile.evaluation, nb.profile.corpus.train
prepared = open_prepared(nb.reads(nb.workspace.prepared / train_name))
run_dir = nb.workspace.runs / f"full-seed{e.seeds[0]}"
nb.reads(run_dir / "weights.safetensors")
run = load_run(run_dir)
test = prepared.manifest.split == "test"
clean = predict(run, prepared, test)
note = f"{train_name}, n = {len(clean)} test clips, seed {e.seeds[0]}, profile {nb.profile.name}"

# %% [markdown]
# ## What it looks like
#
# One face crop, as the network gets it, and at each level.

# %% tags=["hide-input"]
row = int(prepared.manifest.index[test & (prepared.manifest.label == 0)][-1])
nb.results.picture(
    "levels",
    corruption_strip(np.asarray(prepared.frames(row))[0]),
    f"Rows of one face crop: clean at the left, then five levels, for {', '.join(LEVELS)}.",
    f"A test clip of {train_name}: clean, then levels one to five.",
    drawn_by="amdd.figures.robustness.corruption_strip",
)

# %% [markdown]
# ## What it does
#
# Each level against the clean pictures of the same clips; the interval is of that paired difference, over people.

# %%
rows, losses = [], {}
plan = [(kind, level) for kind in LEVELS for level in (0, *sorted(e.corruption_levels))]
for kind, level in tqdm(plan, desc="corruptions", mininterval=5):
    told = clean if level == 0 else predict(run, corrupted(prepared, kind, level), test)
    value = auc(told.label, told.score)
    lost = paired_bootstrap(clean, told, "auc", e.threshold, e.bootstrap, e.confidence)
    named = told[(told.label == 1) & told.known]
    rows.append(
        {
            "corruption": kind,
            "level": level,
            "AUC": value,
            "AUC from": value + lost.value - lost.high,
            "AUC to": value + lost.value - lost.low,
            "reals called real": float((told.score[told.label == 0] < e.threshold).mean()),
            "fakes found": float((told.score[told.label == 1] >= e.threshold).mean()),
            "attribution": float((named.attribution == named.generator).mean()),
        }
    )
    losses[kind] = lost  # the last level stays: the harshest
for kind, lost in losses.items():
    nb.results.difference(f"{kind}.lost", lost, e.seeds[0])
table = pd.DataFrame(rows)
table[["AUC from", "AUC to"]] = table[["AUC from", "AUC to"]].clip(0, 1)

# %% tags=["hide-input"]
nb.results.figure(
    "robustness",
    robustness(table),
    f"The detector under seven corruptions; the band is the 95 % interval of the change of AUC from the clean pictures. {note}.",
)

# %% tags=["hide-input"]
nb.results.table("levels_table", table, f"Every level. {note}.")
harshest = table[table.level == max(e.corruption_levels)].sort_values("AUC")
nb.results.number("clean", float(table.AUC.iloc[0]), n=len(clean), seed=e.seeds[0])
nb.results.number("worst.kind", str(harshest.corruption.iloc[0]))
nb.results.number("worst.auc", float(harshest.AUC.iloc[0]), n=len(clean), seed=e.seeds[0])
nb.results.number("best.kind", str(harshest.corruption.iloc[-1]))
nb.results.number("best.auc", float(harshest.AUC.iloc[-1]), n=len(clean), seed=e.seeds[0])

# %% [markdown]
# On clean pictures AUC is {result}`15_robustness.clean`. At the harshest level that was tried it is lowest under
# {result}`15_robustness.worst.kind`, {result}`15_robustness.worst.auc`, and highest under
# {result}`15_robustness.best.kind`, {result}`15_robustness.best.auc`.
#
# Where AUC stays and the other two lines part, the scores moved together: a threshold for such pictures would help.
# Where AUC itself goes to one half the trace is gone, or hidden, and no threshold helps. A trace in fine detail can be
# expected to go first under whatever takes fine detail away; whether it does so here is what the panels show.

# %% [markdown]
# ## Exercises
#
# **1.** Which corruption changes the pictures most in mean absolute difference, and is it the one that costs most?
#
# **2.** Do corruptions push scores towards "fake" or towards "real"? Compare the median score of the reals.

# %% tags=["hide-cell", "solution"]
# Solution 1
harsh = max(e.corruption_levels)
some = [int(i) for i in prepared.manifest.index[test][::7]]
moved = {
    kind: float(
        np.mean(
            [
                np.abs(corrupt(prepared.frames(i), kind, harsh, i).astype(float) - prepared.frames(i)).mean()
                for i in some
            ]
        )
    )
    for kind in LEVELS
}
pd.DataFrame({"moved": moved, "AUC": harshest.set_index("corruption").AUC}).sort_values("moved")

# %% tags=["hide-cell", "solution"]
# Solution 2
medians = {"clean": float(clean.score[clean.label == 0].median())}
for kind in LEVELS:
    told = predict(run, corrupted(prepared, kind, harsh), test & (prepared.manifest.label == 0))
    medians[kind] = float(told.score.median())
pd.Series(medians, name="median score of reals")

# %% [markdown]
# ## Summary
#
# A detector's figures on clean clips are an upper bound for what it does on clips that were sent around. Of an AUC of
# {result}`15_robustness.clean`, {result}`15_robustness.worst.auc` is left at worst.
