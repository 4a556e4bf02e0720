"""The rule by which an estimate judges a claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from amdd.stats import Estimate

SUPPORTED, CONTRADICTED = "supported", "contradicted"
NO_DIFFERENCE, UNDECIDED, NOT_ATTEMPTED = "no difference beyond the margin", "undecided", "not attempted"
VERDICTS = (SUPPORTED, CONTRADICTED, NO_DIFFERENCE, UNDECIDED, NOT_ATTEMPTED)
RULES = ("positive", "negative", "differs", "equal", "within")
MARGIN = 0.03  # of equivalence, in AUC or a share, unless a claim states its own


def verdict(entry: Mapping[str, Any], number: Estimate | None, judge: bool = True, corpus: str = "") -> str:
    """Return the verdict on one claim from the estimate that tests it.

    The claim says that the number is ``positive`` or ``negative`` (beyond ``beyond``, by default 0), that it ``differs`` from
    zero, that it is ``equal`` to zero, or that it is ``within`` the ``tolerance`` of the ``target``, a value that the paper
    states for the dataset ``needs``.

    - "supported": the 95 % interval lies on the claim's side; for ``equal`` and ``within``, the 90 % interval lies within the
      margin or tolerance (two one-sided tests).
    - "contradicted": it lies on the other side; for ``equal`` and ``within``, outside the margin or tolerance.
    - "no difference beyond the margin": the 90 % interval lies within ``margin`` of zero.
    - "undecided": anything else; always for a difference between training runs (``trainings``) from fewer than two seeds,
      since one training is one draw, or from fewer than the claim's ``seeds``.
    - "not attempted": there is no number with an interval, the data are not those of the claim, or the run is too small to
      judge (``judge`` false).
    """
    if not judge or number is None or not number.finite or not number.bounded:
        return NOT_ATTEMPTED
    if entry["holds_if"] == "within":
        if corpus != entry["needs"]:
            return NOT_ATTEMPTED
        return _equivalent(number.shifted(-entry["target"]), entry["tolerance"])
    if entry.get("trainings") and (number.seeds or 1) < entry.get("seeds", 2):
        return UNDECIDED
    margin = float(entry.get("margin", MARGIN))
    if entry["holds_if"] == "equal":
        return _equivalent(number, margin)
    beyond = number.shifted(-float(entry.get("beyond", 0.0)))
    assert beyond.low is not None and beyond.high is not None
    above, below = beyond.low > 0, beyond.high < 0
    if above or below:
        sides = {"positive": above, "negative": below, "differs": True}
        return SUPPORTED if sides[entry["holds_if"]] else CONTRADICTED
    return NO_DIFFERENCE if _equivalent(number, margin) == SUPPORTED else UNDECIDED


def _equivalent(number: Estimate, margin: float) -> str:
    """Return whether the 90 % interval of ``number`` lies within ``margin`` of zero, its 95 % interval outside, or neither."""
    narrow = number.at(0.9)
    assert number.low is not None and number.high is not None
    assert narrow.low is not None and narrow.high is not None
    if -margin <= narrow.low and narrow.high <= margin:
        return SUPPORTED
    return CONTRADICTED if number.low > margin or number.high < -margin else UNDECIDED


def combined(found: Sequence[str]) -> str:
    """Return the verdict on a claim about each of several numbers: it holds if it holds for all that were judged, and fails
    if it fails for one."""
    judged = [v for v in found if v != NOT_ATTEMPTED]
    if not judged:
        return NOT_ATTEMPTED
    for decisive in (CONTRADICTED, NO_DIFFERENCE, UNDECIDED):
        if decisive in judged:
            return decisive
    return SUPPORTED


def reason(entry: Mapping[str, Any], number: Estimate | None, judged: str, judge: bool = True) -> str:
    """Return why a claim is undecided or not attempted, in words; "" for the other verdicts."""
    if judged == UNDECIDED:
        seeds, least = number.seeds or 1 if number else 1, entry.get("seeds", 2)
        if not entry.get("trainings") or seeds >= least:
            return "the interval allows both"
        return "one training is one draw" if seeds < 2 else f"{seeds} of {least} seeds are done"
    if judged != NOT_ATTEMPTED:
        return ""
    if entry.get("not_attempted"):
        return str(entry["not_attempted"])
    if not judge:
        return "this run is too small to judge"
    if entry["holds_if"] == "within" and number is not None:
        return f"needs {entry['needs']}"
    return (
        "no such number in this run"
        if number is None
        else "no interval: it rests on one person or on no clip"
    )
