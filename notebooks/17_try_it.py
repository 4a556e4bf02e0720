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
# # Try it
#
# **Question.** What does the detector answer for a single clip, and when does it give no
# answer?
#
# **Answer.** Of {result}`try_it.clips` test clips, {result}`try_it.answered` got an answer
# and {result}`try_it.wrong` of those answers were wrong. The others got *can't tell* with
# the rule that withheld the answer. On other corpora the same calibration holds less well.
#
# **Needs** the full training run and its prepared clips. **Makes** answers for single
# clips, the calibration inside and outside the training corpus, and the network for the
# page that computes with it.
#
# **You will learn** what stands between a score and an answer: calibration, abstention and
# the base rate.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
from amdd.companion.notebook import open_notebook

nb = open_notebook("try_it", profile, overrides)
nb.opening()

# %% [markdown]
# Five lines inspect a clip. The command `amdd inspect clip.mp4` calls the same function,
# and so does the page of `amdd serve`, on which a class votes before it sees the answer.

# %%
import amdd

run, clips = nb.run(), nb.clips()
test = clips.manifest[clips.manifest.split == "test"]
print(amdd.inspect(test.video.iloc[0], run.folder))

# %% [markdown]
# Name your own file in place of `test.video.iloc[0]`. Before you do, consider who is
# harmed by a wrong answer.
#
# - A **false alarm** accuses the person in the video, and whoever published it, of a
#   forgery. Most videos are genuine, so that most alarms of any detector are false; the
#   chapter on [thresholds](11_thresholds) computes the share from the base rate.
# - A **missed forgery** harms the person it shows, often a woman, often without
#   consent.
# - This network was trained on a few dozen people. On the built-in corpus these are
#   rendered: it has seen no real person, and for real footage the correct answer is
#   *can't tell*.
#
# Nothing here forges a real person: the generators accept rendered people only.
#
# ## From a score to an answer
#
# The network gives a logit $z$. Dividing it by one temperature $T$, fitted on the
# validation clips, gives the {term}`calibrated <calibration>` probability
#
# $$P(\text{forged}) = \frac{1}{1 + e^{-z / T}}.$$
#
# The answer is withheld if the network does not separate its own validation clips, if the
# face is lost or small, if the clip is more unusual for the network than nearly all
# validation clips, if parts of it get opposite answers, and if the probability is below a
# limit: the lowest one at which, on the validation clips, the share of wrong answers has a
# one-sided 95 % interval that ends at one in twenty (Geifman and El-Yaniv 2017). If the clips
# are too few for that, it is the limit whose interval ends lowest. The first rule that
# applies is named.

# %%
shown = test.iloc[:: max(1, len(test) // 24)]
found = [amdd.inspect(video, run.folder) for video in shown.video]

# %%
from amdd.inspect.tables import answers_table, calibration_table, rules_table

answers = answers_table(found, shown.label)
caption = "Answers for single clips; the last column counts withheld answers that are wrong."
nb.table("answers", answers, f"{caption} {nb.note(shown)}")

# %%
nb.table("rules", rules_table(found), f"Answers withheld, by rule. {nb.note(shown)}")

# %% tags=["remove-cell"]
nb.number("clips", len(found))
nb.number("wrong", int(answers["wrong"].sum()))
nb.number("answered", int(answers["wrong"].sum() + answers["correct"].sum()))

# %% [markdown]
# ## Calibration outside the training corpus
#
# A temperature that was fitted on one distribution is wrong on another (Ovadia et al.
# 2019). The table gives the expected calibration error of the raw score and of the frozen
# temperature, and the temperature that each corpus itself would need. It cannot be fitted
# there without labels, which is the point. The limit of abstention is frozen as well. If many
# of the withheld answers would have been wrong, withholding them was right; if many of the
# given answers are wrong, the network is confident about clips unlike any it was trained on.

# %%
scorer = amdd.inspect.load_scorer(run.folder)
nb.table(
    "calibration",
    calibration_table(scorer.calibration),
    f"Calibration inside and outside the training corpus. {nb.note()}",
)

# %% tags=["remove-cell"]
from amdd.inspect.onnx import exportable
from amdd.inspect.web import write_web

if nb.built_in and exportable():  # files for "The network in this page"
    folder = nb.writes(nb.workspace.results / nb.topic / "network")
    facts = {"profile": nb.profile.name, "seed": nb.seed}
    facts["threshold"] = nb.evaluation.threshold
    write_web(folder, run, clips, nb.predictions(), facts)

# %% [markdown]
# The [next page](../book/network) runs this network in the browser, on twelve test clips
# or one of your own, and shows how its score moves when the frames are corrupted.
#
# ## Exercises
#
# ```{exercise} Another base rate
# :label: ex-another-base-rate
#
# The probability above holds for the share of forgeries among the validation clips. What
# is it for the first test clip if one clip in a thousand is forged?
# ```

# %% [markdown]
# ````{solution-start} ex-another-base-rate
# :class: dropdown
# ````
# The prior odds are a factor of the posterior odds, so the logit moves by the difference
# of the two prior log odds.

# %% tags=["solution"]
rare = amdd.inspect(test.video.iloc[0], run.folder, prevalence=0.001)
print(f"{found[0].probability:.4f} becomes {rare.probability:.6f}")

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} A detector of your own
# :label: ex-detector-of-your-own
#
# Any function `predict(frames, audio)` runs through the same decoding, tracking and
# rules. Let one answer by the sharpness of the face alone. How often does it abstain?
# ```

# %% [markdown]
# ````{solution-start} ex-detector-of-your-own
# :class: dropdown
# ````
# The function stands in a file `sharp.py` where Python looks for modules, and is named as `sharp:predict`.

# %% tags=["solution"]
import sys
import tempfile
from pathlib import Path

code = """def predict(frames, audio):
    steps = abs(frames[:, :, 1:].astype(int) - frames[:, :, :-1])
    return float(steps.mean() < 5)
"""
sys.path.insert(0, tempfile.mkdtemp())
Path(sys.path[0], "sharp.py").write_text(code)
sharp = [amdd.inspect(video, detector="sharp:predict") for video in shown.video[:4]]
print([x.verdict for x in sharp])

# %% [markdown]
# ````{solution-end}
# ````
