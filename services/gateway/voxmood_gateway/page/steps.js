// How far it is: upload, recognition, verdict.

import { clock, percent, t } from "./texts.js";

const byId = (id) => document.getElementById(id);

/** Begin anew; a written text has but one step. */
export function begin(isAudio) {
  for (const id of ["upload", "recognition"]) {
    byId(id).parentElement.hidden = !isAudio;
    set(id, 0, "");
  }
  byId("reading").value = 0;
  if (!isAudio) byId("reading").removeAttribute("value"); // on its way, nobody knows how far
}

/** Share of the message that is sent. */
export function upload(share) {
  set("upload", share, percent(share));
}

/** Seconds of the recording that are recognised. */
export function recognition({ seconds, duration }) {
  set("recognition", seconds / duration, t("of", { done: clock(seconds), all: clock(duration) }));
  if (seconds >= duration) byId("reading").removeAttribute("value");
}

function set(id, value, text) {
  byId(id).value = value;
  byId(id).parentElement.querySelector(".so-far").textContent = text;
}
