# %% [markdown]
# # A confusion, read aloud
#
# Somebody who does not see the confusion matrix should learn from you what it shows. A description that
# reads out all numbers says nothing; one that leaves out an empty column hides the finding.
#
# **You need** the chapter on in-domain results. **Time** about 45 minutes, 10 points.

# %%
import re

import numpy as np

CLASSES = ["real", "faceswap", "fsgan", "wav2lip"]
# Rows: true classes; columns: answers. This detector never answers wav2lip.
MATRIX = np.array([[20, 3, 1, 0], [2, 9, 5, 0], [1, 2, 12, 0], [6, 4, 6, 0]])

# %% [markdown]
# ## 1. Numbers behind the words
#
# `recall`: for each class, the share of its clips that are given to it. `never`: the classes that are
# never answered. `worst`: the largest confusion as (true class, answer, count).


# %% name="numbers" tags=["solution"]
def recall(matrix: np.ndarray) -> np.ndarray:
    ### BEGIN SOLUTION
    return np.diag(matrix) / matrix.sum(1)
    ### END SOLUTION


def never(matrix: np.ndarray, classes: list[str]) -> list[str]:
    ### BEGIN SOLUTION
    return [name for name, column in zip(classes, matrix.T) if column.sum() == 0]
    ### END SOLUTION


def worst(matrix: np.ndarray, classes: list[str]) -> tuple[str, str, int]:
    ### BEGIN SOLUTION
    off = matrix - np.diag(np.diag(matrix))
    row, column = np.unravel_index(off.argmax(), off.shape)
    return classes[row], classes[column], int(off[row, column])
    ### END SOLUTION


# %% name="numbers-checks" tags=["checks-4"]
assert np.allclose(recall(MATRIX), [20 / 24, 9 / 16, 12 / 15, 0])
assert never(MATRIX, CLASSES) == ["wav2lip"]
other = MATRIX.copy()
other[3, 0] = 9
assert worst(other, CLASSES) == ("wav2lip", "real", 9)
### BEGIN HIDDEN TESTS
assert never(MATRIX.T, CLASSES) == [], "an empty row is not an empty column"
assert never(np.eye(4), CLASSES) == []
assert worst(np.array([[5, 0], [3, 1]]), ["a", "b"]) == ("b", "a", 3)
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Say it
#
# Return at most 60 words that (a) say how many clips there are, (b) name every class that is never
# answered, (c) name the best and the worst recall with their classes, in percent, and (d) name the
# largest confusion with its count. It must work for other matrices.


# %% name="aloud" tags=["solution"]
def aloud(matrix: np.ndarray, classes: list[str]) -> str:
    ### BEGIN SOLUTION
    shares = recall(matrix)
    best, least = classes[shares.argmax()], classes[shares.argmin()]
    missing = ", ".join(never(matrix, classes))
    true, answer, count = worst(matrix, classes)
    said = [f"Of {int(matrix.sum())} clips, {best} is recognised best ({100 * shares.max():.0f} %)"]
    said += [f"and {least} least ({100 * shares.min():.0f} %)."]
    said += [f"The head never answers {missing}." if missing else "Every class is answered."]
    said += [f"Most often {true} is taken for {answer}: {count} times."]
    return " ".join(said)
    ### END SOLUTION


# %% name="aloud-checks" tags=["checks-4"]
text = aloud(MATRIX, CLASSES)
assert len(text.split()) <= 60
numbers = [int(x) for x in re.findall(r"\d+", text)]
assert 71 in numbers and 83 in numbers and 0 in numbers, "clips, best and worst recall"
assert "never" in text and "wav2lip" in text
assert 6 in numbers, "the count of the largest confusion"
### BEGIN HIDDEN TESTS
text = aloud(np.array([[8, 2], [0, 10]]), ["real", "fake"])
assert "never" not in text.lower() and "100" in text and "80" in text and "20" in text
### END HIDDEN TESTS

# %% [markdown] name="consequence" tags=["written-2"]
# ## 3. In words
#
# Which claims about wav2lip can this detector neither support nor contradict, and why?
#
# === BEGIN MARK SCHEME ===
# Claims about the attribution of wav2lip (1): a head that never gives the answer has no chance to be
# right, so the claim is not tested (1).
# === END MARK SCHEME ===
