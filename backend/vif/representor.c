/* SPDX-License-Identifier: BSD-3-Clause */
#include "representor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "capture/capture.h"
#include "names.h"
#include "rep_flags.h"
#include "version.h"
#include "vif.h"

LOG_TAG("representor");

/* So old counters may be. */
#define REFRESH_US 250000u
/* The module, or a name, may be there later. */
#define LOOK_AGAIN_US 1000000u
/* Those of the rule mtu. */
#define MTU_MIN 68u
#define MTU_MAX 9000u
#define REQUESTS_A_TURN 256

/*
 * @refresh_us, @retry_us: when it is time
 * @refused: errno of the last try to open the device, which was logged
 */
static struct {
	uint64_t refresh_us, retry_us;
	int refused;
} state;

static const char *open_remedy(int error)
{
	switch (error) {
	case ENOENT:
	case ENXIO:
		return "the module vifd_rep is not loaded";
	case EBUSY:
		return "another process has it";
	case EPROTO:
		return "the module vifd_rep is of another version of vifd";
	default:
		return strerror(error);
	}
}

static bool takes_commands(const struct host *host)
{
	return host->config->representor == CONFIG_REPRESENTOR_DPDM;
}

static int open_with_limits(const struct host *host)
{
	struct rep_limits limits = { .mtu_min = MTU_MIN, .mtu_max = MTU_MAX };

	rep_flag_limits(takes_commands(host), &limits);
	return rep_open(&limits);
}

/* Return: false: there is no device (yet) */
static bool open_device(const struct host *host, uint64_t now_us)
{
	int ret;

	if (rep_fd() >= 0)
		return true;
	if (now_us < state.retry_us)
		return false;
	ret = open_with_limits(host);
	if (ret)
		state.retry_us = now_us + LOOK_AGAIN_US;
	if (ret && ret != -state.refused)
		log_warn("representor: " REP_DEVICE
			 ": %s; vifs have no netdevs until that is remedied",
			 open_remedy(-ret));
	if (!ret && state.refused)
		log_info(REP_DEVICE " is there now");
	state.refused = -ret;
	return !ret;
}

static bool wanted_up(const struct vif *vif)
{
	return vif->policy.draft.link != POLICY_LINK_OFF;
}

static uint32_t wanted_mtu(const struct vif *vif)
{
	uint32_t mtu = vif->policy.draft.mtu;

	return mtu < MTU_MIN || mtu > MTU_MAX ? RTE_ETHER_MTU : mtu;
}

static void create(struct vif *vif)
{
	struct vif_representor *rep = &vif->representor;
	struct rep_create create = { .mtu = wanted_mtu(vif), .up = wanted_up(vif) };

	names_netdev(vif, create.name);
	memcpy(create.mac, vif->mac.addr_bytes, sizeof(create.mac));
	rep->page = rep_create(&create);
	if (!rep->page) {
		if (errno != rep->refused && vif_may_warn(vif))
			log_warn("%s: no netdev %.15s: %m", vif->name, create.name);
		rep->refused = errno;
		return;
	}
	rep->refused = 0;
	rep->told = (struct rep_state){ .slot = create.slot, .mtu = create.mtu, .up = create.up };
	snprintf(rep->page->version, sizeof(rep->page->version), "%s", VIFD_VERSION);
}

static void put64(__u64 *to, uint64_t value)
{
	__atomic_store_n(to, value, __ATOMIC_RELAXED);
}

/* Frames that were dropped in a direction, by whatever cause. */
static uint64_t dropped(const struct rep_page *page, const char *prefix)
{
	uint64_t sum = 0;

	for (enum path_counter which = 0; which < COUNTERS; which++) {
		if (strncmp(path_counter_name(which), prefix, strlen(prefix)) != 0)
			continue;
		sum += page->counter[which];
		which += path_counter_is_rule(which); /* its bytes follow */
	}
	return sum;
}

/* The netdev receives what the guest sends. */
static void write_counters(struct vif *vif)
{
	struct rep_page *page = vif->representor.page;
	uint32_t last = vif->path ? path_nr_queues(vif->path) - 1 : 0;

	for (enum path_counter which = 0; which < COUNTERS; which++)
		put64(&page->counter[which],
		      vif->representor.before[which] +
			      (vif->path ? path_counted(vif->path, which, 0, last) : 0));
	put64(&page->rx_packets, page->counter[COUNT_tx_packets]);
	put64(&page->rx_bytes, page->counter[COUNT_tx_bytes]);
	put64(&page->rx_dropped, dropped(page, "tx_drop_"));
	put64(&page->tx_packets, page->counter[COUNT_rx_packets]);
	put64(&page->tx_bytes, page->counter[COUNT_rx_bytes]);
	put64(&page->tx_dropped, dropped(page, "rx_drop_"));
}

static uint32_t features_of(const struct vif *vif)
{
	const struct path_config *config = vif->path ? path_get_config(vif->path) : NULL;

	if (!config)
		return 0;
	return (config->rx_csum4 ? REP_CSUM : 0) | (config->rx_gso4 ? REP_TSO4 : 0) |
	       (config->rx_gso6 ? REP_TSO6 : 0) | (config->rx_sg ? REP_SG : 0);
}

static void write_rules(struct vif *vif)
{
	struct rep_page *page = vif->representor.page;
	uint32_t features = features_of(vif);

	if (!(vif->stale & STALE_POLICY))
		page->flags = takes_commands(vif->host) ? rep_features_of(&vif->policy.draft) :
							  rep_flags_of(&vif->policy.draft);
	page->rx_delay_us = vif->live.rx_delay_us;
	page->rx_delay_frames = vif->live.rx_delay_frames;
	if (page->features == features)
		return;
	page->features = features;
	rep_set(&(struct rep_state){ .slot = vif->representor.told.slot, .what = REP_FEATURES });
}

static void write_device(struct vif *vif)
{
	struct rep_page *page = vif->representor.page;
	struct port_link link = { 0 };

	page->queues = vif->path ? path_nr_queues(vif->path) : 0;
	page->queues_max = vif->host->config->max_queues;
	page->ring_slots = NETIF_RING_SIZE;
	if (vif->path) {
		struct port *port = path_get_port(vif->path);

		port->ops->link_get(port, &link);
		snprintf(page->where, sizeof(page->where), "%.31s",
			 port->kind == PORT_VF ? port->name : "software");
	} else {
		page->where[0] = '\0';
	}
	page->speed_mbps = link.speed_mbps;
}

/* Rules that were set just now hold after the next update; until then the netdev has what was asked. */
static void tell_state(struct vif *vif)
{
	struct vif_representor *rep = &vif->representor;
	struct rep_state now = rep->told;

	now.carrier = vif->path && vif->carrier > 0;
	if (!(vif->stale & STALE_POLICY)) {
		now.up = wanted_up(vif);
		now.mtu = wanted_mtu(vif);
	}
	now.what = (now.carrier != rep->told.carrier ? REP_CARRIER : 0) |
		   (now.up != rep->told.up ? REP_UP : 0) | (now.mtu != rep->told.mtu ? REP_MTU : 0);
	if (now.what && !rep_set(&now))
		rep->told = now;
}

static void ask_rule(struct vif *vif, const char *words)
{
	char error[POLICY_ERROR_MAX];

	if (vif_set_policy(vif, words, error))
		log_warn("%s: '%s', asked of its netdev, is refused: %s", vif->name, words, error);
	else
		log_info("%s: '%s' was asked of its netdev", vif->name, words);
}

static void put_frame(void *arg, const struct rte_mbuf *frame)
{
	const struct vif_representor *rep = arg;

	rep_put(rep->told.slot, frame);
}

static void flush_frames(void *arg)
{
	(void)arg;
	rep_flush();
}

/* libpcap sets its filter after it listens, without a word, so the kernel is asked again and again. */
static void follow_filter(struct vif *vif)
{
	struct vif_representor *rep = &vif->representor;
	struct rep_filter now = { .slot = rep->told.slot };
	struct frame_filter *old = rep->filter;
	size_t bytes;

	if (!rep->capture || rep_read_filter(&now))
		return;
	bytes = now.len * sizeof(now.code[0]);
	if (now.len == rep->code.len && !memcmp(now.code, rep->code.code, bytes))
		return;
	rep->code = now;
	rep->filter = frame_filter_create(now.code, now.len);
	vif->mirror.filter = rep->filter;
	if (vif->path)
		vif_update_mirror(vif);
	frame_filter_destroy(old);
}

static void end_filter(struct vif *vif)
{
	frame_filter_destroy(vif->representor.filter);
	vif->representor.filter = NULL;
	vif->representor.code.len = 0;
}

/* Begin or end the copying of frames. */
static void capture(struct vif *vif, bool on)
{
	static const struct capture_sink sink = { .put = put_frame, .flush = flush_frames };
	struct vif_representor *rep = &vif->representor;
	struct capture *ended = rep->capture;

	if (on == (rep->capture != NULL))
		return;
	rep->capture = on ? capture_to(&sink, rep) : NULL;
	if (on && !rep->capture) {
		log_warn("%s: its netdev shows no frames: %m", vif->name);
		return;
	}
	vif->mirror.watch = on ? capture_tap(rep->capture) : NULL;
	vif->mirror.filter = NULL;
	if (vif->path)
		vif_update_mirror(vif);
	capture_close(ended);
	end_filter(vif);
}

static void answer(struct vif *vif, const struct rep_request *request)
{
	struct vif_representor *rep = &vif->representor;
	char words[POLICY_TEXT_MAX];

	if (request->what & REP_UP) {
		rep->told.up = request->up;
		/* without the rule that took it down, the others decide */
		if (request->up != wanted_up(vif))
			ask_rule(vif, request->up ? "link" : "link=off");
	}
	if (request->what & REP_MTU) {
		rep->told.mtu = request->mtu;
		snprintf(words, sizeof(words), "mtu=%" PRIu32, request->mtu);
		if (request->mtu != wanted_mtu(vif))
			ask_rule(vif, words);
	}
	if (request->what & REP_FLAGS && request->flags_mask) {
		rep_flag_words(request->flags_mask, request->flags, words, sizeof(words));
		ask_rule(vif, words);
	}
	if (request->what & REP_COMMAND)
		rep_command(vif, request->command);
	if (request->what & REP_CAPTURE)
		capture(vif, request->capture);
}

static void answer_all(struct host *host)
{
	struct rep_request request;
	struct vif *vif;

	for (int i = 0; i < REQUESTS_A_TURN && rep_take(&request); i++)
		TAILQ_FOREACH (vif, &host->vifs, link)
			if (vif->representor.page && vif->representor.told.slot == request.slot)
				answer(vif, &request);
}

/* While xen-netback has a vif, its netdev is xen-netback's; with path = kernel there is another. */
static bool wants_one(const struct vif *vif)
{
	return (vif->published || vif->path) && !vif->kernel.name[0] && !vif_wants_kernel(vif) &&
	       rte_is_valid_assigned_ether_addr(&vif->mac);
}

static void update(struct vif *vif, bool refresh, bool retry)
{
	struct vif_representor *rep = &vif->representor;

	if (rep->page && vif_wants_kernel(vif))
		representor_end(vif);
	if (!rep->page && wants_one(vif) && (!rep->refused || retry)) {
		create(vif);
		refresh = true;
	}
	if (!rep->page)
		return;
	tell_state(vif);
	if (!refresh)
		return;
	write_counters(vif);
	write_device(vif);
	write_rules(vif);
	follow_filter(vif);
}

uint64_t representor_run(struct host *host, uint64_t now_us)
{
	bool refresh = now_us >= state.refresh_us, retry = now_us >= state.retry_us;
	struct vif *vif;

	if (host->config->representor == CONFIG_REPRESENTOR_OFF)
		return UINT64_MAX;
	if (!open_device(host, now_us))
		return state.retry_us;
	answer_all(host);
	if (refresh)
		state.refresh_us = now_us + REFRESH_US;
	if (retry)
		state.retry_us = now_us + LOOK_AGAIN_US;
	TAILQ_FOREACH (vif, &host->vifs, link)
		update(vif, refresh, retry);
	return state.refresh_us;
}

void representor_keep(struct vif *vif)
{
	struct vif_representor *rep = &vif->representor;
	uint32_t last;

	if (!rep->page)
		return;
	last = path_nr_queues(vif->path) - 1;
	for (enum path_counter which = 0; which < COUNTERS; which++)
		rep->before[which] += path_counted(vif->path, which, 0, last);
}

void representor_end(struct vif *vif)
{
	struct vif_representor *rep = &vif->representor;

	if (!rep->page)
		return;
	capture(vif, false);
	rep_destroy(rep->told.slot, rep->page);
	rep->page = NULL;
}

void representor_close(void)
{
	rep_close();
	memset(&state, 0, sizeof(state));
}
