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
# # Data preparation
#
# **Needs** nothing but the library, or your own corpora when `corpus.data` names their folder.
# **Makes** the corpora, their manifests and splits, and the prepared clips (face crops and mel spectrograms) that
# every later chapter reads.
#
# **You will learn** how a file on disk becomes what a network reads, and why a split must follow people, not
# clips ({term}`identity leakage`).
#
# A clip goes from a file on disk to two arrays. The video is decoded, a face detector finds the face in T frames
# that are spread over the clip, and the face is cut out, upright and of one size. The sound is resampled to
# 16 kHz and turned into a {term}`mel spectrogram` of four seconds. Nothing that a real clip would not offer is used.

# %% tags=["parameters", "hide-input"]
profile = "demo"
overrides = []

# %% tags=["hide-input"]

import numpy as np
import pandas as pd

from amdd.data.variants.confounds import supplemented
from amdd.corpora import describe, fakeavceleb, scan
from amdd.figures.forgers import forger_curves
from amdd.puppets.forgers.records import training_records
from amdd.figures.pictures import beside_its_source, film_strip, spectrograms
from amdd.figures.residual import residual_figure, residual_spectrum
from amdd.figures.spoken import spoken_strip
from amdd.data.media import read_audio, read_video
from amdd.companion.notebook import open_notebook
from amdd.data.prepare import foretell, prepare
from amdd.profiles import load_profile
from amdd.puppets.corpus.giveaways import features, separability
from amdd.puppets.corpus.layouts import Shot
from amdd.puppets.corpus.make import make_corpora, read_masks, speech_of
from amdd.puppets.corpus.sheet import contact_sheet
from amdd.data.splits import assign_splits, leakage_report, save_split

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

nb.results.number("data", f"your own {settings.train}" if settings.data else "the built-in corpus")

manifests = {name: scan(name, root, settings) for name, root in roots.items()}
for name, part in manifests.items():
    print(f"{name}: {describe(part)}\n")

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

if settings.timit_supplement:  # the paper's own way (Table III), and a confound: off unless it is asked for
    timit = next((n for n in manifests if "timit" in n), None)
    if timit is None:
        raise ValueError("corpus.timit_supplement needs DeepfakeTIMIT among corpus.external")
    manifests[train_name] = supplemented(manifests[train_name], manifests[timit])
table = manifests[train_name].table
counts = pd.crosstab(table.generator, table.split).reindex(
    columns=["train", "val", "test", "extra", "dropped"], fill_value=0
)
counts = counts.loc[:, counts.sum() > 0].reset_index()
nb.results.table(
    "split", counts, "Clips of the training corpus by generator and split (the form of Table III).", digits=0
)

# %%
leaks = leakage_report(manifests[train_name])
nb.results.table(
    "leakage", leaks, "What two sides of the split share; a clean split shares nothing.", digits=0
)
digest = save_split(manifests[train_name], nb.writes(nb.workspace.results / nb.name / "split.json"))
nb.results.number("split.hash", digest)
nb.results.number("split.shared", int(leaks.drop(columns="between").to_numpy().sum()))

# %% tags=["hide-input"]
rows = []
for name, part in manifests.items():
    for kind, clips in part.table.groupby("label"):
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
strips, shown = {}, {}
for generator in kinds:
    clip = chosen[chosen.generator == generator].iloc[0]
    shown[generator] = clip.clip_id
    n = read_video(clip.video, [0]).n_frames
    strips[generator] = read_video(clip.video, np.linspace(0, max(n - 1, 0), 6).astype(int)).frames
nb.results.picture(
    "film_strip",
    film_strip(strips),
    "Film strips of six frames: one real clip and one clip of each generator, the same person where there is one.",
    f"Test clips of {train_name}, one row a class, six frames each.",
    drawn_by="amdd.figures.pictures.film_strip",
)

# %% [markdown]
# What was changed is known to the pixel in the built-in corpus. Each row: the frame that the forger was given, the
# forged one with the edge of what it changed, the difference of the two three times enlarged, and the mask. A film
# compressed twice differs a little everywhere; what lies inside the edge is the forger's.

# %% tags=["hide-input"]
if not settings.data:
    root = roots[train_name]
    truth = pd.read_parquet(root / "truth" / "truth.parquet").set_index("path")
    beside, people = {}, {}
    for generator in kinds[1:]:
        clip = chosen[chosen.generator == generator].iloc[0]
        source = test[test.clip_id == truth.source[clip.clip_id]]
        if len(source):
            mask = read_masks(root, [clip.clip_id])[clip.clip_id]
            at = len(mask) // 2
            pair = [read_video(v, [at]).frames[0] for v in (clip.video, source.video.iloc[0])]
            beside[generator] = beside_its_source(*pair, mask[at])
    nb.results.picture(
        "beside",
        film_strip(beside, 150),
        "A row for each generator: the source's frame, the forged frame with an outline, their difference, a mask.",
        "Source, forgery, difference (times three, about grey), and what was changed.",
        drawn_by="amdd.figures.pictures.beside_its_source",
    )

# %% [markdown]
# The forgers are networks that were trained, on rendered people that no corpus contains, by
# `python -m amdd.puppets.forgers.training.train`. They are small and were trained briefly, which shows in what they paint: a
# curve that still falls at its end belongs to a forger that more time would have made better.

# %% tags=["hide-input"]
if not settings.data:
    records = training_records()
    nb.results.figure(
        "forgers",
        forger_curves(records),
        "Training loss of every forger of the built-in corpus, seed "
        f"{records[0]['seed']}, as recorded beside its weights. Each has a loss of its own, so heights can't be "
        "compared; wav2lip's counts its lip-sync expert too, which joins from a third of its steps on.",
    )
    made = pd.DataFrame(records).rename(columns={"identities": "people"})
    made["last loss"] = [r["loss_every_25_steps"][-1] for r in records]
    nb.results.table(
        "forgers_trained",
        made[["name", "parameters", "people", "frames", "steps", "seconds", "last loss"]],
        f"The forgers' training on {made.device.iloc[0]}, {made.threads.iloc[0]} threads.",
        digits=3,
    )

# %% [markdown]
# The voice and the lips come from one list of phonemes, so what is heard can be seen.

# %% tags=["hide-input"]
if not settings.data:
    clip = chosen[chosen.generator == "real"].iloc[0]
    made = truth.loc[clip.clip_id]
    speech = speech_of(settings, Shot(train_name, int(made.person), int(made.number)))
    frames = read_video(clip.video, np.linspace(0, made.n_frames - 1, 9).astype(int)).frames
    nb.results.figure(
        "spoken",
        spoken_strip(
            frames,
            read_audio(clip.audio or clip.video),
            made.seconds,
            [(p.symbol, p.start, p.end) for p in speech.phonemes],
            made.text,
        ),
        f"A real test clip: “{made.text}”, with the synthesiser's own names for the phonemes.",
    )

# %% [markdown]
# ## Who they are
#
# Everything about a person of the built-in corpus follows from a seed. None of them exists.

# %% tags=["hide-input"]
if not settings.data:
    nb.results.picture(
        "people",
        contact_sheet(range(24_000, 24_030), 10, 112),
        "Thirty rendered faces in three rows, of several origins, ages and hair styles.",
        "Thirty people of the built-in corpus's kind.",
        drawn_by="amdd.puppets.corpus.sheet.contact_sheet",
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
    prepared[name] = prepare(part, nb.profile.preparation, nb.writes(nb.workspace.prepared / name))
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
for generator, clip_id in shown.items():
    found_at = np.flatnonzero((p.manifest.clip_id == clip_id).to_numpy())
    if not len(found_at):  # it failed, and stands in the list of failures
        continue
    i = int(found_at[0])
    crops[generator] = np.asarray(p.frames(i))[:8]
    mels[generator] = np.asarray(p.mel(i), np.float32)[0]
nb.results.picture(
    "crops",
    film_strip(crops, 96),
    "Face crops as the network gets them, one row a class.",
    f"Prepared face crops of the test clips that were shown above, one a row. {train_name}.",
    drawn_by="amdd.figures.pictures.film_strip",
)

# %% tags=["hide-input"]
nb.results.figure(
    "mels",
    spectrograms(mels, nb.profile.preparation.seconds),
    f"Prepared spectrograms of the same test clips of {train_name} (different people say different things).",
)

# %% [markdown]
# ## What would a real corpus cost?
#
# A few test clips are prepared once more, at this run's settings and at those of the profile `paper`, by one process that
# is timed. The rest of the table is multiplication: the data sets' published counts times that. Their clips are longer and
# larger than these, so take the hours for a lower bound.

# %% tags=["hide-input"]
import tempfile
import time

few = manifests[train_name].with_table(table[table.split == "test"].head(8))
published = {
    "FakeAVCeleb v1.2": sum(fakeavceleb.EXPECTED.values()),
    "FakeAVCeleb, the paper's clips": 1784,
    "DeepfakeTIMIT with VidTIMIT": 960,
    "DFDM with Celeb-DF": 650,
    "LAV-DF": 136_304,
}
rows = []
for name, prep in (("this run", nb.profile.preparation), ("paper", load_profile("paper").preparation)):
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        prepare(few, prep, folder, workers=1, progress=False)
        each = (time.perf_counter() - start) / len(few)
    size = foretell(1, prep, nb.workspace.root).needed
    nb.results.number(f"cost.{name.replace(' ', '_')}.seconds", each, n=len(few), unit="s")
    for corpus, clips in published.items():
        rows.append(
            {
                "settings": name,
                "data": corpus,
                "clips": clips,
                "core hours": clips * each / 3600,
                "GB": clips * size / 1e9,
            }
        )
nb.results.table(
    "cost",
    pd.DataFrame(rows),
    f"Preparing the data sets on one core, extrapolated from {len(few)} clips of {train_name}: not measured on the data themselves.",
    digits=2,
)

# %% [markdown]
# ## Traces in fine detail
#
# A generator that paints at low resolution, or a network that learned to please an average, leaves less fine detail
# than a camera, or detail of another kind. The mean spectrum of what a blur removes, against the reals', shows it:
# blue is detail that is missing, red is detail that a camera does not give.

# %% tags=["hide-input"]
spectra = {}
for generator in kinds:
    rows = np.flatnonzero(((p.manifest.split == "train") & (p.manifest.generator == generator)).to_numpy())
    spectra[generator] = np.mean([residual_spectrum(np.asarray(p.frames(int(i)))) for i in rows], axis=0)
    if generator != "real":
        nb.results.number(f"residual.{generator}.clips", len(rows))
nb.results.figure(
    "residuals",
    residual_figure(spectra),
    f"Mean residual spectra of the training clips' face crops, each generator against the reals. {train_name}, profile {nb.profile.name}.",
)

# %% [markdown]
# ## Exercises
#
# **1.** Deal the clips to the three sides at random instead. How many people are then on two sides?
#
# **2.** In which corpus does the detector miss most faces?

# %% tags=["hide-cell", "solution"]
# Solution 1
shuffled = manifests[train_name].where(lambda t: t.split.isin(["train", "val", "test"]))
leakage_report(shuffled.assign(split=np.random.default_rng(0).permutation(shuffled.split.to_numpy())))

# %% tags=["hide-cell", "solution"]
# Solution 2
pd.Series({name: 1 - part.manifest.face_found_share.mean() for name, part in prepared.items()}, name="missed")

# %% [markdown]
# ## Summary
#
# Files on disk became arrays that training can read at once. The next chapter trains on them.
