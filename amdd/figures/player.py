"""A player for a few clips with the score of each frame under the image; one piece of HTML, nothing is loaded."""

from __future__ import annotations

import base64
import io

import av
import cv2
import numpy as np
import pandas as pd

from amdd.analysis.media import Played
from amdd.figures.exhibit import Exhibit, exhibit
from amdd.figures.hover import jpeg
from amdd.figures.style import colour
from amdd.figures.template import piece

SIDE = 216  # pixels
WIDTH, HEIGHT = 480, 120  # of the bars


def mp3(sound: np.ndarray, sample_rate: int = 16_000) -> str:
    """Audio float (n,) in [-1, 1] as a data address that every browser plays; the same audio gives the same text."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as container:
        container.flags |= 0x0400  # bit-exact: no version of the library in it
        stream = container.add_stream("libmp3lame", rate=sample_rate, layout="mono")
        stream.bit_rate = 32_000
        pcm = np.clip(np.asarray(sound, np.float32), -1, 1).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm), format="fltp", layout="mono")
        frame.sample_rate = sample_rate
        for piece in (frame, None):
            container.mux(stream.encode(piece))
    return f"data:audio/mpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _bars(clip: Played) -> list[tuple[str, str, str, str, str]]:
    """Return the scores as bars from the middle line (x, y, width, height, colour): up leans to fake, down to real."""
    middle, wide = HEIGHT / 2, 0.6 * WIDTH / max(len(clip.scores), 1)
    bars = []
    for at, score in zip(clip.times, clip.scores):
        x = np.clip(at / clip.seconds * WIDTH, wide / 2, WIDTH - wide / 2) - wide / 2
        tall = max(abs(score - 0.5) * (HEIGHT - 16), 1.5)
        y = middle - tall if score >= 0.5 else middle
        tint = colour("fake" if score >= 0.5 else "real")
        bars.append((f"{x:.1f}", f"{y:.1f}", f"{wide:.1f}", f"{tall:.1f}", tint))
    return bars


def _picture(frame: np.ndarray) -> str:
    small = cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return jpeg(cv2.cvtColor(small, cv2.COLOR_RGB2BGR), 72)


@exhibit
def clip_player(clips: list[Played], name: str = "player") -> Exhibit:
    """Return buttons for the clips, the image, a bar for each scored frame, a slider over time, and play with audio.

    Without scripts the first clip's middle image and bars stand there. Raises ``ValueError`` without clips.
    """
    if not clips:
        raise ValueError("no clips to play")
    alt = "A bar for each scored frame over time; upwards leans to fake, downwards to real."
    page = piece(
        "player",
        name=name,
        alt=alt,
        side=SIDE,
        width=WIDTH,
        height=HEIGHT,
        clips=[
            {
                "name": clip.name,
                "words": clip.words,
                "pictures": [_picture(p) for p in clip.pictures],
                "seconds": float(clip.seconds),
                "sound": mp3(clip.sound) if clip.sound is not None and len(clip.sound) else "",
                "bars": _bars(clip),
                "summary": f"{clip.name}: the whole clip scores {clip.score:.2f}",
            }
            for clip in clips
        ],
    )
    rows = [
        {"clip": clip.name, "time (s)": float(at), "score": float(score)}
        for clip in clips
        for at, score in zip(clip.times, clip.scores)
    ]
    return Exhibit("interactive", page, alt, pd.DataFrame(rows))
