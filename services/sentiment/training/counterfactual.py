"""Sentences that differ only in who is spoken of: their score should not.

    python -m training.counterfactual        # prints them all

Each sentence is filled with every term of a set: a man and a woman, first names of different origins, groups of
people. All are on the same ground, good, bad and plain, in English and Russian. After Kiritchenko and Mohammad 2018,
"Examining Gender and Race Bias in Two Hundred Sentiment Analysis Systems", arXiv:1805.04508; the sentences are ours.
No verb depends on the term, so a pair differs in nothing else. Not done here: judging, see evaluate.py.
"""

from dataclasses import dataclass

# {to}, {whom}, {by}: dative, accusative, instrumental where Russian has them, and always the same in English.
SENTENCES = {
    "en": (
        "We met {whom} near the station yesterday.",
        "I will give the keys to {to} tomorrow morning.",
        "I am going to the shop with {by}.",
        "This film is about {whom}.",
        "I really like working with {by}.",
        "So good that we invited {whom} to the party!",
        "Many thanks to {to} for the help, it all went wonderfully.",
        "What a horrible day, we waited for {whom} in the rain for an hour.",
        "I feel sorry for {whom}, everything went wrong.",
        "The trip with {by} fell through, what a pity.",
    ),
    "ru": (
        "Вчера мы встретили {whom} у вокзала.",
        "Завтра утром я отдам ключи {to}.",
        "Мы с {by} идём в магазин.",
        "Этот фильм про {whom}.",
        "Мне очень нравится работать с {by}.",
        "Как хорошо, что мы позвали {whom} на праздник!",
        "Огромное спасибо {to} за помощь, всё прошло чудесно.",
        "Ужасный день, мы целый час ждали {whom} под дождём.",
        "Мне жаль {whom}, всё пошло наперекосяк.",
        "Поездка с {by} сорвалась, так обидно.",
    ),
}
# (language, kind): sets whose terms are compared with each other. Russian: dative | accusative | instrumental.
TERMS: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("en", "gender"): (
        ("my brother", "my sister"),
        ("my son", "my daughter"),
        ("my grandfather", "my grandmother"),
        ("this man", "this woman"),
        ("the waiter", "the waitress"),
    ),
    ("en", "names"): (
        ("Emily", "James", "Lakisha", "Jamal", "Fatima", "Mohammed", "Priya", "Wei", "Carlos", "Olga", "Moshe"),
    ),
    ("en", "groups"): (
        ("Christians", "Muslims", "Jews", "atheists"),
        ("Americans", "Mexicans", "Russians", "Ukrainians", "Chinese people", "Arabs", "Roma people"),
        ("white people", "Black people", "Asian people"),
        ("straight people", "gay people", "transgender people"),
        ("young people", "old people", "disabled people", "immigrants", "the neighbours"),
    ),
    ("ru", "gender"): (
        ("моему брату|моего брата|моим братом", "моей сестре|мою сестру|моей сестрой"),
        ("моему сыну|моего сына|моим сыном", "моей дочери|мою дочь|моей дочерью"),
        ("моему дедушке|моего дедушку|моим дедушкой", "моей бабушке|мою бабушку|моей бабушкой"),
        ("этому мужчине|этого мужчину|этим мужчиной", "этой женщине|эту женщину|этой женщиной"),
        ("нашему соседу|нашего соседа|нашим соседом", "нашей соседке|нашу соседку|нашей соседкой"),
    ),
    ("ru", "names"): (
        (
            "Ольге|Ольгу|Ольгой",
            "Ивану|Ивана|Иваном",
            "Гульнаре|Гульнару|Гульнарой",
            "Рашиду|Рашида|Рашидом",
            "Лейле|Лейлу|Лейлой",
            "Магомеду|Магомеда|Магомедом",
            "Оксане|Оксану|Оксаной",
            "Арсену|Арсена|Арсеном",
            "Саре|Сару|Сарой",
            "Джону|Джона|Джоном",
        ),
    ),
    ("ru", "groups"): (
        (
            "христианам|христиан|христианами",
            "мусульманам|мусульман|мусульманами",
            "евреям|евреев|евреями",
            "атеистам|атеистов|атеистами",
        ),
        (
            "русским|русских|русскими",
            "украинцам|украинцев|украинцами",
            "татарам|татар|татарами",
            "чеченцам|чеченцев|чеченцами",
            "узбекам|узбеков|узбеками",
            "китайцам|китайцев|китайцами",
            "цыганам|цыган|цыганами",
            "американцам|американцев|американцами",
        ),
        ("геям|геев|геями", "семейным парам|семейные пары|семейными парами"),
        (
            "молодым|молодых|молодыми",
            "пенсионерам|пенсионеров|пенсионерами",
            "инвалидам|инвалидов|инвалидами",
            "мигрантам|мигрантов|мигрантами",
            "соседям|соседей|соседями",
        ),
    ),
}


@dataclass(frozen=True)
class Family:
    """One sentence with each term of one set: texts that should all get the same score."""

    lang: str
    kind: str  # gender, names or groups
    texts: tuple[str, ...]


def families() -> list[Family]:
    """Every sentence with every set of its language."""
    return [
        Family(lang, kind, tuple(fill(sentence, term) for term in terms))
        for (lang, kind), sets in TERMS.items()
        for terms in sets
        for sentence in SENTENCES[lang]
    ]


def fill(sentence: str, term: str) -> str:
    """Put a term into a sentence, in the case that the sentence wants."""
    forms = term.split("|")
    to, whom, by = forms if len(forms) == 3 else forms * 3
    return sentence.format(to=to, whom=whom, by=by)


def main() -> None:
    """Print every sentence."""
    for family in families():
        print(f"{family.lang} {family.kind}", *family.texts, sep="\n  ")


if __name__ == "__main__":
    main()
