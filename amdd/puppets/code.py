"""The code on which the bytes of a rendered clip depend."""

from __future__ import annotations

from functools import lru_cache

from amdd.base.hashing import code_hash

RENDERING = ("amdd.puppets.person", "amdd.puppets.voice")
CLIPS = (*RENDERING, "amdd.puppets.forgers", "amdd.puppets.corpus.make")
WITHIN = ("amdd.puppets", "amdd.data.media")
# Trained weights enter a clip's key by name, one for each generator; training changes nothing but weights.
WITHOUT = ("amdd.puppets.forgers.training", ".safetensors", ".json")


@lru_cache(maxsize=4)
def rendering_hash(roots: tuple[str, ...] = CLIPS) -> str:
    """Return a hash of the code and data that ``roots`` reach within rendering, forging and encoding."""
    return code_hash(roots, WITHIN, WITHOUT)
