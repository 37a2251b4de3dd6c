// Runs before the first paint, so that the chosen theme does not flash: light, dark, or (nothing
// stored) the system's. The style sheet reads data-theme on the root element.
try {
	const theme = localStorage.getItem("theme");
	if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
	// Storage may be forbidden: then it is the system's theme.
}
