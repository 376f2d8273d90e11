"""The pure parts of the benchmark: names of weights, medians and ratios, the table."""

import struct
from pathlib import Path

import numpy as np
import pytest

from bench import reliability
from bench.asr_cache import Cache
from bench.asr_figures import compute, length_of
from bench.asr_report import cells, columns, curve, markdown
from bench.manifest import Clip
from bench.peers import ct2, ggml


def text(value: str) -> bytes:
    return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"


def model_bin(variables: ct2.Weights) -> bytes:
    """A CTranslate2 file, as its converter writes it."""
    parts = [struct.pack("<I", 6), text("WhisperSpec"), struct.pack("<II", 3, len(variables))]
    for name, value in variables.items():
        parts += [text(name), struct.pack(f"<B{value.ndim}I", value.ndim, *value.shape)]
        parts += [struct.pack("<BI", ct2.TYPES.index(value.dtype.name), value.nbytes), value.tobytes()]
    return b"".join(
        [*parts, struct.pack("<I", 1), text("decoder/projection/weight"), text("decoder/embeddings/weight")]
    )


@pytest.fixture
def variables() -> ct2.Weights:
    random = np.random.default_rng(0)

    def half(*shape: int) -> ct2.Array:
        return random.normal(size=shape).astype(np.float16)

    return {
        "decoder/layer_0/attention/linear_1/bias": half(8),
        "decoder/layer_0/attention/linear_1/weight": half(8, 4),
        "decoder/num_heads": np.array(1, np.int16),
        "encoder/conv1/bias": half(4),
        "encoder/layer_0/self_attention/linear_0/bias": half(12),
        "encoder/layer_0/self_attention/linear_0/weight": half(12, 4),
        "encoder/layer_norm/gamma": half(4),
        "encoder/position_encodings/encodings": half(5, 4),
    }


def test_a_model_file_is_read_back(variables: ct2.Weights, tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(model_bin(variables))
    read = ct2.read(path)
    assert read.keys() == variables.keys()
    for name, value in variables.items():
        np.testing.assert_array_equal(read[name], value)


def test_a_cut_file_is_refused(variables: ct2.Weights, tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(model_bin(variables)[:150])
    with pytest.raises(ValueError, match="again"):
        ct2.read(path)


def test_stacked_matrices_are_taken_apart(variables: ct2.Weights) -> None:
    weights = ct2.openai_names(variables)
    stacked = variables["encoder/layer_0/self_attention/linear_0/weight"]
    np.testing.assert_array_equal(weights["encoder.blocks.0.attn.key.weight"], stacked[4:8])
    np.testing.assert_array_equal(
        weights["decoder.blocks.0.cross_attn.value.bias"], variables["decoder/layer_0/attention/linear_1/bias"][4:]
    )
    assert "encoder.blocks.0.attn.key.bias" not in weights  # Whisper has none
    assert "encoder.ln_post.weight" in weights
    assert not any("heads" in name for name in weights)


def test_ggml_keeps_vectors_and_positions_in_32_bit(variables: ct2.Weights, tmp_path: Path) -> None:
    weights = ct2.openai_names(variables)
    path = tmp_path / "ggml.bin"
    ggml.write(path, weights, dict.fromkeys(ggml.DIMENSIONS, 7), np.ones((2, 3), np.float32), [b"a", b"bc"])
    data = path.read_bytes()
    assert struct.unpack("<12i", data[:48]) == (ggml.MAGIC, *[7] * 10, 1)
    at = 48 + 8 + 4 * 6 + 4 + (4 + 1) + (4 + 2)
    for name, value in weights.items():
        shape = (*value.shape, 1) if name == "encoder.conv1.bias" else value.shape
        half = name.endswith("weight") and value.ndim > 1
        header = struct.unpack(f"<{3 + len(shape)}i", data[at : at + 4 * (3 + len(shape))])
        assert header == (len(shape), len(name), int(half), *reversed(shape))
        at += 4 * len(header) + len(name)
        kind = np.dtype(np.float16 if half else np.float32)
        stored = np.frombuffer(data, kind, value.size, at).reshape(value.shape)
        np.testing.assert_array_equal(stored, value)
        at += stored.nbytes
    assert at == len(data)


@pytest.mark.parametrize(
    ("seconds", "length"), [(2.0, None), (2.5, 3), (3.7, 3), (4.5, None), (6.4, 6), (14.9, 12), (58.0, 60), (90, None)]
)
def test_clips_are_near_a_length(seconds: float, length: int | None) -> None:
    assert length_of(seconds) == length


CLIPS = [
    Clip("a.ogg", "en", 3.0, "the bus is late"),
    Clip("b.ogg", "en", 3.1, "we are out of milk"),
    Clip("c.ogg", "ru", 6.0, "я уже дома"),
    Clip("noise.ogg", "zxx", 6.0, ""),
]


def measured(engine: str, clip: str, wall: float, heard: str) -> dict[str, object]:
    return {
        "kind": "clip",
        "engine": engine,
        "clip": clip,
        "round": 0,
        "wall": wall,
        "cpu": 2 * wall,
        "peak_mb": 400.0,
        "text": heard,
    }


def loaded(engine: str, turn: int, per_minute: float, peak_mb: float) -> dict[str, object]:
    return {
        "kind": "load",
        "engine": engine,
        "clients": 1,
        "round": turn,
        "per_minute": per_minute,
        "peak_mb": peak_mb,
    }


LINES = [
    measured("voxmood", "a.ogg", 1.0, "The bus is late."),
    measured("voxmood", "b.ogg", 3.0, "We are out of milk."),
    measured("voxmood", "c.ogg", 1.0, "Я уже дома."),
    measured("voxmood", "noise.ogg", 0.1, ""),
    measured("whisper-cpp", "b.ogg", 12.0, "We are out of silk."),
    measured("whisper-cpp", "a.ogg", 2.0, "The bus is late."),
    measured("whisper-cpp", "c.ogg", 5.0, "Я дома."),
    measured("whisper-cpp", "noise.ogg", 5.0, "You know."),
    measured("whisper-cpp", "of another folder.ogg", 50.0, "You know."),
    loaded("voxmood", 0, 60.0, 300.0),
    loaded("whisper-cpp", 0, 10.0, 600.0),
    loaded("whisper-cpp", 1, 20.0, 500.0),
]


def test_figures_are_medians_and_ratios_to_the_first_engine() -> None:
    figures = compute(["voxmood", "whisper-cpp"], CLIPS, LINES)
    assert (figures["clips"], figures["words"], figures["short_clips"]) == (4, 12, 3)
    own, peer = figures["engines"]["voxmood"], figures["engines"]["whisper-cpp"]
    assert own["wer"] == {"en": 0.0, "ru": 0.0}
    assert peer["wer"] == {"en": pytest.approx(1 / 9, abs=1e-4), "ru": pytest.approx(1 / 3, abs=1e-4)}
    assert (own["invented_words_in_noise"], peer["invented_words_in_noise"]) == (0, 2)
    assert own["wall"]["3"] == 2.0
    assert peer["wall"]["3"] == 7.0
    assert peer["ratio"]["wall"] == {"3": 3.0, "6": 5.0, "12": None, "30": None, "60": None}  # clip by clip: 2 and 4
    assert peer["ratio"]["cpu"]["3"] == 3.0
    assert peer["ratio"]["wall_short"] == 4.0
    assert peer["ratio"]["per_minute"] == {"1": 0.25}
    assert peer["ratio"]["peak_mb"] == 1.5


def test_the_table_shows_the_first_row_in_units() -> None:
    figures = compute(["voxmood", "whisper-cpp"], CLIPS, LINES)
    rows = cells(figures)
    assert [len(row) for row in rows] == [len(columns(figures))] * 2
    assert rows[0][:4] == ["Voxmood", "0.0%", "0.0%", "2.00 s"]
    assert rows[1][:6] == ["whisper.cpp", "11.1%", "33.3%", "×3.00", "×5.00", "-"]
    assert rows[1][-2:] == ["×1.50", "×0.25"]


def test_the_report_holds_the_table_and_the_machine() -> None:
    figures = compute(["voxmood", "whisper-cpp"], CLIPS, LINES)
    machine = {"processor": "a chip", "cores": 2, "memory_gb": 8, "system": "Linux", "python": "3.11"}
    machine |= {"voxmood": {"av": "1"}, "peers": {"torch": "2"}}
    settings = dict.fromkeys(("threads", "rounds", "load_rounds", "messages", "seed"), "1")
    page = markdown(figures, machine, settings)
    assert "| whisper.cpp | 11.1% | 33.3% | ×3.00 |" in page
    assert "a chip" in page
    assert len(curve(figures).axes[0].lines) == 2


def test_what_was_measured_is_known_to_the_next_command(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "asr.jsonl"
    Cache(path).add(kind="clip", engine="voxmood", clip="a.ogg", round=0, text="я дома")
    again = Cache(path)
    assert again.has(engine="voxmood", clip="a.ogg", round=0)
    assert not again.has(engine="voxmood", clip="a.ogg", round=1)
    assert again.lines[0]["text"] == "я дома"


def test_the_page_on_reliability_says_what_was_measured() -> None:
    assert reliability.PAGE.read_text() == reliability.measured()
