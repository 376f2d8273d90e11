// Where a message comes from: a file that is chosen, dropped or pasted, the microphone, or the keyboard.
// What the gateway would refuse for its size is refused here, before it is sent. Not done here: the analysis.

import { record } from "./record.js";
import { clock, t, whenLanguageChanges } from "./texts.js";

const limits = Object.fromEntries(Object.entries(document.documentElement.dataset).map(([k, v]) => [k, Number(v)]));
const byId = (id) => document.getElementById(id);
const refused = byId("refused");

const megabytes = (bytes) => String(Number((bytes / 1e6).toFixed(1)));

let recording = null;
let longest = 0; // a timer
let take = () => {};

/** Call `onMessage({ blob })` or `onMessage({ text })` for each message that may be sent. */
export function listen(onMessage) {
  take = onMessage;
  byId("file").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    target.value = ""; // so that the same file can be chosen again
    takeFile(file);
  });
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return; // text may be dropped where it is typed
    event.preventDefault();
    byId("drop").classList.add("over");
  });
  for (const end of ["dragleave", "drop"]) addEventListener(end, () => byId("drop").classList.remove("over"));
  addEventListener("drop", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault(); // else the browser would leave the page for the file
    takeFiles(event.dataTransfer.files);
  });
  addEventListener("paste", ({ clipboardData }) => takeFiles(clipboardData.files));
  byId("record").addEventListener("click", start);
  byId("stop").addEventListener("click", () => finish(true));
  byId("discard").addEventListener("click", () => finish(false));
  byId("write").addEventListener("submit", (event) => {
    event.preventDefault();
    takeText(byId("text").value.trim());
  });
  byId("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("write").requestSubmit();
  });
}

/** Show or hide it; shown, it is empty and has the focus if `focus`. */
export function show(shown, focus = false) {
  byId("composer").hidden = !shown;
  if (!shown) return;
  refuse("");
  byId("text").value = "";
  if (focus) byId("file").focus();
}

function refuse(text) {
  refused.textContent = text;
  refused.hidden = !text;
}

function takeFiles(files) {
  if (byId("composer").hidden || recording || !files.length) return;
  if (files.length > 1) refuse(t("one_file"));
  else takeFile(files[0]);
}

async function takeFile(file) {
  if (!file.size) return refuse(t("empty_file"));
  if (file.size > limits.maxBytes)
    return refuse(t("too_large_file", { size: megabytes(file.size), most: megabytes(limits.maxBytes) }));
  const seconds = await duration(file);
  if (seconds > limits.maxSeconds)
    return refuse(t("too_long_file", { length: clock(seconds), most: clock(limits.maxSeconds) }));
  if (!byId("composer").hidden) take({ blob: file });
}

function takeText(text) {
  if (!text) return byId("text").focus();
  if (text.length > limits.maxCharacters)
    return refuse(t("too_long_text", { length: text.length, most: limits.maxCharacters }));
  take({ text });
}

/** Seconds of a file as it says itself; null where the browser does not know. */
function duration(file) {
  return new Promise((resolve) => {
    const audio = new Audio();
    const done = (seconds) => {
      URL.revokeObjectURL(audio.src);
      resolve(Number.isFinite(seconds) ? seconds : null);
    };
    audio.onloadedmetadata = () => done(audio.duration);
    audio.onerror = () => done(null);
    audio.src = URL.createObjectURL(file);
    setTimeout(done, 2000, null); // browsers that save power may not read it before it is played
  });
}

async function start() {
  refuse("");
  if (!navigator.mediaDevices) return refuse(t("insecure"));
  byId("record").disabled = true;
  try {
    recording = await record((level, seconds) => {
      byId("level").style.setProperty("--level", level.toFixed(2));
      byId("recorded").textContent = clock(seconds);
    });
  } catch {
    return refuse(t("no_microphone"));
  } finally {
    byId("record").disabled = false;
  }
  if (byId("composer").hidden) return finish(false); // a file was chosen while the browser asked for permission
  longest = setTimeout(finish, 1000 * (limits.maxSeconds - 1), true); // sent while it may be
  showRecorder(true);
  byId("stop").focus();
}

async function finish(send) {
  if (!recording) return;
  const ended = recording;
  recording = null;
  clearTimeout(longest);
  const blob = await ended.stop();
  showRecorder(false);
  if (send && blob.size) take({ blob });
  else byId("record").focus();
}

whenLanguageChanges(() => {
  const most = { megabytes: megabytes(limits.maxBytes), time: clock(limits.maxSeconds) };
  byId("limits").textContent = t("limits", most);
});

function showRecorder(shown) {
  byId("recorder").hidden = !shown;
  byId("drop").hidden = shown;
  byId("write").hidden = shown;
}
