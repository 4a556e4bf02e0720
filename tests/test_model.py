"""The network: Table I's sizes, shapes, missing modalities, and the one-key attention."""

import pytest
import torch

from amdd.backbones import Trunk, find_weights
from amdd.model import AMDD, summary
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
    assert table.parameters["Total"] == 40_719_621
    assert table.parameters["Visual encoder"] + table.parameters["Temporal attention"] == pytest.approx(
        25.6e6, rel=2e-3
    )
    assert table.parameters["Audio encoder"] == pytest.approx(11.4e6, rel=5e-3)
    assert table.parameters["Cross-modal attention"] == pytest.approx(2.1e6, rel=5e-3)
    assert table.parameters["Detection head"] == pytest.approx(0.26e6, rel=2e-2)


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
    from dataclasses import replace

    model = AMDD(replace(SMALL, cross_modal=cross_modal)).eval()
    frames, mel = batch(2, 4)
    present = torch.tensor([[True, True, True, False], [True] * 4])
    other = frames.clone()
    other[0, 3] = torch.randn(3, 32, 32)
    one, two = model(frames, mel, None, present), model(other, mel, None, present)
    torch.testing.assert_close(one.detection_logit, two.detection_logit)


def test_one_channel_stem_is_the_mean_of_the_rgb_stem():
    torch.manual_seed(2)
    colour = Trunk("resnet18", "random")
    torch.manual_seed(2)
    grey = Trunk("resnet18", "random", channels=1)
    torch.testing.assert_close(grey.body[0].weight, colour.body[0].weight.mean(1, keepdim=True))


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
