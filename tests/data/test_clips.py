"""Items, augmentation and the sampler, on a prepared corpus that is made of arrays alone."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from support.prepared import write_prepared

from amdd.data.dataset import (
    MEAN,
    STD,
    ClipDataset,
    augment,
    balanced_sampler,
    collate,
    generator_index,
    generators_of,
    row_numbers,
    shuffled,
)
from amdd.profiles import PreparationSettings

GENERATORS = ("faceswap", "wav2lip", "fsgan")
NAMES = ["real"] * 6 + ["faceswap"] * 3 + ["wav2lip"] * 12 + ["fsgan"] + ["dfdm-iae"] * 2


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    rng = np.random.default_rng(0)
    n = len(NAMES)
    table = pd.DataFrame({"clip_id": [f"c{k}" for k in range(n)], "generator": NAMES, "split": "train"})
    table["label"] = (table["generator"] != "real").astype(int)
    table["audio_present"] = np.arange(n) % 5 != 0
    frames = rng.integers(0, 255, (n, 2, 20, 20, 3), np.uint8)
    mels = rng.uniform(-1, 1, (n, 1, 8, 9))
    return write_prepared(tmp_path_factory.mktemp("prepared") / "p", table, frames, mels, shard=16)


def test_items(prepared):
    data = ClipDataset(prepared, None, None, GENERATORS)
    assert len(data) == len(NAMES)
    item = data[17]
    expected = prepared.frames(17).transpose(0, 3, 1, 2) / 255.0
    expected = (expected - np.array(MEAN)[:, None, None]) / np.array(STD)[:, None, None]
    np.testing.assert_allclose(item["frames"].numpy(), expected, atol=1e-5)
    assert item["frames"].dtype == item["mel"].dtype == torch.float32
    assert np.array_equal(item["mel"].numpy(), prepared.mel(17).astype("f4"))
    assert (item["label"], item["generator"], item["clip_id"], item["index"]) == (1, 2, "c17", 17)
    assert item["audio_present"] is True and data[15]["audio_present"] is False


def test_fewer_frames_than_were_prepared_are_spread_over_the_clip(tmp_path):
    frames = np.arange(8, dtype=np.uint8)[None, :, None, None, None] * np.ones((1, 8, 4, 4, 3), np.uint8)
    table = pd.DataFrame({"clip_id": ["c"], "generator": ["real"], "label": [0], "audio_present": [True]})
    prepared = write_prepared(tmp_path / "p", table.assign(split="train"), frames, np.zeros((1, 1, 8, 9)))
    for wanted, expected in (
        (1, [0]),
        (2, [0, 7]),
        (4, [0, 2, 5, 7]),
        (8, list(range(8))),
        (20, list(range(8))),
    ):
        found = ClipDataset(prepared, None, PreparationSettings(frames=wanted), GENERATORS)[0]["frames"]
        shown = (found[:, 0, 0, 0] * STD[0] + MEAN[0]) * 255
        assert shown.round().int().tolist() == expected


def test_frames_are_drawn_at_random_in_their_order(tmp_path):
    frames = np.arange(8, dtype=np.uint8)[None, :, None, None, None] * np.ones((1, 8, 4, 4, 3), np.uint8)
    table = pd.DataFrame({"clip_id": ["c"], "generator": ["real"], "label": [0], "audio_present": [True]})
    clips = write_prepared(tmp_path / "p", table.assign(split="train"), frames, np.zeros((1, 1, 8, 9)))
    data = ClipDataset(clips, None, None, GENERATORS, seed=1, draw=3)

    def shown(k=0, epoch=0):
        data.set_epoch(epoch)
        return tuple(((data[k]["frames"][:, 0, 0, 0] * STD[0] + MEAN[0]) * 255).round().int().tolist())

    draws = [shown(k, epoch) for epoch in range(20) for k in (0, 1)]  # 1 is the clip's second draw
    assert all(len(set(d)) == 3 and list(d) == sorted(d) for d in draws)
    assert set().union(*draws) == set(range(8)) and len(set(draws)) > 10
    assert shown(1, 7) == draws[15]
    assert len(ClipDataset(clips, None, None, GENERATORS, draw=20)[0]["frames"]) == 8


def test_shuffled_labels_are_a_permutation_among_known_fakes():
    names = generator_index(NAMES, GENERATORS)
    found = shuffled(names, 3)
    fakes = names > 0
    assert np.array_equal(found[~fakes], names[~fakes])
    assert np.array_equal(np.sort(found[fakes]), np.sort(names[fakes]))
    assert np.array_equal(found, shuffled(names, 3)) and not np.array_equal(found, shuffled(names, 4))
    # Independent of the truth: over many seeds a fake keeps its label as often as chance has it.
    kept = np.mean([(shuffled(names, seed) == names)[fakes].mean() for seed in range(400)])
    share = np.bincount(names[fakes])[1:] / fakes.sum()
    assert abs(kept - (share**2).sum()) < 0.03


def test_dataset_with_shuffled_labels_keeps_the_true_ones_beside_them(prepared):
    data = ClipDataset(prepared, None, None, GENERATORS, seed=5, shuffle=True)
    items = [data[k] for k in range(len(data))]
    assert [i["generator"] for i in items] == generator_index(NAMES, GENERATORS).tolist()
    assert [i["named"] for i in items] == shuffled(data.generator, 5).tolist()
    assert collate(items[:2])["named"].tolist() == [items[0]["named"], items[1]["named"]]


def test_rows_in_every_form(prepared):
    mask = (prepared.manifest["generator"] == "fsgan").to_numpy()
    for rows in (mask, np.flatnonzero(mask), list(np.flatnonzero(mask)), prepared.manifest[mask]):
        assert ClipDataset(prepared, rows, None, GENERATORS).rows.tolist() == [21]
    assert len(row_numbers(prepared, [])) == 0
    with pytest.raises(ValueError, match="mask"):
        row_numbers(prepared, mask[:3])
    with pytest.raises(IndexError):
        row_numbers(prepared, [99])


def test_generator_classes():
    assert generator_index(["real", "fsgan", "faceswap", "rtvc"], GENERATORS).tolist() == [0, 3, 1, -1]


def test_generators_are_those_of_the_training_fakes():
    table = pd.DataFrame(
        {
            "generator": ["real", "ygan", "xgan", "unknown", "zgan", "xgan"],
            "label": [0, 1, 1, 1, 1, 1],
            "split": ["train"] * 4 + ["test", "train"],
        }
    )
    assert generators_of(table) == ("xgan", "ygan")
    assert generators_of(table, ("ygan", "other")) == ("ygan", "other")
    with pytest.raises(ValueError, match=r"faceswap.*xgan, ygan.*empty"):
        generators_of(table, ("faceswap", "fsgan"))
    with pytest.raises(ValueError, match="no forged clip"):
        generators_of(table[table.generator == "real"])


def test_collate(prepared):
    data = ClipDataset(prepared, [0, 23], None, GENERATORS)
    batch = collate([data[0], data[1]])
    assert batch["frames"].shape == (2, 2, 3, 20, 20) and batch["mel"].shape == (2, 1, 8, 9)
    assert batch["label"].tolist() == [0, 1] and batch["label"].dtype == torch.float32
    assert batch["generator"].tolist() == [0, -1] and batch["generator"].dtype == torch.int64
    assert batch["audio_present"].dtype == torch.bool and batch["clip_id"] == ["c0", "c23"]
    assert batch["index"].tolist() == [0, 23]


def test_augmentation_depends_on_seed_epoch_and_row_alone(prepared):
    def at(seed, epoch, rows, k, repeat=0):
        data = ClipDataset(prepared, rows, None, GENERATORS, augment=True, seed=seed)
        data.set_epoch(epoch)
        return data[k + repeat * len(data)]["frames"]

    base = at(0, 3, None, 7)
    assert torch.equal(base, at(0, 3, [1, 7], 1))  # whatever else is in the set
    others = [at(1, 3, None, 7), at(0, 4, None, 7), at(0, 3, None, 7, repeat=1)]
    assert all(not torch.equal(base, other) for other in others)
    data = pickle.loads(pickle.dumps(ClipDataset(prepared, None, None, GENERATORS, True)))  # as loaders do
    data.set_epoch(3)
    assert torch.equal(base, data[7]["frames"])


def test_augmentation_is_the_same_in_every_frame_and_stays_in_range():
    picture = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0))
    kinds = set()
    for k in range(60):
        out = augment(picture.expand(4, -1, -1, -1).clone(), np.random.default_rng(k))
        assert out.shape == (4, 3, 16, 16) and out.min() >= 0 and out.max() <= 1
        assert (out - out[:1]).abs().max() < 1e-6
        grey = bool((out[0, 0] - out[0, 1]).abs().max() < 1e-6)
        straight = torch.corrcoef(torch.stack([out[0].mean(0).flatten(), picture.mean(0).flatten()]))[0, 1]
        mirrored = torch.corrcoef(torch.stack([out[0].mean(0).flip(-1).flatten(), picture.mean(0).flatten()]))
        assert max(straight, mirrored[0, 1]) > 0.85
        kinds.add((grey, bool(straight < mirrored[0, 1])))
    assert len(kinds) == 4


def test_sampler_balances_classes(prepared):
    data = ClipDataset(prepared, prepared.manifest["generator"] != "dfdm-iae", None, GENERATORS)
    sampler = balanced_sampler(data, GENERATORS, n=8000, seed=1)
    drawn = np.fromiter(sampler, int) % len(data)
    assert len(sampler) == len(drawn) == 8000
    np.testing.assert_allclose(np.bincount(data.generator[drawn]) / 8000, 0.25, atol=0.02)
    table = prepared.manifest[prepared.manifest["generator"] != "dfdm-iae"]
    assert list(balanced_sampler(table, GENERATORS, 50, 1)) == list(balanced_sampler(data, n=50, seed=1))
    halves = balanced_sampler(data, n=8000, seed=1, real_share=0.5)
    assert abs((data.label[np.fromiter(halves, int) % len(data)] == 0).mean() - 0.5) < 0.02
    with pytest.raises(ValueError, match="no clips"):
        balanced_sampler(table.iloc[:0], GENERATORS)


def test_sampler_is_deterministic_per_epoch_and_marks_repeats(prepared):
    data = ClipDataset(prepared, None, None, GENERATORS, augment=True)
    one, two = balanced_sampler(data, seed=5), balanced_sampler(data, seed=5)
    assert list(one) == list(two) == list(one) and len(list(one)) == len(data)
    two.set_epoch(1)
    assert list(one) != list(two)
    drawn = list(balanced_sampler(data, n=200, seed=0))
    assert len(set(drawn)) == 200  # every draw has a number, and so an augmentation, of its own
    assert {data[k]["index"] for k in drawn} <= set(range(len(data)))


def test_loader_processes_change_nothing(prepared):
    from torch.utils.data import DataLoader

    def batches(workers):
        data = ClipDataset(prepared, None, None, GENERATORS, augment=True)
        loader = DataLoader(
            data, 4, sampler=balanced_sampler(data, n=8), collate_fn=collate, num_workers=workers
        )
        return [b["frames"] for b in loader]

    assert all(torch.equal(a, b) for a, b in zip(batches(0), batches(1)))
