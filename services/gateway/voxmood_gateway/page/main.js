// From a message to its mood: what is shown when. The parts know nothing of each other; this knows them all.

import { analyse } from "./analyse.js";
import * as composer from "./composer.js";
import { FORMS, copy } from "./copy.js";
import { askKey } from "./key.js";
import * as player from "./player.js";
import * as steps from "./steps.js";
import { problemTexts, speak, t, whenLanguageChanges } from "./texts.js";
import * as transcript from "./transcript.js";
import * as verdict from "./verdict.js";

const byId = (id) => document.getElementById(id);
const FINAL = new Set(["unreadable_audio", "not_audio", "too_large", "too_long", "unknown_language", "invalid_request"]);
const announce = (text) => (byId("status").textContent = text);

let message = null; // kept until the next one, so that it can be sent again
let analysis = null;
let key = null; // of this gateway, kept nowhere else
let work = new AbortController();
let showProblem = () => {};

async function start(sent) {
  work.abort();
  work = new AbortController();
  const { signal } = work;
  message = sent;
  analysis = null;
  const sentences = [];
  const waiting = message.blob ? "working" : "reading";
  enter("working");
  verdict.wait(waiting);
  announce(t(waiting));
  steps.begin(Boolean(message.blob));
  transcript.show([], null);
  showWarnings();
  byId("silent").hidden = true;
  let playFrom = null;
  if (message.blob)
    player.load(message.blob, transcript.follow).then((playable) => {
      if (signal.aborted) return; // another message is shown by now
      byId("silent").hidden = playable;
      playFrom = playable ? player.playFrom : null;
      showSentences(analysis?.sentences ?? sentences);
    });

  function showSentences(known) {
    transcript.show(known, playFrom, analysis?.language);
    player.colour(known);
  }

  try {
    const done = await analyse(message, {
      key,
      signal,
      on: {
        upload: steps.upload,
        progress: steps.recognition,
        sentence(sentence) {
          sentences.push(sentence);
          transcript.add(sentence);
          player.colour(sentences);
        },
      },
    });
    analysis = done;
    showSentences(done.sentences);
    finish();
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.code === "unauthorized" && !key && (key = await askKey())) return start(message);
    fail(error);
  }
}

function finish() {
  enter("done");
  verdict.show(analysis);
  showWarnings();
  byId("copies").hidden = !analysis.transcript;
  byId("copies").querySelector("[value=srt]").hidden = analysis.sentences.some(({ start }) => start === null);
  announce(`${byId("turn").textContent} ${byId("sureness").textContent}`.trim()); // the mood is read when it gets the focus
  if (!byId("player").contains(document.activeElement)) byId("mood").focus({ preventScroll: true });
}

function showWarnings() {
  const items = (analysis?.warnings ?? []).map((warning) => {
    const known = warning === "truncated";
    const item = transcript.element("li", "", known ? t(warning) : warning);
    if (!known) item.lang = "en"; // as the gateway says it
    return item;
  });
  byId("warnings").replaceChildren(...items);
}

function fail(error) {
  enter("failed");
  player.unload();
  transcript.show([], null);
  if (error.code === "unauthorized") key = null;
  const [title, advice, detail] = byId("problem").querySelectorAll("h1, p");
  showProblem = () => {
    const [name, what] = problemTexts(error.code);
    const wait = error.wait ? t("seconds", { count: error.wait }) : t("moment");
    title.textContent = name;
    advice.textContent = what.replace("{wait}", wait);
  };
  showProblem();
  detail.textContent = error.detail;
  announce("");
  const lasting = FINAL.has(error.code); // the same message would be refused again
  byId("again").hidden = lasting;
  byId("another").classList.toggle("strong", lasting);
  byId(lasting ? "another" : "again").focus();
}

function enter(state) {
  const shown = { verdict: state !== "failed", work: state === "working", problem: state === "failed" };
  for (const [id, is] of Object.entries(shown)) byId(id).hidden = !is;
  byId("another").hidden = state === "working";
  byId("another").classList.add("strong");
  byId("copies").hidden = true;
  composer.show(false);
  byId("message").hidden = false;
}

function leave() {
  work.abort();
  player.unload();
  message = analysis = null;
  byId("message").hidden = true;
  document.title = "Voxmood";
  announce("");
  composer.show(true, true);
}

byId("again").addEventListener("click", () => start(message));
byId("cancel").addEventListener("click", leave);
byId("another").addEventListener("click", leave);
for (const button of byId("copies").querySelectorAll("button"))
  button.addEventListener("click", async () => {
    const done = (await copy(FORMS[button.value](analysis))) ? "copied" : "not_copied";
    button.textContent = t(done);
    announce(t(done));
    setTimeout(() => (button.textContent = t(button.dataset.text)), 2000);
  });
for (const button of document.querySelectorAll(".languages button"))
  button.addEventListener("click", () => speak(button.value));

whenLanguageChanges(() => {
  showProblem();
  showWarnings();
});
speak();
composer.listen(start);
composer.show(true);
