/* SPDX-License-Identifier: BSD-3-Clause */
#include "control.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <time.h>

/* Calls of one turn: whoever asks without end must not stop the vifs. */
#define CALLS_A_TURN 16

enum call_state { CALL_WAITS, CALL_RUNS, CALL_DONE };

/* Lives on the stack of the thread that asks. */
struct call {
	TAILQ_ENTRY(call) link;
	int (*fn)(void *arg);
	void *arg;
	int result;
	enum call_state state;
};

/* @lock guards all of it and every call's @state; @done is signalled at each end of a call. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t done;
	TAILQ_HEAD(, call) calls;
	struct wake *raise;
	bool open;
} control = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.done = PTHREAD_COND_INITIALIZER,
	.calls = TAILQ_HEAD_INITIALIZER(control.calls),
};

void control_start(struct wake *raise)
{
	pthread_mutex_lock(&control.lock);
	control.raise = raise;
	control.open = true;
	pthread_mutex_unlock(&control.lock);
}

/* With the lock held. */
static void call_end(struct call *call, int result)
{
	call->result = result;
	call->state = CALL_DONE;
	pthread_cond_broadcast(&control.done);
}

void control_stop(void)
{
	struct call *call;

	pthread_mutex_lock(&control.lock);
	control.open = false;
	while ((call = TAILQ_FIRST(&control.calls))) {
		TAILQ_REMOVE(&control.calls, call, link);
		call_end(call, -ESHUTDOWN);
	}
	pthread_mutex_unlock(&control.lock);
}

/* With the lock held: until it has ended, or was not begun in time. */
static void call_wait(struct call *call, uint32_t wait_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (call->state != CALL_DONE) {
		int ret = pthread_cond_clockwait(&control.done, &control.lock, CLOCK_MONOTONIC,
						 &until);

		if (ret != ETIMEDOUT)
			continue;
		if (call->state == CALL_WAITS) {
			TAILQ_REMOVE(&control.calls, call, link);
			call_end(call, -ETIMEDOUT);
		} else if (call->state == CALL_RUNS) {
			pthread_cond_wait(&control.done, &control.lock);
		}
	}
}

int control_run(int (*fn)(void *arg), void *arg, uint32_t wait_ms)
{
	struct call call = { .fn = fn, .arg = arg, .result = -ESHUTDOWN };

	pthread_mutex_lock(&control.lock);
	if (control.open) {
		TAILQ_INSERT_TAIL(&control.calls, &call, link);
		wake_worker(control.raise);
		call_wait(&call, wait_ms);
	}
	pthread_mutex_unlock(&control.lock);
	return call.result;
}

void control_take(void)
{
	struct call *call;

	pthread_mutex_lock(&control.lock);
	for (int i = 0; i < CALLS_A_TURN && (call = TAILQ_FIRST(&control.calls)); i++) {
		int result;

		TAILQ_REMOVE(&control.calls, call, link);
		call->state = CALL_RUNS;
		pthread_mutex_unlock(&control.lock);
		result = call->fn(call->arg);
		pthread_mutex_lock(&control.lock);
		call_end(call, result);
	}
	if (!TAILQ_EMPTY(&control.calls))
		wake_worker(control.raise);
	pthread_mutex_unlock(&control.lock);
}
