// Pictures: from a file to pixels of the wanted size.

import { words } from "./words.js";

const MOST_PIXELS = 4096 * 4096;
const UNREADABLE =
  "{name} cannot be read. Browsers read JPEG, PNG, WebP, AVIF and GIF; save the picture as one of them.";
const TOO_LARGE = "{size} pixels are too many for a browser: choose a smaller largest side.";
const canvas = document.createElement("canvas");
const context = canvas.getContext("2d", { willReadFrequently: true });

/** Decodes a picture file; its orientation tag is applied. */
export async function decode(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    throw new Error(words(UNREADABLE, { name: file.name || words("The picture") }));
  }
}

/** Returns ImageData of a bitmap or a video frame, shrunk to the largest side (0: unchanged). */
export function pixels(source, width, height, largest) {
  const scale = largest ? Math.min(1, largest / Math.max(width, height)) : 1;
  const [w, h] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  if (w * h > MOST_PIXELS) {
    throw new Error(words(TOO_LARGE, { size: `${w} x ${h}` }));
  }
  Object.assign(canvas, { width: w, height: h });
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#fff"; // transparent parts become white
  context.fillRect(0, 0, w, h);
  context.drawImage(source, 0, 0, w, h);
  return context.getImageData(0, 0, w, h);
}
