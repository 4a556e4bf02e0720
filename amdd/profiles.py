"""The three named profiles ``smoke``, ``demo`` and ``paper``, and how a single setting is changed.

Notebooks, library and command line receive a profile and never test for its name. Every value can be replaced by its
dotted name::

    load_profile("demo", ["training.epochs=3", "preparation.size=96"])

Where the paper (arXiv 2604.26453) states a value the ``paper`` profile has it; where it is silent, the docstring of the
setting in :mod:`amdd.settings` gives the reason for ours.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from amdd.settings import (
    CorpusSettings,
    EvaluationSettings,
    LossSettings,
    ModelSettings,
    PreparationSettings,
    Profile,
    TrainingSettings,
)
from amdd.settings.explain import accepted
from amdd.settings.kinds import STUDIES

PROFILES: dict[str, Profile] = {
    # Seconds per notebook, for the tests. Its numbers mean nothing and no page may quote them as results.
    "smoke": Profile(
        "smoke",
        corpus=CorpusSettings(
            seconds=1.2,
            size=192,
            identities=(4, 2, 2),
            real=(6, 3, 4),
            fake=(3, 2, 2),
            fake_audio=1,
            timit=2,
            dfdm_real=2,
            dfdm_fake=1,
            lav=1,
        ),
        preparation=PreparationSettings(frames=3, size=64, n_mels=32, seconds=1.2, shard=16),
        training=TrainingSettings(epochs=2),
        evaluation=EvaluationSettings(
            study_epochs=1,
            study_seeds=(0, 1),
            studies=("tokens",),
            bootstrap=100,
            verdicts=False,
            perplexity=4.0,
            neighbours=4,
            gradcam_clips=1,
            gradcam_scored=3,
            corruption_levels=(5,),
        ),
    ),
    # The default book, on two cores. Of its backbones it takes the first part, frozen: in minutes, and with few people, a
    # whole one learns faces by heart before it learns a generator's traces. The seed is the first two bytes of the SHA-256
    # of "amdd demo: corpus": no choice was made on the clips that it gives.
    "demo": Profile(
        "demo",
        corpus=CorpusSettings(seed=16134, identities=(48, 10, 24), real=(128, 24, 60), fake=(64, 8, 30)),
        preparation=PreparationSettings(size=160),
        model=ModelSettings(
            visual_blocks=15,
            visual_frozen=15,
            visual_cells=4,
            visual_levels=(2, 4, 7, 11, 15),
            feature_dropout=0.3,
            audio_backbone="mobilenet_v2",
            audio_blocks=15,
            audio_frozen=15,
        ),
        training=TrainingSettings(epochs=48, learning_rate=3e-4, warmup=50, selection="last"),
        evaluation=EvaluationSettings(study_epochs=4),
    ),
    # The paper's settings; needs a GPU. Counts of Tables II and III.
    "paper": Profile(
        "paper",
        corpus=CorpusSettings(
            split="paper",
            identities=(350, 75, 75),
            real=(350, 75, 75),
            fake=(350, 75, 75),
            fake_audio=75,
            timit=320,
            dfdm_real=130,
            dfdm_fake=104,
            lav=166,
        ),
        preparation=PreparationSettings(frames=10, size=224, n_mels=128, workers=8),
        model=ModelSettings(visual_backbone="resnet50"),
        training=TrainingSettings(epochs=50, workers=4),
        evaluation=EvaluationSettings(
            seeds=(0, 1, 2),
            study_epochs=10,
            studies=STUDIES,
            perplexity=30.0,
            corruption_levels=(1, 2, 3, 4, 5),
        ),
    ),
}


class SettingsError(ValueError):
    """A value that a setting does not accept; the message names setting, value and what is accepted."""


def load_profile(name: str, overrides: Iterable[str] | Mapping[str, Any] = ()) -> Profile:
    """Return the profile called ``name`` with single values replaced.

    ``overrides`` are ``"training.epochs=3"`` strings or a mapping of dotted names to values. Raises
    :class:`SettingsError`, a ``ValueError``, that names the setting, the value and what is accepted.
    """
    if name not in PROFILES:
        raise SettingsError(f"unknown profile {name!r}; expected one of: {', '.join(PROFILES)}")
    if isinstance(overrides, Mapping):
        return replaced(PROFILES[name], overrides)
    values: dict[str, Any] = {}
    for text in overrides:
        key, sign, value = str(text).partition("=")
        if not sign:
            raise SettingsError(f"override {text!r}: expected the form section.name=value")
        values[key.strip()] = value.strip()
    return replaced(PROFILES[name], values)


PATHS = {"corpus.data": "folder", "model.weights": "folder or file", "corpus.neural_voice": "file"}
NO_PATHS = {"", "imagenet", "random"}


def with_absolute_paths(overrides: Iterable[str]) -> list[str]:
    """Return ``section.name=value`` texts with paths made absolute, ``~`` included.

    Notebooks run in a folder of their own, where a relative path would lead elsewhere. Raises :class:`SettingsError`
    for a path that does not exist, or is a file where a folder is meant or the reverse.
    """
    out = []
    for text in overrides:
        key, sign, value = (part.strip() for part in str(text).partition("="))
        if key in PATHS and value not in NO_PATHS:
            try:
                path = Path(value).expanduser().absolute()
            except RuntimeError:  # "~name" of nobody, or no home at all
                raise SettingsError(f"{key}={value}: no home folder is known for it; name the path") from None
            if not path.exists():
                raise SettingsError(f"{key}={value}: no such {PATHS[key]}: {path}")
            if (PATHS[key] == "folder" and not path.is_dir()) or (
                PATHS[key] == "file" and not path.is_file()
            ):
                raise SettingsError(f"{key}={value}: expected a {PATHS[key]}: {path}")
            text = f"{key}{sign}{path}"
        out.append(str(text))
    return out


def replaced(profile: Profile, values: Mapping[str, Any]) -> Profile:
    """Return ``profile`` with single values replaced, by dotted names; raises as :func:`load_profile` does.

    The values are checked together, so that two that depend on each other can be changed at once.
    """
    record = dataclasses.asdict(profile)
    for key, value in values.items():
        *sections, name = key.split(".")
        node, kind = record, Profile
        for section in sections:
            node, kind = node[_known(kind, section, key, True)], typing.get_type_hints(kind)[section]
        node[_known(kind, name, key, False)] = value
    return profile_from_dict(record)


def _known(kind: type, name: str, key: str, section: bool) -> str:
    """Return ``name`` if it is a section (or a value) of the settings class ``kind``."""
    hints = {k: v for k, v in typing.get_type_hints(kind).items() if (kind, k) != (Profile, "name")}
    if name not in hints:
        raise SettingsError(f"unknown setting {key!r}: {name!r} is not one of: {', '.join(sorted(hints))}")
    if dataclasses.is_dataclass(hints[name]) == section:
        return name
    if section:
        raise SettingsError(f"unknown setting {key!r}: {name!r} is a value, not a section")
    inside = ", ".join(sorted(f.name for f in dataclasses.fields(hints[name])))
    raise SettingsError(f"setting {key!r} is a section; set one of its values: {inside}")


def as_dict(settings: Any) -> dict[str, Any]:
    """Return a profile or one of its sections as plain JSON-ready values."""
    return json.loads(json.dumps(dataclasses.asdict(settings)))


def profile_from_dict(record: Mapping[str, Any]) -> Profile:
    """Return the profile of such a mapping: the inverse of :func:`as_dict`. Raises :class:`SettingsError`."""
    return _build(Profile, record)


def preparation_from_dict(record: Mapping[str, Any]) -> PreparationSettings:
    """Return the preparation settings of such a mapping. Raises :class:`SettingsError`."""
    return _build(PreparationSettings, record)


def _build(kind: type, record: Mapping[str, Any]) -> Any:
    try:
        return TypeAdapter(kind).validate_python(dict(record))
    except ValidationError as error:
        messages = [_message(kind, entry) for entry in error.errors()]
    raise SettingsError("; ".join(dict.fromkeys(messages)))


def _message(kind: type, entry: Any) -> str:
    """Describe one of pydantic's errors by the setting's dotted name, its value and what it accepts."""
    name: list[str] = []
    for part in entry["loc"]:
        hints = typing.get_type_hints(kind, include_extras=True)
        if part not in hints:
            known = ", ".join(hints)
            return f"unknown setting {'.'.join([*name, str(part)])!r}: expected one of: {known}"
        name.append(str(part))
        if not dataclasses.is_dataclass(hints[part]):
            value = entry["input"]
            if len(entry["loc"]) > len(name):  # an item of a tuple
                return f"{'.'.join(name)}: {value!r} does not fit; expected {accepted(hints[part])}"
            return f"{'.'.join(name)}={value!r}: expected {accepted(hints[part])}"
        kind = typing.cast(type, hints[part])
    reason = str(entry.get("ctx", {}).get("error", entry["msg"]))
    return ".".join([*name, reason])


__all__ = [
    "PROFILES",
    "STUDIES",
    "CorpusSettings",
    "EvaluationSettings",
    "LossSettings",
    "ModelSettings",
    "PreparationSettings",
    "Profile",
    "SettingsError",
    "TrainingSettings",
    "as_dict",
    "load_profile",
    "preparation_from_dict",
    "profile_from_dict",
    "replaced",
    "with_absolute_paths",
]
