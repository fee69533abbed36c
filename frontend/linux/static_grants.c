// SPDX-License-Identifier: GPL-2.0
/*
 * Static grants: the back end maps our buffers once (control messages 8 to 10)
 * instead of calling the hypervisor for each frame.
 *
 * It may map only pages that are nothing but buffers: those of the tx ids,
 * read-only, and those of the rx slots. All of them were zeroed before they
 * were granted. While the back end maps them the queue is copy_only: frames are
 * copied into and out of the buffers, which never leave the ring and never
 * become part of an skb.
 *
 * A mapping is considered undone only after the back end has confirmed each
 * entry. Otherwise the queue stays copy_only, and at disconnect the grants that
 * are still in use keep their pages.
 */
#include <linux/netdevice.h>

#include "vifront.h"

/* Entries in a list page; the buffers of one queue fit. */
#define GRANT_LIST_MAX (XEN_PAGE_SIZE / sizeof(struct netif_gref))

struct grant_list {
	struct page *page;
	struct netif_gref *entry;
	int ref;
	u32 n;
};

static int grant_list_init(struct grant_list *l, struct vifront *fe)
{
	l->n = 0;
	l->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!l->page)
		return -ENOMEM;
	l->entry = page_address(l->page);
	l->ref = gnttab_grant_foreign_access(fe->xbdev->otherend_id, xen_page_to_gfn(l->page), 0);
	if (l->ref >= 0)
		return 0;
	__free_page(l->page);
	return l->ref;
}

static void grant_list_fini(struct grant_list *l)
{
	gnttab_end_foreign_access(l->ref, l->page);
}

static void grant_list_fill(struct grant_list *l, const struct vifront_queue *q, bool rx)
{
	u32 i;

	for (i = 0; i < VIFRONT_SLOTS; i++)
		l->entry[l->n++] = (struct netif_gref){
			.ref = q->tx.buf[i].page_gref, .flags = NETIF_GREF_READONLY,
		};
	for (i = 0; rx && i < VIFRONT_SLOTS; i++)
		l->entry[l->n++] = (struct netif_gref){ .ref = q->rx.buf[i].gref };
}

/* Once this has set copy_only, pages neither join nor leave the ring. */
static void grants_set_copy_only(struct vifront_queue *q, bool tx, bool rx)
{
	struct netdev_queue *nq = netdev_get_tx_queue(q->fe->netdev, q->id);

	__netif_tx_lock_bh(nq);
	q->tx.copy_only = tx;
	__netif_tx_unlock_bh(nq);
	WRITE_ONCE(q->rx.copy_only, rx);
	synchronize_net(); /* NAPI has seen it */
}

static int grants_add_queue(struct vifront_queue *q)
{
	struct grant_list l;
	u32 max_entries = 0;
	bool rx;
	int rc;

	BUILD_BUG_ON(2 * VIFRONT_SLOTS > GRANT_LIST_MAX);
	rc = vifront_ctrl_call(q->fe, NETIF_CTRL_GET_GREF_MAPPING_SIZE, q->id, 0, 0,
			       &max_entries);
	if (rc)
		return rc;
	if (max_entries < VIFRONT_SLOTS)
		return -ENOSPC;
	rx = max_entries >= 2 * VIFRONT_SLOTS;
	rc = grant_list_init(&l, q->fe);
	if (rc)
		return rc;
	grants_set_copy_only(q, true, rx || !q->fe->trusted);
	grant_list_fill(&l, q, rx);
	rc = vifront_ctrl_call(q->fe, NETIF_CTRL_ADD_GREF_MAPPING, q->id, l.ref, l.n, NULL);
	grant_list_fini(&l);
	if (!rc) {
		q->static_grants = l.n;
	} else if (rc != -ETIMEDOUT && rc != -EPROTO) {
		/* rejected: nothing was mapped */
		grants_set_copy_only(q, !q->fe->trusted, !q->fe->trusted);
	}
	return rc;
}

/* Has the back end confirmed each entry? Each status is read only once. */
static bool grant_list_confirmed(const struct grant_list *l, u32 confirmed)
{
	u32 i;

	for (i = 0; i < l->n; i++)
		if (READ_ONCE(l->entry[i].status) != NETIF_CTRL_STATUS_SUCCESS)
			return false;
	return confirmed == l->n;
}

static int grants_del_queue(struct vifront_queue *q)
{
	struct grant_list l;
	u32 confirmed = 0, i;
	int rc;

	rc = grant_list_init(&l, q->fe);
	if (rc)
		return rc;
	grant_list_fill(&l, q, q->static_grants > VIFRONT_SLOTS);
	for (i = 0; i < l.n; i++)
		l.entry[i].status = NETIF_CTRL_STATUS_INVALID_PARAMETER;
	rc = vifront_ctrl_call(q->fe, NETIF_CTRL_DEL_GREF_MAPPING, q->id, l.ref, l.n,
			       &confirmed);
	if (!rc && !grant_list_confirmed(&l, confirmed))
		rc = -EBUSY;
	grant_list_fini(&l);
	if (rc)
		return rc;
	q->static_grants = 0;
	grants_set_copy_only(q, !q->fe->trusted, !q->fe->trusted);
	return 0;
}

/**
 * vifront_static_grants_add() - Have the back end map the buffers of all queues
 * @fe: Interface, its back end Connected
 *
 * Under rtnl, sleeps. Skips queues that are mapped already, and stops at the
 * first error.
 */
void vifront_static_grants_add(struct vifront *fe)
{
	unsigned int i, done = 0;
	int rc = 0;

	for (i = 0; i < fe->nr_queues && !rc; i++) {
		if (fe->queues[i].static_grants)
			continue;
		rc = grants_add_queue(&fe->queues[i]);
		done += !rc;
	}
	if (rc && rc != -EOPNOTSUPP)
		netdev_warn(fe->netdev, "static grants on only %u of %u queues: error %d\n",
			    done, fe->nr_queues, rc);
	else if (done)
		netdev_info(fe->netdev, "static grants on %u queue%s\n", done,
			    done == 1 ? "" : "s");
}

/**
 * vifront_static_grants_del() - Have the back end undo all its mappings
 * @fe: Interface
 *
 * Under rtnl, sleeps. A queue whose unmapping is not confirmed keeps its
 * static grants and stays copy_only.
 *
 * Return: 0, or the first error
 */
int vifront_static_grants_del(struct vifront *fe)
{
	unsigned int i;
	int rc = 0, err;

	for (i = 0; i < fe->nr_queues; i++) {
		if (!fe->queues[i].static_grants)
			continue;
		err = grants_del_queue(&fe->queues[i]);
		rc = rc ? rc : err;
	}
	if (rc)
		netdev_warn(fe->netdev, "static grants are still mapped: error %d\n", rc);
	return rc;
}
