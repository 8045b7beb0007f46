// Runs the networks outside the page's thread, so the page stays responsive.
//
// Messages in:  {id, kind: "load", url, threads} and {id, kind: "draw", pixels, width, height}, where
//               pixels are RGBA bytes. Messages out: {id, value} or {id, error}.

const CLOSE = 1; // level of 255 by which WebGPU may differ from WebAssembly
let ort, session;

const jobs = {
  async load({ url, threads }) {
    const model = new Uint8Array(await bytes(url));
    session = undefined;
    if (await hasGpu()) {
      try {
        session = await open("webgpu", model, threads);
        await checkAgainst(session, await open("wasm", model, threads));
        return "WebGPU";
      } catch (reason) {
        console.info(`WebGPU is not used: ${reason.message ?? reason}`);
      }
    }
    session = await open("wasm", model, threads);
    await run(session, new Uint8Array(64 * 64 * 3), 64, 64);
    return ort.env.wasm.numThreads > 1 ? `WebAssembly, ${ort.env.wasm.numThreads} threads` : "WebAssembly";
  },

  async draw({ pixels, width, height }) {
    const started = performance.now();
    const drawing = await run(session, withoutAlpha(pixels), width, height);
    return { pixels: withAlpha(drawing), milliseconds: performance.now() - started };
  },
};

async function bytes(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} is missing (${answer.status})`);
  return answer.arrayBuffer();
}

async function hasGpu() {
  try {
    return Boolean(await navigator.gpu?.requestAdapter());
  } catch {
    return false;
  }
}

async function open(provider, model, threads) {
  ort ??= await import(`../vendor/ort.${(await hasGpu()) ? "webgpu" : "wasm"}.min.mjs`);
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  return ort.InferenceSession.create(model, { executionProviders: [provider], logSeverityLevel: 3 });
}

// A graphics driver that computes wrongly is worse than a slow processor.
async function checkAgainst(fast, sure) {
  const pixels = Uint8Array.from({ length: 96 * 64 * 3 }, (_, i) => 128 + 100 * Math.sin(i * i));
  const [found, expected] = [await run(fast, pixels, 96, 64), await run(sure, pixels, 96, 64)];
  const wrong = expected.filter((level, i) => Math.abs(level - found[i]) > CLOSE).length;
  if (wrong > expected.length / 100) throw new Error(`${wrong} of ${expected.length} values differ`);
}

async function run(session, pixels, width, height) {
  const images = new ort.Tensor("uint8", pixels, [1, height, width, 3]);
  const { translated } = await session.run({ images });
  return translated.data;
}

function withoutAlpha(rgba) {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let i = 0, j = 0; i < rgba.length; i += 4) {
    rgb[j++] = rgba[i];
    rgb[j++] = rgba[i + 1];
    rgb[j++] = rgba[i + 2];
  }
  return rgb;
}

function withAlpha(rgb) {
  const rgba = new Uint8ClampedArray((rgb.length / 3) * 4);
  for (let i = 0, j = 0; j < rgba.length; j += 4) {
    rgba[j] = rgb[i++];
    rgba[j + 1] = rgb[i++];
    rgba[j + 2] = rgb[i++];
    rgba[j + 3] = 255;
  }
  return rgba;
}

// One job after another: the network that was asked for last is loaded last.
let jobsBefore = Promise.resolve();
self.onmessage = ({ data }) => {
  jobsBefore = jobsBefore.then(() => answer(data));
};

async function answer(data) {
  try {
    const value = await jobs[data.kind](data);
    self.postMessage({ id: data.id, value }, value.pixels ? [value.pixels.buffer] : []);
  } catch (error) {
    self.postMessage({ id: data.id, error: error.message ?? String(error) });
  }
}
