"""Commands on clips of one's own."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro

if TYPE_CHECKING:
    from amdd.inspect.answer import Inspection

# Imports inside the commands put off torch, pandas and the notebook packages, so that `amdd --help` is quick.

ABSTAINED, FAILED, UNCOVERED = 3, 4, 5


@dataclass
class Inspect:
    """Classify clips as real, forged or can't tell, with calibrated probability, generator and reasons.

    One file gives a text (or JSON, or a report); a folder, a pattern or several files give a CSV with one row for each.
    A folder of numbered images (001.jpg, frame_0001.png) is one clip without audio.
    Exit status: 0 answered, or 99 % of the files could be read; 1 wrong use or no weights; 2 wrong options; 3 can't tell;
    4 the file could not be read; 5 fewer than 99 % of the files could be read.
    """

    files: tyro.conf.Positional[tuple[str, ...]] = ()
    """video files, folders or patterns"""
    weights: Path | None = None
    """a training run or packed network; default: the network that is shipped"""
    json: bool = False
    """print JSON; its schema is amdd/inspect/templates/inspection.schema.json"""
    report: Path | None = None
    """write a self-contained page; for several files, a folder of pages with an index"""
    out: Path | None = None
    """several files: write the CSV here instead of printing it; with --pack: the folder"""
    prevalence: float | None = None
    """share of forgeries among clips of this kind; default: that of the validation clips"""
    windows: int = 0
    """at most that many windows of a long clip, evenly spread; 0: all"""
    workers: int = 2
    """processes for several files"""
    fast: bool = False
    """compute by ONNX Runtime, where it is installed"""
    detector: str | None = None
    """score by another detector, module:function, predict(frames, audio) -> score"""
    pack: Path | None = None
    """write the small files of this training run, by which it inspects, to the folder --out"""
    schema: bool = False
    """print the JSON schema"""

    def do(self) -> int:
        if self.schema:
            import json

            from amdd.inspect.answer import schema

            print(json.dumps(schema(), indent=1))
            return 0
        if self.pack is not None:
            from amdd.inspect.pack import pack

            print(pack(self.pack, self.out or self.pack / "packed"))
            return 0
        if not self.files:
            raise ValueError("no file given; name a video, a folder or a pattern: amdd inspect clip.mp4")
        from amdd.inspect.folder import files_of

        files = files_of(self.files)
        named = Path(self.files[0]).expanduser()
        # A folder of videos gives a table, even of one row; a folder of frames is a clip itself.
        single = len(files) == 1 and len(self.files) == 1 and (not named.is_dir() or files[0] == named)
        return self._one(files[0]) if single else self._many(files)

    def _options(self) -> dict[str, Any]:
        named = {"prevalence": self.prevalence, "most_windows": self.windows}
        return {"weights": self.weights, "fast": self.fast, "detector": self.detector, **named}

    def _one(self, path: Path) -> int:
        from amdd.base.machine import no_collection

        with no_collection():
            import amdd.inspect.inspector
            from amdd.data.media import MediaError
        try:
            found: Inspection = amdd.inspect(path, **self._options(), progress=sys.stderr.isatty())
        except MediaError as error:
            print(f"amdd: {error}", file=sys.stderr)
            return FAILED
        print(found.as_json() if self.json else found)
        if self.report is not None:
            from amdd.inspect.report import write_report

            place = write_report(found, path, self.report, self.weights, self.detector)
            print(f"report: {place}", file=sys.stderr)
        return ABSTAINED if found.abstained else 0

    def _many(self, files: list[Path]) -> int:
        from tqdm import tqdm

        from amdd.inspect.folder import (
            COVERED,
            coverage,
            csv_text,
            failed_row,
            inspect_folder,
            row_of,
            write_csv,
        )

        if self.detector is None:
            from amdd.inspect.weights import load_scorer

            load_scorer(self.weights)  # its errors concern every file
        rows, answers = [], []
        work = inspect_folder(files, self._options(), self.workers)
        for path, found, reason in tqdm(work, total=len(files), unit="clip", disable=not sys.stderr.isatty()):
            rows.append(row_of(found) if found else failed_row(path, reason))
            answers.append((path, found, reason))
        if self.json:
            import json

            print(json.dumps([a.as_dict() if a else row for (_, a, _), row in zip(answers, rows)], indent=1))
        elif self.out is None:
            print(csv_text(rows), end="")
        if self.out is not None:
            print(write_csv(self.out, rows), file=sys.stderr)
        if self.report is not None:
            from amdd.inspect.report import write_index

            print(write_index(answers, rows, self.report, self.weights, self.detector), file=sys.stderr)
        counts = {name: sum(r["status"] == name for r in rows) for name in ("ok", "abstained", "failed")}
        print(", ".join(f"{n} {name}" for name, n in counts.items()), file=sys.stderr)
        return 0 if coverage(rows) >= COVERED else UNCOVERED


@dataclass
class Export:
    """Write a network in another form."""

    form: tyro.conf.Positional[Literal["onnx"]] = "onnx"
    weights: Path | None = None
    """a training run or packed network; default: the network that is shipped"""
    out: Path = field(default_factory=lambda: Path("amdd.onnx"))

    def do(self) -> int:
        from amdd.inspect.onnx import export, largest_difference
        from amdd.inspect.weights import load_scorer

        scorer = load_scorer(self.weights)
        export(scorer.run, self.out)
        print(
            f"{self.out}: scores differ from torch's by at most {largest_difference(scorer.run, self.out):.1e}"
        )
        return 0
