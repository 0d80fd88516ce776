// The value of a series in a Prometheus text; of a name without labels, the sum of all its series.

export function valueOf(text, series) {
  let found = false;
  let sum = 0;
  for (const line of text.split("\n")) {
    const [name, value] = split(line);
    if (name === series || name?.startsWith(`${series}{`)) {
      found = true;
      sum += Number(value);
    }
  }
  if (!found) throw new Error(`/metrics has no ${series}`);
  return sum;
}

function split(line) {
  if (line === "" || line.startsWith("#")) return [undefined, undefined];
  const space = line.lastIndexOf(" ");
  return [line.slice(0, space), line.slice(space + 1)];
}
