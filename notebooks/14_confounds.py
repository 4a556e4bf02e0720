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

# %%

# %% [markdown]
# # When the data give the answer away
#
# **Needs** the prepared clips. **Makes** two trainings on data with a confound, and what became of the detector.
#
# **You will learn** to recognise a shortcut: a detector that is perfect on its own data and useless without them.
#
# This chapter goes beyond the paper. Two confounds were found in this field. FakeAVCeleb's fakes begin with a silence that
# its reals lack {cite}`leading_silence`. And the paper adds reals of DeepfakeTIMIT to its training data, a data set on which
# it then tests: in training that camera is seen with reals only. Both are switches here, and off everywhere else.

# %% tags=["parameters", "hide-input"]
profile = "demo"
overrides = []

# %% tags=["hide-input"]
import dataclasses

import numpy as np
import pandas as pd

from amdd.data.variants.confounds import join, with_leading_silence
from amdd.analysis.predict import metrics, predict
from amdd.figures.pictures import spectrograms
from amdd.stats import mean_bootstrap, paired_bootstrap
from amdd.companion.notebook import open_notebook
from amdd.data.prepare import open_prepared
from amdd.training import train

nb = open_notebook("14_confounds", profile, overrides)
nb.opening()

# %% tags=["hide-input"]
e, train_name = nb.profile.evaluation, nb.profile.corpus.train
prepared = open_prepared(nb.reads(nb.workspace.prepared / train_name))
test = prepared.manifest.split == "test"
seed = e.seeds[0]
short = dataclasses.replace(
    nb.profile, training=dataclasses.replace(nb.profile.training, epochs=e.study_epochs)
)
note = f"seed {seed}, {e.study_epochs} epochs a training, profile {nb.profile.name}"
print(f"Each training here is short: {e.study_epochs} epochs.")

# %% [markdown]
# ## Silence before every fake
#
# Up to a second of it, in training and in the first test. The pictures are untouched. What the detector is worth shows when
# the silence is taken away again.

# %%
silent = with_leading_silence(prepared, min(1.0, nb.profile.preparation.seconds / 2))
run = train(short, silent, nb.workspace.runs / f"leading_silence-seed{seed}", seed)
with_it = predict(run, silent, test)
without_it = predict(run, prepared, test)
rows = []
for name, table in (("with the silence", with_it), ("the same clips without it", without_it)):
    found = metrics(table, e.threshold, e.bootstrap, e.confidence)
    nb.results.metrics(f"silence.{'kept' if table is with_it else 'gone'}", found, seed)
    rows.append(
        {"tested on": name, "n": len(table), **{k: found.loc[k, "value"] for k in ("auc", "real_accuracy", "fake_accuracy")},
         "AUC from": found.loc["auc", "low"], "AUC to": found.loc["auc", "high"]}
    )  # fmt: skip
nb.results.table(
    "silence",
    pd.DataFrame(rows),
    f"A detector that was trained with silence before every fake. {train_name}, {note}.",
)
nb.results.difference("silence.loss", paired_bootstrap(with_it, without_it, "auc", draws=e.bootstrap), seed)

# %% tags=["hide-input"]
fake = int(prepared.manifest.index[test & (prepared.manifest.label == 1)][0])
real = int(prepared.manifest.index[test & (prepared.manifest.label == 0)][0])
shown = {"fake": silent.mel(fake)[0], "real": silent.mel(real)[0]}
nb.results.figure(
    "silent",
    spectrograms(shown, nb.profile.preparation.seconds),
    "What the detector was given: a fake with its silence, and a real.",
)

# %% [markdown]
# With the silence AUC is {result}`14_confounds.silence.kept.auc`, without it {result}`14_confounds.silence.gone.auc`.
#
# ## A camera that is always real
#
# The reals of the second corpus join the training, as in the paper's Table III. Its fakes do not. The share of them that
# is found tells whether the network took the camera for an answer; the network trained without the supplement, equally
# short, is the comparison.

# %%
other_name = next((n for n in nb.profile.corpus.external if "timit" in n), nb.profile.corpus.external[0])
other = open_prepared(nb.reads(nb.workspace.prepared / other_name))
trained = {}
if (prepared.manifest.corpus != train_name).any():  # this run's own training has the supplement already
    mixed = prepared
    own = prepared.manifest.split.where(prepared.manifest.corpus == train_name, "dropped")
    plain = dataclasses.replace(prepared, manifest=prepared.manifest.assign(split=own))
else:
    mixed, plain = join(prepared, other), prepared
for name, data in (("plain", plain), ("supplemented", mixed)):
    run = train(short, data, nb.workspace.runs / f"{name}-short-seed{seed}", seed)
    trained[name] = predict(run, other, corpus="")
rows = []
for name, table in trained.items():
    found = metrics(table, e.threshold, e.bootstrap, e.confidence)
    nb.results.metrics(f"camera.{name}", found, seed)
    rows.append(
        {"trained": name, "n": len(table), **{k: found.loc[k, "value"] for k in ("auc", "real_accuracy", "fake_accuracy")},
         "AUC from": found.loc["auc", "low"], "AUC to": found.loc["auc", "high"]}
    )  # fmt: skip
nb.results.table(
    "camera",
    pd.DataFrame(rows),
    f"{other_name}, whose reals are among the training clips of the second row. {note}.",
)
fakes = trained["plain"].label == 1
shift = (trained["supplemented"].logit - trained["plain"].logit)[fakes]
nb.results.difference(
    "camera.shift", mean_bootstrap(shift, trained["plain"].identity[fakes], e.bootstrap), seed
)

# %% [markdown]
# The supplement moves the logit of that corpus's *fakes* by {result}`14_confounds.camera.shift` on average. Of its reals
# {result}`14_confounds.camera.plain.real_accuracy` are called real without the supplement and
# {result}`14_confounds.camera.supplemented.real_accuracy` with it; but those reals are training clips then, so the second
# figure says nothing about detection. Of its fakes {result}`14_confounds.camera.plain.fake_accuracy` and
# {result}`14_confounds.camera.supplemented.fake_accuracy` are found.
#
# Two trainings differ by chance as well: with one seed the direction is a hint, not a finding.
#
# ## Exercises
#
# **1.** How good is the length of the leading silence alone as a detector, with no network at all?
#
# **2.** Would the table of give-aways in [data preparation](01_data_preparation) have found the camera?

# %% tags=["hide-cell", "solution"]
# Solution 1
from amdd.stats import auc

rows = prepared.manifest.index[test]
quiet = [int((np.asarray(silent.mel(int(i)))[0].max(0) > -1).argmax()) for i in rows]
auc(prepared.manifest.label[test].to_numpy(), np.array(quiet, float))

# %% tags=["hide-cell", "solution"]
# Solution 2
# Any trait that tells the two cameras apart tells, within the supplemented training set, a part of the reals from all
# fakes. The mean colour of the crops is one.
side = mixed.manifest.split == "train"
tint = [np.asarray(mixed.frames(int(i))).mean() for i in mixed.manifest.index[side]]
one = auc(mixed.manifest.label[side].to_numpy(), np.array(tint))
print(f"mean brightness of the training crops: AUC {max(one, 1 - one):.2f}")

# %% [markdown]
# ## Summary
#
# Trained with a silence before every fake, the detector reaches {result}`14_confounds.silence.kept.auc` and falls by
# {result}`14_confounds.silence.loss` when the silence goes. Nothing in the first number warns of it: only a test without the
# shortcut does.
