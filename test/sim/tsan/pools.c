/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's memory pools as ThreadSanitizer can understand them; linked into vifd with SANITIZE=thread.
 *
 * A pool's common store is a ring in DPDK's library, which is not instrumented: what the thread that
 * gave a buffer back did with it seems to race with what the thread that gets it next does. Each
 * object's way through the store is told here, as tsan/rte_ring.h does it for our own rings. The
 * caches in front of the store belong to one thread each and need nothing.
 */
#include <rte_eal.h>
#include <rte_mempool.h>
#include <sanitizer/tsan_interface.h>

int __real_rte_eal_init(int argc, char **argv);
int __wrap_rte_eal_init(int argc, char **argv);

/* The operations of each kind of pool, as its maker registered them */
static struct {
	rte_mempool_enqueue_t enqueue;
	rte_mempool_dequeue_t dequeue;
} made[RTE_MEMPOOL_MAX_OPS_IDX];

static int enqueue(struct rte_mempool *pool, void *const *objects, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		__tsan_release(objects[i]);
	return made[pool->ops_index].enqueue(pool, objects, nr);
}

static int dequeue(struct rte_mempool *pool, void **objects, unsigned int nr)
{
	int ret = made[pool->ops_index].dequeue(pool, objects, nr);

	for (unsigned int i = 0; ret == 0 && i < nr; i++)
		__tsan_acquire(objects[i]);
	return ret;
}

/* EAL has loaded the libraries that make pools, and no pool exists yet */
int __wrap_rte_eal_init(int argc, char **argv)
{
	int ret = __real_rte_eal_init(argc, argv);

	for (uint32_t i = 0; i < rte_mempool_ops_table.num_ops; i++) {
		struct rte_mempool_ops *ops = &rte_mempool_ops_table.ops[i];

		made[i].enqueue = ops->enqueue;
		made[i].dequeue = ops->dequeue;
		ops->enqueue = enqueue;
		ops->dequeue = dequeue;
	}
	return ret;
}
