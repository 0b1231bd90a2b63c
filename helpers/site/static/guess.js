// A prediction on a page: the same verdicts as `prediction` in helpers/exercises/core.py, on the same numbers.

(() => {
const RTOL = 1e-4;  // of `equal` in helpers/exercises/compare.py, for numbers that are not whole
const ASKED = "a number in each field, please, such as 0.5, -3 or 2 * 3 * 4.";

const close = (got, want, atol) => got === want || Math.abs(got - want) <= atol + RTOL * Math.abs(want);
const near = (got, want, atol, whole = want.every(Number.isInteger)) =>
  got.every((one, k) => whole ? one === want[k] : close(one, want[k], atol));

// A number, or a sum or product of numbers as Python, a formula or a Chinese keyboard writes them; NaN for anything else.
function value(text) {
  const narrow = text.replace(/[\uff01-\uff5e]/g, wide => String.fromCharCode(wide.charCodeAt(0) - 0xfee0));
  const plain = narrow.replace(/[−–]/g, "-").replace(/[×·]/g, "*").replaceAll("math.log", "log").trim();
  if (!/^(?:[\d\s._eE+\-*/()]|log(?=\())+$/.test(plain)) return NaN;
  try { return Number(Function("log", `"use strict"; return (${plain});`)(Math.log)); } catch { return NaN; }
}

function verdict({right, known, atol, hint}, guess) {
  const advice = known.find(([wrong]) => near(guess, wrong, 1e-5))?.[1];
  if (advice) return advice;
  const hits = guess.filter((one, k) => near([one], [right[k]], atol)).length;
  return hits === right.length ? "" : `${hits} of ${right.length} right. ${hint}`;
}

function answer(form) {
  const fields = [...form.querySelectorAll("input")], out = form.querySelector("output");
  const guess = fields.map(field => value(field.value)), unread = guess.some(Number.isNaN);
  fields.forEach((field, k) => field.setAttribute("aria-invalid", Number.isNaN(guess[k])));
  const said = unread ? ASKED : verdict(JSON.parse(form.dataset.guess), guess);
  out.dataset.right = String(!said);
  out.textContent = said ? `${unread ? "–" : "✗"} ${said}` : "✓ right.";
}

window.cnnGuess = {value, verdict};
document.addEventListener("DOMContentLoaded", () => {
  for (const form of document.querySelectorAll(".cnn-guess")) {
    form.hidden = false;
    form.addEventListener("submit", event => { event.preventDefault(); answer(form); });
  }
});
})();
