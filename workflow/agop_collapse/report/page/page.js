"use strict";
// Without this script the page shows the same; with it figures open large, tables sort, layers slide.

for (const image of document.querySelectorAll("#figures figure img")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "enlarge";
  button.title = "Enlarge";
  image.replaceWith(button);
  button.append(image);
  button.addEventListener("click", () => enlarge(image));
}

function enlarge(image) {
  const dialog = document.querySelector("dialog");
  const large = dialog.querySelector("img");
  large.src = image.src;
  large.alt = image.alt;
  dialog.showModal();
}

document.querySelector("dialog").addEventListener("click", (event) => {
  if (event.target === event.currentTarget) event.currentTarget.close();
});

for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll("thead th").forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => sort(table, head, column));
  });
}

// Numbers by size, all else as text; what is empty comes last either way.
function sort(table, head, column) {
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const numbers = head.classList.contains("number");
  const rows = [...table.tBodies[0].rows].map((row) => [row.cells[column].textContent, row]);
  const compare = numbers
    ? (a, b) => value(a) - value(b)
    : (a, b) => a.localeCompare(b, "en", { numeric: true });
  rows.sort(([a], [b]) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    return down ? compare(b, a) : compare(a, b);
  });
  table.tBodies[0].append(...rows.map(([, row]) => row));
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

// Of "1.2e-05" as of "−1.2 × 10⁻⁵".
function value(text) {
  const digits = text
    .replaceAll(",", "")
    .replaceAll("−", "-")
    .replace(" × 10", "e")
    .replace(/[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]/g, (one) => (one === "⁻" ? "-" : SUPERSCRIPTS.indexOf(one)));
  return Number(digits);
}

const walks = [...document.querySelectorAll(".walk")];

for (const walk of walks) {
  walk.classList.add("walking");
  walk.querySelector(".slider").hidden = false;
  const slider = walk.querySelector("input");
  slider.addEventListener("input", () => show(walk, slider));
  show(walk, slider);
}

function show(walk, slider) {
  for (const each of walk.querySelectorAll("[data-step]")) {
    each.classList.toggle("now", each.dataset.step === slider.value);
  }
  const now = walk.querySelector("li.now");
  slider.setAttribute("aria-valuetext", now.dataset.name);
  walk.querySelector("output").textContent = now.dataset.name.replace("^½", "½");
}

if (walks.length > 1) {
  const choice = document.querySelector("#walk-run");
  const choose = () => {
    for (const walk of walks) walk.hidden = walk.dataset.walk !== choice.value;
  };
  choice.closest("p").hidden = false;
  choice.addEventListener("change", choose);
  choose();
}
