// The page: gives canvases and layers to the functions of page.cpp, and shows their answers.
"use strict";

const element = (id) => document.getElementById(id);
const ANY_SIZES = "2d_f32_nhwc_any_wasm_simd128", WITHOUT_SIMD = "2d_f32_nhwc_any_portable";
const WARM_UP = 0.15, SECONDS = 0.3;  // for each variant of a layer; browsers compile code again that runs often
const MOST_PIXELS = 2e6;  // larger pictures are shown smaller

// Calls a function of page.cpp, and throws what it answers as an error.
function call(module, name, types, values) {
  const answer = JSON.parse(module.ccall(name, "string", types, values));
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
}

// Hands a canvas to `work(address)` and shows what it left there.
function onPixels(module, canvas, work) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const address = module._malloc(pixels.data.length);
  try {
    module.HEAPU8.set(pixels.data, address);
    const answer = work(address);
    pixels.data.set(module.HEAPU8.subarray(address, address + pixels.data.length));
    context.putImageData(pixels, 0, 0);
    return answer;
  } finally {
    module._free(address);
  }
}

function drawLandscape(module) {
  const canvas = element("before");
  [canvas.width, canvas.height] = [720, 480];
  onPixels(module, canvas, (address) =>
    call(module, "page_draw", ["number", "number", "number"], [address, canvas.width, canvas.height]));
}

async function showFile(file) {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (picture.width * picture.height)));
  const canvas = element("before");
  canvas.width = Math.max(1, Math.round(scale * picture.width));
  canvas.height = Math.max(1, Math.round(scale * picture.height));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
}

function filter(module) {
  const before = element("before"), after = element("after");
  [after.width, after.height] = [before.width, before.height];
  after.getContext("2d").drawImage(before, 0, 0);
  const answer = onPixels(module, after, (address) =>
    call(module, "page_filter", ["number", "number", "number", "number", "string"],
      [address, after.width, after.height, Number(element("sigma").value), element("tone").value]));
  element("filter_status").textContent = `${after.width} x ${after.height} pixels, a Gaussian of ` +
    `${element("sigma").value} pixels: ${answer.milliseconds.toFixed(1)} ms by ${answer.variant}, ` +
    `largest error ${answer.max_error.toExponential(1)}`;
  return answer;
}

function timeLayer(module, layer, variant, seconds) {
  const sizes = [...layer.spatial, layer.cin, layer.cout, layer.kernel[0], layer.strides[0]];
  const types = [...sizes.map(() => "number"), "number", "string", "number"];
  const outRelu6 = layer.out_activation === "relu6" ? 1 : 0;
  return call(module, "page_time_layer", types, [...sizes, outRelu6, variant, seconds]);
}

function showLayer(layer, own, any, scalar) {
  const row = element("layers").insertRow();
  const shape = `${layer.spatial.join("x")}, ${layer.cin} to ${layer.cout}, ${layer.kernel.join("x")}` +
    (layer.strides[0] > 1 ? `, stride ${layer.strides[0]}` : "");
  for (const text of [layer.name, shape, "", own.milliseconds.toFixed(2), any.milliseconds.toFixed(2),
    scalar.milliseconds.toFixed(2)]) {
    row.insertCell().textContent = text;
  }
  const bar = document.createElement("span");
  bar.className = "bar";
  bar.style.width = `${Math.min(own.gflops, 100)}px`;
  row.cells[2].append(bar, own.gflops.toFixed(1));
}

const timeRows = (module, layer, seconds) =>
  ["", ANY_SIZES, WITHOUT_SIMD].map((variant) => timeLayer(module, layer, variant, seconds));

// Tells what is done next, and lets the browser show it.
function announce(text) {
  element("layers_status").textContent = text;
  return new Promise((resume) => setTimeout(resume));
}

async function timeLayers(module) {
  for (const layer of layerFile.layers) {
    await announce(`Warming up ${layer.name}.`);
    timeRows(module, layer, WARM_UP);
  }
  const results = [];
  for (const layer of layerFile.layers) {
    await announce(`Timing ${layer.name}.`);
    const [own, any, scalar] = timeRows(module, layer, SECONDS);
    showLayer(layer, own, any, scalar);
    results.push({ own, any, scalar });
  }
  const worst = Math.max(...results.flatMap(({ own, any, scalar }) => [own, any, scalar]).map((run) => run.max_error));
  element("layers_status").textContent = `Largest error ${worst.toExponential(1)} of the largest value.`;
  return results;
}

async function start() {
  const module = await createSepconvPage();
  const again = () => filter(module);
  element("sigma").addEventListener("input", again);
  element("tone").addEventListener("input", again);
  element("file").addEventListener("change", async (event) => {
    if (event.target.files.length === 0) return;
    await showFile(event.target.files[0]);
    again();
  });
  drawLandscape(module);
  again();
  const layers = await timeLayers(module);
  return { layers, filtered: again() };  // by now its code, too, has been compiled again
}

// What the page found; a test waits for it.
const finished = start();
finished.catch((error) => { element("filter_status").textContent = String(error); });
