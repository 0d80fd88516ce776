// The consumer's data as it comes: /status once, then /events for as long as the connection lasts,
// and the same again after a while when it breaks. Read with fetch() rather than EventSource: that
// one neither sends where we stand nor tells what was wrong.

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 5000;

// Calls `listener` with {kind: "connection", state} ("connecting", "starting", "connected",
// "reconnecting"), {kind: "status", data} and the events {kind: "batch" | "roster" | "state", data};
// a batch's data is an array of batches. Never returns.
export async function follow(listener) {
  let pause = FIRST_PAUSE;
  listener({ kind: "connection", state: "connecting" });
  for (;;) {
    try {
      const response = await fetch("status", { cache: "no-store" });
      if (response.ok) {
        const status = await response.json();
        listener({ kind: "status", data: status });
        pause = FIRST_PAUSE;
        await stream(status, listener);
      } else {
        listener({ kind: "connection", state: "starting" });
      }
    } catch {
      // The consumer is away; whatever the reason, it is asked again.
      listener({ kind: "connection", state: "reconnecting" });
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(2 * pause, LONGEST_PAUSE);
  }
}

async function stream(status, listener) {
  const last = status.batches.at(-1)?.batch ?? 0;
  const response = await fetch("events?state=1", {
    cache: "no-store",
    headers: { "Last-Event-ID": `${status.run}-${last}` },
  });
  if (!response.ok) throw new Error(`events: ${response.status}`);
  listener({ kind: "connection", state: "connected" });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) deliver(block, listener);
  }
  listener({ kind: "connection", state: "reconnecting" });
}

// One event: lines of "field: value" (WHATWG HTML, server-sent events).
function deliver(block, listener) {
  let kind = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) kind = line.slice(7);
    else if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  if (data.length === 0) return;
  if (kind === "batch") listener({ kind, data: data.map((line) => JSON.parse(line)) });
  else listener({ kind, data: JSON.parse(data.join("\n")) });
}
