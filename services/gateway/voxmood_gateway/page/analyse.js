// One request to the gateway: the message goes up, events come down. Not done here: showing anything.

/** What went wrong, by the `code` of a gateway's problem details, or `offline` and `broken_off`. */
export class Problem extends Error {
  constructor(code, detail = "", wait = null) {
    super(detail);
    Object.assign(this, { code, detail, wait });
  }
}

/**
 * Ask for the analysis of a message, `{ blob }` or `{ text }`, with its words weighed.
 *
 * `on.upload(share)`, `on.progress({ seconds, duration })` and `on.sentence(sentence)` tell how far it is. XMLHttpRequest
 * rather than fetch, which tells nothing of an upload. Rejects with Problem, or with an AbortError when `signal` says so.
 */
export function analyse(message, { key, signal, on }) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const request = new XMLHttpRequest();
  const form = new FormData();
  if (message.blob) form.append("audio", message.blob, "audio"); // its name is nobody's business
  else form.append("text", message.text);
  form.append("explain", "true");

  let read = 0;
  function readEvents() {
    if (request.status !== 200) return;
    for (let end; (end = request.responseText.indexOf("\n\n", read)) >= 0; read = end + 2) {
      const { event, data } = parse(request.responseText.slice(read, end));
      if (event === "analysis") resolve(data);
      else if (event === "error") reject(new Problem(data.code, data.detail));
      else if (event) on[event]?.(data);
    }
  }

  request.upload.onprogress = ({ loaded, total }) => on.upload(loaded / total);
  request.upload.onload = () => on.upload(1);
  request.onprogress = readEvents;
  request.onload = () => {
    readEvents(); // what follows only tells if no event has
    reject(request.status === 200 ? new Problem("broken_off") : refusal(request));
  };
  request.onerror = () => reject(new Problem(read ? "broken_off" : "offline"));
  request.onabort = () => reject(signal.reason);
  signal.addEventListener("abort", () => request.abort());

  request.open("POST", "analyze");
  request.setRequestHeader("Accept", "text/event-stream");
  if (key) request.setRequestHeader("Authorization", `Bearer ${key}`);
  request.send(form);
  return promise;
}

/** The name and the data of a server-sent event; neither, for a comment. */
function parse(block) {
  const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s)));
  return { event: fields.event, data: fields.data && JSON.parse(fields.data) };
}

function refusal(request) {
  const wait = Number(request.getResponseHeader("Retry-After")) || null;
  try {
    const { code, detail } = JSON.parse(request.responseText);
    return new Problem(code, detail, wait);
  } catch {
    return new Problem("other", "", wait); // a proxy's page
  }
}
