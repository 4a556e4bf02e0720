"""A player for a few clips with the score of each frame under the image; one piece of HTML, nothing is loaded."""

from __future__ import annotations

import base64
import html
import io
import json

import av
import cv2
import numpy as np
import pandas as pd

from amdd.analysis.media import Played
from amdd.figures.exhibit import Exhibit, exhibit
from amdd.figures.hover import jpeg
from amdd.figures.style import colour

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


def _bars(clip: Played) -> str:
    """The scores as bars from the middle line: up leans to fake, down to real."""
    middle, wide = HEIGHT / 2, 0.6 * WIDTH / max(len(clip.scores), 1)
    pieces = []
    for k, (at, score) in enumerate(zip(clip.times, clip.scores)):
        x = np.clip(at / clip.seconds * WIDTH, wide / 2, WIDTH - wide / 2) - wide / 2
        tall = max(abs(score - 0.5) * (HEIGHT - 16), 1.5)
        y = middle - tall if score >= 0.5 else middle
        tint = colour("fake" if score >= 0.5 else "real")
        pieces.append(
            f'<rect data-bar="{k}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.1f}" fill="{tint}"/>'
        )
    return "".join(pieces)


@exhibit
def clip_player(clips: list[Played], name: str = "player") -> Exhibit:
    """Return buttons for the clips, the image, a bar for each scored frame, a slider over time, and play with audio.

    Without scripts the first clip's middle image and bars stand there. Raises ``ValueError`` without clips.
    """
    if not clips:
        raise ValueError("no clips to play")
    data = []
    for clip in clips:
        pictures = [
            jpeg(
                cv2.cvtColor(cv2.resize(p, (SIDE, SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2BGR), 72
            )
            for p in clip.pictures
        ]
        told = f"{clip.name}: the whole clip scores {clip.score:.2f}"
        sound = mp3(clip.sound) if clip.sound is not None and len(clip.sound) else ""
        data.append(
            {"pictures": pictures, "seconds": clip.seconds, "sound": sound, "bars": _bars(clip), "told": told}
        )
    buttons = "".join(
        f'<button type="button" data-pick="{k}" aria-pressed="{str(k == 0).lower()}">{html.escape(clip.name)}</button>'
        for k, clip in enumerate(clips)
    )
    first, middle = data[0], len(data[0]["pictures"]) // 2
    label = "A bar for each scored frame over time; upwards leans to fake, downwards to real."
    page = f"""<figure class="amdd-figure amdd-player" id="{name}">
<div class="amdd-legend">{buttons}</div>
<img data-cell="picture" src="{first["pictures"][middle]}" width="{SIDE}" height="{SIDE}" alt="a frame of the chosen clip">
<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">
<line class="amdd-middle" x1="0" x2="{WIDTH}" y1="{HEIGHT / 2}" y2="{HEIGHT / 2}"/><g data-cell="bars">{first["bars"]}</g>
<line class="amdd-cut" x1="{WIDTH / 2}" x2="{WIDTH / 2}" y1="0" y2="{HEIGHT}"/>
<text x="2" y="12">fake</text><text x="2" y="{HEIGHT - 4}">real</text></svg>
<label><button type="button" data-cell="play">play</button>
<input type="range" min="0" max="1000" value="500" aria-label="time in the clip"> <output data-cell="time">{first["seconds"] / 2:.1f} s</output></label>
<output data-cell="told">{html.escape(first["told"])}</output>
<script>(() => {{
const clips = {json.dumps(data)}, box = document.getElementById({json.dumps(name)});
const cell = (key) => box.querySelector(`[data-cell="${{key}}"]`), slide = box.querySelector("input");
const picks = [...box.querySelectorAll("[data-pick]")], sound = new Audio();
let now = 0, at = 0.5, started = null;
const draw = () => {{
  const clip = clips[now], line = box.querySelector(".amdd-cut"), x = at * {WIDTH};
  cell("picture").src = clip.pictures[Math.min(Math.floor(at * clip.pictures.length), clip.pictures.length - 1)];
  cell("time").textContent = (at * clip.seconds).toFixed(1) + " s"; slide.value = Math.round(at * 1000);
  line.setAttribute("x1", x); line.setAttribute("x2", x);
}};
const stop = () => {{ started = null; sound.pause(); cell("play").textContent = "play"; }};
const tick = (time) => {{
  if (started === null) return;
  at = Math.max(0, (time - started) / 1000 / clips[now].seconds);  // a frame may have begun before the click
  if (at >= 1) {{ at = 1; draw(); stop(); return; }}
  draw(); requestAnimationFrame(tick);
}};
const pick = (k) => {{
  stop(); now = k; at = 0.5;
  picks.forEach((button, i) => button.setAttribute("aria-pressed", i === k));
  cell("bars").innerHTML = clips[k].bars; cell("told").textContent = clips[k].told; draw();
}};
picks.forEach((button, k) => button.addEventListener("click", () => pick(k)));
slide.addEventListener("input", () => {{ stop(); at = slide.value / 1000; draw(); }});
cell("play").addEventListener("click", () => {{
  if (started !== null) {{ stop(); return; }}
  if (at >= 0.999) at = 0;
  cell("play").textContent = "pause"; started = performance.now() - at * clips[now].seconds * 1000;
  if (clips[now].sound) {{
    if (sound.dataset.clip !== String(now)) {{ sound.src = clips[now].sound; sound.dataset.clip = now; }}
    sound.currentTime = at * clips[now].seconds; sound.play().catch(() => {{}});
  }}
  requestAnimationFrame(tick);
}});
}})();</script>
<figcaption>Choose a clip, move the slider or press play. Each bar is the score with that frame alone shown to the network, and all of the sound.</figcaption></figure>"""
    rows = [
        {"clip": clip.name, "time (s)": float(at), "score": float(score)}
        for clip in clips
        for at, score in zip(clip.times, clip.scores)
    ]
    return Exhibit("interactive", page, label, pd.DataFrame(rows))
