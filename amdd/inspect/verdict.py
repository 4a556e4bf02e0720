"""Rules by which a window, a person and a clip get an answer, or none.

In the order in which they are applied: *weak model* (the network does not separate its own validation clips), *no face*,
*face lost* (not seen in half of the frames), *small face*, *unusual* (more so than 95 % of the validation clips), *windows
disagree*, *unsure* (the probability is below the limit fitted on validation clips).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from amdd.inspect.answer import Person, Rule, Verdict, Window, percent, timeline_text
from amdd.inspect.calibration import Calibration, softmax

FOUND = 0.5  # of the frames in which the face must be seen
SMALL = 0.35  # of the side of the crop; a face below it is mostly interpolation

LEANING = "It leans to {0}, without weight."


def window_verdict(probability: float, surprise: float, calibration: Calibration) -> Verdict:
    """Return the answer to one window."""
    if not calibration.separates or surprise > calibration.usual:
        return "can't tell"
    if max(probability, 1 - probability) < calibration.answer_from:
        return "can't tell"
    return "forged" if probability >= 0.5 else "real"


def usual_text(surprise: float, clips: int) -> str:
    """Return the unusualness as a sentence."""
    if not np.isfinite(surprise):
        return ""
    less = round(surprise * clips)
    if less == clips:
        return f"The clip is more unusual for the network than all {clips} held-out clips of its training corpus."
    return f"The clip is more unusual for the network than {less} of {clips} held-out clips of its training corpus."


def judge(
    windows: Sequence[Window], probability: float, surprise: float, crop: int, calibration: Calibration
) -> tuple[Verdict, Rule, str]:
    """Return the answer to one face, the rule by which it abstains, and the reason in a sentence.

    ``probability`` and ``surprise`` are those of the whole, ``crop`` the side of the network's input in pixels.
    """
    side: Verdict = "forged" if probability >= 0.5 else "real"
    lost, frames = sum(w.lost for w in windows), sum(w.frames for w in windows)
    face = float(np.median([w.face for w in windows]))
    sure = max(probability, 1 - probability)
    answers = {w.verdict for w in windows}
    if not calibration.separates:
        text = (
            f"The network does not separate real from forged clips of its own validation set beyond chance (AUC "
            f"{calibration.auc:.2f}, {calibration.people} people, p = {calibration.chance:.2f}), so that nothing it says "
            "has weight."
        )
        return "can't tell", "weak model", text
    if lost > (1 - FOUND) * frames:
        return "can't tell", "face lost", f"The face was found in {frames - lost} of {frames} frames only."
    if face < SMALL * crop:
        text = f"The face is {face:.0f} pixels wide; the network looks at {crop}, and traces of forgery do not survive."
        return "can't tell", "small face", text
    if surprise > calibration.usual:
        text = "The clip is unlike the network's training clips. " + LEANING.format(side)
        return "can't tell", "unusual", text
    if {"real", "forged"} <= answers:
        return (
            "can't tell",
            "windows disagree",
            f"Parts get different answers: {timeline_text(tuple(windows), 4)}.",
        )
    if sure < calibration.answer_from:
        text = f"An answer needs {percent(calibration.answer_from)}, this clip reaches {percent(sure)}. "
        return "can't tell", "unsure", text + LEANING.format(side)
    if not calibration.clips:
        return side, "", "This is the detector's own score; how well it is calibrated is not known here."
    text = (
        f"Of {calibration.answered} validation clips that were answered at this limit, "
        f"{calibration.wrong} got the wrong answer (at most {100 * calibration.bound:.1f} % of such clips, with 95 % confidence)."
    )
    return side, "", text


def named(
    verdict: Verdict, attribution: np.ndarray, classes: tuple[str, ...], name_from: float
) -> tuple[str, dict]:
    """Return the generator ("" for real, "unknown" below the limit) and the probability of each class, from the mean
    ``attribution`` logits (K + 1,)."""
    shares = softmax(np.asarray(attribution, float))
    by_name = {name: float(p) for name, p in zip(classes, shares)}
    if verdict == "real":
        return "", by_name
    best = max(by_name, key=lambda name: by_name[name])
    certain = verdict == "forged" and best != "real" and by_name[best] >= name_from
    return (best if certain else "unknown"), by_name


def over_people(people: Sequence[Person]) -> tuple[Person, Verdict, Rule, str]:
    """Return the person whose numbers stand for the clip, and the clip's verdict, rule and reason.

    Forged if any face is; real if all are; otherwise none, by the rule of the first face that got no answer.
    """
    forged = [p for p in people if p.verdict == "forged"]
    if forged:
        most = max(forged, key=lambda p: p.probability)
        who = f"Person {most.number} of {len(people)}: " if len(people) > 1 else ""
        return most, "forged", "", who + most.why
    silent = [p for p in people if p.verdict == "can't tell"]
    if not silent:
        most = max(people, key=lambda p: p.probability)
        return most, "real", "", most.why
    first = silent[0]
    if len(people) == 1:
        return first, "can't tell", first.rule, first.why
    rule: Rule = first.rule if len(silent) == len(people) else "people differ"
    return first, "can't tell", rule, f"Person {first.number} of {len(people)} ({first.rule}): {first.why}"
