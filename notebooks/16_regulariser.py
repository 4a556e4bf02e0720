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
# # Is attribution a regulariser?
#
# **Question.** Does a detector that learns to name generators detect unseen
# generators better, or does any second detection loss do the same?
#
# **Answer.** The full objective minus its placebo without generator names is
# {result}`regulariser.contrast.primary` in AUC on six generators that no training
# clip comes from; on frozen backbones {result}`regulariser.frozen.primary`; and where
# each of eight generators is left out in turn {result}`regulariser.left_out.contrast`.
# The decisions by the three protocols, written before:
# *{result}`regulariser.decision|plain`*, *{result}`regulariser.frozen.decision|plain`*,
# and *{result}`regulariser.left_out.decision|plain`*.
#
# **Needs** nothing but the predictions that come with the repository: no training,
# no GPU. **Makes** the ladder of arms, the contrasts with their intervals, the
# controls, the curves of take-off and the shares of the gradients, for
# {result}`regulariser.done|plain` and {result}`regulariser.frozen.done|plain`; and what
# leaving one generator out changes ({result}`regulariser.left_out.done|plain`).
#
# **You will learn** why an ablation cannot answer the question, and how a placebo
# can.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
import pandas as pd

from amdd.analysis import left_out, study
from amdd.analysis.study_tables import (
    by_arm,
    by_generator,
    contrast_table,
    minor_table,
    recipe_table,
    repetition_table,
)
from amdd.analysis.study_tables import shipped, shipped_left_out, take_off_table
from amdd.companion.notebook import open_notebook
from amdd.figures.study import contrasts, dose, gradient_shares, ladder
from amdd.figures.study import left_out as left_out_figure
from amdd.figures.study import take_offs

nb = open_notebook("regulariser", profile, overrides)
nb.opening()

# %% [markdown]
# ## Why an ablation cannot tell
#
# The paper removes the attribution loss and detects worse (Table V). Its
# cross-entropy has a class *real* beside the $K$ generators, and by the chain rule
#
# $$-\log p(g \mid x) = -\log p(\text{fake} \mid x) - \log p(g \mid \text{fake}, x),$$
#
# so it is a second detection loss plus a naming loss. To remove it removes both.
# The study has one arm for each half, one in which names mean nothing, and one
# that gives detection more weight instead.

# %%
data = shipped("attribution")
protocol, table = data.protocol, data.predictions
nb.table("arms", by_arm(protocol), "Arms of the study.")

# %% [markdown]
# Within a seed all arms share initial weights, order of clips and augmentation. They
# are trained on {result}`regulariser.training_clips|plain` clips and
# tested on {result}`regulariser.test_clips|plain` clips of
# {result}`regulariser.people|plain` other people: reals, fakes of the three training
# generators, and fakes of six that no training clip comes from, all recorded and
# encoded alike. The outcome, the contrasts, the margin and the rule of decision were written
# down before any of them was measured on this corpus (`book/studies/attribution.yml`). The
# first fifteen trainings were measured before the others were made, and nothing was
# changed in between.

# %% tags=["remove-cell"]
found = study.outcomes(table, protocol)
tests = study.test_part(table)
nb.number("training_clips", data.record["trainings"][0]["clips"]["train"])
nb.number("test_clips", int(tests["clip"].nunique()))
nb.number("people", int(tests.people.nunique()))
nb.number("trainings", len(found))
seeds = study.seeds_done(table, protocol)
done = f"{len(found)} trainings, {seeds} of {protocol.seeds} seeds in all arms"
nb.number("done", done)

# %% [markdown]
# ## The ladder

# %%
asks = {name: arm.asks for name, arm in protocol.arms.items()}
measures = {"unseen": "AUC, unseen generators", "known": "AUC, training generators"}
measures |= {"naming": "named among generators"}
nb.show(
    "ladder",
    ladder(found, measures, asks),
    f"Every training of the study as a mark, arms as rows. {done}.",
)

# %% [markdown]
# Read the left panel first: it is the outcome. The right panel shows whether the
# head has learned to name generators at all; chance is one third.

# %%
nb.table(
    "outcomes",
    found,
    f"Outcomes of every training. {done}.",
    fold="every training",
)

# %% tags=["remove-cell"]
means = found.groupby("arm")[["unseen", "known", "naming"]].mean()
for arm in protocol.arms:
    for name, value in means.loc[arm].items():
        nb.number(f"{arm}.{name}", float(value), n=int((found.arm == arm).sum()))

# %% [markdown]
# ## The contrasts

# %%
compared, decided = study.report(tests, protocol)
nb.show(
    "contrasts",
    contrasts(compared, protocol.margin),
    "Differences between arms, paired by seed and clip, with 95 % intervals over seeds "
    f"and people; the band is the margin of ±{protocol.margin}. {done}.",
)

# %%
nb.table(
    "contrasts_table",
    contrast_table(compared),
    "The contrasts, with p-values and those adjusted by Holm.",
    fold="the contrasts as numbers",
)

# %% tags=["remove-cell"]
pairs = protocol.contrasts
named = {"contrast.primary": pairs.primary, "contrast.decisive": pairs.decisive}
for key, pair in (named | {"ablation": ("full", "none")}).items():
    nb.number(key, study.contrast(tests, pair, protocol.test.unseen))
nb.number("decision", decided)

# %% [markdown]
# The paper's own ablation, full minus none, is {result}`regulariser.ablation`; a twin
# without names, which knows real and fake alone, minus none is
# {result}`regulariser.twin_none`. What removing the loss costs comes back with a
# second detection loss.
#
# The rule needs both differences, from the twin and from the shuffled labels, above
# zero with their whole intervals, and the first at least as large as the margin. *No
# effect beyond the margin* says that two one-sided tests place the first within it:
# names may still help by less. The intervals cover the spread of seeds *and* of
# people. One test corpus, six unseen generators and one recipe are behind them; on
# other data the answer may be another.
#
# ### A control: full against full
#
# Two trainings of the same arm differ in their seed alone, so zero should lie in the
# interval of their difference. The protocol asks for at least six of seven pairs.

# %%
same = study.same_against_same(tests, "full", protocol.test.unseen)
nb.table(
    "same",
    same,
    "Pairs of trainings of the full objective, with intervals over people and seeds.",
)

# %% tags=["remove-cell"]
nb.number("same.holds", int(same["holds zero"].sum()), n=len(same))
nb.number("twin_none", study.contrast(tests, ("twin", "none"), protocol.test.unseen))
together = study.naming_and_detection(found, ("full", "naming"))
nb.number("naming_and_detection", together)

# %% [markdown]
# It holds in {result}`regulariser.same.holds`.
#
# Nor do networks that name better detect better: over the trainings of the arms
# *full* and *naming* the correlation between the share named and the AUC on unseen
# generators, within an arm, is {result}`regulariser.naming_and_detection`.
#
# ## By generator

# %%
nb.table(
    "by_generator",
    by_generator(table, protocol),
    f"AUC on each generator's fakes, mean over the seeds of an arm. {done}.",
)

# %% [markdown]
# ## Does detection start?
#
# In earlier trainings of this book, with fewer clips, smaller crops and a learning
# rate without warm-up, detection often did not start without the attribution loss
# ([ablations](04_ablations)). Whether it starts is another question than whether it
# generalises, and the study keeps them apart.

# %%
history = data.history
nb.show(
    "take_off",
    take_offs(history, protocol.take_off.threshold, list(protocol.arms)),
    f"Training focal loss by epoch; dotted: where detection counts as started. {done}.",
)

# %%
started = take_off_table(history, protocol)
nb.table("started", started, f"Epoch at which detection starts, by arm. {done}.")

# %% tags=["remove-cell"]
nb.number("started", int(started["started"].sum()), n=int(started["trainings"].sum()))
none = started.set_index("arm").loc["none"]
nb.number("none.started", int(none["started"]), n=int(none["trainings"]))
half = started.set_index("arm").loc["naming"]
nb.number("naming.started", int(half["started"]), n=int(half["trainings"]))

# %% [markdown]
# Of the trainings without any term in the attribution head
# {result}`regulariser.none.started` started, and of those with its naming half alone
# {result}`regulariser.naming.started`; all others started. The prediction in the
# protocol, that without the term or with its naming half detection does not start,
# came from the earlier trainings; in this regime it is wrong for most of them. The
# few that did not start make the interval of *full minus none* wide. In the second
# study, below, every training started.
#
# ## Who moves the network
#
# Every step is clipped to the same length, so a term acts by its *share* of the
# gradient. At the start the contrastive loss moves the visual trunk most and
# detection least; a second cross-entropy then helps to start a starved trunk,
# whatever it names.

# %%
terms = ["detection", "attribution", "contrastive", "fingerprint", "centroid"]
full = history[history.arm == "full"]
nb.show(
    "gradients",
    gradient_shares(full, terms),
    "Share of each weighted term in the gradient norms on the visual trunk, median over "
    f"the trainings of the full objective (n = {full.seed.nunique()}).",
)

# %% tags=["remove-cell"]
first = full[full.epoch == 1][[f"grad_trunk_{t}" for t in terms]].median()
nb.number("first_share.detection", float(first.iloc[0] / first.sum()))
nb.number("first_share.contrastive", float(first.iloc[2] / first.sum()))

# %% [markdown]
# In the first epoch detection has {result}`regulariser.first_share.detection` of the
# norms on the trunk and the contrastive loss
# {result}`regulariser.first_share.contrastive`.
#
# ## A second study, on frozen backbones
#
# The profile `demo` freezes its backbones, so that two cores can train it; here they
# are frozen as well, and the map of one block is taken, not of several. A second
# protocol (`book/studies/attribution-frozen.yml`), committed before any of its
# trainings, asks the same question there: can attribution shape what comes *after*
# given features? Arms, seeds, test corpus, margin and rule are those of the first.

# %%
second = shipped("attribution-frozen")
again = study.outcomes(second.predictions, second.protocol)
later, verdict = study.report(study.test_part(second.predictions), second.protocol)
seeds = study.seeds_done(second.predictions, second.protocol)
count = (
    f"{len(again)} trainings, {seeds} of {second.protocol.seeds} seeds in all arms"
)

# %%
nb.show(
    "frozen_ladder",
    ladder(again, measures, asks),
    f"Second study, frozen backbones: every training as a mark. {count}.",
)

# %%
nb.show(
    "frozen_contrasts",
    contrasts(later, second.protocol.margin),
    "Second study: differences between arms, as above; the band is the margin of "
    f"±{second.protocol.margin}. {count}.",
)

# %%
nb.table(
    "frozen_contrasts_table",
    contrast_table(later),
    "Second study: the contrasts, with p-values and those adjusted by Holm.",
    fold="the contrasts as numbers",
)

# %% tags=["remove-cell"]
nb.number("frozen.done", count)
nb.number("frozen.decision", verdict)
trials, unseen = study.test_part(second.predictions), second.protocol.test.unseen
contrast = {"primary": ("full", "twin"), "decisive": ("full", "shuffled")}
contrast |= {"ablation": ("full", "none"), "twin_none": ("twin", "none")}
for key, pair in contrast.items():
    nb.number(f"frozen.{key}", study.contrast(trials, pair, unseen))
control = study.same_against_same(trials, "full", unseen)
nb.number("frozen.same.holds", int(control["holds zero"].sum()), n=len(control))
means = again.groupby("arm")[["unseen", "known", "naming"]].mean()
for name, value in means.loc["full"].items():
    nb.number(f"frozen.full.{name}", float(value), n=seeds)

# %% [markdown]
# Every training starts here, and seeds spread less, so that smaller differences show:
# full minus none is {result}`regulariser.frozen.ablation`, and the twin without names
# minus none {result}`regulariser.frozen.twin_none`. Full minus twin is
# {result}`regulariser.frozen.primary`, full minus shuffled
# {result}`regulariser.frozen.decisive`: if names add anything beyond a second
# detection loss, it is a fraction of the margin. The control holds in
# {result}`regulariser.frozen.same.holds`.
#
# The trunks of the first study know more: AUC {result}`regulariser.full.unseen` on
# unseen generators against {result}`regulariser.frozen.full.unseen` here, and
# {result}`regulariser.full.known` against {result}`regulariser.frozen.full.known` on
# those of training. They name about as well, {result}`regulariser.full.naming` and
# {result}`regulariser.frozen.full.naming` (chance is one third).
#
# ### The other losses
#
# Arms of secondary interest, on frozen backbones, outside the protocol's contrasts and
# not corrected for their number.

# %%
nb.table(
    "minor",
    minor_table(second.predictions, second.protocol),
    "Full minus each arm: AUC on unseen generators with its 95 % interval over "
    "people and seeds.",
)

# %% [markdown]
# ## One generator left out
#
# Six unseen generators are few, and which ones they are was given. A third protocol
# (`book/studies/leave-one-out.yml`), committed before its trainings, takes eight
# generators, leaves each out in turn, trains on the seven others, and asks how well
# the one left out is detected: with names, and with the twin's second detection loss.
# Backbones are frozen as above; the corpus to train on is another.

# %%
plan, folds, kept = shipped_left_out()
outs = left_out.left_out_outcomes(folds, plan)
gap, said = left_out.left_out_contrast(folds, plan)
made = f"{len(outs)} trainings, {outs.seed.nunique()} of {plan.seeds} seeds"
arms = {"full": "full: names", "twin": "twin: no names"}
nb.show(
    "left_out",
    left_out_figure(outs, plan.pool, arms),
    "AUC on each generator where it was left out of training, every training as a mark; "
    f"dotted: chance. {made}.",
)

# %%
by_left, _ = left_out.left_out_report(folds, plan)
nb.table(
    "left_out_contrasts",
    by_left,
    "Full minus twin on each left-out generator, with 95 % intervals over seeds and "
    f"people. {made}.",
    fold="the differences as numbers",
)

# %% tags=["remove-cell"]
nb.number("left_out.contrast", gap)
nb.number("left_out.decision", said)
nb.number("left_out.done", made)
average = outs.groupby("arm")[["AUC", "known", "named"]].mean()
for arm in arms:
    for name, value in average.loc[arm].items():
        nb.number(
            f"left_out.{arm}.{name}", float(value), n=int((outs.arm == arm).sum())
        )

# %% tags=["remove-cell"]
by_name = outs.groupby("left out").AUC.mean().sort_values()
for key, place in (("hardest", 0), ("easiest", -1)):
    nb.number(f"left_out.{key}", str(by_name.index[place]))
    nb.number(f"left_out.{key}.auc", float(by_name.iloc[place]))

# %% [markdown]
# Full minus twin is {result}`regulariser.left_out.contrast`; by the rule of the
# protocol: *{result}`regulariser.left_out.decision|plain`*. The generator matters far
# more than the arm: the mean AUC runs from
# {result}`regulariser.left_out.hardest.auc|plain`
# (*{result}`regulariser.left_out.hardest|plain`*) to
# {result}`regulariser.left_out.easiest.auc|plain`
# (*{result}`regulariser.left_out.easiest|plain`*).
#
# ### The dose
#
# If naming generators regularised detection, a larger weight should help, and more so
# with more generators to name. The test is on *gan-swap*, which no training had. Each
# generator brings its own clips, so that more generators also mean more fakes; the
# number of steps is the same, and the weights are compared within a number.

# %%
doses = left_out.dose_outcomes(folds, plan)
tested = {"never": f"AUC, {plan.never} (never trained on)"}
tested |= {"known": "AUC, training generators", "named": "named among generators"}
nb.show(
    "dose",
    dose(doses, tested),
    "Detection and naming by the number of generators in training and the weight of the "
    "attribution loss (the paper's is 0.3); without the loss naming is at chance. "
    f"{len(doses)} trainings.",
)

# %%
nb.table(
    "dose_contrasts",
    left_out.dose_contrasts(folds, plan),
    f"A weight minus no attribution loss: difference in AUC on {plan.never}, with 95 % "
    "intervals over seeds and people.",
)

# %% tags=["remove-cell"]
nb.number("dose.trainings", len(doses))
nb.number("dose.more", left_out.dose_gain(folds, plan))
levels = doses.groupby("generators").never.mean()
for number, value in levels.items():
    nb.number(
        f"dose.{number}", float(value), n=int((doses.generators == number).sum())
    )

# %% [markdown]
# Averaged over weights, *gan-swap* is detected with AUC
# {result}`regulariser.dose.1` after one generator, {result}`regulariser.dose.3` after
# three and {result}`regulariser.dose.8` after eight. With the paper's weight, eight
# instead of one gain {result}`regulariser.dose.more`. What a weight gains is measured
# against no term at all: by the contrasts above, a second detection loss may gain as
# much, so the dose alone is no evidence for names.
#
# ### Would the head say "unknown"?
#
# A generator left out is an open-set test of the attribution head: its probability
# among the generators should be lower on fakes of the one that it never saw. The control is
# the column *was known*: the same fakes, in the trainings that had their generator.
# A generator whose fakes are hard to name scores high in both.

# %%
nb.table(
    "unknown",
    left_out.unknown_table(folds, plan),
    "Certainty of the head, known generators against the one left out: AUROC, with two "
    "controls, false positives where 95 % of the known pass, and OSCR. Means over seeds.",
)

# %% tags=["remove-cell"]
plain, beyond = left_out.novelty(folds, plan)
nb.number("unknown.auroc", plain)
nb.number("unknown.beyond", beyond)

# %% [markdown]
# On average the AUROC is {result}`regulariser.unknown.auroc`; minus that of the same
# fakes where they were known, {result}`regulariser.unknown.beyond`. Only the second
# number is about novelty.
#
# ## How the recipe was chosen
#
# On validation clips alone, before the test corpus was measured, with two seeds each;
# for the second study see `benchmarks/frozen_features.py` and [the method](../book/method).

# %%
nb.table(
    "recipes",
    recipe_table(data.record),
    f"Recipes that were tried, on validation clips: {data.record['recipes']['clips']}",
)

# %% [markdown]
# ## Repeat it
#
# `amdd study report` prints the contrasts from the shipped predictions;
# `amdd study check full 0` renders the corpora, trains one arm again and compares;
# `amdd study run` trains what is missing, several trainings side by side with
# `--workers`, and resumes where it was interrupted. With
# `--protocol book/studies/attribution-frozen.yml` they do so for the second study,
# which two cores train in about two hours. `run` and `report` take
# `leave-one-out.yml` as well.

# %%
nb.table(
    "repetitions",
    repetition_table(data, second),
    "Trainings repeated, beside the shipped ones, and beside two seeds of the full "
    "objective (mean over all pairs).",
)

# %% [markdown]
# A whole network does not repeat itself on another machine, nor on a GPU: sums are
# added in another order, and after 1,200 steps a repetition can order the test clips
# as differently as another seed does. Its AUC is that of its arm; its scores are a new
# draw. The protocol's tolerance for the order is too narrow for it.
#
# ## Exercises
#
# ```{exercise} The chain rule
# :label: ex-chain-rule
#
# Compute the cross-entropy over four classes for logits of your choice, and the sum
# of its binary and its naming half. What must be equal?
# ```

# %% [markdown]
# ````{solution-start} ex-chain-rule
# :class: dropdown
# ````

# %% tags=["solution"]
from scipy.special import logsumexp

logits, generator = [0.2, 1.3, -0.4, 0.8], 3
whole = logsumexp(logits) - logits[generator]
binary = logsumexp(logits) - logsumexp(logits[1:])
naming = logsumexp(logits[1:]) - logits[generator]
round(whole - binary - naming, 12)

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} Two kinds of spread
# :label: ex-two-spreads
#
# How far do the AUC values of one arm differ between seeds, and how far do those of
# the six generators differ within a training? What follows for a study with one
# seed, and for one with a single unseen generator?
# ```

# %% [markdown]
# ````{solution-start} ex-two-spreads
# :class: dropdown
# ````

# %% tags=["solution"]
by_seed = found.groupby("arm").unseen.std()
columns = [g for g in by_generator(table, protocol) if g in protocol.test.unseen]
between = by_generator(table, protocol)[columns].std(axis=1)
pd.DataFrame(
    {
        "between seeds": by_seed.to_numpy().mean(),
        "between generators": [between.mean()],
    }
)

# %% [markdown]
# ````{solution-end}
# ````
#
# Generators differ far more from each other than seeds do: a single unseen generator
# says little about the next.
