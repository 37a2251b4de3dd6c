// A real Chromium against the real server. Every page that is looked at is checked in all views: no
// violation of axe-core's rules, nothing wider than the screen, nothing in the console, a screenshot.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { ROOT } from "./server.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SHOTS = process.env.SLIPWAY_SCREENSHOTS ?? join(ROOT, "build-results", "screenshots");

/** The rules of axe-core are about sizes or about colours: two views have all of both. */
export const VIEWS = [
	{ name: "desktop-light", size: { width: 1280, height: 800 }, scheme: "light", rules: true },
	{ name: "desktop-dark", size: { width: 1280, height: 800 }, scheme: "dark" },
	{ name: "phone-light", size: { width: 390, height: 844 }, scheme: "light" },
	{ name: "phone-dark", size: { width: 390, height: 844 }, scheme: "dark", rules: true },
];

export class Browser {
	/** For pages of the first server, and of the others where asked to. */
	static async start(...servers) {
		const browser = new Browser();
		browser.server = servers[0];
		mkdirSync(SHOTS, { recursive: true });
		browser.chromium = await chromium.launch({
			executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
			args: [`--ignore-certificate-errors-spki-list=${servers.map((s) => s.keyHash).join()}`,
				...(process.getuid() === 0 ? ["--no-sandbox"] : []), "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"],
		});
		return browser;
	}

	close() {
		return this.chromium.close();
	}

	/** A new person: no cookies, nothing stored; init: what is different in their browser. Gives a page. */
	async visit(path, { size = VIEWS[0].size, server = this.server, init, ...options } = {}) {
		const context = await this.chromium.newContext({ baseURL: server.url, viewport: size,
			reducedMotion: "reduce", ...options });
		const page = await context.newPage();
		page.setDefaultTimeout(10_000);
		if (init) await page.addInitScript(init);
		watch(page);
		await page.goto(path);
		return page;
	}
}

const complaints = new WeakMap();

/** Collects what must not happen: violations of the policy, exceptions, errors in the console. */
function watch(page) {
	const found = [];
	complaints.set(page, found);
	page.on("pageerror", (error) => found.push(`exception: ${error.stack ?? error}`));
	page.on("console", (message) => {
		// Chromium reports every answer of 400 and more as an error; those are the tests' own.
		if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
			found.push(`console: ${message.text()}`);
		if (/Content Security Policy|TrustedType|Trusted Type/.test(message.text())) found.push(`policy: ${message.text()}`);
	});
}

export function assertNothingWrong(page) {
	assert.deepEqual(complaints.get(page), []);
}

async function assertNotWiderThanTheScreen(page, name) {
	const overflow = await page.evaluate(() => {
		const width = document.documentElement.clientWidth;
		const wide = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > width + 1 &&
			!e.closest(".visually-hidden") && getComputedStyle(e).visibility !== "hidden");
		return { scroll: document.documentElement.scrollWidth - width, wide: wide.slice(0, 3).map((e) => e.outerHTML.slice(0, 120)) };
	});
	assert.ok(overflow.scroll <= 0, `${name} scrolls sideways: ${overflow.wide.join("\n")}`);
}

async function assertNoViolations(page, name) {
	if (!(await page.evaluate("typeof axe === 'object'"))) await page.evaluate(axe);
	const violations = await page.evaluate(async () => {
		const result = await axe.run(document, { resultTypes: ["violations"] });
		return result.violations.map((v) => `${v.id} (${v.impact}): ${v.nodes.map((n) => `${n.html}\n  ${n.failureSummary}`).join("\n")}`);
	});
	assert.deepEqual(violations, [], name);
}

/** Looks at the page as it is now in every view. */
export async function look(page, name) {
	const size = page.viewportSize();
	for (const view of VIEWS) {
		const what = `${name}-${view.name}`;
		await page.setViewportSize(view.size);
		await page.emulateMedia({ colorScheme: view.scheme, reducedMotion: "reduce" });
		await assertNotWiderThanTheScreen(page, what);
		await page.screenshot({ path: join(SHOTS, `${what}.png`), fullPage: !(await page.$("dialog[open]")) });
		if (view.rules) await assertNoViolations(page, what);
	}
	// What is left of a desktop's width at a zoom of 400 % (WCAG 1.4.10).
	await page.setViewportSize({ width: 320, height: 640 });
	await assertNotWiderThanTheScreen(page, `${name} at 320 pixels`);
	await page.setViewportSize(size);
	assertNothingWrong(page);
}

/** What has the focus, as a screen reader would name it. */
export function focused(page) {
	return page.evaluate(() => {
		const e = document.activeElement;
		return e.getAttribute("aria-label") ?? e.labels?.[0]?.textContent ?? e.textContent.trim();
	});
}
