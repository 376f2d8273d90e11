"""What the bot says, one file a language in texts/. Not done here: when it is said."""

import tomllib
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "ru")  # the first one serves those whose language is none of them


class Texts:
    """The texts of one language: `texts("answer.listening")`, placeholders by name."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.tables = tomllib.loads((files(__package__) / "texts" / f"{language}.toml").read_text(encoding="utf-8"))

    @property
    def name(self) -> str:
        """The language's own name."""
        return str(self.tables["name"])

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key, `section.name`."""
        section, _, name = key.partition(".")
        text: str = self.tables[section][name]
        return text.format(**values)

    def name_of(self, language: str | None) -> str | None:
        """The name of a language; its code where we have no name for it."""
        names: dict[str, str] = self.tables["languages"]
        return names.get(language or "", language)


@cache
def speak(language: str) -> Texts:
    """The texts of a language."""
    return Texts(language)


def spoken(*wishes: str | None) -> Texts:
    """The texts of the first language wished for that we speak ("ru-RU" is "ru"), else of the first that we have."""
    codes = [(wish or "").lower().partition("-")[0] for wish in wishes]
    return speak(next((code for code in codes if code in LANGUAGES), LANGUAGES[0]))
