#ifndef SLIPWAY_JOBS_JOBS_H
#define SLIPWAY_JOBS_JOBS_H

/*
 * What the control plane does by itself from time to time: a table of name, interval and function
 * (jobs.c), each with a thread of its own, so that a long job keeps no other waiting. Each runs
 * right after the start and then every interval; a job that fails is logged and tried again at its
 * next turn. Jobs are safe to run on several control planes
 * over one database.
 */

#include "service/service.h"

struct jobs;

/* Keeps service. Gives. */
err jobs_start(struct service *service, struct jobs **ret) MUST_USE;
/* Asks the running jobs to end, joins the threads, frees. Accepts NULL. */
void jobs_stop(struct jobs *j);

#endif
