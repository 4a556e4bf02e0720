"""Compiler options of the rendering kernels: vectorised, with results that do not depend on processor or cache."""

from __future__ import annotations

from numba import njit

# Flags that leave rounding unchanged. The others of ``fastmath=True`` (approximate reciprocals, which differ between
# processors, fused and reordered sums) gave different last digits in a process that compiled a kernel and in one that loaded
# it from the cache.
EXACT = {"nnan", "ninf", "nsz"}

drawn = njit(cache=True, nogil=True, fastmath=EXACT, error_model="numpy")
