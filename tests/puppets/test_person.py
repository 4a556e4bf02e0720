"""Rendered people: hair that stands on skin, light that adds up, cameras that differ, and detail on every skin."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from amdd.puppets.corpus.casting import of_age
from amdd.puppets.corpus.studios import STUDIOS, fps_of, side_of
from amdd.puppets.person.actions import INDEX
from amdd.puppets.person.body import body_of, key_visibility
from amdd.puppets.person.camera import CAMERAS, remosaic
from amdd.puppets.person.hair import strands_of
from amdd.puppets.person.head import head_model
from amdd.puppets.person.light import PLACES, _sphere, harmonics, irradiance, light_of
from amdd.puppets.person.people import GROUPS, face_shape, make_identity
from amdd.puppets.person.raster import vertex_normals
from amdd.puppets.person.render import render_clip
from amdd.puppets.person.roots import BEARD, BROW, LASH_HAIR, SCALP
from amdd.puppets.person.styles import STYLES


def still(steps: int = 1, **actions: float) -> SimpleNamespace:
    values = np.zeros((steps, len(INDEX)), np.float32)
    for name, value in actions.items():
        values[:, INDEX[name]] = value
    none = np.zeros((steps, 3), np.float32)
    return SimpleNamespace(actions=values, pose=none, shift=none[:, :2], gaze=none[:, :2])


def somebody(**wanted):
    """The first person with these properties."""
    for seed in range(40_000, 44_000):
        identity = make_identity(seed)
        if all(getattr(identity, k) == v for k, v in wanted.items()):
            return identity
    raise AssertionError(wanted)


# --- hair ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
def test_hair_of_every_style_is_finite_and_stays_out_of_the_head(style):
    identity = replace(make_identity(40_005), style=style)
    strands, shape, head = strands_of(identity), face_shape(identity), head_model()
    for name in strands.__dataclass_fields__:
        assert np.isfinite(getattr(strands, name)).all(), name
    np.testing.assert_allclose(strands.weight.sum(1), 1, atol=1e-5)
    scalp = strands.kind == SCALP
    roots = (shape[strands.root] * strands.weight[..., None]).sum(1)
    points = (roots[:, None] + strands.offset)[scalp]
    normals = vertex_normals(shape, head.triangles)
    from scipy.spatial import cKDTree

    _, near = cKDTree(shape[head.skin]).query(points.reshape(-1, 3))
    depth = ((points.reshape(-1, 3) - shape[head.skin][near]) * normals[head.skin][near]).sum(1)
    assert (depth < -0.12).mean() < 0.02, "strands run through the head"


def test_every_person_has_brows_and_lashes_and_some_have_beards():
    kinds = [set(np.unique(strands_of(make_identity(s)).kind)) for s in range(40_000, 40_010)]
    assert all({BROW, LASH_HAIR} <= k for k in kinds)
    shaven, bearded = somebody(beard=0.0, gender="men"), somebody(beard=0.9)
    assert BEARD not in strands_of(shaven).kind
    assert BEARD in strands_of(bearded).kind
    assert len({p.style for p in map(make_identity, range(40_000, 40_400))}) >= 12


def test_brows_rise_with_the_skin_below_them():
    identity = make_identity(40_010)
    strands, head = strands_of(identity), head_model()
    brows = strands.kind == BROW
    lifted = face_shape(identity) + head.actions[INDEX["browInnerUp"]]
    before = (face_shape(identity)[strands.root] * strands.weight[..., None]).sum(1)[brows]
    after = (lifted[strands.root] * strands.weight[..., None]).sum(1)[brows]
    assert (after - before)[:, 1].mean() > 0.01


def test_hair_over_the_forehead_is_not_face():
    bare = replace(make_identity(40_003), style="buzz", collar="crew")
    covered = replace(bare, style="fringe")
    masks = [render_clip(p, still(), 1).face_mask[0].sum() for p in (bare, covered)]
    assert masks[1] < 0.93 * masks[0]


# --- light -----------------------------------------------------------------------------------------------------


def test_irradiance_by_harmonics_agrees_with_the_cosine_integral():
    rng = np.random.default_rng(0)
    directions = _sphere()
    # A smooth environment: what degree 2 can hold but for about a hundredth (Ramamoorthi & Hanrahan 2001).
    radiance = np.exp(1.2 * (directions @ np.array([0.6, 0.64, 0.48])) - 1)[:, None] * np.array(
        [1.0, 0.7, 0.4]
    )
    for normal in rng.normal(size=(20, 3)):
        normal /= np.linalg.norm(normal)
        cosine = np.maximum(0, directions @ normal)
        naive = 4 * (radiance * cosine[:, None]).mean(0)
        found = harmonics(normal) @ irradiance(radiance)
        np.testing.assert_allclose(found, naive, rtol=0.03)


def test_harmonics_are_orthonormal():
    y = harmonics(_sphere())
    np.testing.assert_allclose(4 * np.pi * y.T @ y / len(y), np.eye(9), atol=0.01)


@pytest.mark.parametrize("place", PLACES)
def test_a_camera_takes_most_of_a_places_colour_away(place):
    light = light_of(np.random.default_rng(3), place)
    total = light.rows[1] + 1.2 * light.sh[0] * 0.282095
    cast = lambda c: np.ptp(c / c.mean())  # noqa: E731
    assert cast(total * light.white()) < cast(total)
    assert (light.sh[0] > 0).all()


def test_hair_and_collars_throw_shadows():
    identity = replace(make_identity(40_004), style="fringe")
    body, bare = body_of(identity), body_of(replace(identity, style="buzz"))
    key = np.array([0.2, 0.8, 1.0])
    n = len(body.shape)
    forehead = (body.shape[:, 1] > 0.3) & (body.shape[:, 1] < 0.5) & (body.shape[:, 2] > 0)
    assert (
        key_visibility(body, key)[:n][forehead].mean() < key_visibility(bare, key)[:n][forehead].mean() - 0.1
    )


# --- camera ----------------------------------------------------------------------------------------------------


def test_the_mosaic_keeps_flat_colours_and_mixes_edges():
    flat = np.full((16, 16, 3), (200, 120, 40), np.uint8)
    np.testing.assert_allclose(remosaic(flat)[2:-2, 2:-2], flat[2:-2, 2:-2], atol=1)
    edge = flat.copy()
    edge[:, 8:] = (20, 30, 220)
    assert np.abs(remosaic(edge).astype(int) - edge)[4:-4, 6:10].max() > 10


@pytest.mark.parametrize("group", GROUPS)
def test_every_skin_shows_light_and_detail(group):
    race, gender = group.split("/")
    people = [make_identity(s) for s in range(41_000 + GROUPS.index(group), 41_060, 10)]
    assert {(p.race, p.gender) for p in people} == {(race, gender)}
    medians, ranges = [], []
    for p in people:
        clip = render_clip(p, still(), 2)
        luma = clip.frames[0] @ np.array([0.2126, 0.7152, 0.0722]) / 255
        inside = luma[clip.face_mask[0] > 0]
        low, middle, high = np.percentile(inside, [5, 50, 95])
        medians.append(middle)
        ranges.append(high - low)
        assert (inside > 0.98).mean() < 0.05, "burnt out"
    assert 0.25 < np.mean(medians) < 0.68
    assert np.mean(ranges) > 0.22


def test_wide_turns_leave_no_hole_in_the_picture():
    for seed in range(42_000, 42_010):
        motion = still(3, jawOpen=0.7, eyeBlinkLeft=1.0)
        motion.pose = np.array([[0.6, 0.3, 0.3], [-0.6, -0.4, -0.3], [0.0, 0.5, 0.0]], np.float32)
        frames = render_clip(make_identity(seed), motion, 0).frames
        assert frames.std((1, 2, 3)).min() > 10


# --- studios ---------------------------------------------------------------------------------------------------


def test_each_data_set_has_a_studio_of_its_own():
    cameras = [
        s.camera for name, s in STUDIOS.items() if name != "puppet-unseen"
    ]  # that one shares the first's
    assert STUDIOS["puppet-unseen"] is STUDIOS["puppet-favc"]
    assert len(set(cameras)) == len(cameras) and set(cameras) == set(CAMERAS)
    assert fps_of(25, "puppet-favc") == 25 and fps_of(25, "puppet-dfdm") == 30
    assert side_of(256, "puppet-lav") == 224 and side_of(256, "puppet-favc") == 256
    assert all(side_of(s, c) % 2 == 0 for s in (96, 128, 250, 256) for c in STUDIOS)


def test_ages_are_kept_and_groups_take_turns():
    people, after = of_age(50_000, 20, (20, 30))
    identities = [make_identity(p) for p in people]
    assert all(20 <= p.age <= 30 for p in identities)
    assert [p.group for p in identities] == [*GROUPS, *GROUPS]
    assert len(set(people)) == 20 and after > max(people)
