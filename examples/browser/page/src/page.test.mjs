// The page in Chromium, against the command in a process of its own.
//
//	LIGHTSTREAM=path/of/the/command node --test page.test.mjs
//
// CHROMIUM is the browser, /usr/bin/chromium without it. SCREENSHOTS is a directory that gets pictures of the page.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import * as f from "@uwdata/flechette";
import { chromium } from "playwright-core";

const command = process.env.LIGHTSTREAM ?? "lightstream";
const flights = join(dirname(fileURLToPath(import.meta.url)), "../../../flights/data/flights-50k.arrows");
const dir = mkdtempSync(join(tmpdir(), "page"));
const running = new Set();
let browser;

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  for (const child of running) process.kill(child.pid, "SIGKILL");
  rmSync(dir, { recursive: true, force: true });
});

// serve starts the command and returns where it listens, and its process.
async function serve(args, env = {}) {
  const child = spawn(command, ["serve", ...args], { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] });
  running.add(child);
  const gone = new Promise((resolve) => child.on("exit", () => (running.delete(child), resolve())));
  let text = "";
  const url = await new Promise((resolve, reject) => {
    child.stderr.on("data", (data) => {
      text += data;
      const found = text.match(/listening at (?:ws|http):\/\/(\S+)/);
      if (found) resolve(`http://${found[1]}/`);
    });
    gone.then(() => reject(new Error(`serve has ended: ${text}`)));
  });
  return { url, kill: (signal = "SIGKILL") => (process.kill(child.pid, signal), gone) };
}

// freePort returns a port that is free, for a server that is started twice at the same place.
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.on("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// ended tells of an icon that was asked for when a short stream was over, and its server with it.
const ended = (m) => m.text().includes("ERR_CONNECTION_REFUSED") && m.location().url.endsWith("/page/icon.svg");

// open opens the page, with answer in the place of the server for WebSockets. It fails the test for whatever the browser complains about, and for requests to elsewhere.
async function open(t, url, { quiet = true, collect = false, answer, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 1000 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  const sockets = [];
  page.on("pageerror", (err) => complaints.push(err.message));
  page.on("console", (m) => (m.type() === "error" || m.type() === "warning") && !ended(m) && complaints.push(m.text()));
  page.on("request", (r) => new URL(r.url()).host === new URL(url).host || complaints.push(`asks ${r.url()}`));
  page.on("websocket", (s) => sockets.push(s.url()));
  if (collect) {
    await page.addInitScript(() => {
      globalThis.got = [];
      document.addEventListener("lightstream:batch", ({ detail }) => {
        for (let row = 0; row < detail.rows; row++) globalThis.got.push(detail.columns.map((c) => String(c.at(row))).join("\t"));
      });
    });
  }
  t.after(async () => {
    await context.close();
    if (quiet) assert.deepEqual(complaints, []);
  });
  if (answer) await page.routeWebSocket(/./, answer);
  await page.goto(url);
  return { page, sockets };
}

const state = (page, want) => page.waitForSelector(`#status[data-state=${want}]`, { timeout: 30_000 });
const total = async (page) => Number((await page.textContent("#total-rows")).replaceAll(",", ""));
const cells = (page) => page.$$eval("#rows tbody tr", (rows) => rows.map((r) => [...r.cells].map((c) => c.textContent)));
const rowsMove = async (page) => {
  const before = await total(page);
  await page.waitForFunction((n) => Number(document.querySelector("#total-rows").textContent.replaceAll(",", "")) > n, before, { timeout: 30_000 });
};

for (const decoder of ["flechette", "arrow"]) {
  test(`all flights arrive as they are in the file, with ${decoder}`, async (t) => {
    const want = execFileSync(command, ["cat", flights, "--to", "ndjson", "--quiet"], { maxBuffer: 64 << 20, encoding: "utf8" })
      .trim().split("\n").map((line) => {
        const row = JSON.parse(line);
        return [`${Date.parse(`${row.date.replace(" ", "T")}Z`) * 1000}`, row.delay, row.distance, row.origin, row.destination].join("\t");
      });
    assert.equal(want.length, 50_000);
    const { url } = await serve([flights, "--ws=127.0.0.1:0", "--batch-rows", "3000"]);
    const { page } = await open(t, `${url}#decoder=${decoder}`, { collect: true });
    await state(page, "ended");
    assert.match(await page.textContent("#status-text"), /has ended, after 50,000 rows/);
    assert.equal(await page.inputValue("#decoder"), decoder);
    const got = await page.evaluate(() => globalThis.got);
    assert.equal(got.length, want.length);
    assert.deepEqual(got, want);
    // What is shown is the last rows, the newest first.
    const shown = await cells(page);
    assert.equal(shown.length, 20);
    shown.forEach((row, i) => {
      const [date, delay, distance, origin, destination] = want[want.length - 1 - i].split("\t");
      assert.deepEqual(row, [`${new Date(Number(date) / 1000).toISOString().slice(0, 19).replace("T", " ")}.000000`, delay, distance, origin, destination]);
    });
    assert.equal(await page.locator("#charts canvas").count(), 2);
  });
}

test("the page says when the server has gone, and comes back", async (t) => {
  const at = `127.0.0.1:${await freePort()}`;
  const first = await serve([flights, `--http=${at}`, "--loop", "--rate", "4000"]);
  const { page } = await open(t, first.url, { quiet: false }); // the browser complains of each attempt
  await state(page, "live");
  await rowsMove(page);
  await first.kill();
  await state(page, "lost");
  assert.match(await page.textContent("#status-text"), /The server went away\. Trying again in \d+ s\./);
  await page.waitForFunction(() => /cannot be reached/.test(document.querySelector("#status-text").textContent));
  await serve([flights, `--http=${at}`, "--loop", "--rate", "4000"]);
  await state(page, "live");
  await rowsMove(page);
  assert.ok((await total(page)) < 4_000 * 60, "it counts anew");
});

test("a late page has the dictionaries, and the decoder can be changed under way", async (t) => {
  const { url } = await serve([flights, "--ws=127.0.0.1:0", "--loop", "--rate", "4000", "--clients", "0"]);
  for (let i = 0; i < 2; i++) {
    const { page } = await open(t, url, { collect: true });
    await state(page, "live");
    await rowsMove(page);
    await page.selectOption("#decoder", "arrow");
    await rowsMove(page);
    await page.selectOption("#decoder", "flechette");
    await rowsMove(page);
    await state(page, "live");
    for (const line of await page.evaluate(() => globalThis.got)) assert.match(line, /^\d+\t-?\d+\t\d+\t[A-Z]{3}\t[A-Z]{3}$/);
  }
});

test("the keyboard does everything", async (t) => {
  const { url } = await serve([flights, "--ws=127.0.0.1:0", "--loop", "--rate", "4000"]);
  const { page } = await open(t, url);
  await state(page, "live");
  await rowsMove(page);
  const focused = () => page.evaluate(() => {
    const e = document.activeElement;
    const style = getComputedStyle(e);
    return { id: e.id || e.className || e.tagName, outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
  });
  const order = [];
  for (let i = 0; i < 10; i++) {
    await page.keyboard.press("Tab");
    const { id, outline } = await focused();
    order.push(id);
    assert.ok(outline, `${id} shows no focus`);
    if (id === "pause") {
      await page.keyboard.press("Space");
      assert.equal(await page.getAttribute("#pause", "aria-pressed"), "true");
      const [a, b] = [await total(page), (await page.waitForTimeout(500), await total(page))];
      assert.equal(a, b);
      await page.keyboard.press("Space");
      await rowsMove(page);
    }
    if (id === "SUMMARY") {
      await page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
      await page.keyboard.press("Space"); // takes the first column away
      await page.waitForFunction(() => document.querySelectorAll("#charts canvas").length === 1);
      assert.equal(await page.textContent("#series-list"), "distance");
      await page.keyboard.press("Space");
      await page.waitForFunction(() => document.querySelectorAll("#charts canvas").length === 2);
      await page.keyboard.press("Shift+Tab");
      await page.keyboard.press("Enter");
    }
    if (id === "decoder") {
      const loaded = page.waitForResponse((r) => r.url().endsWith("/apache-arrow.js"));
      await page.keyboard.press("ArrowDown");
      assert.equal((await loaded).status(), 200);
      assert.equal(await page.inputValue("#decoder"), "arrow");
      await rowsMove(page);
    }
  }
  assert.deepEqual(order, ["skip", "pause", "reconnect", "window", "axis", "SUMMARY", "scroll", "decoder", "theme", "A"]);
  // Each control has a name.
  for (const control of await page.$$("button, select, input, summary, [role=region], [role=img]")) {
    const name = await control.evaluate((e) => e.ariaLabel || e.textContent.trim() || e.labels?.[0]?.textContent.trim() || document.getElementById(e.getAttribute("aria-labelledby"))?.textContent);
    assert.ok(name, await control.evaluate((e) => e.outerHTML));
  }
  assert.match(await page.getAttribute("#charts [role=img]", "aria-label"), /delay, [\d,]+ values: last/);
});

test("a phone shows all of it, dark and light, and all text can be read", async (t) => {
  const { url } = await serve([flights, "--ws=127.0.0.1:0", "--loop", "--rate", "4000"]);
  for (const colorScheme of ["light", "dark"]) {
    const { page } = await open(t, url, { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme });
    await state(page, "live");
    await rowsMove(page);
    const { wide, screen } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, screen: innerWidth }));
    assert.ok(wide <= screen && screen === 360, `${wide} on a screen of ${screen}`);
    for (const button of await page.$$("button, select")) {
      const box = await button.boundingBox();
      if (box) assert.ok(box.height >= 36, "a control is too small to be touched");
    }
    if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `phone-${colorScheme}.png`) });
    await page.evaluate(() => (document.querySelector("#problem").hidden = false));
    const ratios = await page.evaluate(() => {
      const parse = (color) => color.match(/[\d.]+/g).map(Number);
      const light = (c) => {
        const [r, g, b] = parse(c).slice(0, 3).map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const ground = (e) => {
        for (; e; e = e.parentElement) {
          const c = getComputedStyle(e).backgroundColor;
          if (parse(c).length < 4 || parse(c)[3] === 1) return c;
        }
        return "rgb(255, 255, 255)";
      };
      return [...document.querySelectorAll("body *")].filter((e) => e.offsetParent && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).map((e) => {
        const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
        return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.tagName + "." + e.className];
      });
    });
    assert.ok(ratios.length > 30);
    for (const [ratio, what] of ratios) assert.ok(ratio >= 4.5, `${what} has a contrast of ${ratio} (${colorScheme})`);
  }
});

test("a token is asked for, and never in an address", async (t) => {
  const { url } = await serve([flights, "--http=127.0.0.1:0", "--loop", "--rate", "4000", "--token", "env:PAGE_TOKEN"], { PAGE_TOKEN: "correct-horse" });
  const { page, sockets } = await open(t, url, { quiet: false });
  await page.waitForSelector("#token-form:not([hidden])");
  assert.match(await page.textContent("#status-text"), /wants a token/);
  await page.keyboard.type("wrong");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => /does not take this token/.test(document.querySelector("#status-text").textContent));
  await page.fill("#token", "correct-horse");
  await page.keyboard.press("Enter");
  await state(page, "live");
  await rowsMove(page);
  assert.equal(sockets.length, 1);
  assert.match(sockets[0], /\?ticket=[\w-]{43}$/);
  assert.ok(!page.url().includes("horse"));
  // Its ticket was used.
  const refused = await fetch(sockets[0].replace("ws:", "http:"), { headers: { Accept: "application/vnd.apache.arrow.stream" } });
  assert.equal(refused.status, 401);
});

const hostile = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;

function everything() {
  const day = 86_400_000;
  return f.tableToIPC(f.tableFromArrays({
    int64: [9223372036854775807n, -9223372036854775808n, null],
    float32: [0.1, -0, null],
    float64: [0.1, NaN, 1e300],
    bool: [true, false, null],
    text: [hostile, "", null],
    code: ["b", null, "a"],
    [hostile]: ["x", "y", "z"],
    us: [0, -0.001, 1_700_000_000_123.456],
    day: [0, day, null],
    decimal: [-0.05, 123.45, null],
    list: [[1, 2, null], [], null],
    row: [{ a: 1, b: "x" }, { a: null, b: "y" }, { a: 3, b: null }],
    binary: [new Uint8Array([0, 255]), new Uint8Array(0), null],
  }, {
    types: {
      int64: f.int64(), float32: f.float32(), float64: f.float64(), bool: f.bool(), text: f.utf8(), code: f.dictionary(f.utf8(), f.int8()),
      [hostile]: f.utf8(), us: f.timestamp(2, "UTC"), day: f.dateDay(), decimal: f.decimal(10, 2, 128), list: f.list(f.int32()),
      row: f.struct({ a: f.int32(), b: f.utf8() }), binary: f.binary(),
    },
  }), { format: "stream" });
}

for (const decoder of ["flechette", "arrow"]) {
  test(`values of every kind are shown as text, with ${decoder}`, async (t) => {
    const file = join(dir, `everything-${decoder}.arrows`);
    writeFileSync(file, everything());
    const { url } = await serve([file, "--ws=127.0.0.1:0"]);
    const { page } = await open(t, `${url}#decoder=${decoder}`);
    await state(page, "ended");
    assert.deepEqual((await cells(page)).reverse(), [
      ["9223372036854775807", "0.1", "0.1", "true", hostile, "b", "x", "1970-01-01 00:00:00.000000 Z", "1970-01-01", "-0.05", "[1, 2, null]", "{a: 1, b: x}", "0x00ff"],
      ["-9223372036854775808", "-0", "NaN", "false", "", "null", "y", "1969-12-31 23:59:59.999999 Z", "1970-01-02", "123.45", "[]", "{a: null, b: y}", "0x"],
      ["null", "null", "1e+300", "null", "null", "a", "z", "2023-11-14 22:13:20.123456 Z", "null", "null", "null", "{a: 3, b: null}", "null"],
    ]);
    const head = await page.$$eval("#rows thead th .type", (all) => all.map((e) => e.textContent.replace(" not null", "")));
    assert.deepEqual(head, [
      "int64", "float32", "float64", "bool", "utf8", "dictionary<int8, utf8>", "utf8", "timestamp[us, UTC]", "date32", "decimal128(10, 2)",
      "list<int32>", "struct<a: int32, b: utf8>", "binary",
    ]);
    assert.equal(await page.textContent("#rows thead th:nth-child(7) span"), hostile);
    assert.equal(await page.title(), "Lightstream");
    assert.equal(await page.locator("img, #rows script").count(), 0);
  });
}

test("many columns", async (t) => {
  const columns = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`column ${i}`, [i, i + 1]]));
  const file = join(dir, "many.arrows");
  writeFileSync(file, f.tableToIPC(f.tableFromArrays(columns), { format: "stream" }));
  const { url } = await serve([file, "--ws=127.0.0.1:0"]);
  const { page } = await open(t, url, { viewport: { width: 360, height: 740 } });
  await state(page, "ended");
  assert.equal(await page.textContent("#columns-note"), "The first 100 of 400 columns");
  assert.equal((await cells(page))[0].length, 100);
  assert.equal(await page.locator("#series input").count(), 400);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
});

for (const decoder of ["flechette", "arrow"]) {
  test(`a server that compresses sends the page plain bodies, with ${decoder}`, async (t) => {
    const { url } = await serve([flights, "--http=127.0.0.1:0", "--compression", decoder === "arrow" ? "lz4" : "zstd"]);
    const { page } = await open(t, `${url}#decoder=${decoder}`);
    await state(page, "ended");
    assert.equal(await total(page), 50_000);
    assert.ok(await page.isHidden("#problem"));
  });

  test(`compressed bodies from other servers are told, with ${decoder}`, async (t) => {
    const file = join(dir, `compressed-${decoder}.arrows`);
    execFileSync(command, ["copy", flights, file, "--compression", "zstd", "--quiet"]);
    const { url } = await serve([flights, "--ws=127.0.0.1:0"]);
    const { page } = await open(t, `${url}#decoder=${decoder}`, { answer: (socket) => socket.send(readFileSync(file)) });
    await page.waitForSelector("#problem:not([hidden])");
    assert.match(await page.textContent("#problem"), /reads no compressed bodies/);
    await state(page, "lost");
  });
}
