"""Evidence behind an answer, as data addresses: the clip with the tracked face, telling frames, spectrogram, crops."""

from __future__ import annotations

import base64
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from amdd.analysis.frame_scores import frame_scores
from amdd.analysis.gradcam import gradcam
from amdd.data.media import read_video, write_video
from amdd.inspect.answer import Inspection, Person, Window
from amdd.inspect.clip import Clip, Piece, WindowStore, open_clip, read_window
from amdd.inspect.faces import Track, overlap
from amdd.inspect.weights import Scorer

SIDE = 420  # pixels of the longer side of the shown clip
RATE = 12  # its frames a second at most
TELLING = 4  # frames with Grad-CAM


@dataclass(frozen=True)
class Frame:
    """One frame that the network saw: addresses of its crop and of the crop under its Grad-CAM map."""

    seconds: float
    score: float
    crop: str
    heat: str


@dataclass(frozen=True)
class Evidence:
    """Pictures and texts that a report shows of one face; texts are data addresses, "" where there is nothing."""

    window: Window
    clip: str
    poster: str
    frames: tuple[Frame, ...]
    telling: tuple[Frame, ...]
    spectrogram: str
    looked_at: str


def jpeg(picture: np.ndarray, quality: int = 82) -> str:
    """Return an image uint8 (H, W, 3), RGB, as a data address."""
    good, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not good:
        raise ValueError("an image could not be encoded")
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"


def evidence_of(
    found: Inspection, person: Person, path: str | Path, scorer: Scorer, network: bool = True
) -> Evidence:
    """Decode the most telling window of ``person`` again and draw what the answer rests on.

    ``network`` is false for a detector that is not one of ours: then there are no maps and no scores of single frames.
    """
    clip, settings = open_clip(path), scorer.run.profile.preparation
    window = telling_window(person)
    piece = read_window(clip, settings, window.start)
    track = _nearest(piece, person)
    store = WindowStore(settings, [(piece, track)])
    if network:
        scores, heat = frame_scores(scorer.run, store, 0), gradcam(scorer.run, store, 0)
        ear = gradcam(scorer.run, store, 0, branch="audio") if piece.has_audio else None
    else:
        scores, heat, ear = np.full(len(track.crops), np.nan), None, None
    frames = tuple(
        Frame(
            float(piece.times[k]),
            float(scores[k]),
            jpeg(_large(crop)),
            jpeg(under(_large(crop), heat[k])) if heat is not None else "",
        )
        for k, crop in enumerate(track.crops)
    )
    order = sorted(range(len(frames)), key=lambda k: -abs(frames[k].score - 0.5))
    telling = tuple(frames[k] for k in sorted(order[:TELLING])) if network else ()
    plain = spectrogram(piece.mel) if piece.has_audio else ""
    looked = spectrogram(piece.mel, ear[0]) if ear is not None and ear.max() > 0 else ""
    return Evidence(window, *shown_clip(clip, piece, track, window), frames, telling, plain, looked)


def telling_window(person: Person) -> Window:
    """Return the window that speaks most for the answer: the highest probability, for a real clip the lowest."""
    ranked = sorted(person.windows, key=lambda w: w.probability)
    return ranked[0] if person.probability < 0.5 else ranked[-1]


def _nearest(piece: Piece, person: Person) -> Track:
    if not piece.tracks:
        raise ValueError("the window holds no face any more; was the file changed?")
    box = np.array(person.box)
    return max(piece.tracks, key=lambda track: max(overlap(b, box) for b in track.boxes))


def _large(crop: np.ndarray, side: int = 224) -> np.ndarray:
    return cv2.resize(crop, (side, side), interpolation=cv2.INTER_CUBIC)


def under(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Return an image (H, W, 3) under a map (h, w) in [0, 1], the hotter the more opaque."""
    height, width = picture.shape[:2]
    large = np.clip(cv2.resize(heat.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)
    colours = cv2.applyColorMap((large * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    alpha = 0.75 * large[..., None]
    return (picture * (1 - alpha) + colours * alpha).astype(np.uint8)


def spectrogram(mel: np.ndarray, heat: np.ndarray | None = None) -> str:
    """Return a spectrogram (1, M, F) in [-1, 1], low bands below, as a data address; under a map where one is given."""
    grey = np.clip((np.asarray(mel[0], np.float32)[::-1] + 1) * 127.5, 0, 255).astype(np.uint8)
    large = cv2.resize(grey, (640, 200), interpolation=cv2.INTER_NEAREST)
    if heat is None:
        return jpeg(cv2.applyColorMap(large, cv2.COLORMAP_CIVIDIS)[..., ::-1])
    return jpeg(under(np.repeat(large[..., None], 3, 2), heat[::-1]))


def shown_clip(clip: Clip, piece: Piece, track: Track, window: Window) -> tuple[str, str]:
    """Return the window as a small H.264 clip with the face framed and its audio, and its middle frame, as data addresses."""
    length = max(window.end - window.start, 0.1)
    rate = max(1, min(RATE, round(clip.timeline.fps)))
    instants = window.start + (np.arange(max(1, round(length * rate))) + 0.5) / rate
    video = read_video(clip.path, clip.timeline.frames_at(instants), timeline=clip.timeline)
    height, width = video.frames.shape[1:3]
    scale = min(1.0, SIDE / max(height, width))
    size = max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)
    frames = []
    for at, frame in zip(instants, video.frames):
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        box = [np.interp(at, piece.times, track.boxes[:, k]) * scale for k in range(4)]
        corners = [(round(box[0]), round(box[1])), (round(box[2]), round(box[3]))]
        cv2.rectangle(small, *corners, (255, 255, 255), 3)
        cv2.rectangle(small, *corners, (0, 0, 0), 1)
        frames.append(small)
    with tempfile.TemporaryDirectory(prefix="amdd-") as folder:
        file = write_video(Path(folder) / "clip.mp4", np.stack(frames), rate, piece.audio)
        data = base64.b64encode(file.read_bytes()).decode()
    return f"data:video/mp4;base64,{data}", jpeg(frames[len(frames) // 2])
