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
# manipulated region, which covers {result}`gradcam.area` of the crop; the
# difference is {result}`gradcam.energy.excess`. A map that ignores the face would
# have a difference of zero.
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

from amdd.analysis.gradcam import agreement, gradcam, mask_of, score_maps
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
by_generator = scored.groupby("generator")
table = by_generator[["energy", "pointing", "iou", "area"]].mean()
table.insert(0, "n", by_generator.size())
nb.table(
    "agreement",
    table.reset_index(),
    "Mean agreement of map and mask by generator; *area* is the expected energy of "
    f"a uniform map. {nb.note()}",
)

# %% tags=["remove-cell"]
missing = "not measured (no masks for this corpus)"
scored["energy.excess"] = scored.energy - scored.area
for key in ("energy", "pointing", "iou", "area", "energy.excess"):
    nb.number(key, nb.mean(scored[key], scored.person) if len(scored) else missing)

# %% [markdown]
# The maximum of the map lies inside the forged region for
# {result}`gradcam.pointing` of the frames.
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
axis = np.linspace(-1, 1, clips.settings.size)
blob = np.exp(-(axis[:, None] ** 2 + axis[None] ** 2) / 0.3)
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
