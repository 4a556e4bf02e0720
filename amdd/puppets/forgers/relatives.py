"""Five variants of FaceSwap after DFDM (Jia et al. 2022), and the adversarial swap after DeepfakeTIMIT.

They differ in shared parts, depth, resolution (64 or 128), warping or painting of the donor's image, and
post-processing. No training split contains any of them.
"""

from __future__ import annotations

import numpy as np

from amdd.puppets.forgers.base import Forged, Source
from amdd.puppets.forgers.faceswap import Finish, swap

FINISH: dict[str, Finish] = {
    "dfdm-faceswap": Finish("lab", "feather", 0.04, 0.035),
    "dfdm-lightweight": Finish("mean", "feather", 0.03, 0.05),
    "dfdm-iae": Finish("lab", "poisson", 0.05, 0.02),
    "dfdm-dfaker": Finish("mean", "poisson", 0.04, 0.02, sharpen=0.3),
    "dfdm-dflh128": Finish("lab", "feather", 0.05, 0.02, sharpen=0.5),
    "gan-swap-lq": Finish("mean", "feather", 0.04, 0.04),
    "gan-swap-hq": Finish("lab", "feather", 0.04, 0.025),
}


def forger(name: str):
    """Return the forge function of the variant ``name``; raises ``KeyError`` for an unknown one."""
    finish = FINISH[name]

    def forge(target: Source, donor: Source, audio: np.ndarray | None = None, seed: int = 0) -> Forged:
        return swap(name, target, donor, finish)

    forge.__name__ = name.replace("-", "_")
    forge.__doc__ = f"The {name} swap: {finish}."
    return forge
