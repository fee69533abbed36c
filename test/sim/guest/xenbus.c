// SPDX-License-Identifier: BSD-3-Clause
/* The handshake of a guest with its back end, through the store */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "simguest.h"

enum { INITIALISING = 1, INIT_WAIT, INITIALISED, CONNECTED, CLOSING, CLOSED };

#define ONE_OF(state) (1u << (state))

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

char *simguest_read(struct simguest *g, const char *dir, const char *key)
{
	char path[256];
	unsigned int len;

	snprintf(path, sizeof(path), "%s/%s", dir, key);
	return xs_read(g->xs, XBT_NULL, path, &len);
}

static uint32_t read_number(struct simguest *g, const char *dir, const char *key, uint32_t none)
{
	char *text = simguest_read(g, dir, key);
	uint32_t n = text ? (uint32_t)strtoul(text, NULL, 10) : none;

	free(text);
	return n;
}

static bool put(struct simguest *g, xs_transaction_t t, const char *key, const char *fmt,
		va_list args)
{
	char path[256], value[256];

	snprintf(path, sizeof(path), "%s/%s", g->front, key);
	vsnprintf(value, sizeof(value), fmt, args);
	return xs_write(g->xs, t, path, value, (unsigned int)strlen(value));
}

int simguest_write(struct simguest *g, const char *key, const char *fmt, ...)
{
	va_list args;
	bool ok;

	va_start(args, fmt);
	ok = put(g, XBT_NULL, key, fmt, args);
	va_end(args);
	return ok ? 0 : -errno;
}

int simguest_back_state(struct simguest *g)
{
	return (int)read_number(g, g->back, "state", 0);
}

int simguest_front_state(struct simguest *g, int state)
{
	return simguest_write(g, "state", "%d", state);
}

int simguest_wait_back(struct simguest *g, uint32_t states, int limit_ms)
{
	int64_t end = now_ms() + limit_ms;

	while (!(states & ONE_OF(simguest_back_state(g)))) {
		if (now_ms() > end)
			return -ETIMEDOUT;
		usleep(2000);
	}
	return 0;
}

static struct xs_handle *store_open(uint32_t domid)
{
	const char *before = getenv("XENSTORED_PATH");
	char path[256], *keep = before ? strdup(before) : NULL;
	struct xs_handle *xs;
	int err;

	snprintf(path, sizeof(path), "%s/xs/%u.sock", simhv_dir() ? simhv_dir() : "", domid);
	setenv("XENSTORED_PATH", path, 1);
	xs = xs_open(0);
	err = errno;
	if (keep)
		setenv("XENSTORED_PATH", keep, 1);
	free(keep);
	errno = err;
	return xs;
}

static int identity_read(struct simguest *g)
{
	char *text = simguest_read(g, g->front, "backend");

	if (!text)
		return -ENOENT;
	snprintf(g->back, sizeof(g->back), "%s", text);
	free(text);
	text = simguest_read(g, g->front, "mac");
	if (text && sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &g->mac[0], &g->mac[1],
			   &g->mac[2], &g->mac[3], &g->mac[4], &g->mac[5]) != 6)
		memset(g->mac, 0, 6);
	free(text);
	g->mtu = read_number(g, g->front, "mtu", 1500);
	g->back_domid = read_number(g, g->front, "backend-id", 0);
	return 0;
}

struct simguest *simguest_open(const struct simguest_config *config)
{
	struct simguest *g = calloc(1, sizeof(*g));
	int err = g ? simhv_attach() : -ENOMEM;

	if (err)
		goto fail;
	g->config = *config;
	if (!g->config.timeout_ms)
		g->config.timeout_ms = 10000;
	snprintf(g->front, sizeof(g->front), "device/vif/%u", config->devid);
	g->evh = simhv_evh_open(config->domid, &g->fd);
	err = g->evh < 0 ? g->evh : 0;
	if (err)
		goto fail;
	g->xs = store_open(config->domid);
	err = g->xs ? identity_read(g) : -errno;
	if (!err)
		return g;
	simhv_evh_close((uint32_t)g->evh, g->fd);
fail:
	fprintf(stderr, "simguest: vif %u.%u: %s\n", config->domid, config->devid, strerror(-err));
	if (g && g->xs)
		xs_close(g->xs);
	free(g);
	errno = -err;
	return NULL;
}

static void offers_read(struct simguest *g)
{
	g->can_sg = read_number(g, g->back, "feature-sg", 0);
	g->can_gso4 = read_number(g, g->back, "feature-gso-tcpv4", 0);
	g->can_gso6 = read_number(g, g->back, "feature-gso-tcpv6", 0);
	g->can_csum4 = !read_number(g, g->back, "feature-no-csum-offload", 0);
	g->can_csum6 = read_number(g, g->back, "feature-ipv6-csum-offload", 0);
	g->can_split = read_number(g, g->back, "feature-split-event-channels", 0);
	g->can_ctrl = read_number(g, g->back, "feature-ctrl-ring", 0);
	g->can_mcast = read_number(g, g->back, "feature-multicast-control", 0);
	g->max_queues = read_number(g, g->back, "multi-queue-max-queues", 0);
	g->nr_queues = g->config.queues ? g->config.queues : 1;
	if (g->nr_queues > (g->max_queues ? g->max_queues : 1))
		g->nr_queues = g->max_queues ? g->max_queues : 1;
	if (g->nr_queues > SIMGUEST_QUEUES_MAX)
		g->nr_queues = SIMGUEST_QUEUES_MAX;
}

struct keys {
	struct simguest *g;
	xs_transaction_t t;
	bool ok;
};

static void key(struct keys *k, const char *prefix, const char *name, int value)
{
	char path[256], text[16];

	snprintf(path, sizeof(path), "%s/%s%s", k->g->front, prefix, name);
	snprintf(text, sizeof(text), "%d", value);
	k->ok = k->ok && xs_write(k->g->xs, k->t, path, text, (unsigned int)strlen(text));
}

static void queue_keys(struct keys *k, struct simguest_queue *q)
{
	char prefix[24] = "";

	if (k->g->nr_queues > 1)
		snprintf(prefix, sizeof(prefix), "queue-%u/", q->index);
	key(k, prefix, "tx-ring-ref", (int)q->tx.gref);
	key(k, prefix, "rx-ring-ref", (int)q->rx.gref);
	if (q->tx.port == q->rx.port) {
		key(k, prefix, "event-channel", q->tx.port);
		return;
	}
	key(k, prefix, "event-channel-tx", q->tx.port);
	key(k, prefix, "event-channel-rx", q->rx.port);
}

static int keys_try(struct simguest *g)
{
	struct keys k = { .g = g, .t = xs_transaction_start(g->xs), .ok = true };
	const struct simguest_config *c = &g->config;

	if (!k.t)
		return -errno;
	if (g->max_queues)
		key(&k, "", "multi-queue-num-queues", (int)g->nr_queues);
	for (uint32_t i = 0; i < g->nr_queues; i++)
		queue_keys(&k, &g->queue[i]);
	if (g->ctrls) {
		key(&k, "", "ctrl-ring-ref", (int)g->ctrl.gref);
		key(&k, "", "event-channel-ctrl", g->ctrl.port);
	}
	key(&k, "", "request-rx-copy", 1);
	key(&k, "", "feature-rx-notify", !c->no_rx_notify);
	key(&k, "", "feature-sg", !c->no_sg);
	key(&k, "", "feature-gso-tcpv4", !c->no_gso);
	key(&k, "", "feature-gso-tcpv6", !c->no_gso);
	key(&k, "", "feature-ipv6-csum-offload", !c->no_csum);
	if (c->no_csum)
		key(&k, "", "feature-no-csum-offload", 1);
	if (c->multicast_control)
		key(&k, "", "request-multicast-control", 1);
	if (c->xdp_headroom)
		key(&k, "", "xdp-headroom", (int)c->xdp_headroom);
	if (c->key) {
		char path[256];

		snprintf(path, sizeof(path), "%s/%s", g->front, c->key);
		k.ok = k.ok && xs_write(g->xs, k.t, path, c->value, (unsigned int)strlen(c->value));
	}
	if (!k.ok) {
		int err = -errno;

		xs_transaction_end(g->xs, k.t, true);
		return err;
	}
	return xs_transaction_end(g->xs, k.t, false) ? 0 : -errno;
}

static int stuck(struct simguest *g, const char *step, int err)
{
	fprintf(stderr, "simguest: vif %u.%u: %s: %s, back end's state %d\n", g->config.domid,
		g->config.devid, step, strerror(-err), simguest_back_state(g));
	return err;
}

int simguest_publish(struct simguest *g)
{
	int err = simguest_front_state(g, INITIALISING);

	if (!err)
		err = simguest_wait_back(g, ONE_OF(INIT_WAIT), (int)g->config.timeout_ms);
	return err ? stuck(g, "waiting for InitWait", err) : simguest_offer(g);
}

int simguest_offer(struct simguest *g)
{
	int err;

	offers_read(g);
	err = simguest_rings_create(g);
	if (!err) {
		do {
			err = keys_try(g);
		} while (err == -EAGAIN);
	}
	if (!err)
		err = simguest_front_state(g, CONNECTED);
	return err ? stuck(g, "rings and keys", err) : 0;
}

int simguest_wait_connected(struct simguest *g)
{
	int err = simguest_wait_back(g, ONE_OF(CONNECTED), (int)g->config.timeout_ms);

	if (err)
		return stuck(g, "waiting for Connected", err);
	g->connected = true;
	for (uint32_t i = 0; i < g->nr_queues; i++) {
		struct simguest_queue *q = &g->queue[i];

		/* As netfront does once connected: the back end may have missed the first notification */
		simhv_port_notify((uint32_t)g->evh, (uint32_t)q->tx.port);
		if (q->rx.port != q->tx.port)
			simhv_port_notify((uint32_t)g->evh, (uint32_t)q->rx.port);
	}
	if (!g->config.static_grants || !g->ctrls)
		return 0;
	for (uint32_t i = 0; i < g->nr_queues && err >= 0; i++)
		err = simguest_static_add(&g->queue[i]);
	return err < 0 ? stuck(g, "static grants", err) : 0;
}

int simguest_connect(struct simguest *g)
{
	int err = simguest_publish(g);

	return err ? err : simguest_wait_connected(g);
}

static void keys_remove(struct simguest *g)
{
	static const char *const names[] = {
		"tx-ring-ref",
		"rx-ring-ref",
		"event-channel",
		"event-channel-tx",
		"event-channel-rx",
		"ctrl-ring-ref",
		"event-channel-ctrl",
		"multi-queue-num-queues",
		"request-multicast-control",
		"xdp-headroom",
		VIFCAP_NODE,
		VIFCAP_NODE_ACK,
	};
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", g->front, names[i]);
		xs_rm(g->xs, XBT_NULL, path);
	}
	for (uint32_t i = 0; g->nr_queues > 1 && i < g->nr_queues; i++) {
		snprintf(path, sizeof(path), "%s/queue-%u", g->front, i);
		xs_rm(g->xs, XBT_NULL, path);
	}
}

int simguest_withdraw(struct simguest *g)
{
	int in_use = simguest_rings_destroy(g);

	keys_remove(g);
	return in_use;
}

int simguest_disconnect(struct simguest *g)
{
	g->connected = false;
	simguest_front_state(g, CLOSING);
	simguest_wait_back(g, ONE_OF(CLOSING) | ONE_OF(CLOSED) | ONE_OF(0),
			   (int)g->config.timeout_ms);
	simguest_front_state(g, CLOSED);
	/* Online vifs go from Closed to InitWait by themselves, so either is the end */
	if (simguest_wait_back(g, ONE_OF(CLOSED) | ONE_OF(INIT_WAIT) | ONE_OF(0),
			       (int)g->config.timeout_ms))
		stuck(g, "waiting for Closed", -ETIMEDOUT);
	return simguest_withdraw(g);
}

void simguest_abandon(struct simguest *g)
{
	simhv_evh_close((uint32_t)g->evh, g->fd);
	xs_close(g->xs);
	for (uint32_t i = 0; i < g->nr_queues; i++)
		free(g->queue[i].rx_linear);
	free(g);
}

int simguest_close(struct simguest *g)
{
	int in_use = g->queue[0].txs ? simguest_disconnect(g) : 0;

	simguest_abandon(g);
	return in_use;
}

void simguest_stats_sum(const struct simguest *g, struct simguest_stats *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (uint32_t i = 0; i < g->nr_queues; i++) {
		const struct simguest_stats *s = &g->queue[i].stats;
		const uint64_t *from = &s->tx_frames;
		uint64_t *to = &sum->tx_frames;

		for (size_t n = 0; n < offsetof(struct simguest_stats, why) / sizeof(*to); n++)
			to[n] += from[n];
		if (s->violations && !sum->why[0])
			memcpy(sum->why, s->why, sizeof(sum->why));
	}
}
