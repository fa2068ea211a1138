// The page: a connection, a decoder, charts and a table. Nothing that comes from the stream becomes HTML; all of it is set as text.

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "./page.css";
import { decoders } from "./decode.js";
import { Stream, StreamError } from "./stream.js";
import { describe, isNumber, isTime, show } from "./values.js";
import { Window } from "./window.js";

const $ = (id) => document.getElementById(id);
const maxSeries = 4;
const maxColumns = 100; // of the table
const lastRows = 20;

// ---- Connection

const firstPause = 500;
const longestPause = 15_000;

const connection = { socket: null, attempt: 0, timer: 0, countdown: 0, token: "", round: 0 };

function streamURL(ticket) {
  const at = document.querySelector("meta[name=lightstream-stream]").content || location.pathname;
  const url = new URL(at, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  if (ticket) url.searchParams.set("ticket", ticket);
  return url;
}

// ticket asks for one, since a browser cannot send a token with a WebSocket. A server that wants none says so.
async function ticket() {
  const headers = connection.token ? { Authorization: `Bearer ${connection.token}` } : {};
  const answer = await fetch("page/ticket", { method: "POST", headers, cache: "no-store" });
  if (answer.status === 401 || answer.status === 403) return { refused: true };
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return { ticket: answer.status === 204 ? "" : (await answer.text()).trim() };
}

async function connect() {
  const round = ++connection.round;
  clearTimeout(connection.timer);
  clearInterval(connection.countdown);
  connection.socket?.close();
  connection.socket = null;
  status("connecting", connection.attempt === 0 ? "Connecting…" : "Connecting again…");
  let pass;
  try {
    pass = await ticket();
  } catch {
    if (round === connection.round) later("The server cannot be reached.");
    return;
  }
  if (round !== connection.round) return;
  if (pass.refused) {
    $("token-form").hidden = false;
    status("lost", connection.token ? "The server does not take this token." : "The server wants a token.");
    $("token").focus();
    return;
  }
  $("token-form").hidden = true;
  const socket = new WebSocket(streamURL(pass.ticket));
  socket.binaryType = "arraybuffer";
  connection.socket = socket;
  const stream = new Stream();
  let opened = false;
  socket.onopen = () => {
    if (round !== connection.round) return;
    opened = true;
    begin();
    status("live", "Connected, waiting for rows");
  };
  socket.onmessage = ({ data }) => {
    if (round !== connection.round) return;
    try {
      if (typeof data === "string") throw new StreamError("the server sent text, not a stream");
      for (const { schema, parts } of stream.push(new Uint8Array(data))) take(schema, parts);
      feed.bytes = stream.bytes;
      if (stream.ended) draw();
    } catch (err) {
      connection.round++;
      socket.close();
      problem(err);
      status("lost", "Stopped: the stream cannot be read.");
    }
  };
  socket.onclose = ({ code, wasClean }) => {
    if (round !== connection.round) return;
    connection.socket = null;
    if (stream.ended) {
      connection.attempt = 0;
      status("ended", `The stream has ended, after ${count(feed.rows)} rows.`);
      return;
    }
    if (feed.rows > 0) connection.attempt = 0;
    if (!opened) later("The server does not take the connection.");
    else if (wasClean) later(`The server closed the connection before the stream ended (code ${code}).`);
    else later("The server went away.");
  };
}

// later tries again, after a pause that doubles and is a little different for each page.
function later(why) {
  const pause = Math.min(longestPause, firstPause * 2 ** connection.attempt++) * (0.75 + Math.random() / 2);
  const due = Date.now() + pause;
  status("lost", `${why} Trying again in ${Math.ceil(pause / 1000)} s.`);
  connection.timer = setTimeout(connect, pause);
  clearInterval(connection.countdown);
  // The seconds go on for the eye. A screen reader is told once.
  connection.countdown = setInterval(() => {
    const left = Math.max(0, Math.ceil((due - Date.now()) / 1000));
    $("reconnect").textContent = `Reconnect (${left} s)`;
  }, 250);
}

function status(state, text) {
  if (state !== "lost") {
    clearInterval(connection.countdown);
    $("reconnect").textContent = "Reconnect";
  }
  $("status").dataset.state = state;
  if ($("status-text").textContent !== text) $("status-text").textContent = text;
}

function problem(err) {
  let text = err instanceof StreamError ? err.message : `${$("decoder").value === "arrow" ? "apache-arrow" : "flechette"} cannot decode it: ${err.message}`;
  if (/codec|compress/i.test(text)) text += ". This page reads no compressed bodies, and asks for none: the server must send it plain ones.";
  else if (!(err instanceof StreamError)) text += ". The other decoder may.";
  $("problem").textContent = text;
  $("problem").hidden = false;
}

// ---- What has come

const feed = { rows: 0, batches: 0, bytes: 0, columns: null, last: [], window: null, drawn: [], axis: "row", first: true };
let decode = null;

function begin() {
  Object.assign(feed, { rows: 0, batches: 0, bytes: 0, last: [], first: true });
  feed.window?.clear();
  marks.length = 0;
  $("problem").hidden = true;
}

// take decodes a batch. The schema alone is decoded for the columns.
function take(schema, parts) {
  const batch = decode(parts);
  if (schema) {
    layout(batch.columns);
    return;
  }
  if (feed.rows === 0) status("live", "Live");
  feed.window.add(batch, feed.rows);
  feed.rows += batch.rows;
  feed.batches++;
  feed.last.push(batch);
  let kept = 0;
  for (let i = feed.last.length - 1; i >= 0; i--) {
    if (kept >= lastRows) {
      feed.last.splice(0, i + 1);
      break;
    }
    kept += feed.last[i].rows;
  }
  document.dispatchEvent(new CustomEvent("lightstream:batch", { detail: batch }));
  redraw();
}

// layout takes the columns of a stream. Those of a stream like the last one keep what was chosen.
function layout(columns) {
  const key = (list) => JSON.stringify(list?.map((c) => [c.name, describe(c.type)]));
  if (key(columns) === key(feed.columns)) return;
  feed.columns = columns;
  const numbers = columns.map((c, i) => i).filter((i) => isNumber(columns[i].type));
  feed.drawn = numbers.slice(0, 3);
  const time = columns.findIndex((c) => isTime(c.type));
  feed.axis = time < 0 ? "row" : String(time);

  const axis = $("axis");
  axis.replaceChildren(option("row", "row number"), ...columns.flatMap((c, i) => (isTime(c.type) ? [option(String(i), c.name)] : [])));
  axis.value = feed.axis;
  $("series").replaceChildren(...numbers.map((i) => {
    const box = element("input", { type: "checkbox", value: String(i), checked: feed.drawn.includes(i) });
    return element("label", {}, box, element("span", { textContent: columns[i].name }));
  }));
  $("series-box").hidden = numbers.length === 0;
  note(numbers.length === 0 ? "The stream has no column of numbers to draw." : "");

  const shown = columns.slice(0, maxColumns);
  const classOf = (c) => (isNumber(c.type) ? "number" : "");
  $("rows").tHead.replaceChildren(element("tr", {}, ...shown.map((c) => {
    const type = describe(c.type) + (c.nullable ? "" : " not null");
    return element("th", { scope: "col", className: classOf(c) }, element("span", { textContent: c.name }), element("span", { className: "type", textContent: type, title: type }));
  })));
  $("rows").tBodies[0].replaceChildren();
  $("columns-note").textContent = columns.length > maxColumns ? `The first ${maxColumns} of ${count(columns.length)} columns` : `${count(columns.length)} columns`;
  choose();
}

// choose makes the charts for what is chosen.
function choose() {
  const columns = feed.columns;
  if (!columns) return;
  const axis = feed.axis === "row" ? -1 : Number(feed.axis);
  feed.window = new Window(Number($("window").value), axis, feed.drawn, columns);
  const from = feed.rows - feed.last.reduce((n, b) => n + b.rows, 0);
  feed.last.reduce((at, b) => (feed.window.add(b, at), at + b.rows), from); // what is there; the rest comes
  $("series-list").textContent = feed.drawn.map((i) => columns[i].name).join(", ") || "none";
  for (const box of $("series").querySelectorAll("input")) {
    box.checked = feed.drawn.includes(Number(box.value));
    box.disabled = !box.checked && feed.drawn.length >= maxSeries;
  }
  plots();
  redraw();
}

// ---- Charts

let charts = [];

function plots() {
  for (const c of charts) c.plot.destroy();
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(name).trim();
  const grid = { stroke: color("--grid"), width: 1 };
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const box = $("charts");
  charts = [];
  box.replaceChildren();
  feed.drawn.forEach((column, n) => {
    const { name, type } = feed.columns[column];
    const value = element("span", { className: "value" });
    const canvas = element("div", { className: "plot", role: "img" });
    box.append(element("div", { className: `panel panel-${n}` },
      element("h3", {}, element("span", { className: "name", textContent: name }), element("span", { className: "type", textContent: describe(type) }), value), canvas));
    const plot = new uPlot({
      width: width(), height: 132, legend: { show: false }, padding: [10, 12, 0, 0],
      cursor: { sync: { key: "lightstream" }, drag: { x: false, y: false }, points: { size: 7 } },
      scales: { x: { time: feed.axis !== "row" } },
      axes: [
        { stroke: color("--soft"), grid, ticks: grid, font, size: 30, space: 80, values: (_, v, at, space, step) => v.map((n) => (feed.axis === "row" ? short(n) : moment(n, step))) },
        { stroke: color("--soft"), grid, ticks: grid, font, size: 58, values: (_, v) => v.map(short) },
      ],
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
      series: [{}, { stroke: color(`--series-${n}`), width: 1.75, points: { show: false }, fill: color(`--series-${n}`) + "1a", spanGaps: false }],
    }, [[], []], canvas);
    charts.push({ plot, column, value, canvas, name });
  });
}

// moment is a time on the axis, in steps of so many seconds.
function moment(seconds, step) {
  const text = new Date(seconds * 1e3).toISOString();
  if (step >= 86400) return text.slice(0, 10);
  return text.slice(11, step >= 60 ? 16 : step >= 1 ? 19 : 23);
}

function width() {
  return Math.max(200, $("charts").clientWidth);
}

new ResizeObserver(() => {
  for (const c of charts) c.plot.setSize({ width: width(), height: 132 });
}).observe($("charts"));

// ---- Drawing, at most ten times a second, and not at all while paused or out of sight

let waiting = false;
let drawnAt = 0;
let paused = false;

function redraw() {
  if (waiting || paused) return;
  waiting = true;
  const wait = Math.max(0, 100 - (performance.now() - drawnAt));
  setTimeout(() => requestAnimationFrame(() => {
    waiting = false;
    if (!paused) draw();
  }), wait);
}

function draw() {
  drawnAt = performance.now();
  $("total-rows").textContent = count(feed.rows);
  if (!feed.columns) return;
  if (feed.window.unordered && feed.axis !== "row") {
    const name = feed.columns[Number(feed.axis)].name;
    feed.axis = $("axis").value = "row";
    note(`“${name}” goes back in time, so the chart goes by row number.`);
    choose();
    return;
  }
  const x = feed.window.x();
  charts.forEach((c, n) => {
    const y = feed.window.y(n);
    c.plot.setData([x, y]);
    const now = y[y.length - 1];
    c.value.textContent = now === undefined || now === null ? "–" : precise(now);
  });
  table();
}

function table() {
  const columns = feed.columns.slice(0, maxColumns);
  const body = $("rows").tBodies[0];
  let at = 0;
  for (let b = feed.last.length - 1; b >= 0 && at < lastRows; b--) {
    const batch = feed.last[b];
    for (let row = batch.rows - 1; row >= 0 && at < lastRows; row--, at++) {
      let tr = body.rows[at];
      if (!tr) body.append(tr = element("tr", {}, ...columns.map(() => element("td"))));
      columns.forEach((column, i) => {
        const td = tr.cells[i];
        const text = show(batch.columns[i].at(row), batch.columns[i].type);
        const shown = text ?? "null";
        if (td.textContent !== shown) td.textContent = shown;
        const className = text === null ? "null" : isNumber(column.type) ? "number" : "";
        if (td.className !== className) td.className = className;
      });
    }
  }
  while (body.rows.length > at) body.deleteRow(-1);
}

// describeCharts tells those who do not see the charts what they show. It is no live region.
function describeCharts() {
  for (const [n, c] of charts.entries()) {
    const y = feed.window.y(n).filter((v) => v !== null);
    const text = y.length === 0 ? `${c.name}: no values yet` : `${c.name}, ${count(y.length)} values: last ${precise(y[y.length - 1])}, lowest ${precise(least(y))}, highest ${precise(most(y))}`;
    if (c.canvas.getAttribute("aria-label") !== text) c.canvas.setAttribute("aria-label", text);
  }
}

const least = (list) => list.reduce((a, b) => Math.min(a, b), Infinity);
const most = (list) => list.reduce((a, b) => Math.max(a, b), -Infinity);

// ---- Rates, over the last two seconds

const marks = [];

setInterval(() => {
  marks.push({ at: performance.now(), rows: feed.rows, bytes: feed.bytes, batches: feed.batches });
  while (marks.length > 9) marks.shift();
  const [first, last] = [marks[0], marks[marks.length - 1]];
  const seconds = (last.at - first.at) / 1000;
  const per = (name) => (seconds > 0 ? (last[name] - first[name]) / seconds : 0);
  if (!paused) {
    $("rate-rows").textContent = short(per("rows"));
    $("rate-bytes").textContent = (per("bytes") / (1 << 20)).toFixed(2);
    $("rate-batches").textContent = short(per("batches"));
  }
  if (charts.length > 0 && !paused) describeCharts();
}, 250);

// ---- Texts and elements

const grouped = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 4 });
const few = new Intl.NumberFormat("en", { maximumSignificantDigits: 7 });

const count = (n) => grouped.format(n);
const short = (n) => (n === null ? "" : Math.abs(n) >= 10_000 ? compact.format(n) : few.format(Math.round(n * 100) / 100 || n));
const precise = (n) => compactly.format(n);
const compactly = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });

function note(text) {
  $("chart-note").textContent = text;
  $("chart-note").hidden = text === "";
}

function element(name, properties = {}, ...children) {
  const e = Object.assign(document.createElement(name), properties);
  if (properties.role) e.setAttribute("role", properties.role);
  e.append(...children);
  return e;
}

function option(value, text) {
  return element("option", { value, textContent: text });
}

// ---- Controls

$("pause").onclick = () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  redraw();
};
$("reconnect").onclick = () => {
  connection.attempt = 0;
  connect();
};
$("window").onchange = choose;
$("axis").onchange = () => {
  feed.axis = $("axis").value;
  note("");
  choose();
};
$("series").onchange = ({ target }) => {
  const column = Number(target.value);
  feed.drawn = target.checked ? [...feed.drawn, column].sort((a, b) => a - b) : feed.drawn.filter((i) => i !== column);
  choose();
};
$("token-form").onsubmit = (event) => {
  event.preventDefault();
  connection.token = $("token").value;
  connect();
};
$("decoder").onchange = async () => {
  const name = $("decoder").value;
  history.replaceState(null, "", name === "flechette" ? location.pathname + location.search : `#decoder=${name}`);
  try {
    const next = await decoders[name].load();
    if ($("decoder").value === name) decode = next;
    if ($("status").dataset.state === "lost" && !$("problem").hidden) connect();
  } catch (err) {
    problem(new StreamError(`the decoder ${decoders[name].label} cannot be loaded: ${err.message}`));
  }
};

const dark = matchMedia("(prefers-color-scheme: dark)");
function theme() {
  const chosen = $("theme").value;
  document.documentElement.dataset.theme = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
  if (feed.columns) {
    plots();
    redraw();
    if (paused) draw();
  }
}
$("theme").onchange = theme;
dark.onchange = theme;
theme();

const linked = decoders[location.hash.replace(/^#decoder=/, "")] ? location.hash.replace(/^#decoder=/, "") : "flechette";
$("decoder").value = linked;
decode = await decoders[linked].load();
connect();
