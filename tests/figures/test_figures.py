"""Every figure function draws what it was given, for one generator or several, under any names."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import amdd.figures
from amdd.analysis.media import Played
from amdd.figures import Exhibit, exhibit
from amdd.figures.style import colour

RNG = np.random.default_rng(0)
OWN = ("MyGen", "Other Gen")


def predictions(generators=OWN, n=12):
    rows = [(g, int(g != "real"), RNG.uniform()) for g in ("real", *generators) for _ in range(n)]
    table = pd.DataFrame(rows, columns=["generator", "label", "score"])
    return table.assign(
        attribution=table.generator, identity=[f"p{k % 5}" for k in range(len(table))], known=True
    )


def metrics_of(table):
    from amdd.stats import metrics

    return metrics(table)


def frames(n=3, side=32):
    return RNG.integers(0, 255, (n, side, side, 3), np.uint8)


def played(name="MyGen", audio=True):
    sound = np.sin(np.arange(8000) / 9).astype("f4") if audio else None
    return Played(name, frames(4), 0.5, sound, np.array([0.1, 0.4]), np.array([0.2, 0.9]), 0.6)


OUTCOMES = pd.DataFrame(
    {
        "arm": ["full", "full", "twin"],
        "seed": [0, 1, 0],
        "unseen": [0.9, 0.8, 0.7],
        "naming": [0.6, 0.5, np.nan],
    }
)
CONTRASTS = pd.DataFrame(
    {"contrast": ["full - twin"], "role": ["primary"], "difference": [0.01], "from": [-0.02], "to": [0.04]}
)
STUDY_HISTORY = pd.DataFrame(
    {"arm": ["full"] * 2 + ["twin"] * 2, "seed": 0, "epoch": [1, 2] * 2, "detection": [0.08, 0.02, 0.08, 0.07],
     "grad_trunk_detection": [1.0, 3.0, 0.0, 0.0], "grad_trunk_attribution": [3.0, 1.0, 0.0, 0.0]}
)  # fmt: skip
LEFT_OUT = pd.DataFrame(
    [{"arm": a, "left out": g, "seed": s, "AUC": 0.8 + s / 10} for a in ("full", "twin") for g in OWN for s in (0, 1)]
)  # fmt: skip
DOSES = pd.DataFrame(
    [{"generators": n, "weight": w, "seed": 0, "never": 0.7, "named": 0.5} for n in (1, 3) for w in (0.0, 0.3, 1.0)]
)  # fmt: skip
SPREAD = {v: {"auc": [0.9, 0.8, 0.7], "named": [0.3, 0.4, 0.5]} for v in ("full", "without_x")}
HISTORY = pd.DataFrame(
    {"epoch": [1, 2, 3], **{k: [3.0, 2.0, 1.0] for k in ("detection", "attribution", "contrastive", "fingerprint", "centroid")},
     "validation_auc": [0.5, 0.6, 0.7], "validation_balanced_accuracy": [0.5, 0.5, 0.6], "validation_loss": [1.0, 0.9, 0.8], "validation_named": [0.3, 0.5, 0.6]}
)  # fmt: skip
CONDITIONS = pd.DataFrame(
    {"corpus": ["a", "a"], "condition": ["hq", "lq"], "auc": [0.9, 0.8], "real_accuracy": [0.7, 0.6], "fake_accuracy": [0.5, 0.4]}
)  # fmt: skip
LEVELS = pd.DataFrame(
    [{"corruption": k, "level": v, "AUC": 0.9 - v / 10, "AUC from": 0.5, "AUC to": 1.0, "true-negative rate": 0.5, "true-positive rate": 0.4}
     for k in ("blur", "noise") for v in (0, 5)]
)  # fmt: skip
CLAIMS = pd.DataFrame(
    {"id": ["one-claim", "another"], "value": [0.2, np.nan], "low": [0.1, np.nan], "high": [0.3, np.nan],
     "verdict": ["supported", "not attempted"]}
)  # fmt: skip
SPECTRUM = np.abs(RNG.normal(size=(32, 32))) + 1


def sweep_of(table):
    from amdd.stats import sweep

    return sweep(table.label, table.score)


# name of the function: its arguments
CALLS = {
    "architecture.architecture": lambda: (),
    "attention.attention_rows": None,  # returns rows for film_strip; it runs a network, see the chapter's smoke run
    "choices.choices_figure": lambda: (pd.DataFrame({"choice": ["a", "b"], "AUC": [0.6, 0.7], "from": [0.5, 0.6], "to": [0.7, 0.8], "seed 0": [0.6, 0.65], "seed 1": [0.6, 0.75]}),),
    "claims.forest": lambda: (CLAIMS,),
    "detection.roc": lambda: (predictions(),),
    "detection.confusion": lambda: (predictions(), ("real", *OWN)),
    "detection.scores": lambda: (predictions(), 0.5),
    "detection.reliability": lambda: (predictions(),),
    "detection.ablation": lambda: ({"full": metrics_of(predictions()), "without_x": metrics_of(predictions())},),
    "detection.conditions": lambda: (CONDITIONS,),
    "detection.curves": lambda: (HISTORY,),
    "embedding.maps": lambda: ({"full": RNG.normal(size=(36, 2))}, predictions().generator.to_numpy()),
    "embedding.similarity": lambda: (pd.DataFrame({"variant": "full", "generator": predictions().generator, "cosine": 0.5}),),
    "forgers.forger_curves": lambda: ([{"name": "MyGen", "loss_every_25_steps": [3, 2, 1]}],),
    "hover.clip_map": None,  # hover_map of clips of a store; drawn in the chapter's smoke run
    "hover.hover_map": lambda: (RNG.normal(size=(3, 2)), np.array(["real", *OWN]), ["<a>", "b", "c"], ["data:,1", "data:,2", "data:,3"], ["data:,4", "data:,5", "data:,6"]),
    "pictures.film_strip": lambda: ({"real": frames(), "MyGen": frames()},),
    "pictures.spectrograms": lambda: ({"real": RNG.uniform(-1, 1, (16, 40)), "MyGen": RNG.uniform(-1, 1, (16, 40))}, 4.0),
    "pictures.paired_spectrograms": None,  # spectrograms of clips of a store; drawn in the chapter's smoke run
    "player.clip_player": lambda: ([played("real"), played(audio=False)],),
    "residual.residual_figure": lambda: ({"real": SPECTRUM, "MyGen": SPECTRUM / 2},),
    "robustness.corruption_strip": lambda: (frames(1)[0],),
    "robustness.robustness": lambda: (LEVELS,),
    "study.ladder": lambda: (OUTCOMES, {"unseen": "AUC", "naming": "naming"}, {"full": "all", "twin": "half"}),
    "study.contrasts": lambda: (CONTRASTS, 0.03),
    "study.take_offs": lambda: (STUDY_HISTORY, 0.05, ["full", "twin"]),
    "study.gradient_shares": lambda: (STUDY_HISTORY, ["detection", "attribution"]),
    "study.left_out": lambda: (LEFT_OUT, OWN, {"full": "names", "twin": "no names"}),
    "study.dose": lambda: (DOSES, {"never": "AUC", "named": "named"}),
    "seeds.seeds_figure": lambda: (SPREAD, {"auc": "AUC", "named": "named"}, {"auc": 0.5}),
    "spoken.spoken_strip": lambda: (frames(), np.zeros(16_000, "f4"), 1.0, [("h", 0.1, 0.2), ("a", 0.2, 0.5)], "ha"),
    "threshold.curves_over_threshold": lambda: (sweep_of(predictions()), 0.5),
    "threshold.base_rates": lambda: (0.9, 0.8),
    "threshold.slider": lambda: (sweep_of(predictions()), np.array([0.1, 0.4]), np.array([0.6]), 0.5),
}  # fmt: skip


def drawing_functions():
    for info in pkgutil.iter_modules(amdd.figures.__path__):
        module = importlib.import_module(f"amdd.figures.{info.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            made_here = function.__module__ == module.__name__ and not name.startswith("_")
            if made_here and inspect.signature(function).return_annotation == "Exhibit":
                yield f"{info.name}.{name}"


def test_every_drawing_function_is_called_below():
    assert {*drawing_functions()} - {"exhibit.Figure"} == {
        k for k, v in CALLS.items() if v or "rows" not in k
    }


@pytest.mark.parametrize("name", [k for k, v in CALLS.items() if v])
def test_a_figure_is_an_exhibit_with_words_and_data(name):
    module, _, function = name.partition(".")
    draw = getattr(importlib.import_module(f"amdd.figures.{module}"), function)
    shown = draw(*CALLS[name]())
    try:
        assert isinstance(shown, Exhibit)
        assert shown.drawn_by == f"amdd.figures.{name}"
        assert re.search(r"[a-z]{3} .*[a-z]{3}", shown.alt)
        if shown.kind == "figure":
            drawn = [
                a
                for ax in shown.fig.axes
                for a in (*ax.lines, *ax.collections, *ax.patches, *ax.images, *ax.texts)
            ]
            assert drawn
            assert len(shown.table) or function == "architecture"
        elif shown.kind == "image":
            assert shown.content.dtype == np.uint8 and shown.content.std() > 0
        else:
            assert "<figure" in shown.content and "<a>" not in shown.content.split("<script>")[0]
    finally:
        plt.close("all")


def named(name, *arguments):
    module, _, function = name.partition(".")
    return getattr(importlib.import_module(f"amdd.figures.{module}"), function)(*arguments)


def test_curves_are_drawn_where_the_data_are():
    shown = named("detection.curves", HISTORY)
    left = shown.fig.axes[0]
    assert [line.get_ydata().tolist() for line in left.lines] == [[3.0, 2.0, 1.0]] * 5
    shown = named("threshold.curves_over_threshold", sweep_of(predictions()), 0.25)
    assert any(line.get_xdata()[0] == 0.25 for line in shown.fig.axes[0].lines)
    plt.close("all")


def test_a_confusion_counts_every_clip_of_the_classes():
    table = predictions()
    table.loc[table.generator == "MyGen", "attribution"] = "real"
    shown = named("detection.confusion", table, ("real", *OWN))
    texts = [t.get_text() for t in shown.fig.axes[0].texts]
    assert sum(int(x) for x in re.findall(r"(?<![\d.%])\b(\d+)\b(?!\s*%|\.)", " ".join(texts))) >= 36
    plt.close("all")


def test_gradient_shares_are_shares():
    table = named(
        "study.gradient_shares", STUDY_HISTORY[STUDY_HISTORY.arm == "full"], ["detection", "attribution"]
    ).table
    assert table.detection.tolist() == [0.25, 0.75] and (table.detection + table.attribution == 1).all()


def test_a_forest_shows_zero_and_every_interval():
    shown = named("claims.forest", CLAIMS)
    ax = shown.fig.axes[0]
    assert any(line.get_xdata()[0] == 0 for line in ax.lines)
    assert any(list(line.get_xdata()) == [0.1, 0.3] for line in ax.lines)
    assert {"supported", "not attempted"} <= {t.get_text() for t in ax.texts}
    plt.close("all")


@pytest.mark.parametrize("generators", [("MyGen",), ("a", "b", "c", "d", "e", "f", "g", "h", "i")])
def test_one_generator_or_many(generators):
    table = predictions(generators)
    for name, arguments in (
        ("detection.roc", (table,)),
        ("detection.scores", (table, 0.5)),
        ("detection.confusion", (table, ("real", *generators))),
        ("residual.residual_figure", ({"real": SPECTRUM} | dict.fromkeys(generators, SPECTRUM),)),
        ("embedding.maps", ({"x": RNG.normal(size=(len(table), 2))}, table.generator.to_numpy())),
    ):
        shown = named(name, *arguments)
        words = (
            shown.alt
            + " ".join(map(str, shown.table.to_numpy().ravel()))
            + " ".join(map(str, shown.table.columns))
        )
        assert all(g in words for g in generators), name
        plt.close("all")


def test_colours_of_own_names_stay_and_differ():
    assert colour("MyGen") == colour("MyGen")
    assert len({colour(g) for g in ("real", "faceswap", "wav2lip", "fsgan")}) == 4
    assert re.fullmatch(r"#[0-9a-f]{6}", colour("any name at all"))


def test_the_outermost_function_is_named():
    @exhibit
    def draws():
        return Exhibit("image", np.zeros((1, 1, 3), np.uint8), "a dot")

    assert draws().drawn_by.endswith(".draws")
    with pytest.raises(ValueError, match="an image must be uint8"):
        Exhibit.image(np.zeros((2, 2)), "no image")
    with pytest.raises(TypeError, match="no matplotlib figure"):
        _ = draws().fig


def test_the_slider_starts_where_the_threshold_is():
    shown = named("threshold.slider", sweep_of(predictions()), np.array([0.1, 0.4]), np.array([0.6]), 0.3)
    assert 'data-cell="threshold">0.30' in shown.content
    assert shown.content.count('class="amdd-') >= 2
