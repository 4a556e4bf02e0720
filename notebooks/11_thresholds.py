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
# # Thresholds and base rates
#
# **Question.** What does a decision threshold do to the metrics, and how much is a
# positive classification worth?
#
# **Answer.** With the rates of this run, a clip that is classified as fake is a fake
# with probability {result}`thresholds.worth.even|plain` if half of all clips are
# fakes, and {result}`thresholds.worth.rare|plain` if one in a thousand is. AUC does
# not change with the threshold; accuracy and the value of a decision do.
#
# **Needs** the predictions of the full run. **Makes** metrics over the threshold, in
# domain and on unseen data, and the {term}`positive predictive value` over the
# prevalence.
#
# **You will learn** how {term}`threshold` and prevalence determine what a decision
# means.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
from amdd.analysis.condition_tables import collapse_table, group_table
from amdd.companion.explore import write_scores
from amdd.companion.notebook import open_notebook
from amdd.figures.threshold import base_rates, curves_over_threshold, slider
from amdd.stats import predictive_value, sweep

nb = open_notebook("thresholds", profile, overrides)
nb.opening()

# %% [markdown]
# The paper's tables are read at one fixed threshold. On unseen data that threshold can
# matter more than the network: everything is classified as real, or as fake, with the
# same ranking of scores.

# %%
predictions = {name: nb.predictions(name) for name in nb.corpora()}
table = predictions[nb.train_name]
curve = sweep(table.label, table.score)
reals = table.score[table.label == 0].to_numpy()
fakes = table.score[table.label == 1].to_numpy()

# %% tags=["remove-cell"]
path = nb.writes(nb.workspace.results / nb.topic / "scores.json")
write_scores(path, predictions, nb.evaluation.threshold)

# %% [markdown]
# ## Move the threshold

# %%
nb.show("slider", slider(curve, reals, fakes, nb.evaluation.threshold))

# %%
nb.show(
    "curves",
    curves_over_threshold(curve, nb.evaluation.threshold),
    f"Metrics over the threshold. {nb.note(table)}",
)

# %% [markdown]
# ## Threshold collapse
#
# For each corpus: balanced accuracy at the fixed threshold, and at the best threshold
# *for that corpus*. The best threshold needs the labels, so the second column is an
# upper bound and not a result. If the two differ, the scores have shifted; if both are
# near one half, the ranking is lost.

# %%
nb.table(
    "collapse",
    collapse_table(predictions, nb.evaluation.threshold),
    f"Balanced accuracy at two thresholds, by corpus. {nb.note()}",
)

# %% [markdown]
# ## The value of a positive classification
#
# A third to two thirds of such a test set are fakes; of a stream of videos, far fewer
# are. With true-positive rate $s$, true-negative rate $r$ and prevalence $b$, Bayes'
# theorem gives the positive predictive value
#
# $$P(\text{fake} \mid \text{classified as fake}) = \frac{s\,b}{s\,b + (1 - r)(1 - b)}.$$

# %%
correct = (table.score >= nb.evaluation.threshold) == (table.label == 1)
s, r = (nb.share(correct[k], table[k]) for k in (table.label == 1, table.label == 0))
rare, even = predictive_value(s.value, r.value, [0.001, 0.5])
nb.show(
    "base_rates",
    base_rates(s.value, r.value),
    f"Positive predictive value over the prevalence of fakes. {nb.note(table)}",
)

# %% tags=["remove-cell"]
nb.number("found", s)
nb.number("passed", r)
nb.number("worth.rare", float(rare))
nb.number("worth.even", float(even))

# %% [markdown]
# In this run $s$ is {result}`thresholds.found` and $r$ is
# {result}`thresholds.passed`. If one clip in a thousand is a fake, nearly all alarms
# are false, although the detector is the same. Such a decision should never be reported
# without the prevalence.
#
# ## Errors by group
#
# False-positive rates by group, on the built-in corpus, where groups are balanced by
# construction. Each group contains very few identities.

# %%
nb.table(
    "groups",
    group_table(table, nb.evaluation.threshold),
    "False-positive rate on reals by group, with the number of people and intervals over "
    f"them; none for a group of one person. {nb.note(table)}",
)

# %% [markdown]
# A difference between two groups here is a difference between one or two rendered
# people, from a single training run. It may be real for these people, but it cannot be
# generalised to a group: a claim about fairness needs many identities per group, as a
# claim about accuracy does.
#
# ## Exercises
#
# ```{exercise} The break-even prevalence
# :label: ex-break-even
#
# At which prevalence is half of all positive classifications correct?
# ```

# %% [markdown]
# ````{solution-start} ex-break-even
# :class: dropdown
# ````
# Solve $s\,b = (1 - r)(1 - b)$ for $b$.

# %% tags=["solution"]
alarm = 1 - r.value
print(f"{alarm / max(s.value + alarm, 1e-9):.4f}")

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} A tolerated false-positive rate
# :label: ex-false-positive-rate
#
# A platform tolerates one false alarm in twenty reals. At which threshold, and how
# many fakes are then detected?
# ```

# %% [markdown]
# ````{solution-start} ex-false-positive-rate
# :class: dropdown
# ````
# A threshold that is chosen on the clips on which it is tested looks better than it
# is; a validation set would be needed.

# %% tags=["solution"]
allowed = curve[curve["true-negative rate"] >= 0.95].iloc[0]
rate = allowed["true-positive rate"]
print(f"threshold {allowed.threshold:.2f}: true-positive rate {rate:.2f}")

# %% [markdown]
# ````{solution-end}
# ````
