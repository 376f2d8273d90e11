// An analysis as text, JSON or subtitles, and into the clipboard.

/** The forms that it can be copied in. */
export const FORMS = {
  text: ({ transcript }) => transcript,
  json: (analysis) => JSON.stringify(analysis, null, 1),
  srt: ({ sentences }) =>
    sentences
      .map(({ start, end, text }, i) => `${i + 1}\n${timestamp(start)} --> ${timestamp(end)}\n${text}\n`)
      .join("\n"),
};

/** 83.4 -> 00:01:23,400 */
function timestamp(seconds) {
  return new Date(Math.round(1000 * seconds)).toISOString().slice(11, 23).replace(".", ",");
}

/** Copy a text; returns whether the browser did. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyTheOldWay(text); // pages without https have no clipboard
  }
}

function copyTheOldWay(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}
