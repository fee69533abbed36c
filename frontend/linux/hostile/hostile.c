// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the module's own checks (ring.c, check.c, flow_rule.c) against a hostile
 * back end, in user space under the sanitizers: on random rings of valid and
 * invalid responses, first undisturbed and then while another thread rewrites
 * the page. A frame that passes the checks must stay within bounds, whatever the
 * page contained before or contains later. A random ntuple filter becomes a rule
 * as common/flow.h has it, or none, and any refusal an error. Of random states
 * of virtual VFs those pass that can be shown.
 *
 *     hostile [SECONDS [SEED]]     prints "N passed, N failed"
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../check.h"
#include "../flow_rule.h"
#include "../pf_state.h"

#define SLOTS NETIF_RING_SIZE

static union {
	struct netif_rx_sring rx;
	struct netif_tx_sring tx;
	u8 byte[NETIF_PAGE_SIZE];
} page;

static u64 failed, frames, dropped, faults, rules, vf_states;
static bool stop;
static bool rewritten; /* another thread writes to the page */

#define MUST(condition)                                                             \
	do {                                                                        \
		if (!(condition) && !failed++)                                      \
			fprintf(stderr, "hostile.c:%d: %s\n", __LINE__, #condition); \
	} while (0)

static u32 next(u64 *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

/* Mostly the valid value, sometimes a boundary value or a random one. */
static u32 mutate(u64 *seed, u32 valid)
{
	static const u32 edges[] = { 0, 1, 13, 14, 4095, 4096, 4097, 0x7fff, 0x8000, 0xffff };

	switch (next(seed) % 8) {
	case 0:
		return edges[next(seed) % ARRAY_SIZE(edges)];
	case 1:
		return next(seed);
	}
	return valid;
}

/* Writes a response into slot @at, mostly a valid one, of a short frame or an endless one. */
static void write_response(u64 *seed, u32 at, bool endless)
{
	struct netif_rx_response rsp = {
		.id = mutate(seed, at % SLOTS),
		.offset = mutate(seed, next(seed) % 256),
		.status = mutate(seed, 1 + next(seed) % 3800),
		.flags = mutate(seed, next(seed) % 3 ? 0 : NETIF_RXF_MORE_DATA),
	};
	const struct netif_rx_response more = {
		.id = at % SLOTS, .status = 1 + next(seed) % 64, .flags = NETIF_RXF_MORE_DATA,
	};
	struct netif_extra_info extra = {
		.type = mutate(seed, NETIF_EXTRA_GSO),
		.flags = mutate(seed, 0),
		.u.gso = { .size = mutate(seed, 1448), .type = mutate(seed, NETIF_GSO_TCPV4) },
	};

	if (endless && next(seed) % 32)
		memcpy(&page.rx.entry[at % SLOTS], &more, sizeof(more));
	else if (next(seed) % 8)
		memcpy(&page.rx.entry[at % SLOTS], &rsp, sizeof(rsp));
	else
		memcpy(&page.rx.entry[at % SLOTS], &extra, sizeof(extra));
}

static void check_frame(const struct vifront_rx_frame *f, u32 from, u32 to)
{
	u32 len = 0, i;

	MUST(f->nr_segs >= 1 && f->nr_segs <= NETIF_SLOTS_MIN);
	for (i = 0; i < f->nr_segs; i++) {
		MUST(f->seg[i].len && f->seg[i].offset + f->seg[i].len <= NETIF_PAGE_SIZE);
		MUST((f->seg[i].slot - from) % SLOTS < to - from); /* a slot of this frame */
		MUST(rewritten || page.rx.entry[f->seg[i].slot].rsp.id == f->seg[i].slot);
		len += f->seg[i].len;
	}
	MUST(len == f->len && len >= ETH_HLEN && len <= VIFRONT_RX_FRAME_MAX);
	MUST(!f->gso_type || f->gso_size);
	MUST(f->gso_type <= NETIF_GSO_TCPV6);
}

/* Fills an rx ring and reads it as the driver's poll does, up to its end or a fault. */
static void test_rx_ring(u64 *seed)
{
	u32 start = next(seed) << 1, in_flight = next(seed) % (SLOTS + 1), prod, from, i;
	struct vifront_ring r = { .idx = &page.rx.idx, .size = SLOTS };
	bool endless = next(seed) % 4 == 0;
	struct vifront_rx_frame f;
	int n, rc;

	r.rsp_cons = start;
	r.req_prod = start + in_flight;
	for (i = 0; i < SLOTS; i++)
		write_response(seed, start + i, endless);
	WRITE_ONCE(page.rx.idx.rsp_prod, start + mutate(seed, next(seed) % (in_flight + 1)));
	n = vifront_ring_responses(&r, &prod);
	if (n < 0) {
		faults++;
		return;
	}
	MUST((u32)n <= in_flight && prod - start == (u32)n);
	while (r.rsp_cons != prod) {
		from = r.rsp_cons;
		rc = vifront_rx_gather(&r, page.rx.entry, prod, &f);
		MUST(r.rsp_cons != from && prod - r.rsp_cons < prod - from);
		if (rc == -EPROTO) {
			faults++;
			return;
		}
		MUST(!rc || rc == -EINVAL || rc == -EIO);
		if (rc)
			dropped++;
		else
			check_frame(&f, from, r.rsp_cons);
		frames += !rc;
	}
}

/* Checks tx responses: each request completes once, and nothing else does. */
static void test_tx_responses(u64 *seed)
{
	u32 extras = next(seed) % 4, in_flight = 0, i;
	struct netif_tx_response rsp;
	u8 state[SLOTS];
	int rc;

	for (i = 0; i < SLOTS; i++) {
		state[i] = next(seed) % 3;
		in_flight += state[i] != VIFRONT_TX_FREE;
	}
	for (i = 0; i < 2 * SLOTS; i++) {
		rsp.id = mutate(seed, next(seed) % SLOTS);
		rsp.status = mutate(seed, 0);
		rc = vifront_tx_check(&rsp, state, extras);
		if (rc > 0) {
			MUST(rsp.id < SLOTS && state[rsp.id] != VIFRONT_TX_FREE && in_flight);
			state[rsp.id] = VIFRONT_TX_FREE;
			in_flight--;
		} else if (!rc) {
			MUST(extras);
			extras--;
		} else {
			MUST(rc == -EPROTO);
			faults++;
		}
	}
}

static void check_rule(const struct vifflow_rule *r)
{
	static const u8 len[] = { 0, 14, 4, 20, 40, 20, 8, 8, 8 }; /* of each VIFFLOW_ITEM_* */
	u32 i, b, last = 0;

	MUST(r->nr_items >= 1 && r->nr_items <= VIFFLOW_ITEMS_MAX && r->nr_actions == 1);
	MUST(r->items[0].type == VIFFLOW_ITEM_ETH);
	for (i = 0; i < r->nr_items; i++) {
		MUST(r->items[i].type > last && r->items[i].type <= VIFFLOW_ITEM_ICMP);
		MUST(last != VIFFLOW_ITEM_IPV4 || r->items[i].type != VIFFLOW_ITEM_IPV6);
		last = r->items[i].type;
		for (b = len[last]; b < VIFFLOW_HEADER_MAX; b++)
			MUST(!r->items[i].mask[b] && !r->items[i].spec[b]);
	}
}

static void test_flow_rule(u64 *seed)
{
	struct ethtool_rx_flow_spec fs;
	struct vifflow_rule r = {};
	const char *why = NULL;
	int rc;

	for (u32 i = 0; i < sizeof(fs); i++)
		((u8 *)&fs)[i] = mutate(seed, next(seed) % 2 ? 0 : 0xff);
	fs.flow_type = mutate(seed, 1 + next(seed) % ETHER_FLOW);
	fs.flow_type |= next(seed) % 2 ? FLOW_EXT : 0;
	fs.flow_type |= next(seed) % 2 ? FLOW_MAC_EXT : 0;
	memset(fs.m_ext.data, next(seed) % 4 == 0, sizeof(fs.m_ext.data));
	rc = vifront_flow_rule(&r, &fs, next(seed), &why);
	MUST(rc ? (rc == -EINVAL || rc == -EOPNOTSUPP) && why : !why);
	if (!rc) {
		rules++;
		check_rule(&r);
	}
	why = NULL;
	rc = vifront_flow_refused(-EINVAL, mutate(seed, next(seed) % 20), &why);
	MUST(rc < 0 && why);
}

/* What passes is what Linux's ip can show; what is beyond that is refused as a whole. */
static void test_vf_states(u64 *seed)
{
	struct vifvpf_state states[VIFVPF_STATES_MAX];
	u32 most = 1 + next(seed) % VIFVPF_STATES_MAX, nr = mutate(seed, most), i;
	int rc;

	for (i = 0; i < VIFVPF_STATES_MAX; i++)
		states[i] = (struct vifvpf_state){ .vlan = mutate(seed, 100), .mac = { 2 } };
	i = next(seed) % VIFVPF_STATES_MAX;
	if (next(seed) % 2)
		((u8 *)&states[i])[next(seed) % sizeof(states[0])] = next(seed);
	rc = pf_states_check(states, nr, most);
	MUST(!rc || rc == -EPROTO);
	MUST(rc || (nr && nr <= most));
	vf_states += !rc;
	for (i = 0; i < nr && !rc; i++) {
		MUST(states[i].vlan < 4095 && states[i].priority < 8 && states[i].link < 3);
		MUST(states[i].spoofchk < 2 && states[i].trust < 2 && !(states[i].mac[0] & 1));
	}
}

/* The back end writes to the page while the guest reads it. */
static void *scribble(void *arg)
{
	u64 seed = 4711;

	(void)arg;
	while (!READ_ONCE(stop)) {
		u32 at = next(&seed) % sizeof(page.byte);

		WRITE_ONCE(page.byte[at], next(&seed));
	}
	return NULL;
}

static u64 rounds(int seconds, u64 seed)
{
	time_t end = time(NULL) + seconds;
	u64 n = 0;

	do {
		for (int i = 0; i < 200; i++, n++) {
			test_rx_ring(&seed);
			test_tx_responses(&seed);
			test_flow_rule(&seed);
			test_vf_states(&seed);
		}
	} while (time(NULL) < end);
	return n;
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 4;
	u64 seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (u64)time(NULL), n[2];
	pthread_t thread;

	printf("seed %llu\n", (unsigned long long)seed);
	n[0] = rounds((seconds + 1) / 2, seed);
	rewritten = true;
	if (pthread_create(&thread, NULL, scribble, NULL)) {
		fprintf(stderr, "cannot start a thread\n");
		return 1;
	}
	n[1] = rounds((seconds + 1) / 2, seed + 1);
	WRITE_ONCE(stop, true);
	pthread_join(thread, NULL);
	printf("%llu rings, %llu rewritten while read: %llu frames, %llu dropped, %llu faults\n",
	       (unsigned long long)n[0], (unsigned long long)n[1], (unsigned long long)frames,
	       (unsigned long long)dropped, (unsigned long long)faults);
	printf("%llu rules of random filters\n", (unsigned long long)rules);
	MUST(frames && dropped && faults && rules && vf_states);
	printf("%d passed, %d failed\n", failed ? 0 : 1, failed ? 1 : 0);
	return failed != 0;
}
