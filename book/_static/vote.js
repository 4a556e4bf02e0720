// Vote before you see: one clip at a time; answers stay in the page until they are exported. Loads films only.
(() => {
  const N = window.amddVoteNumbers;
  const box = document.querySelector(".amdd-vote");
  if (!box) return;
  const index = JSON.parse(atob(box.dataset.clips)), clips = index.clips, generators = Object.keys(index.generators);
  const detector = N.detector(clips, index.threshold);

  const make = (name, attrs = {}, ...children) => {
    const node = document.createElement(name);
    Object.entries(attrs).forEach(([key, value]) => (key.startsWith("on") ? node.addEventListener(key.slice(2), value) : node.setAttribute(key, value)));
    node.append(...children);
    return node;
  };
  const percent = (value) => (Number.isNaN(value) ? "–" : `${Math.round(100 * value)} %`);
  const points = (value) => (Number.isNaN(value) ? "–" : `${value >= 0 ? "+" : "−"}${Math.abs(Math.round(100 * value))} points`);
  const interval = (e, show = percent) => show(e.value) + (e.low === undefined ? "" : ` (95 % interval ${show(e.low)} to ${show(e.high)})`);
  const share = (e) => (e.low === undefined ? e : { ...e, low: Math.max(0, e.low), high: Math.min(1, e.high) });
  const nameOf = (generator) => (generator === "real" ? "real" : generator || "forged, maker not named");

  const table = (caption, head, rows) => make("div", { class: "amdd-table", tabindex: "0" }, make("table", {},
    make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))),
    make("tbody", {}, ...rows.map(([first, ...rest]) => make("tr", {}, make("th", { scope: "row" }, String(first)), ...rest.map((cell) => make("td", {}, String(cell))))))));

  const shuffled = (list) => {
    const found = [...list];
    for (let k = found.length - 1; k > 0; k -= 1) {
      const other = Math.floor(Math.random() * (k + 1));
      [found[k], found[other]] = [found[other], found[k]];
    }
    return found;
  };
  const inBlock = (block) => shuffled(clips.filter((clip) => clip.block === block));

  // --- the vote -----------------------------------------------------------------------------------------------

  let vote, queue, joined = [];
  const begin = () => {
    const order = Math.random() < 0.5 ? "straight" : "swapped";
    const code = Array.from(crypto.getRandomValues(new Uint8Array(5)), (b) => b.toString(16).padStart(2, "0")).join("");
    vote = { participant: code, order, answers: {} };
    const [first, last] = order === "straight" ? ["before", "after"] : ["after", "before"];
    queue = [...inBlock(first), ...inBlock("practice"), ...inBlock(last)];
    ask(0);
  };

  const transcript = (clip) => {
    const cue = `WEBVTT\n\n00:00.000 --> 00:59.000\n${clip.words || "(speech)"}\n`;
    return make("track", { kind: "captions", srclang: "en", label: "Words", src: `data:text/vtt,${encodeURIComponent(cue)}` });
  };
  const film = (clip) => make("video", { controls: "", playsinline: "", preload: "auto", src: box.dataset.films + clip.file, "aria-label": "the clip to judge, with sound" }, transcript(clip));

  const radios = (name, options) => options.map(([value, text]) => make("label", {}, make("input", { type: "radio", name, value, required: "" }), " ", text));

  const ask = (at) => {
    const clip = queue[at];
    const title = make("h3", { tabindex: "-1" }, `Clip ${at + 1} of ${queue.length}`);
    const player = film(clip);
    const by = make("fieldset", { class: "amdd-by", hidden: "" }, make("legend", {}, "Forged by whom?"),
      ...radios("by", [...generators.map((name) => [name, index.generators[name]]), ["unknown", "I cannot say"]]));
    const out = make("output", {}, "75 %");
    const sure = make("input", { type: "range", min: "50", max: "100", step: "5", value: "75", id: "amdd-sure", oninput: (e) => { out.textContent = `${e.target.value} %`; } });
    const form = make("form", {},
      make("fieldset", {}, make("legend", {}, "Real or forged?"), ...radios("fake", [["0", "Real"], ["1", "Forged"]])),
      by,
      make("p", {}, make("label", { for: "amdd-sure" }, "How sure are you? 50 % is a guess, 100 % is certain. "), sure, " ", out),
      make("p", {}, make("button", { type: "submit" }, "Give this answer"), " ",
        make("button", { type: "button", onclick: () => { player.currentTime = 0; player.play(); } }, "Play again")));
    form.addEventListener("change", () => {
      const fake = form.elements.fake.value === "1";
      by.hidden = !fake;
      by.querySelectorAll("input").forEach((input) => { input.required = fake; });
    });
    by.querySelectorAll("input").forEach((input) => { input.required = false; });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const fake = form.elements.fake.value === "1", named = fake ? form.elements.by.value : "";
      vote.answers[clip.id] = { id: clip.id, fake, by: named === "unknown" ? "" : named, confidence: Number(sure.value) };
      player.pause();
      if (clip.block === "practice") feedback(at, clip); else next(at);
    });
    box.replaceChildren(title, make("p", { class: "amdd-source" }, clip.block === "practice" ? "Practice: the answer follows." : "No answer is shown yet."), player, form);
    title.focus({ preventScroll: true });
    player.play().catch(() => {}); // a browser may insist on a click
  };
  const next = (at) => (at + 1 < queue.length ? ask(at + 1) : results());

  const feedback = (at, clip) => {
    const answer = vote.answers[clip.id], good = N.right(clip, answer);
    const truth = N.forged(clip) ? `Forged by ${clip.truth} (${index.generators[clip.truth]}).` : "Real.";
    const title = make("h3", { tabindex: "-1" }, good ? "Correct" : "Not so");
    box.replaceChildren(title, make("p", {}, make("strong", {}, truth), ` You were ${answer.confidence} % sure of “${answer.fake ? "forged" : "real"}”. Look again before you go on.`),
      film(clip), make("p", {}, make("button", { type: "button", onclick: () => next(at) }, "Next clip")));
    title.focus({ preventScroll: true });
  };

  // --- results ------------------------------------------------------------------------------------------------

  const NS = "http://www.w3.org/2000/svg";
  const draw = (name, attrs, text) => {
    const node = document.createElementNS(NS, name);
    Object.entries(attrs).forEach(([key, value]) => node.setAttribute(key, value));
    if (text) node.textContent = text;
    return node;
  };
  // Stated probability against observed share: circles are people, squares the detector; the area is the number.
  const reliability = (people, machine) => {
    const x = (p) => 40 + 240 * p, y = (p) => 265 - 240 * p;
    const svg = draw("svg", { viewBox: "0 0 300 300", role: "img", "aria-label": "Observed share of forgeries over the stated probability; the table below holds the values." });
    svg.append(draw("line", { x1: x(0), y1: y(0), x2: x(1), y2: y(1), class: "amdd-even" }), draw("rect", { x: x(0), y: y(1), width: 240, height: 240, class: "amdd-frame" }),
      draw("text", { x: 160, y: 296, "text-anchor": "middle" }, "stated probability of forged"), draw("text", { x: 12, y: 145, transform: "rotate(-90 12 145)", "text-anchor": "middle" }, "share forged"));
    [0, 0.5, 1].forEach((p) => svg.append(draw("text", { x: x(p), y: 280, "text-anchor": "middle" }, String(p)), draw("text", { x: 34, y: y(p) + 4, "text-anchor": "end" }, String(p))));
    const most = Math.max(1, ...people.map((b) => b.n)), all = Math.max(1, ...machine.map((b) => b.n));
    machine.filter((b) => b.n).forEach((b) => { const r = 3 + 6 * Math.sqrt(b.n / all); svg.append(draw("rect", { x: x(b.stated) - r, y: y(b.observed) - r, width: 2 * r, height: 2 * r, class: "amdd-machine" })); });
    people.filter((b) => b.n).forEach((b) => svg.append(draw("circle", { cx: x(b.stated), cy: y(b.observed), r: 3 + 6 * Math.sqrt(b.n / most), class: "amdd-people" })));
    return make("figure", { class: "amdd-figure" }, svg, make("figcaption", {}, "Calibration: filled circles are your answers, open squares the detector's scores on the same clips. On the line, what was said with 80 % is forged in 80 of 100 cases."));
  };

  const counts = (caption, found) => {
    const c = N.confusion(found, generators);
    return table(caption, ["truth \\ answer", ...c.columns.map(nameOf)], c.rows.map((name, k) => [nameOf(name), ...c.counts[k]]));
  };

  const report = (votes) => {
    const found = votes.flatMap((v) => N.pairs(clips, v.answers)), one = votes.length === 1;
    const machine = N.pairs(clips, detector), theirs = N.rates(machine);
    const each = votes.map((v) => N.rates(N.pairs(clips, v.answers)));
    const row = (text, key) => {
      const mine = one ? each[0][key] : null;
      const n = { accuracy: each[0].n, trust: each[0].reals, detected: each[0].fakes, named: each[0].fakes }[key];
      const shown = one ? interval(N.wilson(Math.round(mine * n), n)) : interval(share(N.overPeople(each.map((r) => r[key]))));
      return [text, shown, percent(theirs[key])];
    };
    const who = one ? "you" : `${votes.length} people`;
    const changes = [["Reals called real: trust in what is real", "trust"], ["Forgeries called forged", "detected"], ["All answers", "accuracy"]].map(([text, key]) => {
      const found = votes.map((v) => N.change(v, clips, key));
      const mean = (part) => percent(N.mean(found.map((f) => f[part]).filter((f) => !Number.isNaN(f))));
      return [text, mean("before"), mean("after"), interval(N.overPeople(found.map((f) => f.change)), points)];
    });
    const people = N.calibration(N.statedBy(found)), other = N.calibration(N.statedBy(machine));
    const bins = people.map((b, k) => [`${100 * b.from} to ${100 * b.to} %`, b.n, percent(b.observed), other[k].n, percent(other[k].observed)]);
    const hard = clips.map((clip) => {
      const given = votes.map((v) => v.answers[clip.id]).filter(Boolean);
      return [clip.id, nameOf(clip.truth), percent(N.mean(given.map((a) => Number(N.right(clip, a))))), clip.score.toFixed(2), nameOf(clip.attribution)];
    });
    return [
      table(`Share of correct answers, ${who} beside the detector. ${index.corpus}, ${clips.length} test clips, profile ${index.profile}, seed ${index.seed}.`, ["share of", who, "detector"],
        [row("All clips", "accuracy"), row("Reals called real", "trust"), row("Forgeries called forged", "detected"), row("Forgeries given to their maker", "named"), ["Brier score (0 is best, guessing 0.25)", N.mean(each.map((r) => r.brier)).toFixed(2), theirs.brier.toFixed(2)]]),
      table("Before and after the practice with feedback. Practice is worth something only if the first row does not fall.", ["share of", "before", "after", "change"], changes),
      counts(`Confusion of ${who}: rows are true, columns what was answered.`, found),
      counts("Confusion of the detector on the same clips.", machine),
      reliability(people, other),
      table("Calibration in five bins of the stated probability of forged.", ["stated", `n, ${who}`, "forged of these", "n, detector", "forged of these"], bins),
      make("details", {}, make("summary", {}, "Every clip: the truth, the answers and the detector"), table("Score: the detector's probability of forged.", ["clip", "truth", `correct, ${who}`, "score", "detector names"], hard)),
    ];
  };

  const save = (name, record) => {
    const url = URL.createObjectURL(new Blob([JSON.stringify(record, null, 1)], { type: "application/json" }));
    make("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  };
  const exported = (v) => ({ kind: "amdd-vote", key: index.key, participant: v.participant, order: v.order, answers: Object.values(v.answers) });

  const join = async (files, status, place) => {
    const said = [];
    for (const file of files) {
      try {
        if (file.size > 2e6) throw new Error("larger than two megabytes");
        N.read(await file.text(), index).forEach((v) => { joined = [...joined.filter((j) => j.participant !== v.participant), v]; });
      } catch (error) { said.push(`${file.name} was left out: ${error.message}.`); }
    }
    status.textContent = `${joined.length} ${joined.length === 1 ? "vote" : "votes"} joined. ${said.join(" ")}`;
    place.replaceChildren(...(joined.length ? report(joined) : []));
  };

  const classPart = () => {
    const status = make("p", { role: "status" }), place = make("div");
    const field = make("input", { type: "file", accept: ".json,application/json", multiple: "", id: "amdd-files", onchange: (e) => join([...e.target.files], status, place) });
    return make("section", { "aria-label": "A class's votes" }, make("h3", {}, "Join a class"),
      make("p", {}, make("label", { for: "amdd-files" }, "Choose the files that participants exported (several at once): "), field), status,
      make("p", {}, make("button", { type: "button", onclick: () => joined.length && save(`votes-${index.key}.json`, { kind: "amdd-class", key: index.key, votes: joined.map(exported) }) }, "Save the joined file")), place);
  };

  const results = () => {
    const title = make("h3", { tabindex: "-1" }, "Your result");
    box.replaceChildren(title, ...report([vote]),
      make("p", {}, make("button", { type: "button", onclick: () => save(`vote-${vote.participant}.json`, exported(vote)) }, "Export my answers"), " ",
        make("button", { type: "button", onclick: start }, "Begin again")), classPart());
    title.focus({ preventScroll: true });
  };

  const start = () => {
    const count = (block) => clips.filter((clip) => clip.block === block).length;
    box.replaceChildren(make("p", {}, `${clips.length} clips, one at a time, with sound: ${count("before")} without feedback, ${count("practice")} to practise with the answer shown, ${count("after")} without. An answer cannot be changed later. Nothing leaves this page unless you export it.`),
      make("p", {}, make("button", { type: "button", class: "amdd-start", onclick: begin }, "Switch the sound on and start")), classPart());
  };
  start();
})();
