"""The page in a real browser: every way in, what is shown of the mood, and who cannot see, hear or point."""

import hashlib
import io
import json
import re
import wave
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.conftest import VOICES, Serve, Transcode
from tools.browser import chromium
from tools.stack import Urls
from voxmood_asr import audio
from voxmood_gateway.app import create_app
from voxmood_gateway.page import FOLDER
from voxmood_gateway.settings import Settings

BIRTHDAY, HOLIDAY = VOICES / "en-negative-birthday.ogg", VOICES / "en-negative-holiday.ogg"
GLAD = "I am so glad you came. It was a wonderful evening."
PHONE, DESK = (320, 640), (1100, 800)  # the narrowest that WCAG 1.4.10 asks for

expect.set_options(timeout=30_000)


def wav(samples: bytes, rate: int, width: int) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples)
    return out.getvalue()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser into whose microphone the birthday is said."""
    said = tmp_path_factory.mktemp("microphone") / "said.wav"
    said.write_bytes(wav(audio.decode(BIRTHDAY.read_bytes(), 600).pcm.tobytes(), audio.RATE, 2))
    with chromium(said) as found:
        yield found


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A fresh profile; `parametrize(..., indirect)` sets its options."""
    with browser.new_context(**getattr(request, "param", {})) as opened:
        yield opened


@pytest.fixture
def page(context: BrowserContext, stack: Urls) -> Iterator[Page]:
    """The page of the gateway; no test may make it ask another server, or make the browser complain."""
    opened = context.new_page()
    asked, complaints = [], []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    opened.goto(stack.gateway)
    yield opened
    assert [url for url in asked if not url.startswith((f"{stack.gateway}/", f"blob:{stack.gateway}/"))] == []
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []


def mood(page: Page) -> str:
    """The mood that it comes to."""
    expect(page.locator("#another")).to_be_visible()
    return page.locator("#mood").inner_text()


def transcript(page: Page) -> str:
    return " ".join(page.locator("#sentences p").all_inner_texts())


WATCH = """() => {
  window.seen = [];
  const value = (id) => document.getElementById(id).value;
  new MutationObserver(() => seen.push([
    document.querySelectorAll("#sentences li").length, value("upload"), value("recognition"),
    document.getElementById("work").hidden])
  ).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
}"""


def test_a_chosen_file_is_heard_while_it_is_recognised_then_its_mood_is_shown(page: Page) -> None:
    page.evaluate(WATCH)
    page.set_input_files("#file", HOLIDAY)
    assert mood(page) == "Negative"
    seen = page.evaluate("seen")
    assert any(upload == 1 and 0 < recognised < 1 and sentences for sentences, upload, recognised, _ in seen)
    assert page.locator("#sureness").inner_text().endswith("English · 0:22")
    assert page.locator("#turn").inner_text() == "0:10 gets heated"
    assert "stole my camera" in transcript(page)
    moods = [item.get_attribute("class") for item in page.locator("#sentences li").all()]
    assert (moods[0], moods[-1]) == ("positive", "negative")
    assert "wonderful" in page.locator("li:first-child mark.for").all_inner_texts()
    expect(page.locator("#status")).to_contain_text("quite sure")
    expect(page.locator("#mood")).to_be_focused()
    line = page.locator("#wave path.line").get_attribute("d") or ""
    heights = [float(y) for y in re.findall(r"[\d.]+,([\d.]+)", line)]
    assert heights[0] < 50 < heights[-1], "the line falls from good to bad"


def colours(page: Page) -> list[bool]:
    """Whether the first and the last third of the waveform have more of the positive than of the negative colour."""
    counted: list[bool] = page.evaluate("""() => {
      const canvas = document.querySelector("#wave > div").shadowRoot.querySelector("canvas");
      const { width, height } = canvas;
      const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
      const greener = [0, 0, 0];
      for (let i = 0; i < data.length; i += 4)
        greener[Math.floor((3 * ((i / 4) % width)) / width)] += data[i + 3] * (data[i + 1] - data[i]);
      return [greener[0] > 0, greener[2] > 0];
    }""")
    return counted


def test_the_waveform_has_the_colours_of_its_sentences_and_plays_from_where_one_clicks(page: Page) -> None:
    page.set_input_files("#file", HOLIDAY)
    mood(page)
    assert colours(page) == [True, False]
    wave_ = page.locator("#wave")
    box = wave_.bounding_box()
    assert box
    wave_.click(position={"x": box["width"] * 0.7, "y": 40})
    expect(page.locator("#play")).to_have_text("Pause")
    expect(page.locator("#sentences li.said")).to_have_count(1)
    assert float(wave_.get_attribute("aria-valuenow") or 0) >= 0.69 * 22
    page.locator("#play").click()
    expect(page.locator("#play")).to_have_text("Play")
    page.get_by_role("button", name="Play from 0:03").click()
    expect(page.locator("#play")).to_have_text("Pause")
    assert 3 <= float(wave_.get_attribute("aria-valuenow") or 0) < 10


def test_a_dropped_file_is_taken_and_two_are_not(page: Page) -> None:
    drop = """([names, bytes]) => {
      const dropped = new DataTransfer();
      for (const name of names) dropped.items.add(new File([new Uint8Array(bytes)], name));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));
    }"""
    voice = list(BIRTHDAY.read_bytes())
    page.evaluate(drop, [["one.ogg", "two.ogg"], voice])
    expect(page.locator("#refused")).to_contain_text("One at a time")
    page.evaluate(drop, [["one.ogg"], voice])
    assert mood(page) == "Negative"


def test_what_the_microphone_hears_is_taken(page: Page) -> None:
    page.locator("#record").click()
    expect(page.locator("#recorded")).to_have_text("0:03")
    page.locator("#stop").click()
    assert mood(page) == "Negative"
    assert "birthday" in transcript(page)
    expect(page.locator("#warnings li")).to_have_count(0)
    page.locator("#play").click()
    expect(page.locator("#play")).to_have_text("Pause")


def test_a_format_that_browsers_cannot_play_is_analysed_all_the_same(
    page: Page, voices: dict[str, bytes], transcode: Transcode
) -> None:
    voice = transcode(voices[BIRTHDAY.stem], "aiff", "pcm_s16be")
    page.set_input_files("#file", {"name": "voice.aiff", "mimeType": "audio/aiff", "buffer": voice})
    assert mood(page) == "Negative"
    expect(page.locator("#silent")).to_be_visible()
    expect(page.locator("#player")).to_be_hidden()
    expect(page.locator("#sentences span.time").first).to_have_text("0:00")


def test_a_damaged_file_is_said_to_be_one(page: Page) -> None:
    voice = HOLIDAY.read_bytes()
    page.set_input_files("#file", {"name": "a.ogg", "mimeType": "audio/ogg", "buffer": voice[: len(voice) // 2]})
    assert mood(page) == "Positive", "it turns only after that"
    expect(page.locator("#warnings")).to_contain_text("cut short")


def test_a_recording_can_be_discarded(page: Page) -> None:
    page.locator("#record").click()
    page.locator("#discard").click()
    expect(page.locator("#record")).to_be_focused()
    expect(page.locator("#message")).to_be_hidden()


def test_typed_words_are_read_with_the_keyboard_alone(page: Page) -> None:
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.id") != "text":
        page.keyboard.press("Tab")
    page.keyboard.type(GLAD)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert mood(page) == "Positive"
    expect(page.locator("#mood")).to_be_focused()
    expect(page.locator("#player")).to_be_hidden()
    expect(page.locator("#copies [value=srt]")).to_be_hidden()
    while page.evaluate("document.activeElement.id") != "another":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#file")).to_be_focused()


def test_what_is_said_is_text_and_nothing_else(page: Page) -> None:
    said = "<img src=x onerror=document.title=1> I love it."
    page.fill("#text", said)
    page.locator("#write button").click()
    assert mood(page) == "Positive"
    assert said in transcript(page)
    expect(page.locator("#transcript img")).to_have_count(0)


def test_the_waveform_is_a_slider_for_the_keyboard(page: Page) -> None:
    page.set_input_files("#file", BIRTHDAY)
    mood(page)
    wave_ = page.locator("#wave")
    wave_.focus()
    page.keyboard.press("ArrowRight")
    expect(wave_).to_have_attribute("aria-valuenow", "5.0")
    expect(wave_).to_have_attribute("aria-valuetext", "0:05 of 0:06, Negative")
    page.keyboard.press("Home")
    expect(wave_).to_have_attribute("aria-valuenow", "0.0")
    page.keyboard.press("Space")
    expect(page.locator("#play")).to_have_text("Pause")


@pytest.mark.parametrize("context", [{"locale": "ru-RU"}], indirect=True)
def test_it_speaks_russian(page: Page) -> None:
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.set_input_files("#file", VOICES / "ru-positive-concert.ogg")
    assert mood(page) == "Позитив"
    assert "русский" in page.locator("#sureness").inner_text()
    expect(page.locator("#sentences [lang=ru]").first).to_contain_text("концерте")
    page.get_by_role("button", name="English").click()
    assert mood(page) == "Positive"
    expect(page.locator("html")).to_have_attribute("lang", "en")
    keys = page.evaluate("""async () => {
      const { TEXTS } = await import(document.querySelector("[href$='texts.js']").href);
      const keys = (table) => Object.entries(table).flatMap(([k, v]) => Array.isArray(v) || typeof v === "string"
        ? [k + [...String(v).matchAll(/{\\w+}/g)].sort()] : keys(v));
      return [keys(TEXTS.en), keys(TEXTS.ru)];
    }""")
    assert keys[0] == keys[1]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (bytes(20_000_001), "the most is 20 MB"),
        (wav(bytes(8000 * 601), 8000, 1), "lasts 10:01"),
    ],
    ids=["empty", "large", "long"],
)
def test_what_would_be_refused_is_not_even_sent(page: Page, tmp_path: Path, content: bytes, says: str) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    file = tmp_path / "voice.wav"
    file.write_bytes(content)
    page.set_input_files("#file", file)
    expect(page.locator("#refused")).to_contain_text(says)
    assert "POST" not in sent


def test_a_refusal_says_what_to_do(page: Page) -> None:
    page.set_input_files("#file", {"name": "a.ogg", "mimeType": "audio/ogg", "buffer": b"this is no sound" * 99})
    problem = page.locator("#problem")
    expect(problem).to_contain_text("That is no sound")
    expect(problem).to_contain_text("Send a voice message")
    assert problem.locator("[lang=en]").inner_text(), "what the gateway said"
    expect(page.locator("#again")).to_be_hidden()
    expect(page.locator("#another")).to_be_focused()


def test_what_could_not_be_sent_is_kept_and_sent_again(page: Page) -> None:
    page.route("**/analyze", lambda route: route.abort())
    page.set_input_files("#file", BIRTHDAY)
    expect(page.locator("#problem")).to_contain_text("I cannot be reached")
    page.unroute("**/analyze")
    page.locator("#again").click()
    assert mood(page) == "Negative"


def test_work_can_be_cancelled(page: Page) -> None:
    page.set_input_files("#file", HOLIDAY)
    page.locator("#cancel").click()
    expect(page.locator("#composer")).to_be_visible()
    expect(page.locator("#message")).to_be_hidden()


@pytest.mark.parametrize("context", [{"permissions": ["clipboard-read", "clipboard-write"]}], indirect=True)
def test_the_analysis_is_copied_as_text_json_and_subtitles(page: Page) -> None:
    page.set_input_files("#file", BIRTHDAY)
    mood(page)

    def copied(form: str) -> str:
        button = page.locator(f"#copies [value={form}]")
        button.click()
        expect(button).to_have_text("Copied")
        return str(page.evaluate("navigator.clipboard.readText()"))

    analysis = json.loads(copied("json"))
    assert (analysis["verdict"], analysis["duration"]) == ("negative", 6.2)
    assert copied("text") == analysis["transcript"]
    first, *rest = copied("srt").strip().split("\n\n")
    assert re.fullmatch(r"1\n00:00:00,000 --> 00:00:0\d,\d{3}\nYou forgot my birthday again.", first)
    assert len(rest) == len(analysis["sentences"]) - 1


def test_a_key_is_asked_for_and_kept_nowhere(browser: Browser, stack: Urls, serve: Serve) -> None:
    keys = {"anna": hashlib.sha256(b"a-key").hexdigest()}
    settings = Settings(asr_url=stack.asr, sentiment_url=stack.sentiment, api_keys=keys)
    with serve(create_app(settings)[0]) as url, browser.new_context() as context:
        page = context.new_page()
        page.goto(url)
        page.fill("#text", GLAD)
        page.locator("#write button").click()
        page.fill("#key", "another-key")
        page.keyboard.press("Enter")
        expect(page.locator("#problem")).to_contain_text("not known here")
        page.locator("#again").click()
        page.fill("#key", "a-key")
        page.keyboard.press("Enter")
        assert mood(page) == "Positive"
        assert page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0


def test_a_recording_ends_and_is_sent_before_it_is_too_long(browser: Browser, stack: Urls, serve: Serve) -> None:
    settings = Settings(asr_url=stack.asr, sentiment_url=stack.sentiment, max_seconds=4)
    with serve(create_app(settings)[0]) as url, browser.new_context() as context:
        page = context.new_page()
        page.goto(url)
        page.locator("#record").click()
        mood(page)
        assert "birthday" in transcript(page)


LAYOUTS = [
    {"color_scheme": scheme, "locale": locale, "viewport": {"width": width, "height": height}}
    for scheme in ("light", "dark")
    for locale, (width, height) in (("en", DESK), ("ru", PHONE))  # Russian words are longer
]


@pytest.mark.parametrize("context", LAYOUTS, indirect=True, ids=["light", "light phone", "dark", "dark phone"])
def test_nobody_is_kept_out(page: Page) -> None:
    def check() -> None:
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no scrolling sideways"
        small = page.evaluate("""() => [...document.querySelectorAll("button, label.button, textarea")].filter(
          (target) => target.checkVisibility() && target.getBoundingClientRect().height < 44).map((it) => it.outerHTML)
        """)
        assert small == []

    check()
    page.evaluate("document.getElementById('ask-key').showModal()")
    check()
    page.keyboard.press("Escape")
    page.locator("#record").click()
    expect(page.locator("#recorder")).to_be_visible()
    check()
    page.locator("#discard").click()
    page.route("**/analyze", lambda _: None)  # it takes for ever
    page.set_input_files("#file", BIRTHDAY)
    expect(page.locator("#work")).to_be_visible()
    check()
    page.locator("#cancel").click()
    page.unroute("**/analyze")
    page.set_input_files("#file", {"name": "a.ogg", "mimeType": "audio/ogg", "buffer": b"no sound"})
    expect(page.locator("#problem")).to_be_visible()
    check()
    page.locator("#another").click()
    page.set_input_files("#file", BIRTHDAY)
    mood(page)
    check()


def test_files_are_kept_by_browsers_and_compressed(stack: Urls) -> None:
    page = httpx.get(stack.gateway)
    assert httpx.head(stack.gateway).status_code == 200, "who watches a site asks so"
    assert page.headers["cache-control"] == "no-cache"
    assert "unsafe" not in page.headers["content-security-policy"]
    files = re.findall(r'(?:src|href)="(page/[^"]+)"', page.text)
    assert len(files) > 10
    for file in set(files):
        answer = httpx.get(f"{stack.gateway}/{file}")
        assert answer.status_code == 200, file
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        kept = httpx.get(f"{stack.gateway}/{file}", headers={"If-None-Match": answer.headers["etag"]})
        assert (kept.status_code, kept.content) == (304, b"")
        assert len(answer.content) < 1000 or answer.headers["content-encoding"] == "gzip"
    for file in (FOLDER / "vendor").glob("*.js"):
        assert hashlib.sha256(file.read_bytes()).hexdigest() in (FOLDER / "vendor/README.md").read_text()
    refused = httpx.post(stack.gateway)
    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")
    for lost in (f"{Path(files[0]).parent}/nowhere.js", "page/another/main.js"):
        answer = httpx.get(f"{stack.gateway}/{lost}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer.headers["cache-control"] == "no-store"
