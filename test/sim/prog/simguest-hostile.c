// SPDX-License-Identifier: BSD-3-Clause
/*
 * simguest-hostile: a guest that breaks every rule it can, in random order from a seed, and
 * connects again when the back end has stopped it. It answers one question only: is the back end
 * still running, and are the other guests unharmed?
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../guest/simguest.h"
#include "common/flow.h"

static const char help[] =
	"Usage: simguest-hostile [OPTION]... DOMID [DEVID]\n"
	"  --ops N       hostile operations (100000)     --seconds S   at most (60)\n"
	"  --seed N      of the random order (1)         --queues N    (2)\n"
	"  --fatal N     one in N operations is one that ends the connection (20000; 0 = none)\n"
	"  --only NAME   one kind only                   --list        the kinds\n"
	"Prints operations=N reconnects=N and how often each kind was done.\n";

#define MASK (NETIF_RING_SIZE - 1)

static struct simguest *g;
static struct simguest_queue *q;
static uint64_t seed = 1;
static uint32_t reconnects, refused;
static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static uint32_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

static uint32_t below(uint32_t n)
{
	return rnd() % n;
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static bool has_room(uint32_t slots)
{
	for (int i = 0; i < 200; i++) {
		uint32_t rsp = __atomic_load_n(&q->txs->idx.rsp_prod, __ATOMIC_ACQUIRE);

		if (q->tx.prod - rsp <= NETIF_RING_SIZE &&
		    NETIF_RING_SIZE - (q->tx.prod - rsp) >= slots)
			return true;
		simhv_port_notify((uint32_t)g->evh, (uint32_t)q->tx.port);
		usleep(20);
	}
	return false;
}

static struct netif_tx_request *slot(uint16_t flags, uint16_t offset, uint16_t size)
{
	uint32_t id = q->tx.prod & MASK;
	struct netif_tx_request *req = &q->txs->entry[q->tx.prod++ & MASK].req;

	*req = (struct netif_tx_request){ q->tx_gref[id], offset, flags, (uint16_t)id, size };
	return req;
}

static struct netif_extra_info *extra(uint8_t type, bool more)
{
	struct netif_extra_info *e = &q->txs->entry[q->tx.prod++ & MASK].extra;

	memset(e, 0, sizeof(*e));
	e->type = type;
	e->flags = more ? NETIF_EXTRA_FLAG_MORE : 0;
	return e;
}

static void push(void)
{
	__atomic_store_n(&q->txs->idx.req_prod, q->tx.prod, __ATOMIC_RELEASE);
	if (below(8) == 0)
		simhv_port_notify((uint32_t)g->evh, (uint32_t)q->tx.port);
}

/* A plausible Ethernet, IP and TCP header in a buffer, then damaged */
static void headers(uint32_t id, bool v6, uint32_t damage)
{
	uint8_t *p = q->tx_mem + (size_t)id * SIM_PAGE;

	memset(p, 0, 128);
	for (int i = 0; i < 12; i++)
		p[i] = (uint8_t)rnd();
	p[0] &= 0xfe;
	p[12] = v6 ? 0x86 : 0x08;
	p[13] = v6 ? 0xdd : 0x00;
	p[14] = v6 ? 0x60 : 0x45;
	p[v6 ? 20 : 23] = 6;
	p[v6 ? 66 : 46] = 0x50;
	for (uint32_t i = 0; i < damage; i++)
		p[12 + below(80)] = (uint8_t)rnd();
}

/* --- operations that must cost only the guest a frame ------------------------------- */

static void do_bad_gref(void)
{
	slot(0, 0, 60)->gref = below(2) ? rnd() : below(SIM_GRANTS);
}

static void do_other_domain(void)
{
	slot(0, 0, 60)->gref = 8 + below(600);
}

static void do_page_crossing(void)
{
	slot(0, (uint16_t)(4096 - below(60)), (uint16_t)(61 + below(4000)));
}

static void do_huge_offset(void)
{
	slot(0, (uint16_t)rnd(), (uint16_t)rnd());
}

static void do_zero_slots(void)
{
	slot(NETIF_TXF_MORE_DATA, 0, 60);
	for (uint32_t i = below(16); i; i--)
		slot(NETIF_TXF_MORE_DATA, 0, 0);
	slot(0, 0, 0);
}

static void do_tiny_total(void)
{
	uint32_t n = 17 + below(3);

	slot(NETIF_TXF_MORE_DATA, 0, (uint16_t)below(40));
	for (uint32_t i = 1; i < n - 1; i++)
		slot(NETIF_TXF_MORE_DATA, 0, 1);
	slot(0, 0, 1);
}

static void do_sum_mismatch(void)
{
	slot(NETIF_TXF_MORE_DATA, 0, (uint16_t)(100 + below(200)));
	slot(NETIF_TXF_MORE_DATA, 0, (uint16_t)(1000 + below(3000)));
	slot(0, 0, (uint16_t)below(4096));
}

static void do_runt(void)
{
	slot(0, (uint16_t)below(4000), (uint16_t)below(14));
}

static void do_giant(void)
{
	slot(NETIF_TXF_MORE_DATA, 0, 0xffff);
	slot(0, 0, 10);
}

static void do_garbage(void)
{
	uint8_t *p = q->tx_mem + (size_t)(q->tx.prod & MASK) * SIM_PAGE;

	for (uint32_t i = 0; i < 128; i++)
		p[i] = (uint8_t)rnd();
	slot((uint16_t)(rnd() & (NETIF_TXF_CSUM_BLANK | NETIF_TXF_DATA_VALIDATED)), 0,
	     (uint16_t)(14 + below(1500)));
}

static void do_csum_lies(void)
{
	headers(q->tx.prod & MASK, below(2), below(4));
	slot(NETIF_TXF_CSUM_BLANK, 0, (uint16_t)(14 + below(120)));
}

static void do_gso_lies(void)
{
	uint32_t id = q->tx.prod & MASK, total = 54 + below(8000);
	struct netif_extra_info *e;

	headers(id, below(2), below(3));
	slot((uint16_t)(NETIF_TXF_EXTRA_INFO | NETIF_TXF_CSUM_BLANK |
			(total > 4096 ? NETIF_TXF_MORE_DATA : 0)),
	     0, (uint16_t)total);
	e = extra(NETIF_EXTRA_GSO, false);
	e->u.gso.size = (uint16_t)(1 + (below(3) ? below(16) : below(65535)));
	e->u.gso.type = (uint8_t)(1 + below(2));
	e->u.gso.features = (uint16_t)below(2);
	if (total > 4096)
		slot(0, 0, (uint16_t)(total - 4096 > 4096 ? 4096 : total - 4096));
}

static void do_extra_unknown(void)
{
	slot(NETIF_TXF_EXTRA_INFO, 0, 60);
	extra((uint8_t)(5 + below(250)), false);
}

static void extra_chain(uint32_t n)
{
	slot(NETIF_TXF_EXTRA_INFO, 0, 60);
	for (; n; n--) {
		struct netif_extra_info *e = extra((uint8_t)(1 + below(4)), n > 1);

		e->u.gso.size = (uint16_t)(1 + below(2000));
		e->u.gso.type = (uint8_t)(1 + below(2));
	}
}

static void do_extra_chain(void)
{
	extra_chain(1 + below(3));
}

static void do_extra_endless(void)
{
	extra_chain(20 + below(20));
}

static void do_gso_unknown(void)
{
	struct netif_extra_info *e;

	slot(NETIF_TXF_EXTRA_INFO, 0, 60);
	e = extra(NETIF_EXTRA_GSO, false);
	e->u.gso.size = (uint16_t)below(2);
	e->u.gso.type = (uint8_t)(below(2) ? 0 : 3 + below(250));
}

static void do_mcast_flood(void)
{
	struct netif_extra_info *e;

	slot(NETIF_TXF_EXTRA_INFO, 0, 60);
	e = extra((uint8_t)(NETIF_EXTRA_MCAST_ADD + below(2)), false);
	for (int i = 0; i < 6; i++)
		e->u.mcast.addr[i] = (uint8_t)(i ? rnd() : rnd() | 1);
}

static void do_same_id(void)
{
	slot(0, 0, 60)->id = 7;
	slot(0, 0, 60)->id = 7;
	slot(0, 0, 60)->id = 0xffff;
}

static void do_rewrite(void)
{
	struct netif_tx_request *req = slot(0, 0, 60);

	push();
	for (int i = 0; i < 20; i++) {
		req->size = (uint16_t)below(200);
		req->offset = (uint16_t)below(3800);
		req->flags = (uint16_t)(rnd() & 3);
		req->gref = below(2) ? rnd() : q->tx_gref[0];
	}
}

static void do_rewrite_all(void)
{
	uint32_t *word = (void *)slot(0, 0, 60);

	push();
	for (int i = 0; i < 100; i++)
		__atomic_store_n(&word[below(3)], rnd(), __ATOMIC_RELAXED);
}

static void do_revoke(void)
{
	uint32_t id = q->tx.prod & MASK;

	slot(0, 0, 1514);
	push();
	simhv_grant_end(g->config.domid, q->tx_gref[id]);
	simhv_grant_access(g->config.domid, q->tx_gref[id], 0, q->tx_gfn + id, true);
}

static void do_storm(void)
{
	for (int i = 0; i < 50; i++)
		simhv_port_notify((uint32_t)g->evh, (uint32_t)(below(2) ? q->tx.port : q->rx.port));
}

static void do_events_lie(void)
{
	__atomic_store_n(&q->txs->idx.rsp_event, rnd(), __ATOMIC_RELAXED);
	__atomic_store_n(&q->rxs->idx.rsp_event, rnd(), __ATOMIC_RELAXED);
	__atomic_store_n(&q->txs->idx.req_event, rnd(), __ATOMIC_RELAXED);
	__atomic_store_n(&q->rxs->idx.req_event, rnd(), __ATOMIC_RELAXED);
}

static void do_rx_bad_buffers(void)
{
	for (int i = 0; i < 8; i++) {
		struct netif_rx_request *req = &q->rxs->entry[q->rx.prod++ & MASK].req;

		req->id = (uint16_t)rnd();
		req->gref = below(2) ? rnd() : q->tx_gref[below(NETIF_RING_SIZE)];
	}
	/* Never more than a ring: that is another operation */
	q->rx.cons = __atomic_load_n(&q->rxs->idx.rsp_prod, __ATOMIC_ACQUIRE);
	if (q->rx.prod - q->rx.cons > NETIF_RING_SIZE)
		q->rx.prod = q->rx.cons + NETIF_RING_SIZE;
	__atomic_store_n(&q->rxs->idx.req_prod, q->rx.prod, __ATOMIC_RELEASE);
}

static uint8_t *ctrl_page(void)
{
	return (uint8_t *)simhv_mem(g->config.domid) + g->list_gfn * SIM_PAGE;
}

/* Some bytes of the page that messages point to are others now. */
static void scribble_page(void)
{
	for (int i = 0; i < 8; i++)
		ctrl_page()[below(SIM_PAGE)] = (uint8_t)rnd();
}

/* Return: false: there is no ring, or no room in it */
static bool send_ctrl(uint16_t type, uint32_t a, uint32_t b, uint32_t c)
{
	struct netif_ctrl_request *req;
	uint32_t rsp;

	if (!g->ctrls)
		return false;
	rsp = __atomic_load_n(&g->ctrls->idx.rsp_prod, __ATOMIC_ACQUIRE);
	if (g->ctrl.prod - rsp >= NETIF_CTRL_RING_SIZE)
		return false;
	req = &g->ctrls->entry[g->ctrl.prod++ & (NETIF_CTRL_RING_SIZE - 1)].req;
	*req = (struct netif_ctrl_request){ .id = (uint16_t)rnd(),
					    .type = type,
					    .data = { a, b, c } };
	__atomic_store_n(&g->ctrls->idx.req_prod, g->ctrl.prod, __ATOMIC_RELEASE);
	simhv_port_notify((uint32_t)g->evh, (uint32_t)g->ctrl.port);
	return true;
}

static void do_ctrl(void)
{
	if (send_ctrl((uint16_t)below(13), below(2) ? below(4) : rnd(),
		      below(3) ? g->list_gref : rnd(), below(2) ? below(600) : rnd()))
		scribble_page();
}

/* As many rules as it gets, each of which looks at everything and decides nothing. */
static void do_flow_rule(void)
{
	static const uint16_t types[] = { VIFFLOW_ITEM_ETH, VIFFLOW_ITEM_IPV4, VIFFLOW_ITEM_UDP };
	struct vifflow_rule *rule;

	if (!g->ctrls)
		return;
	rule = (void *)ctrl_page();
	memset(rule, 0, sizeof(*rule));
	rule->id = rnd();
	rule->nr_items = (uint16_t)(1 + below(3));
	rule->nr_actions = 2;
	for (uint32_t i = 0; i < rule->nr_items; i++) {
		rule->items[i].type = types[i];
		rule->items[i].mask[below(8)] = (uint8_t)rnd();
	}
	rule->actions[0].type = VIFFLOW_ACTION_COUNT;
	rule->actions[1].type = VIFFLOW_ACTION_PASSTHRU;
	send_ctrl(VIFFLOW_CTRL_CREATE, g->list_gref, 0, 0);
	if (below(2))
		scribble_page();
}

static void do_flow_message(void)
{
	send_ctrl((uint16_t)(VIFFLOW_CTRL_VALIDATE + below(8)), below(2) ? g->list_gref : below(3),
		  below(2) ? g->list_gref : below(3), below(3));
}

static void do_watch_storm(void)
{
	static const char *const keys[] = { "request-multicast-control",
					    "xdp-headroom",
					    "feature-sg",
					    "mac",
					    "capability",
					    "capability-ack" };
	static const char *const values[] = {
		"1", "0", "", "-1", "99999999999999999999", "yes", "version=1 generation=1"
	};

	for (int i = 0; i < 4; i++)
		simguest_write(g, keys[below(6)], "%s", values[below(7)]);
}

/* --- operations that end the connection -------------------------------------------------------------------- */

static void do_tx_index(void)
{
	__atomic_store_n(&q->txs->idx.req_prod, q->tx.prod + 257 + below(1u << 30),
			 __ATOMIC_RELEASE);
	simhv_port_notify((uint32_t)g->evh, (uint32_t)q->tx.port);
}

static void do_rx_index(void)
{
	__atomic_store_n(&q->rxs->idx.req_prod, q->rx.prod + 257 + below(1u << 30),
			 __ATOMIC_RELEASE);
	simhv_port_notify((uint32_t)g->evh, (uint32_t)q->rx.port);
}

static void do_ctrl_index(void)
{
	if (!g->ctrls)
		return;
	__atomic_store_n(&g->ctrls->idx.req_prod, rnd(), __ATOMIC_RELEASE);
	simhv_port_notify((uint32_t)g->evh, (uint32_t)g->ctrl.port);
}

static void do_too_many_slots(void)
{
	for (uint32_t i = 21 + below(40); i; i--)
		slot(NETIF_TXF_MORE_DATA, 0, 100);
	slot(0, 0, 10);
}

static void do_promise(void)
{
	slot(NETIF_TXF_MORE_DATA, 0, 60);
}

static void do_rings_scribbled(void)
{
	for (uint32_t i = 0; i < SIM_PAGE / 4; i++)
		((uint32_t *)(void *)(below(2) ? (void *)q->txs : (void *)q->rxs))[i] = rnd();
}

static void do_state_flap(void)
{
	for (int i = 0; i < 5; i++)
		simguest_write(g, "state", "%d", (int)below(10));
}

static void do_state_gone(void)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/state", g->front);
	xs_rm(g->xs, XBT_NULL, path);
}

static struct kind {
	const char *name;
	void (*run)(void);
	uint32_t slots;	 /* of the tx ring, 0 = none */
	uint32_t weight; /* 0 = ends the connection */
	uint64_t done;
} kinds[] = {
	{ "bad-gref", do_bad_gref, 1, 20, 0 },
	{ "other-domain", do_other_domain, 1, 5, 0 },
	{ "zero-slots", do_zero_slots, 18, 10, 0 },
	{ "tiny-total", do_tiny_total, 20, 10, 0 },
	{ "sum-mismatch", do_sum_mismatch, 3, 10, 0 },
	{ "runt", do_runt, 1, 20, 0 },
	{ "garbage", do_garbage, 1, 20, 0 },
	{ "csum-lies", do_csum_lies, 1, 20, 0 },
	{ "gso-lies", do_gso_lies, 3, 20, 0 },
	{ "extra-chain", do_extra_chain, 10, 5, 0 },
	{ "mcast-flood", do_mcast_flood, 2, 10, 0 },
	{ "same-id", do_same_id, 3, 10, 0 },
	{ "rewrite", do_rewrite, 1, 20, 0 },
	{ "revoke", do_revoke, 1, 10, 0 },
	{ "event-storm", do_storm, 0, 5, 0 },
	{ "events-lie", do_events_lie, 0, 10, 0 },
	{ "rx-bad-buffers", do_rx_bad_buffers, 0, 10, 0 },
	{ "ctrl", do_ctrl, 0, 5, 0 },
	{ "flow-rule", do_flow_rule, 0, 10, 0 },
	{ "flow-message", do_flow_message, 0, 1, 0 },
	{ "watch-storm", do_watch_storm, 0, 1, 0 },
	{ "page-crossing", do_page_crossing, 1, 0, 0 },
	{ "huge-offset", do_huge_offset, 1, 0, 0 },
	{ "giant", do_giant, 2, 0, 0 },
	{ "extra-unknown", do_extra_unknown, 2, 0, 0 },
	{ "extra-endless", do_extra_endless, 42, 0, 0 },
	{ "gso-unknown", do_gso_unknown, 2, 0, 0 },
	{ "rewrite-all", do_rewrite_all, 1, 0, 0 },
	{ "tx-index", do_tx_index, 0, 0, 0 },
	{ "rx-index", do_rx_index, 0, 0, 0 },
	{ "ctrl-index", do_ctrl_index, 0, 0, 0 },
	{ "too-many-slots", do_too_many_slots, 70, 0, 0 },
	{ "promise", do_promise, 1, 0, 0 },
	{ "scribble", do_rings_scribbled, 0, 0, 0 },
	{ "state-flap", do_state_flap, 0, 0, 0 },
	{ "state-gone", do_state_gone, 0, 0, 0 },
};

#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static struct kind *pick(bool fatal, const char *only)
{
	uint32_t sum = 0, at;

	for (size_t i = 0; only && i < NR_KINDS; i++)
		if (!strcmp(kinds[i].name, only))
			return &kinds[i];
	for (size_t i = 0; i < NR_KINDS; i++)
		sum += fatal ? kinds[i].weight == 0 : kinds[i].weight;
	at = below(sum);
	for (size_t i = 0; i < NR_KINDS; i++) {
		uint32_t w = fatal ? kinds[i].weight == 0 : kinds[i].weight;

		if (at < w)
			return &kinds[i];
		at -= w;
	}
	return &kinds[0];
}

/* Reset the guest and connect again. Return: 0, or -errno if the back end refuses it */
static int connect_again(struct simguest_config *c)
{
	if (g) {
		simguest_write(g, "state", "6");
		simguest_disconnect(g);
		simguest_abandon(g);
		reconnects++;
	}
	g = simguest_open(c);
	if (!g)
		return -errno;
	return simguest_connect(g);
}

static void operate(bool fatal, const char *only)
{
	struct kind *k = pick(fatal, only);

	q = &g->queue[below(g->nr_queues)];
	if (k->slots && !has_room(k->slots)) {
		refused++;
		return;
	}
	k->run();
	if (k->slots)
		push();
	k->done++;
}

static const struct option options[] = {
	{ "ops", 1, NULL, 'o' },    { "seconds", 1, NULL, 't' }, { "seed", 1, NULL, 's' },
	{ "queues", 1, NULL, 'q' }, { "fatal", 1, NULL, 'f' },	 { "only", 1, NULL, 'O' },
	{ "list", 0, NULL, 'l' },   { "help", 0, NULL, 'h' },	 { NULL, 0, NULL, 0 },
};

static struct {
	uint64_t ops;
	double seconds;
	uint32_t fatal;
	const char *only;
	struct simguest_config config;
} opt = { 100000,
	  60,
	  20000,
	  NULL,
	  { .queues = 2, .ctrl_ring = true, .poll = true, .timeout_ms = 20000 } };

static void kinds_list(void)
{
	for (size_t i = 0; i < NR_KINDS; i++)
		printf("%s%s\n", kinds[i].name, kinds[i].weight ? "" : " (ends the connection)");
}

static int options_read(int argc, char **argv)
{
	int o;

	while ((o = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (o) {
		case 'o':
			opt.ops = strtoull(optarg, NULL, 10);
			break;
		case 't':
			opt.seconds = atof(optarg);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 10) * 0x9e3779b97f4a7c15u + 1;
			break;
		case 'q':
			opt.config.queues = (uint32_t)atoi(optarg);
			break;
		case 'f':
			opt.fatal = (uint32_t)atoi(optarg);
			break;
		case 'O':
			opt.only = optarg;
			break;
		case 'l':
			kinds_list();
			exit(0);
		case 'h':
			fputs(help, stdout);
			exit(0);
		default:
			return -EINVAL;
		}
	}
	if (optind >= argc)
		return -EINVAL;
	opt.config.domid = (uint32_t)atoi(argv[optind]);
	opt.config.devid = optind + 1 < argc ? (uint32_t)atoi(argv[optind + 1]) : 0;
	return 0;
}

int main(int argc, char **argv)
{
	struct simguest_config *c = &opt.config;
	uint64_t n = 0;
	uint32_t seen = 0;
	double end;
	int err;

	if (options_read(argc, argv)) {
		fputs(help, stderr);
		return 2;
	}
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	err = connect_again(c);
	end = now_s() + opt.seconds;
	for (; !err && n < opt.ops && !stop && now_s() < end; n++) {
		operate(opt.fatal && below(opt.fatal) == 0, opt.only);
		if (n % 64 == 63)
			usleep(1);
		if ((n % 1024 == 1023 || refused != seen) && simguest_back_state(g) != 4)
			err = connect_again(c);
		seen = refused;
	}
	printf("operations=%lu reconnects=%u no_room=%u", n, reconnects, refused);
	for (size_t i = 0; i < NR_KINDS; i++)
		printf(" %s=%lu", kinds[i].name, kinds[i].done);
	printf("\n");
	if (err)
		fprintf(stderr, "simguest-hostile: connecting again: %s\n", strerror(-err));
	return err ? 1 : 0;
}
