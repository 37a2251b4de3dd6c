/* Signals that ask to stop. The handler only takes note. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>

#include "base/banned.h"

static volatile sig_atomic_t seen;

static void on_signal(int number)
{
	seen = 1;
	signal(number, SIG_DFL);
}

void interrupt_watch(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	(void)sigaction(SIGINT, &action, NULL); /* cannot fail for these two */
	(void)sigaction(SIGTERM, &action, NULL);
}

bool interrupt_seen(void)
{
	return seen;
}
