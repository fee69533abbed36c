/* SPDX-License-Identifier: BSD-3-Clause */
#include "moderation.h"

#include <string.h>

#include "vif.h"

LOG_TAG("moderation");

struct delay_call {
	const struct path *path;
	uint32_t us;
};

static int run_delay(struct worker *worker, void *arg)
{
	struct delay_call *call = arg;

	(void)worker;
	call->us = path_rx_delay_us(call->path);
	return 0;
}

/* Do frames wait for each other now? */
static bool is_delayed(struct vif *vif)
{
	struct delay_call call = { .path = vif->path };

	worker_run(vif->worker, run_delay, &call);
	return call.us > 0;
}

/* A device that was never asked to hold back has nothing to undo. */
static bool takes_part(const struct vif *vif)
{
	const struct moderation *own = &vif->moderation;

	return vif->path && !vif->leaving && path_get_port(vif->path)->ops->moderate &&
	       !own->refused && (vif->live.rx_adaptive || own->us);
}

static void refused(struct vif *vif, int error)
{
	vif->moderation.refused = true;
	if (vif_may_tell(vif))
		log_info("%s: latency-us: VF %s keeps its interrupt moderation: %s", vif->name,
			 path_get_port(vif->path)->name, strerror(-error));
}

/* The sum of both waits stays within the bound: the one that gets shorter comes first. */
static void set(struct vif *vif, uint32_t us, uint64_t now_us)
{
	struct moderation *own = &vif->moderation;
	struct port *port = path_get_port(vif->path);
	bool less = us < own->us;
	int ret = less ? port_moderate(port, us) : 0;

	own->stay_us = now_us + MODERATION_STAY_US;
	own->us = ret ? 0 : us;
	vif_update_live(vif, now_us);
	if (!less)
		ret = port_moderate(port, us);
	if (!ret)
		return;
	refused(vif, ret);
	own->us = 0;
	vif_update_live(vif, now_us);
}

static void look_at(struct vif *vif, uint64_t now_us)
{
	struct moderation *own = &vif->moderation;
	uint32_t most_us = vif->live.rx_adaptive ? vif->live.rx_delay_us / 2 : 0, us;

	if (now_us < own->stay_us && own->us <= most_us)
		return;
	us = most_us && is_delayed(vif) ? most_us : 0;
	if (us != own->us)
		set(vif, us, now_us);
}

uint64_t moderation_run(struct host *host, uint64_t now_us)
{
	bool look = now_us >= host->moderation_us, any = false;
	struct vif *vif;

	TAILQ_FOREACH (vif, &host->vifs, link) {
		if (!takes_part(vif))
			continue;
		any = true;
		if (look)
			look_at(vif, now_us);
	}
	if (look)
		host->moderation_us = now_us + MODERATION_LOOK_US;
	return any ? host->moderation_us : UINT64_MAX;
}
