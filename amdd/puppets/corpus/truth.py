"""Ground truth of the built-in corpora: records, masks, tables, and the state of each clip."""

from __future__ import annotations

import hashlib
import json
import shutil
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from amdd.base.paths import atomic
from amdd.profiles import CorpusSettings
from amdd.puppets.code import rendering_hash
from amdd.puppets.corpus.layouts import Clip
from amdd.puppets.corpus.metadata import write_metadata
from amdd.puppets.corpus.record import speech_of
from amdd.puppets.corpus.studios import STUDIOS, fps_of, speech_engine
from amdd.puppets.forgers.audio_families import AUDIO_FAMILIES
from amdd.puppets.forgers.base import WEIGHTS
from amdd.puppets.person.people import make_identity


def clip_key(settings: CorpusSettings, clip: Clip) -> str:
    """Hash everything on which a clip depends: settings, people, code of the renderer and generators, weights."""
    values = {
        n: getattr(settings, n)
        for n in ("seed", "seconds", "fps", "size", "crf", "bits_per_pixel", "bits_spread", "leading_silence")
    }
    values["speech"] = speech_engine(settings, clip.shot.corpus)
    parts = [
        rendering_hash(),
        values,
        repr(STUDIOS[clip.corpus]),
        repr(clip),
        [_weights_key(name) for name in clip.video],
    ]
    if settings.neural_voice:
        parts.append(_file_key(Path(settings.neural_voice)))
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _weights_key(forger: str) -> str:
    return _file_key(WEIGHTS / f"{forger}.safetensors")


def _file_key(path: Path) -> str:
    return _digest(path, path.stat().st_mtime_ns) if path.is_file() else ""


@lru_cache(maxsize=64)
def _digest(path: Path, changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def slug(path: str) -> str:
    """Return a flat, short, unique file name for a clip's record."""
    return f"{Path(path).stem[:60]}-{hashlib.sha256(path.encode()).hexdigest()[:12]}"


def record_of(settings, clip: Clip, frames, sound, mask, span) -> dict:
    """Return the ground truth of a clip as JSON values: people, generator, forged segments (seconds), text and sizes.

    ``span`` limits the forgery to a segment (seconds); ``audio_offset_frames`` is None if lips and audio do not belong
    together.
    """
    donor = clip.face_donor or clip.voice_donor
    if span:
        segments = [[round(t, 3) for t in span]]
    else:
        segments = [[0.0, round(len(frames) / fps_of(settings.fps, clip.corpus), 3)]] if clip.fake else []
    family = AUDIO_FAMILIES.get(clip.audio)
    elsewhen = family is not None and not family.in_time  # words that the filmed lips do not say, or not then
    mismatched = clip.audio == "own" if "wav2lip" in clip.video else elsewhen
    return {
        "path": clip.path,
        "source": "",
        "identity": make_identity(clip.shot.person).name,
        "donor": make_identity(donor.person).name if donor else "",
        "generator": clip.generator,
        "quality": clip.quality,
        "mask": "",
        "forged_segments": segments,
        "audio_offset_frames": None if mismatched or clip.audio == "none" else 0,
        "audio": clip.audio,
        "forged_audio": bool(clip.audio_generator),
        "audio_generator": clip.audio_generator,
        "wav": clip.extra.get("wav", ""),
        "split_hint": clip.split_hint,
        "person": clip.shot.person,
        "number": clip.shot.number,
        "text": speech_of(settings, clip.shot).text,
        "n_frames": len(frames),
        "n_samples": len(sound),
        "seconds": round(len(frames) / fps_of(settings.fps, clip.corpus), 3),
    }


def finished(root: Path, clip: Clip, settings: CorpusSettings) -> dict | None:
    """Return the record of a finished clip, None if the clip has to be made (again)."""
    path = root / "truth" / "records" / f"{slug(clip.path)}.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    files = [clip.path, *([clip.extra["wav"]] if "wav" in clip.extra else []), record.get("mask", "")]
    if record.get("key") != clip_key(settings, clip) or not all(
        (root / name).exists() for name in files if name
    ):
        return None
    return record


def remove_strangers(root: Path, clips: list[Clip], settings: CorpusSettings) -> None:
    """Remove clips that an earlier run with other settings left; only files that a record names."""
    wanted = {f"{slug(clip.path)}.json": clip for clip in clips}
    for path in sorted((root / "truth" / "records").glob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            record = {}
        if path.name in wanted and record.get("key") == clip_key(settings, wanted[path.name]):
            continue
        for name in (record.get("path"), record.get("mask"), record.get("wav")):
            victim = (root / name).resolve() if name else None
            if victim is None or not victim.is_relative_to(root.resolve()) or victim == root.resolve():
                continue
            if victim.is_dir():
                shutil.rmtree(victim)
            victim.unlink(missing_ok=True) if victim.is_file() else None
        path.unlink()


def write_tables(name: str, root: Path, clips: list[Clip], settings: CorpusSettings) -> None:
    """Write ``truth/truth.parquet`` and the dataset's own metadata of the finished corpus ``name`` below ``root``.

    Raises ``RuntimeError`` naming a clip that is missing.
    """
    records = {}
    for clip in clips:
        record = finished(root, clip, settings)
        if record is None:
            raise RuntimeError(f"{name}/{clip.path}: was made but is not there; run again")
        records[clip.path] = record
    reals = {clip.shot: clip.path for clip in clips if not clip.fake}
    rows = []
    for clip in clips:
        row = dict(records[clip.path])
        row["source"] = reals.get(clip.shot, "")
        row["forged_segments"] = json.dumps(row["forged_segments"])
        row.pop("key")
        rows.append(row)
    table = pd.DataFrame(rows)
    table["audio_offset_frames"] = table["audio_offset_frames"].astype("Float64")
    with atomic(root / "truth" / "truth.parquet") as temporary:
        table.to_parquet(temporary, index=False)
    write_metadata(name, root, clips, records)


def read_mask(path: Path) -> np.ndarray:
    """Return the mask of changed pixels (T, 64, 64) uint8 over the whole frame, from a file of ``truth/masks``."""
    with np.load(path, allow_pickle=False) as data:
        shape = tuple(int(x) for x in data["shape"])
        return np.unpackbits(data["packed"])[: int(np.prod(shape))].reshape(shape)


def read_masks(root: Path, clip_ids: list[str]) -> dict[str, np.ndarray]:
    """Return the masks of the named clips of a built-in corpus, by clip id, without those of unchanged clips."""
    truth = pd.read_parquet(root / "truth" / "truth.parquet").set_index("path")
    found = {}
    for clip in clip_ids:
        name = truth["mask"].get(clip, "")
        if name:
            found[clip] = read_mask(root / name)
    return found
