// The microphone: from asking for it to a recording. Not done here: buttons.

const FORMATS = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];

/**
 * Begin to record. Calls `onLevel(level, seconds)` for each picture with a loudness from 0 to 1.
 *
 * Returns `{ stop }`; `stop()` lets go of the microphone and resolves with the recording as a Blob.
 * Rejects with a DOMException where there is no microphone or it is not allowed.
 */
export async function record(onLevel) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const mimeType = FORMATS.find((format) => MediaRecorder.isTypeSupported(format));
  const recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: 32_000 });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);

  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const began = performance.now();

  function measure() {
    if (recorder.state === "inactive") return;
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    onLevel(Math.min(1, 4 * Math.sqrt(power)), (performance.now() - began) / 1000);
    requestAnimationFrame(measure);
  }

  recorder.start(1000); // a part each second: what was said is there whatever ends the recording
  requestAnimationFrame(measure);

  function stop() {
    return new Promise((resolve) => {
      const done = () => resolve(new Blob(parts, { type: recorder.mimeType }));
      if (recorder.state === "inactive") done(); // the microphone was unplugged
      else {
        recorder.onstop = done;
        recorder.stop();
      }
      for (const track of stream.getTracks()) track.stop();
      context.close();
    });
  }
  return { stop };
}
