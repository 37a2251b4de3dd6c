// Builds the pages: type check, bundle, compress. Hard rule: what is built depends on web/ and the
// versions in package-lock.json only. Usage: node build.mjs OUTPUT-DIRECTORY DEPFILE
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const web = dirname(fileURLToPath(import.meta.url));
const [output, depfile] = process.argv.slice(2);
if (!output || !depfile) {
	console.error("usage: node build.mjs OUTPUT-DIRECTORY DEPFILE");
	process.exit(2);
}

/** Bundle and style together, before compression. Pages are for phones on slow networks too. */
const MAX_BYTES = 100 * 1024;
const MAX_COMPRESSED = 60 * 1024;

function run(program, ...words) {
	const done = spawnSync(program, words, { cwd: web, encoding: "utf8" });
	if (done.status === 0) return;
	console.error(`${program} ${words.join(" ")}:\n${done.stdout ?? ""}${done.stderr ?? done.error}`);
	process.exit(1);
}

/** Installs the locked packages, unless those of this lock file are there. */
function installPackages() {
	const lock = readFileSync(join(web, "package-lock.json"), "utf8");
	const stamp = join(web, "node_modules", ".locked");
	if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
	run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund");
	writeFileSync(stamp, lock);
}

function filesBelow(dir) {
	return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
		const path = join(dir, entry.name);
		return entry.isDirectory() ? [path, ...filesBelow(path)] : [path];
	});
}

installPackages();
run(process.execPath, join(web, "node_modules", "typescript", "bin", "tsc"), "--noEmit");

const { build } = await import("esbuild");
mkdirSync(output, { recursive: true });
await build({
	absWorkingDir: web,
	entryPoints: { app: "src/main.tsx", theme: "src/theme.ts" },
	outdir: resolve(output),
	bundle: true,
	minify: true,
	format: "esm",
	target: ["es2022"],
	charset: "utf8",
	legalComments: "none",
	logLevel: "warning",
});
for (const name of readdirSync(join(web, "public")))
	copyFileSync(join(web, "public", name), join(output, name));

let bytes = 0, compressed = 0;
for (const name of ["app.js", "app.css", "theme.js"]) {
	const content = readFileSync(join(output, name));
	const small = gzipSync(content, { level: 9 });
	writeFileSync(join(output, name + ".gz"), small);
	bytes += content.length;
	compressed += small.length;
}
console.log(`pages: ${bytes} bytes, ${compressed} compressed`);
if (bytes > MAX_BYTES || compressed > MAX_COMPRESSED) {
	console.error(`larger than ${MAX_BYTES} bytes, ${MAX_COMPRESSED} compressed`);
	process.exit(1);
}

const sources = ["src", "public"].flatMap((dir) => [join(web, dir), ...filesBelow(join(web, dir))]);
for (const name of ["build.mjs", "package.json", "package-lock.json", "tsconfig.json"])
	sources.push(join(web, name));
writeFileSync(depfile, `${join(output, "app.js")}: ${sources.map((s) => s.replace(/ /g, "\\ ")).join(" ")}\n`);
