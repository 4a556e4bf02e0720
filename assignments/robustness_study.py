# %% [markdown]
# # A robustness study
#
# A detector is tested under blur and noise. Does it lose the ranking of its scores, or only the fit of
# its threshold? The images here are synthetic, and the "detector" measures fine detail, which forged
# images of this kind lack; all that matters is how the study is made.
#
# **You need** the chapters on thresholds and robustness. **Time** about 75 minutes, 10 points.

# %%
import numpy as np
import pandas as pd

from amdd.data.variants.corruptions import corrupt
from amdd.stats import auc


def images(people: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return images (N, 1, 32, 32, 3), labels and people; a forged image has less fine detail."""
    rng = np.random.default_rng(seed)
    rows = [(p, y) for p in range(people) for y in (0, 0, 1, 1)]
    person, label = np.array(rows).T
    smooth = rng.normal(size=(len(rows), 1, 8, 8, 3)).repeat(4, 2).repeat(4, 3)
    detail = rng.normal(size=(len(rows), 1, 32, 32, 3))
    amount = np.where(label == 1, 6.0, 9.0) + rng.normal(size=people)[person]
    made = 128 + 20 * smooth + amount[:, None, None, None, None] * detail
    return np.clip(made, 0, 255).astype(np.uint8), label, person


def detector(frames: np.ndarray) -> float:
    """Return the probability of *fake* for one image (1, 32, 32, 3)."""
    rough = np.abs(np.diff(frames.astype(float), axis=2)).mean()
    return float(1 / (1 + np.exp(rough - 11.5)))


frames, label, person = images(20, seed=0)

# %% [markdown]
# ## 1. One row of the study
#
# Corrupt every image, score it, and return a dict with `auc`, `found` (share of fakes with a score of at
# least 0.5), `passed` (share of reals below 0.5) and `scores` (array). Level 0 means clean. Give image
# number $i$ the seed $i$, so that a study can be repeated.


# %% name="row" tags=["solution"]
def row(kind: str, level: int) -> dict:
    ### BEGIN SOLUTION
    seen = [corrupt(x, kind, level, i) if level else x for i, x in enumerate(frames)]
    scores = np.array([detector(x) for x in seen])
    return {
        "auc": auc(label, scores),
        "found": float((scores[label == 1] >= 0.5).mean()),
        "passed": float((scores[label == 0] < 0.5).mean()),
        "scores": scores,
    }
    ### END SOLUTION


# %% name="row-checks" tags=["checks-4"]
clean = row("blur", 0)
assert clean["auc"] > 0.9 and clean["found"] > 0.6 and clean["passed"] > 0.6
blurred, noisy = row("blur", 1), row("noise", 3)
assert blurred["found"] > clean["found"] and blurred["passed"] < clean["passed"], "blur looks forged"
assert (row("noise", 3)["scores"] == noisy["scores"]).all(), "the same seed, other scores"
### BEGIN HIDDEN TESTS
assert row("noise", 5)["passed"] >= clean["passed"], "noise looks real to this detector"
kept, frames = frames, np.repeat(frames[:1], 4, axis=0)
label, all_labels = label[:4], label
assert len(np.unique(row("noise", 3)["scores"])) == 4, "each image has noise of its own"
frames, label = kept, all_labels
### END HIDDEN TESTS

# %% [markdown]
# ## 2. What was lost
#
# From the clean row and another, return `"nothing"` if AUC and both rates fell by less than 0.05,
# `"threshold"` if AUC fell by less than 0.05 but a rate fell by more, and `"ranking"` otherwise.


# %% name="lost" tags=["solution"]
def lost(clean: dict, other: dict) -> str:
    ### BEGIN SOLUTION
    if clean["auc"] - other["auc"] >= 0.05:
        return "ranking"
    rates = max(clean[key] - other[key] for key in ("found", "passed"))
    return "threshold" if rates >= 0.05 else "nothing"
    ### END SOLUTION


# %% name="lost-checks" tags=["checks-2"]
kept = {"auc": 0.9, "found": 0.8, "passed": 0.9}
assert lost(kept, kept) == "nothing"
assert lost(kept, kept | {"passed": 0.1}) == "threshold"
assert lost(kept, kept | {"auc": 0.5, "found": 0.5}) == "ranking"
### BEGIN HIDDEN TESTS
assert lost(kept, kept | {"found": 1.0, "passed": 0.1}) == "threshold", "one rate rose, the other fell"
assert lost(kept, kept | {"auc": 0.95}) == "nothing"
### END HIDDEN TESTS

# %% [markdown]
# ## 3. A paired interval over people
#
# Return the mean over people of the change of the score, corrupted minus clean, and the standard error
# of this mean over people. A person's clips are averaged first.


# %% name="paired" tags=["solution"]
def paired(clean: dict, other: dict, person: np.ndarray) -> tuple[float, float]:
    ### BEGIN SOLUTION
    change = pd.Series(other["scores"] - clean["scores"]).groupby(person).mean()
    return float(change.mean()), float(change.std(ddof=1) / np.sqrt(len(change)))
    ### END SOLUTION


# %% name="paired-checks" tags=["checks-2"]
mean, error = paired(clean, blurred, person)
assert mean > 0.1 and 0 < error < 0.1
assert paired(clean, clean, person) == (0.0, 0.0)
### BEGIN HIDDEN TESTS
two = {"scores": np.array([0.0, 0.0, 0.0])}, {"scores": np.array([1.0, 1.0, 4.0])}
assert np.allclose(paired(*two, np.array([0, 0, 1])), (2.5, 1.5)), "average each person first"
### END HIDDEN TESTS

# %% [markdown] name="report" tags=["written-2"]
# ## 4. In words
#
# Write the abstract of your study in three sentences: what was lost under which corruption, what another
# threshold could repair, and what this says about the trace that the detector uses.
#
# === BEGIN MARK SCHEME ===
# Distinguishes ranking and threshold with numbers (1). Names fine detail as the trace, with the evidence
# from blur, and does not generalise beyond these images (1).
# === END MARK SCHEME ===
