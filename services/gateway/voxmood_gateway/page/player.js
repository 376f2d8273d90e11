// The waveform in the colours of its sentences, the line of their scores below it, and playing from where one clicks.
// wavesurfer.js keeps it in size, shows the position and plays. Not done here: what the sentences say.

import { clock, t, whenLanguageChanges } from "./texts.js";
import WaveSurfer from "./vendor/wavesurfer.esm.js";

const HEIGHT = 176; // page.py allows the style that wavesurfer makes of it
const LANE = 56; // of it, below the waveform: the line
const BAR = 3;
const GAP = 2;
const SLOTS = 2048; // of a recording, in each of which its power is known
const RATE = 8000; // samples a second, enough for that
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
    const sound = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await blob.arrayBuffer());
    if (loading !== wave) return true; // another message has taken its place
    await Promise.race([loading.loadBlob(blob, [powers(sound.getChannelData(0))], sound.duration), failure]);
    colour(sentences);
    return true;
  } catch {
    if (loading !== wave) return true;
    unload();
    return false;
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
  wave.setOptions({}); // draws anew
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

/** Ten minutes are millions of samples, and drawn anew with each sentence: so what is drawn is found once. */
function powers(samples) {
  const long = Math.ceil(samples.length / SLOTS);
  const found = new Float32Array(Math.ceil(samples.length / long));
  samples.forEach((sample, i) => (found[Math.floor(i / long)] += (sample * sample) / long));
  return found;
}

function draw([known], context) {
  const { width } = context.canvas;
  const scale = width / container.clientWidth;
  const height = (HEIGHT - LANE) * scale;
  const style = getComputedStyle(container);
  const bars = Math.floor(container.clientWidth / (BAR + GAP));
  const loudness = Array.from({ length: bars }, (_, bar) => {
    const slots = known.slice((bar * known.length) / bars, ((bar + 1) * known.length) / bars);
    return Math.sqrt(slots.reduce((sum, power) => sum + power, 0) / Math.max(1, slots.length));
  });
  const loudest = Math.max(1e-3, ...loudness);
  for (let bar = 0; bar < bars; bar++) {
    const long = Math.max(BAR * scale, (loudness[bar] / loudest) * (height - 8 * scale));
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
