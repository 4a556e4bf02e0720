// The network in the page: loads ONNX Runtime and the run's network when asked, and answers for clips and their corruptions.
(() => {
  const I = window.amddNetworkInputs;
  const box = document.querySelector(".amdd-network");
  if (!box) return;
  const index = JSON.parse(box.querySelector("script").textContent), { root } = box.dataset;
  const SERVED = location.protocol.startsWith("http"), folder = `${root}network/`;

  const make = (name, attrs = {}, ...children) => {
    const node = document.createElement(name);
    Object.entries(attrs).forEach(([key, value]) => (key.startsWith("on") ? node.addEventListener(key.slice(2), value) : node.setAttribute(key, value)));
    node.append(...children);
    return node;
  };
  const percent = (value) => `${(100 * value).toFixed(value > 0.001 && value < 0.999 ? 1 : 2)} %`;
  const sigmoid = (z) => 1 / (1 + Math.exp(-z));
  const softmax = (values) => {
    const top = Math.max(...values), parts = values.map((v) => Math.exp(v - top)), sum = parts.reduce((a, b) => a + b);
    return parts.map((v) => v / sum);
  };
  const get = async (url) => {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
    return answer;
  };
  const note = box.querySelector(".amdd-network-note");

  if (!SERVED || !window.DecompressionStream) {
    note.textContent = SERVED
      ? "This browser is too old to run the network."
      : "A page that was opened from disk cannot run the network. Serve the book from your own machine: amdd serve --book";
    return;
  }

  // --- the network -------------------------------------------------------------------------------------------------

  let ort, session;
  const unpacked = async (name) => {
    const packed = await get(`${root}onnx/${name}.gz`);
    return new Response(packed.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  };
  const load = async () => {
    const script = new Blob([await unpacked("ort.wasm.bundle.min.mjs")], { type: "text/javascript" });
    ort = await import(URL.createObjectURL(script));
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmBinary = await unpacked("ort-wasm-simd-threaded.wasm");
    session = await ort.InferenceSession.create(await (await get(`${folder}network.onnx`)).arrayBuffer(), { executionProviders: ["wasm"] });
  };

  const answer = async ({ crops, mel, heard }) => {
    const { size, frames, mean, std, mel: shape } = index, began = performance.now();
    const out = await session.run({
      frames: new ort.Tensor("float32", I.tensorOf(crops, mean, std), [1, frames, 3, size, size]),
      mel: new ort.Tensor("float32", mel, [1, ...shape]),
      heard: new ort.Tensor("bool", [heard], [1]),
    });
    return {
      score: sigmoid(out.logit.data[0]),
      named: softmax(Array.from(out.attribution.data).slice(1)),
      seconds: (performance.now() - began) / 1000,
    };
  };

  // --- what is shown -----------------------------------------------------------------------------------------------

  const said = make("p", { class: "amdd-said", role: "status" });
  const crops = make("div", { class: "amdd-crops" }), mel = make("canvas", { class: "amdd-mel", role: "img", "aria-label": "Mel spectrogram of the clip's first seconds, low tones below" });
  const bars = make("div", { class: "amdd-bars" }), truth = make("details", {}), curve = make("div", { class: "amdd-curve" });
  const kind = make("select", { id: "amdd-kind", onchange: () => { points = []; change(); } }, ...Object.entries(I.KINDS).map(([name, { label }]) => make("option", { value: name }, label)));
  const strength = make("input", { id: "amdd-strength", type: "range", min: "0", max: "1", step: "0.1", value: "0", oninput: () => change() });
  let clip, points = [], turn = 0;

  const bar = (name, value, marked) => make("div", { class: marked ? "amdd-bar amdd-most" : "amdd-bar" },
    make("span", {}, name), make("span", { class: "amdd-track" }, make("span", { class: "amdd-fill", style: `width:${100 * value}%` })), make("span", {}, percent(value)));

  const drawCurve = () => {
    const [w, h] = [320, 120], ns = "http://www.w3.org/2000/svg";
    const node = (name, attrs) => {
      const made = document.createElementNS(ns, name);
      Object.entries(attrs).forEach(([key, value]) => made.setAttribute(key, value));
      return made;
    };
    const x = (v) => 30 + v * (w - 40), y = (v) => h - 22 - v * (h - 32);
    const words = points.map(([s, v]) => `at ${s} ${percent(v)}`).join(", ");
    const svg = node("svg", { viewBox: `0 0 ${w} ${h}`, role: "img", "aria-label": `Score by strength of the corruption: ${words}` });
    svg.append(node("rect", { x: 30, y: 10, width: w - 40, height: h - 32, class: "amdd-frame" }));
    svg.append(node("line", { x1: 30, x2: w - 10, y1: y(index.threshold), y2: y(index.threshold), class: "amdd-even" }));
    const ordered = [...points].sort((a, b) => a[0] - b[0]);
    svg.append(node("polyline", { points: ordered.map(([s, v]) => `${x(s)},${y(v)}`).join(" "), class: "amdd-machine" }));
    ordered.forEach(([s, v]) => svg.append(node("circle", { cx: x(s), cy: y(v), r: 3.5 })));
    const label = (text, left, top) => {
      const made = node("text", { x: left, y: top });
      made.textContent = text;
      svg.append(made);
    };
    label("1", 18, 16);
    label("0", 18, h - 20);
    label("strength of the corruption", 100, h - 6);
    curve.replaceChildren(svg);
  };

  const show = (found, pictures) => {
    crops.replaceChildren(...pictures);
    const forged = found.score >= index.threshold, most = Math.max(...found.named);
    const at = Number(strength.value) ? `, with ${I.KINDS[kind.value].label} ${strength.value}` : "";
    said.textContent = `${forged ? "Forged" : "Real"} by the threshold ${index.threshold}: score ${percent(found.score)}${at}. Computed in ${found.seconds.toFixed(1)} s.`;
    said.dataset.score = found.score;
    bars.replaceChildren(make("p", {}, "If it is forged, by:"), ...index.generators.map((name, k) => bar(name, found.named[k], found.named[k] === most)));
    points = [...points.filter(([s]) => s !== Number(strength.value)), [Number(strength.value), found.score]];
    drawCurve();
  };

  const change = async () => {
    if (!clip) return;
    turn += 1;
    const mine = turn;
    delete said.dataset.score;
    said.textContent = "Computing …";
    try {
      const pictures = await I.corrupted(clip.crops, kind.value, Number(strength.value));
      if (mine !== turn) return; // a later wish is on its way
      const found = await answer({ ...clip, crops: pictures });
      if (mine === turn) show(found, pictures);
    } catch (error) {
      said.textContent = `The network did not answer: ${error.message}`;
    }
  };

  const take = (taken, told) => {
    clip = taken;
    points = [];
    strength.value = "0";
    I.drawMel(mel, taken.mel, index.mel[1], index.mel[2]);
    truth.replaceChildren(make("summary", {}, "What is it?"), make("p", {}, told));
    truth.open = false;
    return change();
  };

  // --- clips of the book -------------------------------------------------------------------------------------------

  const held = new Map();
  const stripOf = async (id) => {
    if (!held.has(id)) held.set(id, await I.cropsOf(await (await get(`${folder}${id}.png`)).blob(), index.size));
    return held.get(id);
  };
  const choose = async (entry, button) => {
    gallery.querySelectorAll("button").forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
    const values = new Float32Array(await (await get(`${folder}${entry.id}.mel`)).arrayBuffer());
    const what = entry.truth === "real" ? "Real." : `Forged by ${entry.truth}.`;
    await take({ crops: await stripOf(entry.id), mel: values, heard: entry.heard }, `${what} The run's own score of it is ${percent(entry.score)}.`);
  };
  const gallery = make("div", { class: "amdd-gallery", role: "group", "aria-label": "Test clips" });

  // --- a clip of one's own -----------------------------------------------------------------------------------------

  const own = make("div", { class: "amdd-own" });
  const place = { x: 0.5, y: 0.45, side: 0.5 };
  const ownFilm = async (file) => {
    const { size, frames, audio } = index;
    said.textContent = `Reading ${file.name} …`;
    try {
      const film = await I.opened(file);
      await I.shownAt(film, Math.min(1, (film.duration || 2) / 2));
      const width = 320, height = Math.round((width * film.videoHeight) / film.videoWidth);
      const preview = make("canvas", { width, height, class: "amdd-preview", role: "img", "aria-label": "A frame of your clip with the square that is cut out" });
      const drawn = () => {
        const ctx = preview.getContext("2d");
        ctx.drawImage(film, 0, 0, width, height);
        ctx.strokeStyle = "#fff";
        ctx.lineWidth = 2;
        ctx.strokeRect(width * (place.x - place.side / 2), height * place.y - (width * place.side) / 2, width * place.side, width * place.side);
      };
      const slider = (key, label) => make("label", {}, `${label} `, make("input", { type: "range", min: "0.05", max: "1", step: "0.01", value: place[key], oninput: (event) => { place[key] = Number(event.target.value); drawn(); } }));
      preview.addEventListener("pointerdown", (event) => {
        const edge = preview.getBoundingClientRect();
        place.x = (event.clientX - edge.left) / edge.width;
        place.y = (event.clientY - edge.top) / edge.height;
        drawn();
      });
      const go = make("button", {
        type: "button",
        onclick: async () => {
          said.textContent = `Reading ${file.name} …`;
          delete said.dataset.score;
          const samples = await I.soundOf(file, audio);
          const pictures = await I.cropsOfFilm(film, place, size, frames, audio.seconds);
          const sound = samples ? I.mel(samples, audio) : new Float32Array(index.mel[1] * index.mel[2]).fill(-1);
          gallery.querySelectorAll("button").forEach((one) => one.setAttribute("aria-pressed", "false"));
          await take({ crops: pictures, mel: sound, heard: samples !== null }, `Your own clip${samples ? "" : ", without sound that could be read"}. Nobody here knows.`);
        },
      }, "Compute");
      own.replaceChildren(make("p", {}, "Put the square around the face as in the clips above, brows to chin with a margin: click on the picture for its centre."), preview, slider("x", "centre"), slider("y", "height"), slider("side", "size"), go);
      drawn();
      said.textContent = `${file.name}: ${film.videoWidth} × ${film.videoHeight}.`;
    } catch (error) {
      own.replaceChildren();
      said.textContent = error.message;
    }
  };

  const begin = async (event) => {
    event.target.disabled = true;
    note.textContent = `Loading ${box.dataset.size} …`;
    const began = performance.now();
    try {
      await load();
    } catch (error) {
      note.textContent = `The network could not be loaded: ${error.message}`;
      event.target.disabled = false;
      return;
    }
    note.textContent = `Loaded in ${((performance.now() - began) / 1000).toFixed(1)} s. Choose a clip.`;
    event.target.remove();
    const file = make("input", { type: "file", accept: "video/*", id: "amdd-film", onchange: (e) => e.target.files[0] && ownFilm(e.target.files[0]) });
    box.append(
      gallery, said,
      make("div", { class: "amdd-answer" }, make("div", {}, crops, mel), make("div", {}, bars, truth)),
      make("fieldset", {}, make("legend", {}, "Corrupt the frames"), make("label", { for: "amdd-kind" }, "kind "), kind, make("label", { for: "amdd-strength" }, " strength "), strength, curve),
      make("fieldset", {}, make("legend", {}, "A clip of your own"), make("p", {}, "The clip stays in this page. The network has seen rendered people alone: for footage of real people the right answer is \u201ccan\u2019t tell\u201d, and a number that it gives means nothing."), make("label", { for: "amdd-film" }, "film "), file, own),
    );
    for (const [k, entry] of index.clips.entries()) {
      const [first] = await stripOf(entry.id), small = make("canvas", { width: 80, height: 80 });
      small.getContext("2d").drawImage(first, 0, 0, 80, 80);
      const button = make("button", { type: "button", "aria-pressed": "false", "aria-label": `Clip ${k + 1}` }, small, String(k + 1));
      button.addEventListener("click", () => choose(entry, button));
      gallery.append(button);
    }
    gallery.dataset.ready = "true";
  };
  note.textContent = `The network of this run computes in this page. It and ONNX Runtime are loaded from the book's own folder (${box.dataset.size}); nothing leaves the page.`;
  note.after(make("button", { type: "button", class: "amdd-start", onclick: begin }, "Load the network"));
})();
