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
# # The paper, table by table
#
# **Question.** How do this run's results compare with each table of the paper?
#
# **Answer.** All eight tables are shown beside this run's values; of Table VIII's rows,
# {result}`table_by_table.table_8.rows` have a counterpart here. The data differ unless
# you trained on FakeAVCeleb, so patterns can be compared, values cannot.
#
# **Needs** the tables of the preceding chapters, and the paper's tables as data.
# **Makes** each table of the paper with this run's values beside it.
#
# **You will learn** to compare two sets of results without mixing them.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
import pandas as pd
from scipy.stats import kendalltau

from amdd.companion import paper_tables
from amdd.companion.claims import paper
from amdd.companion.notebook import open_notebook

nb = open_notebook("table_by_table", profile, overrides)
nb.opening()

# %% [markdown]
# Columns headed *paper* contain what the paper reports on FakeAVCeleb and the other
# datasets; columns headed *here* contain what this run measured on the data named in
# each caption.
#
# ## Table I: parameters
#
# In millions. The row of the visual backbone differs if it is not ResNet50.

# %%
nb.table(
    "table_1",
    paper_tables.table_1(nb.table_of),
    f"Table I beside this run's network ({nb.profile.model.visual_backbone}).",
    digits=2,
)

# %% [markdown]
# ## Tables II and III: data and split

# %%
nb.table(
    "table_2",
    paper_tables.table_2(),
    "Table II as published: clips. For this run see data preparation.",
)

# %%
three = paper_tables.table_3(nb.table_of)
nb.table("table_3", three, f"Table III; here: {nb.data}.", digits=0)

# %% [markdown]
# ## Table IV: hyperparameters
#
# Every value, with those that the paper leaves open marked, is listed in
# [Training](02_training). The chapter [Open choices](12_open_choices) measures how much
# the open ones matter.
#
# ## Table V: ablations

# %%
five = paper_tables.table_5(nb.table_of)
nb.table(
    "table_5",
    five,
    f"Table V in percent; here: {nb.data}, means over "
    f"{len(nb.evaluation.seeds)} seed(s). The chapter Ablations gives intervals.",
    digits=1,
)

# %% [markdown]
# ## Table VI: results by generator

# %%
nb.table(
    "table_6",
    paper_tables.table_6(nb.table_of),
    f"Table VI in percent; here: {nb.note()}",
    digits=1,
)

# %% [markdown]
# ## Table VII: other methods
#
# As quoted in the paper. None of these methods was run here, and the rows were not
# measured on the same clips: the authors of each method chose their own subset of
# FakeAVCeleb, with different fakes in training and test. The table therefore does not
# support a ranking. A value near one hundred may be a property of the subset; the
# chapter [A close reading](09_close_reading) shows what the paper's own counts allow.

# %%
nb.table(
    "table_7",
    paper_tables.table_7(),
    "Table VII as published, in percent; – means not given.",
    digits=1,
)

# %% [markdown]
# ## Table VIII: unseen data

# %%
eight = paper_tables.table_8(nb.table_of)
unseen = ", ".join(nb.external) or "none"
nb.table(
    "table_8",
    eight,
    f"Table VIII in percent; here: {unseen}, in the same roles.",
    digits=1,
)

# %% tags=["remove-cell"]
here = int((eight["from"] == "here").sum())
nb.number("table_8.rows", here, n=len(paper()["table_8"]))

# %% [markdown]
# ## Figures and Algorithm 1
#
# | In the paper | Content | In this book |
# |---|---|---|
# | Fig. 1, 9 | embeddings with and without the attribution loss | [embedding space](06_embedding_space), with cluster metrics |
# | Fig. 2 | the network | [the method](../book/method) |
# | Fig. 3 | ablations | [ablations](04_ablations), with intervals |
# | Fig. 4 | ROC by generator | [in-domain results](03_in_domain_results) |
# | Fig. 5 | confusion matrix of attribution | [in-domain results](03_in_domain_results) |
# | Fig. 6 | detection scores | [in-domain results](03_in_domain_results), with calibration |
# | Fig. 7 | trends over datasets and conditions | [cross-dataset evaluation](05_cross_dataset) |
# | Fig. 8 | visual and audio embeddings before fusion | [embedding space](06_embedding_space) |
# | Fig. 10 | cosine of the modalities | [embedding space](06_embedding_space), with and without CMFFC |
# | Fig. 11 | Grad-CAM | [Grad-CAM](07_gradcam), scored against known masks |
# | Fig. 12 | mel spectrograms | [spectrograms](08_spectrograms), with differences |
# | Algorithm 1 | training | [the method](../book/method), as code |
#
# ## Exercises
#
# ```{exercise} The smallest difference
# :label: ex-smallest-difference
#
# To how many clips does the smallest difference between two attribution values of the
# paper's Table V correspond?
# ```

# %% [markdown]
# ````{solution-start} ex-smallest-difference
# :class: dropdown
# ````

# %% tags=["solution"]
values = sorted(v["attribution"] for v in paper()["table_5"].values())
counts = paper()["table_3"]
fakes = sum(counts[g]["test"] for g in ("faceswap", "wav2lip", "fsgan"))
[round((b - a) / 100 * fakes, 1) for a, b in zip(values, values[1:])]

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} Agreement of rankings
# :label: ex-rank-agreement
#
# In which column of Table V do *paper* and *here* rank the four variants most alike?
# ```

# %% [markdown]
# ````{solution-start} ex-rank-agreement
# :class: dropdown
# ````

# %% tags=["solution"]
wide = five.pivot(index="variant", columns="from")
agreement = {
    name: kendalltau(wide[name].paper, wide[name].here).statistic
    for name in paper_tables.METRICS
}
pd.Series(agreement, name="Kendall's tau")

# %% [markdown]
# ````{solution-end}
# ````
#
# The chapter [Claims](10_claims) judges what the differences mean for the paper's claims,
# by a rule.
