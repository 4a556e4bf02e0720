"""Figures and interactive pieces with names that people really use, and with none, one or many of everything."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import jinja2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from amdd.analysis.embeddings import cluster_scores, knn_purity, linear_probe, mapped, probe, tsne, umap
from amdd.analysis.pairs import own_reals
from amdd.figures.detection import MEASURES, ablation, confusion, reliability, roc, scores
from amdd.figures.embedding import maps, similarity
from amdd.figures.hover import hover_map
from amdd.figures.player import clip_player
from amdd.figures.residual import residual_figure
from amdd.figures.style import PALETTE, SPARE, colour, colours, words
from amdd.figures.template import piece
from amdd.figures.threshold import slider
from amdd.stats import sweep

NAMES = ["_x", "$a$_b$", "</script><b>", "a" * 60, "Übel & Söhne", "x\u2028y", '"quoted"', "50 %"]


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def predictions(names, n: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {
            "generator": g,
            "label": int(g != "real"),
            "score": float(rng.random()),
            "known": True,
            "attribution": g,
        }
        for g in ("real", *names)
        for _ in range(n)
    ]
    return pd.DataFrame(rows)


def legend_of(fig) -> list[str]:
    return [text.get_text() for ax in fig.axes if ax.get_legend() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize("names", [NAMES[:1], NAMES[:2], NAMES], ids=len)
def test_every_name_is_drawn_with_a_colour_of_its_own(names):
    table = predictions(names)
    fig = roc(table).fig
    fig.canvas.draw()  # a formula that cannot be set would fail here
    assert len(legend_of(fig)) == len(names)
    lines = [line.get_color() for line in fig.axes[0].get_lines()[: len(names)]]
    assert len(set(lines)) == len(names)
    for drawn in (
        scores(table, 0.5),
        confusion(table, ["real", *names]),
        maps({"m": np.zeros((len(table), 2))}, table.generator.to_numpy()),
    ):
        drawn.fig.canvas.draw()
    cosine = table.assign(variant="full", cosine=table.score)
    similarity(cosine).fig.canvas.draw()
    spectra = {name: np.full((16, 16), 1.0 + k) for k, name in enumerate(["real", *names])}
    drawn = residual_figure(spectra).fig
    drawn.canvas.draw()
    assert len(legend_of(drawn)) == len(names)


def test_a_label_with_an_underscore_in_front_is_shown():
    assert words("_x")[-2:] == "_x" and not words("_x").startswith("_")
    assert words("a$b") == r"a\$b" and words("plain") == "plain"


@pytest.mark.parametrize("count", range(1, 13))
def test_names_of_ones_own_never_share_a_colour_while_there_are_colours(count):
    names = [f"gan-{k}" for k in range(count)]
    found = colours(["real", "faceswap", *names])
    assert len(set(found.values())) == min(count + 2, len({*SPARE, *PALETTE.values()}))
    assert found["real"] == PALETTE["real"] and found["faceswap"] == PALETTE["faceswap"]
    assert colours(reversed(["real", "faceswap", *names])) == found


def test_a_colour_is_the_same_in_every_figure():
    assert colour("xgan") == colour("xgan") == colours(["xgan", "real"])["xgan"]
    assert colour("dfdm-iae") == PALETTE["dfdm"] and colour("faceswap-wav2lip") == PALETTE["faceswap"]


@pytest.mark.parametrize("count", [1, 4, 7, 20])
def test_ablation_with_any_number_of_variants(count):
    table = pd.DataFrame({"value": 0.5, "low": 0.4, "high": 0.6}, index=list(MEASURES))
    fig = ablation({f"_variant {k}": table for k in range(count)}).fig
    fig.canvas.draw()
    assert len(legend_of(fig)) == count
    assert len(fig.axes[0].containers) == count


def test_figures_without_reals_or_without_clips():
    fakes = predictions(["xgan"]).query("label == 1")
    assert not legend_of(roc(fakes).fig)
    with pytest.raises(ValueError, match="needs predictions"):
        reliability(fakes.iloc[:0])
    drawn = residual_figure({"real": np.ones((8, 8))}).fig
    assert not legend_of(drawn)


# --- interactive pieces --------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Scripts, elements and texts of a piece of HTML, as a browser finds them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.scripts: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")], "no handler may come from a name"

    def handle_data(self, data):
        (self.scripts if self.tags and self.tags[-1] == "script" else self.texts).append(data)

    def handle_endtag(self, tag):
        self.tags.append(f"/{tag}")


HOSTILE = [
    '</script><img src=x onerror="alert(1)">',
    "a\u2028b\u2029c",
    "'\"`${1+1}",
    "<!--<script>",
    "&lt;",
    "\\",
    "</ScRiPt >",
]


def page_of(drawn) -> Page:
    page = Page(drawn.content)
    assert page.tags.count("script") == page.tags.count("/script") == 1 and len(page.scripts) == 1
    return page


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_a_text_on_the_map(name):
    data = "data:image/jpeg;base64,AAAA"
    drawn = hover_map(
        np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([name, "real"]), [name, "x"], [data] * 2, [data] * 2
    )
    page = page_of(drawn)
    assert page.tags.count("img") == 2
    assert name.strip() in "".join(page.texts)
    given = json.loads(re.search(r"const words = (\[.*?\]), faces", page.scripts[0], re.DOTALL)[1])
    assert given == [name, "x"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_a_text_in_the_player(name):
    frame = np.zeros((8, 8, 3), np.uint8)
    clip = SimpleNamespace(
        name=name, pictures=[frame] * 3, seconds=1.0, sound=None, scores=np.array([0.2, 0.9]), times=np.array([0.2, 0.7]),
        score=0.6, words="",
    )  # fmt: skip
    page = page_of(clip_player([clip]))
    assert page.tags.count("img") == 1 and page.tags.count("rect") == 2
    given = json.loads(re.search(r"const clips = (\[.*?\]), box = ", page.scripts[0], re.DOTALL)[1])
    assert given[0]["name"] == name and given[0]["summary"].startswith(name)
    assert len(given[0]["bars"]) == 2


@pytest.mark.parametrize(("reals", "fakes"), [(0, 3), (3, 0), (1, 1), (40, 40)])
def test_the_slider_has_a_mark_for_every_clip(reals, fakes):
    rng = np.random.default_rng(0)
    label = np.r_[np.zeros(reals), np.ones(fakes)].astype(int)
    score = rng.random(len(label))
    drawn = slider(sweep(label, score), score[label == 0], score[label == 1], 0.5)
    page = page_of(drawn)
    assert page.tags.count("line") == reals + fakes + 1
    assert page.tags.count("output") == 7


def test_a_template_without_a_value_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        piece("slider", name="x")


# --- embeddings and pairs ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "least"), [(tsne, 3), (umap, 4)])
def test_maps_refuse_points_that_no_map_can_show(method, least):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=f"at least {least} clips, and there are {least - 1}"):
        method(rng.normal(size=(least - 1, 8)), 5)
    with pytest.raises(ValueError, match="spread, and all 30"):
        method(np.full((30, 8), 0.25), 5)
    with pytest.raises(ValueError, match="finite"):
        method(np.where(np.arange(80).reshape(10, 8) == 3, np.nan, 1.0), 5)


@pytest.mark.parametrize("method", [tsne, umap])
def test_points_without_a_map_are_drawn_at_one_place_with_the_reason(method, capsys):
    assert not mapped(method, np.ones((9, 4)), 5).any()
    assert "No map: " in capsys.readouterr().out
    assert mapped(method, np.random.default_rng(0).normal(size=(9, 4)), 5).std() > 0


def test_tsne_of_as_few_points_as_it_takes():
    assert tsne(np.random.default_rng(0).normal(size=(3, 8)), 20.0).shape == (3, 2)


def test_a_probe_with_one_class_in_a_fold_and_with_one_class_at_all():
    rng = np.random.default_rng(0)
    embedding, people = rng.normal(size=(8, 4)), list("aaaabbbb")
    found = linear_probe(embedding, np.array(["real"] * 4 + ["x", "x", "real", "x"]), people)
    assert set(found[4:]) == {"real"}
    with pytest.raises(ValueError, match="two classes or more, and all are 'x'"):
        linear_probe(embedding, np.array(["x"] * 8), people)
    with pytest.raises(ValueError, match="two people"):
        linear_probe(embedding, np.array(["x", "real"] * 4), ["a"] * 8)


def test_the_probe_of_one_generator_is_missing_and_of_two_is_a_share():
    rng = np.random.default_rng(0)
    classes, people = np.array(["x", "y"] * 20), [str(k % 8) for k in range(40)]
    embedding = rng.normal(size=(40, 4)) + 9 * (classes == "x")[:, None]
    assert probe(embedding, classes, people).tolist() == [1.0] * 40
    assert not len(probe(embedding, np.array(["x"] * 40), people))


@pytest.mark.parametrize("n", [0, 1])
def test_cluster_scores_of_too_few_clips_are_missing(n):
    assert np.isnan(knn_purity(np.zeros((n, 3)), np.array(["x"] * n)))
    if n:
        assert np.isnan(cluster_scores(np.zeros((n, 3)), np.array(["x"] * n))["silhouette"])


def manifest(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["clip_id", "label", "identity"])


def test_a_forgery_is_compared_with_its_own_real_alone():
    table = manifest(
        ("r/7.mp4", 0, "anna"), ("f/7_x.mp4", 1, "anna"), ("f/8_x.mp4", 1, "anna"), ("f/7_y.mp4", 1, "ben")
    )  # fmt: skip
    assert own_reals(table) == [(1, 0)]


@pytest.mark.parametrize("missing", ["", None, np.nan, pd.NA])
def test_clips_of_nobody_known_are_never_paired(missing):
    assert own_reals(manifest(("r/7.mp4", 0, missing), ("f/7_x.mp4", 1, missing))) == []


def test_two_reals_of_one_number_are_nobodys_source():
    table = manifest(("a/7.mp4", 0, "anna"), ("b/7.mp4", 0, "anna"), ("f/7_x.mp4", 1, "anna"))
    assert own_reals(table) == []
