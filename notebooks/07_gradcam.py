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
# # GradCAM
#
# **Needs** the full run, the prepared clips, and for the built-in corpus the masks of what was forged. **Makes**
# attention maps (Fig. 11) and scores them against those masks.
#
# **You will learn** to score a heat map ({term}`Grad-CAM`) against what is known, instead of believing it.
#
# A heat map on a face looks convincing wherever it lies. On the built-in corpus it is known which pixels were
# forged, so the map can be scored: how much of it lies inside (energy), whether its peak does (pointing game), and
# how well its top part covers the mask (IoU). A map that knows nothing scores the mask's area.

# %% tags=["parameters", "hide-input"]
profile = "demo"
overrides = []

# %% tags=["hide-input"]
import numpy as np
import pandas as pd

from amdd.figures.pictures import film_strip, outline, overlay
from amdd.analysis.gradcam import agreement, crop_masks, gradcam
from amdd.data.media import probe
from amdd.stats import mean_bootstrap
from amdd.companion.notebook import open_notebook
from amdd.data.prepare import open_prepared
from amdd.puppets.corpus.make import read_masks
from amdd.training.runs import load_run

nb = open_notebook("07_gradcam", profile, overrides)
nb.opening()

# %%
e, train_name = nb.profile.evaluation, nb.profile.corpus.train
prepared = open_prepared(nb.reads(nb.workspace.prepared / train_name))
run_dir = nb.workspace.runs / f"full-seed{e.seeds[0]}"
nb.reads(run_dir / "weights.safetensors")
run = load_run(run_dir)
test = prepared.manifest[prepared.manifest.split == "test"]
masks = {} if nb.profile.corpus.data else read_masks(nb.workspace.corpora / train_name, test.clip_id.tolist())

# %% [markdown]
# ## Where the network looks
#
# Bright: what raises the detection logit. Green: the edge of what was forged.

# %% tags=["hide-input"]
strips = {}
for generator in ["real", *nb.profile.model.generators]:
    people = test[test.generator == generator].drop_duplicates("identity")  # another person in each row
    chosen = np.linspace(0, len(people) - 1, min(e.gradcam_clips, len(people))).round().astype(int)
    for row in people.index[chosen]:
        heat = gradcam(run, prepared, int(row))
        frames = np.asarray(prepared.frames(int(row)))
        cells = [overlay(f, h) for f, h in zip(frames, heat)]
        mask = masks.get(test.clip_id[row])
        if mask is not None:
            side = probe(test.video[row]).height
            forged = crop_masks(
                mask, prepared.frame_indices(int(row)), prepared.geometry(int(row)), side, frames.shape[1]
            )
            cells = [outline(c, m) for c, m in zip(cells, forged)]
        strips[f"{generator}\n{test.identity[row]}"] = np.stack(cells)[:8]
nb.results.picture(
    "maps",
    film_strip(strips, 84),
    "Rows of face crops with a heat map over each, by class; green lines around what was forged.",
    f"Grad-CAM towards 'fake' (the form of Fig. 11), test clips of {train_name}, each of another person of its class.",
    drawn_by="amdd.figures.pictures.overlay",
)

# %% [markdown]
# ## Scored against what was forged

# %% tags=["hide-input"]
rows = []
for row in test.index[test.label == 1][: e.gradcam_scored]:
    mask = masks.get(test.clip_id[row])
    if mask is None:
        continue
    heat = gradcam(run, prepared, int(row))
    side = probe(test.video[row]).height
    forged = crop_masks(
        mask, prepared.frame_indices(int(row)), prepared.geometry(int(row)), side, prepared.settings.size
    )
    if forged.any():
        rows.append(
            {"generator": test.generator[row], "person": test.identity[row], **agreement(heat, forged)}
        )
scored = pd.DataFrame(rows, columns=["generator", "person", "energy", "pointing", "iou", "area"])
if len(scored):
    table = scored.drop(columns="person").groupby("generator").mean().reset_index()
    table.insert(1, "n", scored.groupby("generator").size().to_numpy())
    nb.results.table(
        "agreement",
        table,
        "Mean agreement of map and mask by generator; 'area' is what a map that knows nothing scores as energy.",
    )
    for measure in ("energy", "pointing", "iou", "area"):
        found = mean_bootstrap(scored[measure], scored.person, e.bootstrap)
        nb.results.number(measure, found)
    excess = mean_bootstrap(scored.energy - scored.area, scored.person, e.bootstrap)
    nb.results.difference("energy.excess", excess, e.seeds[0])
else:
    for measure in ("energy", "pointing", "iou", "area", "energy.excess"):
        nb.results.number(measure, "not measured (no masks for this corpus)")

# %% [markdown]
# ## Exercises
#
# **1.** What would a map score that always looks at the middle of the crop?
#
# **2.** Draw the map towards the *generator's* class instead of towards "fake". Is it another one?

# %% tags=["hide-cell", "solution"]
# Solution 1
if len(scored):
    row = int(test.index[test.label == 1][0])
    axis = np.linspace(-1, 1, prepared.settings.size)
    middle = np.exp(-(axis[:, None] ** 2 + axis[None] ** 2) / 0.3)
    forged = crop_masks(
        masks[test.clip_id[row]],
        prepared.frame_indices(row),
        prepared.geometry(row),
        probe(test.video[row]).height,
        prepared.settings.size,
    )
    print(agreement(np.stack([middle] * len(forged)), forged))

# %% tags=["hide-cell", "solution"]
# Solution 2
row = int(test.index[test.label == 1][0])
a, b = gradcam(run, prepared, row), gradcam(run, prepared, row, towards=test.generator[row])
print(f"correlation of the two maps: {np.corrcoef(a.ravel(), b.ravel())[0, 1]:.2f}")

# %% [markdown]
# ## Summary
#
# Of the map's energy {result}`07_gradcam.energy` lies on forged pixels, which fill
# {result}`07_gradcam.area` of the crop: a difference of {result}`07_gradcam.energy.excess`. Its peak lies there with a share of {result}`07_gradcam.pointing`.
