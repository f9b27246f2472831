// axes.js: what curves have in common: room around them, round numbers beside them, and the height they show.

const MARGIN = { left: 58, right: 14, top: 12, bottom: 30 };

// About so many round numbers from low to high.
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** floor(log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const first = ceil(low / step);
  const last = floor(high / step);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

// What the height shows: nearly all of the curve, poles left out, and the point in any case.
function heights(values, y) {
  const drawable = (value) => fabs(value) < 1e307;
  const sorted = values.filter(drawable).sort((a, b) => a - b);
  const most = sorted.slice(trunc(sorted.length * 0.03), ceil(sorted.length * 0.97));
  const all = [...most, y].filter(drawable);
  if (!all.length) return [-1, 1];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = (high - low) * 0.12 || Math.max(1e-300, fabs(high) * 0.5, high ? 0 : 1);
  return [low - room, high + room];
}
