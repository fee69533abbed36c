// SPDX-License-Identifier: GPL-2.0
/*
 * A queue: its ring pages, event channels and NAPI.
 *
 * The EOI of an interrupt is sent late: only when NAPI has found the rings
 * empty and has asked for the next event. Until then the event channel stays
 * masked, so a back end cannot cause an interrupt storm; events without new
 * responses are reported to Xen as spurious, which throttles them.
 */
#include <linux/interrupt.h>
#include <linux/netdevice.h>
#include <xen/events.h>

#include "vifront.h"

#define EOI_TX 0
#define EOI_RX 1

static bool queue_has_work(const struct vifront_queue *q)
{
	return READ_ONCE(q->tx.ring.idx->rsp_prod) != READ_ONCE(q->tx.ring.rsp_cons) ||
	       READ_ONCE(q->rx.ring.idx->rsp_prod) != READ_ONCE(q->rx.ring.rsp_cons);
}

static irqreturn_t queue_interrupt(int irq, void *data)
{
	struct vifront_queue *q = data;
	u32 progress = READ_ONCE(q->tx.ring.rsp_cons) + READ_ONCE(q->rx.ring.rsp_cons);

	if (unlikely(READ_ONCE(q->fe->broken)))
		return IRQ_HANDLED; /* no EOI: the event channel stays masked */
	if (unlikely(!queue_has_work(q) && progress == q->progress)) {
		xen_irq_lateeoi(irq, XEN_EOI_FLAG_SPURIOUS);
		return IRQ_HANDLED;
	}
	q->progress = progress;
	q->events++;
	set_bit(irq == q->rx_irq ? EOI_RX : EOI_TX, &q->eoi_pending);
	napi_schedule(&q->napi);
	return IRQ_HANDLED;
}

static void queue_end_interrupts(struct vifront_queue *q)
{
	if (test_and_clear_bit(EOI_RX, &q->eoi_pending))
		xen_irq_lateeoi(q->rx_irq, 0);
	if (test_and_clear_bit(EOI_TX, &q->eoi_pending))
		xen_irq_lateeoi(q->tx_irq, 0);
}

static enum hrtimer_restart queue_timer(struct hrtimer *timer)
{
	struct vifront_queue *q = container_of(timer, struct vifront_queue, timer);

	napi_schedule(&q->napi);
	return HRTIMER_NORESTART;
}

static int queue_poll_tx(struct vifront_queue *q, int budget)
{
	struct netdev_queue *nq = netdev_get_tx_queue(q->fe->netdev, q->id);
	int n;

	__netif_tx_lock(nq, smp_processor_id());
	n = vifront_tx_reclaim(q, budget);
	if (n >= 0)
		vifront_tx_arm(q);
	__netif_tx_unlock(nq);
	return n;
}

/* Asks for the next rx event. Return: responses are there already, poll again */
static bool queue_arm_rx(struct vifront_queue *q, int work)
{
	u32 after = vifront_coalesce_event_after(q, work);

	if (after > 1)
		hrtimer_start(&q->timer, ns_to_ktime(q->rx.coalesce_us * NSEC_PER_USEC),
			      HRTIMER_MODE_REL_PINNED_SOFT);
	return vifront_ring_want_event(&q->rx.ring, after);
}

static int queue_poll(struct napi_struct *napi, int budget)
{
	struct vifront_queue *q = container_of(napi, struct vifront_queue, napi);
	int work;

	if (unlikely(READ_ONCE(q->fe->broken)))
		goto idle;
	if (queue_poll_tx(q, budget) < 0)
		goto idle;
	work = budget ? vifront_rx_poll(q, budget) : 0;
	if (unlikely(READ_ONCE(q->fe->broken)))
		goto idle;
	if (work >= budget)
		return work;
	/* before napi_complete_done(), so that no other CPU moves the indices */
	if (queue_arm_rx(q, work))
		return budget;
	vifront_coalesce_sample(q);
	if (napi_complete_done(napi, work))
		queue_end_interrupts(q);
	return work;
idle:
	napi_complete(napi);
	return 0;
}

static int queue_bind(struct vifront_queue *q, evtchn_port_t *port, unsigned int *irq,
		      const char *name)
{
	int rc = xenbus_alloc_evtchn(q->fe->xbdev, port);

	if (rc)
		return rc;
	rc = bind_evtchn_to_irqhandler_lateeoi(*port, queue_interrupt, 0, name, q);
	if (rc < 0) {
		xenbus_free_evtchn(q->fe->xbdev, *port);
		return rc;
	}
	*irq = rc;
	return 0;
}

static void queue_unbind(struct vifront_queue *q)
{
	if (q->tx_irq && q->tx_irq != q->rx_irq)
		unbind_from_irqhandler(q->tx_irq, q);
	if (q->rx_irq)
		unbind_from_irqhandler(q->rx_irq, q);
	q->tx_irq = 0;
	q->rx_irq = 0;
}

static int queue_bind_all(struct vifront_queue *q, bool split)
{
	const char *dev = q->fe->netdev->name;
	int rc;

	q->eoi_pending = 0;
	snprintf(q->tx_name, sizeof(q->tx_name), "%s-q%u-tx", dev, q->id);
	snprintf(q->rx_name, sizeof(q->rx_name), split ? "%s-q%u-rx" : "%s-q%u", dev, q->id);
	rc = queue_bind(q, &q->rx_evtchn, &q->rx_irq, q->rx_name);
	if (rc)
		return rc;
	if (!split) {
		q->tx_evtchn = q->rx_evtchn;
		q->tx_irq = q->rx_irq;
		return 0;
	}
	rc = queue_bind(q, &q->tx_evtchn, &q->tx_irq, q->tx_name);
	if (rc)
		queue_unbind(q);
	return rc;
}

static void queue_free_rings(struct vifront_queue *q)
{
	xenbus_teardown_ring((void **)&q->tx.sring, 1, &q->tx_ring_ref);
	xenbus_teardown_ring((void **)&q->rx.sring, 1, &q->rx_ring_ref);
}

static int queue_alloc_rings(struct vifront_queue *q)
{
	struct xenbus_device *dev = q->fe->xbdev;
	int rc;

	rc = xenbus_setup_ring(dev, GFP_NOIO | __GFP_HIGH, (void **)&q->tx.sring, 1,
			       &q->tx_ring_ref);
	if (rc)
		return rc;
	rc = xenbus_setup_ring(dev, GFP_NOIO | __GFP_HIGH, (void **)&q->rx.sring, 1,
			       &q->rx_ring_ref);
	if (rc) {
		xenbus_teardown_ring((void **)&q->tx.sring, 1, &q->tx_ring_ref);
		return rc;
	}
	vifront_ring_init(&q->tx.ring, &q->tx.sring->idx, VIFRONT_SLOTS);
	vifront_ring_init(&q->rx.ring, &q->rx.sring->idx, VIFRONT_SLOTS);
	return 0;
}

/**
 * vifront_queue_connect() - Allocate everything a back end needs to serve the queue
 * @q:     Queue, not connected
 * @split: Use one event channel per direction instead of a shared one
 *
 * Process context under rtnl, may sleep. NAPI stays disabled, and the rx ring
 * empty until it runs. All or nothing.
 *
 * Return: 0 or -errno
 */
int vifront_queue_connect(struct vifront_queue *q, bool split)
{
	int rc;

	rc = queue_alloc_rings(q);
	if (rc)
		return rc;
	rc = vifront_tx_init(q);
	if (rc)
		goto err_free_rings;
	rc = vifront_rx_init(q);
	if (rc)
		goto err_fini_tx;
	rc = queue_bind_all(q, split);
	if (rc)
		goto err_fini_rx;
	q->static_grants = 0;
	q->connected = true;
	return 0;
err_fini_rx:
	vifront_rx_fini(q);
err_fini_tx:
	vifront_tx_fini(q);
err_free_rings:
	queue_free_rings(q);
	return rc;
}

/**
 * vifront_queue_disconnect() - Free what vifront_queue_connect() allocated
 * @q: Queue with NAPI disabled and its tx queue stopped; may be disconnected already
 *
 * Process context under rtnl, may sleep. Pages that the back end still maps go
 * to the kernel's list of deferred grants and are not reused before it unmaps
 * them.
 */
void vifront_queue_disconnect(struct vifront_queue *q)
{
	struct netdev_queue *nq = netdev_get_tx_queue(q->fe->netdev, q->id);

	if (!q->connected)
		return;
	__netif_tx_lock_bh(nq); /* XDP also transmits on a stopped queue */
	q->connected = false;
	__netif_tx_unlock_bh(nq);
	queue_unbind(q);
	vifront_rx_fini(q);
	vifront_tx_fini(q);
	queue_free_rings(q);
}

/* Starts NAPI and polls once for earlier responses. Under rtnl. */
void vifront_queue_enable(struct vifront_queue *q)
{
	if (q->napi_on || !q->connected)
		return;
	q->napi_on = true;
	q->dim.state = DIM_START_MEASURE; /* vifront_queue_disable() may have cancelled its work */
	napi_enable(&q->napi);
	local_bh_disable();
	napi_schedule(&q->napi); /* fills the rx ring */
	local_bh_enable();
}

/* Stops NAPI and waits for it. Under rtnl. */
void vifront_queue_disable(struct vifront_queue *q)
{
	if (!q->napi_on)
		return;
	q->napi_on = false;
	napi_disable(&q->napi);
	hrtimer_cancel(&q->timer);
	cancel_work_sync(&q->dim.work);
}

/* At probe; undone by vifront_queue_fini(). */
void vifront_queue_init(struct vifront *fe, unsigned int id)
{
	struct vifront_queue *q = &fe->queues[id];

	BUILD_BUG_ON(PAGE_SIZE != XEN_PAGE_SIZE);
	q->fe = fe;
	q->id = id;
	u64_stats_init(&q->tx_sync);
	u64_stats_init(&q->rx_sync);
	vifront_compat_timer(&q->timer, queue_timer);
	vifront_coalesce_init(q);
	netif_napi_add(fe->netdev, &q->napi, queue_poll);
}

/* At remove; the queue is disconnected. */
void vifront_queue_fini(struct vifront_queue *q)
{
	netif_napi_del(&q->napi);
}
