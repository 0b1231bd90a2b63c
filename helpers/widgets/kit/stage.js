// The picture as a control: shows the SVG that Python has drawn and tells Python what the hand does with it.
//
// An element with `data-touch` says what it sets (helpers/drawing/touch.py). One message is in flight; while Python
// is at work, the newest value of each parameter waits, and is sent when Python says that it is done.

const KEYS = {ArrowLeft: ["across", -1], ArrowRight: ["across", 1], ArrowUp: ["down", 1], ArrowDown: ["down", -1],
              PageUp: ["down", 10], PageDown: ["down", -10]};  // steps to the right and upwards
const REST = 150;  // ms after which a resting pen sends its stroke
const LARGEST = 8e6;  // bytes of a picture that is dropped; a larger one is refused by its name alone

const spec = area => JSON.parse(area.dataset.touch);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const place = axis => axis.name + (axis.path ? "/" + axis.path.join("/") : "");
const upward = axis => axis.as === "shift" ? axis.span < 0 : axis.as === "point" && axis.first > axis.last;

// Where a value lies on its steps, without the rounding of floating-point sums.
function stepped(axis, value) {
  const step = axis.step ?? 1;
  const whole = axis.low + Math.round((value - axis.low) / step) * step;
  return clamp(Number(whole.toFixed(9)), axis.low, axis.high);
}

// The value so many steps away from another one.
function further(axis, value, by) {
  if (axis.as !== "step") return stepped(axis, value + by * (axis.step ?? 1));
  return axis.values[clamp(axis.values.indexOf(value) + by, 0, axis.values.length - 1)];
}

const cellAt = (share, count) => clamp(Math.floor(share * count), 0, count - 1);

// The number of the tile under a pointer, counted row by row from the first one that is shown.
function tileAt({count, columns}, [u, v]) {
  return Math.min(cellAt(v, Math.ceil(count / columns)) * columns + cellAt(u, columns), count - 1);
}

const pointAt = ({first, last, log}, share) => log ? first * (last / first) ** share : first + share * (last - first);

// The value of an axis for a pointer at `share` (0..1) of the area, pressed at share `from` with value `start`.
function valued(axis, share, from, start) {
  if (axis.as === "cell") {  // a window of `size` cells is held where it was taken; elsewhere its middle jumps there
    const taken = cellAt(from, axis.count);
    const held = taken >= start && taken < start + (axis.size ?? 0) ? taken - start : -axis.offset;
    return clamp(cellAt(share, axis.count) - held, axis.low, axis.high);
  }
  if (axis.as === "step") return axis.values[cellAt(share, axis.values.length)];
  if (axis.as === "point") return stepped(axis, pointAt(axis, clamp(share, 0, 1)));
  return stepped(axis, start + Math.round((share - from) * axis.span / axis.step) * axis.step);
}

// The same for an axis that goes round the point `about` of its area, or away from it, for pointers [across, down].
function swung(axis, at, from, start) {
  const [[x0, y0], [x, y]] = [from, at].map(([u, v]) => [u - axis.about[0], axis.about[1] - v]), circle = axis.high - axis.low;
  if (axis.as === "spread") return stepped(axis, start * Math.hypot(x, y) / Math.max(Math.hypot(x0, y0), 1e-6));
  const degrees = (Math.atan2(y, x) - Math.atan2(y0, x0)) * 180 / Math.PI + start - axis.low;
  return stepped(axis, axis.low + (degrees % circle + circle) % circle);
}

function made(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

// Where an area lies in the window. Its getBoundingClientRect counts the edge, too, which has a width under the focus.
function boxOf(area) {
  const {x, y, width, height} = area.getBBox(), {a, d, e, f} = area.getScreenCTM();
  return {left: a * x + e, top: d * y + f, width: a * width, height: d * height};
}

// What an area sets: by that, and by its number among its like, it is found again after a redraw.
function meaning(area) {
  if (!area.dataset?.touch) return "";
  const {across, down, set, stroke} = spec(area);
  return JSON.stringify([across && place(across), down && place(down), set && Object.keys(set), stroke?.name]);
}

// Make the nodes of `old` those of `fresh`, and leave alone what is the same: focus, decoded images, layout.
function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeName !== fresh.nodeName || old.dataset?.key !== fresh.dataset?.key || meaning(old) !== meaning(fresh)) return old.replaceWith(fresh);
  if (old.nodeType !== Node.ELEMENT_NODE) { old.data = fresh.data; return; }
  for (const {name} of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const {name, value} of [...fresh.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const was = [...old.childNodes], now = [...fresh.childNodes];
  now.forEach((node, i) => i < was.length ? morph(was[i], node) : old.append(node));
  was.slice(now.length).forEach(node => node.remove());
}

// Sends what the hand does; `push` a change of values, `say` anything that must not be dropped. While a message is out,
// later changes wait as one, `next`, but for those that are `apart`, a pen's: they wait in line, each for itself.
class Line {
  constructor(model, rested) {
    Object.assign(this, {model, busy: false, next: [], queue: [], sent: new Map(), id: 0});
    model.on("msg:custom", told => {
      if (told.done !== this.id) return;
      this.busy = false;
      this.flow();
      if (!this.busy) rested();
    });
  }
  known(axis) {
    const key = place(axis), waits = [...this.next].reverse().find(values => values.has(key));
    return waits?.get(key)[2] ?? this.sent.get(key) ?? axis.at;
  }
  push(axis, value, apart = false) {
    if (value === this.known(axis)) return;
    if (apart || !this.next.length) this.next.push(new Map());
    this.next.at(-1).set(place(axis), [axis.name, axis.path ?? [], value]);
    this.flow();
  }
  say(content, buffers) { this.queue.push([content, buffers]); this.flow(); }
  flow() {
    if (this.busy) return;
    this.sent.clear();
    if (this.queue.length) {
      const [content, buffers] = this.queue.shift();
      this.send(content, buffers);
    } else if (this.next.length) {
      const waited = this.next.shift();
      for (const [key, [, , value]] of waited) this.sent.set(key, value);
      this.send({do: "set", values: [...waited.values()]});
    }
  }
  send(content, buffers) {
    this.busy = true;
    this.model.send({...content, id: ++this.id}, undefined, buffers ?? []);
  }
}

// The part of the course's box that ipywidgets leaves without a name: slider handles, number boxes, pressed toggles.
function name(box) {
  for (const control of box.querySelectorAll(".widget-inline-hbox, .widget-hslider, .widget-vslider, .widget-text")) {
    const label = control.querySelector(".widget-label")?.textContent.trim() || control.title;
    const told = label || control.querySelector("[title]")?.title || "value";
    for (const part of control.querySelectorAll("[role=slider], input, [contenteditable]")) {
      const seen = [...part.labels ?? []].some(one => one.textContent.trim() && one.offsetParent);
      if (!seen && part.getAttribute("aria-label") !== told) part.setAttribute("aria-label", told);
    }
    for (const readout of control.querySelectorAll(".widget-readout[contenteditable]")) readout.setAttribute("role", "textbox");
  }
  for (const icon of box.querySelectorAll(".widget-play button i, .jupyter-widget-play button i")) {
    const told = {"fa-play": "play", "fa-pause": "pause", "fa-stop": "stop", "fa-retweet": "repeat"}[icon.classList[1]];
    if (told && icon.parentElement.getAttribute("aria-label") !== told) icon.parentElement.setAttribute("aria-label", told);
  }
  for (const toggle of box.querySelectorAll(".widget-toggle-button")) {
    const pressed = String(toggle.classList.contains("mod-active"));
    if (toggle.getAttribute("aria-pressed") !== pressed) toggle.setAttribute("aria-pressed", pressed);
  }
}

// JupyterLab cuts the cell at a lone "x" wherever the focus is: letters typed on a widget stay in it.
function keepLetters(event) {
  const typed = event.key.length === 1 && !event.altKey && !event.ctrlKey && !event.metaKey;
  if (typed) event.stopPropagation();
}

function render({model, el}) {
  const line = new Line(model, () => { if (stroke?.sent) endStroke(); }), view = document.createElement("div"), live = document.createElement("div");
  const note = document.createElement("div");
  el.classList.add("cnn-stage");
  view.className = "cnn-view";
  live.className = "cnn-unseen";
  live.setAttribute("aria-live", "polite");
  note.className = "cnn-note";
  note.hidden = true;
  note.textContent = "This picture has lost its kernel: run the cell again.";
  el.append(view, note, live);
  let drag = null, stroke = null, pointed = null, ghosts = [], saying = 0, lit = "";

  function show() {
    const fresh = document.createElement("div"), focused = view.contains(document.activeElement) && document.activeElement;
    const before = focused && known(focused);
    fresh.className = view.className;
    fresh.innerHTML = model.get("value");
    fresh.style.setProperty("--width", (fresh.querySelector("svg")?.getAttribute("width") ?? 0) + "px");
    const first = !view.firstChild;
    morph(view, fresh);
    if (focused && !focused.isConnected) again(before)?.focus({preventScroll: true});
    if (drag && !drag.area.isConnected) drag.area = again(drag.known) ?? drag.area;
    if (stroke) view.querySelector("svg").append(stroke.drawn);
    if (pointed) light(pointed);
    clearTimeout(saying);
    if (!first) saying = setTimeout(() => { live.textContent = view.querySelector("svg")?.getAttribute("aria-label") ?? ""; }, 700);
  }

  // Where in an area the pointer is, as shares of its width and height.
  function shares(event, area, box = boxOf(area)) {
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  // Where an area has been since the press: one that follows the hand is dragged from there.
  function held({left, top, width, height}) {
    const home = view.getBoundingClientRect();
    return {left: left + home.left, top: top + home.top, width, height};
  }
  function hold(area) {
    const box = boxOf(area), home = view.getBoundingClientRect();
    return {...box, left: box.left - home.left, top: box.top - home.top};
  }

  function value(axis, i, at, since, from, start) {
    if (axis.about) return swung(axis, since, from, start);
    if (axis.as === "tile") return axis.first + tileAt(axis, at);
    return valued(axis, (axis.as === "shift" ? since : at)[i], from[i], start);
  }

  function point(event, area, told, from, starts, box) {
    const at = shares(event, area), since = box ? shares(event, area, held(box)) : at;
    for (const [i, way] of ["across", "down"].entries()) {
      const axis = told[way];
      if (!axis) continue;
      line.push({...axis, at: spec(area)[way]?.at ?? axis.at}, value(axis, i, at, since, from, starts[i]));
    }
  }

  function press(event) {
    const area = event.target.closest("[data-touch]");
    if (!area || event.button) return;
    const told = spec(area);
    if (told.set) return;  // a click
    area.focus({preventScroll: true});
    event.preventDefault();
    view.setPointerCapture(event.pointerId);
    if (told.stroke) return startStroke(event, area, told.stroke);
    const starts = ["across", "down"].map(way => told[way] && line.known(told[way]));
    drag = {area, told, from: shares(event, area), starts, box: hold(area), known: known(area)};
    view.classList.add("cnn-dragging");
    point(event, area, told, drag.from, starts, drag.box);
  }

  function move(event) {
    if (stroke) return addToStroke(event);
    if (drag) {
      if (drag.area.isConnected) point(event, drag.area, drag.told, drag.from, drag.starts, drag.box);
    }
    hover(event);
  }

  // An area as [meaning, number among its like], and the area that has taken its place.
  const like = sense => [...view.querySelectorAll("[data-touch]")].filter(area => meaning(area) === sense);
  const known = area => [meaning(area), like(meaning(area)).indexOf(area)];
  const again = ([sense, number]) => like(sense)[number];

  function hover(event) {
    const target = document.elementFromPoint(event.clientX, event.clientY);
    pointed = view.contains(target) ? target : null;
    light(pointed);
    const area = pointed?.closest("[data-touch]");
    const told = area && spec(area);
    for (const part of ghosts) part.setAttribute("visibility", "hidden");
    ghosts = [];
    if (!told) return;
    if (told.hover && !drag) point(event, area, told, [NaN, NaN], [told.across?.at, told.down?.at]);
    if (told.ghost) {
      const [u, v] = shares(event, area), {name, dx, dy} = told.ghost;
      const across = told.across, tile = across?.as === "tile" && tileAt(across, [u, v]);
      const column = tile !== false ? tile % across.columns : across ? valued(across, u) : 0;
      const row = tile !== false ? Math.floor(tile / across.columns) : told.down ? valued(told.down, v) : 0;
      for (const part of view.querySelectorAll(`[data-ghost="${CSS.escape(name)}"]`)) {
        part.setAttribute("transform", `translate(${column * dx},${row * dy})`);
        part.setAttribute("visibility", "visible");
        ghosts.push(part);
      }
    }
  }

  // Light the parts that belong to the one under the pointer: no number changes, so Python need not know.
  function light(target) {
    const tokens = target?.closest("[data-link]")?.dataset.link ?? "";
    if (tokens !== lit || tokens) {
      for (const part of view.querySelectorAll(".cnn-lit")) part.classList.remove("cnn-lit");
      for (const token of tokens.split(" ").filter(Boolean)) {
        for (const part of view.querySelectorAll(`[data-link~="${CSS.escape(token)}"]`)) part.classList.add("cnn-lit");
      }
    }
    lit = tokens;
  }

  function release() {
    if (stroke) sendStroke();
    drag = null;
    view.classList.remove("cnn-dragging");
  }

  // Strokes are drawn here at once and sent when the pen rests or is lifted.
  function startStroke(event, area, {name, line: width, ink}) {
    endStroke();
    const {x, y, width: across, height: down} = area.getBBox();  // an SVG of its own: what leaves the pad is cut off
    const drawn = made("svg", {x, y, width: across, height: down, "pointer-events": "none"});
    const pen = made("polyline", {fill: "none", stroke: ink, "stroke-width": width, "stroke-linecap": "round", "stroke-linejoin": "round"});
    drawn.append(pen);
    area.ownerSVGElement.append(drawn);
    stroke = {area, name, drawn, pen, across, down, points: [], timer: 0, sent: false};
    addToStroke(event);
  }
  function addToStroke(event) {
    if (stroke.sent) return;
    const [u, v] = shares(event, stroke.area), corner = `${u * stroke.across},${v * stroke.down}`;
    stroke.points.push([u, v]);
    stroke.pen.setAttribute("points", `${stroke.pen.getAttribute("points") ?? corner} ${corner}`);
    clearTimeout(stroke.timer);
    stroke.timer = setTimeout(sendStroke, REST, true);
  }
  function sendStroke(resting) {
    if (!stroke || stroke.sent || !stroke.points.length) return;
    clearTimeout(stroke.timer);
    line.say({do: "stroke", name: stroke.name, points: stroke.points});
    if (resting === true) stroke.points = stroke.points.slice(-1);
    else stroke.sent = true;
  }
  function endStroke() {
    stroke?.drawn.remove();
    stroke = null;
  }

  function click(event) {
    const area = event.target.closest("[data-touch]"), told = area && spec(area);
    if (!told?.set) return;
    for (const [name, value] of Object.entries(told.set)) line.push({name, at: undefined}, value);
  }

  function key(event) {
    const area = event.target.closest("[data-touch]");
    if (!area || event.altKey || event.ctrlKey || event.metaKey) return;
    const told = spec(area), pressed = event.key === "Enter" || event.key === " ";
    if (told.set && pressed) click(event);
    else if (told.switch && pressed) line.push(told.switch, !line.known(told.switch), true);
    else if (!turn(told, event.key)) return;
    event.preventDefault();
    event.stopPropagation();  // JupyterLab would move the cell cursor
  }

  // Move an axis by a key; whether the key means something there. An area with one axis takes all four arrows.
  function turn(told, key) {
    const end = {Home: "low", End: "high"}[key], [wanted, steps] = KEYS[key] ?? ["across", 0];
    const way = told[wanted] ? wanted : wanted === "across" ? "down" : "across", axis = told[way];
    if (!axis || (!end && !steps)) return false;
    const falls = wanted === "down" && (axis.as === "tile" || way === "down" && !upward(axis));
    const many = axis.as !== "tile" || wanted === "across" ? Math.abs(steps) : Math.abs(steps) > 1 ? axis.count : axis.columns;
    const by = (steps > 0) === falls ? -many : many;
    line.push(axis, end ? axis[end] : further(axis, line.known(axis), by), Boolean(told.stroke));
    return true;
  }

  // The wheel turns what has the focus; elsewhere it scrolls the page.
  function wheel(event) {
    const area = event.target.closest("[data-touch]");
    if (!area || area !== document.activeElement || !event.deltaY) return;
    const told = spec(area), axis = told.down ?? told.across;
    if (!axis) return;
    event.preventDefault();
    const falls = axis.as === "tile" || told.down && !upward(axis);
    line.push(axis, further(axis, line.known(axis), event.deltaY > 0 === Boolean(falls) ? 1 : -1));
  }

  async function drop(event) {
    if (!model.get("drops")) return;
    event.preventDefault();
    view.classList.remove("cnn-over");
    const files = [...event.dataTransfer.files], alone = files.length === 1 && files[0].size <= LARGEST;
    const buffers = alone ? [await files[0].arrayBuffer()] : [];
    line.say({do: "drop", files: files.map(({name, type, size}) => ({name, type, size}))}, buffers);
  }
  function over(event) {
    if (!model.get("drops")) return;
    event.preventDefault();
    view.classList.toggle("cnn-over", event.type === "dragover");
  }

  const listeners = {pointerdown: press, pointermove: move, pointerup: release, pointercancel: release, click, keydown: key,
                     drop, dragover: over, dragleave: over};
  for (const [type, listener] of Object.entries(listeners)) view.addEventListener(type, listener);
  view.addEventListener("wheel", wheel, {passive: false});
  view.addEventListener("pointerleave", () => { pointed = null; light(null); for (const part of ghosts) part.setAttribute("visibility", "hidden"); });
  model.on("change:value", show);
  model.on("comm_live_update", () => { note.hidden = false; });
  show();

  // Once the box of the widget is in the page: names for its controls, now and when they are hung anew.
  // A redraw of the picture, and what lights up in it, touch none of them.
  const watcher = new MutationObserver(changes => { if (changes.some(({target}) => !view.contains(target))) name(box); });
  const motion = window.matchMedia("(prefers-reduced-motion: reduce)");
  let box = null;
  const settle = () => {
    box = el.closest(".cnn-course");
    if (!box) return el.isConnected || requestAnimationFrame(settle);
    name(box);
    box.addEventListener("keydown", keepLetters);
    watcher.observe(box, {subtree: true, childList: true, attributes: true, attributeFilter: ["class"]});
  };
  const still = () => line.say({do: "still", reduced: motion.matches});
  settle();
  if (motion.matches) still();
  motion.addEventListener("change", still);
  return () => { watcher.disconnect(); motion.removeEventListener("change", still); clearTimeout(saying); };
}

export default {render};
