/* SPDX-License-Identifier: BSD-3-Clause */
#include "zc_tx.h"

#include <stdlib.h>

/* The device is done with it; on any thread. */
static void piece_back(void *page, void *arg)
{
	struct zc_tx_piece *piece = arg;
	struct zc_tx *zc_tx = piece->zc_tx;

	(void)page;
	atomic_fetch_sub_explicit(&zc_tx->held[piece->first], 1, memory_order_release);
	lease_return(&zc_tx->lease);
}

struct lease *zc_tx_create(void)
{
	struct zc_tx *zc_tx = calloc(1, sizeof(*zc_tx));

	return zc_tx ? &zc_tx->lease : NULL;
}

void zc_tx_attach(struct zc_tx *zc_tx, struct rte_mbuf *mbuf, uint32_t first, uint32_t slot,
		  char *page, rte_iova_t iova, uint16_t offset, uint16_t len)
{
	struct zc_tx_piece *piece = &zc_tx->piece[slot % NETIF_RING_SIZE];

	piece->zc_tx = zc_tx;
	piece->first = first % NETIF_RING_SIZE;
	piece->info.free_cb = piece_back;
	piece->info.fcb_opaque = piece;
	rte_mbuf_ext_refcnt_set(&piece->info, 1);
	lease_take(&zc_tx->lease);
	atomic_fetch_add_explicit(&zc_tx->held[piece->first], 1, memory_order_relaxed);
	/* the buffer ends with the piece, so nobody appends to it */
	rte_pktmbuf_attach_extbuf(mbuf, page, iova, offset + len, &piece->info);
	mbuf->data_off = offset;
	mbuf->data_len = len;
}
