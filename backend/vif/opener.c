/* SPDX-License-Identifier: BSD-3-Clause */
#include "opener.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/thread.h"

struct job {
	STAILQ_ENTRY(job) link;
	enum { JOB_CLOSE, JOB_OPEN, JOB_MAKE } kind;
	struct nic *nic; /* of a JOB_CLOSE: NULL */
	struct rte_ether_addr mac;
	struct port_policy policy;
	uint16_t domid;
	uint64_t turn; /* of an open: lower is earlier, then in order */
	char owner[32];
	struct opener_result result;
};

STAILQ_HEAD(jobs, job);

/**
 * struct opener - @lock guards what follows it, but for the last two
 * @closes, @opens: to be done; JOB_MAKE is among the closes, which come first
 * @turn:  of the open that was begun last, with @domid its guest
 */
struct opener {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t asked;
	struct jobs closes, opens, done;
	uint64_t turn;
	uint16_t domid;
	bool stop;
	uint64_t next_ticket; /* control thread */
	struct wake *raise;
};

static void job_do(struct job *job)
{
	if (job->kind == JOB_CLOSE) {
		port_close(job->result.port);
		return;
	}
	if (job->kind == JOB_MAKE) {
		nic_make_vfs(job->nic);
		return;
	}
	job->result.port = nic_open_vf(job->nic, &job->mac, &job->policy, job->owner);
	job->result.error = job->result.port ? 0 : errno;
}

/* The lowest turn; among equals, the one that was asked for first. */
static struct job *next_open(struct opener *opener)
{
	struct job *best = STAILQ_FIRST(&opener->opens), *job;

	STAILQ_FOREACH (job, &opener->opens, link)
		if (job->turn < best->turn)
			best = job;
	if (!best)
		return NULL;
	opener->turn = best->turn;
	opener->domid = best->domid;
	STAILQ_REMOVE(&opener->opens, best, job, link);
	return best;
}

static struct job *next_job(struct opener *opener)
{
	struct job *job = STAILQ_FIRST(&opener->closes);

	if (!job)
		return next_open(opener);
	STAILQ_REMOVE_HEAD(&opener->closes, link);
	return job;
}

static void *opener_main(void *arg)
{
	struct opener *opener = arg;

	pthread_mutex_lock(&opener->lock);
	for (;;) {
		struct job *job = next_job(opener);

		if (!job) {
			if (opener->stop)
				break;
			pthread_cond_wait(&opener->asked, &opener->lock);
			continue;
		}
		pthread_mutex_unlock(&opener->lock);
		job_do(job);
		pthread_mutex_lock(&opener->lock);
		if (job->kind == JOB_OPEN) {
			STAILQ_INSERT_TAIL(&opener->done, job, link);
			wake_worker(opener->raise);
		} else {
			free(job);
		}
	}
	pthread_mutex_unlock(&opener->lock);
	return NULL;
}

struct opener *opener_start(struct wake *raise)
{
	struct opener *opener = calloc(1, sizeof(*opener));
	int ret;

	if (!opener)
		return NULL;
	pthread_mutex_init(&opener->lock, NULL);
	pthread_cond_init(&opener->asked, NULL);
	STAILQ_INIT(&opener->closes);
	STAILQ_INIT(&opener->opens);
	STAILQ_INIT(&opener->done);
	opener->raise = raise;
	ret = thread_start(&opener->thread, "vifd-opener", opener_main, opener);
	if (ret) {
		free(opener);
		errno = -ret;
		return NULL;
	}
	return opener;
}

void opener_stop(struct opener *opener)
{
	struct opener_result result;

	if (!opener)
		return;
	pthread_mutex_lock(&opener->lock);
	opener->stop = true;
	pthread_cond_signal(&opener->asked);
	pthread_mutex_unlock(&opener->lock);
	pthread_join(opener->thread, NULL);
	while (opener_take(opener, &result))
		port_close(result.port);
	free(opener);
}

/* One after the last of its guest's, and not before the open that is under way. */
static void set_turn(const struct opener *opener, struct job *job)
{
	const struct job *other;

	job->turn = opener->turn + (opener->domid == job->domid);
	STAILQ_FOREACH (other, &opener->opens, link)
		if (other->domid == job->domid && other->turn >= job->turn)
			job->turn = other->turn + 1;
}

static void job_ask(struct opener *opener, struct job *job)
{
	pthread_mutex_lock(&opener->lock);
	if (job->kind == JOB_OPEN) {
		set_turn(opener, job);
		STAILQ_INSERT_TAIL(&opener->opens, job, link);
	} else {
		STAILQ_INSERT_TAIL(&opener->closes, job, link);
	}
	pthread_cond_signal(&opener->asked);
	pthread_mutex_unlock(&opener->lock);
}

uint64_t opener_open(struct opener *opener, struct nic *nic, const struct rte_ether_addr *mac,
		     const struct port_policy *policy, uint16_t domid, const char *owner)
{
	struct job *job = calloc(1, sizeof(*job));
	uint64_t ticket;

	if (!job)
		return 0;
	job->kind = JOB_OPEN;
	job->nic = nic;
	job->mac = *mac;
	job->policy = *policy;
	job->domid = domid;
	snprintf(job->owner, sizeof(job->owner), "%s", owner);
	ticket = ++opener->next_ticket;
	job->result.ticket = ticket;
	job_ask(opener, job);
	return ticket;
}

int opener_make_vfs(struct opener *opener, struct nic *nic)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return -ENOMEM;
	job->kind = JOB_MAKE;
	job->nic = nic;
	job_ask(opener, job);
	return 0;
}

void opener_cancel(struct opener *opener, uint64_t ticket)
{
	struct job *job;

	pthread_mutex_lock(&opener->lock);
	STAILQ_FOREACH (job, &opener->opens, link)
		if (job->result.ticket == ticket)
			break;
	if (job)
		STAILQ_REMOVE(&opener->opens, job, job, link);
	pthread_mutex_unlock(&opener->lock);
	free(job);
}

void opener_close(struct opener *opener, struct port *port)
{
	struct job *job;

	if (!port)
		return;
	job = calloc(1, sizeof(*job));
	if (!job) {
		port_close(port);
		return;
	}
	job->result.port = port;
	job_ask(opener, job);
}

bool opener_take(struct opener *opener, struct opener_result *result)
{
	struct job *job;

	pthread_mutex_lock(&opener->lock);
	job = STAILQ_FIRST(&opener->done);
	if (job)
		STAILQ_REMOVE_HEAD(&opener->done, link);
	pthread_mutex_unlock(&opener->lock);
	if (!job)
		return false;
	*result = job->result;
	free(job);
	return true;
}
