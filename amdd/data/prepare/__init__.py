"""Preparation: clips on disk to memory-mapped arrays of face crops and mel spectrograms."""

from amdd.data.prepare.plan import Forecast, foretell, library_hash, prepare
from amdd.data.prepare.rows import periods_of
from amdd.data.prepare.store import ClipStore, Prepared, open_prepared

__all__ = [
    "ClipStore",
    "Forecast",
    "Prepared",
    "foretell",
    "library_hash",
    "open_prepared",
    "periods_of",
    "prepare",
]
