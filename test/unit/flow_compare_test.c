/* SPDX-License-Identifier: BSD-3-Clause */
/* links: path/flow_check.c test/unit/fake_guest.c test/unit/flow_reference.c test/unit/flow_random.c */
/* Random flow rules, random frames: what the guest gets against a plain reference. */
#include "path_fixture.h"

#include "backend/path/flow_check.h"
#include "flow_random.h"

#define ROUNDS 1000u
#define FRAMES 50u
#define BUFFERS 32u
/* Headers that the hash is made of end before this; those within VXLAN can be cut by it. */
#define SEGMENT_BYTES 112u

static struct guest *guest;
static struct reference reference;
static struct flows flows;
static struct flow_counts counts;
static struct guest_frame got;
static uint32_t compared, wrong, dropped, marked, by_rss, with_item[VIFFLOW_ITEM_VXLAN + 1];

static int start(void **state)
{
	(void)state;
	guest = guest_new(7, 3);
	guest->takes_marks = true;
	if (guest_connect(guest))
		return -1;
	for (uint32_t i = 0; i < 3; i++)
		guest_rx_post(guest, i, BUFFERS);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	path_set_flows(guest->path, NULL, NULL);
	guest_free(guest);
	return fake_all_whole() ? 0 : -1;
}

/* The same to both sides; rules that are too dear together are left out. */
static void set_rules(const struct random_frame *frames)
{
	uint32_t nr = 1 + random_below(REFERENCE_RULES);
	struct steer steer;

	memset(&reference, 0, sizeof(reference));
	memset(&flows, 0, sizeof(flows));
	memset(&counts, 0, sizeof(counts));
	reference.nr_queues = 3;
	reference.isolated = random_below(8) == 0;
	flows.isolated = reference.isolated;
	random_hashing(&reference, &steer);
	while (reference.nr < nr) {
		struct vifflow_rule *rule = &reference.rules[reference.nr];
		struct flow_draft draft;

		random_rule(rule, reference.nr, &frames[random_below(FRAMES)], 3);
		assert_int_equal(flow_check(rule, 3, &guest->path->live.policy, &draft), 0);
		if (flows.nr_words + draft.rule.nr_words > FLOWS_WORDS_MAX)
			break;
		flows_insert(&flows, &draft.rule, draft.words);
		with_item[rule->items[rule->nr_items - 1].type]++;
		reference.nr++;
	}
	assert_true(flows_are_whole(&flows, 3));
	path_set_steer(guest->path, &steer);
	path_set_flows(guest->path, &flows, &counts);
}

/* Take what has come. Return: the queue it came by, -1 = nothing came */
static int receive(void)
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

static void compare(const struct random_frame *frame)
{
	uint64_t drops = guest_count(guest, COUNT_rx_drop_flow);
	struct reference_verdict want = reference_judge(&reference, frame->bytes, frame->len);
	bool right;
	int is;

	port_feed(&guest->port, frame->bytes, frame->len, SEGMENT_BYTES);
	guest_poll(guest);
	is = receive();
	drops = guest_count(guest, COUNT_rx_drop_flow) - drops;
	right = is == want.queue && drops == (is < 0);
	if (right && is >= 0)
		right = got.len == frame->len && !memcmp(got.bytes, frame->bytes, got.len) &&
			is_told(&want);
	compared++;
	wrong += !right;
	dropped += is < 0;
	marked += want.mark >= 0 && is >= 0;
	by_rss += want.by_hash && want.queue > 0;
	if (!right && wrong < 4)
		show(frame, &want, is);
}

/* Each rule has counted what it should. */
static void compare_counts(void)
{
	for (uint32_t i = 0; i < reference.nr; i++) {
		uint32_t slot = flows.rules[flows_find(&flows, i)].slot;

		wrong += counts.of[slot].frames != reference.frames[i] ||
			 counts.of[slot].bytes != reference.bytes[i];
	}
}

static void random_rules_do_to_random_frames_what_the_reference_does(void **state)
{
	static struct random_frame frames[FRAMES];

	(void)state;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < FRAMES; i++)
			random_frame(&frames[i]);
		set_rules(frames);
		for (uint32_t i = 0; i < FRAMES; i++)
			compare(&frames[i]);
		compare_counts();
	}
	printf("fact flow_rules_compared %u decisions\n", compared);
	printf("fact flow_wrong %u decisions\n", wrong);
	assert_int_equal(wrong, 0);
	assert_true(compared >= 10000);
	/* each kind of decision was among them */
	assert_true(dropped > 1000 && marked > 1000 && by_rss > 1000);
	for (uint32_t i = VIFFLOW_ITEM_ETH; i <= VIFFLOW_ITEM_VXLAN; i++)
		assert_true(with_item[i] > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			random_rules_do_to_random_frames_what_the_reference_does, start, stop),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
