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
# # A close reading
#
# **Needs** the paper's tables as data (`amdd/data/paper.yml`), nothing else: no clip is looked at here.
# **Makes** what the tables add up to, which denominators they imply, and intervals where the paper gives points.
#
# **You will learn** to check a table with nothing but its own figures.
#
# Every paper has slips, and a reader who checks the sums is doing the authors a service. Nothing below needs
# more than the printed figures; each step can be run and argued with. What is a guess is called one.

# %% tags=["parameters", "hide-input"]
profile = "demo"
overrides = []

# %% tags=["hide-input"]
import pandas as pd

from amdd.companion.claims import paper
from amdd.stats import wilson
from amdd.companion.notebook import open_notebook

nb = open_notebook("09_close_reading", profile, overrides)
nb.opening()
tables = paper()

# %% [markdown]
# ## Of what is attribution accuracy a share?
#
# Table VI names the test clips: fakes of three generators and the reals. The attribution accuracies of Table V are
# shares of *some* whole number of clips. Which one gives all four of them, to the digit that is printed?

# %%
six = tables["table_6"]
fakes = sum(row["n"] for name, row in six.items() if name != "real")
everyone = fakes + six["real"]["n"]
printed = {name: row["attribution"] for name, row in tables["table_5"].items()}


def counts_that_fit(share: float, n: int) -> list[int]:
    """Whole numbers k for which k of n, rounded to one decimal, is ``share`` percent."""
    return [k for k in range(n + 1) if abs(round(100 * k / n, 1) - share) < 1e-9]


rows = [
    {
        "variant": name,
        "printed (%)": share,
        f"right of the {fakes} fakes": ", ".join(map(str, counts_that_fit(share, fakes))) or "none",
        f"right of all {everyone}": ", ".join(map(str, counts_that_fit(share, everyone))) or "none",
    }
    for name, share in printed.items()
]
nb.results.table(
    "denominator", pd.DataFrame(rows), "Counts that give Table V's attribution accuracies.", digits=1
)
nb.results.number("fakes", fakes)
nb.results.number("everyone", everyone)
right = {name: counts_that_fit(share, fakes)[0] for name, share in printed.items()}

# %% [markdown]
# Only the fakes do: attribution is counted over the {result}`09_close_reading.fakes|plain` forged test clips, and this book
# does the same.
#
# ## Do the other losses help?
#
# The paper credits each loss. In its own table two of the ablated variants score *higher* than the full model. With
# so few clips that need not mean anything either way, which an interval shows.

# %%
rows = []
for name, k in right.items():
    low, high = wilson(k, fakes).interval
    rows.append({"variant": name, "right": k, "of": fakes, "share": k / fakes, "low": low, "high": high})
    nb.results.number(f"attribution.{name}", 100 * k / fakes, fakes, 100 * low, 100 * high, unit="%")
nb.results.table("intervals", pd.DataFrame(rows), "Table V's attribution with 95 % Wilson intervals.")

# %% [markdown]
# The full model's {result}`09_close_reading.attribution.full`, the variant without the fingerprint loss
# {result}`09_close_reading.attribution.without_fingerprint`, the one without the contrastive loss
# {result}`09_close_reading.attribution.without_contrastive`: the intervals overlap. The table supports neither that these
# losses help nor that they harm. The fall without the attribution loss is beyond doubt, but it is the fall of a head
# that was never trained: the chapter on ablations asks the embedding instead.
#
# ## Small classes
#
# A generator with few test clips can score perfectly by luck.

# %%
rows = []
for name, row in six.items():
    k = round(row["detection"] / 100 * row["n"])
    low, high = wilson(k, row["n"]).interval
    rows.append(
        {
            "class": name,
            "n": row["n"],
            "right": k,
            "printed (%)": row["detection"],
            "low": 100 * low,
            "high": 100 * high,
        }
    )
    nb.results.number(f"detection.{name}", 100 * k / row["n"], row["n"], 100 * low, 100 * high, unit="%")
nb.results.table(
    "small", pd.DataFrame(rows), "Table VI's detection with 95 % Wilson intervals (%).", digits=1
)
found = sum(round(row["detection"] / 100 * row["n"]) for row in six.values())
nb.results.number("accuracy", 100 * found / everyone, everyone, unit="%")

# %% [markdown]
# Counted over all clips the plain accuracy is {result}`09_close_reading.accuracy`; the figure of {paper}`table5.full.bal_acc`
# that the text calls overall detection is balanced accuracy. For FSGAN the interval reaches down to where a perfect score says
# little: {result}`09_close_reading.detection.fsgan`.
#
# ## Parameters
#
# Do the rows of Table I add up?

# %%
one = tables["table_1"]
total = sum(one["rows"].values())
nb.results.number("parameters.rows", total, unit="million")
nb.results.number("parameters.total", one["total"], unit="million")
print(f"rows: {total:.1f} million, printed total: {one['total']} million")

# %% [markdown]
# The rows give {result}`09_close_reading.parameters.rows|plain`, the printed total is
# {result}`09_close_reading.parameters.total|plain`. The layout that the text describes gives the total: the row for sound
# leaves out its projection, and that for the projection heads counts one of two. The chapter on training shows the
# count.
#
# ## The LAV-DF row
#
# Balanced accuracy is the mean of the two shares beside it. Where it is not, the row mixes samples.

# %%
lav = {row["condition"]: row for row in tables["table_8"] if row["dataset"] == "LAV-DF"}
two = next(row for row in tables["table_2"] if row["dataset"] == "LAV-DF")
rows = []
for row in tables["table_8"]:
    if "bal_acc" in row:
        mean = (row["real"] + row["fake"]) / 2
        rows.append({"dataset": row["dataset"], "condition": row["condition"], "printed": row["bal_acc"], "mean of real and fake": mean, "gap": row["bal_acc"] - mean})  # fmt: skip
nb.results.table(
    "balanced",
    pd.DataFrame(rows),
    "Table VIII: printed balanced accuracy and the mean of its own columns (%).",
    digits=2,
)

# If the headline columns cover all fakes of the subset, the share found overall follows from them.
video = lav["video only"]
overall = 2 * video["bal_acc"] - video["real"]
hits, alarms = round(overall / 100 * two["fake"]), round((100 - video["real"]) / 100 * two["real"])
f1 = 100 * 2 * hits / (2 * hits + alarms + two["fake"] - hits)
nb.results.number("lav.mean", (video["real"] + video["fake"]) / 2, unit="%")
nb.results.number("lav.printed", video["bal_acc"], unit="%")
nb.results.number("lav.f1", f1, unit="%")
nb.results.number("lav.f1_printed", video["f1"], unit="%")
nb.results.number("lav.hits", hits)
print(f"pooled: {hits} of {two['fake']} fakes found, {alarms} false alarms, F1 {f1:.1f} %")

# %% [markdown]
# For the video-only row the mean would be {result}`09_close_reading.lav.mean|plain`; {result}`09_close_reading.lav.printed|plain`
# is printed. Take the printed value as one over *all* of LAV-DF's fakes: then {result}`09_close_reading.lav.hits|plain` were
# found, and F1 comes out as {result}`09_close_reading.lav.f1|plain`, which is what is printed
# ({result}`09_close_reading.lav.f1_printed|plain`). So the headline columns of that row very likely cover the whole subset.
# The same table's real accuracy there, {paper}`table8.lav_video.real`, is also an exception to the text's statement that
# real accuracy stays high everywhere but at one collapsed threshold.
#
# ## The same scores, three thresholds
#
# On DFDM the shares of reals and fakes swing from one extreme to the other with the compression. AUC does not move.

# %% tags=["hide-input"]
dfdm = [row for row in tables["table_8"] if row["dataset"] == "DFDM"]
nb.results.table(
    "dfdm",
    pd.DataFrame(dfdm)[["condition", "auc", "real", "fake", "bal_acc", "f1"]],
    "DFDM in Table VIII (%).",
    digits=1,
)

# %% [markdown]
# At {paper}`table8.dfdm.auc` nothing is separated at any compression; only the place of the threshold within the
# scores differs. So the table does not say that fakes of lower quality are easier to find. And F1, where nearly
# everything is called fake, looks good for that reason alone.
#
# ## Reals that were seen in training
#
# Table III puts DF-TIMIT's reals into training; Table II tests on as many. DF-TIMIT has no other reals.

# %%
trained = tables["table_3"]["real (DF-TIMIT)"]["train"]
tested = next(r["real"] for r in tables["table_2"] if r["dataset"] == "DF-TIMIT" and r["split"] == "test")
nb.results.number("timit.trained", trained)
nb.results.number("timit.tested", tested)

# %% [markdown]
# {result}`09_close_reading.timit.trained|plain` of them are trained on and {result}`09_close_reading.timit.tested|plain` are
# tested, and the reals of that data set (the subjects of its fakes, ten sentences each) are no more. So the
# {paper}`table8.timit_hq.real` of its reals called real are training clips. And since in training that
# camera appears with reals only, the camera alone says *real*: a model that learned this would find few of its fakes,
# as is reported ({paper}`table8.timit_hq.fake`). That is a hypothesis. The chapter
# [When the data give the answer away](14_confounds) tries it; `corpus.timit_supplement=true` does so for the whole book.
#
# ## Where FaceSwap's count may come from
#
# After capping, Table III has as many FaceSwap clips as its three columns add up to.

# %%
swap = sum(tables["table_3"]["faceswap"].values())
nb.results.number("faceswap.used", swap)

# %% [markdown]
# That is {result}`09_close_reading.faceswap.used|plain`: exactly the number of category C clips of FakeAVCeleb v1.2 whose *file
# name* says so, while the data set's own metadata lists nearly twice as many under other names. A hypothesis: labels were
# read off file names. This book's reader takes them from the metadata.

# %% [markdown]
# ## Exercises
#
# **1.** A generator's test clips are all found. From how many clips on does the lower end of the interval exceed ninety-five
# percent?
#
# **2.** Which of Table II's training counts can you derive from Table III?

# %% tags=["hide-cell", "solution"]
# Solution 1
next(n for n in range(1, 500) if wilson(n, n).low > 0.95)

# %% tags=["hide-cell", "solution"]
# Solution 2
three = tables["table_3"]
derived = {
    "fakes": sum(three[g]["train"] for g in ("faceswap", "wav2lip", "fsgan")),
    "reals": sum(v["train"] for k, v in three.items() if k.startswith("real")),
}
print(derived, {k: tables["table_2"][0][k] for k in ("fake", "real")})

# %% [markdown]
# ## Summary
#
# The sums support the paper's main result, that attribution and detection can be trained together. They do not support
# that the fingerprint and contrastive losses help, nor that reals of DF-TIMIT are recognised by generalisation; and on
# DFDM no separation is left to interpret. What can be tested here is tested in the chapter *Claims*.
