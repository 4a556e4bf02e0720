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
# # Robustness
#
# **Question.** How well does the detector work under the degradations that messaging apps
# and editors introduce?
#
# **Answer.** On clean clips AUC is {result}`robustness.clean`. At the strongest level tried,
# it is lowest under {result}`robustness.worst.kind` ({result}`robustness.worst.auc`) and
# highest under {result}`robustness.best.kind` ({result}`robustness.best.auc`). Results on
# clean clips are an upper bound for clips that were shared.
#
# **Needs** the full run and the prepared clips. **Makes** results under saturation,
# contrast, block, noise, blur, pixelation and compression corruptions, level by level.
#
# **You will learn** to test a detector under degradations, and to distinguish a lost ranking
# from a threshold that no longer fits.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
import numpy as np
import pandas as pd

from amdd.analysis.condition_tables import corruption_row
from amdd.analysis.predict import predict_all
from amdd.companion.notebook import open_notebook
from amdd.data.variants.corruptions import LEVELS, corrupt, corrupted
from amdd.figures.robustness import corruption_strip, robustness

nb = open_notebook("robustness", profile, overrides)
nb.opening()

# %% [markdown]
# The paper tests on clean clips only. Kinds and levels of the corruptions are those of
# DeeperForensics {cite}`deeperforensics`. Nothing is trained here: the network of the
# chapter [Training](02_training) predicts its test clips again, with only the frames changed.
# Training mirrors crops and, where no block is frozen, jitters their colours; it uses none of
# these corruptions.

# %%
clips, run = nb.clips(), nb.run("full")
test = clips.manifest.split == "test"
clean = nb.predict(run, clips)

# %% [markdown]
# ## The corruptions
#
# One face crop, clean and at each level.

# %%
reals = clips.manifest[test & (clips.manifest.label == 0)]
frame = np.asarray(clips.frames(int(reals.index[-1])))[0]
nb.show(
    "levels",
    corruption_strip(frame),
    f"A test frame: clean, then levels one to five. {nb.data}.",
)

# %% [markdown]
# ## Results by level
#
# Each level is compared with the clean frames of the same clips; the interval is that of
# the paired difference, over people.

# %% tags=["remove-stderr"]
levels = (0, *sorted(nb.evaluation.corruption_levels))
plan = [(kind, level) for kind in LEVELS for level in levels]
views = {p: corrupted(clips, *p) for p in plan if p[1]}
scored = dict(zip(views, predict_all(run, list(views.values()), test)))

# %% tags=["remove-cell"]
rows, losses = [], {}
for kind, level in plan:
    found = scored.get((kind, level), clean)
    losses[kind] = nb.paired(clean, found)  # that of the strongest level remains
    row = corruption_row(clean, found, losses[kind], nb.evaluation.threshold)
    rows.append({"corruption": kind, "level": level, **row})
table = pd.DataFrame(rows)

# %%
nb.show(
    "robustness",
    robustness(table),
    "Detection under seven corruptions; the band is the 95 % interval of the change of "
    f"AUC from the clean frames. {nb.note(clean)}",
)

# %%
nb.table(
    "levels_table",
    table,
    f"Results at every level. {nb.note(clean)}",
    fold="Table: every corruption at every level",
)

# %% tags=["remove-cell"]
for kind, lost in losses.items():
    nb.number(f"{kind}.lost", lost)
strongest = table[table.level == levels[-1]].sort_values("AUC")
nb.number("clean", float(table.AUC.iloc[0]), n=len(clean))
for key, place in (("worst", 0), ("best", -1)):
    nb.number(f"{key}.kind", str(strongest.corruption.iloc[place]))
    nb.number(f"{key}.auc", float(strongest.AUC.iloc[place]), n=len(clean))

# %% [markdown]
# If AUC stays while the two rates diverge, the scores have shifted together, and another
# threshold would help. If AUC itself falls to one half, the trace is removed or hidden, and
# no threshold helps. A corruption that removes fine detail, such as blur, tests whether the
# detector relies on high-frequency traces.
#
# ## Exercises
#
# ```{exercise} Visible change and loss
# :label: ex-visible-change
#
# Which corruption changes the frames most, in mean absolute difference? Is it the one that
# lowers AUC most?
# ```

# %% [markdown]
# ````{solution-start} ex-visible-change
# :class: dropdown
# ````

# %% tags=["solution"]
level, some = levels[-1], [int(i) for i in clips.manifest.index[test][::7]]
moved = {}
for kind in LEVELS:
    pairs = [
        (corrupt(clips.frames(i), kind, level, i), clips.frames(i)) for i in some
    ]
    moved[kind] = np.mean([np.abs(a.astype(float) - b).mean() for a, b in pairs])
found = pd.DataFrame({"change": moved, "AUC": strongest.set_index("corruption").AUC})
found.sort_values("change")

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} Direction of the shift
# :label: ex-shift-direction
#
# Do corruptions shift scores towards *fake* or towards *real*? Compare the median score of
# the reals.
# ```

# %% [markdown]
# ````{solution-start} ex-shift-direction
# :class: dropdown
# ````

# %% tags=["solution"]
medians = {"clean": float(clean.score[clean.label == 0].median())}
for kind in LEVELS:
    found = nb.predict(run, corrupted(clips, kind, level), reals)
    medians[kind] = float(found.score.median())
pd.Series(medians, name="median score of reals")

# %% [markdown]
# ````{solution-end}
# ````
