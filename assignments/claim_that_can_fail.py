# %% [markdown]
# # A claim with a rule that can fail
#
# A rule turns an interval into a verdict. It is written before the number is known, and each of its
# verdicts must be possible.
#
# **You need** the chapter on claims. **Time** about 60 minutes, 10 points.

# %%
import numpy as np

VERDICTS = {"supported", "contradicted", "no difference", "undecided"}

# %% [markdown]
# ## 1. The rule
#
# The claim says that a difference is positive. With the 95 % interval from `low` to `high` and a margin:
# *supported* if the interval lies above zero, *contradicted* if it lies below, *no difference* if it lies
# within the margin on both sides, otherwise *undecided*. (The book takes the 90 % interval for the margin;
# here one interval serves both.) An interval that excludes zero is never *no difference*.


# %% name="rule" tags=["solution"]
def verdict(low: float, high: float, margin: float = 0.03) -> str:
    ### BEGIN SOLUTION
    if low > 0:
        return "supported"
    if high < 0:
        return "contradicted"
    if low >= -margin and high <= margin:
        return "no difference"
    return "undecided"
    ### END SOLUTION


# %% name="rule-checks" tags=["checks-3"]
assert verdict(0.01, 0.2) == "supported" and verdict(-0.2, -0.01) == "contradicted"
assert verdict(-0.02, 0.02) == "no difference" and verdict(-0.02, 0.09) == "undecided"
### BEGIN HIDDEN TESTS
assert verdict(0.001, 0.02) == "supported", "small, but the interval excludes zero"
assert verdict(-0.02, 0.02, margin=0.01) == "undecided"
grid = np.linspace(-0.2, 0.2, 21)
assert {verdict(a, b) for a in grid for b in grid if a <= b} == VERDICTS, "each verdict must be possible"
### END HIDDEN TESTS

# %% [markdown]
# ## 2. A claim of your own
#
# State a claim about the detector of this book: a sentence, the number that tests it, what would
# contradict it, the unit over which the interval is taken, and the margin.

# %% name="claim" tags=["solution"]
claim = {"sentence": "", "number": "", "contradicted_if": "", "unit": "", "margin": 0.0}
### BEGIN SOLUTION
claim = {
    "sentence": "On test people, AUC with audio is higher than without.",
    "number": "AUC with audio minus AUC with masked audio, on the same clips",
    "contradicted_if": "the 95 % interval of the difference lies below zero",
    "unit": "people",
    "margin": 0.02,
}
### END SOLUTION

# %% name="claim-checks" tags=["checks-2"]
assert all(len(str(claim[key])) > 5 for key in ("sentence", "number", "contradicted_if", "unit"))
assert 0 < claim["margin"] < 0.5
hedges = {"may", "might", "could", "can", "potentially", "possibly"}
assert not hedges & set(claim["sentence"].lower().split()), "a sentence with such a word cannot fail"

# %% [markdown]
# ## 3. How often would the rule err?
#
# `error_rate(true, spread, n)`: draw `trials` samples of `n` differences with mean `true` and standard
# deviation `spread`, take mean ± 1.96 standard errors as the interval, and return the shares of
# verdicts as a dict with all four keys.


# %% name="errors" tags=["solution"]
def error_rate(true: float, spread: float, n: int, trials: int = 2000, seed: int = 0) -> dict:
    ### BEGIN SOLUTION
    rng = np.random.default_rng(seed)
    found = dict.fromkeys(sorted(VERDICTS), 0.0)
    for _ in range(trials):
        sample = rng.normal(true, spread, n)
        half = 1.96 * sample.std(ddof=1) / np.sqrt(n)
        found[verdict(sample.mean() - half, sample.mean() + half)] += 1 / trials
    return found
    ### END SOLUTION


# %% name="errors-checks" tags=["checks-3"]
none = error_rate(0.0, 0.2, 40)
assert set(none) == VERDICTS and abs(sum(none.values()) - 1) < 1e-6
assert 0.01 < none["supported"] < 0.05, "with no effect, about one in forty is supported by chance"
assert error_rate(0.2, 0.2, 40)["supported"] > 0.95
### BEGIN HIDDEN TESTS
assert error_rate(0.0, 0.02, 200)["no difference"] > 0.9, "with many people, equivalence can be shown"
assert error_rate(-0.2, 0.2, 40)["contradicted"] > 0.95
### END HIDDEN TESTS

# %% [markdown] name="luck" tags=["written-2"]
# ## 4. In words
#
# Twenty claims are tested, none of which is true, and one is supported. What do you report?
#
# === BEGIN MARK SCHEME ===
# All twenty, with the number that luck would support, about one in forty each way (1), and a correction
# or a new test of this claim (1).
# === END MARK SCHEME ===
