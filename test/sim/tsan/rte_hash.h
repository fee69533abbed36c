/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's hash tables as ThreadSanitizer can understand them; in builds with SANITIZE=thread only.
 *
 * A table publishes an entry by atomics in the library, which is not instrumented. So it is told for
 * each object that a table leads to: whatever a thread did before it put the object in happens before
 * what a thread that finds it does next. Small numbers in place of objects are passed over.
 */
#ifndef SIM_TSAN_RTE_HASH_H
#define SIM_TSAN_RTE_HASH_H

#include_next <rte_hash.h>

#include "rte_ring.h" /* this folder's */

#define TSAN_NUMBERS 65536u

TSAN_NOT_SEEN int tsan_hash_add_key_data(const struct rte_hash *table, const void *key, void *data)
{
	if ((uintptr_t)data > TSAN_NUMBERS)
		__tsan_release(data);
	return rte_hash_add_key_data(table, key, data);
}

TSAN_NOT_SEEN int tsan_hash_lookup_data(const struct rte_hash *table, const void *key, void **data)
{
	int ret = rte_hash_lookup_data(table, key, data);

	if (ret >= 0 && (uintptr_t)*data > TSAN_NUMBERS)
		__tsan_acquire(*data);
	return ret;
}

TSAN_NOT_SEEN int tsan_hash_lookup_bulk_data(const struct rte_hash *table, const void **keys,
					     uint32_t nr, uint64_t *hits, void *data[])
{
	int ret = rte_hash_lookup_bulk_data(table, keys, nr, hits, data);

	for (uint32_t i = 0; i < nr; i++)
		if (*hits & UINT64_C(1) << i && (uintptr_t)data[i] > TSAN_NUMBERS)
			__tsan_acquire(data[i]);
	return ret;
}

#define rte_hash_add_key_data tsan_hash_add_key_data
#define rte_hash_lookup_data tsan_hash_lookup_data
#define rte_hash_lookup_bulk_data tsan_hash_lookup_bulk_data

#endif /* SIM_TSAN_RTE_HASH_H */
