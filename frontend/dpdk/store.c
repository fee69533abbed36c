/* SPDX-License-Identifier: BSD-3-Clause */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/ring.h"

/* Between two looks at a state, microseconds */
#define STEP_US 2000u

/* Longest wait for a back end that is to close, ms */
#define CLOSE_MS 5000u

/* A key that every front end writes and none removes: a new domain's directory does not have it */
#define MARK "request-rx-copy"

static char *text_of(const struct xf_store *s, const char *dir, const char *key, unsigned int *len)
{
	char path[XF_PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", dir, key);
	return xs_read(s->xs, XBT_NULL, path, len);
}

/* Decimal digits only, no longer than 32 bits */
static bool number_parse(const char *text, uint32_t *number)
{
	uint64_t n = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (uint64_t)(*text - '0');
		if (n > UINT32_MAX)
			return false;
	}
	*number = (uint32_t)n;
	return true;
}

uint32_t xf_store_number(const struct xf_store *s, const char *dir, const char *key, uint32_t none)
{
	unsigned int len;
	char *text = text_of(s, dir, key, &len);
	uint32_t number;

	if (!text || !number_parse(text, &number))
		number = none;
	free(text);
	return number;
}

int xf_store_back(struct xf_store *s)
{
	uint32_t domid = xf_store_number(s, s->front, "backend-id", UINT32_MAX);
	unsigned int len;
	char *text = text_of(s, s->front, "backend", &len);
	int changed;

	if (!text || !*text || len >= sizeof(s->back) || domid > UINT16_MAX) {
		free(text);
		return -ENOENT;
	}
	changed = domid != s->back_domid || strcmp(text, s->back);
	s->back_domid = domid;
	memcpy(s->back, text, strlen(text) + 1);
	free(text);
	return changed;
}

static uint32_t own_domid(const struct xf_store *s)
{
	unsigned int len;
	char *text = xs_read(s->xs, XBT_NULL, "domid", &len);
	uint32_t domid;

	if (!text || !number_parse(text, &domid))
		domid = UINT32_MAX;
	free(text);
	return domid;
}

void xf_store_mark(struct xf_store *s)
{
	s->domid = own_domid(s);
	xf_store_put(s, XBT_NULL, MARK, 1);
}

bool xf_store_is_new(const struct xf_store *s)
{
	uint32_t domid = own_domid(s);

	if (domid != UINT32_MAX && domid != s->domid)
		return true;
	return xf_store_number(s, s->front, "backend-id", UINT32_MAX) != UINT32_MAX &&
	       xf_store_number(s, s->front, MARK, UINT32_MAX) == UINT32_MAX;
}

int xf_store_open(struct xf_store *s, uint32_t vif)
{
	int err;

	memset(s, 0, sizeof(*s));
	s->vif = vif;
	snprintf(s->front, sizeof(s->front), "device/vif/%u", vif);
	s->xs = xs_open(0);
	if (!s->xs)
		return errno ? -errno : -ENODEV;
	s->domid = own_domid(s);
	err = xf_store_back(s);
	if (err < 0) {
		xf_store_close(s);
		return err;
	}
	return 0;
}

void xf_store_close(struct xf_store *s)
{
	if (s->xs)
		xs_close(s->xs);
	s->xs = NULL;
}

static enum xf_state state_of(const struct xf_store *s, const char *dir)
{
	uint32_t state = xf_store_number(s, dir, "state", XF_UNKNOWN);

	return state > 8 ? XF_UNKNOWN : (enum xf_state)state;
}

enum xf_state xf_store_back_state(const struct xf_store *s)
{
	return state_of(s, s->back);
}

enum xf_state xf_store_front_state(const struct xf_store *s)
{
	return state_of(s, s->front);
}

int xf_store_put(const struct xf_store *s, xs_transaction_t t, const char *key, uint32_t value)
{
	char path[XF_PATH_MAX], text[16];

	snprintf(path, sizeof(path), "%s/%s", s->front, key);
	snprintf(text, sizeof(text), "%u", value);
	return xs_write(s->xs, t, path, text, (unsigned int)strlen(text)) ? 0 : -errno;
}

int xf_store_set_state(const struct xf_store *s, enum xf_state state)
{
	return xf_store_put(s, XBT_NULL, "state", state);
}

int xf_store_wait(const struct xf_store *s, uint32_t states, uint32_t limit_ms)
{
	for (uint32_t i = 0; i <= limit_ms * 1000 / STEP_US; i++) {
		if (states & XF_STATE(xf_store_back_state(s)))
			return 0;
		usleep(STEP_US);
	}
	return -ETIMEDOUT;
}

int xf_store_end(const struct xf_store *s)
{
	int err;

	xf_store_set_state(s, XF_CLOSING);
	err = xf_store_wait(s, XF_STATE(XF_CLOSING) | XF_STATE(XF_CLOSED) | XF_STATE(XF_UNKNOWN),
			    CLOSE_MS);
	xf_store_set_state(s, XF_CLOSED);
	xf_store_wait(s,
		      XF_STATE(XF_CLOSED) | XF_STATE(XF_INIT_WAIT) | XF_STATE(XF_INITIALISING) |
			      XF_STATE(XF_UNKNOWN),
		      CLOSE_MS);
	return err;
}

int xf_store_lock(const struct xf_store *s)
{
	const char *dir = getenv("RUNTIME_DIRECTORY");
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/net_xenfront-%u.lock", dir ? dir : "/run", s->vif);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		return -EBUSY;
	}
	return fd;
}

void xf_store_offer(const struct xf_store *s, struct xf_offer *offer)
{
	uint32_t queues = xf_store_number(s, s->back, "multi-queue-max-queues", 0);

#define KEY(name) (xf_store_number(s, s->back, name, 0) == 1)
	*offer = (struct xf_offer){
		.rx_copy = KEY("feature-rx-copy"),
		.sg = KEY("feature-sg"),
		.gso4 = KEY("feature-gso-tcpv4"),
		.gso6 = KEY("feature-gso-tcpv6"),
		.csum4 = !KEY("feature-no-csum-offload"),
		.csum6 = KEY("feature-ipv6-csum-offload"),
		.ctrl = KEY("feature-ctrl-ring"),
		.split = KEY("feature-split-event-channels"),
		.multicast = KEY("feature-multicast-control"),
		.dynamic_multicast = KEY("feature-dynamic-multicast-control"),
		.headroom = KEY("feature-xdp-headroom"),
		.queues_key = queues > 0,
		.queues = queues ? queues : 1,
	};
#undef KEY
}

int xf_store_mac(const struct xf_store *s, struct rte_ether_addr *mac)
{
	unsigned int len;
	char *text = text_of(s, s->front, "mac", &len);
	int err = text && !rte_ether_unformat_addr(text, mac) &&
				  rte_is_valid_assigned_ether_addr(mac) ?
			  0 :
			  -EINVAL;

	free(text);
	return err;
}

int xf_store_record(const struct xf_store *s, struct vifcap *cap)
{
	unsigned int len;
	char *text = text_of(s, s->back, VIFCAP_NODE, &len);
	int err = text ? vifcap_parse(cap, text, len) : -ENOENT;

	free(text);
	return !err || err == -ENOENT ? err : -EINVAL;
}

int xf_store_put_record(const struct xf_store *s, const struct vifcap *cap)
{
	char path[XF_PATH_MAX], text[VIFCAP_TEXT_MAX + 1];
	int len = vifcap_format(cap, text, sizeof(text));

	if (len < 0)
		return len;
	snprintf(path, sizeof(path), "%s/%s", s->front, VIFCAP_NODE);
	return xs_write(s->xs, XBT_NULL, path, text, (unsigned int)len) ? 0 : -errno;
}

/* A front end writes these for one connection; the next one may know nothing of them. */
void xf_store_remove_stale(const struct xf_store *s, xs_transaction_t t)
{
	static const char *const keys[] = {
		"tx-ring-ref",
		"rx-ring-ref",
		"event-channel",
		"event-channel-tx",
		"event-channel-rx",
		"multi-queue-num-queues",
		"ctrl-ring-ref",
		"event-channel-ctrl",
		"request-multicast-control",
		"xdp-headroom",
		"feature-sg",
		"feature-gso-tcpv4",
		"feature-gso-tcpv6",
		"feature-gso-tcpv4-prefix",
		"feature-gso-tcpv6-prefix",
		"feature-no-csum-offload",
		"feature-ipv6-csum-offload",
		"feature-rx-notify",
		"feature-persistent",
		VIFCAP_NODE,
		VIFCAP_NODE_ACK,
	};
	char path[XF_PATH_MAX];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", s->front, keys[i]);
		xs_rm(s->xs, t, path);
	}
	for (uint32_t i = 0; i < NETIF_QUEUES_MAX; i++) {
		unsigned int nr;
		char **names;

		snprintf(path, sizeof(path), "%s/queue-%u", s->front, i);
		names = xs_directory(s->xs, t, path, &nr);
		if (!names)
			break;
		free(names);
		xs_rm(s->xs, t, path);
	}
}
