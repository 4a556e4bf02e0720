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
# # In-domain results
#
# **Needs** the trained run and the prepared clips. **Makes** predictions for the test clips and every figure on
# them: per generator (Table VI), ROC (Fig. 4), confusion (Fig. 5), scores (Fig. 6).
#
# **You will learn** to read {term}`AUC`, {term}`balanced accuracy` and {term}`attribution` side by side, each with its interval.
#
# Intervals come from a {term}`bootstrap` over people: clips of one person are not independent of each other.

# %% tags=["parameters", "hide-input"]
profile = "demo"
overrides = []

# %% tags=["hide-input"]
import numpy as np
from IPython.display import HTML, display

from amdd.analysis.predict import metrics, per_generator, predict
from amdd.figures.detection import confusion, reliability, roc, scores
from amdd.figures.player import Played, clip_player
from amdd.analysis.frame_scores import frame_scores
from amdd.data.media import probe, read_audio, read_video
from amdd.stats import mean_bootstrap
from amdd.companion.notebook import open_notebook
from amdd.data.prepare import open_prepared
from amdd.training.runs import load_run

nb = open_notebook("03_in_domain_results", profile, overrides)
nb.opening()

# %%
train_name = nb.profile.corpus.train
e = nb.profile.evaluation
prepared = open_prepared(nb.reads(nb.workspace.prepared / train_name))
run_dir = nb.workspace.runs / f"full-seed{e.seeds[0]}"
nb.reads(run_dir / "weights.safetensors")
run = load_run(run_dir)
predictions = predict(run, prepared, prepared.manifest.split == "test", train_name)
nb.writes(run_dir / "predictions" / f"{train_name}.parquet")
found = metrics(predictions, e.threshold, e.bootstrap, e.confidence)
nb.results.metrics("full", found, seed=e.seeds[0])
note = f"{train_name}, n = {len(predictions)} test clips, seed {e.seeds[0]}, profile {nb.profile.name}."
nb.results.table("metrics", found.reset_index(), f"Every measure with its 95 % interval. {note}")

# %% [markdown]
# Balanced accuracy is {result}`03_in_domain_results.full.balanced_accuracy`, AUC
# {result}`03_in_domain_results.full.auc`. Of the fakes, {result}`03_in_domain_results.full.attribution_fakes` are
# given to the right generator; asked only which generator, the answer "real" left aside, the head is right for
# {result}`03_in_domain_results.full.attribution_generators`. The paper reports {paper}`table5.full.bal_acc`, {paper}`table5.full.auc` and
# {paper}`table5.full.attribution` on FakeAVCeleb: other people, other forgers, so these figures stand beside ours,
# not against them.
#
# ## By generator

# %% tags=["hide-input"]
table = per_generator(predictions, e.threshold)
nb.results.table(
    "per_generator",
    table,
    f"Detection, AUC and attribution by generator, Wilson intervals (the form of Table VI). {note}",
)

# %% tags=["hide-input"]
nb.results.figure("roc", roc(predictions), f"ROC by generator (the form of Fig. 4). {note}")

# %% tags=["hide-input"]
classes = ["real", *nb.profile.model.generators]
nb.results.figure("confusion", confusion(predictions, classes), f"Attribution (the form of Fig. 5). {note}")

# %% tags=["hide-input"]
# What the chapter "Claims" judges: of FaceSwap's clips, the share taken for FSGAN less the share taken for Wav2Lip.
swapped = predictions[predictions.generator == "faceswap"]
if len(swapped):
    taken = (swapped.attribution == "fsgan").astype(float) - (swapped.attribution == "wav2lip")
    nb.results.difference(
        "faceswap.taken_for_fsgan", mean_bootstrap(taken, swapped.identity, e.bootstrap), e.seeds[0]
    )

# %% [markdown]
# ## Scores
#
# A threshold turns scores into verdicts. How the scores lie around it says more than the verdicts do.

# %% tags=["hide-input"]
nb.results.figure("scores", scores(predictions, e.threshold), f"Scores by class (the form of Fig. 6). {note}")

# %% tags=["hide-input"]
nb.results.figure("reliability", reliability(predictions), f"Calibration in ten bins. {note}")

# %% [markdown]
# The {term}`expected calibration error <ECE>` is {result}`03_in_domain_results.full.ece`.
#
# ## Watch and listen
#
# One clip of each class: for each, the one whose score is the middle one of its class, so neither the best nor the
# worst. The bars say what the network thinks of each frame alone, with all of the sound.

# %% tags=["hide-input"]
played = []
for generator in ["real", *sorted(set(predictions.generator) - {"real"})]:
    part = predictions[predictions.generator == generator]
    if not len(part):
        continue
    chosen = part.sort_values("score").iloc[(len(part) - 1) // 2]
    row = int(chosen.row)
    clip = prepared.manifest.iloc[row]
    facts, last = probe(clip.video), read_video(clip.video, [0]).n_frames - 1
    seconds = (last + 1) / facts.fps
    pictures = read_video(clip.video, np.linspace(0, last, 16).astype(int)).frames
    sound = read_audio(clip.audio or clip.video, seconds=seconds) if clip.audio_present else None
    times = (np.asarray(prepared.frame_indices(row)) + 0.5) / facts.fps
    alone = frame_scores(run, prepared, row)
    played.append(Played(generator, pictures, seconds, sound, times, alone, chosen.score))
display(HTML(clip_player(played)))

# %% [markdown]
# ## Exercises
#
# **1.** AUC is a probability. Compute it without any library, from pairs of one real and one fake.
#
# **2.** Draw *clips* instead of people in the bootstrap. Is the interval of AUC wider or narrower, and why?

# %% tags=["hide-cell", "solution"]
# Solution 1
reals = predictions.score[predictions.label == 0].to_numpy()
fakes = predictions.score[predictions.label == 1].to_numpy()
pairs = fakes[:, None] - reals[None]
print(
    f"by pairs {np.mean((pairs > 0) + 0.5 * (pairs == 0)):.4f}, by the library {found.loc['auc', 'value']:.4f}"
)

# %% tags=["hide-cell", "solution"]
# Solution 2
alone = predictions.assign(identity=[f"clip {k}" for k in range(len(predictions))])
clips = metrics(alone, e.threshold, e.bootstrap, e.confidence).loc["auc"]
people = found.loc["auc"]
print(f"over people {people.high - people.low:.3f} wide, over clips {clips.high - clips.low:.3f}")

# %% [markdown]
# ## Summary
#
# On people it never saw, but on generators that it knows, the network reaches an AUC of
# {result}`03_in_domain_results.full.auc`. That is one training; how far others lie from it that differ in their seed
# alone, and what each loss has to do with it, are the next chapter's questions; what happens with unknown generators
# is the question of the one after.
