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
# # Confounds
#
# **Question.** How does a detector behave if the training data contain a shortcut?
#
# **Answer.** Trained with a leading silence in every fake, the detector reaches an AUC of
# {result}`confounds.silence.kept.auc` with the silence; removing it from the test clips
# changes AUC by {result}`confounds.silence.loss` (a positive value is a loss). Training
# lasted {result}`confounds.epochs|plain` epochs; in so short a run detection of faces may
# not have started.
#
# **Needs** the prepared clips. **Makes** training runs on data with a confound, and their
# tests with and without it.
#
# **You will learn** to recognise a shortcut: a detector that is perfect on its own data
# and useless on others.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
import dataclasses

import numpy as np

from amdd.analysis.condition_tables import short_table
from amdd.companion.notebook import open_notebook, with_epochs
from amdd.data.variants.confounds import join, with_leading_silence
from amdd.figures.pictures import spectrograms
from amdd.stats import auc

nb = open_notebook("confounds", profile, overrides)
nb.opening()

# %% [markdown]
# Two confounds are known in this field. FakeAVCeleb's fakes begin with a silence that its
# reals lack {cite}`leading_silence`. And the paper adds reals of DeepfakeTIMIT, a dataset
# that it also tests on, to its training data: in training that camera occurs with reals
# only. Both are settings here, and off in all other chapters.

# %%
clips = nb.clips()
test = clips.manifest.split == "test"
short = with_epochs(nb.profile, nb.evaluation.study_epochs)
note = f"{nb.note()} {short.training.epochs} epochs per run."

# %% tags=["remove-cell"]
nb.number("epochs", short.training.epochs)

# %% [markdown]
# ## Leading silence in every fake
#
# Up to one second of silence, in training and in the first test. The video is unchanged.
# Removing the silence from the test clips shows what else the detector has learned.

# %% tags=["remove-stderr"]
seconds = min(1.0, nb.profile.preparation.seconds / 2)
silent = with_leading_silence(clips, seconds)
run = nb.train(clips=silent, profile=short, name="leading_silence")
kept, gone = nb.predict(run, silent, test), nb.predict(run, clips, test)
found = {"with the silence": kept, "without it": gone}
results = {name: (len(t), nb.metrics(t)) for name, t in found.items()}

# %%
nb.table(
    "silence",
    short_table(results, "test clips"),
    f"A detector trained with a leading silence in every fake. {note}",
)

# %% tags=["remove-cell"]
for key, (_, table) in zip(("kept", "gone"), results.values()):
    nb.results.metrics(f"silence.{key}", table, nb.seed)
nb.number("silence.loss", nb.paired(kept, gone))

# %%
rows = clips.manifest[test]
shown = {
    "fake": silent.mel(int(rows.index[rows.label == 1][0]))[0],
    "real": silent.mel(int(rows.index[rows.label == 0][0]))[0],
}
nb.show(
    "silent",
    spectrograms(shown, nb.profile.preparation.seconds),
    "Input of the audio branch: a fake with its leading silence, and a real clip.",
)

# %% [markdown]
# Without the silence AUC is {result}`confounds.silence.gone.auc`. The value with the silence
# does not warn of this; only a test without the shortcut does.
#
# ## A camera that occurs with reals only
#
# The reals of a second corpus join the training data, as in the paper's Table III; its
# fakes do not. If the network uses the camera, it detects fewer of these fakes than a
# network that was trained equally long without the supplement.

# %%
timit = [name for name in nb.external if "timit" in name]
name = (timit or list(nb.external) or [""])[0]
other = nb.clips(name) if name else None
own = clips.manifest.corpus == nb.train_name
if not own.all():  # the training data contain the supplement already
    own = clips.manifest.split.where(own, "dropped")
    plain = dataclasses.replace(clips, manifest=clips.manifest.assign(split=own))
    data = {"plain": plain, "supplemented": clips}
else:
    data = {"plain": clips, "supplemented": join(clips, other)} if other else {}

# %% tags=["remove-stderr"]
wanted = [
    {"clips": part, "profile": short, "name": f"{key}-short"}
    for key, part in data.items()
]
runs = dict(zip(data, nb.train_all(wanted)))

# %%
predictions = {
    key: nb.predict(run, other, other.manifest.label >= 0)
    for key, run in runs.items()
}
results = {key: (len(t), nb.metrics(t)) for key, t in predictions.items()}
if results:
    nb.table(
        "camera",
        short_table(results, "training data"),
        f"Results on {name}, whose reals are in the supplemented training data. {note}",
    )

# %% tags=["remove-cell"]
missing = "not measured (no external corpus)"
for key in ("plain", "supplemented"):
    if key in results:
        nb.results.metrics(f"camera.{key}", results[key][1], nb.seed)
    else:
        for metric in ("real_accuracy", "fake_accuracy"):
            nb.number(f"camera.{key}.{metric}", missing)
if predictions:
    plain, more = predictions["plain"], predictions["supplemented"]
    fakes = plain.label == 1
    shift = nb.mean((more.logit - plain.logit)[fakes], plain.identity[fakes])
nb.number("camera.shift", shift if predictions else missing)

# %% [markdown]
# The supplement changes the logit of that corpus's *fakes* by
# {result}`confounds.camera.shift` on average. The true-negative rate on its reals is
# {result}`confounds.camera.plain.real_accuracy` without and
# {result}`confounds.camera.supplemented.real_accuracy` with the supplement; the latter is
# measured on training clips and says nothing about detection. The true-positive rate on its
# fakes is {result}`confounds.camera.plain.fake_accuracy` and
# {result}`confounds.camera.supplemented.fake_accuracy`.
#
# Two training runs also differ by chance: with one seed, the direction is a hint and not a
# finding.
#
# ## Exercises
#
# ```{exercise} A detector without a network
# :label: ex-silence-detector
#
# What AUC does the length of the leading silence reach on its own?
# ```

# %% [markdown]
# ````{solution-start} ex-silence-detector
# :class: dropdown
# ````

# %% tags=["solution"]
mels = [np.asarray(silent.mel(int(i)))[0] for i in rows.index]
quiet = [int((mel.max(0) > -1).argmax()) for mel in mels]
auc(rows.label.to_numpy(), np.array(quiet, float))

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} Would the shortcut test find the camera?
# :label: ex-find-camera
#
# Compute the AUC of the mean brightness of the supplemented training crops.
# ```

# %% [markdown]
# ````{solution-start} ex-find-camera
# :class: dropdown
# ````
# A feature that separates the cameras also separates, within the supplemented training
# data, a part of the reals from all fakes.

# %% tags=["solution"]
if data:
    mixed = data["supplemented"]
    side = mixed.manifest[mixed.manifest.split == "train"]
    tint = [np.asarray(mixed.frames(int(i))).mean() for i in side.index]
    one = auc(side.label.to_numpy(), np.array(tint))
    print(f"AUC {max(one, 1 - one):.2f}")

# %% [markdown]
# ````{solution-end}
# ````
