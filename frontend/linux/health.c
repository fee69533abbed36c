// SPDX-License-Identifier: GPL-2.0
/*
 * A devlink health reporter for the rings: it reports protocol violations of
 * the back end, shows indices and counters, and recovers by connecting again.
 * It recovers from a fault at once, but leaves a second one within a minute to
 * the admin:
 *
 *   devlink health show xen/vif-0 reporter rings
 *   devlink health recover xen/vif-0 reporter rings
 */
#include <net/devlink.h>

#include "vifront.h"

#define HEALTH_GRACE_MS 60000

struct health {
	struct vifront *fe;
};

static const struct devlink_ops health_devlink_ops = {};

static void health_ring(struct devlink_fmsg *fmsg, const char *name, const struct vifront_ring *r)
{
	devlink_fmsg_pair_nest_start(fmsg, name);
	devlink_fmsg_obj_nest_start(fmsg);
	devlink_fmsg_u32_pair_put(fmsg, "req_prod", r->req_prod);
	devlink_fmsg_u32_pair_put(fmsg, "rsp_cons", r->rsp_cons);
	devlink_fmsg_u32_pair_put(fmsg, "rsp_prod", READ_ONCE(r->idx->rsp_prod));
	devlink_fmsg_u32_pair_put(fmsg, "req_event", READ_ONCE(r->idx->req_event));
	devlink_fmsg_u32_pair_put(fmsg, "rsp_event", READ_ONCE(r->idx->rsp_event));
	devlink_fmsg_obj_nest_end(fmsg);
	devlink_fmsg_pair_nest_end(fmsg);
}

static void health_queue(struct devlink_fmsg *fmsg, const struct vifront_queue *q)
{
	devlink_fmsg_obj_nest_start(fmsg);
	devlink_fmsg_u32_pair_put(fmsg, "queue", q->id);
	health_ring(fmsg, "tx", &q->tx.ring);
	health_ring(fmsg, "rx", &q->rx.ring);
	devlink_fmsg_u32_pair_put(fmsg, "tx_granted", q->tx.granted);
	devlink_fmsg_u32_pair_put(fmsg, "static_grants", q->static_grants);
	devlink_fmsg_u64_pair_put(fmsg, "tx_timeouts", q->tx_stats.timeouts);
	devlink_fmsg_u64_pair_put(fmsg, "rx_malformed", q->rx_stats.malformed);
	devlink_fmsg_obj_nest_end(fmsg);
}

static int health_diagnose(struct devlink_health_reporter *reporter, struct devlink_fmsg *fmsg,
			   struct netlink_ext_ack *extack)
{
	struct vifront *fe = devlink_health_reporter_priv(reporter);
	unsigned int i;

	rtnl_lock();
	devlink_fmsg_string_pair_put(fmsg, "state", fe->broken ? "broken" :
				     fe->attached ? "connected" : "not connected");
	devlink_fmsg_string_pair_put(fmsg, "last_fault", fe->fault ?: "none");
	devlink_fmsg_u32_pair_put(fmsg, "last_fault_queue", fe->fault_queue);
	devlink_fmsg_u64_pair_put(fmsg, "faults", fe->faults);
	devlink_fmsg_u64_pair_put(fmsg, "resets", fe->resets);
	devlink_fmsg_arr_pair_nest_start(fmsg, "queues");
	for (i = 0; i < fe->nr_queues; i++)
		health_queue(fmsg, &fe->queues[i]);
	devlink_fmsg_arr_pair_nest_end(fmsg);
	rtnl_unlock();
	return 0;
}

static int health_dump(struct devlink_health_reporter *reporter, struct devlink_fmsg *fmsg,
		       void *ctx, struct netlink_ext_ack *extack)
{
	return health_diagnose(reporter, fmsg, extack);
}

static int health_recover(struct devlink_health_reporter *reporter, void *ctx,
			  struct netlink_ext_ack *extack)
{
	return vifront_reset(devlink_health_reporter_priv(reporter));
}

static struct devlink_health_reporter_ops health_ops = {
	.name = "rings",
	.recover = health_recover,
	.dump = health_dump,
	.diagnose = health_diagnose,
};

/* After a fault, from a work item. */
void vifront_health_report(struct vifront *fe)
{
	if (fe->reporter)
		devlink_health_report(fe->reporter, fe->fault, fe);
}

/* Process context. A missing reporter is only logged: the device works without it. */
int vifront_health_create(struct vifront *fe)
{
	struct devlink_health_reporter *r;

	fe->devlink = devlink_alloc(&health_devlink_ops, sizeof(struct health), &fe->xbdev->dev);
	if (!fe->devlink)
		return -ENOMEM;
	r = vifront_compat_reporter(fe->devlink, &health_ops, HEALTH_GRACE_MS, fe);
	if (IS_ERR(r))
		dev_warn(&fe->xbdev->dev, "cannot create the health reporter: error %ld\n", PTR_ERR(r));
	else
		fe->reporter = r;
	devlink_register(fe->devlink);
	return 0;
}

void vifront_health_destroy(struct vifront *fe)
{
	devlink_unregister(fe->devlink);
	if (fe->reporter)
		devlink_health_reporter_destroy(fe->reporter);
	fe->reporter = NULL;
	devlink_free(fe->devlink);
}
