// Cells of Python that run in the page: an editor, its output, and a worker that is loaded at the first run.
(() => {
  const make = (name, text = "", attrs = {}) => {
    const node = Object.assign(document.createElement(name), { textContent: text });
    Object.entries(attrs).forEach(([key, value]) => node.setAttribute(key, value));
    return node;
  };
  const SVG = "http://www.w3.org/2000/svg";
  const draw = (name, attrs, text = "") => {
    const node = document.createElementNS(SVG, name);
    Object.entries(attrs).forEach(([key, value]) => node.setAttribute(key, value));
    node.textContent = text;
    return node;
  };

  const table = ({ columns, rows }) => {
    const node = make("table", "", { class: "amdd-shown-table" });
    const head = node.createTHead().insertRow();
    columns.forEach((name) => head.append(make("th", name, { scope: "col" })));
    const body = node.createTBody();
    rows.forEach((row) => {
      const line = body.insertRow();
      row.forEach((value) => line.append(make("td", value)));
    });
    return node;
  };

  const ticks = (low, high) => [0, 0.25, 0.5, 0.75, 1].map((part) => low + part * (high - low));
  const short = (value) => String(Number(value.toPrecision(3)));

  const plot = ({ lines, x, y, title }) => {
    const [width, height, left, top] = [420, 300, 56, 16];
    const all = Object.values(lines);
    const range = (k) => {
      const values = all.flatMap((line) => line[k]).filter(Number.isFinite);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return low < high ? [low, high] : [low - 0.5, low + 0.5];
    };
    const [[x0, x1], [y0, y1]] = [range(0), range(1)];
    const px = (value) => left + ((value - x0) / (x1 - x0)) * (width - left - 12);
    const py = (value) => top + (1 - (value - y0) / (y1 - y0)) * (height - top - 48);
    const words = `${title || "Plot"}: ${y || "values"} against ${x || "values"}, ${Object.keys(lines).join(", ")}`;
    const node = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words, class: "amdd-plot" });
    ticks(x0, x1).forEach((value) => {
      node.append(draw("text", { x: px(value), y: height - 30, "text-anchor": "middle" }, short(value)));
    });
    ticks(y0, y1).forEach((value) => {
      node.append(draw("line", { x1: left, x2: width - 12, y1: py(value), y2: py(value), class: "amdd-grid" }));
      node.append(draw("text", { x: left - 6, y: py(value) + 4, "text-anchor": "end" }, short(value)));
    });
    all.forEach(([xs, ys], k) => {
      const points = xs.map((value, i) => `${px(value).toFixed(1)},${py(ys[i]).toFixed(1)}`).join(" ");
      node.append(draw("polyline", { points, class: `amdd-line amdd-line-${k % 4}` }));
    });
    node.append(draw("text", { x: (left + width) / 2, y: height - 8, "text-anchor": "middle" }, x));
    node.append(draw("text", { x: 14, y: height / 2, transform: `rotate(-90 14 ${height / 2})`, "text-anchor": "middle" }, y));
    const figure = make("figure");
    const names = make("figcaption", title ? `${title}. ` : "");
    Object.keys(lines).forEach((name, k) => names.append(make("span", name, { class: `amdd-key amdd-line-${k % 4}` })));
    figure.append(node, names);
    return figure;
  };

  const shown = (part) => {
    if (part.kind === "table") return table(part);
    if (part.kind === "plot") return plot(part);
    return make("pre", part.text, part.kind === "error" ? { class: "amdd-error" } : {});
  };

  let worker = null;
  let waiting = null; // of the cell that runs: what to do with its answer
  let loaded = false;

  const stop = (why) => {
    if (worker) worker.terminate();
    [worker, loaded] = [null, false];
    const done = waiting;
    waiting = null;
    if (done) done({ failed: why });
  };

  const run = (folder, data, code, check) =>
    new Promise((done) => {
      if (!worker) {
        worker = new Worker(`${folder}worker.js`);
        worker.onerror = (event) => stop(event.message || "Python could not be loaded.");
        worker.onmessage = ({ data: answer }) => {
          loaded = loaded || !answer.failed;
          const then = waiting;
          waiting = null;
          if (then) then(answer);
        };
      }
      waiting = done;
      worker.postMessage({ id: 0, data, code, check });
    });

  const SERVED = location.protocol === "http:" || location.protocol === "https:";

  document.querySelectorAll(".amdd-cells").forEach((box) => {
    const note = box.querySelector(".amdd-cells-note");
    if (!SERVED || !window.Worker || !window.DecompressionStream) {
      note.textContent = SERVED
        ? "This browser is too old to run the cells; they can be read."
        : "Opened from disk, the cells can be read, not run: a browser starts no Python from a file. Serve the book to " +
          "this machine alone by: amdd serve --book (or, in the book's folder: python3 -m http.server --bind 127.0.0.1)";
      return;
    }
    note.textContent = box.dataset.note;
    const root = new URL(box.dataset.root, location.href).href;
    const buttons = [];
    const busy = (on) => buttons.forEach((button) => (button.disabled = on));
    box.querySelectorAll(".amdd-cell").forEach((cell, place) => {
      const held = cell.querySelector("pre");
      const first = cell.dataset.code;
      const label = `${cell.dataset.check ? "Exercise" : "Cell"} ${place + 1}: Python code`;
      const editor = make("textarea", "", { spellcheck: "false", autocomplete: "off", "aria-label": label, rows: first.split("\n").length });
      editor.value = first;
      editor.addEventListener("input", () => (editor.rows = Math.max(2, editor.value.split("\n").length)));
      (held.closest("div[class*=highlight-]") || held).replaceWith(editor);
      const out = make("div", "", { class: "amdd-out", "aria-live": "polite" });
      const start = make("button", cell.dataset.check ? "Run and check" : "Run", { type: "button" });
      const back = make("button", "As it was", { type: "button" });
      const end = make("button", "Stop", { type: "button", hidden: "" });
      const row = make("div", "", { class: "amdd-cell-buttons" });
      row.append(start, end, back);
      editor.after(row, out);
      buttons.push(start);
      back.addEventListener("click", () => {
        editor.value = first;
        editor.dispatchEvent(new Event("input"));
        editor.focus();
      });
      end.addEventListener("click", () => stop("Stopped. The next run starts Python anew."));
      const go = async () => {
        if (waiting) return;
        busy(true);
        end.hidden = false;
        out.replaceChildren(make("p", loaded ? "Running …" : `Loading Python (${box.dataset.size}), once a page …`));
        const began = performance.now();
        const answer = await run(`${root}python/`, `${root}cells/`, editor.value, cell.dataset.check || "");
        busy(false);
        end.hidden = true;
        const parts = answer.failed ? [make("pre", answer.failed, { class: "amdd-error" })] : answer.found.out.map(shown);
        if (answer.found && answer.found.right !== null) {
          const words = answer.found.right ? `Correct. ${cell.dataset.right}` : `Not yet: ${answer.found.said}`;
          parts.push(make("p", words, { class: "amdd-checked", "data-right": answer.found.right ? "1" : "0" }));
        }
        if (!parts.length) parts.push(make("p", "The cell shows nothing. End it with an expression, or print."));
        out.replaceChildren(...parts);
        out.dataset.seconds = ((performance.now() - began) / 1000).toFixed(1);
      };
      start.addEventListener("click", go);
      editor.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey || event.shiftKey)) {
          event.preventDefault();
          go();
        }
      });
    });
  });
})();
