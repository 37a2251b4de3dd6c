// A reporter for node:test: the results as JUnit XML (Node.js 18 has none of its own).
const text = (s) => String(s).replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x1b]/g, "").replace(/&/g, "&amp;")
	.replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");

export default async function* junit(source) {
	yield '<?xml version="1.0" encoding="utf-8"?>\n<testsuites><testsuite name="browser">\n';
	for await (const { type, data } of source) {
		if ((type !== "test:pass" && type !== "test:fail") || data.details?.type === "suite") continue;
		const head = `<testcase classname="browser" name="${text(data.name)}" time="${(data.details.duration_ms / 1000).toFixed(3)}"`;
		const error = data.details.error;
		if (data.skip !== undefined) yield `${head}><skipped/></testcase>\n`;
		else if (type === "test:pass") yield `${head}/>\n`;
		else yield `${head}><failure>${text(error?.cause?.stack ?? error?.cause ?? error)}</failure></testcase>\n`;
	}
	yield "</testsuite></testsuites>\n";
}
