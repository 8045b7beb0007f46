// The words of the page: English in its files, and French by this table where the browser asks for it.

const FRENCH = {
  "Cartoons from photos": "Des photos en dessins",
  "Everything is computed on this machine. No picture leaves it.":
    "Tout est calculé sur cette machine. Aucune image ne la quitte.",
  "Picture": "Image",
  "Drop a photo or a clip here": "Déposez ici une photo ou une vidéo",
  "or press to choose one, or paste a picture": "ou cliquez pour en choisir une, ou collez une image",
  "Border between photo and cartoon": "Limite entre la photo et le dessin",
  "photo": "photo",
  "cartoon": "dessin",
  "Settings": "Réglages",
  "Choose a file": "Choisir un fichier",
  "Use the camera": "Utiliser la caméra",
  "Pause": "Pause",
  "Play": "Lire",
  "Record": "Enregistrer la vidéo",
  "Stop and save": "Arrêter et enregistrer",
  "Save the cartoon": "Enregistrer le dessin",
  "Save this picture": "Enregistrer cette image",
  "Style": "Style",
  "Ink": "Encre",
  "Sketch": "Crayon",
  "Watercolour": "Aquarelle",
  "Poster": "Affiche",
  "Strength": "Intensité",
  "Largest side": "Plus grand côté",
  "512 pixels": "512 pixels",
  "1024 pixels": "1024 pixels",
  "2048 pixels": "2048 pixels",
  "as the photo": "comme la photo",
  "Examples": "Exemples",
  "Or try one of these": "Ou essayez une de ces photos",
  "The network": "Le réseau",
  "draws a picture at a short side of about 512 pixels and makes its edges at full size. Program and training:":
    "dessine l’image avec un petit côté d’environ 512 pixels, puis trace ses contours en pleine taille. " +
    "Programme et entraînement :",
  "Loading the network …": "Chargement du réseau …",
  "Ready ({engine}).": "Prêt ({engine}).",
  "Drawing …": "Dessin en cours …",
  "Starting …": "Démarrage …",
  "{size} pixels in {seconds} s ({engine}). Move the border to compare.":
    "{size} pixels en {seconds} s ({engine}). Déplacez la limite pour comparer.",
  "{size} pixels, {rate} frames a second ({engine}).": "{size} pixels, {rate} images par seconde ({engine}).",
  "The networks are missing. Make the page with: pix2pix-flax page":
    "Il manque les réseaux. Créez la page avec : pix2pix-flax page",
  "The picture": "L’image",
  "{name} cannot be read. Browsers read JPEG, PNG, WebP, AVIF and GIF; save the picture as one of them.":
    "{name} : lecture impossible. Les navigateurs lisent JPEG, PNG, WebP, AVIF et GIF ; " +
    "enregistrez l’image dans un de ces formats.",
  "{size} pixels are too many for a browser: choose a smaller largest side.":
    "{size} pixels, c’est trop pour un navigateur : diminuez le plus grand côté.",
  "{name} cannot be played. Browsers play MP4 (H.264), WebM and MOV; convert the clip.":
    "{name} : lecture impossible. Les navigateurs lisent MP4 (H.264), WebM et MOV ; convertissez la vidéo.",
  "The camera is only allowed on https pages and on localhost.":
    "La caméra n’est permise que sur les pages https et sur localhost.",
  "The camera cannot be used: {reason}": "La caméra est inutilisable : {reason}",
  "The camera gives no picture.": "La caméra ne donne pas d’image.",
  "The browser did not allow the camera: allow it beside the address, then try again.":
    "Le navigateur n’a pas permis la caméra : permettez-la à côté de l’adresse, puis recommencez.",
  "This machine has no camera.": "Cette machine n’a pas de caméra.",
  "Another program uses the camera: close it, then try again.":
    "Un autre programme utilise la caméra : fermez-le, puis recommencez.",
};
const table = navigator.language.startsWith("fr") ? FRENCH : {};

/** Returns a text in the language of the browser, with values for its {names}. */
export function words(text, values = {}) {
  return (table[text] ?? text).replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Puts the page's own texts into the language of the browser. */
export function translatePage() {
  if (table !== FRENCH) return;
  document.documentElement.lang = "fr";
  const texts = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const [, before, text, after] = texts.currentNode.data.match(/^(\s*)(.*?)(\s*)$/s);
    texts.currentNode.data = before + words(text.replace(/\s+/g, " ")) + after;
  }
  for (const labelled of document.querySelectorAll("[aria-label]")) {
    labelled.ariaLabel = words(labelled.ariaLabel);
  }
}
