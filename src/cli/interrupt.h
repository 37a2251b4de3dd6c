#ifndef SLIPWAY_CLI_INTERRUPT_H
#define SLIPWAY_CLI_INTERRUPT_H

#include <stdbool.h>

/*
 * Ctrl-C and SIGTERM as something a command asks about: the first one ends its work in order, a
 * second one ends the program. Until interrupt_watch() they end it at once.
 */
void interrupt_watch(void);
bool interrupt_seen(void);

#endif
