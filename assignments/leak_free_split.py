# %% [markdown]
# # A split without leakage
#
# A forgery joins two people: the target, whose head is seen, and the donor, whose face or voice was
# used. A split is free of leakage if no person occurs in two subsets, neither as target nor as donor.
#
# **You need** the chapter on data preparation. **Time** about 60 minutes, 10 points.

# %%
import numpy as np
import pandas as pd


def corpus(people: int, seed: int) -> pd.DataFrame:
    """Return clips of `people`; every third is a forgery with a donor from the same group of three."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(people):
        group = 3 * (k // 3)
        for number in range(int(rng.integers(2, 5))):
            donor = f"p{group + int(rng.integers(0, 3))}" if number == 0 else ""
            rows.append({"clip": f"p{k}/{number}", "identity": f"p{k}", "donor": donor})
    return pd.DataFrame(rows)


clips = corpus(30, seed=0)
clips.head()

# %% [markdown]
# ## 1. Count the leaks
#
# Return the number of people who occur, as target or as donor, in more than one subset. `subset` holds
# the subset of each clip; an empty donor is nobody.


# %% name="leaks" tags=["solution"]
def leaks(clips: pd.DataFrame, subset: pd.Series) -> int:
    ### BEGIN SOLUTION
    found: dict[str, set] = {}
    for column in ("identity", "donor"):
        for person, where in zip(clips[column], subset):
            if person:
                found.setdefault(person, set()).add(where)
    return sum(len(places) > 1 for places in found.values())
    ### END SOLUTION


# %% name="leaks-checks" tags=["checks-3"]
three = pd.DataFrame({"clip": list("abc"), "identity": ["p0", "p1", "p2"], "donor": ["", "p0", ""]})
assert leaks(three, pd.Series(["train", "train", "test"])) == 0
assert leaks(three, pd.Series(["test", "train", "train"])) == 1, "p0 is a donor in training"
at_random = pd.Series(np.random.default_rng(0).choice(["train", "test"], len(clips)))
assert leaks(clips, at_random) > 15, "a random split leaks nearly everybody"
### BEGIN HIDDEN TESTS
assert leaks(three, pd.Series(["a", "b", "c"])) == 1
assert leaks(three.assign(donor=""), pd.Series(["a", "b", "c"])) == 0
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Split without leaks
#
# Return the subset of each clip, `train` or `test`, such that nobody leaks, about `share` of the clips
# are in the test (within 0.15), and the same seed gives the same split.


# %% name="split" tags=["solution"]
def split(clips: pd.DataFrame, share: float = 0.3, seed: int = 0) -> pd.Series:
    ### BEGIN SOLUTION
    parent: dict[str, str] = {}

    def root(person: str) -> str:
        while parent.setdefault(person, person) != person:
            person = parent[person]
        return person

    for target, donor in zip(clips.identity, clips.donor):
        if donor:
            parent[root(donor)] = root(target)
    group = clips.identity.map(root)
    sizes = group.value_counts()
    order = np.random.default_rng(seed).permutation(sorted(sizes.index))
    chosen, count = set(), 0
    for name in order:
        if count + sizes[name] <= share * len(clips) + sizes.min():
            chosen.add(name)
            count += sizes[name]
    return group.isin(chosen).map({True: "test", False: "train"})
    ### END SOLUTION


# %% name="split-checks" tags=["checks-5"]
for seed in range(5):
    found = split(clips, 0.3, seed)
    assert len(found) == len(clips) and set(found) == {"train", "test"}
    assert leaks(clips, found) == 0, f"somebody leaks with seed {seed}"
    assert abs((found == "test").mean() - 0.3) < 0.15, f"share of the test with seed {seed}"
    assert (split(clips, 0.3, seed) == found).all(), "the same seed, another split"
### BEGIN HIDDEN TESTS
chain = pd.DataFrame({"clip": range(6), "identity": list("abcdef"), "donor": ["b", "c", "", "", "", ""]})
for seed in range(8):
    assert leaks(chain, split(chain, 0.5, seed)) == 0, "a chain of donors"
other = corpus(60, seed=5)
assert leaks(other, split(other, 0.2, 3)) == 0
### END HIDDEN TESTS

# %% [markdown] name="limits" tags=["written-2"]
# ## 3. In words
#
# All fakes of a corpus use the same two donors. What does your function do with it, and what would you
# change about the question that the test asks?
#
# === BEGIN MARK SCHEME ===
# One component holds nearly everything, so no split within the share exists (1). The test then has to
# ask for unseen targets with known donors, said openly, or for another corpus (1).
# === END MARK SCHEME ===
