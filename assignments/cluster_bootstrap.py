# %% [markdown]
# # An interval over people
#
# Clips of one person resemble one another. A bootstrap over clips treats them as independent and is too
# narrow; a bootstrap over people draws whole people.
#
# **You need** the chapter on in-domain results. **Time** about 60 minutes, 10 points.

# %%
import numpy as np


def test_set(people: int, clips: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return label, score and person of each clip; some people's forgeries are easier than others'."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), clips)
    label = np.tile(np.arange(clips) % 2, people)
    ease = 1.2 + 1.5 * rng.normal(size=people)[person]
    return label, ease * label + rng.normal(size=len(person)), person


label, score, person = test_set(12, 6, seed=0)

# %% [markdown]
# ## 1. AUC from pairs
#
# The share of pairs of one real (0) and one fake (1) in which the fake scores higher; a tie counts half.


# %% name="auc" tags=["solution"]
def auc(label: np.ndarray, score: np.ndarray) -> float:
    ### BEGIN SOLUTION
    gaps = score[label == 1][:, None] - score[label == 0][None]
    return float(np.mean((gaps > 0) + 0.5 * (gaps == 0)))
    ### END SOLUTION


# %% name="auc-checks" tags=["checks-2"]
from amdd import stats

assert auc(np.array([1, 1, 0, 0]), np.array([0.9, 0.4, 0.6, 0.4])) == 0.625
assert abs(auc(label, score) - stats.auc(label, score)) < 1e-12
### BEGIN HIDDEN TESTS
assert auc(np.array([0, 1]), np.array([0.5, 0.5])) == 0.5
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Resample people
#
# Return `draws` values of AUC. Each comes from a sample of as many people as there are, drawn with
# replacement; all clips of a drawn person enter, twice if the person is drawn twice.


# %% name="resample" tags=["solution"]
def bootstrap(label, score, person, draws: int = 500, seed: int = 0) -> np.ndarray:
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(person == one) for one in np.unique(person)]
    values = []
    for _ in range(draws):
        chosen = np.concatenate([rows[k] for k in rng.integers(0, len(rows), len(rows))])
        values.append(auc(label[chosen], score[chosen]))
    return np.array(values)
    ### END SOLUTION


# %% name="resample-checks" tags=["checks-5"]
values = bootstrap(label, score, person)
assert values.shape == (500,) and (bootstrap(label, score, person) == values).all()
assert abs(np.mean(values) - auc(label, score)) < 0.05
alone = bootstrap(label, score, np.arange(len(label)))
assert values.std() > 1.1 * alone.std(), "over people it must be wider than over clips here"
### BEGIN HIDDEN TESTS
copied = [np.tile(x, 4) for x in (label, score, person)]
assert abs(bootstrap(*copied).std() / values.std() - 1) < 0.25, "copies of clips add no information"
one = bootstrap(label[:6], score[:6], person[:6], draws=20)
assert np.ptp(one) == 0, "a single person leaves nothing to resample"
### END HIDDEN TESTS

# %% [markdown] name="narrow" tags=["written-3"]
# ## 3. In words
#
# The book does not use this interval but a jackknife over people. Look up in the chapter how often each
# covers the truth with twelve people. Why is the bootstrap too narrow, most of all near 0 and 1?
#
# === BEGIN MARK SCHEME ===
# The numbers of the table on coverage are quoted with their place (1). Resampled people are never more
# diverse than the few that were seen (1). Near 0 and 1 many samples contain no error at all, so that all
# resamples give the same value (1).
# === END MARK SCHEME ===
