"""Hair styles: how long, how thick, how combed, how curled; and the directions that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from amdd.puppets.person.head import Head, smoothstep
from amdd.puppets.person.people import Identity

CROWN = np.array([0.0, 0.98, -1.05])
BUN = np.array([0.0, 0.86, -1.98])
TAIL = np.array([0.0, 0.42, -1.92])


@dataclass(frozen=True)
class Style:
    """Lengths in dm. ``lift`` is the share of the skin's normal in the first direction, ``stiff`` how long a strand
    keeps a direction, ``fall`` the pull of gravity, ``lock`` strands in a lock and ``clump`` how closely they lie,
    ``curl`` and ``pitch`` the curls' radius and length, ``comb`` the name of a combing direction."""

    count: int
    top: float
    side: float
    comb: str
    lift: float = 0.35
    stiff: float = 0.5
    fall: float = 0.3
    volume: float = 0.08
    lock: int = 14
    clump: float = 0.55
    curl: float = 0.0
    pitch: float = 0.2
    frizz: float = 0.15
    width: float = 0.011
    keep_out: bool = False


STYLES = {
    "bald": Style(1500, 0.05, 0.06, "down", lift=0.3, volume=0.01, clump=0.1, frizz=0.4, width=0.008),
    "buzz": Style(7000, 0.05, 0.035, "forward", lift=0.75, volume=0.015, clump=0.1, frizz=0.35, width=0.009),
    "crop": Style(6500, 0.42, 0.16, "forward", lift=0.5, fall=0.15, volume=0.07, lock=10, clump=0.6, frizz=0.3),
    "short": Style(6500, 0.62, 0.26, "part", lift=0.45, fall=0.25, volume=0.11, lock=14, clump=0.6, frizz=0.2),
    "swept": Style(6000, 0.80, 0.28, "back", lift=0.45, stiff=0.3, fall=0.04, volume=0.15, lock=16, clump=0.6, frizz=0.18),
    "quiff": Style(6000, 0.58, 0.16, "up", lift=0.6, stiff=0.45, fall=0.05, volume=0.10, lock=12, clump=0.65, frizz=0.2),
    "curly": Style(5200, 0.85, 0.5, "down", lift=0.7, stiff=0.75, fall=0.12, volume=0.24, lock=12, clump=0.8, curl=0.055, pitch=0.26, frizz=0.25),
    "coily": Style(7500, 0.34, 0.26, "out", lift=0.95, stiff=0.9, fall=0.0, volume=0.06, lock=8, clump=0.7, curl=0.035, pitch=0.10, frizz=0.35, width=0.012),
    "afro": Style(9000, 0.62, 0.55, "out", lift=0.95, stiff=0.92, fall=0.0, volume=0.08, lock=7, clump=0.55, curl=0.045, pitch=0.14, frizz=0.4, width=0.013),
    "long": Style(4200, 3.0, 2.7, "centre", lift=0.25, stiff=0.35, fall=0.8, volume=0.13, lock=26, clump=0.5, frizz=0.06, width=0.014, keep_out=True),
    "wavy": Style(4000, 2.8, 2.5, "centre", lift=0.35, stiff=0.4, fall=0.75, volume=0.17, lock=22, clump=0.7, curl=0.06, pitch=0.75, frizz=0.06, width=0.014, keep_out=True),
    "bob": Style(5000, 1.75, 1.35, "centre", lift=0.3, stiff=0.35, fall=0.8, volume=0.14, lock=24, clump=0.55, frizz=0.06, keep_out=True),
    "fringe": Style(5200, 1.8, 1.5, "fringe", lift=0.3, stiff=0.35, fall=0.85, volume=0.13, lock=22, clump=0.5, frizz=0.06, keep_out=True),
    "bun": Style(6000, 1.9, 1.7, "bun", lift=0.12, stiff=0.15, fall=0.0, volume=0.05, lock=20, clump=0.45, frizz=0.05),
    "ponytail": Style(5200, 3.4, 3.2, "tail", lift=0.12, stiff=0.15, fall=0.0, volume=0.05, lock=24, clump=0.5, frizz=0.05),
}  # fmt: skip


def lengths(style: Style, identity: Identity, place: np.ndarray, rng) -> np.ndarray:
    """Return the length (S,) dm of strands with roots at ``place`` (S, 3), neutral head: longer on top than at the sides."""
    top = smoothstep(0.35, 0.85, place[:, 1])
    length = style.side + (style.top - style.side) * top
    if style.comb == "fringe":
        front = smoothstep(-0.42, -0.1, place[:, 2]) * smoothstep(0.42, 0.30, np.abs(place[:, 0]))
        length = length * (1 - front) + 0.66 * front
    if style.comb == "forward" and style.top > 0.2:
        length = length * (1 - 0.45 * smoothstep(-0.6, 0.0, place[:, 2]))
    if style.comb == "part":
        # The nape and the temples are cut short.
        length = length * (0.45 + 0.55 * smoothstep(0.15, 0.6, place[:, 1]))
    return length * rng.uniform(0.78, 1.05, len(place))


def part_line(identity: Identity) -> float:
    """Return x (dm) of the parting."""
    return 0.55 * identity.parting


def combing(style: Style, identity: Identity, place: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Return the combing direction (S, 3) at each root, before projection onto the skin."""
    x, y, z = place.T
    zero = np.zeros_like(x)
    outward = place - CROWN
    outward = outward / (np.linalg.norm(outward, axis=1, keepdims=True) + 1e-6)
    side = np.tanh((x - part_line(identity)) * 14)
    top = smoothstep(0.3, 0.8, y)
    if style.comb == "out":
        return normal + 0.2 * outward
    if style.comb == "up":
        back = np.stack([0.15 * side, 0.55 + zero, -0.75 + zero], 1)
        return top[:, None] * back + (1 - top)[:, None] * np.stack([zero, -0.7 + zero, -0.5 + zero], 1)
    if style.comb == "back":
        return np.stack([0.25 * side * top, 0.1 * top - 0.6 * (1 - top), -1.0 + zero], 1)
    if style.comb == "part":
        sweep = np.stack([side, 0.2 + zero, 0.35 + zero], 1)
        return top[:, None] * sweep + (1 - top)[:, None] * np.stack([zero, -1.0 + zero, -0.25 + zero], 1)
    if style.comb in ("centre", "fringe"):
        ahead = smoothstep(-0.75, -0.2, z)  # what grows in front is combed back before it falls
        fall = np.stack(
            [side * top + 0.5 * np.sign(x) * (1 - top), -0.25 - 0.6 * (1 - top), -0.2 - 0.55 * ahead], 1
        )
        if style.comb == "fringe":
            front = (smoothstep(-0.42, -0.1, z) * smoothstep(0.42, 0.30, np.abs(x)))[:, None]
            fall = fall * (1 - front) + front * np.stack([0.35 * x, -0.4 + zero, 1.0 + zero], 1)
        return fall
    if style.comb == "bun":
        return BUN - place
    if style.comb == "tail":
        return TAIL - place
    if style.comb == "forward":
        return outward + np.stack([zero, zero, 0.25 * top], 1)
    return outward + np.array([0.0, -0.5, 0.0])


def pull(style: Style, identity: Identity, point: np.ndarray, comb: np.ndarray, share: float) -> np.ndarray:
    """Return the direction (S, 3) towards which strands at ``point`` (S, 3) bend at ``share`` of their length."""
    if style.comb in ("bun", "tail"):
        goal = BUN if style.comb == "bun" else TAIL
        to = goal - point
        far = np.linalg.norm(to, axis=1, keepdims=True)
        turn = to / (far + 1e-6)
        if style.comb == "tail":
            down = np.array([0.0, -1.0, -0.15])
            return np.where(far < 0.22, down, turn) if share < 0.75 else np.where(far < 0.5, down, turn)
        # About the knot strands go round.
        round_it = np.cross(turn, np.array([0.3, 0.2, 0.93]))
        return np.where(far < 0.30, round_it + 0.25 * turn, turn)
    return comb * (1 - style.fall) + style.fall * np.array([0.0, -1.0, 0.0]) * min(1.0, 0.35 + 1.6 * share)


def off_the_face(style: Style, identity: Identity, place: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Return ``point`` (S, 3) moved sideways off the face, but for strands of a fringe, whose roots are ``place`` (S, 3)."""
    x, y, z = point.T
    free = np.zeros(len(point), bool)
    if style.comb == "fringe":
        free = (place[:, 2] > -0.42) & (np.abs(place[:, 0]) < 0.42)
    edge = np.interp(y, [-1.3, -0.7, 0.1, 0.45, 0.66, 0.8], [0.62, 0.68, 0.70, 0.52, 0.30, -0.4])
    before = (z > -0.55) & (y < 0.8) & ~free
    moved = point.copy()
    side = np.where(place[:, 0] >= part_line(identity), 1.0, -1.0)
    moved[:, 0] = np.where(before & (side * x < edge), side * edge, x)
    return moved


def lid_rims(head: Head) -> list[tuple[bool, np.ndarray]]:
    """Return, for each of the four lids, whether it is an upper one and the vertices of its rim."""
    p = head.neutral
    skin = head.triangles[head.material == 0]
    edge = np.sort(np.concatenate([skin[:, [0, 1]], skin[:, [1, 2]], skin[:, [2, 0]]]), axis=1)
    unique, count = np.unique(edge, axis=0, return_counts=True)
    border = np.unique(unique[count == 1])
    rims = []
    for marks in (head.landmarks[36:42], head.landmarks[42:48]):
        low, high = p[marks].min(0) - 0.02, p[marks].max(0) + 0.02
        rim = border[((p[border] > low) & (p[border] < high)).all(1)]
        ends = p[marks[[0, 3]]]
        line = np.interp(p[rim, 0], np.sort(ends[:, 0]), ends[np.argsort(ends[:, 0]), 1])
        rims.append((True, rim[p[rim, 1] > line]))
        rims.append((False, rim[p[rim, 1] < line]))
    return rims


__all__ = ["BUN", "STYLES", "Style", "combing", "lengths", "lid_rims", "off_the_face", "part_line", "pull"]
