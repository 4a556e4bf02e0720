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
# # The embedding space
#
# **Needs** the full run and the ablated runs. **Makes** t-SNE and UMAP maps (Fig. 1, 8, 9), cluster measures, and the
# agreement of picture and sound by generator (Fig. 10).
#
# **You will learn** to distrust maps, and to measure in the space itself.
#
# A map in two dimensions ({term}`t-SNE, UMAP`) invites reading clusters into it. So every map here stands beside measures that are taken
# in the full space: the {term}`silhouette` by generator, and the purity of the nearest neighbours with its chance level.

# %% tags=["parameters", "hide-input"]
profile = "demo"
overrides = []

# %% tags=["hide-input"]
import numpy as np
import pandas as pd
from IPython.display import HTML, display

from amdd.analysis.embeddings import alignment, cluster_scores, purity_of_each, tsne, umap
from amdd.analysis.predict import embed
from amdd.figures.embedding import maps, similarity
from amdd.figures.hover import face_picture, hover_map, sound_picture
from amdd.stats import mean_bootstrap
from amdd.companion.notebook import open_notebook
from amdd.data.prepare import open_prepared
from amdd.training.runs import load_run

nb = open_notebook("06_embedding_space", profile, overrides)
nb.opening()

# %%
e, train_name = nb.profile.evaluation, nb.profile.corpus.train
prepared = open_prepared(nb.reads(nb.workspace.prepared / train_name))
rows = np.flatnonzero((prepared.manifest.split == "test").to_numpy())
classes = prepared.manifest.generator.to_numpy().astype(str)[rows]
spaces = {}
for variant in ("full", "without_attribution", "without_fingerprint"):
    folder = nb.workspace.runs / f"{variant}-seed{e.seeds[0]}"
    nb.reads(folder / "weights.safetensors")
    spaces[variant] = embed(load_run(folder), prepared, rows)
note = f"n = {len(rows)} test clips of {train_name}, seed {e.seeds[0]}"

# %% [markdown]
# ## With and without the attribution loss

# %% tags=["hide-input"]
points = {
    v.replace("_", " "): tsne(spaces[v]["fused"], e.perplexity) for v in ("full", "without_attribution")
}
nb.results.figure(
    "tsne", maps(points, classes), f"t-SNE of the fused embedding (the form of Fig. 9). {note}."
)

# %% [markdown]
# ### Look at the clips
#
# The map of the full model again, with what each mark stands for.

# %% tags=["hide-input"]
drawn = tsne(spaces["full"]["fused"], e.perplexity)
shown = np.linspace(0, len(rows) - 1, min(len(rows), 120)).astype(int)  # more would make a heavy page
names = prepared.manifest.identity.to_numpy().astype(str)
told = [f"{classes[k]}, {names[rows[k]]}" for k in shown]
faces = [face_picture(np.asarray(prepared.frames(int(k)))[0]) for k in rows[shown]]
sounds = [sound_picture(np.asarray(prepared.mel(int(k)), np.float32)[0]) for k in rows[shown]]
display(HTML(hover_map(drawn[shown], classes[shown], told, faces, sounds)))

# %% tags=["hide-input"]
points = {
    v.replace("_", " "): umap(spaces[v]["fused"], e.neighbours) for v in ("full", "without_attribution")
}
nb.results.figure("umap", maps(points, classes), f"UMAP of the fused embedding. {note}.")

# %%
table = []
for variant in ("full", "without_attribution"):
    for space in ("fused", "visual", "audio"):
        found = cluster_scores(spaces[variant][space], classes)
        table.append({"variant": variant, "space": space, **found})
        nb.results.number(f"{variant}.{space}.purity", found["purity"], n=len(rows), seed=e.seeds[0])
        nb.results.number(f"{variant}.{space}.silhouette", found["silhouette"], n=len(rows), seed=e.seeds[0])
nb.results.table(
    "clusters", pd.DataFrame(table), f"How far generators are apart in the space itself. {note}."
)

# %% tags=["hide-input"]
people = prepared.manifest.identity.to_numpy().astype(str)[rows]
each = {v: purity_of_each(spaces[v]["fused"], classes) for v in ("full", "without_attribution")}
nb.results.difference(
    "attribution_loss.purity_gain",
    mean_bootstrap(each["full"] - each["without_attribution"], people, e.bootstrap),
    e.seeds[0],
)

# %% [markdown]
# Neighbours in the fused space are of the same generator with a share of
# {result}`06_embedding_space.full.fused.purity` with the attribution loss and
# {result}`06_embedding_space.without_attribution.fused.purity` without it.
#
# ## Picture and sound before they meet

# %% tags=["hide-input"]
points = {
    "visual": tsne(spaces["full"]["visual"], e.perplexity),
    "audio": tsne(spaces["full"]["audio"], e.perplexity),
}
nb.results.figure(
    "modalities",
    maps(points, classes),
    f"t-SNE of the visual and the audio embedding (the form of Fig. 8). {note}.",
)

# %% [markdown]
# ## Do picture and sound agree?
#
# The paper says that real pairs agree more than forged ones and that {term}`CMFFC` amplifies this. But CMFFC pulls forged
# pairs together, which works against that gap: so it is measured with and without.

# %% tags=["hide-input"]
parts = []
for variant in ("full", "without_fingerprint"):
    parts.append(
        pd.DataFrame({"variant": variant, "generator": classes, "cosine": alignment(spaces[variant])})
    )
cosines = pd.concat(parts, ignore_index=True).dropna()
means = cosines.groupby(["variant", "generator"]).cosine.agg(["mean", "std", "count"]).reset_index()
nb.results.figure(
    "cosine", similarity(cosines), f"Cosine of picture and sound by generator (the form of Fig. 10). {note}."
)
# The gap between reals and fakes as a mean: a real clip counts +1 over the share of reals, a fake -1 over the fakes'.
weight = np.where(classes == "real", 1 / (classes == "real").mean(), -1 / (classes != "real").mean())
cosine = {v: alignment(spaces[v]) for v in ("full", "without_fingerprint")}
for variant, values in cosine.items():
    nb.results.difference(f"{variant}.gap", mean_bootstrap(weight * values, people, e.bootstrap), e.seeds[0])
nb.results.difference(
    "fingerprint_loss.gap_gain",
    mean_bootstrap(weight * (cosine["full"] - cosine["without_fingerprint"]), people, e.bootstrap),
    e.seeds[0],
)

# %% tags=["hide-input"]
nb.results.table("cosines", means, f"Mean cosine by variant and generator. {note}.")

# %% [markdown]
# ## Exercises
#
# **1.** Draw the t-SNE map with another seed. Of a clip's five neighbours on one map, how many are its neighbours on the
# other?
#
# **2.** Does the space know the *person*? Compare the neighbours' purity by person with its chance level.

# %% tags=["hide-cell", "solution"]
# Solution 1
from sklearn.neighbors import NearestNeighbors

near = []
for seed in (0, 1):
    drawn = tsne(spaces["full"]["fused"], e.perplexity, seed)
    k = min(6, len(drawn))
    near.append(NearestNeighbors(n_neighbors=k).fit(drawn).kneighbors(drawn, return_distance=False)[:, 1:])
print(f"{np.mean([len({*a} & {*b}) for a, b in zip(*near)]):.1f} of {near[0].shape[1]}")

# %% tags=["hide-cell", "solution"]
# Solution 2
{k: round(v, 3) for k, v in cluster_scores(spaces["full"]["fused"], people).items() if k != "silhouette"}

# %% [markdown]
# ## Summary
#
# With the attribution loss a clip's neighbours are of its own generator more often by
# {result}`06_embedding_space.attribution_loss.purity_gain`. Real minus forged, the mean cosine differs by {result}`06_embedding_space.full.gap` with CMFFC and by
# {result}`06_embedding_space.without_fingerprint.gap` without it.
