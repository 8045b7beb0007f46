// Clips and the camera: draws the newest frame again and again.

import { words } from "./words.js";

const video = document.getElementById("video");
let running = 0; // number of the loop that may go on

/** Plays a file. */
export async function playFile(file) {
  stop();
  video.src = URL.createObjectURL(file);
  video.muted = true; // browsers let muted videos play by themselves
  const text = "{name} cannot be played. Browsers play MP4 (H.264), WebM and MOV; convert the clip.";
  await started(words(text, file));
}

/** Plays the camera. */
export async function playCamera() {
  stop();
  if (!navigator.mediaDevices) {
    throw new Error(words("The camera is only allowed on https pages and on localhost."));
  }
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 1280 }, facingMode: "user" },
    });
  } catch (error) {
    const text = CAMERA_ERRORS[error.name] ?? "The camera cannot be used: {reason}";
    throw new Error(words(text, { reason: error.message }));
  }
  await started(words("The camera gives no picture."));
}

const CAMERA_ERRORS = {
  NotAllowedError: "The browser did not allow the camera: allow it beside the address, then try again.",
  NotFoundError: "This machine has no camera.",
  NotReadableError: "Another program uses the camera: close it, then try again.",
};

async function started(message) {
  try {
    await video.play();
  } catch {
    stop();
    throw new Error(message);
  }
}

/** Stops the clip or the camera. */
export function stop() {
  running += 1;
  video.pause();
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  if (video.src) URL.revokeObjectURL(video.src);
  video.removeAttribute("src");
}

/** Pauses or goes on; returns whether the clip plays now. */
export function toggle() {
  if (video.paused) video.play();
  else video.pause();
  return !video.paused;
}

/** Calls `each(video)` for the newest frame until `stop`; waits for each call. */
export async function follow(each) {
  const mine = ++running;
  while (mine === running) {
    await each(video);
    await newFrame();
  }
}

function newFrame() {
  return new Promise((resolve) => {
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(resolve);
    else requestAnimationFrame(resolve);
  });
}

/** Records a canvas until `finish()` is called, which returns a Blob: WebM, or MP4 in Safari. */
export function record(canvas) {
  const recorder = new MediaRecorder(canvas.captureStream(), { videoBitsPerSecond: 8e6 });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.start(1000);
  return {
    finish: () =>
      new Promise((resolve) => {
        recorder.onstop = () => resolve(new Blob(parts, { type: recorder.mimeType }));
        recorder.stop();
      }),
  };
}
