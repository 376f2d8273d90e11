// The sentences: when each was said, its mood, and the words that weighed most. Not done here: playing.

import { clock, t, whenLanguageChanges } from "./texts.js";
import { pieces } from "./weights.js";

export const SIGNS = { negative: "▼", neutral: "●", positive: "▲" };

const list = document.getElementById("sentences");
const legend = document.getElementById("legend");

let shown = [];
let player = null;
let spoken = "";

/** Show sentences in a language, each with a button that calls `playFrom(seconds)` where there is something to play. */
export function show(sentences, playFrom, language = null) {
  shown = sentences;
  player = playFrom;
  spoken = language ?? "";
  fill();
}

/** Show one more. */
export function add(sentence) {
  shown = [...shown, sentence];
  list.append(item(sentence)); // the others stay as they are, and keep the focus
  document.getElementById("transcript").hidden = false;
}

/** Mark the sentence that is being said. */
export function follow(time) {
  const items = [...list.children];
  items.forEach((item, i) => item.classList.toggle("said", shown[i].start <= time && time < shown[i].end));
}

/** An element with a class and a text or children. */
export function element(name, className, ...content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

function fill() {
  document.getElementById("transcript").hidden = !shown.length;
  list.replaceChildren(...shown.map(item));
  const sides = list.querySelectorAll("mark").length > 0;
  legend.hidden = !sides;
  if (!sides) return;
  const [before, between, after] = t("legend", { for: "\0", against: "\0" }).split("\0");
  legend.replaceChildren(
    before, element("mark", "for strong", t("legend_for")),
    between, element("mark", "against", t("legend_against")), after,
  );
}

function item(sentence) {
  const { start, verdict } = sentence;
  const sign = element("span", "sign", SIGNS[verdict]);
  sign.setAttribute("aria-hidden", "true");
  const words = pieces(sentence).map(({ text, side, strong }) =>
    side ? element("mark", strong ? `${side} strong` : side, text) : text,
  );
  const said = element("span", "", ...words);
  said.lang = spoken; // a screen reader speaks it so; empty: unknown
  return element("li", verdict, ...(start === null ? [] : [time(start)]), sign, element("p", "", element("span", "unseen", `${t(verdict)}: `), said));
}

function time(start) {
  if (!player) return element("span", "time", clock(start));
  const button = element("button", "time", clock(start));
  button.type = "button";
  button.setAttribute("aria-label", t("play_from", { time: clock(start) }));
  button.addEventListener("click", () => player(start));
  return button;
}

whenLanguageChanges(fill);
