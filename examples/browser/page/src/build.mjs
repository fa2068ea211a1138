// Writes ../dist, what the page is made of. The same sources and package-lock.json give the same bytes.
//
//	node build.mjs

import * as esbuild from "esbuild";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "..", "dist");
await rm(dist, { recursive: true, force: true });
await mkdir(dist);

const result = await esbuild.build({
  absWorkingDir: here,
  entryPoints: { page: "main.js", "apache-arrow": "apache-arrow.js" },
  outdir: dist,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  platform: "browser",
  charset: "ascii",
  legalComments: "none", // all licences are in one file
  external: ["./apache-arrow.js", "./icon.svg", "icon.svg"],
  metafile: true,
  logLevel: "warning",
});
for (const name of ["index.html", "icon.svg"]) await cp(join(here, name), join(dist, name));

// The licence and notice of each package of which something was bundled.
const packages = new Set();
for (const input of Object.keys(result.metafile.inputs)) {
  const found = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
  if (found) packages.add(found[1]);
}
let text = "This page is part of Lightstream for Go (Apache-2.0) and has parts of the packages below.\n";
for (const name of [...packages].sort()) {
  const dir = join(here, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(join(dir, "package.json"), "utf8"));
  text += `\n${"=".repeat(80)}\n${name} ${version} (${license})\n${"=".repeat(80)}\n`;
  const files = (await readdir(dir)).filter((f) => /^(licen[cs]e|copyright|notice)/i.test(f)).sort();
  if (files.length === 0) throw new Error(`${name} has no file with its licence`);
  for (const f of files) text += `\n${(await readFile(join(dir, f), "utf8")).replaceAll("\r\n", "\n").trim()}\n`;
}
await writeFile(join(dist, "licenses.txt"), text);
