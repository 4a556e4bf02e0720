"""Questions with feedback: what a file may say, and what a run may contradict."""

from __future__ import annotations

import json

import pytest
import yaml
from support.browser import chromium
from support.sphinx_page import build_page

from amdd.base.paths import PROJECT
from amdd.companion.chapters import topic_of
from amdd.companion.questions import (
    Choice,
    Number,
    Numbers,
    Order,
    Unmeasured,
    decide,
    faults,
    mistakes,
    read_questions,
    right_options,
)

FILES = sorted((PROJECT / "book" / "questions").glob("*.yml"))
TOPICS = [topic_of(p.stem) for p in sorted((PROJECT / "notebooks").glob("[0-9][0-9]_*.py"))]
CHOICE = {
    "id": "auc",
    "kind": "choice",
    "ask": "What holds?",
    "options": [
        {"text": "above chance", "right": "low('demo.auc') > 0.5", "why": "the interval lies above"},
        {"text": "not shown", "right": "low('demo.auc') <= 0.5", "why": "the interval holds one half"},
    ],
}
NUMBER = {
    "id": "half",
    "kind": "number",
    "ask": "How much?",
    "answer": "value('demo.auc')",
    "tolerance": 0.01,
    "why": "as measured",
    "wrong": [{"value": "value('demo.other')", "why": "this is the other one"}],
    "otherwise": "look again",
}


@pytest.fixture
def numbers(tmp_path):
    """Return a function that writes a run's numbers and opens them."""

    def write(**records) -> Numbers:
        folder = tmp_path / "results" / "demo"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "numbers.json").write_text(json.dumps(records))
        return Numbers(tmp_path / "results")

    return write


def read(tmp_path, *questions):
    path = tmp_path / "q.yml"
    path.write_text(yaml.safe_dump(list(questions)))
    return read_questions(path)


def test_every_chapter_has_five_questions_of_three_kinds():
    assert sorted(p.stem for p in FILES) == sorted(TOPICS)
    for path in FILES:
        questions = read_questions(path)
        assert len(questions) >= 5, path.name
        assert len({q.kind for q in questions}) >= 3, path.name
    kinds = {q.kind for path in FILES for q in read_questions(path)}
    assert kinds == {"choice", "figure", "number", "order"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_questions_that_need_no_run_agree_with_arithmetic_and_the_paper(path, tmp_path):
    """Rules over the paper, the benchmarks and constants are decided here; the others by the built book."""
    for question in read_questions(path):
        try:
            assert faults(question, Numbers(tmp_path)) == []
        except Unmeasured as missing:
            topic = str(missing).partition(".")[0]
            assert topic.strip("'") in TOPICS, (
                f"{path.name}: {question.id} needs {missing}, which no chapter writes"
            )


def test_the_right_option_follows_the_run(tmp_path, numbers):
    (question,) = read(tmp_path, CHOICE)
    assert isinstance(question, Choice)
    assert right_options(question, numbers(auc={"value": 0.8, "low": 0.7, "high": 0.9})) == [0]
    assert right_options(question, numbers(auc={"value": 0.6, "low": 0.41, "high": 0.79})) == [1]


def test_an_answer_that_the_run_contradicts_is_a_fault(tmp_path, numbers):
    fixed = CHOICE | {"holds": "value('demo.auc') > 0.9"}
    (question,) = read(tmp_path, fixed)
    assert faults(question, numbers(auc={"value": 0.95, "low": 0.9, "high": 0.99})) == []
    (found,) = faults(question, numbers(auc={"value": 0.8, "low": 0.7, "high": 0.9}))
    assert "auc" in found and "contradicts" in found


def test_two_right_options_or_none_are_a_fault(tmp_path, numbers):
    for rule in ("low('demo.auc') > 0", "low('demo.auc') > 1"):
        options = [dict(CHOICE["options"][0], right=rule), dict(CHOICE["options"][1], right=rule)]
        (question,) = read(tmp_path, CHOICE | {"options": options})
        (found,) = faults(question, numbers(auc={"value": 0.8, "low": 0.7, "high": 0.9}))
        assert "one right option" in found


def test_a_known_mistake_that_gives_the_answer_itself_is_dropped(tmp_path, numbers):
    (question,) = read(tmp_path, NUMBER)
    assert isinstance(question, Number)
    apart = numbers(auc={"value": 0.8}, other={"value": 0.6})
    assert mistakes(question, apart) == [(0.6, "this is the other one")]
    assert mistakes(question, numbers(auc={"value": 0.8}, other={"value": 0.801})) == []


def test_a_fixed_mistake_within_the_tolerance_is_a_fault(tmp_path, numbers):
    (question,) = read(tmp_path, NUMBER | {"answer": 0.5, "wrong": [{"value": 0.505, "why": "too near"}]})
    (found,) = faults(question, numbers())
    assert "0.505" in found


@pytest.mark.parametrize(
    "record", [{}, {"auc": {"value": "not measured"}}, {"auc": {"value": "not defined"}}]
)
def test_a_number_that_was_not_measured_is_no_fault_but_leaves_the_question_out(tmp_path, numbers, record):
    (question,) = read(tmp_path, NUMBER)
    with pytest.raises(Unmeasured):
        faults(question, numbers(**record))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"options": CHOICE["options"][:1]}, "options"),
        ({"options": [*CHOICE["options"], {"text": "no reason"}]}, "why"),
        ({"kind": "essay"}, "essay"),
        ({"hint": "none"}, "hint"),
        ({"id": "Two Words"}, "id"),
    ],
)
def test_a_bad_file_is_named_with_the_place(tmp_path, change, said):
    with pytest.raises(ValueError, match=r"q\.yml") as error:
        read(tmp_path, CHOICE | change)
    assert said in str(error.value)


def test_an_id_may_occur_once(tmp_path):
    with pytest.raises(ValueError, match="found twice: auc"):
        read(tmp_path, CHOICE, CHOICE)


@pytest.mark.parametrize(
    "rule", ["1 +", "nobody('x')", "''.__class__.__mro__", "1 / 0", "'text'", "paper('none')"]
)
def test_a_rule_that_cannot_be_computed_is_named(numbers, rule):
    with pytest.raises(ValueError, match="rule"):
        decide(rule, numbers())


# --- on a page, in a browser ---------------------------------------------------------------------------------

ORDER = {
    "id": "abc",
    "kind": "order",
    "ask": "Sort.",
    "steps": [{"text": f"step {x}", "why": f"reason {x}"} for x in "abc"],
}
FIXED = {
    "id": "fixed",
    "kind": "choice",
    "ask": "Which one, by $x^2$?",
    "options": [
        {"text": "this one", "right": True, "why": "since it is"},
        {"text": "that one", "why": "since 1 < 2 is not it"},
    ],
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return a page with one question of each kind, built by Sphinx with warnings as errors."""
    source = tmp_path_factory.mktemp("questions")
    (source / "book" / "questions").mkdir(parents=True)
    (source / "book" / "_static").mkdir()
    for name in ("questions.js", "questions.css"):
        (source / "book" / "_static" / name).write_bytes((PROJECT / "book" / "_static" / name).read_bytes())
    shown = [FIXED, NUMBER | {"answer": 0.625, "wrong": [{"value": 0.5, "why": "ties count"}]}, ORDER, CHOICE]
    (source / "book" / "questions" / "demo.yml").write_text(yaml.safe_dump(shown))
    (source / "index.md").write_text("# Page\n\n```{questions} demo\n```\n")
    extensions = ("amdd.companion.sphinx.results", "amdd.companion.sphinx.questions")
    return build_page(source, *extensions, static="book/_static")


def test_without_script_every_question_has_its_answer_below_a_fold(built):
    text = built.read_text(encoding="utf-8")
    assert text.count("<summary>Answer and explanations</summary>") == 3
    assert "since 1 &lt; 2 is not it" in text
    assert "Left out, since this run did not measure what they are about: 1 of 4." in text


@pytest.fixture(scope="module")
def page(built):
    with chromium() as browser:
        one = browser.new_page()
        one.goto(built.as_uri())
        yield one


def feedback(page, kind: str) -> str:
    return page.locator(f'[data-kind="{kind}"] .amdd-feedback').inner_text()


def test_a_choice_is_answered_by_keyboard_and_explained(page):
    question = page.locator('[data-kind="choice"]')
    question.locator('input[value="1"]').focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    assert feedback(page, "choice") == "Not this one. since 1 < 2 is not it"
    question.locator('input[value="1"]').focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert feedback(page, "choice").startswith("Correct.")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("0,625", "Correct."),
        ("0.5", "ties count"),
        ("7", "look again"),
        ("much", "Enter a number"),
        ("", "Enter"),
    ],
)
def test_a_number_is_read_and_its_mistake_named(page, typed, said):
    field = page.locator('[data-kind="number"] input')
    field.fill(typed)
    field.press("Enter")
    assert said in feedback(page, "number")


def test_steps_are_ordered_by_buttons_and_the_first_misplaced_one_is_explained(page):
    question = page.locator('[data-kind="order"]')
    before = [
        x.split("↑")[0].strip() for x in question.locator("li[data-step]:has(button)").all_inner_texts()
    ]
    assert sorted(before) == ["step a", "step b", "step c"] != before
    question.locator(".amdd-check").click()
    assert "does not belong there. reason" in feedback(page, "order")
    for step in ("step b", "step a"):  # each to the top: b, then a above it
        for _ in range(2):
            button = question.get_by_role("button", name=f"Move up: {step}")
            if button.is_enabled():
                button.press("Enter")
    question.locator(".amdd-check").press("Enter")
    assert feedback(page, "order").startswith("Correct.")


def test_no_barrier_for_keyboard_or_screen_reader(page):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context=".amdd-questions").response["violations"]
    assert [f"{r['id']}: {n['html'][:90]}" for r in found for n in r["nodes"]] == []


def test_every_kind_of_question_is_read():
    assert {type(q) for path in FILES for q in read_questions(path)} == {Choice, Number, Order}
