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
# **Answer.** Trained with a leading silence in every fake, detectors reach an AUC of
# {result}`confounds.silence.kept.auc` with the silence; removing it from the test clips
# changes AUC by {result}`confounds.silence.loss` (a positive value is a loss). Trained
# without the silence, they reach {result}`confounds.silence.control.auc` on the same clips.
# And with reals of a second corpus in training, the share of that corpus's fakes that are
# detected is {result}`confounds.camera.supplemented.fake_accuracy`, instead of
# {result}`confounds.camera.plain.fake_accuracy` without them and
# {result}`confounds.camera.strangers.fake_accuracy` with reals of other people. Each value
# is a mean over {result}`confounds.seeds|plain` seeds, after
# {result}`confounds.epochs|plain` epochs.
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
import numpy as np

from amdd.analysis.over_seeds import seeds_table, shift_over_seeds, value_over_seeds
from amdd.companion.notebook import open_notebook
from amdd.companion.short_runs import predict_seeds, short_note, train_seeds
from amdd.data.variants.confounds import (
    camera_arms,
    of_strangers,
    with_leading_silence,
)
from amdd.figures.pictures import spectrograms
from amdd.stats import auc

nb = open_notebook("confounds", profile, overrides)
nb.opening()

# %% [markdown]
# Two confounds are known in this field. FakeAVCeleb's fakes begin with a silence that its
# reals lack {cite}`leading_silence`. And the paper adds reals of DeepfakeTIMIT, a dataset
# that it also tests on, to its training data: in training that camera occurs with reals
# only. Both are settings here, and off in all other chapters.
#
# The networks are trained briefly, but until they detect, and once for each of several
# seeds. Intervals are over seeds and people.

# %%
clips = nb.clips()
test = clips.manifest.split == "test"
seeds = nb.evaluation.study_seeds

# %% tags=["remove-cell"]
nb.number("epochs", nb.evaluation.study_epochs)
nb.number("seeds", len(seeds))

# %% [markdown]
# ## Leading silence in every fake
#
# Up to one second of silence, in training and in the first test. The video is unchanged.
# Removing the silence from the test clips shows what else the detector has learned. A
# second network, the control, is trained on the same clips without the silence: it shows
# what can be learned from them in this time.

# %% tags=["remove-stderr"]
seconds = min(1.0, nb.profile.preparation.seconds / 2)
silent = with_leading_silence(clips, seconds)
runs = train_seeds(
    nb,
    {
        "silence": {"clips": silent, "name": "leading_silence"},
        "control": {"clips": clips, "name": "plain-short"},
    },
)

# %% tags=["remove-stderr"]
kept, gone = (predict_seeds(nb, runs["silence"], c, test) for c in (silent, clips))
with_it, control = (
    predict_seeds(nb, runs["control"], c, test) for c in (silent, clips)
)
found = {
    "trained and tested with it": kept,
    "trained with it, tested without": gone,
    "trained without it, tested with it": with_it,
    "trained and tested without it": control,
}

# %%
nb.table(
    "silence",
    seeds_table(found, "leading silence", seeds, nb.evaluation),
    f"Networks trained with and without a leading silence in every fake. "
    f"{short_note(nb, control[0])}",
)

# %% tags=["remove-cell"]
for key, tables in {"kept": kept, "gone": gone, "control": control}.items():
    nb.number(f"silence.{key}.auc", value_over_seeds(tables, nb.evaluation))
nb.number("silence.loss", nb.over_runs(kept, gone))
nb.number("silence.cost", nb.over_runs(control, gone))

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
# does not warn of this; only a test without the shortcut does. The control's AUC is higher
# by {result}`confounds.silence.cost` on these clips. Where that interval lies above zero, so
# much was not learned because the silence was there.
#
# ## A camera that occurs with reals only
#
# The reals of a second corpus join the training data, as in the paper's Table III; its
# fakes do not. If the network uses the camera, it detects fewer of these fakes than a
# network that was trained equally long without the supplement.
#
# In the paper's way of testing, the supplement's reals are tested on as well. A third kind
# of network separates the camera from clips that were seen: the corpus's people are cut
# into two groups, and each is tested by a network that was trained with the reals of the
# other. People who were swapped with each other stay together.

# %%
timit = [name for name in nb.external if "timit" in name]
name = (timit or list(nb.external) or [""])[0]
other = nb.clips(name) if name else None
arms = camera_arms(clips, other) if other else {}

# %% tags=["remove-stderr"]
runs = train_seeds(
    nb, {k: {"clips": part, "name": f"{k}-short"} for k, part in arms.items()}
)
told = {k: predict_seeds(nb, some, other) for k, some in runs.items()}

# %% tags=["remove-cell"]
folds = [k for k in told if k.startswith("fold")]
camera = {k: told[k] for k in told if k not in folds}
if folds:
    camera["strangers"] = [
        of_strangers(dict(zip(folds, parts)), other)
        for parts in zip(*(told[k] for k in folds))
    ]

# %% tags=["remove-cell"]
words = {
    "plain": "no reals of this corpus",
    "supplemented": "its reals, tested people's too",
    "strangers": "its reals, of other people",
}
named = {words[k]: tables for k, tables in camera.items()}

# %%
if camera:
    nb.table(
        "camera",
        seeds_table(named, "trained with", seeds, nb.evaluation),
        f"Results on {name}. {short_note(nb, camera['plain'][0], 'clips')}",
    )

# %% tags=["remove-cell"]
missing = "not measured (no external corpus with several groups of people)"
found = dict.fromkeys(words, missing) | camera
for key, tables in found.items():
    for metric in ("real_accuracy", "fake_accuracy"):
        number = f"camera.{key}.{metric}"
        known = key in camera
        nb.number(
            number,
            value_over_seeds(tables, nb.evaluation, metric) if known else missing,
        )

# %% tags=["remove-cell"]
for key in ("supplemented", "strangers"):
    shift = missing
    if key in camera:
        fakes = camera["plain"][0].label == 1
        shift = shift_over_seeds(camera[key], camera["plain"], fakes)
    nb.number(f"camera.{key}.shift", shift)

# %% [markdown]
# The supplement changes the logit of that corpus's *fakes* by
# {result}`confounds.camera.supplemented.shift` on average, and by
# {result}`confounds.camera.strangers.shift` if its reals are of other people. The
# true-positive rate on its fakes is {result}`confounds.camera.plain.fake_accuracy` without
# the supplement, {result}`confounds.camera.supplemented.fake_accuracy` with it, and
# {result}`confounds.camera.strangers.fake_accuracy` with other people's reals.
#
# The true-negative rate on its reals is {result}`confounds.camera.plain.real_accuracy`
# without and {result}`confounds.camera.supplemented.real_accuracy` with the supplement; the
# latter is measured on training clips and says nothing about detection. With reals of other
# people it is {result}`confounds.camera.strangers.real_accuracy`: this much is the camera's.
#
# How to read the three rows: if fakes are missed with either supplement, the network has
# learned the camera. If they are missed only when the tested people's own reals were in
# training, it has learned the people and clips, and a test on people who were seen would
# blame the camera for it.
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
if arms:
    mixed = arms["supplemented"]
    side = mixed.manifest[mixed.manifest.split == "train"]
    tint = [np.asarray(mixed.frames(int(i))).mean() for i in side.index]
    one = auc(side.label.to_numpy(), np.array(tint))
    print(f"AUC {max(one, 1 - one):.2f}")

# %% [markdown]
# ````{solution-end}
# ````
