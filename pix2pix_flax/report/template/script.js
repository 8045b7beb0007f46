"use strict";

// The border between two images.
for (const slider of document.querySelectorAll(".compare input")) {
  slider.addEventListener("input", () => {
    slider.parentElement.style.setProperty("--split", `${slider.value}%`);
  });
}

// Which image lies on the left side of all borders.
for (const choice of document.querySelectorAll(".choice input")) {
  choice.addEventListener("change", () => {
    for (const card of document.querySelectorAll(".compare")) {
      for (const image of card.querySelectorAll(".over")) {
        image.hidden = image.alt !== choice.value;
      }
      card.querySelector(".tag").textContent = choice.value;
    }
  });
}

// The worst or the best examples by one score.
for (const list of document.querySelectorAll(".ranked")) {
  const figures = Array.from(list.children);
  const orders = JSON.parse(list.dataset.orders);
  const choices = list.parentElement.querySelectorAll("[name=metric], [name=end]");
  const show = () => {
    const [metric, end] = Array.from(choices).filter((one) => one.checked).map((one) => one.value);
    const shown = orders[`${metric} ${end}`].map((place) => figures[place]);
    for (const figure of figures) {
      figure.hidden = !shown.includes(figure);
      for (const value of figure.querySelectorAll("[data-metric]")) {
        value.classList.toggle("chosen", value.dataset.metric === metric);
      }
    }
    list.append(...shown);
  };
  choices.forEach((choice) => choice.addEventListener("change", show));
  show();
}

// The pictures of the training, one at a time.
for (const strip of document.querySelectorAll(".strip")) {
  const images = strip.querySelectorAll("img");
  const slider = strip.querySelector("input");
  slider?.addEventListener("input", () => {
    images.forEach((image, place) => { image.hidden = place !== Number(slider.value); });
    strip.querySelector("output").textContent = images[slider.value].alt;
  });
}

// The value of a curve under the pointer.
for (const chart of document.querySelectorAll(".chart")) {
  const places = Array.from(chart.querySelector("polyline").points);
  const points = chart.dataset.points.split(" ").map((point) => point.split(":"));
  const dot = chart.querySelector("circle");
  const shown = chart.parentElement.querySelector("output");
  const last = shown.textContent;
  const show = (place, text) => {
    dot.setAttribute("cx", places[place].x);
    dot.setAttribute("cy", places[place].y);
    shown.textContent = text;
  };
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * chart.viewBox.baseVal.width;
    const far = places.map((place) => Math.abs(place.x - x));
    const nearest = far.indexOf(Math.min(...far));
    const [step, value] = points[nearest];
    show(nearest, `${value} at step ${Number(step).toLocaleString("en")}`);
  });
  chart.addEventListener("pointerleave", () => show(places.length - 1, last));
}
