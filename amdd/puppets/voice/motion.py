"""Motion of a speaking face: phonemes to facial actions, blinks, gaze, brows and the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from amdd.puppets.person.actions import ACTIONS, INDEX
from amdd.puppets.voice.speech import Speech

SMOOTHING = 0.030  # seconds: sounds colour their neighbours (coarticulation)
# Viseme classes: the actions of the mouth in full articulation.
VISEMES: dict[str, dict[str, float]] = {
    "rest": {},
    "closed": {"mouthPressLeft": 0.35, "mouthPressRight": 0.35, "mouthRollLower": 0.25, "mouthRollUpper": 0.2},
    "lip-teeth": {"mouthRollLower": 0.55, "mouthUpperUpLeft": 0.25, "mouthUpperUpRight": 0.25, "jawOpen": 0.06},
    "dental": {"jawOpen": 0.16, "tongueOut": 0.22, "mouthLowerDownLeft": 0.2, "mouthLowerDownRight": 0.2},
    "alveolar": {"jawOpen": 0.13, "mouthStretchLeft": 0.15, "mouthStretchRight": 0.15, "mouthLowerDownLeft": 0.2, "mouthLowerDownRight": 0.2},
    "hush": {"jawOpen": 0.12, "mouthFunnel": 0.6, "mouthPucker": 0.2},
    "velar": {"jawOpen": 0.22, "mouthLowerDownLeft": 0.1, "mouthLowerDownRight": 0.1},
    "liquid": {"jawOpen": 0.16, "mouthFunnel": 0.3, "mouthPucker": 0.15},
    "spread": {"jawOpen": 0.20, "mouthSmileLeft": 0.28, "mouthSmileRight": 0.28, "mouthStretchLeft": 0.25, "mouthStretchRight": 0.25},
    "mid": {"jawOpen": 0.36, "mouthStretchLeft": 0.15, "mouthStretchRight": 0.15, "mouthLowerDownLeft": 0.2, "mouthLowerDownRight": 0.2},
    "open": {"jawOpen": 0.56, "mouthLowerDownLeft": 0.2, "mouthLowerDownRight": 0.2, "mouthUpperUpLeft": 0.12, "mouthUpperUpRight": 0.12},
    "round": {"jawOpen": 0.30, "mouthFunnel": 0.65, "mouthPucker": 0.2},
    "tight": {"jawOpen": 0.12, "mouthPucker": 0.75, "mouthFunnel": 0.35},
}  # fmt: skip
CLOSED = {"p", "b", "m"}
# Classes of the sounds of English in the International Phonetic Alphabet, as the speech bank writes them. A diphthong
# has the class of its first part. Letters that espeak-ng's mnemonics also use have the same class there.
IPA = {
    symbol: kind
    for kind, symbols in {
        "rest": "_",
        "closed": "p b m",
        "lip-teeth": "f v",
        "dental": "θ ð",
        "alveolar": "t d n s z l ɾ",
        "hush": "ʃ ʒ tʃ dʒ",
        "velar": "k ɡ ŋ h ʔ",
        "liquid": "ɹ",
        "spread": "i ɪ j ᵻ",
        "mid": "ɛ ə ɜ ᵊ eɪ",
        "open": "æ ɑ ʌ aɪ aʊ",
        "round": "ɔ ɒ oʊ ɔɪ",
        "tight": "u ʊ w",
    }.items()
    for symbol in symbols.split()
}


@dataclass(frozen=True)
class Motion:
    """``actions`` (T, 52) in [0, 1]; ``pose`` (T, 3) yaw, pitch, roll in radians; ``shift`` (T, 2) dm;
    ``gaze`` (T, 2) right, up in radians, relative to the head."""

    actions: np.ndarray
    pose: np.ndarray
    shift: np.ndarray
    gaze: np.ndarray


def viseme(symbol: str) -> str:
    """Return the viseme class, a key of ``VISEMES``, of a sound: a symbol of ``IPA`` or an espeak-ng mnemonic.

    Mnemonics outside the rules are taken for open vowels.
    """
    if symbol in IPA:
        return IPA[symbol]
    if not symbol or symbol[0] in "_|;:":
        return "rest"
    head = symbol[0]
    if head in CLOSED:
        return "closed"
    if head in "fv":
        return "lip-teeth"
    if head in "TD":
        return "dental"
    if symbol[:2] in ("tS", "dZ") or head in "SZ":
        return "hush"
    if head in "tdnszl*":
        return "alveolar"
    if head in "kgNhxQ?":
        return "velar"
    if head in "rR":
        return "liquid"
    if head == "w" or symbol.startswith(("u", "U")):
        return "tight"
    if head in "oO0":
        return "round"
    if head in "iIjyY":
        return "spread"
    if head in "eE@3":
        return "mid"
    return "open"


def make_motion(speech: Speech, seed: int, n_frames: int, fps: float = 25.0) -> Motion:
    """Return the motion of a face that says ``speech``, ``n_frames`` frames at ``fps`` a second.

    ``seed`` determines blinks, gaze, brows, head and how clearly the face articulates; the same arguments give the
    same arrays. Raises ``KeyError`` for an action that the face model lacks.
    """
    rng = np.random.default_rng(np.random.SeedSequence([401, seed]))
    fine = 8  # the mouth is computed at eight times the frame rate, so that short closures survive
    rate = fps * fine
    steps = n_frames * fine
    actions = np.zeros((steps, len(ACTIONS)), np.float32)
    weight = rng.uniform(0.85, 1.2)  # how clearly this one articulates
    closure = np.zeros(steps, np.float32)
    for p in speech.phonemes:
        first, last = round(p.start * rate), max(round(p.end * rate), round(p.start * rate) + 1)
        if first >= steps:
            break
        kind = viseme(p.symbol)
        strength = weight * (1.12 if p.stressed else 0.95)
        for name, value in VISEMES[kind].items():
            actions[first:last, INDEX[name]] = value * strength
        if kind == "closed":
            closure[first:last] = 1.0
    actions = gaussian_filter1d(actions, SMOOTHING * rate, axis=0, mode="nearest")
    shut = np.clip(gaussian_filter1d(closure, 0.018 * rate) * 1.7, 0, 1)[:, None]
    opening = [INDEX[n] for n in ("jawOpen", "mouthFunnel", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "tongueOut")]  # fmt: skip
    actions[:, opening] *= 1 - shut
    actions = actions.reshape(n_frames, fine, -1).mean(1)
    actions *= 1 + 0.04 * _walk(rng, n_frames, 6, 1)
    _eyes_and_brows(actions, speech, rng, n_frames, fps)
    stress = np.zeros(n_frames)
    for p in speech.phonemes:
        if p.stressed and p.start * fps < n_frames:
            stress[int(p.start * fps)] += 1
    nod = gaussian_filter1d(stress, 0.09 * fps) * 0.09
    base = rng.normal(0, [0.17, 0.05, 0.04])
    base[0] = np.clip(base[0], -0.42, 0.42)
    pose = base + _walk(rng, n_frames, 14, 3) * np.array([0.055, 0.028, 0.022])
    pose[:, 1] -= nod
    shift = _walk(rng, n_frames, 20, 2) * 0.02
    gaze = _gaze(rng, n_frames, fps) - 0.35 * pose[:, :2] * np.array([1, 1])
    lids = np.clip(-gaze[:, 1] / 0.35, 0, 1)
    for side in ("Left", "Right"):
        actions[:, INDEX["eyeLookDown" + side]] = lids
        actions[:, INDEX["eyeLookUp" + side]] = np.clip(gaze[:, 1] / 0.35, 0, 1)
    f = np.float32
    return Motion(np.clip(actions, 0, 1).astype(f), pose.astype(f), shift.astype(f), gaze.astype(f))


def _walk(rng: np.random.Generator, steps: int, width: float, columns: int) -> np.ndarray:
    """Smooth random movement (steps, columns) of unit deviation over long times."""
    raw = rng.normal(size=(steps + int(8 * width), columns))
    smooth = gaussian_filter1d(raw, width, axis=0)[int(4 * width) :][:steps]
    return smooth * np.sqrt(2 * width * np.sqrt(np.pi))


def _eyes_and_brows(actions, speech, rng, n_frames, fps) -> None:
    """Write blinks, brows raised on stressed sounds, and a mood into ``actions`` (n_frames, 52), in place."""
    now = rng.uniform(0.2, 2.5)
    while now * fps < n_frames:
        t = (np.arange(n_frames) / fps - now) / 0.075
        blink = np.exp(-(np.abs(np.where(t > 0, t * 0.75, t)) ** 2.2)) * rng.uniform(0.9, 1.0)
        for side in ("Left", "Right"):
            column = INDEX["eyeBlink" + side]
            actions[:, column] = np.maximum(actions[:, column], blink)
        now += rng.uniform(1.4, 4.5)
    brows = np.zeros(n_frames)
    for p in speech.phonemes:
        if p.stressed and p.start * fps < n_frames and rng.random() < 0.3:
            brows[int(p.start * fps)] += rng.uniform(1.2, 3.0)
    brows = np.clip(gaussian_filter1d(brows, 0.14 * fps), 0, 0.6)
    for name in ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"):
        actions[:, INDEX[name]] = brows
    mood = rng.normal(0, 0.10)
    for side in ("Left", "Right"):
        actions[:, INDEX["mouthSmile" + side]] += max(mood, 0)
        actions[:, INDEX["browDown" + side]] += max(-mood, 0) * 1.5


def _gaze(rng: np.random.Generator, n_frames: int, fps: float) -> np.ndarray:
    """Return gaze right and up (n_frames, 2) in radians: fixations of 0.5 to 2.2 s, a quarter of them far off."""
    gaze, frame = np.zeros((n_frames, 2)), 0
    while frame < n_frames:
        length = int(rng.uniform(0.5, 2.2) * fps)
        target = rng.normal(0, [0.06, 0.04]) if rng.random() < 0.75 else rng.normal(0, [0.2, 0.1])
        gaze[frame : frame + length] = target.clip(-0.35, 0.35)
        frame += length
    return gaussian_filter1d(gaze, 0.5, axis=0, mode="nearest")
