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
# # Spectrograms
#
# **Needs** the prepared corpora and the full run. **Makes** Fig. 12: what the audio branch sees of a real clip and of
# forgeries, how much they differ, and what the network loses when its sound is taken away.
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

from amdd.analysis.predict import predict
from amdd.figures.pictures import spectrograms
from amdd.stats import auc, paired_bootstrap
from amdd.companion.notebook import open_notebook
from amdd.data.prepare import open_prepared
from amdd.training.runs import load_run
from amdd.data.variants import with_foreign_audio, without_audio

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
# ## What the network hears
#
# The paper gives sound an encoder as strong as it can be, so that it is not ignored. Is it? The trained network looks at
# its test clips three times: as they are; with the sound masked, which takes the visual-only path; and with the sound of
# another person's clip, which is real speech and belongs to nobody's lips in the picture. Nothing is trained again. What
# does not change between the first row and the others does not come from the sound.

# %%
e = nb.profile.evaluation
run_dir = nb.workspace.runs / f"full-seed{e.seeds[0]}"
nb.reads(run_dir / "weights.safetensors")
run = load_run(run_dir)
tested = np.flatnonzero((table.split == "test").to_numpy())
heard = {"its own sound": predict(run, prepared, tested)}
if table.audio_present.to_numpy(bool)[tested].any():
    heard["no sound"] = predict(run, without_audio(prepared), tested)
    lent = with_foreign_audio(prepared, tested, e.seeds[0])
    heard["somebody else's sound"] = predict(run, lent, tested)
else:
    for key in ("no", "somebody"):
        nb.results.number(f"sound.{key}.lost", "not measured (these clips have no sound)")
rows = []
for name, told in heard.items():
    own = heard["its own sound"]
    loss = paired_bootstrap(own, told, "auc", e.threshold, e.bootstrap, e.confidence)
    named = told[(told.label == 1) & told.known]
    rows.append(
        {
            "hears": name,
            "AUC": auc(told.label, told.score),
            "lost": loss.value,
            "from": loss.low,
            "to": loss.high,
            "attribution": float((named.attribution == named.generator).mean()),
            "largest change of a score": float((told.score - own.score).abs().max()),
        }
    )
    if told is not own:
        nb.results.difference(f"sound.{name.split()[0]}.lost", loss, e.seeds[0])
nb.results.table(
    "hears",
    pd.DataFrame(rows),
    f"AUC and attribution by what the network hears; the loss of AUC with its 95 % interval over people. {train_name}, "
    f"n = {len(tested)} test clips, seed {e.seeds[0]}, profile {nb.profile.name}.",
)

# %% [markdown]
# Without sound AUC is lower by {result}`08_spectrograms.sound.no.lost`, with somebody else's by
# {result}`08_spectrograms.sound.somebody.lost` (below zero: it is higher). An interval that holds zero says that on these
# clips nothing was shown to depend on the sound.
#
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
# {result}`08_spectrograms.swaps` on a scale of two, forged sound by {result}`08_spectrograms.forged_sound`. What the
# network makes of that is another question: without any sound its AUC changes by
# {result}`08_spectrograms.sound.no.lost`.
