"""Prepared corpora seen otherwise: the same clips with a picture, a sound or a table changed; nothing is copied."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from amdd.data.prepare import Prepared

Change = Callable[[int, np.ndarray], np.ndarray]  # row number and array to array


class _View(Prepared):
    """See :func:`view`."""

    inner: Prepared
    changes: dict[str, Change]

    def _array(self, name: str, i: int) -> np.ndarray:
        array = self.inner._array(name, i)
        return self.changes[name](int(i), array) if name in self.changes else array


def view(prepared: Prepared, mark: str, manifest: pd.DataFrame | None = None, **changes: Change) -> Prepared:
    """``prepared`` whose arrays ``frames`` or ``mel`` pass through ``changes`` as they are read.

    A change is called with a row's number and array; let it be one that can be pickled, for a loader's processes.
    ``mark`` says what was changed: it goes into the fingerprint, so that no training mistakes one for the other.
    Raises ``ValueError`` for an array that there is not, or a ``manifest`` of another length.
    """
    unknown = set(changes) - {"frames", "mel"}
    if unknown:
        raise ValueError(f"a prepared corpus has no array {', '.join(sorted(unknown))} that could be changed")
    if manifest is not None and len(manifest) != len(prepared.manifest):
        raise ValueError(f"a manifest of {len(manifest)} rows for {len(prepared.manifest)} clips")
    print_ = hashlib.sha256(f"{prepared.record.get('fingerprint', '')} {mark}".encode()).hexdigest()
    values = {f.name: getattr(prepared, f.name) for f in dataclasses.fields(Prepared)}
    values |= {"record": prepared.record | {"fingerprint": print_}, "_maps": {}}
    if manifest is not None:
        values["manifest"] = manifest
    out = _View(**values)
    out.inner, out.changes = prepared, changes
    return out


def without_sound(prepared: Prepared) -> Prepared:
    """Every clip marked as one that has no sound: the network takes its visual-only path."""
    return view(prepared, "without sound", prepared.manifest.assign(audio_present=False))


def with_foreign_sound(prepared: Prepared, rows: np.ndarray, seed: int = 0) -> Prepared:
    """Each of the clips ``rows`` with the sound of another person's clip among them, drawn by ``seed``.

    Pictures and labels stay: whatever is lost was told by the sound, or by its agreement with the picture. Raises
    ``ValueError`` where there is nobody else to borrow from.
    """
    rows = np.asarray(rows, int)
    people = prepared.manifest["identity"].astype(str).to_numpy()
    heard = rows[prepared.manifest["audio_present"].to_numpy(bool)[rows]]
    rng = np.random.default_rng(seed)
    lender: dict[int, int] = {}
    for i in rows.tolist():
        others = heard[people[heard] != people[i]]
        if not len(others):
            raise ValueError("foreign sound needs clips of two people or more")
        lender[i] = int(rng.choice(others))
    return view(prepared, f"foreign sound {seed}", mel=partial(_lent, prepared, lender))


def _lent(prepared: Prepared, lender: dict[int, int], i: int, mel: np.ndarray) -> np.ndarray:
    return prepared.mel(lender[i]) if i in lender else mel
