"""The pictures of the documentation are those that the models give: they are drawn anew, and their words compared."""

import re
from pathlib import Path

from docs import pictures

TEXT = re.compile(r"<text [^>]*>([^<]+)</text>")


def test_the_pictures_show_what_the_models_do(tmp_path: Path) -> None:
    pictures.draw(tmp_path)
    drawn = {path.name: path.read_text() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_text() for path in pictures.FOLDER.glob("*.svg")}
    assert drawn.keys() == kept.keys()
    for name, picture in kept.items():
        assert words(picture) == words(drawn[name])
        assert len(picture) < 60_000, "nobody waits for a picture"


def words(picture: str) -> list[str]:
    """All that is written in it but figures and full stops, which move a little with the processor."""
    return re.findall(r"[^\W\d]+", " ".join(TEXT.findall(picture)))
