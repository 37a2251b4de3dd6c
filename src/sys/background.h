#ifndef SLIPWAY_SYS_BACKGROUND_H
#define SLIPWAY_SYS_BACKGROUND_H

#include "base/base.h"

/*
 * Runs work(arg) on a thread of its own that yields the processor to everybody else's, and waits
 * until it has ended: for computations of many milliseconds that are asked for by strangers, such
 * as password hashes, beside which nginx must send files as fast as ever. What is thread-local to
 * the caller is not there. ERR_NOMEM: there is no thread, and nothing was run.
 */
err background_run(void (*work)(void *arg), void *arg) MUST_USE;

#endif
