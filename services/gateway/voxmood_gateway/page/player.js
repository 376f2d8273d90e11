// The waveform in the colours of its sentences, the line of their scores below it, and playing from where one clicks.
// wavesurfer.js decodes, draws at the right size and plays. Not done here: what the sentences say.

import { clock, t, whenLanguageChanges } from "./texts.js";
import WaveSurfer from "./vendor/wavesurfer.esm.js";

const HEIGHT = 176; // page.py allows the style that wavesurfer makes of it
const LANE = 56; // of it, below the waveform: the line
const BAR = 3;
const GAP = 2;
const STEP = 5; // seconds, of an arrow key

const byId = (id) => document.getElementById(id);
const container = byId("wave");
const button = byId("play");

let wave = null;
let sentences = [];
let onTime = () => {};

/** Load a recording; resolves with whether this browser can play it. Calls `follow(seconds)` while it plays. */
export async function load(blob, follow) {
  unload();
  onTime = follow;
  byId("player").hidden = false;
  const loading = WaveSurfer.create({
    container,
    height: HEIGHT,
    cursorColor: "currentColor",
    cursorWidth: 2,
    progressColor: "transparent",
    hideScrollbar: true,
    renderFunction: draw,
  });
  wave = loading;
  loading.on("timeupdate", tell);
  for (const change of ["play", "pause", "ready"]) loading.on(change, tell);
  loading.on("interaction", (time) => playFrom(time));
  const failure = new Promise((_, reject) => loading.on("error", reject)); // after which loading may never end
  try {
    await Promise.race([loading.loadBlob(blob), failure]);
    return true;
  } catch {
    const replaced = loading !== wave; // by another message
    if (!replaced) unload();
    return replaced;
  }
}

/** Forget the recording. */
export function unload() {
  wave?.destroy();
  wave = null;
  sentences = [];
  container.replaceChildren();
  byId("player").hidden = true;
}

/** Colour the sentences that are known by now. */
export function colour(known) {
  sentences = known.filter(({ start }) => start !== null);
  if (!wave?.getDecodedData()) return;
  wave.setOptions({});
  drawLine();
}

/** Play from a time in seconds. */
export function playFrom(time) {
  wave?.setTime(time);
  wave?.play();
}

function moodAt(time) {
  return sentences.find(({ start, end }) => start <= time && time <= end)?.verdict ?? "silence";
}

function draw([peaks], context) {
  const { width } = context.canvas;
  const scale = width / container.clientWidth;
  const height = (HEIGHT - LANE) * scale;
  const style = getComputedStyle(container);
  const loudest = peaks.reduce((most, peak) => Math.max(most, Math.abs(peak)), 1e-3);
  const bars = Math.floor(container.clientWidth / (BAR + GAP));
  for (let bar = 0; bar < bars; bar++) {
    const from = Math.floor((bar * peaks.length) / bars);
    const to = Math.floor(((bar + 1) * peaks.length) / bars);
    let peak = 0;
    for (let i = from; i < to; i++) peak = Math.max(peak, Math.abs(peaks[i]));
    const long = Math.max(BAR * scale, (peak / loudest) * (height - 8 * scale));
    context.fillStyle = style.getPropertyValue(`--${moodAt(((bar + 0.5) / bars) * wave.getDuration())}`);
    context.beginPath();
    context.roundRect(bar * (BAR + GAP) * scale, (height - long) / 2, BAR * scale, long, BAR * scale);
    context.fill();
  }
}

function drawLine() {
  container.querySelector("svg")?.remove();
  if (!sentences.length) return;
  const x = (time) => ((1000 * time) / wave.getDuration()).toFixed(1);
  const y = (score) => (50 - 44 * score).toFixed(1);
  const points = sentences.map(({ start, end, score }) => [x((start + end) / 2), y(score)]);
  points.unshift([x(sentences[0].start), points[0][1]]);
  points.push([x(sentences.at(-1).end), points.at(-1)[1]]);
  const path = points.slice(1).map(([x1, y1], i) => {
    const middle = ((Number(points[i][0]) + Number(x1)) / 2).toFixed(1);
    return `C${middle},${points[i][1]} ${middle},${y1} ${x1},${y1}`;
  });
  const line = `M${points[0]} ${path.join(" ")}`;
  const svg = new DOMParser().parseFromString(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 100" preserveAspectRatio="none" role="img">
      <defs><linearGradient id="moods" gradientUnits="userSpaceOnUse" x1="0" y1="6" x2="0" y2="94">
        <stop class="positive" offset=".3"/><stop class="neutral" offset=".5"/><stop class="negative" offset=".7"/>
      </linearGradient></defs>
      <path class="zero" d="M0,50H1000"/>
      <path class="area" d="${line} V50 H${points[0][0]} Z"/>
      <path class="line" d="${line}"/>
    </svg>`,
    "image/svg+xml",
  ).documentElement;
  svg.setAttribute("aria-label", t("line"));
  container.append(svg);
}

function tell() {
  if (!wave) return;
  const time = wave.getCurrentTime();
  const duration = wave.getDuration();
  const mood = moodAt(time);
  const position = t("of", { done: clock(time), all: clock(duration) });
  byId("clock").textContent = `${clock(time)} / ${clock(duration)}`;
  button.textContent = t(wave.isPlaying() ? "pause" : "play");
  button.classList.toggle("playing", wave.isPlaying());
  container.setAttribute("aria-valuemax", duration.toFixed(1));
  container.setAttribute("aria-valuenow", time.toFixed(1));
  container.setAttribute("aria-valuetext", mood === "silence" ? position : `${position}, ${t(mood)}`);
  onTime(time);
}

button.addEventListener("click", () => wave?.playPause());
container.addEventListener("keydown", (event) => {
  const duration = wave?.getDuration() ?? 0;
  const to = {
    ArrowLeft: wave?.getCurrentTime() - STEP,
    ArrowRight: wave?.getCurrentTime() + STEP,
    Home: 0,
    End: duration,
  }[event.key];
  if (event.key === " " || event.key === "Enter") wave?.playPause();
  else if (to === undefined) return;
  else wave.setTime(Math.min(Math.max(0, to), duration));
  event.preventDefault();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => colour(sentences));
whenLanguageChanges(() => {
  tell();
  colour(sentences);
});
