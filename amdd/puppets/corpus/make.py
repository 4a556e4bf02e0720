"""Generation of the built-in corpora, clip by clip: parallel, resumable, deterministic to the byte.

Work is grouped by recording: it is rendered once, encoded and decoded once (the first generation, as downloaded
videos have it), and every clip made from it, real or forged, starts from those decoded frames and is encoded
once more, at a rate that is drawn for each clip. The audio of every clip, forged or not, goes through one chain
too: dry speech, forged or not, then the recording's own room and level, then AAC.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path

import cv2
import numpy as np
from joblib import Parallel, delayed, parallel_config
from tqdm import tqdm

from amdd.base.machine import one_thread
from amdd.base.paths import Workspace, atomic, remove_parts, write_text
from amdd.profiles import CorpusSettings, Profile
from amdd.puppets.corpus.encode import write_clip
from amdd.puppets.corpus.layouts import Clip, Shot
from amdd.puppets.corpus.plans import NAMES, plan
from amdd.puppets.corpus.record import (
    SAMPLE_RATE,
    forge_audio,
    local_span,
    record_shot,
    seeds,
    speech_of,
)
from amdd.puppets.corpus.truth import (
    clip_key,
    finished,
    read_mask,
    read_masks,
    record_of,
    remove_strangers,
    slug,
    write_tables,
)
from amdd.puppets.forgers.registry import FORGERS
from amdd.puppets.voice.sound import in_a_room

MASK_SIDE = 64
DONOR_STEP = 4  # of a donor's recording every fourth frame is enough

__all__ = ["NAMES", "make_corpora", "make_group", "read_mask", "read_masks", "record_shot", "speech_of"]


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
        remove_strangers(roots[name], clips, profile.corpus)
        remove_parts(roots[name])
        groups: dict[Shot, list[Clip]] = {}
        for clip in clips:
            if finished(roots[name], clip, profile.corpus) is None:
                groups.setdefault(clip.shot, []).append(clip)
        jobs += [(roots[name], profile.corpus, shot, group) for shot, group in groups.items()]
    _run(jobs, profile.preparation.workers, progress)
    for name, clips in plans.items():
        write_tables(name, roots[name], clips, profile.corpus)
    return roots


def _run(jobs: list, workers: int, progress: bool) -> None:
    total = sum(len(job[-1]) for job in jobs)
    if not total:
        return
    workers = max(1, min(workers, len(jobs)))
    with (
        tqdm(total=total, desc="PuppetAV", unit="clip", disable=not progress) as bar,
        tempfile.TemporaryDirectory(prefix="puppets-") as donors,
    ):
        jobs = [(*job, Path(donors)) for job in jobs]
        if workers == 1:
            for job in jobs:
                bar.update(make_group(*job))
            return
        with parallel_config(backend="loky", inner_max_num_threads=1):
            pool = Parallel(n_jobs=workers, return_as="generator_unordered", pre_dispatch="2*n_jobs")
            for done in pool(delayed(make_group)(*job) for job in jobs):
                bar.update(done)


# --- one recording -------------------------------------------------------------------------------------------


def make_group(
    root: Path, settings: CorpusSettings, shot: Shot, clips: list[Clip], donors: Path | None = None
) -> int:
    """Make the ``clips`` of the recording ``shot`` below ``root`` and return their number; runs in worker processes.

    Recordings of donors are kept in the folder ``donors``, for other groups of the same settings. Raises
    ``RuntimeError`` naming the clip that could not be made.
    """
    with one_thread(), tempfile.TemporaryDirectory(prefix="puppets-") as name:
        folder = Path(name)
        source = record_shot(settings, shot, folder)
        kept: dict = {}  # donors, and the last forgery, which may be wanted at several compressions
        for clip in clips:
            try:
                _make_clip(root, settings, clip, source, donors or folder, kept)
            except Exception as error:
                raise RuntimeError(f"{clip.corpus}/{clip.path}: {type(error).__name__}: {error}") from error
    return len(clips)


def _make_clip(root: Path, settings: CorpusSettings, clip: Clip, source, donors: Path, kept: dict) -> None:
    span = local_span(settings, clip.shot) if clip.local else None
    dry = forge_audio(settings, clip, span)
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
        kept["what"], kept["made"] = what, _forge_picture(settings, clip, source, dry, span, donors, kept)
    frames, mask = kept["made"]
    target = root / clip.path
    heard = None if clip.audio == "none" else sound
    write_clip(target, clip, settings, frames, heard, root)
    record = record_of(settings, clip, frames, sound, mask, span)
    if mask is not None:
        record["mask"] = f"truth/masks/{slug(clip.path)}.npz"
        with atomic(root / record["mask"]) as temporary:
            np.savez_compressed(temporary, packed=np.packbits(mask), shape=np.array(mask.shape, np.int64))
    record["key"] = clip_key(settings, clip)
    write_text(root / "truth" / "records" / f"{slug(clip.path)}.json", json.dumps(record, indent=1))


def _forge_picture(settings, clip: Clip, source, dry: np.ndarray, span, donors: Path, kept: dict):
    """Return frames (T, H, W, 3) uint8 and the mask (T, 64, 64) of changed pixels, None if nothing was changed."""
    if not clip.video:
        return source.frames, None
    now, changed = source, np.zeros(source.face_mask.shape, np.uint8)
    for forger in clip.video:
        extra = {}
        if forger == "wav2lip":
            # Clips whose own audio is kept had their lips driven by another's words (LAV-DF's video side).
            spoken = speech_of(settings, clip.voice_donor).audio if clip.audio == "own" else dry
            spoken = in_a_room(spoken, seeds(settings, clip.shot, 4), SAMPLE_RATE)
            donor, extra = None, {"segments": (span,)} if span else {}
        else:
            if clip.face_donor not in kept:
                kept[clip.face_donor] = record_shot(settings, clip.face_donor, donors, DONOR_STEP, keep=True)
            spoken, donor = None, kept[clip.face_donor]
        forged = FORGERS[forger](now, donor, spoken, seeds(settings, clip.shot, 8), **extra)
        now = dataclasses.replace(now, frames=forged.frames)
        changed |= forged.mask.astype(np.uint8)
    return now.frames, _small(changed)


def _small(mask: np.ndarray) -> np.ndarray:
    side = (MASK_SIDE, MASK_SIDE)
    return np.stack([cv2.resize(m * 255, side, interpolation=cv2.INTER_AREA) > 63 for m in mask]).astype(
        np.uint8
    )
