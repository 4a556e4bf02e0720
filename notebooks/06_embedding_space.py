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
# # The embedding space
#
# **Question.** Does the attribution loss organise the embedding by generator, and
# do the two modalities of a real clip agree more than those of a fake?
#
# **Answer.** With the attribution loss, the share of a clip's nearest neighbours
# that come from its own generator changes by
# {result}`embedding_space.attribution_loss.purity_gain`. The mean cosine of the
# two modalities differs between reals and fakes by
# {result}`embedding_space.full.gap` with the fingerprint loss and by
# {result}`embedding_space.without_fingerprint.gap` without it.
#
# **Needs** the full run and the ablated runs. **Makes** t-SNE and UMAP maps
# (Fig. 1, 8, 9), cluster metrics, and the agreement of the modalities by
# generator (Fig. 10).
#
# **You will learn** to measure in the space itself rather than to read maps.

# %% tags=["parameters", "remove-cell"]
profile = "demo"
overrides = []

# %% tags=["remove-cell"]
import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from amdd.analysis.embeddings import alignment, cluster_scores, coherence
from amdd.analysis.embeddings import GAPS, mapped, purity_of_others, tsne, umap
from amdd.analysis.predict import embed
from amdd.analysis.tables import differences, words
from amdd.companion.notebook import open_notebook
from amdd.figures.embedding import maps, similarity
from amdd.figures.hover import clip_map
from amdd.stats import people_of

nb = open_notebook("embedding_space", profile, overrides)
nb.opening()

# %% [markdown]
# A two-dimensional map ({term}`t-SNE, UMAP`) invites the reader to see clusters.
# Each map here is therefore accompanied by metrics that are computed in the full
# space: the {term}`silhouette` by generator, and the purity of the nearest
# neighbours with its chance level.

# %%
clips = nb.clips()
test = clips.manifest[clips.manifest.split == "test"]
classes = test.generator.to_numpy().astype(str)
people, fake = people_of(test), test.label.to_numpy() == 1
spaces = {}
for variant in ("full", "without_attribution", "without_fingerprint"):
    spaces[variant] = embed(nb.run(variant), clips, test)
perplexity = nb.evaluation.perplexity

# %% [markdown]
# ## With and without the attribution loss

# %%
pair = ("full", "without_attribution")
fused = {words(v): spaces[v]["fused"] for v in pair}
points = {v: mapped(tsne, x, perplexity) for v, x in fused.items()}
nb.show(
    "tsne",
    maps(points, classes),
    f"t-SNE of the fused embedding (the form of Fig. 9). {nb.note(test)}",
)

# %%
neighbours = nb.evaluation.neighbours
points = {v: mapped(umap, x, neighbours) for v, x in fused.items()}
nb.show(
    "umap",
    maps(points, classes),
    f"UMAP of the fused embedding. {nb.note(test)}",
)

# %% [markdown]
# The same map of the full model, with the face and the spectrogram of each mark:

# %%
drawn = mapped(tsne, spaces["full"]["fused"], perplexity)
nb.show("clips", clip_map(drawn, clips, test))

# %% [markdown]
# The metrics in the full space: *purity* is the share of a clip's five nearest
# neighbours that have its class, *chance* what it would be if classes were
# assigned at random.

# %%
rows = []
for variant in pair:
    for space in ("fused", "visual", "audio"):
        scores = cluster_scores(spaces[variant][space], classes)
        rows.append({"variant": words(variant), "space": space, **scores})
        for metric in ("purity", "silhouette"):
            nb.number(f"{variant}.{space}.{metric}", scores[metric], n=len(test))
nb.table(
    "clusters",
    pd.DataFrame(rows),
    f"Cluster metrics by generator. {nb.note(test)}",
)

# %% [markdown]
# In the fused space, the purity is
# {result}`embedding_space.full.fused.purity` with the attribution loss and
# {result}`embedding_space.without_attribution.fused.purity` without it.
#
# ## The modalities before fusion

# %%
modes = ("visual", "audio")
points = {m: mapped(tsne, spaces["full"][m], perplexity) for m in modes}
nb.show(
    "modalities",
    maps(points, classes),
    "t-SNE of the visual and the audio embedding (the form of Fig. 8). "
    f"{nb.note(test)}",
)

# %% [markdown]
# ## Agreement of the modalities
#
# The paper states that the visual and audio projections of reals agree more than
# those of fakes, and that {term}`CMFFC` amplifies this. However, CMFFC aligns the
# projections of *fakes*, which works against such a gap. It is therefore measured
# with and without the loss.

# %%
cosine = {v: alignment(spaces[v]) for v in ("full", "without_fingerprint")}
parts = [
    pd.DataFrame({"variant": v, "generator": classes, "cosine": c})
    for v, c in cosine.items()
]
cosines = pd.concat(parts, ignore_index=True).dropna()
nb.show(
    "cosine",
    similarity(cosines),
    f"Cosine of the two projections by class (the form of Fig. 10). {nb.note(test)}",
)

# %%
means = cosines.groupby(["variant", "generator"]).cosine.agg(["mean", "std", "count"])
nb.table(
    "cosines",
    means.reset_index(),
    f"Mean cosine by class. {nb.note(test)}",
    fold="Table: mean cosine by class",
)

# %% [markdown]
# Clips that carry another person's voice (Wav2Lip) differ from the rest for a reason
# that needs no forgery, so the gap is also given for clips with their own voice.
#
# The differences that the claims are about. Purity here is over *fakes*, with other
# people's fakes as neighbours: a clip of the same person shares its recording.
# *Coherence* compares a fake's visual projection with the audio projections of other
# people's fakes: those of its own generator minus those of other generators.

# %%
own = ~(test.generator == "wav2lip").to_numpy()
full, bare = cosine["full"], cosine["without_fingerprint"]
near = {
    (v, s): purity_of_others(spaces[v][s][fake], classes[fake], people[fake])
    for v in pair
    for s in ("fused", "visual", "audio")
}
gain = near["full", "fused"] - near["without_attribution", "fused"]
modal = near["full", "visual"] - near["full", "audio"]
shared = coherence(spaces["full"], classes, people)

# %%
found = {
    "attribution_loss.purity_gain": nb.mean(gain, people[fake]),
    "full.visual_purity": nb.mean(modal, people[fake]),
    "full.gap": nb.gap(full, ~fake, people),
    "full.gap_own_voice": nb.gap(full[own], ~fake[own], people[own]),
    "without_fingerprint.gap": nb.gap(bare, ~fake, people),
    "fingerprint_loss.gap_gain": nb.gap(full - bare, ~fake, people),
    "wav2lip.cosine": nb.gap(full[fake], ~own[fake], people[fake]),
    "full.coherence": nb.mean(shared, people),
}

# %%
nb.table(
    "gaps",
    differences({name: found[key] for key, name in GAPS.items()}, "difference"),
    f"Differences with 95 % intervals over people. {nb.note(test)}",
)

# %% tags=["remove-cell"]
for key, value in found.items():
    nb.number(key, value)

# %% [markdown]
# The fingerprint loss changes the gap between reals and fakes by
# {result}`embedding_space.fingerprint_loss.gap_gain`; the paper's claim would
# need a positive value.
#
# ## Exercises
#
# ```{exercise} Stability of a map
# :label: ex-map-stability
#
# Draw the t-SNE map with another seed. Of a clip's five neighbours on one map, how
# many are its neighbours on the other?
# ```

# %% [markdown]
# ````{solution-start} ex-map-stability
# :class: dropdown
# ````

# %% tags=["solution"]
near = []
for seed in (0, 1):
    drawn = tsne(spaces["full"]["fused"], perplexity, seed)
    found = NearestNeighbors(n_neighbors=min(6, len(drawn))).fit(drawn)
    near.append(found.kneighbors(drawn, return_distance=False)[:, 1:])
shared = np.mean([len({*a} & {*b}) for a, b in zip(*near)])
print(f"{shared:.1f} of {near[0].shape[1]}")

# %% [markdown]
# ````{solution-end}
# ````
#
# ```{exercise} Does the space encode the person?
# :label: ex-identity-purity
#
# Compare the neighbours' purity by *person* with its chance level.
# ```

# %% [markdown]
# ````{solution-start} ex-identity-purity
# :class: dropdown
# ````
# Clips of one person share the recording, so a high value need not mean that the
# network recognises faces.

# %% tags=["solution"]
scores = cluster_scores(spaces["full"]["fused"], people)
{name: round(scores[name], 3) for name in scores if name != "silhouette"}

# %% [markdown]
# ````{solution-end}
# ````
