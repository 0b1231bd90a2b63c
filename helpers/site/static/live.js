// A picture that answers without a kernel: the front end of the notebooks' widgets (stage.js), fed from a table.
//
// A table holds the pictures of some states of a widget. What the reader asks for is looked up; where that state is not
// in the table, the nearest one is shown, and the line under the picture says so.

const cnnWaiting = {};  // what is to be done with a table when its script has come
window.cnnTable = (key, table) => cnnWaiting[key]?.(table);

(() => {
const NEAR = "400px";  // of the window's edge: a table is loaded before its picture is in view
const FAR = 1e3;  // what the reader has just asked for weighs more than all that was there before

const flat = value => Array.isArray(value) ? value.flatMap(flat) : [value];
const apart = (a, b) => flat(a).reduce((sum, one, k) => sum + Math.abs(one - flat(b)[k]), 0);
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const said = value => typeof value === "boolean" ? (value ? "on" : "off") : flat(value).map(
  one => typeof one === "number" ? String(Number(one.toPrecision(4))) : one).join(", ");

function load(key) {
  return new Promise((done, failed) => {
    cnnWaiting[key] = done;
    const script = document.createElement("script");
    Object.assign(script, {src: `_tables/${key}.js`, onerror: failed});
    document.head.append(script);
  });
}

// The values that parameter `i` takes in the table: how far two of them are apart, in shares of their range.
function ruler(states, i) {
  const values = states.map(([values]) => flat(values[i]));
  const span = values[0].map((_, k) => {
    const numbers = values.map(one => one[k]).filter(one => typeof one === "number");
    return Math.max(...numbers) - Math.min(...numbers) || 1;
  });
  return (a, b) => flat(a).reduce((sum, one, k) => {
    const other = flat(b)[k];
    return sum + (typeof one === "number" && typeof other === "number" ? Math.abs(one - other) / (span[k] ?? 1) : Number(one !== other));
  }, 0);
}

class Table {
  constructor({names, labels, parts, states}) {
    Object.assign(this, {names, labels, parts, states, now: 0, listeners: {}, byKey: false});
    this.far = names.map((_, i) => ruler(states, i));
  }
  on(event, listener) { (this.listeners[event] ??= []).push(listener); }
  tell(event, told) { for (const listener of this.listeners[event] ?? []) listener(told); }
  get(name) { return name === "value" ? this.states[this.now][1].map(part => this.parts[part]).join("") : false; }
  values() { return this.states[this.now][0]; }

  // A message of the stage: what an area of the picture sets. The rest needs a kernel.
  send({do: doing, values = [], id}) {
    if (doing === "set") this.ask(values.filter(([name]) => this.names.includes(name)));
    this.tell("msg:custom", {done: id});
  }

  // Show the state nearest to the present one with these values: [name, path, value], …
  ask(wishes) {
    const asked = new Map();
    for (const [name, path, value] of wishes) {
      const i = this.names.indexOf(name);
      asked.set(i, placed(asked.get(i) ?? this.values()[i], path, value));
    }
    if (asked.size) this.show(this.nearest(asked, this.byKey && this.onwards(asked)), asked);
  }

  show(number, asked = new Map()) {
    const before = asked.size ? this.now : number;
    this.now = number;
    this.tell("change:value");
    this.tell("shown", this.missing(asked, before));
  }

  nearest(asked, allowed) {
    const now = this.values(), most = [Infinity, this.now];
    this.states.forEach(([values], number) => {
      if (allowed && !allowed(values)) return;
      let cost = 0;
      this.names.forEach((_, i) => {
        cost += asked.has(i) ? FAR * this.far[i](values[i], asked.get(i)) : this.far[i](values[i], now[i]);
      });
      if (cost < most[0] - 1e-9) most.splice(0, 2, cost, number);
    });
    return most[1];
  }

  // A key goes at least to the next state in its direction: one step of the widget may be too small to reach it.
  onwards(asked) {
    const [[i, value]] = asked, now = this.values()[i];
    const way = flat(value).map((one, k) => Math.sign(one - flat(now)[k]));
    const further = values => flat(values[i]).every((one, k) => Math.sign(one - flat(now)[k]) === way[k]);
    return way.some(Number.isNaN) || !this.states.some(([values]) => further(values)) ? null : further;
  }

  // What differs between what was asked for and what is shown, as words for the reader.
  missing(asked, before) {
    const now = this.values(), was = this.states[before][0], other = [], moved = [];
    this.names.forEach((name, i) => {
      const told = this.labels[name];
      if (asked.has(i) && !same(asked.get(i), now[i])) other.push(`${told} ${said(now[i])} in place of ${said(asked.get(i))}`);
      else if (!asked.has(i) && !same(was[i], now[i])) moved.push(`${told} ${said(now[i])}`);
    });
    return {other, moved};
  }
}

// `value`, or a copy of the list `table` with `value` at the place `path`.
function placed(table, [first, ...rest], value) {
  if (first === undefined) return value;
  return table.map((old, i) => i === first ? placed(old, rest, value) : old);
}

function control(input, table) {
  const {name} = input.dataset, options = JSON.parse(input.dataset.values ?? "null");
  const value = () => options ? options[input.value] : input.type === "checkbox" ? input.checked : input.value;
  input.addEventListener(options ? "input" : "change", () => {
    if (input.type !== "radio" || input.checked) { table.byKey = false; table.ask([[name, [], value()]]); }
  });
  return () => {
    const now = table.values()[table.names.indexOf(name)];
    if (!options) { input.checked = input.type === "checkbox" ? now : input.value === now; return; }
    const far = options.map(option => apart(option, now)), told = said(now).replace(", ", " to ");
    input.value = far.indexOf(Math.min(...far));
    input.nextElementSibling.value = told;
    input.setAttribute("aria-valuetext", told);
  };
}

// A button that gives the picture the whole screen, and back.
function largeButton(figure) {
  const button = document.createElement("button");
  Object.assign(button, {type: "button", className: "cnn-larger", textContent: "whole screen"});
  button.addEventListener("click", () => document.fullscreenElement ? document.exitFullscreen() : figure.requestFullscreen());
  return button;
}

async function start(figure) {
  const table = new Table(await load(figure.dataset.table)), line = figure.querySelector(".cnn-nearest");
  const stage = figure.querySelector(".cnn-stage"), controls = figure.querySelector(".cnn-controls");
  const shows = [...controls.querySelectorAll("[data-name]")].map(input => control(input, table));
  stage.replaceChildren();
  window.cnnStage.render({model: table, el: stage});
  for (const type of ["keydown", "wheel"]) stage.addEventListener(type, () => { table.byKey = true; }, {capture: true, passive: true});
  let begun = 0;  // a finger that turns out to scroll the page leaves the picture as it was, and without the focus
  stage.addEventListener("pointerdown", () => { begun = table.now; }, true);
  stage.addEventListener("pointercancel", () => { table.show(begun); document.activeElement.blur(); });
  for (const type of ["pointerdown", "pointermove"]) stage.addEventListener(type, () => { table.byKey = false; }, true);
  table.on("shown", ({other, moved}) => {
    for (const show of shows) show();
    const parts = [other.length && `the nearest, ${other.join(", ")}`, moved.length && `with ${moved.join(", ")}`];
    line.textContent = other.length || moved.length ? `Not computed in advance; shown is ${parts.filter(Boolean).join(", ")}.` : "";
  });
  controls.addEventListener("submit", event => event.preventDefault());
  controls.hidden = false;
  if (document.fullscreenEnabled) figure.querySelector("figcaption").before(largeButton(figure));
  figure.dataset.ready = "";
}

// The widgets' style knows JupyterLab's dark theme: say it in its words.
function follow() {
  document.body.dataset.jpThemeLight = String(document.documentElement.dataset.theme !== "dark");
}

// A frame or table that is narrower than what it holds takes the focus, so that a keyboard can scroll it.
const reach = new ResizeObserver(entries => {
  for (const {target} of entries) target.tabIndex = target.scrollWidth > target.clientWidth ? 0 : -1;
});

document.addEventListener("DOMContentLoaded", () => {
  for (const place of document.querySelectorAll(".cnn-frame, .bd-article table")) reach.observe(place);
  new MutationObserver(follow).observe(document.documentElement, {attributeFilter: ["data-theme"]});
  follow();
  const watcher = new IntersectionObserver(entries => {
    for (const {target} of entries.filter(one => one.isIntersecting)) {
      watcher.unobserve(target);
      start(target).catch(() => {
        target.querySelector(".cnn-nearest").textContent = "Its other states could not be loaded: try again by reloading the page.";
      });
    }
  }, {rootMargin: NEAR});
  for (const figure of document.querySelectorAll(".cnn-live")) watcher.observe(figure);
});
})();
