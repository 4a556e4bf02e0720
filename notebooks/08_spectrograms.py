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
# # Spectrograms
#
# **Needs** the prepared corpora. **Makes** Fig. 12: what the audio branch sees of a real clip and of forgeries, and
# how much they differ.
#
# **You will learn** to see what of a forgery is audible, and what the audio branch could use as a shortcut.
#
# In FakeAVCeleb's category C the sound is real, so a face swap's spectrogram is the real clip's. Where sound is
# forged, the difference shows.

# %% tags=["parameters", "hide-input"]
profile = "demo"
overrides = []

# %% tags=["hide-input"]
import numpy as np
import pandas as pd

from amdd.figures.pictures import spectrograms
from amdd.notebook import open_notebook
from amdd.prepare import open_prepared

nb = open_notebook("08_spectrograms", profile, overrides)
nb.opening()

# %% [markdown]
# ## One recording and what was made of it
#
# A forgery's own real clip is the one of the same person with the same number at the head of its name.

# %%
train_name = nb.profile.corpus.train
prepared = open_prepared(nb.reads(nb.workspace.prepared / train_name))
table = prepared.manifest
number = table.clip_id.str.rsplit("/", n=1).str[-1].str.extract(r"^(\d+)")[0]
key = table.identity.astype(str) + "/" + number.astype(str)
reals = {k: i for i, k in zip(table.index, key) if table.generator[i] == "real"}
pairs = [(i, reals[k]) for i, k in zip(table.index, key) if table.label[i] == 1 and k in reals]

# %% tags=["hide-input"]
rows = []
for fake, real in pairs:
    gap = np.abs(
        np.asarray(prepared.mel(int(fake)), np.float32) - np.asarray(prepared.mel(int(real)), np.float32)
    )
    rows.append(
        {
            "generator": table.generator[fake],
            "category": table.category[fake],
            "difference": float(gap.mean()),
        }
    )
found = pd.DataFrame(rows)
summary = found.groupby(["category", "generator"]).difference.agg(["mean", "count"]).reset_index()
nb.results.table(
    "differences",
    summary,
    "Mean absolute difference of a forgery's spectrogram from its own real clip's (scale from -1 to 1), with the number of pairs.",
)
own = found[(found.category == "C") & (found.generator != "wav2lip")].difference
forged = found[found.category.isin(["B", "D"])].difference
nb.results.number("swaps", float(own.mean()) if len(own) else float("nan"), n=len(own))
if len(forged):
    nb.results.number("forged_sound", float(forged.mean()), n=len(forged))
else:
    nb.results.number("forged_sound", "not measured")

# %% tags=["hide-input"]
mels, references = {}, {}
for fake, real in pairs:
    label = f"{table.generator[fake]}\n(category {table.category[fake]})"
    if label not in mels and len(mels) < 5:
        mels[label] = np.asarray(prepared.mel(int(fake)), np.float32)[0]
        references[label] = np.asarray(prepared.mel(int(real)), np.float32)[0]
if mels:
    nb.results.figure(
        "figure_12",
        spectrograms(mels, nb.profile.preparation.seconds, references),
        f"One clip of each kind of forgery, its own real clip, and what differs (the form of Fig. 12), {train_name}.",
    )

# %% [markdown]
# ## Exercises
#
# **1.** In which mel bands does forged sound differ most from the real clip's?
#
# **2.** In real corpora fakes can start with more silence than reals, and a network may learn just that. Is it so here?
# Count the frames before the sound begins.

# %% tags=["hide-cell", "solution"]
# Solution 1
gaps = [
    np.abs(np.asarray(prepared.mel(int(f)), np.float32) - np.asarray(prepared.mel(int(r)), np.float32))[
        0
    ].mean(1)
    for f, r in pairs
    if table.category[f] in ("B", "D")
]
if gaps:
    bands = np.mean(gaps, 0)
    print(
        f"most in band {int(bands.argmax())} of {len(bands)} (0 is the lowest), least in band {int(bands.argmin())}"
    )


# %% tags=["hide-cell", "solution"]
# Solution 2
def quiet_frames(row: int) -> int:
    level = np.asarray(prepared.mel(int(row)), np.float32)[0].mean(0)
    return int(np.argmax(level > level.min() + 0.25 * np.ptp(level)))


starts = pd.Series([quiet_frames(k) for k in range(len(table))], index=table.index)
starts.groupby(table.generator).agg(["mean", "count"])

# %% [markdown]
# ## Summary
#
# Swapped faces leave the sound as it was: their spectrograms differ from their real clips' by
# {result}`08_spectrograms.swaps` on a scale of two, forged sound by {result}`08_spectrograms.forged_sound`.
