"""Trees with the real datasets' names, metadata and quirks, of empty files; and what systems leave among them."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

HEADER = ["source", "target1", "target2", "method", "category", "type", "race", "gender", "path", ""]
REAL, FAKE = "RealVideo-RealAudio", "FakeVideo-RealAudio"


def touch(path: Path) -> Path:
    """Make an empty file with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def _fakeavceleb(root: Path) -> None:
    base = root / "FakeAVCeleb_v1.2"
    base.mkdir(parents=True)
    rows = [
        ("id00076", "-", "-", "real", "A", REAL, "African", "men", "00109.mp4"),
        ("id00166", "-", "-", "real", "A", REAL, "African", "men", "00010.mp4"),
        ("id00377", "-", "-", "real", "A", REAL, "African", "men", "00011.mp4"),
        ("id00076", "id00166", "-", "wav2lip", "C", FAKE, "African", "men", "00109_id00166_wavtolip.mp4"),
    ]
    with open(base / "meta_data.csv", "w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(HEADER)
        for row in rows:
            folder = f"{row[5]}/{row[6]}/{row[7]}/{row[0]}"
            writer.writerow([*row, f"FakeAVCeleb/{folder}"])
            touch(base / folder / row[8])


def _deepfake_timit(root: Path) -> None:
    for subject, donor in (("fadg0", "fram1"), ("fram1", "fadg0"), ("mabw0", "mbdg0")):
        touch(root / "DeepfakeTIMIT" / "higher_quality" / subject / f"sa1-video-{donor}.avi")
        touch(root / "VidTIMIT" / subject / "video" / "sa1" / "001")
        touch(root / "VidTIMIT" / subject / "audio" / "sa1.wav")


def _dfdm(root: Path) -> None:
    for tag in ("1original", "3iae"):
        touch(root / "DFDM_crf10" / "sub" / f"id1_id2_0008_{tag}.mp4")
    for person in (1, 2, 3):
        touch(root / "Celeb-DF-v2" / "Celeb-real" / f"id{person}_0008.mp4")


def _celebdf(root: Path) -> None:
    base = root / "Celeb-DF-v2"
    for person in (1, 2, 3):
        touch(base / "Celeb-real" / f"id{person}_0000.mp4")
    touch(base / "YouTube-real" / "00012.mp4")
    touch(base / "Celeb-synthesis" / "id1_id2_0000.mp4")


def _faceforensics(root: Path) -> None:
    base = root / "FaceForensics++"
    for name in ("071", "054", "003"):
        touch(base / "original_sequences/youtube/c23/videos" / f"{name}.mp4")
    touch(base / "manipulated_sequences/FaceSwap/c23/videos/071_054.mp4")


def _lavdf(root: Path) -> None:
    base = root / "LAV-DF"
    kinds = ((False, False), (True, False), (True, True))
    entries = []
    for k, (video, audio) in enumerate(kinds):
        name = touch(base / "test" / f"{k:06d}.mp4").relative_to(base).as_posix()
        periods = [[0.2, 0.5]] if video or audio else []
        flags = {"modify_video": video, "modify_audio": audio, "fake_periods": periods}
        entries.append({"file": name, "split": "test", **flags})
    (base / "metadata.json").write_text(json.dumps(entries))


def _avdeepfake1m(root: Path) -> None:
    base, entries = root / "AV-Deepfake1M", []
    for k, kind in enumerate(("real", "visual_modified", "both_modified")):
        name = f"id0000{k}/abc/{k:05d}.mp4"
        touch(base / "val" / name)
        entries.append({"file": name, "modify_type": kind, "fake_segments": [[0.2, 0.5]] if k else []})
    (base / "val_metadata.json").write_text(json.dumps(entries))


def _folder(root: Path) -> None:
    for name in ("anna", "ben", "cleo"):
        touch(root / "real" / f"{name}.mp4")
    touch(root / "xgan" / "anna.mp4")


# Name of the reader -> function that builds its tree, a folder of clips in it, and the true groups of people.
TREES: dict[str, tuple[Callable[[Path], None], str, list[set[str]]]] = {
    "fakeavceleb": (
        _fakeavceleb,
        f"FakeAVCeleb_v1.2/{REAL}/African/men/id00076",
        [{"id00076", "id00166"}, {"id00377"}],
    ),
    "deepfake_timit": (
        _deepfake_timit,
        "DeepfakeTIMIT/higher_quality/fadg0",
        [{"fadg0", "fram1"}, {"mabw0"}],
    ),
    "dfdm": (_dfdm, "DFDM_crf10/sub", [{"id1", "id2"}, {"id3"}]),
    "celebdf": (_celebdf, "Celeb-DF-v2/Celeb-real", [{"id1", "id2"}, {"id3"}, {"youtube-00012"}]),
    "faceforensics": (
        _faceforensics,
        "FaceForensics++/original_sequences/youtube/c23/videos",
        [{"youtube-071", "youtube-054"}, {"youtube-003"}],
    ),
    "lavdf": (_lavdf, "LAV-DF/test", [{""}]),
    "avdeepfake1m": (_avdeepfake1m, "AV-Deepfake1M/val/id00000/abc", [{"id00000"}, {"id00001"}, {"id00002"}]),
    "folder": (_folder, "real", [{"anna"}, {"ben"}, {"cleo"}]),
}


def build(name: str, root: Path) -> Path:
    """Build the tree of the reader ``name`` below ``root`` and return its folder of clips."""
    make, clips, _ = TREES[name]
    make(root)
    return root / clips


LITTER_FILES = ("._{0}", ".{0}", "~${0}", "#{0}#", "@eaDir_{0}", "Thumbs.db", "desktop.ini", ".DS_Store")
LITTER_FOLDERS = (
    "__MACOSX",
    "@eaDir",
    "#recycle",
    "$RECYCLE.BIN",
    "lost+found",
    "System Volume Information",
    ".Trash-0",
)


def litter(root: Path) -> None:
    """Leave in every folder below ``root`` what systems leave there: copies of the names of its clips among it."""
    for folder, folders, files in list(os.walk(root)):
        here = Path(folder)
        names = [f for f in files if Path(f).suffix] or ["clip.mp4"]
        for pattern in LITTER_FILES:
            touch(here / pattern.format(names[0]))
        for name in LITTER_FOLDERS:
            for inner in (*names[:1], *folders[:1]):
                touch(here / name / inner / "x.mp4" if inner in folders else here / name / inner)
