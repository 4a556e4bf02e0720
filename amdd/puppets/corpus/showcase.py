"""Clips of a corpus as images: one person and the forgeries of that person."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from amdd.data.media import MediaError, read_audio, read_video
from amdd.data.prepare import ClipStore
from amdd.figures.exhibit import Exhibit
from amdd.figures.pictures import beside_its_source
from amdd.figures.spoken import spoken_strip
from amdd.profiles import CorpusSettings
from amdd.puppets.corpus.layouts import Shot
from amdd.puppets.corpus.make import read_masks, speech_of


def one_of_each(test: pd.DataFrame, kinds: list[str]) -> pd.DataFrame:
    """Return one test clip of each class in ``kinds``, of one person if there is a person with all of them; classes
    without a clip are left out."""
    complete = test.groupby("identity").generator.agg(lambda g: set(kinds) <= set(g))
    people = sorted(complete.index[complete])
    chosen = test[test.identity == people[len(people) // 2]] if people else test
    parts = [chosen[chosen.generator == kind].head(1) for kind in kinds]
    return pd.concat(parts)


def best_shown(
    test: pd.DataFrame, kinds: list[str], root: Path | None = None, count: int = 3
) -> dict[str, np.ndarray]:
    """Return ``count`` people, a row of frames (K, H, W, 3) each: one frame of the same recording in every class of
    ``kinds``.

    The rule knows no detector. Of the people with a clip of every class, those whose real frame has the highest contrast
    in its middle, of different groups as far as the table names them; of each, the frame in which the forgeries differ
    most from the real one. ``root`` is a built-in corpus, whose truth table says which clips are of one recording.
    """
    truth = truth_of(root) if root else None
    found = []
    for person, clips in test.groupby("identity", sort=True):
        recording = (
            truth.number.reindex(clips.clip_id).to_numpy() if truth is not None else np.zeros(len(clips))
        )
        for _, part in clips.groupby(recording):
            first = part.drop_duplicates("generator").set_index("generator")
            if set(kinds) <= set(first.index):
                found.append((str(person), first.loc[kinds].reset_index()))
                break
    rows = []
    for person, clips in found[:40]:
        try:
            n = min(read_video(v, [0]).n_frames for v in clips.video)
            films = [read_video(v, np.linspace(0, n - 1, 7).astype(int)).frames for v in clips.video]
        except MediaError:
            continue  # preparation reports it
        if len({f.shape for f in films}) > 1:
            continue
        frames = np.stack(films)
        apart = np.abs(frames[1:].astype(np.float32) - frames[:1]).mean((0, 2, 3, 4))
        at = int(np.argmax(apart))
        side = frames.shape[2]
        middle = frames[0, at, side // 4 : 3 * side // 4, side // 4 : 3 * side // 4].mean(2)
        group = str(clips.iloc[0].get("group", ""))
        rows.append((float(middle.std()), group or person, person, frames[:, at]))
    rows.sort(key=lambda row: -row[0])
    chosen: list = []
    for fresh in (True, False):  # first people of groups that are not shown yet
        for row in rows:
            new = all(row[1] != c[1] for c in chosen) if fresh else all(row is not c for c in chosen)
            if len(chosen) < count and new:
                chosen.append(row)
    return {person: frames for _, _, person, frames in chosen}


def strips(clips: pd.DataFrame, frames: int = 6) -> dict[str, np.ndarray]:
    """Return ``frames`` frames, evenly spread over the clip, of each of ``clips``, by class."""
    found = {}
    for clip in clips.itertuples():
        n = read_video(clip.video, [0]).n_frames
        found[clip.generator] = read_video(
            clip.video, np.linspace(0, max(n - 1, 0), frames).astype(int)
        ).frames
    return found


def truth_of(root: Path) -> pd.DataFrame:
    """Return what is known about the clips of a built-in corpus, by clip id."""
    return pd.read_parquet(root / "truth" / "truth.parquet").set_index("path")


def forgeries_beside(clips: pd.DataFrame, test: pd.DataFrame, root: Path) -> dict[str, np.ndarray]:
    """Return, for each forged clip, one frame: source, forgery, difference and mask (see
    :func:`amdd.figures.pictures.beside_its_source`)."""
    truth, found = truth_of(root), {}
    for clip in clips[clips.label == 1].itertuples():
        source = test[test.clip_id == truth.source[clip.clip_id]]
        mask = read_masks(root, [clip.clip_id]).get(clip.clip_id)
        if len(source) and mask is not None:
            at = len(mask) // 2
            pair = [read_video(v, [at]).frames[0] for v in (clip.video, source.video.iloc[0])]
            found[clip.generator] = beside_its_source(*pair, mask[at])
    return found


def spoken(clip: pd.Series, root: Path, settings: CorpusSettings, frames: int = 9) -> Exhibit:
    """Return frames of a built-in clip over its waveform and the phonemes that drive the lips."""
    made = truth_of(root).loc[clip.clip_id]
    speech = speech_of(settings, Shot(settings.train, int(made.person), int(made.number)))
    phonemes = [(p.symbol, p.start, p.end) for p in speech.phonemes]
    shown = read_video(clip.video, np.linspace(0, made.n_frames - 1, frames).astype(int)).frames
    return spoken_strip(shown, read_audio(clip.audio or clip.video), made.seconds, phonemes, made.text)


def inputs_of(prepared: ClipStore, clips: pd.DataFrame, most: int = 8) -> tuple[Mapping, Mapping]:
    """Return face crops and spectrograms of ``clips`` as the network receives them, by class; clips whose preparation
    failed are left out."""
    crops, mels = {}, {}
    for clip in clips.itertuples():
        rows = np.flatnonzero((prepared.manifest.clip_id == clip.clip_id).to_numpy())
        if len(rows):
            crops[clip.generator] = np.asarray(prepared.frames(int(rows[0])))[:most]
            mels[clip.generator] = np.asarray(prepared.mel(int(rows[0])), np.float32)[0]
    return crops, mels
