/* SPDX-License-Identifier: BSD-3-Clause */
#include "mac_table.h"

#include <string.h>

#include <rte_ether.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>

/* An address in a frame is aligned to two bytes: not for rte_hash_crc() to read. */
static uint32_t address_hash(const void *key, uint32_t len, uint32_t init)
{
	uint64_t address = 0;

	memcpy(&address, key, RTE_ETHER_ADDR_LEN);
	(void)len;
	return rte_hash_crc_8byte(address, init);
}

struct rte_hash *mac_table_create(const char *name, uint32_t entries)
{
	const struct rte_hash_parameters params = {
		.name = name,
		.entries = entries,
		.key_len = RTE_ETHER_ADDR_LEN,
		.hash_func = address_hash,
		.socket_id = SOCKET_ID_ANY,
		.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF |
			      RTE_HASH_EXTRA_FLAGS_NO_FREE_ON_DEL,
	};

	return rte_hash_create(&params);
}
