// Questions with feedback: makes forms of the questions that the page holds. Loads nothing, stores nothing.
(() => {
  const make = (name, text = "", attrs = {}) => {
    const node = Object.assign(document.createElement(name), { textContent: text });
    Object.entries(attrs).forEach(([key, value]) => node.setAttribute(key, value));
    return node;
  };

  const tally = (box) => {
    const all = [...box.querySelectorAll(".amdd-question")];
    const right = all.filter((q) => q.dataset.state === "right").length;
    const tried = all.filter((q) => q.dataset.state).length;
    box.querySelector(".amdd-tally").textContent =
      `${right} of ${all.length} answered correctly, ${tried} tried.`;
  };

  // The feedback shows the explanation that belongs to the answer; `item` is its entry below the fold.
  const say = (question, right, lead, item) => {
    const feedback = question.querySelector(".amdd-feedback");
    feedback.replaceChildren(make("strong", lead + " "));
    const why = item && item.querySelector(".amdd-why");
    if (why) feedback.append(...[...why.childNodes].map((node) => node.cloneNode(true)));
    feedback.dataset.right = right ? "1" : "0";
    if (item || right) question.dataset.state = right ? "right" : "wrong"; // without an entry nothing was answered
    tally(question.closest(".amdd-questions"));
  };

  const choice = (question) => {
    const picked = question.querySelector("input:checked");
    if (!picked) return say(question, false, "Choose an answer first.", null);
    const item = question.querySelector(`.amdd-answers [data-value="${picked.value}"]`);
    const right = item.dataset.right === "1";
    return say(question, right, right ? "Correct." : "Not this one.", item);
  };

  // "0,95", "0.95", "95 %" where the unit is percent, and a typographic minus are all read.
  const parsed = (text) => Number(text.replace(/[\s\u202f\u00a0%]/g, "").replace("\u2212", "-").replace(",", "."));

  const number = (question) => {
    const text = question.querySelector("input").value;
    const value = parsed(text);
    if (!text.trim() || Number.isNaN(value)) return say(question, false, "Enter a number, such as 0.5.", null);
    const within = Number(question.dataset.tolerance) + 1e-9;
    const items = [...question.querySelectorAll(".amdd-answers li")];
    if (Math.abs(value - Number(question.dataset.answer)) <= within) return say(question, true, "Correct.", items[0]);
    const near = items.find((i) => i.dataset.near && Math.abs(value - Number(i.dataset.near)) <= within);
    return say(question, false, "Not this value.", near || items[items.length - 1]);
  };

  const order = (question) => {
    const steps = [...question.querySelectorAll(".amdd-steps li")].map((li) => Number(li.dataset.step));
    const first = steps.findIndex((step, place) => step !== place);
    if (first < 0) return say(question, true, "Correct.", null);
    const item = question.querySelector(`.amdd-answers [data-step="${steps[first]}"]`);
    const rightly = first ? `The first ${first} stand${first === 1 ? "s" : ""} right; step` : "Step";
    return say(question, false, `${rightly} ${first + 1} does not belong there.`, item);
  };

  const movable = (question) => {
    const list = question.querySelector(".amdd-steps");
    const items = () => [...list.children];
    const label = () => items().forEach((li, k) => {
      const [up, down] = li.querySelectorAll("button");
      up.disabled = k === 0;
      down.disabled = k === items().length - 1;
    });
    items().forEach((li) => {
      const text = li.textContent;
      [["↑", "Move up", -1], ["↓", "Move down", 1]].forEach(([sign, word, by]) => {
        const button = make("button", sign, { type: "button", "aria-label": `${word}: ${text}` });
        button.addEventListener("click", () => {
          const other = by < 0 ? li.previousElementSibling : li.nextElementSibling;
          if (!other) return;
          if (by < 0) list.insertBefore(li, other); else list.insertBefore(other, li);
          label();
          const again = button.disabled ? li.querySelector("button:not(:disabled)") : button;
          again.focus();
          question.querySelector(".amdd-moved").textContent = `Now in place ${items().indexOf(li) + 1} of ${items().length}.`;
        });
        li.append(button);
      });
    });
    question.append(make("p", "", { class: "amdd-moved visually-hidden", role: "status" }));
    label();
  };

  // A figure of the same page is shown once more on demand, from the page itself.
  const look = (question) => {
    const link = question.querySelector("a.amdd-look");
    const target = link && link.getAttribute("href").startsWith("#") && document.querySelector(link.getAttribute("href"));
    const image = target && target.querySelector("img");
    if (!image) return;
    const button = make("button", "Show the figure here", { type: "button" });
    button.addEventListener("click", () => {
      const copy = image.cloneNode();
      copy.removeAttribute("id");
      copy.classList.add("amdd-shown");
      button.replaceWith(copy);
    });
    link.after(" ", button);
  };

  const checks = { choice, figure: choice, number, order };
  document.querySelectorAll(".amdd-questions").forEach((box) => {
    box.append(make("p", "", { class: "amdd-tally", role: "status" }));
    box.querySelectorAll(".amdd-question").forEach((question) => {
      const check = () => checks[question.dataset.kind](question);
      const button = make("button", "Check", { type: "button", class: "amdd-check" });
      button.addEventListener("click", check);
      question.querySelectorAll("input").forEach((input) => input.addEventListener("keydown", (event) => {
        if (event.key === "Enter") { event.preventDefault(); check(); }
      }));
      question.insertBefore(button, question.querySelector("details"));
      question.insertBefore(make("div", "", { class: "amdd-feedback", role: "status" }), question.querySelector("details"));
      if (question.dataset.kind === "order") movable(question);
      look(question);
    });
    tally(box);
  });
})();
