/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl_hash.h"

#include <string.h>

#include "path/path.h"
#include "worker.h"
#include "zerocopy_rx.h"

#define HASH_FLAGS ((1u << NETIF_HASH_TYPES) - 1)

struct steer_call {
	struct path *path;
	const struct steer *steer;
};

static int run_set_steer(struct worker *worker, void *arg)
{
	struct steer_call *call = arg;

	(void)worker;
	path_set_steer(call->path, call->steer);
	return 0;
}

static void set_steer(struct turn *turn, const struct steer *steer)
{
	turn->set = true;
	if (steer->algorithm != NETIF_HASH_ALG_NONE)
		turn->waited_us +=
			zerocopy_rx_end(turn->zerocopy_rx, turn->worker, turn->path, true);
	worker_run(turn->worker, run_set_steer,
		   &(struct steer_call){ .path = turn->path, .steer = steer });
}

uint32_t ctrl_hash_set_algorithm(struct turn *turn)
{
	struct steer steer = *path_get_steer(turn->path);

	if (turn->req.data[0] != NETIF_HASH_ALG_NONE &&
	    turn->req.data[0] != NETIF_HASH_ALG_TOEPLITZ)
		return NETIF_CTRL_STATUS_INVALID_PARAMETER;
	steer.algorithm = (uint8_t)turn->req.data[0];
	set_steer(turn, &steer);
	return NETIF_CTRL_STATUS_SUCCESS;
}

/* As xen-netback: without an algorithm there are no types to speak of. */
uint32_t ctrl_hash_get_flags(struct turn *turn)
{
	if (path_get_steer(turn->path)->algorithm == NETIF_HASH_ALG_NONE)
		return NETIF_CTRL_STATUS_NOT_SUPPORTED;
	turn->data = HASH_FLAGS;
	return NETIF_CTRL_STATUS_SUCCESS;
}

uint32_t ctrl_hash_set_flags(struct turn *turn)
{
	struct steer steer = *path_get_steer(turn->path);

	if (steer.algorithm == NETIF_HASH_ALG_NONE)
		return NETIF_CTRL_STATUS_NOT_SUPPORTED;
	if (turn->req.data[0] & ~HASH_FLAGS)
		return NETIF_CTRL_STATUS_INVALID_PARAMETER;
	steer.flags = (uint8_t)turn->req.data[0];
	set_steer(turn, &steer);
	return NETIF_CTRL_STATUS_SUCCESS;
}

uint32_t ctrl_hash_set_key(struct turn *turn)
{
	struct steer steer = *path_get_steer(turn->path);
	uint32_t len = turn->req.data[1];

	if (len > STEER_KEY_BYTES)
		return NETIF_CTRL_STATUS_BUFFER_OVERFLOW;
	memset(steer.key, 0, sizeof(steer.key));
	if (len && !turn_fetch(turn, turn->req.data[0], steer.key, len))
		return NETIF_CTRL_STATUS_INVALID_PARAMETER;
	set_steer(turn, &steer);
	return NETIF_CTRL_STATUS_SUCCESS;
}

uint32_t ctrl_hash_get_mapping_size(struct turn *turn)
{
	turn->data = STEER_MAPPING_MAX;
	return NETIF_CTRL_STATUS_SUCCESS;
}

uint32_t ctrl_hash_set_mapping_size(struct turn *turn)
{
	struct steer steer = *path_get_steer(turn->path);

	if (turn->req.data[0] > STEER_MAPPING_MAX)
		return NETIF_CTRL_STATUS_INVALID_PARAMETER;
	steer.nr_mapping = (uint16_t)turn->req.data[0];
	memset(steer.mapping, 0, sizeof(steer.mapping));
	set_steer(turn, &steer);
	return NETIF_CTRL_STATUS_SUCCESS;
}

/* XSA-270: bounds in 64 bits, the copied contents checked, only then used. */
uint32_t ctrl_hash_set_mapping(struct turn *turn)
{
	struct steer steer = *path_get_steer(turn->path);
	uint32_t entries[STEER_MAPPING_MAX];
	uint64_t nr = turn->req.data[1], first = turn->req.data[2];

	if (nr > STEER_MAPPING_MAX || first + nr > steer.nr_mapping)
		return NETIF_CTRL_STATUS_INVALID_PARAMETER;
	if (!nr)
		return NETIF_CTRL_STATUS_SUCCESS;
	if (!turn_fetch(turn, turn->req.data[0], entries, (uint32_t)(nr * sizeof(entries[0]))))
		return NETIF_CTRL_STATUS_INVALID_PARAMETER;
	for (uint64_t i = 0; i < nr; i++) {
		if (entries[i] >= path_nr_queues(turn->path))
			return NETIF_CTRL_STATUS_INVALID_PARAMETER;
		steer.mapping[first + i] = (uint8_t)entries[i];
	}
	set_steer(turn, &steer);
	return NETIF_CTRL_STATUS_SUCCESS;
}
