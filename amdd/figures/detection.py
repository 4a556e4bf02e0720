"""ROC curves, confusion, score distributions, reliability, ablations and conditions."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from sklearn.metrics import roc_curve

from amdd.figures.exhibit import Exhibit, Figure, exhibit
from amdd.figures.style import CYCLE, INK, colour, colours, words
from amdd.stats import auc, calibration


@exhibit
def roc(predictions: pd.DataFrame) -> Exhibit:
    """ROC of each generator against all reals (Fig. 4)."""
    reals = predictions.score[predictions.label == 0].to_numpy()
    fig, ax = plt.subplots(figsize=(4.6, 4.2))
    rows = []
    fakes = predictions[predictions.label == 1]
    tints = colours(fakes.generator)
    for name, part in fakes.groupby("generator") if len(reals) else ():
        label = np.r_[np.zeros(len(reals)), np.ones(len(part))]
        score = np.r_[reals, part.score]
        false, true, threshold = roc_curve(label, score)
        ax.plot(
            false,
            true,
            color=tints[name],
            lw=2,
            label=f"{words(name)} (AUC {auc(label, score):.3f}, n = {len(part)})",
        )
        rows += [
            {"generator": name, "false positive rate": f, "true positive rate": t, "threshold": h}
            for f, t, h in zip(false, true, threshold)
        ]
    ax.plot([0, 1], [0, 1], color=INK, lw=0.8, ls=":")
    ax.set(xlabel="false-positive rate", ylabel="true-positive rate", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    if rows:
        ax.legend(loc="lower right")
    alt = f"ROC curves, one per generator, each against the same {len(reals)} reals; diagonal dotted for chance."
    return Figure(fig, alt, pd.DataFrame(rows))


@exhibit
def confusion(predictions: pd.DataFrame, classes: list[str]) -> Exhibit:
    """Draw attribution: true class by row, predicted class by column, with counts and shares of the row (Fig. 5)."""
    known = predictions[predictions.known]
    counts = pd.crosstab(known.generator, known.attribution).reindex(
        index=classes, columns=classes, fill_value=0
    )
    share = counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
    fig, ax = plt.subplots(figsize=(4.6, 3.9))
    cells = counts.astype(str) + "\n" + share.map("{:.0%}".format)
    sns.heatmap(
        share.rename(index=words, columns=words), annot=cells, fmt="", cmap="Blues", vmin=0, vmax=1.15, cbar=False, linewidths=1, ax=ax,
        annot_kws={"fontsize": 9},
    )  # fmt: skip
    ax.tick_params(length=0, rotation=0)
    ax.set(xlabel="attributed to", ylabel="true class")
    ax.grid(False)
    alt = (
        "Confusion matrix of attribution with classes "
        + ", ".join(classes)
        + "; each cell shows clips and the share of its row."
    )
    return Figure(fig, alt, counts.reset_index())


@exhibit
def scores(predictions: pd.DataFrame, threshold: float) -> Exhibit:
    """Distribution of the detection score by generator (Fig. 6)."""
    names = ["real", *sorted(set(predictions.generator) - {"real"})]
    fig, axes = plt.subplots(len(names), 1, figsize=(6.4, 0.95 * len(names) + 0.7), sharex=True)
    bins, tints = np.linspace(0, 1, 26), colours(names)
    rows = []
    for ax, name in zip(np.atleast_1d(axes), names):
        values = predictions.score[predictions.generator == name]
        counts, _, _ = ax.hist(values, bins=bins, color=tints[name])
        ax.axvline(threshold, color=INK, lw=0.9, ls="--")
        ax.set_ylabel(f"{words(name)}\nn = {len(values)}", rotation=0, ha="right", va="center")
        ax.set_yticks([])
        rows += [
            {"generator": name, "from": a, "to": b, "clips": int(c)}
            for a, b, c in zip(bins, bins[1:], counts)
            if c
        ]
    np.atleast_1d(axes)[-1].set_xlabel("score: probability of fake")
    alt = f"Histograms of the score from 0 to 1, one row per class ({', '.join(names)}); dashed line at the threshold {threshold}."
    return Figure(fig, alt, pd.DataFrame(rows))


@exhibit
def reliability(predictions: pd.DataFrame) -> Exhibit:
    """Share of fakes among clips of like score: a calibrated score lies on the diagonal."""
    if not len(predictions):
        raise ValueError("a reliability diagram needs predictions, and there are none")
    table = calibration(predictions.label.to_numpy(), predictions.score.to_numpy())
    fig, ax = plt.subplots(figsize=(4.2, 3.9))
    ax.plot([0, 1], [0, 1], color=INK, lw=0.8, ls=":")
    ax.scatter(table.probability, table.fakes, s=18 + 6 * table.n, color=colour("fake"), alpha=0.85)
    ax.set(xlabel="mean score", ylabel="share that is fake", xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    alt = "Reliability diagram: mean score against share of fakes in ten bins, dot area by number of clips; diagonal dotted."
    return Figure(fig, alt, table)


MEASURES = {
    "balanced_accuracy": "bal. acc.",
    "auc": "AUC",
    "f1": "F1",
    "real_accuracy": "real",
    "fake_accuracy": "fake",
    "attribution_fakes": "attribution",
}


@exhibit
def ablation(tables: dict[str, pd.DataFrame]) -> Exhibit:
    """Every measure of every variant with its interval (Fig. 3)."""
    fig, ax = plt.subplots(figsize=(7.2, 3.6))
    rows = []
    for k, (name, table) in enumerate(tables.items()):
        chosen = table.loc[list(MEASURES)]
        x = np.arange(len(MEASURES)) + (k - (len(tables) - 1) / 2) * min(0.17, 0.85 / len(tables))
        value = chosen["value"].to_numpy()
        error = np.abs(np.stack([value - chosen["low"], chosen["high"] - value]))
        ax.errorbar(
            x,
            value,
            yerror_or_none(error),
            fmt="o",
            ms=6,
            capsize=2,
            color=CYCLE[k % len(CYCLE)],
            label=words(name.replace("_", " ").strip()),
        )
        rows += [
            {"variant": name, "measure": m, "value": v, "low": lo, "high": hi}
            for m, v, lo, hi in zip(MEASURES, value, chosen["low"], chosen["high"])
        ]
    ax.set_xticks(range(len(MEASURES)), MEASURES.values())
    ax.set_ylim(-0.03, 1.05)
    ax.legend(ncols=min(len(tables), 4), loc="lower center", bbox_to_anchor=(0.5, 1.0), columnspacing=1.2)
    alt = (
        f"Points with 95 % intervals for {len(tables)} variants in six measures: "
        + ", ".join(MEASURES.values())
        + "."
    )
    return Figure(fig, alt, pd.DataFrame(rows))


def yerror_or_none(error: np.ndarray) -> np.ndarray | None:
    """Error bars, or none where an interval could not be had."""
    return None if not np.isfinite(error).all() else error


@exhibit
def conditions(table: pd.DataFrame) -> Exhibit:
    """AUC, and real and fake accuracy at the fixed threshold, over datasets and conditions (Fig. 7)."""
    fig, ax = plt.subplots(figsize=(7.2, 3.8))
    x = np.arange(len(table))
    for name, mark, tint in (
        ("auc", "D", INK),
        ("real_accuracy", "o", colour("real")),
        ("fake_accuracy", "s", colour("fake")),
    ):
        ax.plot(
            x,
            table[name],
            mark,
            ms=7,
            color=tint,
            label={
                "auc": "AUC",
                "real_accuracy": "true-negative rate",
                "fake_accuracy": "true-positive rate",
            }[name],
        )
    ax.axhline(0.5, color=INK, lw=0.8, ls=":")
    ax.set_xticks(x, [f"{c}\n{q}" for c, q in zip(table["corpus"], table["condition"])], fontsize=7.5)
    ax.set_ylim(-0.05, 1.05)
    ax.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.14))
    alt = (
        "Three marks for each dataset and condition: AUC, true-negative rate and true-positive rate; dotted line at one "
        "half."
    )
    return Figure(fig, alt, table)


@exhibit
def curves(history: pd.DataFrame) -> Exhibit:
    """Loss terms and validation figures by epoch."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.3))
    terms = ("detection", "attribution", "contrastive", "fingerprint", "centroid")
    for k, term in enumerate(terms):
        left.plot(
            history.epoch,
            history[term],
            color=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")[k],
            label=term,
        )
    left.set(xlabel="epoch", ylabel="loss (unweighted)")
    left.set_yscale("log")
    left.legend(fontsize=7.5)
    right.plot(history.epoch, history.validation_auc, color="#0072b2", label="validation AUC")
    right.plot(
        history.epoch,
        history.validation_balanced_accuracy,
        color="#d55e00",
        label="validation balanced accuracy",
    )
    named = "validation_named" in history  # not in runs of earlier versions
    if named:
        style = {"color": "#009e73", "label": "validation attribution among generators"}
        right.plot(history.epoch, history.validation_named, **style)
    right.set(xlabel="epoch", ylim=(0, 1.03))
    right.legend(loc="lower right", fontsize=7.5)
    what = "AUC, balanced accuracy and attribution among generators" if named else "AUC and balanced accuracy"
    alt = f"Left: the five loss terms by epoch on a log scale. Right: validation {what} by epoch."
    return Figure(fig, alt, history)
