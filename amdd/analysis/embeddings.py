"""Maps of the embedding space, and measures of what they seem to show."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from amdd.stats import Estimate, wilson


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


def probe(embedding: np.ndarray, classes: np.ndarray, people: np.ndarray) -> Estimate:
    """Return the share that :func:`linear_probe` names correctly, with Wilson's interval; NaN without two classes and two
    people, among whom there is nothing to name."""
    try:
        named = linear_probe(embedding, classes, people)
    except ValueError:
        return Estimate(float("nan"), n=len(embedding))
    return wilson(int((named == np.asarray(classes).astype(str)).sum()), len(embedding))


def alignment(found: dict[str, np.ndarray]) -> np.ndarray:
    """Cosine (n,) between each clip's visual and audio projection; NaN without audio."""
    cosine = (found["visual_projection"] * found["audio_projection"]).sum(1)
    silent = np.abs(found["audio_projection"]).sum(1) == 0
    return np.where(silent, np.nan, cosine)


def class_gap(values: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return one value per clip whose mean is mean(reals) - mean(fakes) of ``values`` (n,).

    A real counts +1 over the share of reals, a fake -1 over the share of fakes.
    """
    real = np.asarray(classes) == "real"
    return np.where(real, 1 / max(real.mean(), 1e-12), -1 / max((~real).mean(), 1e-12)) * values
