"""The rendered people that the forgers learn from. They are in no corpus: their seeds begin at 1,000,000."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
from joblib import Parallel, delayed
from tqdm import tqdm

from amdd.base.paths import atomic
from amdd.puppets.code import RENDERING, rendering_hash
from amdd.puppets.forgers import align
from amdd.puppets.forgers.features import mel_windows
from amdd.puppets.person.people import make_identity
from amdd.puppets.person.render import render_clip
from amdd.puppets.voice.motion import make_motion
from amdd.puppets.voice.speech import talk
from amdd.puppets.voice.voices import voice_for

FIRST_SEED = 1_000_000
SIZE = 128  # the stored crops


def training_clip(
    seed: int, scene: int, n_frames: int, step: int = 1, by: np.ndarray = align.STABLE
) -> dict[str, np.ndarray]:
    """One rendered clip, of which every ``step``-th frame is taken, as crops (T, 128, 128, 3) aligned ``by`` some of
    the landmarks, and their landmarks, masks and mel windows."""
    identity = make_identity(FIRST_SEED + seed)
    rng = np.random.default_rng(np.random.SeedSequence([601, seed, scene]))
    length = n_frames * step
    # The synthesisers of both kinds of corpora: the lips are to follow either.
    engine = "espeak" if seed % 3 == 2 else "bank"
    speech = talk(voice_for(identity, engine=engine), length / 25.0 + 0.2, rng)
    motion = make_motion(speech, 7 * seed + scene, length)
    motion = type(motion)(*(getattr(motion, f.name)[::step] for f in fields(motion)))
    # Wider turns than in the corpora, so that the networks have seen what they will meet.
    motion = replace(motion, pose=motion.pose * np.array([1.35, 1.5, 1.4], np.float32))
    clip = render_clip(identity, motion, 31 * seed + scene)
    matrices = align.crop_matrices(clip.landmarks, SIZE, by)
    return {
        "crops": align.crop(clip.frames, matrices, SIZE),
        "masks": align.crop(clip.face_mask, matrices, SIZE, cv2.INTER_NEAREST),
        "landmarks": align.move(clip.landmarks, matrices).astype(np.float32),
        "mel": mel_windows(speech.audio, length)[::step].astype(np.float16),
    }


def dataset(
    identities: int, scenes: int, n_frames: int, step: int, cache: Path, speech: bool = False
) -> dict[str, np.ndarray]:
    """All training clips stacked (identities, scenes, T, ...), rendered once and kept in ``cache``. For ``speech``
    the crops are placed by what does not move with the mouth."""
    kind = "lips" if speech else "forgers"
    path = cache / f"{kind}-{identities}x{scenes}x{n_frames}by{step}-{rendering_hash(RENDERING)}.npz"
    by = align.RIGID if speech else align.STABLE
    if not path.exists():
        jobs = [(i, s) for i in range(identities) for s in range(scenes)]
        run = Parallel(n_jobs=-1, return_as="generator")(
            delayed(training_clip)(i, s, n_frames, step, by) for i, s in jobs
        )
        clips = list(tqdm(run, total=len(jobs), desc="rendering training people", mininterval=5))
        stacked = {
            k: np.stack([c[k] for c in clips]).reshape(identities, scenes, n_frames, *clips[0][k].shape[1:])
            for k in clips[0]
        }
        with atomic(path) as temporary:
            np.savez(temporary, **stacked)
    with np.load(path, allow_pickle=False) as data:
        return {key: data[key] for key in data.files}
