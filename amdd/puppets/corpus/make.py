"""The built-in corpora, written clip by clip: in parallel, resumable, the same bytes every time.

Work is grouped by recording: it is rendered once, encoded and decoded once (the first generation, as downloaded
videos have it), and every clip made from it, real or forged, starts from those decoded frames and is encoded
once more, at a rate that is drawn for each clip. The sound of every clip, forged or not, goes through one chain
too: dry speech, forged or not, then the recording's own room and level, then AAC.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from amdd.base.machine import one_thread
from amdd.base.paths import Workspace, atomic, write_text
from amdd.profiles import CorpusSettings, Profile
from amdd.puppets.corpus.layouts import NAMES, Clip, Shot, plan, write_metadata
from amdd.puppets.person.people import make_identity
from amdd.puppets.voice.motion import make_motion
from amdd.puppets.voice.sound import in_a_room
from amdd.puppets.voice.speech import Speech, talk
from amdd.puppets.voice.voices import voice_for

SAMPLE_RATE, WAV_RATE = 16_000, 32_000
MASK_SIDE = 64
DONOR_STEP = 4  # of a donor's recording every fourth frame is enough
EDGE = 0.012  # seconds of cross-fade where forged sound begins and ends
VERSION = 3  # raise it when the same settings give other clips


def make_corpora(
    profile: Profile, workspace: Workspace, progress: bool = True, only: tuple[str, ...] | None = None
) -> dict[str, Path]:
    """Write the built-in corpora of ``profile`` below ``workspace.corpora`` and return their roots by name.

    Finished clips are left alone; a killed run goes on where it stopped. Clips of other settings are removed.
    ``only`` names some of the corpora. Raises ``RuntimeError`` naming the clip that could not be made.
    """
    plans = plan(profile.corpus, tuple(only) if only else None)
    roots = {name: workspace.corpora / name for name in plans}
    jobs: list[tuple[Path, CorpusSettings, Shot, list[Clip]]] = []
    for name, clips in plans.items():
        _remove_strangers(roots[name], clips, profile.corpus)
        groups: dict[Shot, list[Clip]] = {}
        for clip in clips:
            if _finished(roots[name], clip, profile.corpus) is None:
                groups.setdefault(clip.shot, []).append(clip)
        jobs += [(roots[name], profile.corpus, shot, group) for shot, group in groups.items()]
    _run(jobs, profile.preparation.workers, progress)
    for name, clips in plans.items():
        _write_tables(name, roots[name], clips, profile.corpus)
    return roots


def clip_key(settings: CorpusSettings, clip: Clip) -> str:
    """A hash of everything on which a clip's bytes depend: how it is filmed, who is in it, its forgers' weights."""
    values = {
        n: getattr(settings, n)
        for n in ("seed", "seconds", "fps", "size", "crf", "bits_per_pixel", "bits_spread", "leading_silence")
    }
    parts = [VERSION, values, repr(clip), [_weights_key(name) for name in clip.video]]
    if settings.neural_voice:
        parts.append(_file_key(Path(settings.neural_voice)))
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _weights_key(forger: str) -> str:
    from amdd.puppets.forgers.base import WEIGHTS

    return _file_key(WEIGHTS / f"{forger}.safetensors")


def _file_key(path: Path) -> str:
    return _digest(path, path.stat().st_mtime_ns) if path.is_file() else ""


@lru_cache(maxsize=64)
def _digest(path: Path, changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _run(jobs: list, workers: int, progress: bool) -> None:
    from joblib import Parallel, delayed, parallel_config
    from tqdm import tqdm

    total = sum(len(job[-1]) for job in jobs)
    if not total:
        return
    workers = max(1, min(workers, len(jobs)))
    with tqdm(total=total, desc="PuppetAV", unit="clip", disable=not progress) as bar:
        if workers == 1:
            for job in jobs:
                bar.update(make_group(*job))
            return
        with parallel_config(backend="loky", inner_max_num_threads=1):
            pool = Parallel(n_jobs=workers, return_as="generator_unordered", pre_dispatch="2*n_jobs")
            for done in pool(delayed(make_group)(*job) for job in jobs):
                bar.update(done)


# --- one recording -------------------------------------------------------------------------------------------


def seeds(settings: CorpusSettings, shot: Shot, what: int) -> int:
    """The seed of one aspect of a recording, from names alone, so that order and processes do not matter."""
    words = [settings.seed, zlib.crc32(shot.corpus.encode()), shot.person, shot.number, what]
    return int(np.random.SeedSequence(words).generate_state(1)[0])


def speech_of(settings: CorpusSettings, shot: Shot) -> Speech:
    """What is said in a recording: dry, ``settings.seconds`` long."""
    rng = np.random.default_rng(seeds(settings, shot, 1))
    voice = voice_for(make_identity(shot.person), settings.neural_voice)
    return talk(voice, settings.seconds, rng, SAMPLE_RATE)


def frames_of(settings: CorpusSettings) -> int:
    return max(2, round(settings.seconds * settings.fps))


def record_shot(settings: CorpusSettings, shot: Shot, folder: Path, step: int = 1):
    """A recording as the first-generation file gives it back: a forgers' ``Source``; every ``step``-th frame."""
    from amdd.data.media import read_video, write_video
    from amdd.puppets.forgers.base import Source
    from amdd.puppets.person.render import render_clip
    from amdd.puppets.voice.motion import Motion

    identity, speech = make_identity(shot.person), speech_of(settings, shot)
    n = frames_of(settings)
    motion = make_motion(speech, seeds(settings, shot, 2), n, settings.fps)
    if step > 1:
        motion = Motion(*(getattr(motion, f.name)[::step] for f in dataclasses.fields(Motion)))
    camera = "timit" if shot.corpus == "puppet-timit" else "studio"
    rendered = render_clip(
        identity, motion, seeds(settings, shot, 3) % 2**31, size=settings.size, camera=camera
    )
    path = folder / "first.mp4"
    write_video(path, rendered.frames, fps=settings.fps, crf=settings.crf)
    frames = read_video(path).frames
    path.unlink()
    if frames.shape != rendered.frames.shape:
        raise RuntimeError(f"first generation came back as {frames.shape}, not {rendered.frames.shape}")
    sound = in_a_room(speech.audio, seeds(settings, shot, 4), SAMPLE_RATE)
    return Source(
        frames, rendered.landmarks, rendered.face_mask, sound, identity, SAMPLE_RATE, settings.fps / step
    )


def forge_sound(settings: CorpusSettings, clip: Clip, span: tuple[float, float] | None) -> np.ndarray:
    """The clip's dry sound (n,), forged as it says, within ``span`` seconds or all of it."""
    from amdd.puppets.forgers import vocoder, voice_conversion

    own = speech_of(settings, clip.shot).audio
    seed = seeds(settings, clip.shot, 5)
    if clip.audio in ("own", "none"):
        return own
    if clip.audio == "vocoder":
        new = vocoder.forge_audio(own, SAMPLE_RATE, None, seed)
    else:
        other = speech_of(settings, clip.voice_donor).audio
        if clip.audio == "donor":
            return other
        new = voice_conversion.forge_audio(other, SAMPLE_RATE, own, seed)
    if span is None:
        return new
    first, last = (round(t * SAMPLE_RATE) for t in span)
    share, ramp = np.zeros(len(own), np.float32), round(EDGE * SAMPLE_RATE)
    share[first:last] = 1
    share[first : first + ramp] = np.linspace(0, 1, ramp)
    share[last - ramp : last] = np.linspace(1, 0, ramp)
    level = np.sqrt(np.mean(own**2) / (np.mean(new**2) + 1e-9))
    return (own * (1 - share) + new * level * share).astype(np.float32)


def local_span(settings: CorpusSettings, shot: Shot) -> tuple[float, float]:
    """The short forged segment of a recording in LAV-DF's manner, on frame boundaries, in seconds."""
    rng = np.random.default_rng(seeds(settings, shot, 6))
    n = frames_of(settings)
    length = int(np.clip(round(rng.uniform(0.4, 1.2) * settings.fps), 2, max(2, n // 2)))
    first = int(rng.integers(n // 10, max(n // 10 + 1, n - length - n // 10)))
    return first / settings.fps, (first + length) / settings.fps


def make_group(root: Path, settings: CorpusSettings, shot: Shot, clips: list[Clip]) -> int:
    """Make the ``clips`` of one recording and return how many; called in worker processes."""
    with one_thread(), tempfile.TemporaryDirectory(prefix="puppets-") as name:
        folder = Path(name)
        source = record_shot(settings, shot, folder)
        kept: dict = {}  # donors, and the last forgery, which may be wanted at several compressions
        for clip in clips:
            try:
                _make_clip(root, settings, clip, source, folder, kept)
            except Exception as error:
                raise RuntimeError(f"{clip.corpus}/{clip.path}: {type(error).__name__}: {error}") from error
    return len(clips)


def _make_clip(root: Path, settings: CorpusSettings, clip: Clip, source, folder: Path, kept: dict) -> None:
    span = local_span(settings, clip.shot) if clip.local else None
    dry = forge_sound(settings, clip, span)
    if clip.fake and settings.leading_silence > 0 and clip.corpus == settings.train:
        rng = np.random.default_rng(seeds(settings, clip.shot, 7))
        lead = round(rng.uniform(0.3, 1.0) * settings.leading_silence * SAMPLE_RATE)
    else:
        lead = 0
    sound = (
        source.audio if clip.audio == "own" else in_a_room(dry, seeds(settings, clip.shot, 4), SAMPLE_RATE)
    )
    if lead:
        sound = np.concatenate([np.zeros(lead, np.float32), sound])[: len(sound)]
    what = (clip.video, clip.face_donor, clip.voice_donor, clip.audio)
    if kept.get("what") != what:
        kept["what"], kept["made"] = what, _forge_picture(settings, clip, source, dry, span, folder, kept)
    frames, mask = kept["made"]
    target = root / clip.path
    heard = None if clip.audio == "none" else sound
    _write(target, clip, settings, frames, heard, root)
    record = _record(settings, clip, frames, sound, mask, span)
    if mask is not None:
        record["mask"] = f"truth/masks/{_slug(clip.path)}.npz"
        with atomic(root / record["mask"]) as temporary:
            np.savez_compressed(temporary, packed=np.packbits(mask), shape=np.array(mask.shape, np.int64))
    record["key"] = clip_key(settings, clip)
    write_text(root / "truth" / "records" / f"{_slug(clip.path)}.json", json.dumps(record, indent=1))


def _forge_picture(settings, clip: Clip, source, dry: np.ndarray, span, folder: Path, kept: dict):
    """Frames (T, H, W, 3) and the mask (T, 64, 64) of what was changed, or None where nothing was."""
    from amdd.puppets.forgers.registry import FORGERS

    if not clip.video:
        return source.frames, None
    now, changed = source, np.zeros(source.face_mask.shape, np.uint8)
    for forger in clip.video:
        extra = {}
        if forger == "wav2lip":
            # Clips whose own sound is kept had their lips driven by another's words (LAV-DF's video side).
            spoken = speech_of(settings, clip.voice_donor).audio if clip.audio == "own" else dry
            spoken = in_a_room(spoken, seeds(settings, clip.shot, 4), SAMPLE_RATE)
            donor, extra = None, {"segments": (span,)} if span else {}
        else:
            if clip.face_donor not in kept:
                kept[clip.face_donor] = record_shot(settings, clip.face_donor, folder, DONOR_STEP)
            spoken, donor = None, kept[clip.face_donor]
        forged = FORGERS[forger](now, donor, spoken, seeds(settings, clip.shot, 8), **extra)
        now = dataclasses.replace(now, frames=forged.frames)
        changed |= forged.mask.astype(np.uint8)
    return now.frames, _small(changed)


def _small(mask: np.ndarray) -> np.ndarray:
    import cv2

    side = (MASK_SIDE, MASK_SIDE)
    return np.stack([cv2.resize(m * 255, side, interpolation=cv2.INTER_AREA) > 63 for m in mask]).astype(
        np.uint8
    )


def _write(target: Path, clip: Clip, settings: CorpusSettings, frames: np.ndarray, sound, root: Path) -> None:
    from amdd.data.media import write_video, write_wav

    if clip.corpus == "puppet-timit":
        from scipy.signal import resample_poly

        wide = resample_poly(sound, WAV_RATE // SAMPLE_RATE, 1).astype(np.float32)
        write_wav(root / clip.extra["wav"], wide, WAV_RATE)
        if not clip.fake:
            _write_pictures(target, frames, settings, _bit_rate(settings, clip))
            return
        write_video(target, frames, fps=settings.fps, bit_rate=_bit_rate(settings, clip))
        return
    rate = None if "crf" in clip.extra else _bit_rate(settings, clip)
    crf = clip.extra.get("crf", settings.crf)
    write_video(
        target, frames, fps=settings.fps, audio=sound, sample_rate=SAMPLE_RATE, crf=crf, bit_rate=rate
    )


def _bit_rate(settings: CorpusSettings, clip: Clip) -> int:
    """Bits a second of a clip's picture, drawn for each clip, forged or not.

    What was forged compresses better than what was filmed, so at one quality for all the size of the file would
    give fakes away; at a rate that has nothing to do with the content it can't.
    """
    rng = np.random.default_rng([seeds(settings, clip.shot, 9), zlib.crc32(clip.path.encode())])
    spread = np.exp(rng.uniform(-settings.bits_spread, settings.bits_spread))
    return round(settings.bits_per_pixel * settings.size**2 * settings.fps * spread)


def _write_pictures(folder: Path, frames: np.ndarray, settings: CorpusSettings, rate: int) -> None:
    """JPEG frames ``001``, ``002``, … without a suffix, after the second encoding that the swaps have too."""
    import cv2

    from amdd.data.media import read_video, write_video

    with tempfile.TemporaryDirectory(prefix="puppets-") as name:
        path = Path(name) / "second.avi"
        write_video(path, frames, fps=settings.fps, bit_rate=rate)
        frames = read_video(path).frames
    for i, frame in enumerate(frames, 1):
        good, data = cv2.imencode(".jpg", frame[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 96])
        if not good:
            raise RuntimeError(f"frame {i} could not be encoded as JPEG")
        with atomic(folder / f"{i:03d}") as temporary:
            temporary.write_bytes(data.tobytes())


# --- records and tables --------------------------------------------------------------------------------------


def _slug(path: str) -> str:
    """A flat, short, unique file name for a clip's record."""
    return f"{Path(path).stem[:60]}-{hashlib.sha256(path.encode()).hexdigest()[:12]}"


def _record(settings, clip: Clip, frames, sound, mask, span) -> dict:
    donor = clip.face_donor or clip.voice_donor
    changed_sound = clip.audio in ("converted", "vocoder")
    if span:
        segments = [[round(t, 3) for t in span]]
    else:
        segments = [[0.0, round(len(frames) / settings.fps, 3)]] if clip.fake else []
    mismatched = (clip.audio == "converted" and "wav2lip" not in clip.video) or (
        clip.audio == "own" and "wav2lip" in clip.video
    )
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
        "forged_audio": changed_sound,
        "wav": clip.extra.get("wav", ""),
        "split_hint": clip.split_hint,
        "person": clip.shot.person,
        "number": clip.shot.number,
        "text": speech_of(settings, clip.shot).text,
        "n_frames": len(frames),
        "n_samples": len(sound),
        "seconds": round(len(frames) / settings.fps, 3),
    }


def _finished(root: Path, clip: Clip, settings: CorpusSettings) -> dict | None:
    """The record of a finished clip, or None where it has to be made."""
    path = root / "truth" / "records" / f"{_slug(clip.path)}.json"
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


def _remove_strangers(root: Path, clips: list[Clip], settings: CorpusSettings) -> None:
    """Remove clips that an earlier run with other settings left; only files that a record names."""
    import shutil

    wanted = {f"{_slug(clip.path)}.json": clip for clip in clips}
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


def _write_tables(name: str, root: Path, clips: list[Clip], settings: CorpusSettings) -> None:
    import pandas as pd

    records = {}
    for clip in clips:
        record = _finished(root, clip, settings)
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


__all__ = ["NAMES", "make_corpora", "make_group", "record_shot", "speech_of"]


def read_mask(path: Path) -> np.ndarray:
    """The mask of changed pixels (T, 64, 64) uint8 over the whole frame, from one of ``truth/masks``."""
    with np.load(path, allow_pickle=False) as data:
        if "packed" not in data.files:
            return data["mask"].astype(np.uint8)
        shape = tuple(int(x) for x in data["shape"])
        return np.unpackbits(data["packed"])[: int(np.prod(shape))].reshape(shape)


def read_masks(root: Path, clip_ids: list[str]) -> dict[str, np.ndarray]:
    """Masks of the named clips of a built-in corpus, by clip id; those that were not changed are missing."""
    import pandas as pd

    truth = pd.read_parquet(root / "truth" / "truth.parquet").set_index("path")
    found = {}
    for clip in clip_ids:
        name = truth["mask"].get(clip, "")
        if name:
            found[clip] = read_mask(root / name)
    return found
