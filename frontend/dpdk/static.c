/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Static grants (control messages 8 to 10): the back end maps a queue's pages once, where it
 * otherwise calls the hypervisor for each frame. Pages of tx ids are lent for reading only.
 *
 * A page is a buffer and nothing else, and stays granted in either case; so nothing depends on
 * whether, or when, the back end undoes its mappings.
 */
#include "pmd.h"
#include "pool.h"

#define LIST_MAX (NETIF_PAGE_SIZE / sizeof(struct netif_gref))

/* A list that is being filled in the page that the back end reads */
struct list {
	struct xf_queue *q;
	struct netif_gref *entry;
	uint32_t ref, nr, left; /* entries that it still takes */
	uint16_t type;
};

static int list_send(struct list *l)
{
	uint32_t nr = l->nr, done = 0;
	int err;

	if (!nr)
		return 0;
	l->nr = 0;
	err = xf_ctrl_call(l->q->port, l->type, l->q->index, l->ref, nr, &done);
	if (err)
		return err;
	if (l->type == NETIF_CTRL_ADD_GREF_MAPPING) {
		l->q->lent += nr;
		return 0;
	}
	for (uint32_t i = 0; i < nr; i++)
		if (__atomic_load_n(&l->entry[i].status, __ATOMIC_RELAXED))
			return -EBUSY;
	l->q->lent -= RTE_MIN(nr, l->q->lent);
	return 0;
}

static int list_add(struct list *l, const struct xf_share *share, bool writable)
{
	int err = 0;

	for (uint32_t i = 0; i < share->nr && l->left && !err; i++, l->left--) {
		l->entry[l->nr++] = (struct netif_gref){
			.ref = share->page[i].ref,
			.flags = writable ? 0 : NETIF_GREF_READONLY,
			.status = l->type == NETIF_CTRL_DEL_GREF_MAPPING ?
					  NETIF_CTRL_STATUS_INVALID_PARAMETER :
					  0,
		};
		if (l->nr == LIST_MAX)
			err = list_send(l);
	}
	return err;
}

/* All pages of a queue, in the same order each time */
static int walk(struct list *l)
{
	int err = list_add(l, l->q->tx.share, false);

	if (!err)
		err = list_add(l, l->q->rx.share, true);
	return err ? err : list_send(l);
}

static int add_queue(struct xf_queue *q)
{
	struct list l = { .q = q, .type = NETIF_CTRL_ADD_GREF_MAPPING };
	int err;

	l.entry = xf_ctrl_list(q->port, &l.ref);
	if (!l.entry)
		return -EOPNOTSUPP;
	err = xf_ctrl_call(q->port, NETIF_CTRL_GET_GREF_MAPPING_SIZE, q->index, 0, 0, &l.left);
	return err ? err : walk(&l);
}

void xf_static_add(struct xf_port *port)
{
	int err = 0;

	if (!port->args.static_grants)
		return;
	for (uint32_t i = 0; i < port->nr_queues && !err; i++)
		if (!port->queue[i].lent)
			err = add_queue(&port->queue[i]);
	if (err && err != -EOPNOTSUPP)
		XF_LOG(NOTICE, port, "the back end does not map all pages: %s; it copies by grants",
		       strerror(-err));
}

int xf_static_del(struct xf_port *port)
{
	int first = 0;

	for (uint32_t i = 0; i < port->nr_queues; i++) {
		struct xf_queue *q = &port->queue[i];
		struct list l = { .q = q, .type = NETIF_CTRL_DEL_GREF_MAPPING, .left = q->lent };
		int err;

		if (!q->lent)
			continue;
		l.entry = xf_ctrl_list(port, &l.ref);
		err = l.entry ? walk(&l) : -EOPNOTSUPP;
		first = first ? first : err;
	}
	return first;
}
