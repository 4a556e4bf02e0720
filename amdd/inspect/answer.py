"""The answer to one clip: frozen dataclasses, their text, and the JSON that machines read."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from amdd.base.paths import PACKAGE

Verdict: TypeAlias = Literal["real", "forged", "can't tell"]
Rule: TypeAlias = Literal[
    "",
    "weak model",
    "no face",
    "face lost",
    "small face",
    "unusual",
    "windows disagree",
    "unsure",
    "people differ",
]

SCHEMA = PACKAGE / "inspect" / "templates" / "inspection.schema.json"
VERSION = 1  # of the JSON

ETHICS = (
    "A score is no proof. Most videos are genuine, so that most alarms of any detector are false alarms: ask for the "
    "base rate first. A false alarm harms the person in the video, a missed forgery the person it defames; neither may be "
    "decided by this program alone. Nobody is identified here: faces are followed by their place in the image."
)


@dataclass(frozen=True)
class Window:
    """A stretch of the clip, one face in it, and the network's answer to both.

    ``start`` and ``end`` in seconds; ``logit`` as the network gave it; ``probability`` of forged after calibration;
    ``surprise`` in [0, 1]: the share of held-out clips of the training corpus that are less unusual; ``face`` is the
    median side of the face in pixels, ``lost`` the number of the window's ``frames`` without that face.
    """

    start: float
    end: float
    logit: float
    probability: float
    surprise: float
    verdict: Verdict
    face: float
    lost: int
    frames: int
    audio: bool


@dataclass(frozen=True)
class Answer:
    """The result for one face, and for a clip by its faces.

    ``verdict`` with the ``rule`` by which it abstained (or "") and the reason ``why``; ``probability`` of forged, at the
    stated prevalence; ``low`` and ``high`` bound it by the uncertainty of its calibration (95 %); ``generators`` are the
    probabilities of the classes of the attribution head, and ``generator`` is one of them, "unknown", or "" for real;
    ``surprise`` as in :class:`Window`, ``unusual`` the same in a sentence.
    """

    verdict: Verdict
    rule: Rule
    why: str
    probability: float
    low: float
    high: float
    generator: str
    generators: dict[str, float]
    surprise: float
    unusual: str


@dataclass(frozen=True)
class Person(Answer):
    """A face followed through the clip by its place (``box``, the median one), and the answer to it."""

    number: int
    windows: tuple[Window, ...]
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Inspection(Answer):
    """The answer to one clip: that to the main face, or why the faces differ.

    ``missing`` lists what could not be used; ``people`` are the faces one by one, the main one first; ``prevalence`` is
    the share of forgeries that probabilities assume. ``sha256`` is the hash of the file, ``weights`` and ``code`` those
    of the network and of this library.
    """

    file: str
    missing: tuple[str, ...]
    people: tuple[Person, ...]
    seconds: float
    width: int
    height: int
    fps: float
    has_audio: bool
    prevalence: float
    detector: str
    sha256: str
    weights: str
    code: str
    took: float
    schema: int = VERSION

    @property
    def abstained(self) -> bool:
        return self.verdict == "can't tell"

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON-ready values; numbers that do not exist are None."""
        return _plain(dataclasses.asdict(self))

    def as_json(self) -> str:
        return json.dumps(self.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)

    def __str__(self) -> str:
        return text_of(self)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def percent(value: float) -> str:
    """Return a probability in words that claim no more digits than there are."""
    if not math.isfinite(value):
        return "unknown"
    if value < 0.01:
        return "under 1 %"
    return "over 99 %" if value > 0.99 else f"{100 * value:.0f} %"


def text_of(found: Inspection) -> str:
    """Return the answer as the lines that a reader of the command line gets."""
    lines = [f"{found.file}: {found.verdict.upper()}" + (f" (rule: {found.rule})" if found.rule else "")]
    lines.append(f"  {found.why}")
    if math.isfinite(found.probability):
        lines.append(
            f"  probability of forged {percent(found.probability)} (interval {percent(found.low)} to "
            f"{percent(found.high)}), if {percent(found.prevalence)} of such clips are forged"
        )
    if found.generators:
        ranked = sorted(found.generators.items(), key=lambda item: -item[1])
        shares = ", ".join(f"{name} {percent(p)}" for name, p in ranked)
        lines.append(f"  generator: {found.generator or 'none'} ({shares})")
    if found.unusual:
        lines.append(f"  {found.unusual}")
    lines += [f"  missing: {text}" for text in found.missing]
    if len(found.people) > 1:
        lines += [
            f"  person {p.number}: {p.verdict}, {percent(p.probability)}" + (f" ({p.rule})" if p.rule else "")
            for p in found.people
        ]
    for person in found.people:
        if len(person.windows) > 1:
            name = f" of person {person.number}" if len(found.people) > 1 else ""
            lines.append(f"  time line{name}: {timeline_text(person.windows)}")
    return "\n".join(lines)


def timeline_text(windows: tuple[Window, ...], most: int = 12) -> str:
    """Return stretches of equal verdict, the longest ``most`` of them, in the order of time."""
    runs: list[list[Any]] = []
    for window in windows:
        if runs and runs[-1][2] == window.verdict and window.start - runs[-1][1] < 1e-6:
            runs[-1][1] = window.end
        else:
            runs.append([window.start, window.end, window.verdict])
    shown = sorted(sorted(runs, key=lambda r: r[0] - r[1])[:most])
    text = "; ".join(f"{clock(a)}-{clock(b)} {verdict}" for a, b, verdict in shown)
    return text + (f"; and {len(runs) - most} shorter ones" if len(runs) > most else "")


def clock(seconds: float) -> str:
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole >= 60 else f"{seconds:.1f}s"


def schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of :meth:`Inspection.as_dict`; the repository keeps a copy at
    :data:`SCHEMA`."""
    from pydantic import TypeAdapter

    found = TypeAdapter(Inspection).json_schema(mode="serialization")
    _nullable(found)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "amdd inspect --json"}
    return {**head, **{k: v for k, v in found.items() if k not in head}}


def _nullable(node: Any) -> None:
    """Numbers that do not exist are null: JSON has no NaN."""
    if isinstance(node, dict):
        if node.get("type") == "number":
            node["type"] = ["number", "null"]
        for value in node.values():
            _nullable(value)
    elif isinstance(node, list):
        for value in node:
            _nullable(value)
