# %% [markdown]
# # Losses against naive loops
#
# The library computes its losses in a few lines of tensor algebra. Write three of them as plain
# loops over clips, so that each line can be read beside the formula on the page *The method*.
# The checks compare your loops with the library on random batches.
#
# **You need** the chapters on the method and on training. **Time** about 90 minutes, 10 points.

# %%
import math

import numpy as np
import torch

from amdd.model import losses

# %% [markdown]
# ## 1. Focal loss
#
# For one clip with logit $\ell$ and target $y$ (1 for fake), let $p$ be the probability of the true
# class, and $\alpha_y$ the weight of that class: $\alpha$ for fakes, $1 - \alpha$ for reals. The loss
# is $-\alpha_y (1 - p)^\gamma \log p$, averaged over the batch.


# %% name="focal" tags=["solution"]
def focal(logits: list[float], targets: list[int], alpha=0.75, gamma=2.0) -> float:
    ### BEGIN SOLUTION
    total = 0.0
    for logit, target in zip(logits, targets):
        fake = 1 / (1 + math.exp(-logit))
        p = fake if target == 1 else 1 - fake
        weight = alpha if target == 1 else 1 - alpha
        total -= weight * (1 - p) ** gamma * math.log(p)
    return total / len(logits)
    ### END SOLUTION


# %% name="focal-checks" tags=["checks-3"]
assert abs(focal([0.0], [1]) - 0.75 * 0.25 * math.log(2)) < 1e-9, "one undecided fake"
assert focal([3.0], [1]) < focal([1.0], [1]), "an easy clip costs less than a hard one"
rng = np.random.default_rng(0)
logits, targets = rng.normal(size=12), rng.integers(0, 2, 12)
library = losses.focal_loss(torch.tensor(logits), torch.tensor(targets))
assert abs(focal(logits.tolist(), targets.tolist()) - float(library)) < 1e-5
### BEGIN HIDDEN TESTS
library = losses.focal_loss(torch.tensor(logits), torch.tensor(targets), 0.3, 1.0)
assert abs(focal(logits.tolist(), targets.tolist(), 0.3, 1.0) - float(library)) < 1e-5
### END HIDDEN TESTS

# %% [markdown]
# ## 2. InfoNCE
#
# For each clip, the cross-entropy of its own audio among all audio of the batch, and of its own
# frames among all frames; the mean of both directions, at temperature $\tau$. Rows of `visual` and
# `audio` are unit vectors.


# %% name="infonce" tags=["solution"]
def info_nce(visual: np.ndarray, audio: np.ndarray, temperature=0.07) -> float:
    ### BEGIN SOLUTION
    def among(query, own, others):
        scores = [float(query @ other) / temperature for other in others]
        highest = max(scores)
        norm = highest + math.log(sum(math.exp(s - highest) for s in scores))
        return norm - scores[own]

    count = len(visual)
    to_audio = sum(among(visual[i], i, audio) for i in range(count))
    to_visual = sum(among(audio[i], i, visual) for i in range(count))
    return (to_audio + to_visual) / (2 * count)
    ### END SOLUTION


# %% name="infonce-checks" tags=["checks-4"]
same = np.tile([[1.0, 0.0]], (5, 1))
assert abs(info_nce(same, same) - math.log(5)) < 1e-9, "nothing distinguishes five equal clips"
rng = np.random.default_rng(1)
visual, audio = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in rng.normal(size=(2, 6, 4)))
library = losses.info_nce(torch.tensor(visual), torch.tensor(audio))
assert abs(info_nce(visual, audio) - float(library)) < 1e-4
### BEGIN HIDDEN TESTS
library = losses.info_nce(torch.tensor(visual), torch.tensor(audio), 0.5)
assert abs(info_nce(visual, audio, 0.5) - float(library)) < 1e-4
### END HIDDEN TESTS

# %% [markdown]
# ## 3. Fingerprint consistency
#
# For each generator in the batch, one minus the mean cosine of its clips' two projections; then the
# mean over the generators that are present. Generator 0 is *real* and takes no part, and neither does
# -1, *unknown*. A batch without a fake has the loss zero.


# %% name="fingerprint" tags=["solution"]
def fingerprint(visual: np.ndarray, audio: np.ndarray, generator: list[int]) -> float:
    ### BEGIN SOLUTION
    cosines: dict[int, list[float]] = {}
    for v, a, g in zip(visual, audio, generator):
        if g > 0:
            cosines.setdefault(int(g), []).append(float(v @ a))
    if not cosines:
        return 0.0
    return sum(1 - sum(c) / len(c) for c in cosines.values()) / len(cosines)
    ### END SOLUTION


# %% name="fingerprint-checks" tags=["checks-3"]
assert fingerprint(visual, audio, [0] * 6) == 0.0, "only reals"
assert abs(fingerprint(visual, visual, [1, 1, 2, 0, 2, 3])) < 1e-9, "equal projections"
for generators in ([1, 1, 1, 2, 0, 3], [0, 2, 2, 2, 2, 1]):
    library = losses.fingerprint_consistency(
        torch.tensor(visual), torch.tensor(audio), torch.tensor(generators)
    )
    assert abs(fingerprint(visual, audio, generators) - float(library)) < 1e-5
### BEGIN HIDDEN TESTS
generators = [-1, -1, 1, 2, 2, 0]
library = losses.fingerprint_consistency(torch.tensor(visual), torch.tensor(audio), torch.tensor(generators))
assert abs(fingerprint(visual, audio, generators) - float(library)) < 1e-5
### END HIDDEN TESTS
