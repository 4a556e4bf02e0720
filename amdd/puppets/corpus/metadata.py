"""Metadata files of the built-in corpora, in the real datasets' formats."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from amdd.base.paths import write_text
from amdd.puppets.corpus.layouts import Clip


def write_metadata(name: str, root: Path, clips: list[Clip], records: dict[str, dict]) -> None:
    """Write the metadata files of the real dataset, with its header and quirks; called when all clips exist."""
    if name == "puppet-favc":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        names = ["source", "target1", "target2", "method", "category", "type", "race", "gender", "path"]
        # The last column is not the real file's: there every forged voice is of one method.
        writer.writerow([*names, "", "audio_generator"])
        writer.writerows(clip.extra["row"] for clip in clips)
        write_text(root / "FakeAVCeleb_v1.2" / "meta_data.csv", text.getvalue())
    elif name == "puppet-unseen":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["path", "label", "generator", "identity", "donor"])
        for clip in clips:
            record = records[clip.path]
            kind = "fake" if clip.fake else "real"
            writer.writerow([clip.path, kind, clip.generator, record["identity"], record["donor"]])
        write_text(root / "clips.csv", text.getvalue())
    elif name == "puppet-lav":
        rows = []
        for clip in sorted(clips, key=lambda c: c.path):
            record = records[clip.path]
            rows.append(
                {
                    "file": clip.extra["file"],
                    "n_fakes": len(record["forged_segments"]),
                    "fake_periods": record["forged_segments"],
                    "duration": record["seconds"],
                    "original": clip.extra["original"],
                    "modify_video": clip.generator in ("lav-video", "lav-both"),
                    "modify_audio": clip.generator in ("lav-audio", "lav-both"),
                    "audio_generator": clip.audio_generator,
                    "split": "test",
                    "video_frames": record["n_frames"],
                    "audio_channels": 1,
                    "audio_frames": record["n_samples"],
                }
            )
        write_text(root / "LAV-DF" / "metadata.min.json", json.dumps(rows, separators=(",", ":")))
        full = [row | {"transcript": records[f"LAV-DF/{row['file']}"]["text"]} for row in rows]
        write_text(root / "LAV-DF" / "metadata.json", json.dumps(full, indent=1))
