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
# # The paper, table by table
#
# **Needs** the tables that the chapters before wrote, and the paper's tables as data. **Makes** each table of the paper
# with this run's values beside it, and the list of where each figure was made.
#
# **You will learn** to put two results side by side without mixing them up.
#
# Columns headed *paper* hold what the paper reports on FakeAVCeleb and its companions. Columns headed *here* hold what
# this run measured on the data named in each caption. Unless these are the same data they answer different questions:
# look whether the *pattern* repeats, not whether digits do.

# %% tags=["parameters", "hide-input"]
profile = "demo"
overrides = []

# %% tags=["hide-input"]
import pandas as pd

from amdd.companion.claims import paper
from amdd.companion.notebook import open_notebook

nb = open_notebook("13_table_by_table", profile, overrides)
nb.opening()

# %% tags=["hide-input"]
published = paper()
c = nb.profile.corpus
data = c.train + ("" if c.data else " (built-in)")


def ours(chapter, name):
    """A table that another chapter wrote."""
    return pd.read_csv(nb.reads(nb.workspace.results / chapter / f"{name}.csv"))


# %% [markdown]
# ## Table I: parameters
#
# In millions. Where the visual trunk is not ResNet50 that row differs by intent.

# %% tags=["hide-input"]
sizes = ours("02_training", "parameters")
sizes = sizes.rename(columns={"millions": "here", "Table I (millions)": "paper"})
nb.results.table(
    "table_1",
    sizes[["component", "paper", "here"]],
    f"Table I beside the network of this run ({nb.profile.model.visual_backbone}).",
    digits=2,
)

# %% [markdown]
# ## Tables II and III: data and splits

# %% tags=["hide-input"]
two = pd.DataFrame(published["table_2"])
two["audio"] = two.audio.map({True: "yes", False: "no"})
nb.results.table(
    "table_2",
    two.rename(columns={"dataset": "data set"}),
    "Table II as published: clips. This run's are in the chapter on data preparation.",
)

# %% tags=["hide-input"]
split = ours("01_data_preparation", "split").set_index("generator")
rows = []
for name, counts in published["table_3"].items():
    here = (
        split.loc["real" if name == "real (FakeAVCeleb)" else name]
        if name in split.index or name == "real (FakeAVCeleb)"
        else {}
    )
    rows.append(
        {
            "generator": name,
            **{f"{side}, paper": counts[full] for side, full in (("train", "train"), ("val", "validation"), ("test", "test"))},
            **{f"{side}, here": int(here[side]) if side in here else None for side in ("train", "val", "test")},
        }
    )  # fmt: skip
nb.results.table("table_3", pd.DataFrame(rows).astype(object), f"Table III; here: {data}.", digits=0)

# %% [markdown]
# ## Table IV: hyper-parameters
#
# Every value, with the ones that the paper leaves open marked, stands in [the training chapter](02_training). How much
# the open ones matter is measured in [open choices](12_open_choices).
#
# ## Table V: ablations

# %% tags=["hide-input"]
measures = {
    "bal_acc": "balanced_accuracy", "auc": "auc", "f1": "f1", "real": "real_accuracy", "fake": "fake_accuracy",
    "attribution": "attribution_fakes",
}  # fmt: skip
five = ours("04_ablations", "table_5").set_index("variant")
rows = []
for variant, values in published["table_5"].items():
    name = variant.replace("_", " ")
    rows.append({"variant": name, "from": "paper", **{short: float(values[short]) for short in measures}})
    here = {short: 100 * five.loc[variant, column] for short, column in measures.items()}
    rows.append({"variant": name, "from": "here", **here})
five_table = pd.DataFrame(rows)
nb.results.table(
    "table_5",
    five_table,
    f"Table V in percent; here: {data}, {int(five.seeds.iloc[0])} seed(s) a variant. Intervals are in the chapter on ablations.",
    digits=1,
)

# %% [markdown]
# ## Table VI: by generator

# %% tags=["hide-input"]
six = ours("03_in_domain_results", "per_generator").set_index("generator")
rows = []
for name, values in published["table_6"].items():
    if name in six.index:
        rows.append(
            {
                "generator": name,
                "n, paper": values["n"],
                "n, here": int(six.loc[name, "n"]),
                "right, paper": values["detection"],
                "right, here": 100 * six.loc[name, "detection"],
                "AUC, paper": 100 * values["auc"] if "auc" in values else float("nan"),
                "AUC, here": 100 * six.loc[name, "auc"],
            }
        )
nb.results.table(
    "table_6",
    pd.DataFrame(rows),
    f"Table VI in percent; here: {data}, seed {nb.profile.evaluation.seeds[0]}.",
    digits=1,
)

# %% [markdown]
# ## Table VII: other methods
#
# As the paper quotes them. Nothing of it was run here, and the rows were not measured on the same clips: each method's
# authors chose their own part of FakeAVCeleb, with other fakes in training and test. A ranking can't be read from it.
# In particular a value near one hundred may be a property of the subset; the chapter [A close reading](09_close_reading)
# shows what the paper's own counts allow.

# %% tags=["hide-input"]
rows = [
    {
        "method": name,
        "looks at": {"V": "picture", "AV": "picture and sound"}[values["modality"]],
        **{k: values.get(k, float("nan")) for k in ("auc", "bal_acc", "attribution")},
        "measured by": "the paper" if name == "AMDD" else "quoted in the paper from others",
    }
    for name, values in published["table_7"].items()
]
nb.results.table(
    "table_7", pd.DataFrame(rows), "Table VII as published, in percent; – means not given.", digits=1
)

# %% [markdown]
# ## Table VIII: unseen data

# %% tags=["hide-input"]
known_as = {
    ("DF-TIMIT", "higher quality"): ("timit", "hq"), ("DF-TIMIT", "lower quality"): ("timit", "lq"),
    ("DFDM", "crf0"): ("dfdm", "crf0"), ("DFDM", "crf10"): ("dfdm", "crf10"), ("DFDM", "crf23"): ("dfdm", "crf23"),
    ("LAV-DF", "video only"): ("lav", "video"), ("LAV-DF", "audio only"): ("lav", "audio"), ("LAV-DF", "both"): ("lav", "both"),
}  # fmt: skip
eight = ours("05_cross_dataset", "table_8")
rows = []
for values in published["table_8"]:
    corpus, condition = known_as[values["dataset"], values["condition"]]
    here = eight[eight.corpus.str.contains(corpus) & eight.condition.str.contains(condition)]
    where = {"data": values["dataset"], "condition": values["condition"]}
    columns = ("auc", "bal_acc", "real", "fake")
    rows.append({**where, "from": "paper", **{k: float(values.get(k, "nan")) for k in columns}})
    if len(here):
        rows.append({**where, "from": "here", **{k: 100 * here[measures[k]].iloc[0] for k in columns}})
eight_table = pd.DataFrame(rows)
stand_ins = ", ".join(c.external) + ("" if c.data else " (built-in)")
nb.results.table(
    "table_8", eight_table, f"Table VIII in percent; here: {stand_ins}, in the same roles.", digits=1
)
nb.results.number("table_8.rows", int((eight_table["from"] == "here").sum()), n=len(published["table_8"]))

# %% [markdown]
# ## Figures and the algorithm
#
# | In the paper | What it shows | In this book |
# |---|---|---|
# | Fig. 1, 9 | embeddings with and without the attribution loss | [embedding space](06_embedding_space), with cluster measures |
# | Fig. 2 | the network | [the method](../book/method) |
# | Fig. 3 | ablations | [ablations](04_ablations), with intervals |
# | Fig. 4 | ROC by generator | [in-domain results](03_in_domain_results) |
# | Fig. 5 | confusion of attribution | [in-domain results](03_in_domain_results) |
# | Fig. 6 | detection scores | [in-domain results](03_in_domain_results), with calibration |
# | Fig. 7 | trends over data sets and conditions | [cross-dataset evaluation](05_cross_dataset) |
# | Fig. 8 | visual and audio embeddings before fusion | [embedding space](06_embedding_space) |
# | Fig. 10 | cosine of picture and sound | [embedding space](06_embedding_space), with and without CMFFC |
# | Fig. 11 | GradCAM | [GradCAM](07_gradcam), scored against the known masks |
# | Fig. 12 | mel spectrograms | [spectrograms](08_spectrograms), with difference pictures |
# | Algorithm 1 | training | below, as it runs |

# %% tags=["hide-input"]
import inspect

from IPython.display import Code, display

from amdd.training import training_step

display(Code(inspect.getsource(training_step), language="python"))

# %% [markdown]
# ## Exercises
#
# **1.** How many clips is the smallest difference between two attribution values of the paper's Table V?
#
# **2.** In which column of Table V do *paper* and *here* order the four variants most alike?

# %% tags=["hide-cell", "solution"]
# Solution 1
told = sorted(v["attribution"] for v in published["table_5"].values())
fakes = sum(published["table_3"][g]["test"] for g in ("faceswap", "wav2lip", "fsgan"))
[round((b - a) / 100 * fakes, 1) for a, b in zip(told, told[1:])]

# %% tags=["hide-cell", "solution"]
# Solution 2
from scipy.stats import kendalltau

wide = five_table.pivot(index="variant", columns="from")
pd.Series(
    {short: kendalltau(wide[short].paper, wide[short].here).statistic for short in measures},
    name="agreement of order",
)

# %% [markdown]
# ## Summary
#
# All eight tables stand beside this run's; of Table VIII's rows {result}`13_table_by_table.table_8.rows` have a
# counterpart here. What the differences say about the paper's claims is judged in [Claims](10_claims), by a rule and not
# by eye.
