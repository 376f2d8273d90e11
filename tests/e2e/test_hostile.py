"""Files made to do harm meet the real recognition service: each gets its answer, and the service goes on."""

import psutil
import pytest

from tests import hostile
from tools.stack import Urls

LONG, BROKEN, SOUND = "413 too_long", "400 unreadable_audio", "200 recognised"
ANSWERS = {
    hostile.silence_for_hours: LONG,
    hostile.silence_in_packets: LONG,
    hostile.a_length_of_decades: LONG,
    hostile.a_length_beyond_the_file: SOUND,
    hostile.thousands_of_streams: SOUND,
    hostile.an_index_of_millions: BROKEN,
    hostile.a_picture_on_the_cover: SOUND,
    hostile.many_channels: BROKEN,
    hostile.comments_without_end: SOUND,
    hostile.a_film_with_subtitles: SOUND,
}
MOST_MB = 250  # a decoder may have far more address space; what it takes of it is little more than the file


@pytest.fixture(scope="module")
def service(stack: Urls) -> psutil.Process:
    return next(hostile.processes(int(stack.asr.rpartition(":")[2])))


@pytest.mark.parametrize("make", hostile.FILES, ids=lambda make: make.__name__)
def test_a_hostile_file_is_answered_and_does_no_harm(
    make: hostile.Make, stack: Urls, service: psutil.Process, voices: dict[str, bytes]
) -> None:
    found = hostile.send(stack.asr, make())
    assert found["answer"] == ANSWERS[make]
    assert found["decoder_mb"] < MOST_MB
    assert hostile.send(stack.asr, voices["en-positive-job"])["answer"] == SOUND
    assert service.is_running(), "it was not replaced"
