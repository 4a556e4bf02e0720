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
# **Question.** How does a video file become the input of the network, and how are clips
# split without {term}`identity leakage`?
#
# **Answer.** Each of the {result}`data_preparation.clips|plain` clips becomes a sequence of
# face crops and one mel spectrogram; preparation failed for
# {result}`data_preparation.failed`. The split follows identities: its subsets share
# {result}`data_preparation.split.shared|plain` people, donors or files.
#
# **Needs** nothing but the library, or your own corpora if `corpus.data` names their folder.
# **Makes** the corpora, their manifests and splits, and the prepared clips that every later
# chapter reads.
#
# **You will learn** how a clip is prepared, and why a split must follow identities rather
# than clips.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
import numpy as np
import pandas as pd

from amdd.analysis import data_tables
from amdd.analysis.domains import features_of_reals, dataset_separability
from amdd.companion.notebook import open_notebook
from amdd.corpora import describe, scan
from amdd.data.prepare import prepare
from amdd.data.splits import assign_splits, leakage_report, save_split
from amdd.data.variants.confounds import supplemented
from amdd.figures.exhibit import Exhibit
from amdd.figures.forgers import forger_curves
from amdd.figures.pictures import film_strip, spectrograms
from amdd.figures.residual import residual_figure
from amdd.profiles import load_profile
from amdd.puppets.corpus import showcase, studios
from amdd.puppets.corpus.giveaways import features, separability
from amdd.puppets.corpus.make import make_corpora
from amdd.puppets.corpus.sheet import contact_sheet
from amdd.puppets.forgers.records import training_records, training_table

nb = open_notebook("data_preparation", profile, overrides)
nb.opening()

# %% [markdown]
# The video is decoded, a face detector locates the face in $T$ frames spread over the clip,
# and the aligned face is cropped to a fixed size. The audio is resampled to 16 kHz and
# converted to a {term}`mel spectrogram` of four seconds. Only information that a real clip
# would also provide is used.
#
# ## The corpora
#
# The built-in corpus stands in for licence-gated ones: rendered people who speak synthetic
# speech, forged by small neural generators. It is written to disk in the layouts of the
# datasets that it stands in for, so the same readers read both.

# %% tags=["remove-stderr"]
settings = nb.profile.corpus
if nb.built_in:
    roots = make_corpora(nb.profile, nb.workspace)
    for name in nb.corpora():
        nb.writes(nb.workspace.corpora / name)
else:
    roots = dict.fromkeys(nb.corpora(), settings.data)
manifests = {name: scan(name, root, settings) for name, root in roots.items()}

# %%
for name, manifest in manifests.items():
    print(f"{name}: {describe(manifest)}\n")

# %% tags=["remove-cell"]
own = f"your own {settings.train}"
nb.number("data", "the built-in corpus" if nb.built_in else own)

# %% [markdown]
# ## Identity-disjoint splits
#
# People are the nodes of a graph, and each forgery joins its target and its donor. A *clean*
# split assigns whole connected components to one subset, so that no face in the test was seen
# in training, neither as target nor as donor. The paper does not state that its split is
# disjoint; the split `paper` draws its numbers of clips at random.

# %%
for name, manifest in manifests.items():
    table = manifest.table.assign(split="test")
    manifests[name] = manifest.with_table(table)
manifests[nb.train_name] = assign_splits(manifests[nb.train_name], settings)

# %% tags=["remove-cell"]
if settings.timit_supplement:  # the paper's Table III; a confound, and off by default
    timit = next((n for n in manifests if "timit" in n), None)
    if timit is None:
        raise ValueError(
            "corpus.timit_supplement needs DeepfakeTIMIT in corpus.external"
        )
    joined = supplemented(manifests[nb.train_name], manifests[timit])
    manifests[nb.train_name] = joined
training = manifests[nb.train_name]
table = training.table

# %%
nb.table(
    "split",
    data_tables.split_counts(table),
    "Clips of the training corpus by generator and subset (the form of Table III).",
    digits=0,
)

# %%
leaks = leakage_report(training)
nb.table(
    "leakage",
    leaks,
    "What two subsets share; a clean split shares nothing.",
    digits=0,
)

# %% tags=["remove-cell"]
path = nb.writes(nb.workspace.results / nb.topic / "split.json")
nb.number("split.hash", save_split(training, path))
shared = leaks.drop(columns="between").to_numpy().sum()
nb.number("split.shared", int(shared))
nb.number("clips", sum(map(len, manifests.values())))
nb.number("generators", int(table[table.label == 1].generator.nunique()))

# %%
nb.table(
    "corpora",
    data_tables.corpus_counts(manifests),
    "Clips of each corpus (the form of Table II).",
    digits=0,
)

# %% [markdown]
# ## A clip and its forgeries
#
# Test people, real and forged: one moment of a recording, and what each generator makes of it.
# The people are those whose faces show the highest contrast.

# %%
test = table[table.split == "test"]
kinds = ["real", *sorted(set(test.generator[test.label == 1]))]
known = [k for k in kinds if k in ("real", *nb.generators(table))]
chosen = showcase.one_of_each(test, known)
made = roots[nb.train_name] if nb.built_in else None
people = showcase.best_shown(test, known, made) or showcase.strips(chosen)
nb.show(
    "people_forged",
    film_strip(people, 200, "Rows of real people and forgeries of the same moment."),
    f"People of the test set in {nb.data}. Columns: {', '.join(known)}.",
)

# %% [markdown]
# Six frames of each class show how a clip moves:

# %%
nb.show(
    "film_strip",
    film_strip(
        showcase.strips(chosen),
        alt="Film strips of six frames: one real clip and one of each generator.",
    ),
    f"Test clips of {nb.data}, one row per class, six frames each.",
)

# %% [markdown]
# In the built-in corpus the forged pixels are known. Each row shows the frame that the
# generator received, the forged frame with the boundary of the changed region, the difference
# (three times enlarged, around grey), and the mask. Encoding a film twice changes it slightly
# everywhere; the difference inside the boundary is due to the generator.

# %% tags=["remove-stderr"]
root = roots[nb.train_name]
if nb.built_in:
    nb.show(
        "beside",
        film_strip(
            showcase.forgeries_beside(chosen, test, root),
            150,
            "A row per generator: source frame, forgery, difference, mask.",
        ),
        "Source, forgery, difference and changed region.",
    )

# %% [markdown]
# The generators are networks that were trained by
# `python -m amdd.puppets.forgers.training.train` on rendered people that no corpus contains. They
# are small and were trained briefly. A loss that still falls at the end belongs to a generator
# that longer training would improve.

# %%
if nb.built_in:
    records = training_records()
    nb.show(
        "generators",
        forger_curves(records),
        f"Training loss of each generator, seed {records[0]['seed']}. The losses differ in "
        "kind, so their values cannot be compared.",
    )

# %%
if nb.built_in:
    nb.table(
        "generators_trained",
        training_table(records),
        f"Training of the generators on {records[0]['device']}, "
        f"{records[0]['threads']} threads.",
    )

# %% [markdown]
# Audio and lips are driven by one list of phonemes:

# %%
if nb.built_in:
    real = chosen[chosen.generator == "real"].iloc[0]
    nb.show(
        "spoken",
        showcase.spoken(real, root, settings),
        "A real test clip with its waveform and the synthesiser's phonemes.",
    )

# %% [markdown]
# Every property of a person in the built-in corpus follows from a seed. None of these people
# exists.

# %%
if nb.built_in:
    sheet = Exhibit.image(
        contact_sheet(range(24_000, 24_030), 6, 176),
        "Thirty rendered faces of several origins, ages and hair styles.",
        "amdd.puppets.corpus.sheet.contact_sheet",
    )
    nb.show("people", sheet, "Thirty people, drawn as those of the built-in corpus.")

# %% [markdown]
# ## Shortcut features
#
# A detector should use face and voice. If file size, leading silence or background colour
# separated reals from fakes, all later results would measure that instead. Decision trees are
# therefore trained on such features alone, cross-validated over identities. An AUC of one
# half is chance; a clearly higher value marks a shortcut that a network could use too.

# %% tags=["remove-stderr"]
core = table[table.split.isin(["train", "val", "test"])]
found = separability(
    features(core, progress=True), core.label.to_numpy(), core.identity.to_numpy()
)
nb.table(
    "giveaways",
    found,
    "AUC of each shortcut feature and of all together, cross-validated over identities. "
    f"{nb.data}, n = {len(core)}.",
)

# %% tags=["remove-cell"]
single = found[:-1]
if single.auc.notna().any():
    nb.number("giveaways.together", float(found.auc.iloc[-1]), n=len(core))
    nb.number("giveaways.most", float(single.auc.max()), n=len(core))
    nb.number("giveaways.which", str(single.feature[single.auc.idxmax()]))
else:
    for key in ("together", "most", "which"):
        nb.number(f"giveaways.{key}", "not measured (too few people)")

# %% [markdown]
# All features together reach {result}`data_preparation.giveaways.together`; the most
# informative single feature is {result}`data_preparation.giveaways.which` with
# {result}`data_preparation.giveaways.most`.
#
# ## Preparation
#
# Failed clips are listed with the reason; no crop is fabricated when no face is detected.

# %% tags=["remove-stderr"]
prepared = {}
for name, manifest in manifests.items():
    folder = nb.writes(nb.workspace.prepared / name)
    prepared[name] = prepare(manifest, nb.profile.preparation, folder)
rows = [(name, len(p), len(p.failures)) for name, p in prepared.items()]
nb.table(
    "prepared",
    pd.DataFrame(rows, columns=["corpus", "prepared", "failed"]),
    "Prepared and failed clips of each corpus.",
)

# %% tags=["remove-cell"]
total = sum(map(len, manifests.values()))
nb.number("failed", sum(len(p.failures) for p in prepared.values()), n=total)
shares = [p.manifest.face_found_share.to_numpy(float) for p in prepared.values()]
faces = np.concatenate(shares)
nb.number("face_found", float(100 * faces.mean()), n=len(faces), unit="%")

# %% [markdown]
# The detector found the face in {result}`data_preparation.face_found` of the sampled frames.
# The network receives these crops, and the spectrogram of the same four seconds:

# %%
clips = prepared[nb.train_name]
crops, mels = showcase.inputs_of(clips, chosen)
nb.show(
    "crops",
    film_strip(
        crops, 96, "Face crops as the network receives them, one row per class."
    ),
    f"Prepared face crops of the test clips shown above. {nb.data}.",
)

# %%
nb.show(
    "mels",
    spectrograms(mels, nb.profile.preparation.seconds),
    f"Prepared spectrograms of the same test clips. {nb.data}.",
)

# %% [markdown]
# ## Differences between the datasets
#
# Another dataset differs in more than its generators. Each dataset of the built-in corpus has
# its own studio.

# %%
if nb.built_in:
    nb.table(
        "studios",
        pd.DataFrame(studios.table()),
        "Studios of the built-in datasets.",
    )

# %% [markdown]
# How large is the domain shift? A classifier on a few dozen features, trained on reals only and
# cross-validated over people, separates each dataset from the training set:

# %% tags=["remove-stderr"]
apart = dataset_separability(features_of_reals(prepared), nb.train_name)
if len(apart):
    nb.table(
        "domain_shift",
        apart,
        "AUC of separating a dataset's reals from the training set's reals, by feature group "
        "(0.5 is chance).",
    )

# %% tags=["remove-cell"]
most = apart["all together"].dropna() if len(apart) else pd.Series(dtype=float)
if len(most):
    nb.number("domain_shift.least", float(most.min()), n=int(apart.n.sum()))
else:
    nb.number("domain_shift.least", "not measured (no other dataset)")

# %% [markdown]
# The most similar dataset is separated with an AUC of
# {result}`data_preparation.domain_shift.least`. A lower detection AUC on it may be due to the
# studio and the audio as well as to unseen generators.
#
# ## The cost of a real corpus
#
# A few test clips are prepared again by a single timed process, with this run's settings and
# with those of the profile `paper`. The table extrapolates to the published numbers of clips;
# real clips are longer and larger, so the hours are a lower bound.

# %% tags=["remove-stderr"]
few = training.with_table(test.head(8))
options = {
    "this run": nb.profile.preparation,
    "paper": load_profile("paper").preparation,
}
each = {n: (data_tables.seconds_per_clip(few, s), s) for n, s in options.items()}
nb.table(
    "cost",
    data_tables.cost_table(each, nb.workspace.root),
    f"Preparation on one core, extrapolated from {len(few)} clips of {nb.data}.",
    digits=2,
)

# %% tags=["remove-cell"]
for name, (seconds, _) in each.items():
    key = f"cost.{name.replace(' ', '_')}.seconds"
    nb.number(key, seconds, n=len(few), unit="s")

# %% [markdown]
# ## Traces in fine detail
#
# Generators that work at low resolution or minimise a mean error lose high-frequency detail.
# The mean spectrum of the residual of a blur, relative to that of the reals, shows it: blue is
# missing detail, red is detail that a camera does not produce.

# %%
spectra = data_tables.mean_spectra(clips, known)
if len(spectra) > 1 and "real" in spectra:
    nb.show(
        "residuals",
        residual_figure(spectra),
        "Mean residual spectra of the training clips' face crops, each generator against the "
        f"reals. {nb.data}.",
    )

# %% [markdown]
# ## Exercises
#
# ```{exercise} A random split
# :label: ex-random-split
#
# Split the clips at random instead. How many identities then occur in more than one subset?
# ```

# %% [markdown]
# ````{solution-start} ex-random-split
# :class: dropdown
# ````

# %% tags=["solution"]
shuffled = core.assign(split=np.random.default_rng(0).permutation(core.split))
leakage_report(training.with_table(shuffled))

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} Missed faces
# :label: ex-missed-faces
#
# In which corpus does the detector miss most faces?
# ```

# %% [markdown]
# ````{solution-start} ex-missed-faces
# :class: dropdown
# ````

# %% tags=["solution"]
missed = {n: 1 - p.manifest.face_found_share.mean() for n, p in prepared.items()}
pd.Series(missed, name="share of frames without a detected face")

# %% [markdown]
# ````{solution-end}
# ````
