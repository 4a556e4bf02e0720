"""The study of attribution as a regulariser: arms, contrasts, take-off and gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from amdd.figures.exhibit import Exhibit, Figure, exhibit
from amdd.figures.style import CYCLE, INK


@exhibit
def ladder(outcomes: pd.DataFrame, measures: Mapping[str, str], asks: Mapping[str, str]) -> Exhibit:
    """A row for each arm of ``asks`` (arm and what it asks), a panel for each of ``measures`` (column and title), a mark
    for each training, a bar at the mean."""
    arms = list(asks)
    fig, axes = plt.subplots(
        1, len(measures), figsize=(9.2, 0.5 * len(arms) + 1.2), sharey=True, squeeze=False
    )
    for ax, (measure, title) in zip(axes[0], measures.items()):
        for k, arm in enumerate(arms):
            values = outcomes.loc[outcomes.arm == arm, measure].dropna().to_numpy(float)
            if not len(values):
                continue
            y = len(arms) - 1 - k
            spread = np.linspace(-0.14, 0.14, len(values)) if len(values) > 1 else np.zeros(1)
            ax.plot(values, y + spread, "o", ms=6, color=CYCLE[k % len(CYCLE)], alpha=0.8)
            ax.plot([values.mean()] * 2, [y - 0.3, y + 0.3], color=CYCLE[k % len(CYCLE)], lw=2.5)
        ax.set(title=title, ylim=(-0.6, len(arms) - 0.4))
    axes[0][0].set_yticks(range(len(arms))[::-1], [f"{arm}\n{asks[arm]}" for arm in arms], fontsize=8)
    fig.tight_layout()
    alt = (
        f"{len(measures)} panels ({', '.join(measures.values())}); in each a row of dots for the arms {', '.join(arms)}, "
        "one dot a training, and a bar at their mean."
    )
    return Figure(fig, alt, outcomes)


@exhibit
def contrasts(table: pd.DataFrame, margin: float) -> Exhibit:
    """A row for each contrast (``contrast``, ``role``, ``difference``, ``from``, ``to``): point, interval, zero, and the
    ``margin`` as a band."""
    fig, ax = plt.subplots(figsize=(7.6, 0.42 * len(table) + 1.2))
    ax.axvspan(-margin, margin, color="#0072b2", alpha=0.12, lw=0)
    ax.axvline(0, color=INK, lw=1)
    for place, row in enumerate(table.to_dict("records")):
        colour = {"primary": "#d55e00", "decisive": "#cc79a7"}.get(row["role"], "#5b6470")
        ax.plot([row["from"], row["to"]], [place, place], color=colour, lw=2.2)
        ax.plot([row["difference"]], [place], "o", color=colour, ms=8)
    ax.set_yticks(range(len(table)), [f"{r.contrast} ({r.role})" for r in table.itertuples()])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.set_xlabel("difference in AUC on unseen generators")
    ax.grid(axis="y", visible=False)
    alt = (
        f"{len(table)} contrasts between arms, one a row: difference in AUC as a point with its interval as a line, a "
        f"vertical line at zero, and a band of plus and minus {margin:g}."
    )
    return Figure(fig, alt, table)


@exhibit
def take_offs(history: pd.DataFrame, threshold: float, arms: Sequence[str]) -> Exhibit:
    """Training focal loss by epoch: a thin line for each training, a thick one for each arm's mean, and the ``threshold``
    below which detection counts as started."""
    fig, ax = plt.subplots(figsize=(7.6, 3.6))
    ax.axhline(threshold, color=INK, lw=1, ls=":")
    for k, arm in enumerate(arms):
        part, tint = history[history.arm == arm], CYCLE[k % len(CYCLE)]
        for _, run in part.groupby("seed"):
            ax.plot(run.epoch, run.detection, color=tint, lw=0.8, alpha=0.5)
        mean = part.groupby("epoch").detection.mean()
        ax.plot(mean.index, mean, color=tint, lw=2.4, label=arm)
    ax.set(xlabel="epoch", ylabel="training focal loss")
    ax.legend(ncols=3, fontsize=8)
    alt = (
        f"Training focal loss over epochs for the arms {', '.join(arms)}: a thin line for each training, a thick one for "
        f"the mean, and a dotted line at {threshold:g}."
    )
    return Figure(fig, alt, history[["arm", "seed", "epoch", "detection"]])


@exhibit
def gradient_shares(history: pd.DataFrame, terms: Sequence[str]) -> Exhibit:
    """Share of each of ``terms`` in the sum of the gradient norms on the visual trunk, by epoch; the median over the
    trainings in ``history``."""
    columns = [f"grad_trunk_{term}" for term in terms]
    norms = history[["epoch", *columns]].groupby("epoch").median()
    shares = norms.div(norms.sum(axis=1).replace(0, np.nan), axis=0).fillna(0)
    fig, ax = plt.subplots(figsize=(7.6, 3.4))
    ax.stackplot(
        shares.index, shares.to_numpy().T, labels=list(terms), colors=CYCLE[: len(terms)], alpha=0.85
    )
    ax.set(
        xlabel="epoch",
        ylabel="share of the norms",
        ylim=(0, 1),
        xlim=(shares.index.min(), shares.index.max()),
    )
    ax.legend(loc="upper center", ncols=len(terms), fontsize=8, bbox_to_anchor=(0.5, 1.16))
    alt = f"Stacked areas: share of the terms {', '.join(terms)} in the gradient norms on the visual trunk, by epoch."
    return Figure(fig, alt, shares.set_axis(list(terms), axis=1).reset_index())


@exhibit
def left_out(outcomes: pd.DataFrame, pool: Sequence[str], arms: Mapping[str, str]) -> Exhibit:
    """A row for each generator of ``pool``: the AUC on it where it was left out (``arm``, ``left out``, ``AUC``), a mark for
    each training, the ``arms`` (name and what it is) one above the other, a bar at each mean."""
    fig, ax = plt.subplots(figsize=(7.6, 0.46 * len(pool) + 1.1))
    for k, (arm, label) in enumerate(arms.items()):
        for row, generator in enumerate(pool):
            own = outcomes[(outcomes.arm == arm) & (outcomes["left out"] == generator)].AUC.to_numpy(float)
            y = len(pool) - 1 - row + 0.17 * (1 - 2 * k)
            ax.plot(
                own,
                np.full(len(own), y),
                "o",
                ms=6,
                color=CYCLE[k],
                alpha=0.75,
                label=label if not row else None,
            )
            if len(own):
                ax.plot([own.mean()] * 2, [y - 0.15, y + 0.15], color=CYCLE[k], lw=2.5)
    ax.axvline(0.5, color=INK, lw=1, ls=":")
    ax.set_yticks(range(len(pool))[::-1], list(pool))
    ax.set(xlabel="AUC on the generator that was left out", ylim=(-0.6, len(pool) - 0.4))
    ax.legend(loc="upper left", bbox_to_anchor=(0, 1.14), ncols=len(arms))
    alt = (
        f"A row for each of {len(pool)} generators that was left out; in it a dot for each training of the arms "
        f"{', '.join(arms.values())}, by AUC on that generator, and a bar at each arm's mean."
    )
    return Figure(fig, alt, outcomes)


@exhibit
def dose(outcomes: pd.DataFrame, measures: Mapping[str, str]) -> Exhibit:
    """A panel for each of ``measures`` (column and title) over the number of generators in training: a line for each weight of
    the attribution loss at the mean, a mark for each training."""
    fig, axes = plt.subplots(1, len(measures), figsize=(9.2, 3.4), squeeze=False)
    numbers = sorted(outcomes.generators.unique())
    for ax, (measure, title) in zip(axes[0], measures.items()):
        for k, (weight, part) in enumerate(outcomes.groupby("weight")):
            place = np.array([numbers.index(n) for n in part.generators]) + 0.06 * (k - 1)
            ax.plot(place, part[measure], "o", ms=5, color=CYCLE[k], alpha=0.7)
            means = part.groupby("generators")[measure].mean()
            ax.plot(
                [numbers.index(n) + 0.06 * (k - 1) for n in means.index],
                means,
                color=CYCLE[k],
                lw=2,
                label=f"weight {weight:g}",
            )
        ax.set_xticks(range(len(numbers)), [str(n) for n in numbers])
        ax.set(title=title, xlabel="generators in training")
    axes[0][0].legend()
    fig.tight_layout()
    alt = (
        f"{len(measures)} panels ({', '.join(measures.values())}) over the number of generators in training "
        f"({', '.join(map(str, numbers))}): a line for each weight of the attribution loss, a dot for each training."
    )
    return Figure(fig, alt, outcomes)
