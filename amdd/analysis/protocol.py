"""The protocol of a study, fixed before its results: arms, corpora, outcome, contrasts, decision rule and power."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from amdd.profiles import Profile, load_profile

Pair = tuple[str, str]
Share = Annotated[float, Field(gt=0, lt=1)]
Kind = TypeVar("Kind", bound=BaseModel)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Arm(_Part):
    """One arm: what it asks and the term in its attribution head."""

    asks: str
    term: str


class Contrasts(_Part):
    """Differences between arms: the primary one, the one that decides with it, and the others."""

    primary: Pair
    decisive: Pair
    secondary: list[Pair]


class TakeOff(_Part):
    """Training focal losses below which detection has started, and at which arms are compared at equal fit."""

    threshold: Annotated[float, Field(gt=0)]
    fit: Annotated[float, Field(gt=0)]


class TestSet(_Part):
    """The sealed test set."""

    corpus_seed: int | str
    people: Annotated[int, Field(ge=2)]
    reals: Annotated[int, Field(ge=1)]
    in_domain: dict[str, int]
    unseen: Annotated[list[str], Field(min_length=1)]
    fakes_each: Annotated[int, Field(ge=1)]
    reals_encoded: str
    windows: str


class Corpora(_Part):
    """Settings on top of ``profile``: the training corpus, the test corpus, and the recipe of training that all arms share."""

    profile: str
    train: list[str]
    test: list[str]
    recipe: list[str]

    def profile_of(self, part: Literal["train", "test"]) -> Profile:
        """Return the profile of the training or of the test corpus."""
        return load_profile(self.profile, [*YOUNGER, *getattr(self, part), *self.recipe])


# Settings of the demo that are younger than the protocols, which therefore don't name them, as they were when these were
# written.
YOUNGER = ("model.visual_levels=", "model.feature_dropout=0", "evaluation.study_epochs=2")


class Tolerance(_Part):
    """Largest difference between a training and its repetition: in AUC, and 1 minus the rank correlation of scores."""

    auc: Share
    rank: Share


class Power(_Part):
    """Assumed standard deviations and the effect that they make detectable."""

    sd_over_seeds: Annotated[float, Field(gt=0)]
    sd_over_people: Annotated[float, Field(gt=0)]
    detectable: Annotated[float, Field(gt=0)]
    equivalence: str


class Protocol(_Part):
    """A study's protocol, fixed before its results."""

    name: str
    question: str
    definition: str
    arms: Annotated[dict[str, Arm], Field(min_length=2)]
    seeds: Annotated[int, Field(ge=2)]
    minor: dict[str, Any]
    training: dict[str, Any]
    corpora: Corpora
    tolerance: Tolerance
    test: TestSet
    outcome: dict[str, Any]
    contrasts: Contrasts
    margin: Share
    interval: str
    decision: dict[str, str]
    look: dict[str, Any]
    take_off: TakeOff
    control: str
    power: Power
    prediction: Annotated[str, Field(min_length=20)]

    @model_validator(mode="after")
    def _consistent(self) -> Protocol:
        for pair in (self.contrasts.primary, self.contrasts.decisive, *self.contrasts.secondary):
            unknown = [arm for arm in pair if arm not in self.arms]
            if unknown or pair[0] == pair[1]:
                raise ValueError(f"contrast {' - '.join(pair)}: expected two of: {', '.join(self.arms)}")
        missing = {"regularises", "harms", "no_effect", "undecided"} - self.decision.keys()
        if missing:
            raise ValueError(f"decision lacks {', '.join(sorted(missing))}")
        return self


def load_protocol(path: str | Path) -> Protocol:
    """Return the protocol in a YAML file. Raises ``ValueError`` that names the file, the entry and what it lacks."""
    return _load(Path(path), Protocol)


def load_any(path: str | Path) -> Protocol | LeftOutProtocol:
    """Return the protocol in a YAML file, of whichever kind: one with ``leave_one_out`` leaves generators out. Raises as
    :func:`load_protocol` does."""
    path = Path(path)
    content = _read(path)
    left_out = isinstance(content, dict) and "leave_one_out" in content
    return _load(path, LeftOutProtocol if left_out else Protocol)


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path.name}: not readable as YAML ({error})") from None


def _load(path: Path, kind: type[Kind]) -> Kind:
    try:
        return kind.model_validate(_read(path))
    except ValidationError as error:
        found = [f"{'.'.join(map(str, e['loc'])) or 'protocol'}: {e['msg']}" for e in error.errors()]
        raise ValueError(f"{path.name}: {'; '.join(found)}") from None


def expected_error(power: Power, seeds: int, people: int) -> float:
    """Return the standard error of a contrast that the protocol's assumptions give for ``seeds`` and ``people``."""
    return math.sqrt(power.sd_over_seeds**2 / seeds + power.sd_over_people**2 / people)


# --- one generator left out ---------------------------------------------------------------------------------------


class LeaveOneOut(_Part):
    """The arms that are trained on all generators of the pool but one."""

    arms: Annotated[list[str], Field(min_length=2)]


class Dose(_Part):
    """Weights of the attribution loss, and the generators of training by their number."""

    weights: Annotated[list[float], Field(min_length=2)]
    generators: dict[int, list[str]]


class LeftOutProtocol(_Part):
    """A protocol of trainings that leave one generator out, and of the dose of attribution; fixed before its results."""

    name: str
    question: str
    pool: Annotated[list[str], Field(min_length=3)]
    never: str
    seeds: Annotated[int, Field(ge=2)]
    leave_one_out: LeaveOneOut
    dose: Dose
    corpora: Corpora
    steps: Annotated[int, Field(ge=1)]
    outcome: dict[str, str]
    contrast: tuple[str, str]
    margin: Share
    interval: str
    decision: dict[str, str]
    prediction: Annotated[str, Field(min_length=20)]

    @model_validator(mode="after")
    def _consistent(self) -> LeftOutProtocol:
        if self.never in self.pool:
            raise ValueError(f"never: {self.never} is in the pool")
        for number, generators in self.dose.generators.items():
            if number != len(set(generators)) or set(generators) - set(self.pool):
                raise ValueError(f"dose.generators: {number} does not name {number} generators of the pool")
        if set(self.contrast) - set(self.leave_one_out.arms):
            raise ValueError(f"contrast {' - '.join(self.contrast)}: expected arms of leave_one_out")
        return self


@dataclass(frozen=True)
class Condition:
    """One kind of training: its ``name`` in the tables, the ``generators`` that it has, its ``arm`` and the weight of the
    attribution loss (None: the recipe's)."""

    name: str
    generators: tuple[str, ...]
    arm: str = "full"
    weight: float | None = None


def load_left_out(path: str | Path) -> LeftOutProtocol:
    """Return such a protocol from a YAML file; raises as :func:`load_protocol` does."""
    return _load(Path(path), LeftOutProtocol)


def left_out_name(arm: str, generator: str) -> str:
    """Return the name of the trainings of ``arm`` on all of the pool but ``generator``."""
    return f"{arm} without {generator}"


def dose_name(number: int, weight: float) -> str:
    """Return the name of the trainings on ``number`` generators with that weight of the attribution loss."""
    return f"dose {number}, weight {weight:g}"


def conditions(protocol: LeftOutProtocol, only: Sequence[str] = ()) -> list[Condition]:
    """Return the kinds of trainings of the protocol, or those named in ``only``. Raises ``ValueError`` for a name that it does
    not have."""
    found = []
    for left in protocol.pool:
        others = tuple(g for g in protocol.pool if g != left)
        found += [Condition(left_out_name(a, left), others, a) for a in protocol.leave_one_out.arms]
    for number, generators in protocol.dose.generators.items():
        found += [Condition(dose_name(number, w), tuple(generators), weight=w) for w in protocol.dose.weights]
    if unknown := sorted({*only} - {c.name for c in found}):
        names = ", ".join(c.name for c in found)
        raise ValueError(f"no training {unknown[0]!r} in {protocol.name}; expected some of: {names}")
    return [c for c in found if not only or c.name in only]
