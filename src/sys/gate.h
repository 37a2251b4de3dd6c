#ifndef SLIPWAY_SYS_GATE_H
#define SLIPWAY_SYS_GATE_H

/*
 * Lets at most `width` threads through at once and at most `queue` more wait for a while: for work
 * whose cost in memory or CPU must stay bounded (password hashes, uploads). First come, first
 * served only as far as the system's condition variables are fair.
 */

#include "base/base.h"

struct gate;

/* Gives; aborts when memory is out. */
struct gate *gate_new(unsigned width, unsigned queue);
/* No thread may be inside or waiting. Accepts NULL. */
void gate_free(struct gate *g);
DEFINE_AUTO_PTR(gate)

/*
 * Enters, waiting at most this long. ERR_BUSY when the queue is full or the wait was in vain; then
 * gate_leave must not be called.
 */
err gate_enter(struct gate *g, int64_t timeout_us) MUST_USE;
void gate_leave(struct gate *g);

#endif
