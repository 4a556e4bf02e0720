"""The generators by name."""

from __future__ import annotations

from amdd.puppets.forgers import faceswap, fsgan, wav2lip
from amdd.puppets.forgers.relatives import FINISH, forger

FORGERS = {
    "faceswap": faceswap.forge,
    "wav2lip": wav2lip.forge,
    "fsgan": fsgan.forge,
    **{name: forger(name) for name in FINISH},
}
