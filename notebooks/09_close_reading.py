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
# # A close reading
#
# **Question.** What do the paper's tables imply, and do they agree with its text?
#
# **Answer.** The printed values are consistent with the paper's main result, that
# detection and attribution can be trained together. They do not support that the
# fingerprint and contrastive losses help, nor that real clips of DeepfakeTIMIT are
# recognised by generalisation; and on DFDM the scores do not separate reals from
# fakes at all.
#
# **Needs** the paper's tables as data (`amdd/companion/paper.yml`), and no clip.
# **Makes** sums, denominators, and intervals where the paper prints points.
#
# **You will learn** to check a table with nothing but its own values.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
from dataclasses import replace

import pandas as pd

from amdd.companion.claims import paper
from amdd.companion.notebook import open_notebook
from amdd.stats import wilson

nb = open_notebook("close_reading", profile, overrides)
nb.opening()

# %% [markdown]
# Every paper contains slips, and readers who check the sums do its authors a
# service. Nothing below needs more than the printed values; each step can be run
# and disputed. Hypotheses are marked as such.
#
# ## What is the denominator of attribution accuracy?
#
# Table VI gives the number of test clips: fakes of three generators, and reals.
# The attribution accuracies of Table V are shares of *some* number of clips. Which
# number yields all four values, to the printed digit?

# %%
tables = paper()
six = tables["table_6"]
fakes = sum(row["n"] for name, row in six.items() if name != "real")
everyone = fakes + six["real"]["n"]
printed = {name: row["attribution"] for name, row in tables["table_5"].items()}


def counts(share, n):
    """Return the k for which k of n, rounded to one decimal, is ``share`` percent."""
    return [k for k in range(n + 1) if abs(round(100 * k / n, 1) - share) < 1e-9]


# %%
def show_counts(share, n):
    return ", ".join(map(str, counts(share, n))) or "none"


rows = [
    (name, share, show_counts(share, fakes), show_counts(share, everyone))
    for name, share in printed.items()
]

# %%
columns = ["variant", "printed (%)", f"of {fakes} fakes", f"of all {everyone}"]
nb.table(
    "denominator",
    pd.DataFrame(rows, columns=columns),
    "Numbers of correct clips that yield Table V's attribution accuracies.",
    digits=1,
)

# %% tags=["remove-cell"]
nb.number("fakes", fakes)
nb.number("everyone", everyone)
right = {name: counts(share, fakes)[0] for name, share in printed.items()}

# %% [markdown]
# Only the fakes do: attribution accuracy is computed over the
# {result}`close_reading.fakes|plain` fake test clips. This book does the same.
#
# ## Do the other losses help?
#
# The paper credits each loss. In its own table, two of the ablated variants score
# *higher* than the full model. An interval shows what so few clips allow.

# %%
found = {name: wilson(k, fakes) for name, k in right.items()}
rows = [
    (name, right[name], fakes, e.value, e.low, e.high) for name, e in found.items()
]
columns = ["variant", "correct", "of", "share", "from", "to"]
nb.table(
    "intervals",
    pd.DataFrame(rows, columns=columns),
    "Table V's attribution accuracy with 95 % Wilson intervals.",
)


# %% tags=["remove-cell"]
def percent(e):
    return replace(
        e, value=100 * e.value, low=100 * e.low, high=100 * e.high, unit="%"
    )


for name, e in found.items():
    nb.number(f"attribution.{name}", percent(e))

# %% [markdown]
# The intervals overlap: the full model has
# {result}`close_reading.attribution.full`, the variant without the fingerprint
# loss {result}`close_reading.attribution.without_fingerprint`, the one without the
# contrastive loss {result}`close_reading.attribution.without_contrastive`. The
# table supports neither that these losses help nor that they harm. The drop without
# the attribution loss is beyond doubt, but it is the drop of a head that was never
# trained; the chapter [Ablations](04_ablations) probes the embedding instead.
#
# ## Small classes
#
# A generator with few test clips can reach a perfect score by chance.

# %%
hits = {name: round(r["detection"] / 100 * r["n"]) for name, r in six.items()}
rates = {name: percent(wilson(k, six[name]["n"])) for name, k in hits.items()}

# %%
rows = [
    (name, e.n, hits[name], six[name]["detection"], e.low, e.high)
    for name, e in rates.items()
]
columns = ["class", "n", "correct", "printed (%)", "from", "to"]
nb.table(
    "small",
    pd.DataFrame(rows, columns=columns),
    "Table VI's detection accuracy with 95 % Wilson intervals (%).",
    digits=1,
)

# %% tags=["remove-cell"]
for name, e in rates.items():
    nb.number(f"detection.{name}", e)
nb.number("accuracy", 100 * sum(hits.values()) / everyone, n=everyone, unit="%")

# %% [markdown]
# Over all clips, plain accuracy is {result}`close_reading.accuracy`; the value of
# {paper}`table5.full.bal_acc` that the text calls overall detection is balanced
# accuracy. For FSGAN the interval reaches down to where a perfect score means
# little: {result}`close_reading.detection.fsgan`.
#
# ## Parameters
#
# Do the rows of Table I add up to its total?

# %%
one = tables["table_1"]
total = sum(one["rows"].values())
print(f"rows: {total:.1f} million, printed total: {one['total']} million")

# %% tags=["remove-cell"]
nb.number("parameters.rows", total, unit="million")
nb.number("parameters.total", one["total"], unit="million")

# %% [markdown]
# The rows give {result}`close_reading.parameters.rows|plain`, the printed total is
# {result}`close_reading.parameters.total|plain`. The architecture that the text
# describes has the total: the row for audio omits its projection, and the row for
# the projection heads counts one of two. The chapter [Training](02_training) shows
# the count.
#
# ## The LAV-DF row
#
# Balanced accuracy is the mean of the two rates beside it. Where it is not, the row
# mixes samples.

# %%
rows = [
    (r["dataset"], r["condition"], r["bal_acc"], (r["real"] + r["fake"]) / 2)
    for r in tables["table_8"]
    if "bal_acc" in r
]
balanced = pd.DataFrame(rows, columns=["dataset", "condition", "printed", "mean"])
nb.table(
    "balanced",
    balanced.assign(difference=balanced.printed - balanced["mean"]),
    "Table VIII: printed balanced accuracy and the mean of its own columns (%).",
    digits=2,
)

# %% [markdown]
# If the headline columns cover all fakes of LAV-DF, the number of detected fakes
# follows from them, and with it F1:

# %%
lav = {r["condition"]: r for r in tables["table_8"] if r["dataset"] == "LAV-DF"}
two = next(r for r in tables["table_2"] if r["dataset"] == "LAV-DF")
video = lav["video only"]
overall = 2 * video["bal_acc"] - video["real"]
hit = round(overall / 100 * two["fake"])
alarms = round((100 - video["real"]) / 100 * two["real"])
f1 = 100 * 2 * hit / (2 * hit + alarms + two["fake"] - hit)
print(f"{hit} of {two['fake']} fakes, {alarms} false alarms, F1 {f1:.1f} %")

# %% tags=["remove-cell"]
nb.number("lav.mean", (video["real"] + video["fake"]) / 2, unit="%")
nb.number("lav.printed", video["bal_acc"], unit="%")
nb.number("lav.f1", f1, unit="%")
nb.number("lav.f1_printed", video["f1"], unit="%")
nb.number("lav.hits", hit)

# %% [markdown]
# For the video-only row the mean would be {result}`close_reading.lav.mean|plain`;
# {result}`close_reading.lav.printed|plain` is printed. If the printed value covers
# *all* fakes of LAV-DF, {result}`close_reading.lav.hits|plain` of them were
# detected, and F1 is {result}`close_reading.lav.f1|plain`, which is the printed
# value ({result}`close_reading.lav.f1_printed|plain`). The headline columns of that
# row thus cover the whole subset. The true-negative rate there,
# {paper}`table8.lav_video.real`, is also an exception to the text's statement that
# it stays high everywhere but at one collapsed threshold.
#
# ## DFDM: three operating points, one AUC
#
# On DFDM both rates swing from one extreme to the other with the compression level,
# while AUC stays the same.

# %%
dfdm = [row for row in tables["table_8"] if row["dataset"] == "DFDM"]
columns = ["condition", "auc", "real", "fake", "bal_acc", "f1"]
nb.table("dfdm", pd.DataFrame(dfdm)[columns], "DFDM in Table VIII (%).", digits=1)

# %% [markdown]
# An AUC of {paper}`table8.dfdm.auc` means that the scores do not separate reals from
# fakes at any compression level; only the position of the threshold within the
# scores differs. The table therefore does not show that fakes of lower quality are
# easier to detect. A high F1, where nearly everything is classified as fake, has the
# same reason. That the scores themselves are the same at all three levels is a
# hypothesis.
#
# ## Test reals that were seen in training
#
# Table III includes real clips of DeepfakeTIMIT in training; Table II tests on as
# many.

# %%
trained = tables["table_3"]["real (DF-TIMIT)"]["train"]
rows = [r for r in tables["table_2"] if r["dataset"] == "DF-TIMIT"]
tested = next(r["real"] for r in rows if r["split"] == "test")
print(f"{trained} in training, {tested} in the test")

# %% tags=["remove-cell"]
nb.number("timit.trained", trained)
nb.number("timit.tested", tested)

# %% [markdown]
# {result}`close_reading.timit.trained|plain` are trained on,
# {result}`close_reading.timit.tested|plain` are tested, and the subjects of the
# dataset's fakes have no more clips. The {paper}`table8.timit_hq.real` of its reals
# that are classified as real are thus training clips. Since that camera occurs in
# training with reals only, the camera alone predicts *real*: a model that learned
# this would detect few of its fakes, as is reported
# ({paper}`table8.timit_hq.fake`). This is a hypothesis. The chapter
# [Confounds](14_confounds) tests it; `corpus.timit_supplement=true` applies it to the
# whole book.
#
# ## The number of FaceSwap clips
#
# After capping, Table III contains as many FaceSwap clips as its three columns sum
# to.

# %%
swap = sum(tables["table_3"]["faceswap"].values())
print(f"{swap} clips")

# %% tags=["remove-cell"]
nb.number("faceswap.used", swap)

# %% [markdown]
# {result}`close_reading.faceswap.used|plain` is exactly the number of category C
# clips of FakeAVCeleb v1.2 whose *file name* contains the generator, while the
# dataset's own metadata list nearly twice as many under other names. A hypothesis:
# labels were read from file names. The reader of this book uses the metadata.
#
# ## Exercises
#
# ```{exercise} Perfect scores
# :label: ex-perfect-score
#
# All test clips of a generator are detected. From how many clips on does the lower
# bound of the Wilson interval exceed 95 %?
# ```

# %% [markdown]
# ````{solution-start} ex-perfect-score
# :class: dropdown
# ````

# %% tags=["solution"]
next(n for n in range(1, 500) if wilson(n, n).low > 0.95)

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} Table II from Table III
# :label: ex-derive-counts
#
# Which of Table II's training counts can be derived from Table III?
# ```

# %% [markdown]
# ````{solution-start} ex-derive-counts
# :class: dropdown
# ````

# %% tags=["solution"]
three = tables["table_3"]
reals = sum(v["train"] for k, v in three.items() if k.startswith("real"))
forged = sum(three[g]["train"] for g in ("faceswap", "wav2lip", "fsgan"))
print({"fake": forged, "real": reals})
print({k: tables["table_2"][0][k] for k in ("fake", "real")})

# %% [markdown]
# ````{solution-end}
# ````
