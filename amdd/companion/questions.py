"""Questions about a chapter, with feedback: one YAML file a chapter, answers bound to what a run wrote.

A rule is an expression over the numbers of the run (:class:`Numbers`), such as ``high('in_domain_results.full.auc') < 1``.
It decides which option is right, gives the value that a number question expects, or states in ``holds`` what the answer
rests on. A rule that the run contradicts is a fault (:func:`faults`), which the strict build of the book reports.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import yaml
from jinja2.exceptions import TemplateError
from jinja2.sandbox import SandboxedEnvironment
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from amdd.base.paths import MEASURED, PACKAGE
from amdd.settings.kinds import CONFIG

Text = Annotated[str, Field(min_length=3)]
Rule: TypeAlias = str
Read = TypeVar("Read")
Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class Unmeasured(LookupError):
    """A rule needs a number that this run did not measure."""


@checked(frozen=True, config=CONFIG)
class Option:
    """One answer to choose, and why it is right or wrong."""

    text: Text
    why: Text
    right: bool | Rule = False


@checked(frozen=True, config=CONFIG)
class Choice:
    """One of several options; with ``figure`` (``topic.name``) the question is about that figure."""

    kind: Literal["choice", "figure"]
    id: Name
    ask: Text
    options: Annotated[tuple[Option, ...], Field(min_length=2, max_length=6)]
    figure: str = ""
    holds: Rule = ""


@checked(frozen=True, config=CONFIG)
class Near:
    """A wrong value that a known mistake leads to, and the mistake."""

    value: float | Rule
    why: Text


@checked(frozen=True, config=CONFIG)
class Number:
    """A number to compute or to read, right within ``tolerance`` (absolute)."""

    kind: Literal["number"]
    id: Name
    ask: Text
    answer: float | Rule
    tolerance: Annotated[float, Field(ge=0)]
    why: Text
    wrong: Annotated[tuple[Near, ...], Field(min_length=1)]
    otherwise: Text
    unit: str = ""
    figure: str = ""
    holds: Rule = ""


@checked(frozen=True, config=CONFIG)
class Step:
    """One step, and why it has its place."""

    text: Text
    why: Text


@checked(frozen=True, config=CONFIG)
class Order:
    """Steps to put in order; they are listed in the right one."""

    kind: Literal["order"]
    id: Name
    ask: Text
    steps: Annotated[tuple[Step, ...], Field(min_length=3, max_length=7)]
    holds: Rule = ""


Question = Annotated[Choice | Number | Order, Field(discriminator="kind")]
READER: TypeAdapter[tuple[Choice | Number | Order, ...]] = TypeAdapter(tuple[Question, ...])


def read_checked(path: Path, reader: TypeAdapter[Read]) -> Read:
    """Return a YAML file as ``reader`` accepts it. Raises ``ValueError`` that names the file, the place and what is expected."""
    try:
        return reader.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{path.name}: {place}: {first['msg']}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name}: no readable YAML: {' '.join(str(error).split())}") from error


def read_questions(path: Path) -> tuple[Choice | Number | Order, ...]:
    """Return the questions in a YAML file. Raises ``ValueError`` as :func:`read_checked`, and for an id that stands twice."""
    found = read_checked(path, READER)
    names = [question.id for question in found]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise ValueError(f"{path.name}: expected each id once, found twice: {', '.join(twice)}")
    return found


@dataclass(frozen=True)
class Numbers:
    """The numbers that a rule may use: those of a run below ``results``, of the benchmarks, and of the paper."""

    results: Path
    measured: Path = MEASURED

    def record(self, key: str) -> Mapping[str, Any]:
        """Return the record of ``topic.key`` or ``benchmarks/name.key``. Raises :class:`Unmeasured`."""
        topic, _, name = key.partition(".")
        bench = topic.startswith("benchmarks/")
        path = self.measured / f"{topic[11:]}.json" if bench else self.results / topic / "numbers.json"
        known = _read(path, path.stat().st_mtime_ns) if path.is_file() else {}
        record = (known.get("numbers", {}) if bench else known).get(name)
        if record is None:
            raise Unmeasured(key)
        return record

    def value(self, key: str, part: str = "value") -> float:
        """Return a number, or its ``low`` or ``high`` end. Raises :class:`Unmeasured` where it is none."""
        found = self.record(key).get(part)
        if isinstance(found, str) or found is None or not math.isfinite(found):
            raise Unmeasured(key)
        return float(found)

    def says(self, key: str) -> str:
        """Return a result that is a word, such as the name of a corruption."""
        return str(self.record(key)["value"])

    def functions(self) -> dict[str, Callable]:
        """Return what a rule may call, by name."""
        return {
            "value": self.value,
            "low": lambda key: self.value(key, "low"),
            "high": lambda key: self.value(key, "high"),
            "says": self.says,
            "paper": lambda key: float(_paper()[key]["value"]),
        } | {"min": min, "max": max, "abs": abs, "round": round, "log": math.log, "sqrt": math.sqrt}


@lru_cache(maxsize=64)
def _read(path: Path, stamp: int) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _paper() -> dict[str, Any]:
    return yaml.safe_load((PACKAGE / "companion" / "claims.yml").read_text(encoding="utf-8"))["values"]


_RULES = SandboxedEnvironment()


def decide(rule: Rule, numbers: Numbers) -> Any:
    """Return what a rule gives. Raises :class:`Unmeasured`, or ``ValueError`` for a rule that cannot be computed."""
    try:
        found = _RULES.compile_expression(rule, undefined_to_none=False)(**numbers.functions())
    except Unmeasured:
        raise
    except (TemplateError, ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"rule {rule!r}: {error}") from error
    if not isinstance(found, bool | int | float):
        raise ValueError(f"rule {rule!r}: expected a number or a truth value, found {found!r}")
    return found


def value_of(value: float | Rule, numbers: Numbers) -> float:
    """Return the number that a rule gives, or the number itself."""
    return float(decide(value, numbers) if isinstance(value, str) else value)


def right_options(question: Choice, numbers: Numbers) -> list[int]:
    """Return the places of the options that are right under the run's numbers."""
    verdicts = [
        o.right if isinstance(o.right, bool) else bool(decide(o.right, numbers)) for o in question.options
    ]
    return [k for k, right in enumerate(verdicts) if right]


def mistakes(question: Number, numbers: Numbers) -> list[tuple[float, str]]:
    """Return the wrong values with their explanations, without those that coincide with the answer in this run."""
    answer = value_of(question.answer, numbers)
    found = [(value_of(near.value, numbers), near.why) for near in question.wrong]
    return [(v, why) for v, why in found if abs(v - answer) > 2 * question.tolerance]


def faults(question: Choice | Number | Order, numbers: Numbers) -> list[str]:
    """Return what the run contradicts in a question, in words; nothing where all agrees.

    Raises :class:`Unmeasured` where the run lacks a number that the question needs.
    """
    found = []
    if question.holds and not decide(question.holds, numbers):
        found.append(f"{question.id}: the run contradicts what its answer rests on, {question.holds!r}")
    if isinstance(question, Choice):
        right = right_options(question, numbers)
        if len(right) != 1:
            found.append(f"{question.id}: expected one right option under this run, found {len(right)}")
        if question.kind == "figure" and not question.figure:
            found.append(f"{question.id}: names no figure")
    if isinstance(question, Number):
        value_of(question.answer, numbers)
        fixed = [near for near in question.wrong if not isinstance(near.value, str)]
        if not isinstance(question.answer, str):
            close = [
                n.value for n in fixed if abs(float(n.value) - question.answer) <= 2 * question.tolerance
            ]
            found += [f"{question.id}: the wrong value {v} is right within the tolerance" for v in close]
    return found
