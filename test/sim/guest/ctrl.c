// SPDX-License-Identifier: BSD-3-Clause
/* The control ring of a guest: sends one message at a time and waits for the response */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "simguest.h"

#define MASK (NETIF_CTRL_RING_SIZE - 1)
#define WAIT_US 200
#define WAIT_TRIES 25000 /* 5 s */

static uint8_t *list(struct simguest *g)
{
	return simhv_mem(g->config.domid) + (size_t)g->list_gfn * SIM_PAGE;
}

static void request(struct simguest *g, uint16_t type, uint32_t d0, uint32_t d1, uint32_t d2)
{
	struct netif_ctrl_request *req = &g->ctrls->entry[g->ctrl.prod++ & MASK].req;

	req->id = ++g->ctrl_id;
	req->type = type;
	req->data[0] = d0;
	req->data[1] = d1;
	req->data[2] = d2;
	__atomic_store_n(&g->ctrls->idx.rsp_event, g->ctrl.cons + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&g->ctrls->idx.req_prod, g->ctrl.prod, __ATOMIC_RELEASE);
	simhv_port_notify((uint32_t)g->evh, (uint32_t)g->ctrl.port);
}

int simguest_ctrl(struct simguest *g, uint16_t type, uint32_t d0, uint32_t d1, uint32_t d2,
		  uint32_t *data)
{
	struct netif_ctrl_response rsp;

	if (!g->ctrls)
		return -EOPNOTSUPP;
	request(g, type, d0, d1, d2);
	for (int i = 0; i < WAIT_TRIES; i++) {
		if (__atomic_load_n(&g->ctrls->idx.rsp_prod, __ATOMIC_ACQUIRE) != g->ctrl.cons) {
			rsp = g->ctrls->entry[g->ctrl.cons++ & MASK].rsp;
			if (rsp.id != g->ctrl_id || rsp.type != type)
				simguest_violation(&g->queue[0],
						   "control response of another request");
			if (data)
				*data = rsp.data;
			return (int)rsp.status;
		}
		usleep(WAIT_US);
	}
	return -ETIMEDOUT;
}

int simguest_hash_key(struct simguest *g, const uint8_t *key, uint32_t len)
{
	memcpy(list(g), key, len < SIM_PAGE ? len : SIM_PAGE);
	return simguest_ctrl(g, NETIF_CTRL_SET_HASH_KEY, g->list_gref, len, 0, NULL);
}

int simguest_hash_mapping(struct simguest *g, const uint32_t *queues, uint32_t nr, uint32_t offset)
{
	memcpy(list(g), queues, nr < SIM_PAGE / 4 ? nr * 4 : SIM_PAGE);
	return simguest_ctrl(g, NETIF_CTRL_SET_HASH_MAPPING, g->list_gref, nr, offset, NULL);
}

/* All buffers of a queue as a list of grants. Return: entries */
static uint32_t list_fill(struct simguest_queue *q, uint32_t max)
{
	struct netif_gref *entry = (void *)list(q->guest);
	uint32_t n = 0;

	for (uint32_t i = 0; i < NETIF_RING_SIZE && n < max; i++)
		entry[n++] = (struct netif_gref){ q->tx_gref[i], NETIF_GREF_READONLY, 0 };
	for (uint32_t i = 0; i < NETIF_RING_SIZE && n < max; i++)
		entry[n++] = (struct netif_gref){ q->rx_gref[i], 0, 0 };
	return n;
}

int simguest_static_add(struct simguest_queue *q)
{
	uint32_t max = 0, n;
	int status =
		simguest_ctrl(q->guest, NETIF_CTRL_GET_GREF_MAPPING_SIZE, q->index, 0, 0, &max);

	if (status < 0)
		return status;
	if (status || !max)
		return 0;
	n = list_fill(q, max < SIM_PAGE / 8 ? max : SIM_PAGE / 8);
	status = simguest_ctrl(q->guest, NETIF_CTRL_ADD_GREF_MAPPING, q->index, q->guest->list_gref,
			       n, NULL);
	if (status < 0)
		return status;
	if (status)
		return -EPROTO;
	q->static_nr = n;
	return (int)n;
}

int simguest_static_del(struct simguest_queue *q)
{
	struct netif_gref *entry = (void *)list(q->guest);
	uint32_t done = 0, n = list_fill(q, q->static_nr);
	int status;

	for (uint32_t i = 0; i < n; i++)
		entry[i].status = 0xffff;
	status = simguest_ctrl(q->guest, NETIF_CTRL_DEL_GREF_MAPPING, q->index, q->guest->list_gref,
			       n, &done);
	if (status)
		return status < 0 ? status : -EPROTO;
	for (uint32_t i = 0; i < n; i++)
		if (entry[i].status != NETIF_CTRL_STATUS_SUCCESS)
			return -EPROTO;
	q->static_nr = 0;
	return (int)done;
}
