// Curves of runs in charts that share their horizontal axis. What is shown
// follows from `view`; each change of it draws the charts anew.
'use strict';

const data = JSON.parse(document.getElementById('data').textContent);
const runs = data.runs;
const margin = {left: 56, right: 12, top: 6, bottom: 24};

const view = {
  axis: data.axis,
  span: data.span,         // of the smoothing, in steps
  range: null,             // on the horizontal axis; null: all
  hidden: new Set(),       // positions of runs
  highlighted: null,       // a run that others make place for
  cursor: null,            // on the horizontal axis
};

const charts = [
  {metric: 'loss', title: 'loss', hasEval: true},
  {metric: 'grad_norm', title: 'gradient norm'},
  {metric: 'lr', title: 'learning rate', isExact: true},
  {metric: 'tokens_per_second', title: 'tokens/s', fromZero: true},
].map(chart => ({
  ...chart,
  isLog: data.log && (chart.metric === 'loss' || chart.metric === 'grad_norm'),
  rangeY: null,
}));

const element = id => document.getElementById(id);

function make(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// ----- numbers ---------------------------------------------------------------

const trim = text => String(Number(text));

// 0.0003 as 3e-4, 20000 as 20k.
function label(value, digits = 10) {
  const size = Math.abs(value);
  if (size >= 1e4 && size < 1e16) {
    const unit = Math.min(Math.floor(Math.log10(size * 1.0000001) / 3), 4);
    return trim((value / 1000 ** unit).toPrecision(digits)) + ' kMGT'[unit];
  }
  if (size === 0 || (size >= 0.01 && size < 1e4))
    return trim(size === 0 ? '0' : value.toPrecision(digits));
  const [mantissa, exponent] = value.toExponential(Math.min(digits - 1, 8)).split('e');
  return trim(mantissa) + 'e' + Number(exponent);
}

const shown = value => value === null || value === undefined ? '–' : label(value, 5);

function shownX(value) {
  if (view.axis === 'step')
    return 'step ' + value.toLocaleString('en').replaceAll(',', '\u202f');
  if (view.axis === 'tokens')
    return label(value, 5) + ' tokens';
  const seconds = Math.round(value), two = n => String(n).padStart(2, '0');
  return Math.floor(seconds / 3600) + ':' + two(Math.floor(seconds / 60) % 60) + ':' +
         two(seconds % 60) + ' h';
}

// Multiples of 1, 2 or 5 times a power of ten.
function roundTicks(low, high, about) {
  const rough = (high - low) / Math.max(about, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find(factor => factor * power >= rough * 0.999) ?? 10) * power;
  const ticks = [];
  for (let count = Math.ceil(low / step); count * step <= high && ticks.length < 100; ++count)
    ticks.push(count * step);
  return ticks;
}

function logTicks(low, high, about) {
  const decades = Math.log10(high / low);
  const stride = Math.max(Math.floor(decades / about), 1);
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); ++power)
    for (const factor of [1, 2, 3, 4, 5, 6, 8]) {
      const value = factor * 10 ** power;
      const isWanted = factor === 1 ? power % stride === 0 :
          decades <= about / (factor === 2 || factor === 5 ? 2.5 : 6);
      if (value >= low && value <= high && isWanted)
        ticks.push(value);
    }
  return ticks.length >= 3 ? ticks : roundTicks(low, high, about);
}

// The first position whose value is not below `value`.
function lowerBound(values, value) {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

function nearest(values, value) {
  const after = lowerBound(values, value);
  if (after === 0)
    return 0;
  if (after === values.length)
    return after - 1;
  return values[after] - value < value - values[after - 1] ? after : after - 1;
}

// ----- curves ----------------------------------------------------------------

const xOf = points => points.x[view.axis] ?? [];

// The mean around each value by weights that fall by e over `view.span` steps
// to both sides. Kept until the span changes.
function smoothed(run, metric) {
  const column = run.train[metric];
  if (column.span === view.span)
    return column.smooth;
  const steps = run.train.x.step;
  column.span = view.span;
  if (view.span === 0)
    return column.smooth = column.mean;
  const sums = steps.map(() => 0), weights = steps.map(() => 0);
  // Once over what is before a value, once over what is after it.
  for (const by of [1, -1]) {
    let sum = 0, weight = 0, before = 0;
    for (let i = by > 0 ? 0 : steps.length - 1; i >= 0 && i < steps.length; i += by) {
      if (column.mean[i] === null)
        continue;
      const keep = weight > 0 ? Math.exp(-Math.abs(before - steps[i]) / view.span) : 0;
      sums[i] += keep * sum;
      weights[i] += keep * weight;
      sum = keep * sum + column.mean[i];
      weight = keep * weight + 1;
      before = steps[i];
    }
  }
  column.smooth = column.mean.map((value, i) => value === null ? null : (sums[i] + value) / (weights[i] + 1));
  return column.smooth;
}

const isSmooth = chart => view.span > 0 && !chart.isExact;

// What is drawn of a run: its points and their columns, behind to front.
function curvesOf(chart, run) {
  const column = run.train[chart.metric];
  const raw = {points: run.train, least: column.least ?? column.mean,
               most: column.most ?? column.mean};
  const mean = smoothed(run, chart.metric);
  const curves = [];
  if (isSmooth(chart) || column.least)
    curves.push({kind: 'raw', ...raw});
  curves.push({kind: 'mean', points: run.train,
               least: isSmooth(chart) ? mean : column.mean,
               most: isSmooth(chart) ? mean : column.mean});
  if (chart.hasEval && run.eval.eval_loss.mean.length)
    curves.push({kind: 'eval', points: run.eval, least: run.eval.eval_loss.mean,
                 most: run.eval.eval_loss.mean});
  return curves;
}

const visible = () => runs.filter((_, i) => !view.hidden.has(i));

function wholeRange() {
  let low = Infinity, high = -Infinity;
  for (const run of visible().length ? visible() : runs)
    for (const points of [run.train, run.eval]) {
      const x = xOf(points);
      if (x.length) {
        low = Math.min(low, x[0]);
        high = Math.max(high, x[x.length - 1]);
      }
    }
  if (!(low <= high))
    return [0, 1];
  return low < high ? [low, high] : [low - 0.5, high + 0.5];
}

const rangeX = () => view.range ?? wholeRange();

// Of the values that the horizontal range shows.
function rangeYOf(chart) {
  if (chart.rangeY)
    return chart.rangeY;
  const [from, to] = rangeX();
  let low = Infinity, high = -Infinity;
  for (const run of visible())
    for (const curve of curvesOf(chart, run)) {
      const x = xOf(curve.points);
      for (let i = lowerBound(x, from); i < x.length && x[i] <= to; ++i) {
        const least = curve.least[i], most = curve.most[i];
        if (least !== null && (!chart.isLog || least > 0))
          low = Math.min(low, least);
        if (most !== null && (!chart.isLog || most > 0)) {
          high = Math.max(high, most);
          if (chart.isLog && !(least > 0))
            low = Math.min(low, most);
        }
      }
    }
  if (!(low <= high))
    return chart.isLog ? [1, 10] : [0, 1];
  if (chart.isLog) {
    const factor = Math.max((high / low) ** 0.04, 1.02);
    return [low / factor, high * factor];
  }
  const isFromZero = chart.fromZero && low >= 0;
  if (isFromZero)
    low = 0;
  let room = (high - low) * 0.04;
  if (room <= 1e-9 * Math.max(Math.abs(low), Math.abs(high)))
    room = Math.max(Math.abs(high) * 0.05, 1e-12);
  return [isFromZero ? 0 : low - room, high + room];
}

// A mark of a run: circle, square, triangle, diamond.
function mark(run, x, y) {
  const shapes = ['m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0', 'm-3 -3h6v6h-6z',
                  'm0 -4l3.6 6.5h-7.2z', 'm0 -4.4l3.6 4.4l-3.6 4.4l-3.6 -4.4z'];
  return `M${x.toFixed(1)} ${y.toFixed(1)}${shapes[run % shapes.length]}`;
}

function styleOf(run) {
  const dashes = ['', '7 3', '2 3', '9 3 2 3'];
  const pattern = dashes[Math.floor(run / data.colours.length) % dashes.length];
  return `stroke="var(--c${run % data.colours.length})"` +
         (pattern ? ` stroke-dasharray="${pattern}"` : '');
}

const swatch = run =>
    `<svg viewBox="0 0 30 14" aria-hidden="true"><path class="mean" ${styleOf(run)} d="M1 7h28"/>` +
    `<path class="mark" stroke="var(--c${run % data.colours.length})" d="${mark(run, 15, 7)}"/></svg>`;

// The places of a chart's numbers in pixels.
function scalesOf(chart) {
  const width = chart.svg.clientWidth, height = chart.svg.clientHeight;
  const left = margin.left, right = Math.max(width - margin.right, left + 1);
  const top = margin.top, bottom = Math.max(height - margin.bottom, top + 1);
  const [x0, x1] = rangeX(), [y0, y1] = rangeYOf(chart);
  const lowY = chart.isLog ? Math.log(y0) : y0;
  const spanY = (chart.isLog ? Math.log(y1) : y1) - lowY;
  return {
    left, right, top, bottom, x0, x1, y0, y1,
    x: value => left + (right - left) * (value - x0) / (x1 - x0),
    y: value => chart.isLog && !(value > 0) ? NaN :
        bottom - (bottom - top) * ((chart.isLog ? Math.log(value) : value) - lowY) / spanY,
    valueX: pixel => x0 + (x1 - x0) * (pixel - left) / (right - left),
    valueY: pixel => {
      const value = lowY + spanY * (bottom - pixel) / (bottom - top);
      return chart.isLog ? Math.exp(value) : value;
    },
  };
}

// In each half pixel the first, the least, the greatest and the last value: as
// good as all of them.
function pathOf(curve, scales) {
  const x = xOf(curve.points);
  const from = Math.max(lowerBound(x, scales.x0) - 1, 0);
  const to = Math.min(lowerBound(x, scales.x1) + 1, x.length);
  let path = '', isDown = false;
  for (let i = from; i < to;) {
    const column = Math.round(2 * scales.x(x[i])) / 2;
    let first = NaN, last = NaN, top = NaN, bottom = NaN;
    for (; i < to && Math.round(2 * scales.x(x[i])) / 2 === column; ++i) {
      if (curve.most[i] === null)
        continue;
      const high = scales.y(curve.most[i]), low = scales.y(curve.least[i]);
      if (Number.isNaN(high))
        continue;
      const deep = Number.isNaN(low) ? high : low;
      first = Number.isNaN(first) ? high : first;
      last = deep;
      top = Number.isNaN(top) ? high : Math.min(top, high);
      bottom = Number.isNaN(bottom) ? deep : Math.max(bottom, deep);
    }
    if (Number.isNaN(first)) {
      isDown = false;
      continue;
    }
    let before = NaN;
    for (const y of [first, top, bottom, last]) {
      if (y !== before)
        path += (isDown ? 'L' : 'M') + column + ' ' + y.toFixed(1);
      isDown = true;
      before = y;
    }
  }
  return path;
}

function marksOf(curve, scales, run) {
  const x = xOf(curve.points);
  let marks = '', before = -Infinity;
  for (let i = lowerBound(x, scales.x0); i < x.length && x[i] <= scales.x1; ++i) {
    const at = scales.x(x[i]), y = scales.y(curve.most[i] ?? NaN);
    // Marks that would lie on each other are left out.
    if (Number.isNaN(y) || at - before < 8)
      continue;
    marks += mark(run, at, y);
    before = at;
  }
  return marks;
}

function draw(chart) {
  const s = scalesOf(chart);
  let svg = `<clipPath id="clip-${chart.metric}"><rect x="${s.left}" y="${s.top}" ` +
            `width="${s.right - s.left}" height="${s.bottom - s.top}"/></clipPath>`;
  const aboutY = Math.floor((s.bottom - s.top) / 45);
  for (const tick of chart.isLog ? logTicks(s.y0, s.y1, aboutY) : roundTicks(s.y0, s.y1, aboutY)) {
    const y = s.y(tick).toFixed(1);
    svg += `<path class="grid" d="M${s.left} ${y}H${s.right}"/>` +
           `<text class="tick-y" x="${s.left - 6}" y="${y}" dy="4" text-anchor="end">${label(tick)}</text>`;
  }
  for (const tick of roundTicks(s.x0, s.x1, Math.floor((s.right - s.left) / 75)))
    svg += `<text class="tick-x" x="${s.x(tick).toFixed(1)}" y="${s.bottom + 17}" ` +
           `text-anchor="middle">${label(tick)}</text>`;
  svg += `<path class="axis" d="M${s.left} ${s.bottom}H${s.right}"/>` +
         `<g clip-path="url(#clip-${chart.metric})">`;
  // The highlighted run lies above the others.
  const order = runs.map((_, i) => i).filter(i => !view.hidden.has(i));
  order.sort((a, b) => (a === view.highlighted) - (b === view.highlighted));
  let isEmpty = true;
  for (const i of order) {
    const faded = view.highlighted !== null && view.highlighted !== i ? ' class="faded"' : '';
    svg += `<g data-run="${i}"${faded}>`;
    for (const curve of curvesOf(chart, runs[i])) {
      const path = pathOf(curve, s);
      if (!path)
        continue;
      isEmpty = false;
      svg += `<path class="${curve.kind}" ${styleOf(i)} d="${path}"/>`;
      if (curve.kind === 'eval')
        svg += `<path class="mark" stroke="var(--c${i % data.colours.length})" ` +
               `d="${marksOf(curve, s, i)}"/>`;
    }
    svg += '</g>';
  }
  svg += '</g><g class="overlay"></g>';
  if (isEmpty)
    svg += `<text class="empty" x="${(s.left + s.right) / 2}" y="${(s.top + s.bottom) / 2}" ` +
           `text-anchor="middle">${chart.isLog ? 'nothing above 0 here' : 'nothing here'}</text>`;
  chart.svg.innerHTML = svg;
  chart.scales = s;
  drawOverlay(chart);
}

// ----- values at the cursor ---------------------------------------------------

// Of each visible run what it has there: rows of text for people.
function valuesAt(chart, x) {
  const s = chart.scales, rows = [];
  for (const [i, run] of runs.entries()) {
    if (view.hidden.has(i))
      continue;
    const along = xOf(run.train);
    const row = {run: i, name: run.name, value: null, mean: null, eval: null};
    if (along.length) {
      const at = nearest(along, x);
      // A run that has ended, or is not there yet, has no value.
      const space = along.length > 1 ?
          Math.abs(s.x(along[Math.min(at + 1, along.length - 1)]) - s.x(along[Math.max(at - 1, 0)])) : 0;
      if (Math.abs(s.x(along[at]) - s.x(x)) <= Math.max(6, space)) {
        row.value = run.train[chart.metric].mean[at];
        row.mean = isSmooth(chart) ? smoothed(run, chart.metric)[at] : null;
        row.y = s.y((isSmooth(chart) ? row.mean : row.value) ?? NaN);
        row.x = s.x(along[at]);
      }
    }
    if (chart.hasEval) {
      // The last evaluation up to here.
      const evalX = xOf(run.eval);
      const at = lowerBound(evalX, x * (1 + 1e-12)) - (evalX[lowerBound(evalX, x)] === x ? 0 : 1);
      if (at >= 0 && at < evalX.length) {
        row.eval = run.eval.eval_loss.mean[at];
        row.evalStep = run.eval.x.step[at];
      }
    }
    rows.push(row);
  }
  return rows;
}

function drawOverlay(chart) {
  const overlay = chart.svg.querySelector('.overlay'), s = chart.scales;
  let svg = '';
  if (view.cursor !== null && view.cursor >= s.x0 && view.cursor <= s.x1) {
    const x = s.x(view.cursor).toFixed(1);
    svg += `<path class="cursor" d="M${x} ${s.top}V${s.bottom}"/>`;
    for (const row of valuesAt(chart, view.cursor))
      if (row.y >= s.top - 1 && row.y <= s.bottom + 1)
        svg += `<circle class="dot" stroke="var(--c${row.run % data.colours.length})" ` +
               `cx="${row.x.toFixed(1)}" cy="${row.y.toFixed(1)}" r="3.5"/>`;
  }
  if (chart.brush) {
    const {x, y, width, height} = brushOf(chart);
    svg += `<rect class="brush" x="${x}" y="${y}" width="${width}" height="${height}"/>`;
  }
  overlay.innerHTML = svg;
}

function showTip(chart, clientX, clientY) {
  const tip = element('tip');
  const rows = valuesAt(chart, view.cursor);
  const hasMean = rows.some(row => row.mean !== null), hasEval = rows.some(row => row.eval !== null);
  const every = Math.max(...runs.map(run => run.train.every));
  const head = make('tr', {}, make('th', {}, shownX(view.cursor)),
                    make('th', {}, every > 1 ? 'mean of lines' : chart.title));
  if (hasMean)
    head.append(make('th', {}, 'smooth'));
  if (hasEval)
    head.append(make('th', {}, 'evaluation'));
  const table = make('table', {}, head);
  for (const row of rows) {
    const name = make('td');
    name.innerHTML = swatch(row.run);
    name.append(row.name);
    const line = make('tr', {}, name, make('td', {}, shown(row.value)));
    if (hasMean)
      line.append(make('td', {}, shown(row.mean)));
    if (hasEval)
      line.append(make('td', {}, row.eval === null ? '–' : `${shown(row.eval)} @ ${row.evalStep}`));
    table.append(line);
  }
  tip.replaceChildren(table);
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = clientX + 16 + box.width > innerWidth ? clientX - 16 - box.width : clientX + 16;
  const top = Math.min(clientY + 12, innerHeight - box.height - 4);
  tip.style.left = Math.max(left, 4) + 'px';
  tip.style.top = Math.max(top, 4) + 'px';
  return rows;
}

function hideCursor() {
  view.cursor = null;
  element('tip').hidden = true;
  charts.forEach(drawOverlay);
}

// To the point of a visible run that is nearest to a pixel.
function moveCursor(chart, pixel) {
  const wanted = chart.scales.valueX(Math.min(Math.max(pixel, chart.scales.left), chart.scales.right));
  let best = null;
  for (const run of visible())
    for (const points of chart.hasEval ? [run.train, run.eval] : [run.train]) {
      const along = xOf(points);
      if (!along.length)
        continue;
      const value = along[nearest(along, wanted)];
      if (best === null || Math.abs(value - wanted) < Math.abs(best - wanted))
        best = value;
    }
  view.cursor = best;
  charts.forEach(drawOverlay);
}

// ----- zoom --------------------------------------------------------------------

// Sideways, up and down, or a box, by what was dragged most.
function brushOf(chart) {
  const {x0, y0, x1, y1} = chart.brush, s = chart.scales;
  const clampX = x => Math.min(Math.max(x, s.left), s.right);
  const clampY = y => Math.min(Math.max(y, s.top), s.bottom);
  const width = Math.abs(x1 - x0), height = Math.abs(y1 - y0);
  const isFlat = height < Math.max(24, 0.4 * width) && width > 4;
  const isSteep = width < 12 && height > 24;
  const left = isSteep ? s.left : clampX(Math.min(x0, x1));
  const right = isSteep ? s.right : clampX(Math.max(x0, x1));
  const top = isFlat ? s.top : clampY(Math.min(y0, y1));
  const bottom = isFlat ? s.bottom : clampY(Math.max(y0, y1));
  return {x: left, y: top, width: right - left, height: bottom - top, isFlat, isSteep};
}

function setRange(low, high) {
  const [from, to] = wholeRange();
  const least = (to - from) * 1e-6;
  low = Math.max(low, from);
  high = Math.min(high, to);
  if (high - low < least)
    return;
  view.range = low <= from && high >= to ? null : [low, high];
  drawAll();
}

function endBrush(chart) {
  const {x, y, width, height, isFlat, isSteep} = brushOf(chart), s = chart.scales;
  chart.brush = null;
  if (width < 4 || height < 4)
    return drawOverlay(chart);
  if (!isFlat)
    chart.rangeY = [s.valueY(y + height), s.valueY(y)];
  if (isSteep)
    return drawAll();
  setRange(s.valueX(x), s.valueX(x + width));
}

function showWhole() {
  view.range = null;
  for (const chart of charts)
    chart.rangeY = null;
  drawAll();
}

function zoomBy(factor) {
  const [low, high] = rangeX();
  const at = view.cursor !== null && view.cursor >= low && view.cursor <= high ?
      view.cursor : (low + high) / 2;
  setRange(at - (at - low) * factor, at + (high - at) * factor);
}

function pan(share) {
  const [low, high] = rangeX(), [from, to] = wholeRange();
  const by = Math.min(Math.max((high - low) * share, from - low), to - high);
  if (view.range)
    setRange(low + by, high + by);
}

// ----- what is around the charts --------------------------------------------------

function drawAll() {
  element('all').disabled = !view.range && charts.every(chart => !chart.rangeY);
  charts.forEach(draw);
}

function toggleLog(chart) {
  chart.isLog = !chart.isLog;
  chart.rangeY = null;
  chart.logButton.setAttribute('aria-pressed', chart.isLog);
  draw(chart);
}

function setAxis(axis) {
  view.axis = axis;
  view.range = null;
  view.cursor = null;
  element('tip').hidden = true;
  for (const button of element('axes').querySelectorAll('button'))
    button.setAttribute('aria-pressed', button.dataset.axis === axis);
  drawAll();
}

// 0, 1, 2, 5, 10, ... up to a twentieth of the longest run.
function spans() {
  const longest = Math.max(...runs.map(run => run.train.x.step.at(-1) - run.train.x.step[0]), 10);
  const list = [0];
  for (let power = 1; power <= longest / 20; power *= 10)
    for (const factor of [1, 2, 5])
      if (factor * power <= Math.max(longest / 20, 1))
        list.push(factor * power);
  if (!list.includes(data.span))
    list.push(data.span);
  return list.sort((a, b) => a - b);
}

function describeKey() {
  element('span-text').textContent = view.span ? `${label(2 * view.span)} steps` : 'off';
  const parts = [];
  const every = Math.max(...runs.map(run => run.train.every));
  if (every > 1)
    parts.push(`light: least to greatest of up to ${every} lines a point`);
  else if (view.span)
    parts.push('light: each step');
  if (view.span)
    parts.push(`dark: mean of about ${label(2 * view.span)} steps`);
  if (runs.some(run => run.eval.eval_loss.mean.length))
    parts.push('with marks: evaluation');
  element('key').textContent = parts.join(' · ');
}

function makeLegend() {
  const last = column => column.mean.findLast(value => value !== null);
  for (const [i, run] of runs.entries()) {
    const button = make('button', {type: 'button', 'aria-pressed': 'true', 'data-run': i,
                                   title: `${run.lines} lines`});
    button.innerHTML = swatch(i);
    const values = [last(run.train.loss), last(run.eval.eval_loss)];
    button.append(make('span', {class: 'name'}, run.name),
                  make('span', {class: 'last'}, shown(values[0]) +
                       (values[1] === undefined ? '' : `, evaluation ${shown(values[1])}`)));
    button.addEventListener('click', event => {
      const others = runs.map((_, k) => k).filter(k => k !== i);
      if (event.shiftKey) {
        const isAlone = !view.hidden.has(i) && others.every(k => view.hidden.has(k));
        view.hidden = new Set(isAlone ? [] : others);
      } else if (!view.hidden.delete(i)) {
        view.hidden.add(i);
      }
      view.highlighted = button.matches(':hover') && !view.hidden.has(i) ? i : null;
      for (const each of element('legend').children)
        each.setAttribute('aria-pressed', !view.hidden.has(Number(each.dataset.run)));
      drawAll();
    });
    const highlight = run => () => {
      view.highlighted = run !== null && view.hidden.has(run) ? null : run;
      charts.forEach(draw);
    };
    button.addEventListener('pointerenter', highlight(i));
    button.addEventListener('pointerleave', highlight(null));
    element('legend').append(button);
    for (const note of run.notes)
      element('notes').append(make('li', {}, `${run.name}: ${note}`));
  }
}

function makeControls() {
  for (const [axis, name] of [['step', 'steps'], ['tokens', 'tokens'], ['time', 'seconds']]) {
    const button = make('button', {type: 'button', class: 'choice', 'data-axis': axis,
                                   'aria-pressed': axis === view.axis}, name);
    button.disabled = !runs.every(run => run.train.x[axis]);
    button.addEventListener('click', () => setAxis(axis));
    element('axes').append(button);
  }
  const list = spans(), slider = element('span');
  slider.max = list.length - 1;
  slider.value = list.indexOf(view.span);
  slider.addEventListener('input', () => {
    view.span = list[slider.value];
    describeKey();
    drawAll();
  });
  element('all').addEventListener('click', showWhole);
}

function say(chart, rows) {
  element('said').textContent = `${chart.title}, ${shownX(view.cursor)}: ` +
      rows.map(row => `${row.name} ${shown(row.mean ?? row.value)}` +
                      (row.eval === null ? '' : `, evaluation ${shown(row.eval)}`)).join('; ');
}

// Along the points of the visible run that has most of them.
function step(chart, by) {
  const lead = visible().map(run => xOf(run.train)).sort((a, b) => b.length - a.length)[0];
  if (!lead?.length)
    return;
  const [low, high] = rangeX();
  let at;
  if (Math.abs(by) === Infinity)
    at = by > 0 ? lead.length - 1 : 0;
  else if (view.cursor === null)
    at = nearest(lead, by > 0 ? low : high);
  else
    at = Math.min(Math.max(nearest(lead, view.cursor) + by, 0), lead.length - 1);
  view.cursor = lead[at];
  if (view.range && (view.cursor < low || view.cursor > high))
    setRange(...(view.cursor < low ? [view.cursor, view.cursor + high - low]
                                   : [view.cursor - high + low, view.cursor]));
  charts.forEach(drawOverlay);
  const box = chart.svg.getBoundingClientRect();
  say(chart, showTip(chart, box.left + chart.scales.x(view.cursor), box.top + 20));
}

function onKey(chart, event) {
  if (event.ctrlKey || event.metaKey || event.altKey)
    return;
  const actions = {
    ArrowLeft: () => step(chart, event.shiftKey ? -10 : -1),
    ArrowRight: () => step(chart, event.shiftKey ? 10 : 1),
    Home: () => step(chart, -Infinity),
    End: () => step(chart, Infinity),
    '+': () => zoomBy(0.5), '=': () => zoomBy(0.5), '-': () => zoomBy(2),
    PageUp: () => pan(-0.5), PageDown: () => pan(0.5),
    '0': showWhole, l: () => toggleLog(chart), L: () => toggleLog(chart),
    Escape: () => {
      hideCursor();
      showWhole();
    },
  };
  if (!actions[event.key])
    return;
  event.preventDefault();
  actions[event.key]();
}

function makeChart(chart) {
  chart.svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  chart.svg.setAttribute('tabindex', 0);
  chart.svg.setAttribute('role', 'application');
  chart.svg.setAttribute('aria-label', `${chart.title}: arrow keys say values`);
  chart.logButton = make('button', {type: 'button', class: 'log', 'aria-pressed': chart.isLog}, 'log');
  chart.logButton.addEventListener('click', () => toggleLog(chart));
  const section = make('section', {class: chart.hasEval ? 'chart wide' : 'chart',
                                   id: `chart-${chart.metric}`},
                       make('div', {class: 'head'}, make('h2', {}, chart.title), chart.logButton),
                       chart.svg);
  element('charts').append(section);
  const pixel = event => {
    const box = chart.svg.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  chart.svg.addEventListener('pointerdown', event => {
    if (event.button !== 0)
      return;
    const [x, y] = pixel(event);
    chart.brush = {x0: x, y0: y, x1: x, y1: y};
    chart.svg.setPointerCapture(event.pointerId);
  });
  chart.svg.addEventListener('pointermove', event => {
    const [x, y] = pixel(event);
    if (chart.brush)
      Object.assign(chart.brush, {x1: x, y1: y});
    moveCursor(chart, x);
    if (view.cursor !== null)
      showTip(chart, event.clientX, event.clientY);
  });
  chart.svg.addEventListener('pointerup', () => chart.brush && endBrush(chart));
  chart.svg.addEventListener('pointercancel', () => {
    chart.brush = null;
    drawOverlay(chart);
  });
  chart.svg.addEventListener('pointerleave', () => !chart.brush && hideCursor());
  chart.svg.addEventListener('blur', hideCursor);
  chart.svg.addEventListener('dblclick', showWhole);
  chart.svg.addEventListener('keydown', event => onKey(chart, event));
}

function start() {
  const colours = which => data.colours.map((pair, i) => `--c${i}:${pair[which]}`).join(';');
  document.head.append(make('style', {}, `:root{${colours(0)}}@media(prefers-color-scheme:dark)` +
                                         `{:root{${colours(1)}}}`));
  makeControls();
  makeLegend();
  describeKey();
  charts.forEach(makeChart);
  drawAll();
  new ResizeObserver(drawAll).observe(element('charts'));
}

start();
