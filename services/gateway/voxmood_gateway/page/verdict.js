// The mood as a large sign: a face whose mouth follows the score, a word, how sure it is.

import { clock, languageName, percent, t, whenLanguageChanges } from "./texts.js";
import { SIGNS, element } from "./transcript.js";

const VERY_SURE = 0.85; // of the confidence, which is calibrated: right so often
const SURE = 0.65;

const byId = (id) => document.getElementById(id);
const box = byId("verdict");
let fill = () => {};

/** Show a quiet face that listens, or reads. */
export function wait(key) {
  fill = () => put("waiting", 0, t(key), "");
  fill();
}

/** Show the mood of an analysis. */
export function show(analysis) {
  fill = () => showMood(analysis);
  fill();
}

function showMood({ verdict, confidence, hard_to_say: hard, score, scores, turn, language, duration }) {
  const about = [language && languageName(language), duration !== null && clock(duration)];
  if (!verdict) return put("silence", 0, t("no_speech"), t("no_speech_more"));
  const sureness = t(confidence >= VERY_SURE ? "very_sure" : confidence >= SURE ? "sure" : "unsure");
  const doubt = hard ? t(`leaning_${verdict}`) : sureness;
  const facts = [`${doubt}, ${percent(confidence)}`, ...about].filter(Boolean).join(" · ");
  put(hard ? "neutral" : verdict, score, t(hard ? "hard_to_say" : verdict), facts, scores, turn);
}

function put(mood, score, title, facts, scores = null, turn = null) {
  box.className = mood;
  const bend = 12 * score;
  byId("face").querySelector("path").setAttribute("d", `M-18,${18 - bend / 2} Q0,${18 + 1.5 * bend} 18,${18 - bend / 2}`);
  byId("mood").textContent = title;
  document.title = `${title} · Voxmood`; // for who waits in another tab
  byId("turn").textContent = turn ? t(`turns_${turn.verdict}`, { time: clock(turn.start) }) : "";
  byId("turn").className = turn?.verdict ?? "";
  byId("sureness").textContent = facts;
  byId("scores").hidden = !scores;
  byId("scores").replaceChildren(...(scores ? bars(scores) : []));
}

function bars(scores) {
  const bar = element("div", "bar");
  const names = element("p", "");
  for (const mood of Object.keys(SIGNS)) {
    const part = element("span", mood);
    part.style.flexGrow = scores[mood];
    bar.append(part);
    const sign = element("span", mood, SIGNS[mood]);
    sign.setAttribute("aria-hidden", "true");
    names.append(element("span", "", sign, ` ${t(mood)} `, element("span", "share", percent(scores[mood]))));
  }
  return [bar, names];
}

whenLanguageChanges(() => fill());
