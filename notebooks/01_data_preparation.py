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
# # Data preparation
#
# **Needs** nothing but the library, or your own corpora when `corpus.data` names their folder.
# **Makes** the corpora, their manifests and splits, and the prepared clips (face crops and mel spectrograms) that
# every later chapter reads.
#
# **You will learn** how a file on disk becomes what a network reads, and why a split must follow people, not
# clips.
#
# A clip goes from a file on disk to two arrays. The video is decoded, a face detector finds the face in T frames
# that are spread over the clip, and the face is cut out, upright and of one size. The sound is resampled to
# 16 kHz and turned into a mel spectrogram of four seconds. Nothing that a real clip would not offer is used.

# %% tags=["parameters", "hide-input"]
profile = "demo"
overrides = []

# %% tags=["hide-input"]

import numpy as np
import pandas as pd

from amdd.corpora import scan
from amdd.figures.pictures import film_strip, spectrograms
from amdd.media import read_video
from amdd.notebook import open_notebook
from amdd.prepare import prepare
from amdd.puppets.giveaways import features, separability
from amdd.puppets.make import make_corpora
from amdd.puppets.sheet import contact_sheet
from amdd.splits import assign_splits, leakage_report, save_split

nb = open_notebook("01_data_preparation", profile, overrides)
nb.opening()

# %% [markdown]
# ## The corpora
#
# The built-in corpus stands in for licence-gated ones: rendered people who speak synthetic speech, forged by small
# neural generators. It is written to disk in the layouts of the data sets that it stands for, so the same readers
# read both. Its numbers are its own; they are not FakeAVCeleb's.

# %%
settings = nb.profile.corpus
if settings.data:
    roots = dict.fromkeys(nb.corpora(), settings.data)
else:
    roots = make_corpora(nb.profile, nb.workspace)
    for name in nb.corpora():
        nb.writes(nb.workspace.corpora / name)

manifests = {name: scan(name, root) for name, root in roots.items()}
for name, table in manifests.items():
    print(f"{name}: {len(table)} clips, found {table.attrs['report']['found']}")

# %% [markdown]
# ## Who is for training, who for the verdict
#
# People are the nodes of a graph and every forgery joins two of them. A *clean* split gives whole connected groups
# to one side, so that no face in the test was seen in training, neither as target nor as donor. (The paper does not
# say that its split does so; the split `paper` draws its counts at random.)

# %% tags=["hide-input"]
train_name = nb.profile.corpus.train
manifests[train_name] = assign_splits(manifests[train_name], settings)
for name in nb.profile.corpus.external:
    manifests[name] = manifests[name].assign(split="test")

table = manifests[train_name]
counts = pd.crosstab(table.generator, table.split).reindex(
    columns=["train", "val", "test", "extra", "dropped"], fill_value=0
)
counts = counts.loc[:, counts.sum() > 0].reset_index()
nb.results.table(
    "split", counts, "Clips of the training corpus by generator and split (the form of Table III).", digits=0
)

# %%
leaks = leakage_report(table)
nb.results.table(
    "leakage", leaks, "What two sides of the split share; a clean split shares nothing.", digits=0
)
digest = save_split(table, nb.writes(nb.workspace.results / nb.name / "split.json"))
nb.results.number("split.hash", digest)
nb.results.number("split.shared", int(leaks.drop(columns="between").to_numpy().sum()))

# %% tags=["hide-input"]
rows = []
for name, part in manifests.items():
    for kind, clips in part.groupby("label"):
        rows.append(
            {
                "corpus": name,
                "kind": "fake" if kind else "real",
                "clips": len(clips),
                "with sound": int(clips.has_audio.sum()),
            }
        )
nb.results.table("corpora", pd.DataFrame(rows), "Clips of each corpus (the form of Table II).", digits=0)
total = sum(len(m) for m in manifests.values())
nb.results.number("clips", total)
nb.results.number("generators", int(table[table.label == 1].generator.nunique()))

# %% [markdown]
# In all {result}`01_data_preparation.clips|plain` clips. The two sides of the split share
# {result}`01_data_preparation.split.shared|plain` people, donors or files.
#
# ## A clip and its forgeries
#
# One real test clip, decoded from disk, above forgeries of that same person by each generator (where the corpus has
# them).

# %% tags=["hide-input"]
test = table[(table.split == "test")]
kinds = ["real", *[g for g in nb.profile.model.generators if g in set(test.generator)]]
complete = test.groupby("identity").generator.agg(lambda g: set(kinds) <= set(g))
people = sorted(complete.index[complete])
chosen = test[test.identity == people[len(people) // 2]] if people else test
strips = {}
for generator in kinds:
    clip = chosen[chosen.generator == generator].iloc[0]
    n = read_video(clip.video, [0]).n_frames
    strips[generator] = read_video(clip.video, np.linspace(0, max(n - 1, 0), 6).astype(int)).frames
nb.results.picture(
    "film_strip",
    film_strip(strips),
    "Film strips of six frames: one real clip and one clip of each generator, the same person where there is one.",
    f"Test clips of {train_name}, one row a class, six frames each.",
)

# %% [markdown]
# ## Who they are
#
# Everything about a person of the built-in corpus follows from a seed. None of them exists.

# %% tags=["hide-input"]
if not settings.data:
    nb.results.picture(
        "people",
        contact_sheet(range(24_000, 24_020), 10, 96),
        "Twenty rendered faces in two rows, of several origins, ages and hair styles.",
        "Twenty people of the built-in corpus's kind.",
    )

# %% [markdown]
# ## Does anything else give it away?
#
# A detector should look at the face and listen to the voice. If the size of the file, the silence before the first word
# or the colour of the wall told real from fake as well, everything that follows would measure that. So trees are
# trained on just these, for people they have not seen. One half is chance; what lies well above it is a shortcut
# that a network may take too.

# %%
core = table[table.split.isin(["train", "val", "test"])]
given = separability(features(core, progress=True), core.label.to_numpy(), core.identity.to_numpy())
nb.results.table(
    "giveaways",
    given,
    f"AUC of telling real from fake by each trait, and by all together, cross-validated over people. {train_name}, n = {len(core)}.",
)
nb.results.number("giveaways.together", float(given.auc.iloc[-1]), n=len(core))
nb.results.number("giveaways.most", float(given.auc[:-1].max()), n=len(core))
nb.results.number("giveaways.which", str(given.feature[given.auc[:-1].idxmax()]))

# %% [markdown]
# All together reach {result}`01_data_preparation.giveaways.together`; of the single traits {result}`01_data_preparation.giveaways.which`
# says most, {result}`01_data_preparation.giveaways.most`.
#
# ## Preparing
#
# What failed is listed with its reason; a clip without a face is not invented.

# %%
prepared = {}
for name, part in manifests.items():
    prepared[name] = prepare(
        part, nb.profile.preparation, nb.writes(nb.workspace.prepared / name), root=roots[name]
    )
    print(f"{name}: {len(prepared[name])} prepared, {len(prepared[name].failures)} failed")

failed = sum(len(p.failures) for p in prepared.values())
found = np.concatenate([p.manifest.face_found_share.to_numpy(float) for p in prepared.values()])
nb.results.number("failed", failed, n=total)
nb.results.number("face_found", float(100 * found.mean()), n=len(found), unit="%")

# %% [markdown]
# The detector found the face in {result}`01_data_preparation.face_found` of the sampled frames;
# {result}`01_data_preparation.failed` clips failed.
#
# This is what the network sees: crops, and the spectrogram of the same four seconds.

# %% tags=["hide-input"]
p = prepared[train_name]
crops, mels = {}, {}
for generator in strips:
    i = int(
        np.flatnonzero(((p.manifest.split == "test") & (p.manifest.generator == generator)).to_numpy())[0]
    )
    crops[generator] = np.asarray(p.frames(i))[:8]
    mels[generator] = np.asarray(p.mel(i), np.float32)[0]
nb.results.picture(
    "crops",
    film_strip(crops, 96),
    "Face crops as the network gets them, one row a class.",
    "Prepared face crops, one clip a row.",
)

# %% tags=["hide-input"]
nb.results.figure(
    "mels",
    spectrograms(mels, nb.profile.preparation.seconds),
    f"Prepared spectrograms of the same test clips of {train_name} (different people say different things).",
)

# %% [markdown]
# ## Exercises
#
# **1.** Deal the clips to the three sides at random instead. How many people are then on two sides?
#
# **2.** In which corpus does the detector miss most faces?

# %% tags=["hide-cell", "solution"]
# Solution 1
shuffled = table[table.split.isin(["train", "val", "test"])].copy()
shuffled["split"] = np.random.default_rng(0).permutation(shuffled.split.to_numpy())
leakage_report(shuffled)

# %% tags=["hide-cell", "solution"]
# Solution 2
pd.Series({name: 1 - part.manifest.face_found_share.mean() for name, part in prepared.items()}, name="missed")

# %% [markdown]
# ## Summary
#
# Files on disk became arrays that training can read at once. The next chapter trains on them.
