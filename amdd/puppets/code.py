"""Hash of the code and data files on which the bytes of a rendered clip depend."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
# Rooms and modules whose edit changes clips. Trained weights enter a clip's key by name, one for each generator.
RENDERING = ("puppets/person", "puppets/voice")
CLIPS = (*RENDERING, "puppets/forgers", "puppets/corpus/record.py", "puppets/corpus/encode.py",
         "puppets/corpus/make.py", "data/media")  # fmt: skip
SUFFIXES = (".py", ".npz", ".txt")


@lru_cache(maxsize=4)
def code_hash(parts: tuple[str, ...] = CLIPS, package: Path = PACKAGE) -> str:
    """Return 16 hexadecimal digits over the names and contents of all source and data files below ``parts``.

    ``parts`` are folders and files relative to ``package``; training code is left out. Raises
    ``FileNotFoundError`` naming a part that does not exist.
    """
    digest = hashlib.sha256()
    for part in parts:
        path = package / part
        if not path.exists():
            raise FileNotFoundError(
                f"{path}: no such file or folder; correct CLIPS or RENDERING in puppets/code.py"
            )
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES)
        for file in files:
            name = file.relative_to(package).as_posix()
            if "/training/" not in name:
                digest.update(name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
