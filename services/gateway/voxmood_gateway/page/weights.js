// Which words of a sentence made its verdict, as `voxmood analyze --explain` marks them (voxmood/report.py).

const NOTABLE = 0.1; // log odds: less is the noise of the model
const STRONG = 1.0; // what the mood hangs on
const DROWNED = 1 / 8; // of the heaviest word of the sentence: lighter ones would only distract from it
const MOST = 3; // words of a sentence
const SURE = 0.99; // beyond it a change of the odds is noise

const odds = (share) => {
  const bounded = Math.min(Math.max(share, 1 - SURE), SURE);
  return Math.log(bounded / (1 - bounded));
};

/**
 * The sentence's text in pieces `{ text, side, strong }`: `side` is "for" or "against" its verdict, null for what lies
 * between the words that weigh. The weight of evidence is what a word adds to the log odds (Good 1950).
 */
export function pieces({ text, confidence, words }) {
  const weighed = (words ?? []).map((word) => ({
    word: word.text,
    evidence: odds(confidence) - odds(confidence - word.weight),
  }));
  const heaviest = weighed.map(({ evidence }) => Math.abs(evidence)).sort((a, b) => b - a);
  const least = Math.max(NOTABLE, DROWNED * (heaviest[0] ?? 0), heaviest[MOST] ?? 0);
  const found = [];
  let place = 0;
  let plain = 0;
  for (const { word, evidence } of weighed) {
    const start = text.indexOf(word, place); // words repeat, but come in order
    if (start < 0) continue;
    place = start + word.length;
    if (Math.abs(evidence) <= least) continue;
    found.push({ text: text.slice(plain, start), side: null, strong: false });
    found.push({ text: word, side: evidence > 0 ? "for" : "against", strong: Math.abs(evidence) > STRONG });
    plain = place;
  }
  found.push({ text: text.slice(plain), side: null, strong: false });
  return found.filter((piece) => piece.text);
}
