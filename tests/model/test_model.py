"""The network: Table I's sizes, shapes, missing modalities, and the one-key attention."""

import shutil
from dataclasses import replace

import pytest
import torch

from amdd.model import AMDD, summary
from amdd.model.backbones import Trunk, find_weights, weights_file
from amdd.profiles import ModelSettings

SMALL = ModelSettings(visual_backbone="resnet18", weights="random", dim=32, heads=4, hidden=16)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return AMDD(SMALL).eval()


def batch(b=3, t=2, size=32):
    g = torch.Generator().manual_seed(b)
    return torch.randn(b, t, 3, size, size, generator=g), torch.randn(b, 1, 16, 20, generator=g)


def test_parameters_come_out_as_in_table_1():
    table = summary(AMDD(ModelSettings(visual_backbone="resnet50", weights="random"))).set_index("component")
    d = 512
    trunk50, trunk18 = 23_508_032, 11_176_512 - 64 * 49 * 2  # torchvision's without fc; a one-channel stem
    attention = 4 * (d * d + d)
    expected = {
        "Visual encoder": trunk50 + (2048 * d + d) + 2 * d,
        "Temporal attention": attention,
        "Audio encoder": trunk18 + (d * d + d),
        "Cross-modal attention": 2 * attention,
        "Detection head": (1024 * 256 + 256) + (256 + 1),
        "Attribution head": (1024 * 256 + 256) + (256 * 4 + 4),
        "Projection heads": 2 * 2 * (d * d + d),
    }
    assert table.parameters.drop("Total").to_dict() == expected
    assert table.parameters["Total"] == sum(expected.values()) == 40_719_621
    # The text's rounded figures: 25.6 M visual with attention, 11.4 M audio, 2.1 M cross-modal, 0.26 M a head.
    assert round((expected["Visual encoder"] + attention) / 1e6, 1) == 25.6
    assert round(expected["Audio encoder"] / 1e6, 1) == 11.4
    assert round(expected["Cross-modal attention"] / 1e6, 1) == 2.1
    assert round(expected["Detection head"] / 1e6, 2) == 0.26


def test_shapes_and_unit_lengths(model):
    out = model(*batch())
    assert out.detection_logit.shape == (3,)
    assert out.attribution_logits.shape == (3, 4)
    assert out.fused.shape == (3, 64)
    assert out.visual_embedding.shape == out.audio_embedding.shape == (3, 32)
    for p in (out.visual_projection, out.audio_projection):
        torch.testing.assert_close(p.norm(dim=1), torch.ones(3))


def test_one_key_attention_is_a_linear_map(model):
    """Sec. III-E as printed: a softmax over one key is 1, so the output is affine in the other modality."""
    attention = model.cross_modal.visual_to_audio
    d = SMALL.dim
    value = attention.in_proj_weight[2 * d :], attention.in_proj_bias[2 * d :]
    v, a = torch.randn(5, d), torch.randn(5, d)
    found, _, _ = model.cross_modal(v, a, None, None)
    expected = attention.out_proj(a @ value[0].T + value[1])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_a_clip_without_sound_does_not_depend_on_the_spectrogram(model):
    frames, mel = batch()
    present = torch.tensor([True, False, True])
    one, two = model(frames, mel, present), model(frames, mel * 0 + torch.rand_like(mel), present)
    torch.testing.assert_close(one.detection_logit[1], two.detection_logit[1])
    assert (one.detection_logit[[0, 2]] - two.detection_logit[[0, 2]]).abs().min() > 1e-6
    assert one.audio_projection[1].abs().max() == 0
    silent = model(frames, torch.zeros_like(mel), torch.tensor([True, True, True]))
    assert (one.detection_logit[1] - silent.detection_logit[1]).abs() > 1e-6


@pytest.mark.parametrize("cross_modal", ["pooled", "tokens"])
def test_masked_frames_do_not_count(cross_modal):
    torch.manual_seed(1)
    model = AMDD(replace(SMALL, cross_modal=cross_modal)).eval()
    frames, mel = batch(2, 4)
    present = torch.tensor([[True, True, True, False], [True] * 4])
    other = frames.clone()
    other[0, 3] = torch.randn(3, 32, 32)
    one, two = model(frames, mel, None, present), model(other, mel, None, present)
    torch.testing.assert_close(one.detection_logit, two.detection_logit)


def still(model):
    """``model`` to training mode without dropout."""
    model.train()
    for part in model.modules():
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0


@pytest.mark.parametrize("cross_modal", ["pooled", "tokens"])
def test_in_training_the_absent_does_not_reach_the_others_either(cross_modal):
    """Batch normalisation would carry a masked spectrogram or frame into every clip of the batch."""
    frames, mel = batch(3, 4)
    heard = torch.tensor([True, False, True])
    seen = torch.ones(3, 4, dtype=torch.bool)
    seen[0, 2:] = False
    other_frames, other_mel = frames.clone(), mel.clone()
    other_frames[0, 2:], other_mel[1] = 50.0, float("nan")
    found = []
    for f, m in ((frames, mel), (other_frames, other_mel)):
        torch.manual_seed(3)
        model = AMDD(replace(SMALL, cross_modal=cross_modal))
        still(model)
        out = model(f, m, heard, seen)
        found.append((out, dict(model.named_buffers())))
    (one, first), (two, second) = found
    for name in ("detection_logit", "attribution_logits", "fused", "visual_projection", "audio_projection"):
        assert torch.equal(getattr(one, name), getattr(two, name)), name
    assert all(torch.equal(v, second[k]) for k, v in first.items())
    for name in ("visual_embedding", "audio_embedding"):
        assert torch.isfinite(getattr(two, name)).all()


@pytest.mark.parametrize("cross_modal", ["pooled", "tokens"])
def test_a_clip_without_any_frame_takes_the_audio_path(cross_modal):
    torch.manual_seed(4)
    model = AMDD(replace(SMALL, cross_modal=cross_modal)).eval()
    frames, mel = batch(2, 3)
    seen = torch.tensor([[True] * 3, [False] * 3])
    one = model(frames, mel, None, seen)
    two = model(torch.cat([frames[:1], torch.randn_like(frames[:1])]), mel, None, seen)
    assert torch.isfinite(one.detection_logit).all()
    torch.testing.assert_close(one.detection_logit, two.detection_logit)
    torch.testing.assert_close(one.visual_embedding[1], one.audio_embedding[1])
    assert one.visual_projection[1].abs().max() == 0
    # What is heard still counts, and a clip with neither gives the same constant whatever lies there.
    louder = model(frames, mel + 1, None, seen)
    assert (one.detection_logit[1] - louder.detection_logit[1]).abs() > 1e-6
    none = torch.zeros(2, dtype=torch.bool)
    nothing = model(frames, mel, none, torch.zeros(2, 3, dtype=torch.bool))
    torch.testing.assert_close(nothing.detection_logit[0], nothing.detection_logit[1])
    assert torch.isfinite(nothing.fused).all()


def test_a_gradient_comes_through_a_batch_with_gaps():
    torch.manual_seed(5)
    model = AMDD(SMALL)
    still(model)
    frames, mel = batch(3, 2)
    seen = torch.tensor([[True, True], [True, False], [False, False]])
    out = model(frames, mel, torch.tensor([False, True, True]), seen)
    (out.detection_logit.sum() + out.fused.square().sum()).backward()
    for name, p in model.named_parameters():
        assert p.grad is None or torch.isfinite(p.grad).all(), name


@pytest.mark.parametrize(
    "name",
    ["resnet18", "mobilenet_v2", "efficientnet_b0", "densenet121", "shufflenet_v2_x0_5", "regnet_y_400mf", "swin_t"],
)  # fmt: skip
def test_one_channel_stem_of_any_backbone_is_the_mean_of_the_rgb_stem(name):
    """A grey picture at a third of its strength in each of three channels is what the one channel sees."""
    torch.manual_seed(2)
    colour = Trunk(name, "random").eval()
    torch.manual_seed(2)
    grey = Trunk(name, "random", channels=1).eval()
    assert grey.width == colour.width
    picture = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(6))
    with torch.no_grad():
        one, three = grey(picture), colour(picture.expand(-1, 3, -1, -1) / 3)
    assert one.shape[1] == grey.width and one.std() > 0
    torch.testing.assert_close(one, three, rtol=1e-3, atol=1e-4)


def test_a_network_without_a_feature_map_is_refused():
    with pytest.raises(ValueError, match="vit_b_16: has no feature map"):
        Trunk("vit_b_16", "random")
    with pytest.raises(ValueError, match="list_models"):
        find_weights("resnet51")


def test_imagenet_weights_come_from_the_package_and_are_torchvisions():
    path, provenance = find_weights("mobilenet_v2")
    assert path is not None and provenance.sha256.startswith("b0353104")
    assert "ImageNet" in str(provenance)


def test_weights_that_are_nowhere_are_said_aloud(caplog, monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("AMDD_DOWNLOAD", raising=False)
    path, provenance = find_weights("resnet50")
    assert path is None and provenance.source == "random"
    assert "resnet50" in caplog.text and "AMDD_DOWNLOAD" in caplog.text
    with pytest.raises(FileNotFoundError, match="resnet50"):
        find_weights("resnet50", str(tmp_path))


def test_weights_are_looked_for_in_order(monkeypatch, tmp_path, caplog):
    """A path that is given, torch's cache, an installed package; a file with another content is passed over."""
    packaged, _ = find_weights("mobilenet_v2")
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    name = weights_file("mobilenet_v2")
    assert "package" in find_weights("mobilenet_v2")[1].source
    (cache / name).write_bytes(b"something else")
    path, provenance = find_weights("mobilenet_v2")
    assert path == packaged and "package" in provenance.source
    assert name in caplog.text and "sha256" in caplog.text
    shutil.copy(packaged, cache / name)
    path, provenance = find_weights("mobilenet_v2")
    assert path == cache / name and provenance.source == "torch's hub cache"
    mine = tmp_path / "mine"
    mine.mkdir()
    shutil.copy(packaged, mine / name)
    for given in (mine, mine / name):
        path, provenance = find_weights("mobilenet_v2", str(given))
        assert path == mine / name and provenance.source == "the path given"
    assert provenance.sha256.startswith(name.removesuffix(".pth").rpartition("-")[2])


def test_weights_of_another_network_are_refused(tmp_path):
    packaged, _ = find_weights("mobilenet_v2")
    with pytest.raises(ValueError, match="not torchvision's weights of resnet18"):
        Trunk("resnet18", str(packaged))
    broken = tmp_path / "resnet18.pth"
    broken.write_bytes(b"no weights at all")
    with pytest.raises(ValueError, match=r"resnet18-f37072fd\.pth"):
        Trunk("resnet18", str(broken))


def test_channels_last_changes_the_layout_and_not_the_result():
    torch.manual_seed(7)
    plain = AMDD(SMALL).eval()
    laid = AMDD(SMALL).eval()
    laid.load_state_dict(plain.state_dict())
    laid = laid.to(memory_format=torch.channels_last)
    layouts = []
    hook = lambda _m, _i, out: layouts.append(out.is_contiguous())  # noqa: E731
    for model in (plain, laid):
        model.visual_encoder.trunk.body[4].register_forward_hook(hook)
    found = [model(*batch()).detection_logit for model in (plain, laid)]
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)
    assert layouts == [True, False]
