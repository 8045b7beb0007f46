// The page: reacts to files, the camera and the settings.

import * as clip from "./clip.js";
import * as compare from "./compare.js";
import * as network from "./network.js";
import { decode, pixels } from "./picture.js";
import { translatePage, words } from "./words.js";

const element = (id) => document.getElementById(id);
const [status, save, play, record] = ["status", "save", "play", "record"].map(element);
const state = { loaded: undefined, bitmap: undefined, name: "picture", engine: "", opened: 0, recording: undefined };

function say(text, wrong = false) {
  status.textContent = text;
  status.classList.toggle("wrong", wrong);
}

/** Ends the drawing of a picture or clip after another one was opened. */
class Superseded extends Error {}

/** Runs an action of the user; an error becomes a sentence. */
async function attempt(action) {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof Superseded)) say(error.message, true);
  }
}

async function loadNetwork() {
  const answer = await fetch("models/models.json");
  if (!answer.ok) throw new Error(words("The networks are missing. Make the page with: pix2pix-flax page"));
  const { networks } = await answer.json();
  element("style").replaceChildren(
    ...networks.map(({ file, title }) => new Option(words(title), `models/${file}`)),
  );
  await chooseNetwork();
}

async function chooseNetwork() {
  const style = element("style");
  say(words("Loading the network …"));
  state.loaded = network.load(style.value);
  state.engine = await state.loaded;
  element("network").textContent = style.selectedOptions[0].text;
  say(words("Ready ({engine}).", state));
}

const CLIP_SIDE = 640; // pixels of the larger side of a clip, so that it moves

async function draw(source, width, height, largest) {
  const { opened } = state;
  await state.loaded;
  const photo = pixels(source, width, height, largest);
  const copy = new ImageData(photo.data.slice(), photo.width, photo.height);
  const { image, milliseconds } = await network.draw(photo);
  if (opened !== state.opened) throw new Superseded();
  compare.show(copy, image);
  save.disabled = false;
  return { size: `${image.width} x ${image.height}`, milliseconds };
}

async function drawPicture() {
  if (!state.bitmap) return;
  say(words("Drawing …"));
  const { bitmap } = state;
  const largest = Number(element("size").value);
  const { size, milliseconds } = await draw(bitmap, bitmap.width, bitmap.height, largest);
  const seconds = short(milliseconds / 1000, milliseconds < 995 ? 2 : 1);
  const text = "{size} pixels in {seconds} s ({engine}). Move the border to compare.";
  say(words(text, { size, seconds, engine: state.engine }));
}

/** Returns a number with some decimals, and the decimal sign of the language. */
function short(number, decimals) {
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return number.toLocaleString(document.documentElement.lang, digits);
}

async function open(file) {
  closeClip();
  state.name = file.name?.replace(/\.[^.]*$/, "") || "picture";
  if (file.type.startsWith("video/")) return showClip(() => clip.playFile(file));
  const { opened } = state;
  const bitmap = await decode(file);
  if (opened !== state.opened) return;
  state.bitmap = bitmap;
  await drawPicture();
}

function closeClip() {
  if (state.recording) attempt(toggleRecording); // what is recorded is kept
  clip.stop();
  state.bitmap = undefined;
  state.opened += 1;
  save.disabled = true; // until the next picture is drawn
  play.hidden = record.hidden = true;
  element("size").disabled = false;
  save.textContent = words("Save the cartoon");
}

async function showClip(start) {
  say(words("Starting …"));
  await start();
  play.hidden = record.hidden = false;
  element("size").disabled = true;
  play.textContent = words("Pause");
  save.textContent = words("Save this picture");
  let rate = 0;
  const follow = async (video) => {
    if (video.paused && rate) return;
    const began = performance.now();
    const { size } = await draw(video, video.videoWidth, video.videoHeight, CLIP_SIDE);
    const now = 1000 / (performance.now() - began);
    rate = rate ? 0.9 * rate + 0.1 * now : now;
    const shown = { size, rate: short(rate, rate < 9.95 ? 1 : 0), engine: state.engine };
    say(words("{size} pixels, {rate} frames a second ({engine}).", shown));
  };
  attempt(() => clip.follow(follow));
}

function download(blob, name, suffix) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${name}-cartoon.${suffix}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function toggleRecording() {
  const { recording, name } = state;
  state.recording = recording ? undefined : clip.record(compare.result());
  record.textContent = words(recording ? "Record" : "Stop and save");
  record.classList.toggle("on", !recording);
  if (!recording) return;
  const blob = await recording.finish();
  download(blob, name, blob.type.includes("mp4") ? "mp4" : "webm");
}

async function showExamples() {
  const answer = await fetch("examples/examples.json");
  if (!answer.ok) return; // a page without examples
  for (const { file, title } of await answer.json()) {
    const button = document.createElement("button");
    const image = Object.assign(new Image(), { src: `examples/${file}`, alt: title });
    button.append(image);
    button.addEventListener("click", () =>
      attempt(async () => {
        const blob = await (await fetch(image.src)).blob();
        await open(new File([blob], file, { type: blob.type }));
      }),
    );
    const item = document.createElement("li");
    item.append(button);
    element("examples").querySelector("ul").append(item);
  }
  element("examples").hidden = false;
}

function listen() {
  const file = element("file");
  element("choose").addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    if (file.files[0]) attempt(() => open(file.files[0]));
    file.value = ""; // the same file may be chosen again
  });
  element("camera").addEventListener("click", () =>
    attempt(() => {
      closeClip();
      state.name = "camera";
      return showClip(clip.playCamera);
    }),
  );
  play.addEventListener("click", () => {
    play.textContent = words(clip.toggle() ? "Pause" : "Play");
  });
  record.addEventListener("click", () => attempt(toggleRecording));
  save.addEventListener("click", () => compare.result().toBlob((blob) => download(blob, state.name, "png")));
  element("strength").addEventListener("input", ({ target }) => compare.setStrength(target.value / 100));
  element("size").addEventListener("change", () => attempt(drawPicture));
  element("style").addEventListener("change", () =>
    attempt(async () => {
      await chooseNetwork();
      await drawPicture();
    }),
  );
  document.addEventListener("paste", ({ clipboardData }) => {
    if (clipboardData.files[0]) attempt(() => open(clipboardData.files[0]));
  });
  listenForDrops(element("stage"));
}

function listenForDrops(stage) {
  // The whole page takes a drop: a browser would leave the page for a file that misses the frame.
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    stage.classList.add("over");
  });
  document.addEventListener("dragleave", () => stage.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    stage.classList.remove("over");
    if (event.dataTransfer.files[0]) attempt(() => open(event.dataTransfer.files[0]));
  });
}

translatePage();
listen();
attempt(loadNetwork);
attempt(showExamples);
