// A prediction on a page: the same verdicts as `prediction` in helpers/exercises/core.py, on the same numbers.

(() => {
const RTOL = 1e-4;  // of `equal` in helpers/exercises/compare.py, for numbers that are not whole

const close = (got, want, atol) => got === want || Math.abs(got - want) <= atol + RTOL * Math.abs(want);
const near = (got, want, atol, whole = want.every(Number.isInteger)) =>
  got.every((one, k) => whole ? one === want[k] : close(one, want[k], atol));

// A number, or a sum or product of numbers as one writes them in Python; NaN for anything else.
function value(text) {
  const plain = text.replaceAll("−", "-").replaceAll("×", "*").trim();
  if (!/^[\d\s.eE+\-*/()]+$/.test(plain)) return NaN;
  try { return Number(Function(`"use strict"; return (${plain});`)()); } catch { return NaN; }
}

function verdict({right, known, atol, hint}, guess) {
  const advice = known.find(([wrong]) => near(guess, wrong, 1e-5))?.[1];
  if (advice) return advice;
  const hits = guess.filter((one, k) => near([one], [right[k]], atol)).length;
  return hits === right.length ? "" : `${hits} of ${right.length} right. ${hint}`;
}

function answer(form) {
  const guess = [...form.querySelectorAll("input")].map(input => value(input.value)), out = form.querySelector("output");
  const unread = guess.some(Number.isNaN), said = unread ? "a number in each field, please." : verdict(JSON.parse(form.dataset.guess), guess);
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
