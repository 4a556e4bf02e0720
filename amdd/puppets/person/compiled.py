"""How the drawing loops are compiled: fast, and to the same pictures whichever copy of a function runs, on any processor."""

from __future__ import annotations

from numba import njit

# What doesn't change a rounding. Everything that ``fastmath=True`` allows besides (approximate reciprocals, which differ
# between processors, fused and reordered sums) is decided anew wherever a function is inlined: a process that compiled the
# loops drew other last digits than one that loaded them from the cache.
EXACT = {"nnan", "ninf", "nsz"}

drawn = njit(cache=True, nogil=True, fastmath=EXACT, error_model="numpy")
