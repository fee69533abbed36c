// SPDX-License-Identifier: GPL-2.0
/*
 * The control ring: sends one message at a time and waits for the response.
 *
 * A message of a virtual PF may be answered too late: it fails, may be sent
 * again, and its response is dropped when it comes. Not protected against: a
 * back end that responds too late to another one, or to many. Then every later
 * message fails until the next connect, because nobody knows what was done.
 */
#include <linux/interrupt.h>
#include <xen/events.h>

#include "../../common/virtual_pf.h"
#include "vifront.h"

#define CTRL_TIMEOUT (5 * HZ)
#define CTRL_LATE_MAX 16u

static irqreturn_t ctrl_interrupt(int irq, void *data)
{
	struct vifront_ctrl *c = data;
	bool idle = READ_ONCE(c->ring.idx->rsp_prod) == READ_ONCE(c->ring.rsp_cons);

	wake_up(&c->wq);
	xen_irq_lateeoi(irq, idle ? XEN_EOI_FLAG_SPURIOUS : 0);
	return IRQ_HANDLED;
}

static void ctrl_send(struct vifront_ctrl *c, const struct netif_ctrl_request *req)
{
	c->sring->entry[c->ring.req_prod++ & (c->ring.size - 1)].req = *req;
	if (vifront_ring_push(&c->ring))
		notify_remote_via_irq(c->irq);
}

static int ctrl_receive_next(struct vifront_ctrl *c, struct netif_ctrl_response *rsp)
{
	u32 prod;
	int n;

	vifront_ring_want_event(&c->ring, 1);
	if (!wait_event_timeout(c->wq, READ_ONCE(c->ring.idx->rsp_prod) != c->ring.rsp_cons,
				CTRL_TIMEOUT))
		return -ETIMEDOUT;
	n = vifront_ring_responses(&c->ring, &prod);
	if (n < 0)
		return n;
	memcpy(rsp, &c->sring->entry[c->ring.rsp_cons++ & (c->ring.size - 1)].rsp, sizeof(*rsp));
	barrier(); /* from here on only the copy is used */
	return 0;
}

/* Drops the responses of as many earlier messages as were given up. */
static int ctrl_receive(struct vifront_ctrl *c, const struct netif_ctrl_request *req,
			struct netif_ctrl_response *rsp)
{
	int rc = ctrl_receive_next(c, rsp);

	for (; !rc && rsp->id != req->id && c->late; c->late--)
		rc = ctrl_receive_next(c, rsp);
	if (!rc && (rsp->id != req->id || rsp->type != req->type))
		rc = -EPROTO;
	return rc;
}

/*
 * Messages whose effect is the same if they are repeated, so that a late one does no
 * harm; after one about a rule, all rules are sent again.
 */
static bool ctrl_may_be_late(const struct vifront_ctrl *c, u16 type)
{
	return type >= VIFVPF_CTRL_ENABLE && type <= VIFVPF_CTRL_RULE_COUNTS &&
	       c->late < CTRL_LATE_MAX;
}

static void ctrl_failed(struct vifront *fe, u16 type, int rc)
{
	struct vifront_ctrl *c = &fe->ctrl;
	bool goes_on = rc == -ETIMEDOUT && ctrl_may_be_late(c, type);

	if (goes_on)
		c->late++;
	else
		c->connected = false;
	net_warn_ratelimited("%s: control message %u: %s%s\n", fe->netdev->name, type,
			     rc == -ETIMEDOUT ? "no response" : "wrong response",
			     goes_on ? "" : ", control ring disabled");
}

static int ctrl_status(u32 status)
{
	switch (status) {
	case NETIF_CTRL_STATUS_SUCCESS:
		return 0;
	case NETIF_CTRL_STATUS_NOT_SUPPORTED:
		return -EOPNOTSUPP;
	case NETIF_CTRL_STATUS_BUFFER_OVERFLOW:
		return -ENOSPC;
	}
	return -EINVAL;
}

/**
 * vifront_ctrl_call() - Send one message and wait for its response
 * @fe:     Interface
 * @type:   NETIF_CTRL_*
 * @d0:     First data word
 * @d1:     Second data word
 * @d2:     Third data word
 * @result: Set to the data word of the response (untrusted), of a refusal too;
 *          may be NULL
 *
 * Process context, sleeps for up to 5 s. Logs a missing or wrong response.
 *
 * Return: 0; -EOPNOTSUPP, also if there is no control ring; -EINVAL or -ENOSPC
 * by the response's status; -ETIMEDOUT or -EPROTO, after which the control ring
 * is not used any more, unless it was a message of a virtual PF that timed out
 */
int vifront_ctrl_call(struct vifront *fe, u16 type, u32 d0, u32 d1, u32 d2, u32 *result)
{
	struct netif_ctrl_request req = { .type = type, .data = { d0, d1, d2 } };
	struct vifront_ctrl *c = &fe->ctrl;
	struct netif_ctrl_response rsp;
	int rc = -EOPNOTSUPP;

	mutex_lock(&c->lock);
	if (!c->connected)
		goto out;
	req.id = c->next_id++;
	ctrl_send(c, &req);
	rc = ctrl_receive(c, &req, &rsp);
	if (rc) {
		ctrl_failed(fe, type, rc);
		goto out;
	}
	rc = ctrl_status(rsp.status);
	if (result)
		*result = rsp.data;
out:
	mutex_unlock(&c->lock);
	return rc;
}
EXPORT_SYMBOL_GPL(vifront_ctrl_call);

/**
 * vifront_ctrl_call_page() - Send a message whose data is in a page
 * @fe:     Interface
 * @type:   Of a message whose first data word is the grant of the page
 * @data:   Copied into the page, which is granted for reading, only for this call
 * @len:    Of @data, at most a page
 * @d1:     Second data word
 * @result: As of vifront_ctrl_call()
 *
 * Return: as vifront_ctrl_call(); -ENOMEM or -ENOSPC if there is no page or no grant
 */
int vifront_ctrl_call_page(struct vifront *fe, u16 type, const void *data, size_t len, u32 d1,
			   u32 *result)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	int ref, rc;

	if (!page)
		return -ENOMEM;
	memcpy(page_address(page), data, len);
	ref = gnttab_grant_foreign_access(fe->xbdev->otherend_id, xen_page_to_gfn(page), 1);
	if (ref < 0) {
		__free_page(page);
		return ref;
	}
	rc = vifront_ctrl_call(fe, type, ref, d1, 0, result);
	gnttab_end_foreign_access(ref, page);
	return rc;
}
EXPORT_SYMBOL_GPL(vifront_ctrl_call_page);

/**
 * vifront_ctrl_ask_page() - Send a message that is answered in a page
 * @fe:     Interface
 * @type:   Of a message whose second data word is the grant of the page
 * @d0:     First data word
 * @data:   Set to what the back end has written (untrusted), if the call succeeds
 * @len:    Of @data, at most a page
 * @result: As of vifront_ctrl_call()
 *
 * Return: as vifront_ctrl_call_page(); -EPROTO if the back end keeps the page
 */
int vifront_ctrl_ask_page(struct vifront *fe, u16 type, u32 d0, void *data, size_t len, u32 *result)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	int ref, rc;

	if (!page)
		return -ENOMEM;
	ref = gnttab_grant_foreign_access(fe->xbdev->otherend_id, xen_page_to_gfn(page), 0);
	if (ref < 0) {
		__free_page(page);
		return ref;
	}
	rc = vifront_ctrl_call(fe, type, d0, ref, 0, result);
	if (!gnttab_try_end_foreign_access(ref)) {
		gnttab_end_foreign_access(ref, page); /* freed when it is not mapped any more */
		return rc ? rc : -EPROTO;
	}
	memcpy(data, page_address(page), len); /* nobody else can write it now */
	__free_page(page);
	return rc;
}
EXPORT_SYMBOL_GPL(vifront_ctrl_ask_page);

/* Has the back end not answered yet what was given up? May sleep while a message is under way. */
bool vifront_ctrl_waits(struct vifront *fe)
{
	struct vifront_ctrl *c = &fe->ctrl;
	bool waits;

	mutex_lock(&c->lock);
	waits = c->connected && c->late && READ_ONCE(c->ring.idx->rsp_prod) == c->ring.rsp_cons;
	mutex_unlock(&c->lock);
	return waits;
}
EXPORT_SYMBOL_GPL(vifront_ctrl_waits);

/* Allocates the ring and its event channel, all or nothing. Process context. */
int vifront_ctrl_connect(struct vifront *fe)
{
	struct vifront_ctrl *c = &fe->ctrl;
	int rc;

	rc = xenbus_setup_ring(fe->xbdev, GFP_NOIO | __GFP_HIGH, (void **)&c->sring, 1,
			       &c->ring_ref);
	if (rc)
		return rc;
	vifront_ring_init(&c->ring, &c->sring->idx, NETIF_CTRL_RING_SIZE);
	rc = xenbus_alloc_evtchn(fe->xbdev, &c->evtchn);
	if (rc)
		goto err_free_ring;
	rc = bind_evtchn_to_irqhandler_lateeoi(c->evtchn, ctrl_interrupt, 0, fe->netdev->name, c);
	if (rc < 0)
		goto err_free_evtchn;
	c->irq = rc;
	c->late = 0;
	c->connected = true;
	return 0;
err_free_evtchn:
	xenbus_free_evtchn(fe->xbdev, c->evtchn);
err_free_ring:
	xenbus_teardown_ring((void **)&c->sring, 1, &c->ring_ref);
	return rc;
}

void vifront_ctrl_disconnect(struct vifront *fe)
{
	struct vifront_ctrl *c = &fe->ctrl;

	mutex_lock(&c->lock);
	c->connected = false;
	if (c->irq) {
		unbind_from_irqhandler(c->irq, c);
		xenbus_teardown_ring((void **)&c->sring, 1, &c->ring_ref);
	}
	c->irq = 0;
	mutex_unlock(&c->lock);
}
