// Numbers and durations as a person reads them.

const whole = new Intl.NumberFormat("en");

export function count(number) {
  return whole.format(number);
}

// A rate needs no more than three digits.
export function rate(number) {
  return number >= 100 ? whole.format(Math.round(number)) : String(Number(number.toPrecision(3)));
}

export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1) return `${Number(ms.toFixed(3))} ms`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 10_000) return `${whole.format(Math.round(ms))} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${whole.format(Math.round(ms / 3_600_000))} h`;
}

export function plural(number, one, many) {
  return `${count(number)} ${number === 1 ? one : many}`;
}
