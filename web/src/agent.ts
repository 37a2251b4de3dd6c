// A User-Agent in words, for people who look for a sign-in that was not theirs. A guess, good enough
// for that: nothing depends on it.
const BROWSERS: [RegExp, string][] = [
	[/\bEdg(?:e|A|iOS)?\/(\d+)/, "Edge"], [/\b(?:OPR|Opera)\/(\d+)/, "Opera"], [/\bSamsungBrowser\/(\d+)/, "Samsung Internet"],
	[/\b(?:Firefox|FxiOS)\/(\d+)/, "Firefox"], [/\b(?:HeadlessChrome|Chrome|Chromium|CriOS)\/(\d+)/, "Chrome"],
	[/\bVersion\/(\d+)[^ ]* (?:Mobile\/\w+ )?Safari\//, "Safari"], [/^slipway\/([\d.]+)/, "slipway"],
	[/^slipway-update\/([\d.]+)/, "slipway-update"], [/^curl\/([\d.]+)/, "curl"],
];
const SYSTEMS: [RegExp, string][] = [
	[/\biPhone\b/, "iPhone"], [/\biPad\b/, "iPad"], [/\bAndroid\b/, "Android"], [/\bWindows\b/, "Windows"],
	[/\bMac OS X\b|\bMacintosh\b/, "macOS"], [/\bCrOS\b/, "ChromeOS"], [/\bLinux\b/, "Linux"],
];

export function describeAgent(agent: string | null | undefined): string {
	if (!agent) return "Unknown program";
	let name = "";
	for (const [pattern, browser] of BROWSERS) {
		const match = pattern.exec(agent);
		if (match) {
			name = `${browser} ${match[1]}`;
			break;
		}
	}
	const system = SYSTEMS.find(([pattern]) => pattern.test(agent))?.[1];
	if (!name) return agent.length > 60 ? agent.slice(0, 60) + "…" : agent;
	return system ? `${name} on ${system}` : name;
}
