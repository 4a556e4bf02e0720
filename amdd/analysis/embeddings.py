"""Maps of the embedding space, and measures of what they seem to show."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

# The differences in the embedding space that claims are about, in words.
GAPS = {
    "attribution_loss.purity_gain": "purity, with - without the attribution loss",
    "full.visual_purity": "purity, visual - audio, full model",
    "full.gap": "cosine, reals - fakes, full model",
    "full.gap_own_voice": "the same, clips with their own voice",
    "without_fingerprint.gap": "cosine, reals - fakes, without fingerprint loss",
    "fingerprint_loss.gap_gain": "change of that gap by the fingerprint loss",
    "wav2lip.cosine": "cosine of fakes, Wav2Lip - other generators",
    "full.coherence": "coherence, own - other generators",
}


def tsne(embedding: np.ndarray, perplexity: float, seed: int = 0) -> np.ndarray:
    """Return the t-SNE map (n, 2) of embeddings (n, d), from PCA; perplexity is lowered where clips are few.

    Raises ``ValueError`` for fewer than three clips and for points that all lie in one place.
    """
    _mappable(embedding, 3, "t-SNE")
    perplexity = min(perplexity, max(2.0, (len(embedding) - 1) / 3))
    return (
        TSNE(2, perplexity=perplexity, init="pca", random_state=seed)
        .fit_transform(embedding)
        .astype(np.float32)
    )


def umap(embedding: np.ndarray, neighbours: int, seed: int = 0) -> np.ndarray:
    """Return the UMAP map (n, 2) of embeddings (n, d), on one thread, so that a seed gives the same map every time.

    Raises ``ValueError`` for fewer than four clips and for points that all lie in one place.
    """
    import warnings

    _mappable(embedding, 4, "UMAP")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap import UMAP

        fit = UMAP(n_neighbors=min(neighbours, len(embedding) - 1), random_state=seed, n_jobs=1)
        return fit.fit_transform(embedding).astype(np.float32)


def mapped(method: Callable[..., np.ndarray], embedding: np.ndarray, *settings: float) -> np.ndarray:
    """Return ``method`` (:func:`tsne` or :func:`umap`) of embeddings (n, d) or, where they have no map, points (n, 2) at one
    place with the reason printed."""
    try:
        return method(embedding, *settings)
    except ValueError as error:
        print(f"No map: {error}.")
        return np.zeros((len(embedding), 2), np.float32)


def _mappable(embedding: np.ndarray, least: int, method: str) -> None:
    """Raise ``ValueError`` where a map would end the process (scikit-learn divides by a deviation of zero) or be none."""
    if len(embedding) < least:
        raise ValueError(f"{method} needs at least {least} clips, and there are {len(embedding)}")
    if not np.isfinite(embedding).all():
        raise ValueError(f"{method} needs finite embeddings; the network's weights may be damaged")
    if not np.ptp(embedding.astype(np.float64), axis=0).max() > 1e-12:
        raise ValueError(
            f"{method} needs points with spread, and all {len(embedding)} embeddings are the same"
        )


def purity_of_each(embedding: np.ndarray, classes: np.ndarray, k: int = 5) -> np.ndarray:
    """Return the share (n,) of each clip's ``k`` nearest neighbours (itself aside) that are of its class; NaN for one
    clip."""
    classes = np.asarray(classes).astype(str)
    if len(embedding) < 2:
        return np.full(len(embedding), np.nan)
    k = min(k, len(embedding) - 1)
    near = KNeighborsClassifier(k + 1).fit(embedding, classes).kneighbors(embedding, return_distance=False)
    return np.array([np.mean(classes[row[row != i][:k]] == classes[i]) for i, row in enumerate(near)])


def knn_purity(embedding: np.ndarray, classes: np.ndarray, k: int = 5) -> float:
    """Return the mean of :func:`purity_of_each`, NaN for fewer than two clips."""
    each = purity_of_each(embedding, classes, k)
    return float(each.mean()) if len(each) else float("nan")


def cluster_scores(embedding: np.ndarray, classes: np.ndarray, k: int = 5) -> dict[str, float]:
    """Return the separation of classes in the full space: silhouette (cosine) and k-NN purity, with chance beside it."""
    classes = np.asarray(classes).astype(str)
    share = pd.Series(classes).value_counts(normalize=True)
    silhouette = (
        float(silhouette_score(embedding, classes, metric="cosine"))
        if 1 < len(share) < len(classes)
        else float("nan")
    )
    return {
        "silhouette": silhouette,
        "purity": knn_purity(embedding, classes, k),
        "chance": float((share**2).sum()),
    }


def linear_probe(
    embedding: np.ndarray, classes: np.ndarray, people: np.ndarray, folds: int = 5
) -> np.ndarray:
    """Return the classes (n,) that a linear classifier on the frozen embedding predicts, cross-validated over people.

    Raises ``ValueError`` unless there are clips of two people and of two classes. A fold whose training part has one class
    predicts that class.
    """
    classes, people = np.asarray(classes).astype(str), np.asarray(people).astype(str)
    folds = min(folds, len(set(people)))
    # Strongly regularised: there are more dimensions than clips.
    model = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.02, max_iter=2000, class_weight="balanced")
    )
    if folds < 2:
        raise ValueError("a probe needs clips of two people or more")
    if len(set(classes)) < 2:
        raise ValueError(f"a probe needs clips of two classes or more, and all are {str(classes[0])!r}")
    found = np.empty(len(classes), dtype=classes.dtype)
    for train, test in GroupKFold(folds).split(embedding, classes, people):
        if len(set(classes[train])) < 2:
            found[test] = classes[train][0]
        else:
            found[test] = model.fit(embedding[train], classes[train]).predict(embedding[test])
    return found


def probe(embedding: np.ndarray, classes: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Return for each clip whether :func:`linear_probe` names its class, float (n,); (0,) without two classes and two
    people, among whom there is nothing to name."""
    try:
        named = linear_probe(embedding, classes, people)
    except ValueError:
        return np.zeros(0)
    return (named == np.asarray(classes).astype(str)).astype(float)


def alignment(found: dict[str, np.ndarray]) -> np.ndarray:
    """Cosine (n,) between each clip's visual and audio projection; NaN without audio."""
    cosine = (found["visual_projection"] * found["audio_projection"]).sum(1)
    silent = np.abs(found["audio_projection"]).sum(1) == 0
    return np.where(silent, np.nan, cosine)


def purity_of_others(
    embedding: np.ndarray, classes: np.ndarray, people: np.ndarray, k: int = 5
) -> np.ndarray:
    """Return :func:`purity_of_each` (n,) among the nearest clips of *other* people; NaN where there are none.

    Clips of one person share recordings, so that the nearest one is often that person's.
    """
    classes, people = np.asarray(classes).astype(str), np.asarray(people).astype(str)
    distance = cdist(np.asarray(embedding, float), np.asarray(embedding, float))
    distance[people[:, None] == people[None]] = np.inf
    found = []
    for i, row in enumerate(distance):
        near = np.argsort(row, kind="stable")[: min(k, int(np.isfinite(row).sum()))]
        found.append(np.mean(classes[near] == classes[i]) if len(near) else np.nan)
    return np.array(found)


def coherence(found: dict[str, np.ndarray], classes: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Return, per clip (n,), how much closer its visual projection is to the audio of its own generator than to others'.

    The mean cosine with the audio projections of other people's fakes of the same generator, minus that with their fakes
    of other generators; NaN for reals, without audio, and where either is missing.
    """
    classes, people = np.asarray(classes).astype(str), np.asarray(people).astype(str)
    audio = found["audio_projection"]
    usable = (classes != "real") & (np.abs(audio).sum(1) > 0)
    cosine = found["visual_projection"] @ audio.T
    other = (people[:, None] != people[None]) & usable[:, None] & usable[None]
    out = np.full(len(classes), np.nan)
    for i in range(len(classes)):
        same = other[i] & (classes == classes[i])
        rest = other[i] & (classes != classes[i])
        if same.any() and rest.any():
            out[i] = cosine[i, same].mean() - cosine[i, rest].mean()
    return out
