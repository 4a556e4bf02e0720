"""One recording: seeds, speech, frames after the first encoding, and audio, real or forged."""

from __future__ import annotations

import dataclasses
import zlib
from pathlib import Path

import numpy as np

from amdd.base.paths import atomic
from amdd.data.media import read_video, write_video
from amdd.profiles import CorpusSettings
from amdd.puppets.corpus.layouts import Clip, Shot
from amdd.puppets.corpus.studios import STUDIOS, fps_of, speech_engine
from amdd.puppets.forgers.audio_families import AUDIO_FAMILIES, Order, forge
from amdd.puppets.forgers.base import Source
from amdd.puppets.person.people import make_identity
from amdd.puppets.person.render import render_clip
from amdd.puppets.voice.motion import Motion, make_motion
from amdd.puppets.voice.sound import in_a_room
from amdd.puppets.voice.speech import Speech, talk
from amdd.puppets.voice.voices import voice_for

SAMPLE_RATE = 16_000
EDGE = 0.012  # seconds of cross-fade where forged audio begins and ends


def seeds(settings: CorpusSettings, shot: Shot, what: int) -> int:
    """Return the seed of one aspect of a recording, from names alone, so that order and processes do not matter."""
    words = [settings.seed, zlib.crc32(shot.corpus.encode()), shot.person, shot.number, what]
    return int(np.random.SeedSequence(words).generate_state(1)[0])


def speech_of(settings: CorpusSettings, shot: Shot) -> Speech:
    """Return the speech of a recording: dry, ``settings.seconds`` long, by the engine of its corpus."""
    rng = np.random.default_rng(seeds(settings, shot, 1))
    engine = speech_engine(settings, shot.corpus)
    voice = voice_for(make_identity(shot.person), settings.neural_voice, engine)
    return talk(voice, settings.seconds, rng, SAMPLE_RATE)


def frames_of(settings: CorpusSettings, corpus: str) -> int:
    """Return the number of frames of a recording for ``corpus``, at least two."""
    return max(2, round(settings.seconds * fps_of(settings.fps, corpus)))


def record_shot(
    settings: CorpusSettings, shot: Shot, folder: Path, step: int = 1, keep: bool = False
) -> Source:
    """Return the recording ``shot`` as a generators' ``Source``: rendered, encoded and decoded once, by way of ``folder``.

    Only every ``step``-th frame is rendered. With ``keep`` the film stays in ``folder`` and is used again, also by other
    processes; ``settings`` must be the same then. Raises ``RuntimeError`` if the file decodes to another shape.
    """
    identity, speech = make_identity(shot.person), speech_of(settings, shot)
    fps = fps_of(settings.fps, shot.corpus)
    path = folder / f"{shot.corpus}-{shot.person}-{shot.number}-{step}.mp4"
    known = path.with_suffix(".npz")
    if not (keep and known.exists()):
        landmarks, masks = _film(settings, shot, identity, speech, step, path)
        with atomic(known) as temporary:
            np.savez(temporary, landmarks=landmarks, masks=np.packbits(masks), shape=np.array(masks.shape))
    with np.load(known, allow_pickle=False) as data:
        landmarks, shape = data["landmarks"], tuple(data["shape"])
        masks = np.unpackbits(data["masks"], count=int(np.prod(shape))).reshape(shape)
    frames = read_video(path).frames
    if not keep:
        path.unlink()
        known.unlink()
    if frames.shape != (*shape, 3):
        raise RuntimeError(f"first generation came back as {frames.shape}, not {(*shape, 3)}")
    sound = in_a_room(speech.audio, seeds(settings, shot, 4), SAMPLE_RATE)
    return Source(frames, landmarks, masks, sound, identity, SAMPLE_RATE, fps / step)


def _film(settings: CorpusSettings, shot: Shot, identity, speech: Speech, step: int, path: Path):
    """Render ``shot`` to the file ``path``; return landmarks (T, 68, 2) and face masks (T, H, W)."""
    fps, studio = fps_of(settings.fps, shot.corpus), STUDIOS[shot.corpus]
    motion = make_motion(speech, seeds(settings, shot, 2), frames_of(settings, shot.corpus), fps)
    if step > 1:
        motion = Motion(*(getattr(motion, f.name)[::step] for f in dataclasses.fields(Motion)))
    rendered = render_clip(
        identity, motion, seeds(settings, shot, 3) % 2**31, size=settings.size, camera=studio.camera
    )
    crf = settings.crf if studio.first_crf is None else studio.first_crf
    with atomic(path) as temporary:
        write_video(temporary, rendered.frames, fps=fps, crf=crf)
    return rendered.landmarks, rendered.face_mask


def forge_audio(settings: CorpusSettings, clip: Clip, span: tuple[float, float] | None) -> np.ndarray:
    """Return the clip's dry audio (n,), forged as ``clip.audio`` says, within ``span`` (seconds) or throughout."""
    if clip.audio == "donor":
        return speech_of(settings, clip.voice_donor).audio
    own = speech_of(settings, clip.shot).audio
    if clip.audio in ("own", "none"):
        return own
    new = by_family(settings, clip.audio, clip.shot, clip.voice_donor)
    if span is None:
        return new
    first, last = (round(t * SAMPLE_RATE) for t in span)
    share, ramp = np.zeros(len(own), np.float32), round(EDGE * SAMPLE_RATE)
    share[first:last] = 1
    share[first : first + ramp] = np.linspace(0, 1, ramp)
    share[last - ramp : last] = np.linspace(1, 0, ramp)
    level = np.sqrt(np.mean(own**2) / (np.mean(new**2) + 1e-9))
    return (own * (1 - share) + new * level * share).astype(np.float32)


def by_family(settings: CorpusSettings, family: str, shot: Shot, donor: Shot | None) -> np.ndarray:
    """Return the dry audio (n,) of a recording forged by ``family``; ``donor`` is heard by families that take his words."""
    own = speech_of(settings, shot)
    words = AUDIO_FAMILIES[family].words if family in AUDIO_FAMILIES else ""
    other = speech_of(settings, donor) if words == "donor" and donor else None
    return forge(family, Order(own, other, make_identity(shot.person), seeds(settings, shot, 5)))


def local_span(settings: CorpusSettings, shot: Shot) -> tuple[float, float]:
    """Return start and end in seconds of a recording's short forged segment (as in LAV-DF), on frame boundaries."""
    rng = np.random.default_rng(seeds(settings, shot, 6))
    n, fps = frames_of(settings, shot.corpus), fps_of(settings.fps, shot.corpus)
    length = int(np.clip(round(rng.uniform(0.4, 1.2) * fps), 2, max(2, n // 2)))
    first = int(rng.integers(n // 10, max(n // 10 + 1, n - length - n // 10)))
    return first / fps, (first + length) / fps
