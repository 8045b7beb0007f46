// The two canvases, photo above cartoon, and the border between them.

const element = (id) => document.getElementById(id);
const before = element("before");
const after = element("after");
let photo, cartoon; // canvases in the size of the result
let strength = 1;

element("split").addEventListener("input", ({ target }) => {
  element("compare").style.setProperty("--split", `${target.value}%`);
});

/** Shows a photo and its cartoon, ImageData of one size. */
export function show(photoImage, cartoonImage) {
  photo = canvasOf(photoImage, photo);
  cartoon = canvasOf(cartoonImage, cartoon);
  const { width, height } = photoImage;
  for (const canvas of [before, after]) resize(canvas, width, height);
  const { style } = element("compare");
  style.setProperty("--ratio", width / height);
  style.setProperty("--width", width);
  before.getContext("2d").drawImage(photo, 0, 0);
  mix();
  element("compare").hidden = false;
  element("drop").hidden = true;
}

/** Sets the share of the cartoon in its mixture with the photo, 0..1. */
export function setStrength(share) {
  strength = share;
  if (cartoon) mix();
}

/** Returns the canvas with the visible cartoon. */
export const result = () => after;

function mix() {
  const context = after.getContext("2d");
  context.globalAlpha = 1;
  context.drawImage(photo, 0, 0);
  context.globalAlpha = strength;
  context.drawImage(cartoon, 0, 0);
}

function canvasOf(image, canvas = document.createElement("canvas")) {
  resize(canvas, image.width, image.height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

// Setting a size, even the same one, clears a canvas.
function resize(canvas, width, height) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
}
