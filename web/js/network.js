// The network in its worker: one promise for each message.

const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
const waiting = new Map();
let count = 0;

worker.onmessage = ({ data }) => {
  const { resolve, reject } = waiting.get(data.id);
  waiting.delete(data.id);
  if (data.error === undefined) resolve(data.value);
  else reject(new Error(data.error));
};

worker.onerror = (event) => {
  for (const { reject } of waiting.values()) reject(new Error(event.message || "the worker stopped"));
  waiting.clear();
};

function ask(message, transfer = []) {
  const id = count++;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker.postMessage({ id, ...message }, transfer);
  });
}

/** Loads the network at `url`; returns the name of the engine that runs it. */
export function load(url) {
  // More threads need a page that no other site can look into (headers COOP and COEP).
  const threads = self.crossOriginIsolated ? Math.min(8, navigator.hardwareConcurrency || 1) : 1;
  return ask({ kind: "load", url: new URL(url, document.baseURI).href, threads });
}

/** Draws ImageData; returns {image: ImageData, milliseconds}. */
export async function draw(image) {
  const { width, height, data } = image;
  const answer = await ask({ kind: "draw", pixels: data, width, height }, [data.buffer]);
  return { image: new ImageData(answer.pixels, width, height), milliseconds: answer.milliseconds };
}
