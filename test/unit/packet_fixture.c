/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/offload.c port/memory.c port/retire.c dma/eal.c log.c */
#include "packet_fixture.h"

#include "log.h"
#include "dma/eal.h"

struct rte_mempool *pool;
struct offload offload;

int packets_start(uint32_t frames)
{
	static const struct config config = { .memory_mb = 64, .log_level = LOG_LEVEL_ERROR };

	log_set_level(LOG_LEVEL_ERROR);
	if (eal_start(&config) < 0)
		return -1;
	pool = rte_pktmbuf_pool_create("packets", frames, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	return pool && offload_init(&offload, pool, "indirect", OFFLOAD_MBUFS) == 0 ? 0 : -1;
}

int packets_stop(void **state)
{
	(void)state;
	offload_fini(&offload);
	rte_mempool_free(pool);
	eal_stop();
	return 0;
}

bool packets_all_back(void)
{
	return rte_mempool_full(pool) && rte_mempool_full(offload.indirect);
}
