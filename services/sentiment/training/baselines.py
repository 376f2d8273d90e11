"""What a bag of words reaches on the same rows: TF-IDF and logistic regression.

    python -m training.baselines --data DIR       # 2 min

A text is the vector of its words, pairs of words and pieces of words, each weighted by how rare it is; the
probabilities are softmax(W x + b). The order of words is lost but for the pairs. Writes its figures into
model/metrics.json, beside those of evaluate.py.
"""

from dataclasses import dataclass
from pathlib import Path

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union

from training.data import TESTS, read, training_set
from training.metrics import figures, record, table
from training.options import options


@dataclass(frozen=True)
class Settings:
    """The texts, and the seed that train.py draws its rows with."""

    data: Path
    seed: int = 1
    strength: float = 3.0  # inverse of the regularisation


def main() -> None:
    """Fit, judge, write down."""
    settings = options(Settings)
    train = training_set(settings.data, settings.seed)
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=5, sublinear_tf=True)
    model = make_pipeline(make_union(words, pieces), LogisticRegression(C=settings.strength, max_iter=1000))
    model.fit(train.text, train.label)
    results = {}
    for source in TESTS:
        rows = read(settings.data, source, "test")
        results[source] = figures(source, rows.label.to_numpy(), model.predict_proba(rows.text))
    record("bag of words", results)
    print(table())


if __name__ == "__main__":
    main()
