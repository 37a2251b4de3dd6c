#ifndef SLIPWAY_SERVER_PROGRAM_H
#define SLIPWAY_SERVER_PROGRAM_H

#include "base/arena.h"

/* The directory of this program, with a slash, in arena a: what came with it lies around there. */
const char *program_directory(struct arena *a);

#endif
