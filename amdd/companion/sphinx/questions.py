"""The directive ``{questions} topic``: the questions of ``book/questions/<topic>.yml`` as a part of a page.

Without JavaScript, in print and in EPUB, each question stands with its options, and its answer below a fold. The script
``_static/questions.js`` makes forms of them; it and its style are loaded by pages that hold questions only.

A question that the run contradicts is a warning, which the strict build turns into an error; one that needs a number which
the run did not measure is left out, and the page says so.
"""

from __future__ import annotations

import random
import zlib
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from amdd.companion.chapters import chapter_of
from amdd.companion.questions import (
    Choice,
    Number,
    Numbers,
    Order,
    Unmeasured,
    faults,
    mistakes,
    read_questions,
    right_options,
    value_of,
)
from amdd.companion.results import anchor_of
from amdd.companion.sphinx.parts import add_part, tag, words
from amdd.companion.sphinx.results import results_folder, show

log = logging.getLogger(__name__)
SOURCES = "book/questions"
SHUFFLES = 20


class Questions(SphinxDirective):
    """``{questions}``; see the module's docstring."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        self.topic = self.arguments[0].strip()
        path = Path(self.env.srcdir) / SOURCES / f"{self.topic}.yml"
        self.env.note_dependency(str(path))
        try:
            questions = read_questions(path)
        except (OSError, ValueError) as error:
            self.warn(str(error))
            return []
        self.numbers = Numbers(results_folder(self.env), Path(self.env.srcdir) / "benchmarks")
        drawn: list[nodes.Node] = []
        left_out = 0
        for question in questions:
            try:
                for fault in faults(question, self.numbers):
                    self.warn(fault)
                drawn.append(self.question(question, len(drawn) + 1))
            except Unmeasured:
                left_out += 1
            except ValueError as error:
                self.warn(str(error))
        if left_out:
            text = f"Left out, since this run did not measure what they are about: {left_out} of {len(questions)}."
            drawn.append(tag("p", words(text), class_="amdd-source"))
        return [tag("div", *drawn, class_="amdd-questions")]

    def warn(self, text: str) -> None:
        """Report a fault at the directive's place."""
        log.warning("questions on %s: %s", self.topic, text, location=(self.env.docname, self.lineno))

    def inline(self, text: str) -> list[nodes.Node]:
        """Return one paragraph of Markdown as inline nodes, roles included."""
        box = nodes.container()
        self.state.nested_parse(
            StringList([" ".join(text.split())], self.env.docname), self.content_offset, box
        )
        found = next(iter(box.findall(nodes.paragraph)), None)
        return list(found.children) if found is not None else [words(text)]

    def question(self, question: Choice | Number | Order, place: int) -> nodes.Node:
        """Return one question with its form and its answer below a fold."""
        ask = [tag("strong", words(f"{place}. ")), *self.inline(question.ask)]
        kinds: dict[str, Any] = {
            "choice": self.choice,
            "figure": self.choice,
            "number": self.number,
            "order": self.order,
        }
        form, answers, facts = kinds[question.kind](question)
        figure = getattr(question, "figure", "")
        shown = [self.figure(figure)] if figure else []
        head = tag("p", *ask, class_="amdd-ask", id=f"ask-{self.topic}-{question.id}".replace("_", "-"))
        fold = tag(
            "details",
            tag("summary", words("Answer and explanations")),
            tag("ul", *answers, class_="amdd-answers"),
        )
        name = head["attrs"]["id"]
        group = tag("div", head, *shown, form, role="group", aria_labelledby=name)
        return tag("div", group, fold, class_="amdd-question", data_kind=question.kind, **facts)

    def figure(self, name: str) -> nodes.Node:
        """Return a link to the figure that a question is about; the script shows the figure itself."""
        topic, _, piece = name.partition(".")
        if not any((results_folder(self.env) / topic).glob(f"{piece}.*")):
            raise Unmeasured(name)
        page = "" if topic == self.topic else f"{chapter_of(topic)}.html"
        link = tag("a", words("The figure"), href=f"{page}#{anchor_of(topic, piece)}", class_="amdd-look")
        return tag("p", link)

    def choice(self, question: Choice) -> tuple[nodes.Node, list[nodes.Node], dict[str, str]]:
        """Return the radio buttons and the explanations of a choice."""
        right = right_options(question, self.numbers)
        name = f"q-{self.topic}-{question.id}"
        options = shuffled(question.options, question.id)
        labels, answers = [], []
        for option in options:
            k = question.options.index(option)
            button = tag("input", type="radio", name=name, value=k)
            labels.append(tag("label", button, tag("span", *self.inline(option.text))))
            mark = "Right: " if k in right else "Wrong: "
            said = [tag("strong", words(mark)), *self.inline(option.text), words(" "), tag("br")]
            why = tag("span", *self.inline(option.why), class_="amdd-why")
            answers.append(tag("li", *said, why, data_value=k, data_right=int(k in right)))
        return tag("div", *labels, class_="amdd-options"), answers, {}

    def number(self, question: Number) -> tuple[nodes.Node, list[nodes.Node], dict[str, str]]:
        """Return the field and the explanations of a number question."""
        answer = value_of(question.answer, self.numbers)
        digits = digits_of(question.tolerance)
        name = f"ask-{self.topic}-{question.id}".replace("_", "-")
        field = tag(
            "input", type="text", inputmode="decimal", size=8, autocomplete="off", aria_labelledby=name
        )
        label = tag("span", field, words(f" {question.unit}"), class_="amdd-field")
        within = f" (within {question.tolerance:g})" if question.tolerance else ""
        right = [tag("strong", words(f"Right: {show(answer, question.unit, digits)}{within}")), tag("br")]
        answers = [
            tag("li", *right, tag("span", *self.inline(question.why), class_="amdd-why"), data_right=1)
        ]
        for value, why in mistakes(question, self.numbers):
            said = [tag("strong", words(f"Wrong: {show(value, question.unit, digits)}")), tag("br")]
            text = tag("span", *self.inline(why), class_="amdd-why")
            answers.append(tag("li", *said, text, data_near=value, data_right=0))
        said = [tag("strong", words("Any other value")), tag("br")]
        text = tag("span", *self.inline(question.otherwise), class_="amdd-why")
        answers.append(tag("li", *said, text, data_right=0))
        facts = {"data_answer": str(answer), "data_tolerance": str(question.tolerance)}
        return tag("div", label, class_="amdd-options"), answers, facts

    def order(self, question: Order) -> tuple[nodes.Node, list[nodes.Node], dict[str, str]]:
        """Return the shuffled steps and, in order, the reason for each one's place."""
        items, answers = [], []
        for step in shuffled(question.steps, question.id):
            k = question.steps.index(step)
            items.append(tag("li", tag("span", *self.inline(step.text)), data_step=k))
        for k, step in enumerate(question.steps):
            said = [tag("strong", words(f"{k + 1}. "), *self.inline(step.text)), tag("br")]
            why = tag("span", *self.inline(step.why), class_="amdd-why")
            answers.append(tag("li", *said, why, data_step=k, data_right=1))
        return tag("ol", *items, class_="amdd-options amdd-steps"), answers, {}


def shuffled(items: tuple, seed: str) -> list:
    """Return the items in an order that depends on ``seed`` alone and differs from the given one."""
    found = list(items)
    for k in range(SHUFFLES):
        random.Random(zlib.crc32(f"{seed}{k}".encode())).shuffle(found)
        if len(found) < 3 or found != list(items):
            break
    return found


def digits_of(tolerance: float) -> int:
    """Return the decimals with which a value of this tolerance is shown."""
    return max(0, len(f"{tolerance:.6f}".rstrip("0").partition(".")[2])) if tolerance else 0


def setup(app):
    return add_part(app, "questions", Questions, "amdd-questions", ["questions"])
