"""Common parts of the commands: profile options and the check for a repository."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

if TYPE_CHECKING:
    from amdd.profiles import Profile


@dataclass
class Profiled:
    """The options of every command that computes under a profile."""

    profile: str = "demo"
    """smoke, demo or paper"""
    set: tyro.conf.UseAppendAction[list[str]] = field(default_factory=list)
    """replace a single setting, e.g. --set training.epochs=3 (repeatable); `amdd settings` lists them"""

    def load(self) -> Profile:
        """Return the profile with the replaced settings; paths are made absolute first."""
        from amdd.profiles import load_profile, with_absolute_paths

        self.set = with_absolute_paths(self.set)
        return load_profile(self.profile, self.set)


def at_home(command):
    """Return the command with ``~`` expanded in its paths. A shell does that in ``--out ~/runs``, not in ``--out=~/runs``.

    Raises ``ValueError`` for a user without a home folder, rather than make a folder of that name.
    """
    for option, value in vars(command).items():
        if isinstance(value, Path):
            setattr(command, option, _at_home(value))
        elif isinstance(value, list) and any(isinstance(v, Path) for v in value):
            setattr(command, option, [_at_home(v) for v in value])
    return command


def _at_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError(
            f"{path}: there is no home folder for this user; write ./{path} for a folder here"
        ) from None


def needs_repository() -> None:
    """Raise ``RuntimeError`` where notebooks and pages are missing, as in an installed package."""
    from amdd.base.paths import PROJECT

    if not (PROJECT / "notebooks").is_dir() or not (PROJECT / "_toc.yml").is_file():
        raise RuntimeError(
            "this command needs the repository, since notebooks and pages are not part of the installed package. "
            "Clone it, install it there by `pip install -e .`, and run the command again. "
            "Without it work: settings, corpora, scan, prepare, train, evaluate, score, inspect, serve, export, model, puppets, verify"
        )
