"""Probing and decoding: limits before work, and what is missing of a file."""

import numpy as np
import pytest

from tests.conftest import Transcode
from voxmood_asr import audio
from voxmood_asr.errors import AudioTooLong, NotAudio, UnreadableAudio


def test_a_declared_length_is_read_without_decoding(voices: dict[str, bytes]) -> None:
    seconds = audio.probe(voices["en-positive-job"], 600)
    assert seconds == pytest.approx(audio.decode(voices["en-positive-job"], 600).seconds, abs=0.1)
    with pytest.raises(AudioTooLong, match="5 s are allowed"):
        audio.probe(voices["en-positive-job"], 5)


def test_a_container_that_lies_about_its_length_is_stopped_while_decoding(voices: dict[str, bytes]) -> None:
    with pytest.raises(AudioTooLong):
        audio.decode(voices["en-positive-job"], 5)


def test_samples_are_16_khz_mono_in_range(voices: dict[str, bytes], transcode: Transcode) -> None:
    for data in (voices["en-positive-job"], transcode(voices["en-positive-job"], "wav", "pcm_s16le", rate=8_000)):
        clip = audio.decode(data, 600)
        assert clip.pcm.dtype == np.int16
        assert clip.pcm.ndim == 1
        assert clip.pcm.max() > 3_000
        assert clip.seconds == pytest.approx(8, abs=0.2)
        assert not clip.truncated


def test_a_recording_may_change_its_rate_on_the_way(voices: dict[str, bytes], transcode: Transcode) -> None:
    parts = [transcode(voices["en-positive-job"], "adts", "aac", rate=rate) for rate in (48_000, 22_050)]
    assert audio.decode(b"".join(parts), 600).seconds == pytest.approx(16, abs=0.5)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", UnreadableAudio),
        (b"RIFF\x24\0\0\0WAVE", UnreadableAudio),
        (b"ID3\x04\0\0\0\0\0\0", UnreadableAudio),
        (b"%PDF-1.7 a letter", NotAudio),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", NotAudio),
    ],
)
def test_what_cannot_be_decoded_is_told_apart(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        audio.decode(data, 600)
