"""Prepared clips with an array or the table changed as they are read; nothing is copied."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from amdd.data.prepare import ClipStore
from amdd.profiles import PreparationSettings

Change = Callable[[int, np.ndarray], np.ndarray]  # row number and array to array


@dataclass
class View:
    """A :class:`ClipStore` over another, ``inner``; see :func:`view`."""

    inner: ClipStore
    manifest: pd.DataFrame
    record: dict[str, Any]
    changes: dict[str, Change]

    @property
    def settings(self) -> PreparationSettings:
        """Settings of the preparation, those of the clips below."""
        return self.inner.settings

    def __len__(self) -> int:
        return len(self.manifest)

    def _changed(self, name: str, i: int, array: np.ndarray) -> np.ndarray:
        return self.changes[name](int(i), array) if name in self.changes else array

    def frames(self, i: int) -> np.ndarray:
        """Face crops of row ``i``, changed: uint8 (T, S, S, 3), RGB."""
        return self._changed("frames", i, self.inner.frames(i))

    def mel(self, i: int) -> np.ndarray:
        """Spectrogram of row ``i``, changed: float16 (1, n_mels, n_frames) in [-1, 1]."""
        return self._changed("mel", i, self.inner.mel(i))

    def geometry(self, i: int) -> np.ndarray:
        """Similarities float32 (T, 2, 3) from pixels of the decoded frame to pixels of the crop."""
        return self.inner.geometry(i)

    def frame_indices(self, i: int) -> np.ndarray:
        """Numbers of the frames in the file: int32 (T,)."""
        return self.inner.frame_indices(i)


def view(store: ClipStore, mark: str, manifest: pd.DataFrame | None = None, **changes: Change) -> View:
    """Return ``store`` with its arrays ``frames`` or ``mel`` passed through ``changes`` as they are read.

    A change is called with a row's number and array; it must be picklable, for the processes of a data loader.
    ``mark`` names the change: it enters the fingerprint, so that training never mistakes one for the other.
    Raises ``ValueError`` for an array that does not exist, or a ``manifest`` of another length.
    """
    unknown = set(changes) - {"frames", "mel"}
    if unknown:
        raise ValueError(
            f"no array {', '.join(sorted(unknown))} can be changed; expected one of: frames, mel"
        )
    if manifest is None:
        manifest = store.manifest
    if len(manifest) != len(store.manifest):
        raise ValueError(f"a manifest of {len(manifest)} rows for {len(store.manifest)} clips")
    before = str(store.record.get("fingerprint", ""))
    record = store.record | {"fingerprint": hashlib.sha256(f"{before} {mark}".encode()).hexdigest()}
    for name in ("frames", "mel"):  # an array that is not changed is still that of the clips below
        key = f"{name}_fingerprint"
        record[key] = record["fingerprint"] if name in changes else str(store.record.get(key, before))
    return View(store, manifest, record, changes)
