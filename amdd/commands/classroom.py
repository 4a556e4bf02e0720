"""Commands for teaching: assignments, and the pack for a class."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from amdd.commands.common import needs_repository


@dataclass
class Pack:
    """Write a pack for a class: the built book, slides, predictions, clips, checksums and a guide; at most 200 MB."""

    profile: str = "demo"
    out: Path | None = None
    """folder to write to; default: class-pack in the profile's build folder"""
    zip: bool = False
    """write a zip file beside the folder as well"""

    def do(self) -> int:
        from amdd.base.paths import Workspace
        from amdd.companion.pack import pack

        needs_repository()
        workspace = Workspace.of(self.profile)
        made = pack(workspace, self.out or workspace.root / "class-pack")
        print(
            f"{made.folder}: {made.size / 1e6:.1f} MB, {made.files} files, {made.clips} clips; open START.html"
        )
        if self.zip:
            print(shutil.make_archive(str(made.folder), "zip", made.folder.parent, made.folder.name))
        return 0


@dataclass
class Assignments:
    """Write the assignments, instructor's and students' versions, in the layout of an nbgrader course."""

    out: Path = Path("course")
    """folder to write to"""

    def do(self) -> int:
        from amdd.companion.assignments import write_course

        needs_repository()
        names = write_course(self.out)
        print(f"{self.out}: source/ and release/ with {len(names)} assignments: {', '.join(names)}")
        return 0
