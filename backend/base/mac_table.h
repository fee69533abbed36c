/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Exact-match tables of MAC addresses that workers look into while the control thread changes them.
 */
#ifndef VIFD_BASE_MAC_TABLE_H
#define VIFD_BASE_MAC_TABLE_H

#include <stdint.h>

struct rte_hash;

/**
 * mac_table_create - a table of @entries addresses at most, for rte_hash's own calls
 * @name: unlike any other's
 *
 * Lookups take no lock. A deleted key's place is freed by rte_hash_free_key_with_position() when
 * every worker has passed by. Control thread.
 *
 * Return: the table, for rte_hash_free(); NULL with rte_errno
 */
struct rte_hash *mac_table_create(const char *name, uint32_t entries);

#endif
