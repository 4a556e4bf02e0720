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
# # In-domain results
#
# **Question.** How well does the network detect and attribute fakes of people
# that it has not seen, made by generators that it knows?
#
# **Answer.** On {result}`data_preparation.data` the detector reaches an AUC of
# {result}`in_domain_results.full.auc` and a balanced accuracy of
# {result}`in_domain_results.full.balanced_accuracy`. The attribution head gives
# the correct class for {result}`in_domain_results.full.attribution_fakes` of the
# fakes, and the correct generator for
# {result}`in_domain_results.full.attribution_generators` when the class *real*
# is excluded (chance: {result}`in_domain_results.chance|plain`).
#
# **Needs** the trained run and the prepared clips. **Makes** predictions for the
# test clips and the figures based on them: results by generator (Table VI), ROC
# (Fig. 4), confusion (Fig. 5), scores (Fig. 6).
#
# **You will learn** to read {term}`AUC`, {term}`balanced accuracy` and
# {term}`attribution` side by side, each with its interval and the number of people
# that it rests on.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
from dataclasses import replace

import numpy as np

from amdd.analysis.coverage import coverage_table
from amdd.analysis.media import median_clips, play
from amdd.analysis.tables import generator_table, metrics_table
from amdd.companion.notebook import open_notebook
from amdd.companion.results import measured
from amdd.data.variants.order import with_shuffled_frames
from amdd.figures.detection import confusion, reliability, roc, scores
from amdd.figures.player import clip_player
from amdd.figures.seeds import seeds_figure
from amdd.puppets.corpus.vote import spoken_in, write_vote
from amdd.stats import auc, bootstrap, clusters_of, per_generator

nb = open_notebook("in_domain_results", profile, overrides)
nb.opening()

# %% [markdown]
# ## All metrics
#
# The network predicts every test clip once. Clips of one person are not
# independent, so intervals are over *people*: a {term}`jackknife` leaves one
# person out at a time. Shares have Wilson's interval, with the number of clips
# that their spread over people is worth.

# %%
clips = nb.clips()
run = nb.run("full")
predictions = nb.predict(run, clips, save_as=nb.train_name)
found = nb.metrics(predictions)
nb.table(
    "metrics",
    metrics_table(found),
    f"Every metric with its 95 % interval. {nb.note(predictions)}",
)

# %% tags=["remove-cell"]
nb.results.metrics("full", found, seed=nb.seed)
nb.number("chance", 1 / (len(run.profile.model.classes) - 1))

# %% [markdown]
# ## Other seeds
#
# One training run is one draw. The profile `demo` was trained with
# {result}`benchmarks/demo_seeds.seeds|plain` seeds, separately from the run that this
# book shows, and tested on the same {result}`benchmarks/demo_seeds.clips|plain` clips of
# {result}`benchmarks/demo_seeds.people|plain` people. AUC is
# {result}`benchmarks/demo_seeds.full.auc` on average, and among generators the head
# names {result}`benchmarks/demo_seeds.full.named` of the fakes.

# %%
seeds = measured("demo_seeds")
shown = {"auc": "AUC", "attribution": "attribution"}
shown |= {"named": "attribution among generators"}
nb.show(
    "seeds",
    seeds_figure(seeds["by_seed"], shown, {"auc": 1 / 2, "named": 1 / 3}),
    f"The full network with {len(seeds['seeds'])} seeds; the bar is their mean. "
    f"{seeds['corpus']}, {seeds['source']}, separate experiment.",
)

# %% [markdown]
# ## Coverage of the intervals
#
# A 95 % interval should contain the truth in 95 of 100 repetitions. A simulation
# with known truth, over {result}`benchmarks/coverage.settings|plain` settings of
# {result}`benchmarks/coverage.sets|plain` repetitions each, compares the intervals
# of this book with the percentile {term}`bootstrap`, which is common. With 12
# people the bootstrap covers {result}`benchmarks/coverage.bootstrap.12.mean|plain`
# on average and {result}`benchmarks/coverage.bootstrap.12.least|plain` in the worst
# setting, near a share of one, where few samples contain any error. Ours cover
# {result}`benchmarks/coverage.ours.12.mean|plain` and
# {result}`benchmarks/coverage.ours.12.least|plain`.

# %%
simulated = measured("coverage")
nb.table(
    "coverage",
    coverage_table(simulated),
    "Share of 95 % intervals that contain the truth, at least and on average over "
    "true values and over how alike a person's clips are, and their mean width; "
    f"{simulated['sets']} simulated test sets per setting, seed {simulated['seed']} "
    "(`benchmarks/interval_coverage.py`).",
    fold="Table: coverage of the intervals, by number of people",
)

# %% [markdown]
# ## Beside the paper
#
# The paper reports {paper}`table5.full.bal_acc` balanced accuracy,
# {paper}`table5.full.auc` AUC and {paper}`table5.full.attribution` attribution
# accuracy on FakeAVCeleb. The data differ, so the values are not directly
# comparable.
#
# ## Results by generator

# %%
nb.table(
    "per_generator",
    generator_table(per_generator(predictions, nb.evaluation.threshold)),
    "Accuracy of detection and AUC against all reals, with intervals over people, "
    f"and attribution, by generator (the form of Table VI). {nb.note(predictions)}",
)

# %%
nb.show(
    "roc",
    roc(predictions),
    "ROC curve of each generator against all reals (the form of Fig. 4). "
    f"{nb.note(predictions)}",
)

# %% [markdown]
# The confusion matrix shows which class the attribution head gives to the clips
# of each generator. A column without entries is a class that the head never
# predicts.

# %%
nb.show(
    "confusion",
    confusion(predictions, run.profile.model.classes),
    f"Attribution: true class by row (the form of Fig. 5). {nb.note(predictions)}",
)

# %% tags=["remove-cell"]
swapped = predictions[predictions.generator == "faceswap"]
misnamed = swapped[swapped.attribution.isin(["fsgan", "wav2lip"])]
taken = nb.share(misnamed.attribution == "fsgan", misnamed).shifted(-0.5)
missing = "not measured (no misnamed clip)"
nb.number("faceswap.taken_for_fsgan", taken if len(misnamed) else missing)

# %% tags=["remove-cell"]
outside = (predictions.score < 0.1) | (predictions.score > 0.9)
nb.number("full.bimodal", nb.share(outside, predictions).shifted(-0.5))
for name, word in (("faceswap", "harder"), ("wav2lip", "easier")):
    own, rest = predictions.generator == name, predictions.generator != name
    parts = [predictions[(predictions.label == 0) | k] for k in (own, rest)]
    easier = nb.difference(*(parts if word == "easier" else parts[::-1]))
    nb.number(f"{name}.{word}", easier)
as_detector = predictions.assign(score=1 - predictions.p_real)
nb.number("full.attribution_detects", nb.paired(predictions, as_detector))

# %% [markdown]
# ## Score distributions
#
# A threshold turns scores into decisions. The distribution of scores around it
# is more informative than the accuracy: it shows whether errors are near misses
# or confident mistakes.

# %%
nb.show(
    "scores",
    scores(predictions, nb.evaluation.threshold),
    f"Detection scores by class (the form of Fig. 6). {nb.note(predictions)}",
)

# %%
nb.show(
    "reliability",
    reliability(predictions),
    f"Observed share of fakes over predicted probability, in ten bins. "
    f"{nb.note(predictions)}",
)

# %% [markdown]
# The {term}`expected calibration error <ECE>` is
# {result}`in_domain_results.full.ece`.
#
# ## The order of the frames
#
# The paper states that temporal attention captures temporal inconsistency. Here the
# frames of each test clip are put into a random order, with nothing else changed.

# %%
shuffled = nb.predict(run, with_shuffled_frames(clips, nb.seed))
moved = (shuffled.logit - predictions.logit).abs()
nb.number("order.change", nb.mean(moved, predictions))
moved.describe()

# %% [markdown]
# Attention without a positional code, followed by a mean over frames, gives the same
# result for any order, up to rounding.
#
# ## Play the clips
#
# One clip of each class: the one with the median score of its class. Each bar is
# the score when only that frame is shown to the network, together with the whole
# audio. The words that are spoken can be unfolded below the player, for readers who
# cannot hear them; where a forgery carries another person's audio, they are that
# person's words.

# %%
root = nb.corpus_root()
chosen = median_clips(predictions)
words = spoken_in(nb.profile.corpus, chosen.clip_id.tolist()) if nb.built_in else []
played = [play(run, clips, row) for row in chosen.itertuples()]
played = [replace(clip, words=text) for clip, text in zip(played, words)] or played
nb.show("player", clip_player(played))

# %% tags=["remove-cell"]
if nb.built_in:  # clips for the page "Vote before you see"
    made = nb.profile.corpus
    facts = {"profile": nb.profile.name, "seed": nb.seed}
    facts["threshold"] = nb.evaluation.threshold
    folder = nb.writes(nb.workspace.results / nb.topic / "vote")
    write_vote(folder, predictions, clips.manifest, made, facts)

# %% [markdown]
# ## Exercises
#
# ```{exercise} AUC without a library
# :label: ex-auc-pairs
#
# AUC is a probability. Compute it without any library, from all pairs of one
# real and one fake.
# ```

# %% [markdown]
# ````{solution-start} ex-auc-pairs
# :class: dropdown
# ````
# AUC is the share of pairs in which the fake scores higher; ties count one half.

# %% tags=["solution"]
reals = predictions.score[predictions.label == 0].to_numpy()
fakes = predictions.score[predictions.label == 1].to_numpy()
gaps = fakes[:, None] - reals[None]
pairs = np.mean((gaps > 0) + 0.5 * (gaps == 0))
print(f"pairs: {pairs:.4f}; library: {found.loc['auc', 'value']:.4f}")

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} Clips or people, bootstrap or jackknife
# :label: ex-bootstrap-unit
#
# Compare the width of the interval of AUC with that of a percentile bootstrap
# over people, and of one over *clips*. Which is narrowest, and why?
# ```

# %% [markdown]
# ````{solution-start} ex-bootstrap-unit
# :class: dropdown
# ````
# Without a name every clip is a cluster of its own. Resampled people are never more
# diverse than the few that were seen.

# %% tags=["solution"]
label, score = (predictions[k].to_numpy() for k in ("label", "score"))
units = {"people": predictions.identity, "clips": [""] * len(label)}
for name, unit in units.items():
    resampled = bootstrap(
        lambda rows: auc(label[rows], score[rows]),
        clusters_of(unit),
        draws=nb.evaluation.bootstrap,
    )
    print(f"bootstrap over {name}: {resampled.high - resampled.low:.3f}")
print(f"jackknife over people: {found.high['auc'] - found.low['auc']:.3f}")

# %% [markdown]
# ````{solution-end}
# ````
#
# [Ablations](04_ablations) measure what each loss contributes;
# [cross-dataset evaluation](05_cross_dataset) tests unseen generators.
