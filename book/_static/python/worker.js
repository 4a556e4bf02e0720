// Python in a worker of its own, so that a cell that never ends can be stopped. Everything comes from this folder.
const PACKED = { "pyodide.asm.wasm": "application/wasm", "pyodide.asm.data": "application/octet-stream" };
const plain = self.fetch.bind(self);

const unpacked = async (name) => {
  const answer = await plain(`${name}.gz`);
  if (!answer.ok) throw new Error(`${name}.gz: ${answer.status}`);
  return answer.body.pipeThrough(new DecompressionStream("gzip"));
};

// The loader asks for its files by name, each in its own way; three of them lie here compressed.
const named = (address) => Object.keys(PACKED).find((name) => String(address).endsWith(name));
self.fetch = async (address, options) => {
  const name = named(address.url || address);
  if (!name) return plain(address, options);
  return new Response(await unpacked(name), { headers: { "Content-Type": PACKED[name] } });
};

const held = {}; // by name: addresses of what was unpacked before the loader asks for it
const Request = self.XMLHttpRequest;
self.XMLHttpRequest = class extends Request {
  open(method, address, ...more) {
    const name = named(address);
    super.open(method, name ? held[name] : address, ...more);
  }
};

const scripts = self.importScripts.bind(self);
self.importScripts = (address) => scripts(held[String(address).split("/").pop()] || address);

const bytes = async (name) => {
  const answer = await plain(name);
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
};

const start = async (data) => {
  for (const name of ["pyodide.asm.data", "pyodide.asm.js"]) {
    held[name] = URL.createObjectURL(await new Response(await unpacked(name)).blob());
  }
  importScripts("pyodide.js");
  await self.loadPyodide({ indexURL: "./" });
  const { FS } = self.pyodide._module;
  FS.writeFile("/numpy.zip", await bytes("numpy.zip"));
  FS.mkdir("/data");
  for (const name of ["predictions.json", "study.json", "paper.json"]) {
    FS.writeFile(`/data/${name}`, await bytes(`${data}${name}`));
  }
  FS.writeFile("/lib/python3.8/site-packages/lesson.py", await bytes("lesson.py"));
  self.pyodide.runPython(
    "import importlib, zipfile\nzipfile.ZipFile('/numpy.zip').extractall('/lib/python3.8/site-packages')\n" +
      "importlib.invalidate_caches()\nimport lesson",
  );
};

let ready = null;
self.onmessage = async ({ data: { id, data, code, check } }) => {
  try {
    ready = ready || start(data);
    await ready;
    self.pyodide.globals.set("_cell", code);
    self.pyodide.globals.set("_check", check);
    self.postMessage({ id, found: JSON.parse(self.pyodide.runPython("lesson.run(_cell, _check)")) });
  } catch (error) {
    self.postMessage({ id, failed: String(error) });
  }
};
