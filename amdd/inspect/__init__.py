"""Inspection of a clip: from a video file to an answer that states its uncertainty.

This room is also the function: ``amdd.inspect("clip.mp4")`` is :func:`amdd.inspect.inspector.inspect`, whichever of the
room's modules was imported before.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from amdd.inspect.answer import Inspection

WHERE = {
    "Inspection": "answer",
    "Person": "answer",
    "Window": "answer",
    "inspect": "inspector",
    "inspect_folder": "folder",
    "load_scorer": "weights",
    "write_report": "report",
}


class _Room(ModuleType):
    """A module that can be called, since its name is the function's too; its names are imported when first used."""

    def __call__(self, *arguments: Any, **options: Any) -> Inspection:
        from amdd.inspect.inspector import inspect

        return inspect(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        import importlib.util

        if name.startswith("__"):
            raise AttributeError(name)
        if name in WHERE:
            return getattr(importlib.import_module(f"amdd.inspect.{WHERE[name]}"), name)
        if importlib.util.find_spec(f"amdd.inspect.{name}") is not None:
            return importlib.import_module(f"amdd.inspect.{name}")
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *WHERE})


sys.modules[__name__].__class__ = _Room
