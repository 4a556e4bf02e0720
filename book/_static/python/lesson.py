"""Functions given to the cells of a page: this run's predictions, metrics, tables and plots.

It runs under Python 3.8 with NumPy 1.17 (``SOURCES.md``). ``tests/companion/test_cells.py`` compares each metric with the
book's own.
"""

import ast
import contextlib
import io
import json
import math
import os
import statistics
import sys
import traceback

import numpy as np

FOLDER = os.environ.get("AMDD_CELLS", "/data")
OUT = []  # what the cell has shown, in order
LEAST, MOST = 1e-6, 1 - 1e-6


def _read(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return json.load(file)


def predictions(corpus=None):
    """Return this run's predictions for a corpus (default: the test clips of the training corpus) as arrays.

    ``label`` (1: fake), ``generator``, ``person`` (numbers), ``score`` (probability of fake), ``named`` (class of the
    attribution head), ``among`` (the same with *real* excluded).
    """
    held = _read("predictions.json")
    table = held["corpora"][corpus or held["train"]]
    return {name: np.array(values) for name, values in table.items()}


def corpora():
    """Return the names of the corpora for which this run has predictions, the training corpus first."""
    held = _read("predictions.json")
    return [held["train"]] + [name for name in held["corpora"] if name != held["train"]]


def threshold():
    """Return the decision threshold of this run."""
    return _read("predictions.json")["threshold"]


def study(arm, seed=None):
    """Return the study's predictions of one arm as arrays: ``seed``, ``person``, ``label``, ``generator``, ``score``."""
    held = _read("study.json")
    chosen = [k for k, (a, s) in enumerate(held["trainings"]) if a == arm and seed in (None, s)]
    if not chosen:
        raise ValueError(
            "the study has no such training; it has "
            + ", ".join(f"{a} seed {s}" for a, s in held["trainings"])
        )
    clips = {name: np.array(held["clips"][name]) for name in ("person", "label", "generator")}
    repeated = {name: np.tile(values, len(chosen)) for name, values in clips.items()}
    seeds = np.repeat([held["trainings"][k][1] for k in chosen], len(clips["label"]))
    return dict(repeated, seed=seeds, score=np.concatenate([np.array(held["scores"][k]) for k in chosen]))


def arms():
    """Return the arms of the study and their seeds so far."""
    found = {}
    for arm, seed in _read("study.json")["trainings"]:
        found.setdefault(arm, []).append(seed)
    return found


def paper():
    """Return the paper's tables: {table: {row: {column: value}}}."""
    return _read("paper.json")


def auc(label, score):
    """Return the area under the ROC curve: the share of pairs of a fake and a real in which the fake scores higher."""
    label, score = np.asarray(label), np.asarray(score, float)
    fakes, reals = score[label == 1], score[label == 0]
    if not len(fakes) or not len(reals):
        return math.nan
    both = np.concatenate([fakes, reals])
    order = np.argsort(both, kind="mergesort")
    ranks = np.empty(len(both))
    ranks[order] = np.arange(1, len(both) + 1)
    for value in np.unique(both):  # ties share their mean rank
        ranks[both == value] = ranks[both == value].mean()
    return float((ranks[: len(fakes)].sum() - len(fakes) * (len(fakes) + 1) / 2) / (len(fakes) * len(reals)))


def balanced_accuracy(label, score, cut=0.5):
    """Return the mean of the shares of fakes and of reals that a threshold classifies correctly."""
    label, called = np.asarray(label), np.asarray(score) >= cut
    return float((called[label == 1].mean() + (~called[label == 0]).mean()) / 2)


def wilson(successes, n, confidence=0.95):
    """Return the lower and the upper end of Wilson's interval of a share."""
    z = statistics.NormalDist().inv_cdf(0.5 + confidence / 2)
    share, more = successes / n, z * z / n
    half = z * math.sqrt(share * (1 - share) / n + more / (4 * n)) / (1 + more)
    middle = (share + more / 2) / (1 + more)
    return middle - half, middle + half


def bootstrap(metric, people, repeats=500, seed=0, confidence=0.95):
    """Return the percentile interval of ``metric(rows)`` over people who are drawn with replacement."""
    rng, people = np.random.RandomState(seed), np.asarray(people)
    rows = [np.flatnonzero(people == person) for person in np.unique(people)]
    found = []
    for _ in range(repeats):
        drawn = np.concatenate([rows[k] for k in rng.randint(len(rows), size=len(rows))])
        found.append(metric(drawn))
    tail = 50 * (1 - confidence)
    return tuple(float(x) for x in np.nanpercentile(found, [tail, 100 - tail]))


def show(rows, columns, digits=3):
    """Show a table of ``rows`` (lists of values) under the names ``columns``."""

    def text(value):
        return f"{value:.{digits}f}" if isinstance(value, (float, np.floating)) else str(value)

    OUT.append(
        {
            "kind": "table",
            "columns": [str(c) for c in columns],
            "rows": [[text(v) for v in row] for row in rows],
        }
    )


def plot(lines, x="", y="", title=""):
    """Draw lines: {name: (values of x, values of y)}."""
    drawn = {str(n): [[float(a) for a in xs], [float(b) for b in ys]] for n, (xs, ys) in lines.items()}
    OUT.append({"kind": "plot", "lines": drawn, "x": x, "y": y, "title": title})


GIVEN = {
    f.__name__: f
    for f in (
        predictions,
        corpora,
        threshold,
        study,
        arms,
        paper,
        auc,
        balanced_accuracy,
        wilson,
        bootstrap,
        show,
        plot,
    )
}


class _Out(io.TextIOBase):
    def write(self, text):
        if OUT and OUT[-1]["kind"] == "text":
            OUT[-1]["text"] += text
        else:
            OUT.append({"kind": "text", "text": text})
        return len(text)


def _execute(code, space):
    """Run ``code``; the value of a last expression is shown as in a notebook."""
    tree = ast.parse(code, "cell")
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), space)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), space)
        if value is not None:
            _Out().write(repr(value) + "\n")


def _error(error):
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == "cell"]
    where = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else (lines or [None])[-1]
    text = error.args[0] if error.args else ""
    return f"{type(error).__name__}: {text}" + (f" (line {where})" if where else "")


def run(code, check=""):
    """Run a cell, and its check if there is one; return what it showed, and whether the answer is right, as JSON."""
    del OUT[:]
    space, right, said = dict(GIVEN, np=np, math=math), None, ""
    with contextlib.redirect_stdout(_Out()):
        try:
            _execute(code, space)
            if check:
                try:
                    exec(compile(check, "check", "exec"), space)
                    right = True
                except AssertionError as error:
                    right, said = False, str(error.args[0] if error.args else "Not yet.")
                except NameError as error:
                    right, said = False, f"The cell does not define what is asked for: {error}."
        except BaseException as error:  # a cell may raise anything, SystemExit among it
            OUT.append({"kind": "error", "text": _error(error)})
    return json.dumps({"out": OUT, "right": right, "said": said, "python": sys.version.split()[0]})
