"""Preparation: clips on disk to memory-mapped arrays of face crops and mel spectrograms."""

from amdd.data.prepare.plan import (
    Forecast,
    Prepared,
    foretell,
    library_hash,
    open_prepared,
    periods_of,
    prepare,
)

__all__ = ["Forecast", "Prepared", "foretell", "library_hash", "open_prepared", "periods_of", "prepare"]
