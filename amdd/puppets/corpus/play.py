"""Video of one recording beside its forgeries, with the changed pixels marked."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np

from amdd.data.media import write_video
from amdd.profiles import CorpusSettings
from amdd.puppets.corpus.make import SAMPLE_RATE, record_shot
from amdd.puppets.corpus.plans import plan
from amdd.puppets.forgers.registry import FORGERS
from amdd.puppets.voice.sound import in_a_room

TINT = np.array([255, 60, 60], np.float32)


def beside_its_forgeries(settings: CorpusSettings, number: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return frames (T, H, W, 3) uint8 and audio (n,) of test recording ``number`` of puppet-favc.

    Upper row: the recording and each forgery of it; lower row: the donor, and the changed pixels in red. Raises
    ``ValueError`` past the last recording.
    """
    fakes = [
        c
        for c in plan(settings, ("puppet-favc",))["puppet-favc"]
        if c.split_hint == "test" and len(c.video) == 1 and c.audio in ("own", "donor")
    ]
    shots = list(dict.fromkeys(c.shot for c in fakes))
    if not 0 <= number < len(shots):
        raise ValueError(f"there are {len(shots)} recordings with forgeries, number them from 0")
    with tempfile.TemporaryDirectory(prefix="puppets-") as name:
        folder = Path(name)
        source = record_shot(settings, shots[number], folder)
        above, below = [_named(source.frames, "real")], [np.zeros_like(source.frames)]
        for clip in [c for c in fakes if c.shot == shots[number]]:
            donor = record_shot(settings, clip.face_donor or clip.voice_donor, folder)
            spoken = in_a_room(donor.audio, 0, SAMPLE_RATE) if "wav2lip" in clip.video else None
            forged = FORGERS[clip.video[0]](source, donor, spoken, 0)
            tinted = forged.frames * (1 - 0.45 * forged.mask[..., None]) + TINT * (
                0.45 * forged.mask[..., None]
            )
            above.append(_named(forged.frames, clip.generator))
            below.append(tinted.astype(np.uint8))
            if not below[0].any():
                below[0] = _named(donor.frames[: len(source.frames)], "donor")
    rows = [np.concatenate(above, axis=2), np.concatenate(below, axis=2)]
    return np.concatenate(rows, axis=1), source.audio


def _named(frames: np.ndarray, text: str) -> np.ndarray:
    out = np.ascontiguousarray(frames.copy())
    for frame in out:
        cv2.putText(frame, text, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return out


def write(path: Path, settings: CorpusSettings, number: int = 0) -> Path:
    """Write the video of :func:`beside_its_forgeries` to ``path`` (MP4) and return the path."""
    frames, sound = beside_its_forgeries(settings, number)
    write_video(path, frames, fps=settings.fps, audio=sound, sample_rate=SAMPLE_RATE, crf=18)
    return path
