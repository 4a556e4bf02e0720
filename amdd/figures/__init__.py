"""Figures: one file per family; each function returns an :class:`Exhibit`."""

from amdd.figures.exhibit import Exhibit, Figure, exhibit

__all__ = ["Exhibit", "Figure", "exhibit"]
