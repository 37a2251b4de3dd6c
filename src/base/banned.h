#ifndef SLIPWAY_BASE_BANNED_H
#define SLIPWAY_BASE_BANNED_H

/*
 * Functions that do not compile here, and what to use instead. Include this last, after every
 * system header; scripts/check-layers.py holds each .c file to it.
 *
 *   strcpy strcat strncpy strncat sprintf vsprintf   a buf, or arena_printf()
 *   strtok                                           span_cut()
 *   atoi atol strtol strtoul strtoll strtoull        span_to_i64(), span_to_u64()
 *   gmtime localtime mktime ctime asctime            base/time.h
 *   rand srand random drand48                        random_bytes()
 *   tmpnam mktemp                                    sys/files.h
 *   system popen alloca gets                         nothing
 */
/* Macros of <stdlib.h> and of fortified <stdio.h>; poisoning needs the plain names. */
#undef alloca
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok
#pragma GCC poison atoi atol atoll strtol strtoul strtoll strtoull
#pragma GCC poison gmtime localtime mktime ctime asctime
#pragma GCC poison rand srand random drand48 tmpnam mktemp
#pragma GCC poison system popen alloca gets

#endif
