/* SPDX-License-Identifier: BSD-3-Clause */
#include "retire.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

struct retired {
	SLIST_ENTRY(retired) link;
	struct rte_mempool *pool;
	void (*end)(struct rte_mempool *pool, void *arg);
	void *arg;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static SLIST_HEAD(, retired) waiting = SLIST_HEAD_INITIALIZER(waiting);

static void just_free(struct rte_mempool *pool, void *arg)
{
	(void)arg;
	rte_mempool_free(pool);
}

void pools_lock(void)
{
	pthread_mutex_lock(&lock);
}

void pools_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

void pool_retire(struct rte_mempool *pool, void (*end)(struct rte_mempool *pool, void *arg),
		 void *arg)
{
	struct retired *retired;

	if (!pool)
		return;
	end = end ? end : just_free;
	if (rte_mempool_full(pool)) {
		pools_lock();
		end(pool, arg);
		pools_unlock();
		return;
	}
	retired = malloc(sizeof(*retired));
	if (!retired)
		return;
	*retired = (struct retired){ .pool = pool, .end = end, .arg = arg };
	pools_lock();
	SLIST_INSERT_HEAD(&waiting, retired, link);
	pools_unlock();
}

unsigned int pools_reap(void)
{
	struct retired *retired, *next;
	unsigned int nr = 0;

	pools_lock();
	for (retired = SLIST_FIRST(&waiting); retired; retired = next) {
		next = SLIST_NEXT(retired, link);
		if (!rte_mempool_full(retired->pool)) {
			nr++;
			continue;
		}
		SLIST_REMOVE(&waiting, retired, retired, link);
		retired->end(retired->pool, retired->arg);
		free(retired);
	}
	pools_unlock();
	return nr;
}
