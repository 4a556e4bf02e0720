// Explore a run's predictions: corpus, generator, threshold, prevalence. Everything is computed here; nothing is loaded.
window.amddExplore = (() => {
  // `reals` and `fakes` are scores. A clip is classified as fake from the threshold on.
  const rates = (reals, fakes, threshold) => {
    const tp = fakes.filter((s) => s >= threshold).length, tn = reals.filter((s) => s < threshold).length;
    return { tp, fn: fakes.length - tp, tn, fp: reals.length - tn, found: tp / fakes.length, passed: tn / reals.length };
  };
  const auc = (reals, fakes) => {
    let won = 0;
    fakes.forEach((f) => reals.forEach((r) => { won += f > r ? 1 : f === r ? 0.5 : 0; }));
    return won / (reals.length * fakes.length);
  };
  const worth = (found, passed, prevalence) => {
    const hits = found * prevalence, alarms = hits + (1 - passed) * (1 - prevalence);
    return alarms > 0 ? hits / alarms : NaN;
  };
  // Thresholds at which a rate changes: each score, and one above all.
  const steps = (reals, fakes) => [...new Set([...reals, ...fakes, 1.01])].sort((a, b) => a - b);
  const curve = (reals, fakes) => steps(reals, fakes).map((t) => { const r = rates(reals, fakes, t); return [1 - r.passed, r.found]; });
  const best = (reals, fakes) => Math.max(...steps(reals, fakes).map((t) => { const r = rates(reals, fakes, t); return (r.found + r.passed) / 2; }));
  return { rates, auc, worth, steps, curve, best };
})();
(() => {
  const E = window.amddExplore, box = document.querySelector(".amdd-explore");
  if (!box) return;
  const data = JSON.parse(box.querySelector("script").textContent), names = Object.keys(data.corpora);
  const make = (name, attrs = {}, ...children) => {
    const node = document.createElement(name);
    Object.entries(attrs).forEach(([key, value]) => (key.startsWith("on") ? node.addEventListener(key.slice(2), value) : node.setAttribute(key, value)));
    node.append(...children);
    return node;
  };
  const NS = "http://www.w3.org/2000/svg";
  const draw = (name, attrs, text = "") => {
    const node = document.createElementNS(NS, name);
    Object.entries(attrs).forEach(([key, value]) => node.setAttribute(key, value));
    node.textContent = text;
    return node;
  };
  const percent = (v, digits = 0) => (Number.isNaN(v) ? "not defined" : `${(100 * v).toFixed(digits)} %`);
  const PREVALENCES = [0.0001, 0.001, 0.01, 0.1, 0.5];

  const corpus = make("select", { id: "amdd-corpus" }, ...names.map((name) => make("option", { value: name }, name)));
  const kind = make("select", { id: "amdd-kind" });
  const cut = make("input", { type: "range", min: "0", max: "1", step: "0.01", value: String(data.threshold), id: "amdd-cut" });
  const rare = make("select", { id: "amdd-rare" }, ...PREVALENCES.map((p) => make("option", { value: String(p) }, `one clip in ${Math.round(1 / p)}`)));
  rare.value = "0.5";
  const shown = make("div"), status = make("p", { class: "visually-hidden", role: "status" });

  const state = () => {
    const rows = data.corpora[corpus.value], reals = rows.filter((r) => r[0] === "real").map((r) => r[1]);
    const fakes = rows.filter((r) => r[0] !== "real" && (!kind.value || r[0] === kind.value)).map((r) => r[1]);
    const threshold = Number(cut.value), prevalence = Number(rare.value), r = E.rates(reals, fakes, threshold);
    return { reals, fakes, threshold, prevalence, ...r, balanced: (r.found + r.passed) / 2, auc: E.auc(reals, fakes), best: E.best(reals, fakes), worth: E.worth(r.found, r.passed, prevalence) };
  };
  const refill = () => {
    const found = [...new Set(data.corpora[corpus.value].map((r) => r[0]))].filter((g) => g !== "real").sort();
    kind.replaceChildren(make("option", { value: "" }, "all"), ...found.map((g) => make("option", { value: g }, g)));
  };

  const roc = (s) => {
    const x = (v) => 40 + 220 * v, y = (v) => 240 - 220 * v;
    const svg = draw("svg", { viewBox: "0 0 280 280", role: "img", "aria-label": `ROC curve, AUC ${s.auc.toFixed(2)}; at this threshold ${percent(s.found)} of the fakes are detected and ${percent(1 - s.passed)} of the reals are called fake.` });
    svg.append(draw("rect", { x: 40, y: 20, width: 220, height: 220, class: "amdd-frame" }), draw("line", { x1: x(0), y1: y(0), x2: x(1), y2: y(1), class: "amdd-even" }),
      draw("polyline", { points: E.curve(s.reals, s.fakes).map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(" "), class: "amdd-curve" }),
      draw("circle", { cx: x(1 - s.passed), cy: y(s.found), r: 6, class: "amdd-people" }), draw("text", { x: 150, y: 264, "text-anchor": "middle" }, "reals called fake"), draw("text", { x: 16, y: 130, transform: "rotate(-90 16 130)", "text-anchor": "middle" }, "fakes detected"));
    return svg;
  };
  const bars = (s) => {
    const svg = draw("svg", { viewBox: "0 0 280 280", role: "img", "aria-label": "Scores of reals (above the line) and fakes (below it) in twenty bins, with the threshold." });
    [[s.reals, -1, "amdd-bar-real"], [s.fakes, 1, "amdd-bar-fake"]].forEach(([scores, side, name]) => {
      const bins = Array(20).fill(0);
      scores.forEach((v) => { bins[Math.min(19, Math.floor(v * 20))] += 1 / scores.length; });
      bins.forEach((share, k) => { const tall = 105 * share / Math.max(...bins); svg.append(draw("rect", { x: 30 + 11 * k, y: side < 0 ? 125 - tall : 135, width: 9.5, height: tall.toFixed(1), class: name })); });
    });
    const at = 30 + 220 * s.threshold;
    svg.append(draw("line", { x1: at, x2: at, y1: 15, y2: 245, class: "amdd-cut" }), draw("text", { x: 30, y: 14 }, "reals"), draw("text", { x: 30, y: 256 }, "fakes"), draw("text", { x: 30, y: 272 }, "0"), draw("text", { x: 250, y: 272, "text-anchor": "end" }, "1 score"));
    return svg;
  };
  const table = (s) => make("table", {}, make("caption", {}, `Decisions at the threshold ${s.threshold.toFixed(2)}`),
    make("thead", {}, make("tr", {}, ...["clips", "classified as real", "classified as fake"].map((t) => make("th", { scope: "col" }, t)))),
    make("tbody", {}, ...[["reals", s.tn, s.fp], ["fakes", s.fn, s.tp]].map(([name, a, b]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, String(a)), make("td", {}, String(b))))));
  const show = () => {
    const s = state();
    const facts = [["AUC", s.auc.toFixed(3)], ["fakes detected", percent(s.found)], ["reals passed", percent(s.passed)], ["balanced accuracy", percent(s.balanced)], ["an alarm is correct", percent(s.worth, 1)]];
    shown.replaceChildren(make("div", { class: "amdd-table", tabindex: "0" }, table(s)), make("dl", { class: "amdd-facts" }, ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)))), make("div", { class: "amdd-pair" }, roc(s), bars(s)));
    status.textContent = `Threshold ${s.threshold.toFixed(2)}: ${percent(s.found)} of the fakes detected, ${percent(s.passed)} of the reals passed.`;
  };

  // Tasks: each is checked on what is set above, and says why.
  const TASKS = [
    ["Set a threshold at which at most one real in twenty is called fake, and as many fakes as possible are detected.", (s) => {
      const allowed = E.steps(s.reals, s.fakes).map((t) => E.rates(s.reals, s.fakes, t)).filter((r) => r.passed >= 0.95), most = Math.max(...allowed.map((r) => r.found));
      if (s.passed < 0.95) return [false, `${percent(1 - s.passed)} of the reals are called fake: move the threshold up.`];
      return s.found >= most - 0.02 ? [true, `No threshold detects more than ${percent(most)} under this condition. On other clips it will do less well, since it was chosen on these.`] : [false, `The condition holds, but ${percent(most)} of the fakes could be detected: move the threshold down a little.`];
    }],
    ["Set a threshold and a prevalence at which at least half of the alarms are correct although only one clip in a thousand, or fewer, is a fake.", (s) => {
      if (s.prevalence > 0.001) return [false, "Fakes are too frequent here: choose one clip in a thousand or fewer."];
      if (Number.isNaN(s.worth)) return [false, "There is no alarm at all: nothing can be said about its worth."];
      if (s.worth < 0.5) return [false, `Only ${percent(s.worth, 1)} of the alarms are correct. False alarms on reals have to become very rare: move the threshold up.`];
      return [true, `So it is on these clips, with ${s.fp} false alarms among ${s.reals.length} reals. With so few reals a rate of zero may well be one in fifty, and then the answer changes entirely.`];
    }],
    ["Find a corpus whose balanced accuracy at the fixed threshold is at least five points below what its best threshold would reach, and leave the threshold as it was.", (s) => {
      if (Math.abs(s.threshold - data.threshold) > 0.005) return [false, `Set the threshold back to ${data.threshold}.`];
      const lost = s.best - s.balanced;
      return lost >= 0.05 ? [true, `Here ${percent(s.best)} would be possible instead of ${percent(s.balanced)}: the scores have shifted. An AUC of ${s.auc.toFixed(2)} says how much of the ranking is left.`] : [false, `Here the best threshold gains only ${percent(lost)}: try another corpus or generator. If none does, the fixed threshold fits them all.`];
    }],
  ];
  const task = ([text, check]) => {
    const said = make("p", { class: "amdd-feedback", role: "status" });
    return make("li", {}, text, " ", make("button", { type: "button", onclick: () => { const [right, why] = check(state()); said.dataset.right = right ? "1" : "0"; said.textContent = `${right ? "Correct." : "Not yet."} ${why}`; } }, "Check"), said);
  };
  const field = (text, input) => make("label", {}, `${text} `, input);
  corpus.addEventListener("change", () => { refill(); show(); });
  [kind, rare].forEach((input) => input.addEventListener("change", show));
  cut.addEventListener("input", show);
  box.replaceChildren(make("div", { class: "amdd-fields" }, field("Corpus", corpus), field("Fakes by", kind), field("Threshold", cut), field("Fakes are", rare)), shown, status, make("h3", {}, "Tasks"), make("ol", {}, ...TASKS.map(task)));
  refill();
  show();
})();
