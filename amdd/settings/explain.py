"""Settings with their accepted values and reasons: the rows of ``amdd settings`` and of the book's page."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from amdd.settings import Profile

DEVICES = "cpu, cuda, cuda:N, mps"


@dataclass(frozen=True)
class Setting:
    """A setting: its dotted ``name``, what it accepts, and the reason for its value."""

    name: str
    accepts: str
    reason: str

    def value(self, profile: Profile) -> Any:
        """Return the value that ``profile`` gives it."""
        node: Any = profile
        for part in self.name.split("."):
            node = getattr(node, part)
        return node


def settings_of(kind: type = Profile, prefix: str = "") -> Iterator[Setting]:
    """Yield every setting of a settings class and of its sections, in their order."""
    hints = typing.get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        if (kind, field.name) == (Profile, "name"):
            continue
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            yield from settings_of(typing.cast(type, hint), f"{prefix}{field.name}.")
        else:
            reason = kind.__pydantic_fields__[field.name].description or ""  # type: ignore[attr-defined]
            yield Setting(prefix + field.name, accepted(hint), " ".join(reason.split()))


def shown(value: Any) -> str:
    """Return a value as it is typed after ``--set section.name=``."""
    if isinstance(value, tuple):
        return ",".join(map(shown, value))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def accepted(hint: Any, several: bool = False) -> str:
    """Describe the values that an annotation accepts: "one of: a, b", "a whole number from 1 to 5", ..."""
    hint, limits = _unwrapped(hint)
    if typing.get_origin(hint) is Literal:
        return ("any of: " if several else "one of: ") + ", ".join(map(str, typing.get_args(hint)))
    if typing.get_origin(hint) in (tuple, types.GenericAlias):
        kinds = typing.get_args(hint)
        inner = accepted(kinds[0], several=True)
        if kinds[-1] is Ellipsis:
            least = "one or more values" if limits.get("min_length") else "values"
            return f"{least} separated by commas, {inner}"
        return f"{len(kinds)} values separated by commas, {inner}"
    if hint is bool:
        return "true or false"
    if hint is str:
        return _text(limits, several)
    noun = "whole number" if hint is int else "number"
    return (f"{noun}s" if several else f"a {noun}") + _range(limits)


def _text(limits: dict[str, Any], several: bool) -> str:
    pattern = limits.get("pattern")
    if pattern:
        return f"one of: {'auto, ' if 'auto' in pattern else ''}{DEVICES}"
    if several:
        return "names"
    return "a name or path" if limits.get("min_length") else "a path, or nothing"


def _unwrapped(hint: Any) -> tuple[Any, dict[str, Any]]:
    """Return the plain type of an ``Annotated`` one, and its limits by name."""
    limits: dict[str, Any] = {}
    if typing.get_origin(hint) is not typing.Annotated:
        return hint, limits
    hint, *notes = typing.get_args(hint)
    for note in notes:
        for part in getattr(note, "metadata", []):
            if dataclasses.is_dataclass(part):  # Ge, Le, MinLen and their like
                limits |= {f.name: getattr(part, f.name) for f in dataclasses.fields(part)}
            elif getattr(part, "pattern", None):
                limits["pattern"] = part.pattern
    return hint, limits


def _range(limits: dict[str, Any]) -> str:
    low, high = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
    if low is not None and high is not None and "gt" not in limits and "lt" not in limits:
        text = f" from {low} to {high}"
    else:
        parts = [f"above {low}"] if "gt" in limits else [f"at least {low}"] if low is not None else []
        parts += [f"below {high}"] if "lt" in limits else [f"at most {high}"] if high is not None else []
        text = ", " + " and ".join(parts) if parts else ""
    return text + (f", a multiple of {limits['multiple_of']}" if "multiple_of" in limits else "")
