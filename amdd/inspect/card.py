"""The card of a packed network: limits first, then provenance, data, calibration."""

from __future__ import annotations

from typing import Any

from amdd.inspect.calibration import Calibration

LIMITS = (
    "This network was trained on {corpus}, {clips} clips of {people} people{rendered}. It is a teaching instrument and no "
    "judge of real footage: on anything unlike its training clips it answers by chance or not at all."
)


def card_of(record: dict[str, Any], found: Calibration) -> str:
    """Return the card as Markdown, from the record of :func:`amdd.inspect.pack.pack` and the calibration."""
    profile, clips, people = record["profile"], record["clips"], record["people"]
    corpus = profile["corpus"]["train"]
    rendered = ", all of them rendered" if corpus.startswith("puppet") else ""
    limits = LIMITS.format(
        corpus=corpus, clips=clips.get("train", "none"), people=people.get("train", "none"), rendered=rendered
    )
    rows = "\n".join(
        f"| {name} | {int(r['clips'])} | {r['error_before']:.3f} | {r['error_after']:.3f} | {int(r['answered'])} | "
        f"{int(r['wrong'])} | {int(r['clips'] - r['answered'])} | {int(r['withheld_wrong'])} | {int(r['unusual'])} |"
        for name, r in found.elsewhere.items()
    )
    return f"""# Card of the network

## Limits

{limits}

- It knows the generators {", ".join(profile["model"]["generators"] or ["of the paper"])}; others are "unknown" at best.
- Its probabilities hold for clips like its validation clips, of which {found.prevalence:.0%} are forged. The table below
  shows what becomes of the frozen calibration elsewhere.
- It must not be used to accuse, to moderate or to decide about anybody.

## Provenance

| | |
|---|---|
| run | {record["run"]}, profile {profile["name"]}, seed {record["seed"]}, variant {record["variant"]} |
| weights of the run | SHA-256 {record["weights_sha256"]} |
| packed as | {record["packed_as"]}, {record["bytes"] / 1e6:.1f} MB, {record["parameters"]:,} parameters |
| largest change of a validation score by packing | {record["largest_change"]:.4f} |
| prepared corpus | {record["prepared"]} |
| code | {record["code"]} |

## Data sheet

| | training | validation | test |
|---|---|---|---|
| clips | {clips.get("train", "none")} | {found.clips} | {clips.get("test", "none")} |
| people | {people.get("train", "none")} | {people.get("val", "none")} | {people.get("test", "none")} |

The three subsets share no identity. The clips are described on the page on data of the book.

## Calibration

Fitted on {found.clips} validation clips of {found.people} people only: temperature {found.temperature:.2f} (95 % interval
{found.low:.2f} to {found.high:.2f}), AUC {found.auc:.2f} ({found.auc_low:.2f} to {found.auc_high:.2f}). Answers are given
from a probability of {found.answer_from:.2f} on: {found.answered} of {found.clips} clips, {found.wrong} of them wrong, at most
{100 * found.bound:.1f} % with 95 % confidence. A generator is named from {found.name_from:.2f} on.

| corpus | clips | calibration error, raw | with the frozen temperature | answered | wrong | withheld | of these would be wrong | unusual |
|---|---|---|---|---|---|---|---|---|
| validation | {found.clips} | {found.error_before:.3f} | {found.error_after:.3f} | {found.answered} | {found.wrong} | {found.clips - found.answered} | | |
{rows}

Answers are *withheld* here by the probability alone. *Unusual* clips get no answer either, whatever their probability.
"""
