/* SPDX-License-Identifier: BSD-3-Clause */
/* links: path/flow_check.c path/flow_nic.c vif/nic_flows.c test/unit/fake_guest.c test/unit/fake_nic.c */
/* links: test/unit/flow_reference.c test/unit/flow_random.c log.c */
/* wraps: rte_flow_validate rte_flow_create rte_flow_destroy rte_flow_flush rte_flow_query */
/*
 * Random flow rules, random frames: what two guests get against a plain reference. One has a port that
 * takes no rules, the other that of a NIC that does.
 */
#include "path_fixture.h"

#include <inttypes.h>

#include "backend/path/flow_check.h"
#include "backend/vif/nic_flows.h"
#include "backend/worker.h"
#include "fake_nic.h"
#include "flow_random.h"

#define ROUNDS 1000u
#define FRAMES 50u
#define BUFFERS 32u
/* Headers that the hash is made of end before this; those within VXLAN can be cut by it. */
#define SEGMENT_BYTES 112u

/* @nic: what feeds it, NULL = port_feed(); @dropped: as it has counted before this round */
static struct side {
	struct guest *guest;
	struct port *nic;
	struct flow_counts counts;
	uint64_t dropped;
} sides[2];

static struct nic_flows nic_flows;
static struct reference reference;
static struct flows flows[2];
static struct guest_frame got;
static uint32_t compared, wrong, dropped, marked, by_rss, alike, in_nic;
static uint32_t with_item[VIFFLOW_ITEM_VXLAN + 1];

/* worker.h: there is none but this thread */
int worker_run(struct worker *worker, int (*fn)(struct worker *worker, void *arg), void *arg)
{
	return fn(worker, arg);
}

static int start_side(struct side *side, uint16_t domid, struct port *nic)
{
	side->guest = guest_new(domid, 3);
	side->guest->takes_marks = true;
	side->nic = nic;
	if (guest_connect(side->guest))
		return -1;
	if (nic)
		path_set_port(side->guest->path, nic);
	for (uint32_t i = 0; i < 3; i++)
		guest_rx_post(side->guest, i, BUFFERS);
	return 0;
}

static int start(void **state)
{
	(void)state;
	fake_nic_reset();
	return start_side(&sides[0], 7, NULL) || start_side(&sides[1], 8, fake_nic_open(1));
}

static int stop(void **state)
{
	(void)state;
	nic_flows_end(&nic_flows, NULL, sides[1].guest->path);
	wrong += fake_nic.rules;
	for (uint32_t i = 0; i < 2; i++) {
		path_set_flows(sides[i].guest->path, NULL, NULL);
		path_set_port(sides[i].guest->path, &sides[i].guest->port.port);
		guest_free(sides[i].guest);
		port_close(sides[i].nic);
	}
	return fake_all_whole() && !wrong ? 0 : -1;
}

/* As a message of the guest's does it: first what the NIC has too much, then the path, then the NIC. */
static void set_side(struct side *side, const struct flows *now, const struct steer *steer)
{
	struct path *path = side->guest->path;

	if (side->nic)
		nic_flows_keep(&nic_flows, NULL, path, now, &path->live);
	memset(&side->counts, 0, sizeof(side->counts));
	path_set_steer(path, steer);
	path_set_flows(path, now, &side->counts);
	if (side->nic)
		nic_flows_update(&nic_flows, NULL, path, 0);
	side->dropped = guest_count(side->guest, COUNT_rx_drop_flow);
}

/* The next rule. @ports: 1 and 2: most are for source, destination ports */
static void choose_rule(struct vifflow_rule *rule, const struct random_frame *frames,
			uint32_t ports)
{
	const struct random_frame *frame = &frames[random_below(FRAMES)];
	uint32_t id = reference.nr;

	if ((ports == 1 || ports == 2) && random_below(8) &&
	    random_queue_for_port(rule, id, ports == 2, frame, 3))
		return;
	if (id && random_below(2))
		random_alike(rule, id, rule - 1, frame, 3);
	else
		random_rule(rule, id, frame, 3);
}

/* The same to all; rules that are too dear together are left out. */
static void set_rules(struct flows *now, const struct random_frame *frames)
{
	uint32_t nr = 1 + random_below(REFERENCE_RULES), ports = random_below(6);
	struct steer steer;

	memset(&reference, 0, sizeof(reference));
	memset(now, 0, sizeof(*now));
	reference.nr_queues = 3;
	reference.isolated = random_below(8) == 0;
	now->isolated = reference.isolated;
	random_hashing(&reference, &steer);
	while (reference.nr < nr) {
		struct vifflow_rule *rule = &reference.rules[reference.nr];
		struct flow_draft draft;

		choose_rule(rule, frames, ports);
		assert_int_equal(flow_check(rule, 3, &sides[0].guest->path->live.policy, &draft),
				 0);
		if (now->nr_words + draft.rule.nr_words > FLOWS_WORDS_MAX)
			break;
		flows_insert(now, &draft.rule, draft.words);
		with_item[rule->items[rule->nr_items - 1].type]++;
		reference.nr++;
	}
	assert_true(flows_are_whole(now, 3));
	for (uint32_t i = 0; i < now->nr; i++)
		alike += now->rules[i].alike > 1 && now->rules[i].nr_words > 1;
	for (uint32_t i = 0; i < 2; i++)
		set_side(&sides[i], now, &steer);
	in_nic += nic_flows.nr;
}

/* Take what has come. Return: the queue it came by, -1 = nothing came */
static int receive(struct guest *guest)
{
	static struct guest_frame frame;
	int queue = -1;

	for (uint32_t i = 0; i < 3; i++)
		if (guest_receive(guest, i, &frame)) {
			got = frame;
			assert_int_equal(queue, -1);
			assert_int_equal(got.status, 0);
			guest_rx_post(guest, i, got.slots);
			queue = (int)i;
		}
	return queue;
}

/* The extra-info of this type. Return: false: there is none */
static bool extra_of(uint32_t type, struct netif_extra_info *extra)
{
	for (uint32_t i = 0; i < got.nr_extras; i++)
		if (got.extra[i].type == type) {
			*extra = got.extra[i];
			return true;
		}
	return false;
}

static bool is_told(const struct reference_verdict *want)
{
	struct netif_extra_info extra;
	uint32_t value;

	if (extra_of(VIFFLOW_EXTRA_MARK, &extra) != (want->mark >= 0))
		return false;
	if (want->mark >= 0) {
		memcpy(&value, extra.u.hash.value, sizeof(value));
		if (value != want->mark)
			return false;
	}
	if (extra_of(NETIF_EXTRA_HASH, &extra) != (want->hash_type >= 0))
		return false;
	memcpy(&value, extra.u.hash.value, sizeof(value));
	return want->hash_type < 0 || (extra.u.hash.type == want->hash_type && value == want->hash);
}

static void show(const struct random_frame *frame, const struct reference_verdict *want, int is)
{
	print_error("frame of %u bytes: queue %d, mark %ld, hash type %d; it came by %d:",
		    frame->len, want->queue, (long)want->mark, want->hash_type, is);
	for (uint32_t i = 0; i < frame->len; i++)
		print_error(" %02x", frame->bytes[i]);
	print_error("\n");
}

/* What a device has left on it does not count. */
static void feed(struct guest *guest, const struct random_frame *frame)
{
	struct rte_mbuf *mbuf = port_feed(&guest->port, frame->bytes, frame->len, SEGMENT_BYTES);

	if (!random_below(4))
		mbuf->ol_flags |= STEER_METADATA;
}

/* Return: what has become of it on this side is right */
static bool is_right(const struct side *side, const struct random_frame *frame,
		     const struct reference_verdict *want)
{
	int is;

	if (side->nic)
		fake_nic_feed(frame->bytes, frame->len, SEGMENT_BYTES);
	else
		feed(side->guest, frame);
	guest_poll(side->guest);
	is = receive(side->guest);
	if (is == want->queue &&
	    (is < 0 ||
	     (got.len == frame->len && !memcmp(got.bytes, frame->bytes, got.len) && is_told(want))))
		return true;
	if (wrong < 4)
		show(frame, want, is);
	return false;
}

/* Return: the guest is to have it */
static bool compare(const struct random_frame *frame)
{
	struct reference_verdict want = reference_judge(&reference, frame->bytes, frame->len);

	for (uint32_t i = 0; i < 2; i++)
		wrong += !is_right(&sides[i], frame, &want);
	compared++;
	marked += want.mark >= 0 && want.queue >= 0;
	by_rss += want.by_hash && want.queue > 0;
	return want.queue >= 0;
}

/* Each rule has counted what it should, and each drop is counted once, whoever dropped. */
static void compare_counts(const struct side *side, const struct flows *now, uint32_t drops)
{
	for (uint32_t i = 0; i < reference.nr; i++) {
		uint32_t slot = now->rules[flows_find(now, i)].slot;

		wrong += side->counts.of[slot].frames != reference.frames[i] ||
			 side->counts.of[slot].bytes != reference.bytes[i];
	}
	wrong += guest_count(side->guest, COUNT_rx_drop_flow) - side->dropped != drops;
}

static void random_rules_do_to_random_frames_what_the_reference_does(void **state)
{
	static struct random_frame frames[FRAMES];

	(void)state;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct flows *now = &flows[round % 2];
		uint32_t drops = 0;

		for (uint32_t i = 0; i < FRAMES; i++)
			random_frame(&frames[i]);
		set_rules(now, frames);
		for (uint32_t i = 0; i < FRAMES; i++)
			drops += !compare(&frames[i]);
		dropped += drops;
		nic_flows_update(&nic_flows, NULL, sides[1].guest->path, UINT64_MAX / 2 + round);
		nic_flows.look_us = 0;
		for (uint32_t i = 0; i < 2; i++)
			compare_counts(&sides[i], now, drops);
	}
	printf("fact flow_rules_compared %u decisions\n", compared);
	printf("fact flow_wrong %u decisions\n", wrong);
	printf("fact flow_rules_in_hardware %u rules\n", in_nic);
	printf("the NIC dropped %" PRIu64 " of %u frames\n", fake_nic.dropped, dropped);
	assert_int_equal(wrong, 0);
	assert_true(compared >= 10000);
	/* each kind of decision was among them */
	assert_true(dropped > 1000 && marked > 1000 && by_rss > 1000 && alike > 1000);
	assert_true(in_nic > 100 && fake_nic.dropped > 1000);
	for (uint32_t i = VIFFLOW_ITEM_ETH; i <= VIFFLOW_ITEM_VXLAN; i++)
		assert_true(with_item[i] > 100);
}

#define FOLDS (1u << 18)

/* Two words that a rule compares, and what it makes of them */
struct folded {
	uint32_t fold, src, dst;
};

static int by_fold(const void *a, const void *b)
{
	const struct folded *x = a, *y = b;

	return (x->fold > y->fold) - (x->fold < y->fold);
}

static struct vifflow_rule rule_of(const struct folded *folded, uint32_t queue)
{
	struct vifflow_rule rule = { .id = queue, .nr_items = 2, .nr_actions = 1 };

	rule.items[0].type = VIFFLOW_ITEM_ETH;
	rule.items[1].type = VIFFLOW_ITEM_IPV4;
	memset(rule.items[1].mask + 12, 0xff, 8);
	memcpy(rule.items[1].spec + 12, &folded->src, 4);
	memcpy(rule.items[1].spec + 16, &folded->dst, 4);
	rule.actions[0] = (struct vifflow_action){ .type = VIFFLOW_ACTION_QUEUE, .value = queue };
	return rule;
}

static void add_rule(const struct folded *folded, uint32_t queue)
{
	struct vifflow_rule rule = rule_of(folded, queue);
	struct flow_draft draft;

	assert_int_equal(flow_check(&rule, 3, &sides[0].guest->path->live.policy, &draft), 0);
	flows_insert(&flows[0], &draft.rule, draft.words);
}

/* Addresses of two rules that have the same fold: among so many there are some */
static const struct folded *same_folds(void)
{
	static struct folded all[FOLDS];

	for (uint32_t i = 0; i < FOLDS; i++) {
		all[i].src = (uint32_t)rand();
		all[i].dst = (uint32_t)rand();
		memset(&flows[0], 0, sizeof(flows[0]));
		add_rule(&all[i], 0);
		all[i].fold = flows[0].rules[0].fold;
	}
	qsort(all, FOLDS, sizeof(all[0]), by_fold);
	for (uint32_t i = 0; i + 1 < FOLDS; i++)
		if (all[i].fold == all[i + 1].fold && all[i].src != all[i + 1].src)
			return &all[i];
	fail_msg("no two folds are the same");
	return NULL;
}

static void rules_of_the_same_fold_are_told_apart(void **state)
{
	const struct folded *pair = same_folds();
	struct guest *guest = sides[0].guest;
	uint8_t bytes[256];
	uint32_t len = frame_make(bytes, 0, 10);

	(void)state;
	memset(&flows[0], 0, sizeof(flows[0]));
	add_rule(&pair[0], 1);
	add_rule(&pair[1], 2);
	assert_int_equal(flows[0].rules[0].alike, 2);
	path_set_flows(guest->path, &flows[0], &sides[0].counts);
	for (int i = 0; i < 2; i++) {
		memcpy(bytes + 26, &pair[i].src, 4);
		memcpy(bytes + 30, &pair[i].dst, 4);
		port_feed(&guest->port, bytes, len, 0);
		guest_poll(guest);
		assert_int_equal(receive(guest), i + 1);
	}
}

#define PORT_AT 36u
#define PORTS 4096u

/* Of so many there are some whose numbers begin alike. */
static void rule_for_a_port_is_for_no_other(void **state)
{
	struct vifflow_rule rule = { .nr_items = 3, .nr_actions = 1 };
	struct guest *guest = sides[0].guest;
	struct flow_draft draft;
	uint8_t bytes[256];
	uint32_t len = frame_make(bytes, FRAME_UDP, 20);

	(void)state;
	rule.items[0].type = VIFFLOW_ITEM_ETH;
	rule.items[1].type = VIFFLOW_ITEM_IPV4;
	rule.items[2].type = VIFFLOW_ITEM_UDP;
	frame_put16(rule.items[2].spec + 2, PORTS / 2);
	frame_put16(rule.items[2].mask + 2, UINT16_MAX);
	rule.actions[0] = (struct vifflow_action){ .type = VIFFLOW_ACTION_QUEUE, .value = 1 };
	assert_int_equal(flow_check(&rule, 3, &guest->path->live.policy, &draft), 0);
	memset(&flows[0], 0, sizeof(flows[0]));
	flows_insert(&flows[0], &draft.rule, draft.words);
	flows[0].isolated = true;
	path_set_flows(guest->path, &flows[0], &sides[0].counts);
	for (uint32_t i = 0; i < PORTS; i++) {
		frame_put16(bytes + PORT_AT, i);
		port_feed(&guest->port, bytes, len, 0);
		guest_poll(guest);
		assert_int_equal(receive(guest), i == PORTS / 2 ? 1 : -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			random_rules_do_to_random_frames_what_the_reference_does, start, stop),
		cmocka_unit_test_setup_teardown(rules_of_the_same_fold_are_told_apart, start, stop),
		cmocka_unit_test_setup_teardown(rule_for_a_port_is_for_no_other, start, stop),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
