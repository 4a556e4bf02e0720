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
# # Grad-CAM
#
# **Question.** Does the detector attend to the manipulated region?
#
# **Answer.** {result}`gradcam.energy` of the map's energy lies inside the
# manipulated region, which covers {result}`gradcam.area` of the crop. Other people's
# maps, laid over the same region, differ from this by
# {result}`gradcam.energy.over_others`: that much is about the clip. With the forged
# pixels restored the detection logit falls by {result}`gradcam.restored.inside`.
#
# **Needs** the full run, the prepared clips and, for the built-in corpus, the
# masks of the forged pixels. **Makes** attention maps (Fig. 11) and scores them
# against those masks.
#
# **You will learn** to evaluate a {term}`Grad-CAM` map against ground truth
# instead of trusting it.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
import numpy as np

from amdd.analysis.gradcam import agreement, central_blob, gradcam
from amdd.analysis.gradcam import mask_of, restored_logits, score_maps
from amdd.analysis.pairs import own_reals
from amdd.companion.notebook import open_notebook
from amdd.figures.attention import attention_rows
from amdd.figures.pictures import film_strip
from amdd.puppets.corpus.make import read_masks

nb = open_notebook("gradcam", profile, overrides)
nb.opening()

# %% [markdown]
# A heat map on a face looks plausible wherever it lies. On the built-in corpus the
# forged pixels are known, so that the map can be scored: the share of its energy
# inside the mask, whether its maximum lies inside (pointing game), and the overlap
# of its top part with the mask (IoU). For a uniform map the expected energy equals
# the area fraction of the mask.

# %%
clips, run, root = nb.clips(), nb.run("full"), nb.corpus_root()
test = clips.manifest[clips.manifest.split == "test"]
masks = read_masks(root, test.clip_id.tolist()) if nb.built_in else {}

# %% [markdown]
# ## Maps by class
#
# Bright regions raise the detection logit. The green outline is the boundary of the
# forged region.

# %%
strips = attention_rows(run, clips, test, masks, nb.evaluation.gradcam_clips)
nb.show(
    "maps",
    film_strip(
        strips,
        84,
        "Rows of face crops with a heat map over each, by class; green outlines "
        "around forged regions.",
    ),
    "Grad-CAM maps of the detection logit (the form of Fig. 11), each row another "
    f"person. {nb.note()}",
)

# %% [markdown]
# ## Agreement with the forged region

# %%
fakes = test[test.label == 1]
scored = score_maps(run, clips, fakes, masks, nb.evaluation.gradcam_scored)
measures = ["energy", "others", "blob", "area", "pointing", "iou"]
table = scored.groupby("generator")[measures].mean()
table.insert(0, "n", scored.groupby("generator").size())
nb.table(
    "agreement",
    table.reset_index(),
    "Mean agreement of map and mask by generator. Energy inside the mask: of the "
    "clip's own map, of other people's maps, of a central blob; area is that of "
    f"a uniform map. {nb.note()}",
)

# %% tags=["remove-cell"]
missing = "not measured (no masks for this corpus)"
scored["energy.excess"] = scored.energy - scored.area
scored["energy.over_others"] = scored.energy - scored.others
scored["energy.over_blob"] = scored.energy - scored.blob
gains = ["energy.excess", "energy.over_others", "energy.over_blob"]
for key in (*measures, *gains):
    nb.number(key, nb.mean(scored[key], scored.person) if len(scored) else missing)

# %% [markdown]
# The maximum of the map lies inside the forged region for
# {result}`gradcam.pointing` of the frames. Faces lie in the middle of the crop, and so
# do forged regions, so that a uniform map is a weak baseline. Two controls are
# stronger. A *central blob*, drawn without any network: the maps exceed it by
# {result}`gradcam.energy.over_blob`. And *other people's maps* over this clip's mask:
# what they reach is a habit of the network, not evidence about the clip; the clip's own
# map exceeds them by {result}`gradcam.energy.over_others`.
#
# ## Restored pixels
#
# A gradient says what a small change would do. Here the change can be made: the fake
# has a real clip of its own, frame by frame the same, so that its forged pixels can be
# restored (*inside*), or everything else replaced instead (*outside*).

# %%
pairs = [pair for pair in own_reals(clips.manifest) if pair[0] in fakes.index]
pairs = pairs[: nb.evaluation.gradcam_scored]
restored = restored_logits(run, clips, pairs, masks)
logits = restored.groupby("generator")[["fake", "inside", "outside", "real"]].mean()
nb.table(
    "restored",
    logits.reset_index(),
    "Mean detection logit of the fake, of the fake with its forged region restored "
    "(inside), with everything but that region from the real clip (outside), and "
    f"of the real. n = {len(restored)} pairs. {nb.note()}",
)

# %% tags=["remove-cell"]
for key in ("inside", "outside"):
    drop = restored.fake - restored[key]
    value = nb.mean(drop, restored.person) if len(restored) else missing
    nb.number(f"restored.{key}", value)

# %% [markdown]
# Restored inside, the logit falls by {result}`gradcam.restored.inside`; replaced
# outside, by {result}`gradcam.restored.outside`. If the forged pixels decide, the first
# is large and the second near zero. Compression differs between the two clips
# everywhere, so that even *outside* need not be exactly zero.
#
# ## Exercises
#
# ```{exercise} A central blob
# :label: ex-central-blob
#
# Which scores does a map reach that always marks the centre of the crop?
# ```

# %% [markdown]
# ````{solution-start} ex-central-blob
# :class: dropdown
# ````
# Faces lie in the centre of the crop, and so do forged regions. A uniform map is
# therefore a weak baseline.

# %% tags=["solution"]
blob = central_blob(clips.settings.size)
row = fakes.index[0]
forged = mask_of(clips, test.loc[row], masks) if masks else None
if forged is not None:
    print(agreement(np.stack([blob] * len(forged)), forged))

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} The map of the generator's class
# :label: ex-class-map
#
# Compute the map of the *generator's* logit instead of the detection logit. Does it
# differ?
# ```

# %% [markdown]
# ````{solution-start} ex-class-map
# :class: dropdown
# ````

# %% tags=["solution"]
detection = gradcam(run, clips, int(row))
name = test.generator[row]
named = gradcam(run, clips, int(row), towards=name)
correlation = np.corrcoef(detection.ravel(), named.ravel())[0, 1]
print(f"correlation of the two maps: {correlation:.2f}")

# %% [markdown]
# ````{solution-end}
# ````
