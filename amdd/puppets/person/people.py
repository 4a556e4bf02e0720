"""People who do not exist: everything about one follows from a seed.

Ten groups (five origins x two genders, FakeAVCeleb's names) take turns, so any run of consecutive seeds is
balanced. Shapes stay within bounds that were found by looking at sheets of faces.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from amdd.puppets.person.actions import INDEX
from amdd.puppets.person.head import head_model

RACES = ("African", "Asian (East)", "Asian (South)", "Caucasian (American)", "Caucasian (European)")
GENDERS = ("men", "women")
GROUPS = tuple(f"{race}/{gender}" for race in RACES for gender in GENDERS)

# Mixtures of MakeHuman's three origins (african, asian, caucasian), and the range of skin darkness in [0, 1].
ORIGIN = {
    "African": ((0.86, 0.04, 0.10), (0.62, 0.97)),
    "Asian (East)": ((0.03, 0.87, 0.10), (0.10, 0.38)),
    "Asian (South)": ((0.15, 0.22, 0.63), (0.40, 0.72)),
    "Caucasian (American)": ((0.05, 0.07, 0.88), (0.06, 0.34)),
    "Caucasian (European)": ((0.02, 0.03, 0.95), (0.03, 0.26)),
}
BLACK, DARK, BROWN, LIGHT, BLOND, RED, GREY = (
    (0.028, 0.024, 0.022),
    (0.060, 0.042, 0.030),
    (0.120, 0.075, 0.045),
    (0.210, 0.135, 0.075),
    (0.420, 0.300, 0.165),
    (0.260, 0.105, 0.045),
    (0.450, 0.445, 0.440),
)
IRISES = (
    (0.10, 0.05, 0.025),
    (0.17, 0.09, 0.04),
    (0.22, 0.17, 0.07),
    (0.16, 0.20, 0.12),
    (0.17, 0.26, 0.36),
    (0.28, 0.32, 0.34),
)
RESTING = {
    "eyeBlinkLeft": 0.07,
    "eyeBlinkRight": 0.07,
    "eyeSquintLeft": 0.06,
    "eyeSquintRight": 0.06,
    "mouthSmileLeft": 0.07,
    "mouthSmileRight": 0.07,
}
# Hair styles by gender and by whether hair is likely to be coily, with their shares.
_STYLES = {
    "men": {
        False: (
            ["short", "crop", "buzz", "swept", "quiff", "curly", "bald", "wavy"],
            [0.27, 0.17, 0.10, 0.15, 0.11, 0.09, 0.08, 0.03],
        ),
        True: (["coily", "buzz", "afro", "bald", "crop", "curly"], [0.38, 0.28, 0.12, 0.12, 0.05, 0.05]),
    },
    "women": {
        False: (
            ["long", "wavy", "bob", "fringe", "bun", "ponytail", "curly", "short", "swept"],
            [0.20, 0.20, 0.14, 0.10, 0.11, 0.12, 0.06, 0.04, 0.03],
        ),
        True: (
            ["afro", "coily", "bun", "curly", "long", "ponytail", "buzz", "bob"],
            [0.22, 0.18, 0.15, 0.15, 0.08, 0.10, 0.06, 0.06],
        ),
    },
}
# Linear RGB of clothes: black, charcoal, grey, off-white, navy, denim, pale blue, burgundy, rust, olive, forest,
# teal, beige, mustard, rose, plum.
_CLOTHS = (
    (0.018, 0.018, 0.020), (0.045, 0.047, 0.052), (0.16, 0.165, 0.17), (0.52, 0.50, 0.46), (0.018, 0.028, 0.075),
    (0.06, 0.10, 0.19), (0.30, 0.40, 0.54), (0.13, 0.018, 0.028), (0.28, 0.085, 0.035), (0.085, 0.090, 0.035),
    (0.022, 0.060, 0.035), (0.03, 0.13, 0.14), (0.38, 0.30, 0.21), (0.36, 0.22, 0.04), (0.40, 0.20, 0.21),
    (0.10, 0.045, 0.11),
)  # fmt: skip
_COLLARS = {"men": (0.34, 0.34, 0.14, 0.06, 0.12, 0.0), "women": (0.26, 0.18, 0.10, 0.10, 0.18, 0.18)}


@dataclass(frozen=True)
class Identity:
    """One rendered person. Colours are linear RGB in [0, 1]; ``age`` in years."""

    seed: int
    name: str
    race: str
    gender: str
    age: float
    origin: tuple[float, float, float]
    weight: float  # -1 thin .. 1 heavy
    scores: tuple[float, ...]  # of the local shape components, in standard deviations
    asymmetry: float
    skin: float  # 0 palest .. 1 darkest
    warmth: float
    freckles: float
    iris: tuple[float, float, float]
    hair: tuple[float, float, float]
    grey: float
    style: str  # of the hair, one of amdd.puppets.person.styles.STYLES
    parting: float
    beard: float  # 0 shaven .. 1 full
    brow: float  # thickness
    makeup: float
    cloth: tuple[float, float, float]
    collar: str
    glasses: str  # none, round, full or wire

    @property
    def group(self) -> str:
        return f"{self.race}/{self.gender}"


@lru_cache(maxsize=8192)
def make_identity(seed: int) -> Identity:
    """The person with this seed; the same seed gives the same person always."""
    race, gender = GROUPS[seed % len(GROUPS)].split("/")
    rng = np.random.default_rng(np.random.SeedSequence([7907, seed]))
    male = gender == "men"
    mixture, (pale, dark) = ORIGIN[race]
    origin = rng.dirichlet(np.array(mixture) * 22 + 0.35)
    age = float(np.clip(20 + 52 * rng.beta(1.25, 1.9), 20, 72))
    skin = float(rng.uniform(pale, dark))
    european = race.startswith("Caucasian")
    hairs = [BLACK, DARK, BROWN, LIGHT, BLOND, RED]
    chances = [0.08, 0.26, 0.28, 0.18, 0.14, 0.06] if european else [0.68, 0.28, 0.04, 0, 0, 0]
    hair = np.array(hairs[rng.choice(6, p=chances)]) * rng.uniform(0.8, 1.2)
    grey = float(np.clip((age - 42) / 26, 0, 1) * rng.uniform(0.2, 1.0)) if age > 42 else 0.0
    iris_chances = [0.22, 0.24, 0.14, 0.12, 0.2, 0.08] if european else [0.66, 0.28, 0.06, 0, 0, 0]
    african = race == "African"
    names, chances = _STYLES["men" if male else "women"][african]
    style = str(rng.choice(names, p=chances))
    if style == "bald" and age < 34:
        style = "buzz"
    beard = float(rng.choice([0.0, 0.25, 0.55, 0.9], p=[0.42, 0.26, 0.2, 0.12])) if male else 0.0
    cloth = (
        np.array(_CLOTHS[rng.integers(len(_CLOTHS))]) * rng.uniform(0.75, 1.3) * rng.uniform(0.92, 1.08, 3)
    )
    return Identity(
        seed=int(seed),
        name=f"id{seed % 100_000:05d}",
        race=race,
        gender=gender,
        age=age,
        origin=tuple(float(x) for x in origin),
        weight=float(np.clip(rng.normal(0.0, 0.35), -0.7, 0.8)),
        scores=tuple(float(x) for x in np.clip(rng.normal(0, 0.75, 40), -1.5, 1.5)),
        asymmetry=float(rng.normal(0, 0.006)),
        skin=skin,
        warmth=float(rng.uniform(-1, 1)),
        freckles=float(rng.beta(1, 6) if skin < 0.35 else 0.0),
        iris=tuple(
            float(x) for x in np.array(IRISES[rng.choice(6, p=iris_chances)]) * rng.uniform(0.85, 1.15)
        ),
        hair=tuple(float(x) for x in hair),
        grey=grey,
        style=style,
        parting=float(rng.uniform(-0.5, 0.5)),
        beard=beard,
        brow=float(rng.uniform(0.75, 1.3) * (1.1 if male else 0.8)),
        makeup=0.0 if male else float(rng.beta(1.2, 2.2)),
        cloth=tuple(float(x) for x in cloth),
        collar=str(rng.choice(["crew", "shirt", "hood", "roll", "v", "scoop"], p=_COLLARS[gender])),
        glasses=str(rng.choice(["none", "round", "full", "wire"], p=[0.8, 0.05, 0.1, 0.05])),
    )


@lru_cache(maxsize=64)
def face_shape(identity: Identity) -> np.ndarray:
    """The neutral face of an identity (V, 3) in decimetres."""
    head = head_model()
    gender = 1 if identity.gender == "men" else 0
    old = float(np.clip((identity.age - 25) / 55, 0, 0.85))
    origin = np.array(identity.origin, np.float32)
    shape = head.neutral.copy()
    shape += np.tensordot(origin, (1 - old) * head.macros[gender, 0] + old * head.macros[gender, 1], 1)
    side = 1 if identity.weight > 0 else 0
    weights = (1 - old) * head.weights[gender, 0, side] + old * head.weights[gender, 1, side]
    # The shoulders of the very thin and heavy leave the frame; the face takes all of the change.
    shape += 0.55 * abs(identity.weight) * weights
    shape += np.tensordot(np.array(identity.scores, np.float32), head.components, 1)
    # At rest lids hang a little and corners of the mouth are not drawn: each face by as much as is its own.
    for action, share in RESTING.items():
        own = 1 + 0.6 * np.tanh(identity.scores[5 if action.startswith("eye") else 9])
        shape += share * own * head.actions[INDEX[action]]
    shape[:, 0] *= 1 + identity.asymmetry * np.tanh(4 * shape[:, 0])
    eyes = (shape[head.left_eye].mean(0) + shape[head.right_eye].mean(0)) / 2
    return (shape - eyes).astype(np.float32)
