/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A short list of group addresses that may lie in a file and outlive the process: whenever that is
 * killed, the list is the old or the new one. So an entry, and the number of entries, are each
 * written at once, and an entry shows whether it is whole.
 *
 * One thread writes; others may read at any time, and see each entry that was there before.
 */
#ifndef VIFD_BASE_GROUP_LIST_H
#define VIFD_BASE_GROUP_LIST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_ether.h>

#define GROUP_LIST_MAX 64u
/* More groups than the list has room for: nobody knows which. */
#define GROUP_LIST_ALL (GROUP_LIST_MAX + 1)

/** struct group_list - Zeroed: empty. @nr: entries in use, or GROUP_LIST_ALL */
struct group_list {
	_Atomic uint32_t nr;
	_Atomic uint64_t entry[GROUP_LIST_MAX];
};

/** group_pack() - An address, of any alignment, as an entry: above it stands its check */
static inline uint64_t group_pack(const void *mac)
{
	uint16_t words[3];

	memcpy(words, mac, sizeof(words));
	return (uint64_t)words[0] | (uint64_t)words[1] << 16 | (uint64_t)words[2] << 32 |
	       (uint64_t)(uint16_t) ~(words[0] + words[1] + words[2]) << 48;
}

/** group_unpack() - Return: the address of an entry */
static inline struct rte_ether_addr group_unpack(uint64_t entry)
{
	uint16_t words[3] = { (uint16_t)entry, (uint16_t)(entry >> 16), (uint16_t)(entry >> 32) };
	struct rte_ether_addr mac;

	memcpy(&mac, words, sizeof(mac));
	return mac;
}

/** group_list_nr() - Return: entries in use, or GROUP_LIST_ALL */
static inline uint32_t group_list_nr(const struct group_list *list)
{
	return atomic_load_explicit(&list->nr, memory_order_acquire);
}

/** group_list_find() - Return: where an entry stands among the first @nr, -1 = it is not there */
static inline int group_list_find(const struct group_list *list, uint32_t nr, uint64_t entry)
{
	for (uint32_t i = 0; i < nr; i++)
		if (atomic_load_explicit(&list->entry[i], memory_order_relaxed) == entry)
			return (int)i;
	return -1;
}

/** group_list_add() - Return: false: it is full */
static inline bool group_list_add(struct group_list *list, const void *mac)
{
	uint32_t nr = group_list_nr(list);
	uint64_t entry = group_pack(mac);

	if (nr > GROUP_LIST_MAX)
		return false;
	if (group_list_find(list, nr, entry) >= 0)
		return true;
	if (nr == GROUP_LIST_MAX)
		return false;
	atomic_store_explicit(&list->entry[nr], entry, memory_order_relaxed);
	atomic_store_explicit(&list->nr, nr + 1, memory_order_release);
	return true;
}

/** group_list_del() - One that is not there is fine. A kill in the middle leaves the last twice */
static inline void group_list_del(struct group_list *list, const void *mac)
{
	uint32_t nr = group_list_nr(list);
	uint64_t entry = group_pack(mac);
	int i;

	while (nr && nr <= GROUP_LIST_MAX && (i = group_list_find(list, nr, entry)) >= 0) {
		atomic_store_explicit(&list->entry[i], list->entry[--nr], memory_order_relaxed);
		atomic_store_explicit(&list->nr, nr, memory_order_release);
	}
}

/** group_list_is_whole() - Does every entry stand for a group? */
static inline bool group_list_is_whole(const struct group_list *list)
{
	uint32_t nr = group_list_nr(list);

	if (nr > GROUP_LIST_ALL)
		return false;
	for (uint32_t i = 0; i < nr && i < GROUP_LIST_MAX; i++) {
		struct rte_ether_addr mac = group_unpack(list->entry[i]);

		if (group_pack(&mac) != list->entry[i] || !rte_is_multicast_ether_addr(&mac))
			return false;
	}
	return true;
}

#endif
