/* SPDX-License-Identifier: BSD-3-Clause */
/* links: path/flow_check.c test/unit/fake_guest.c test/unit/flow_reference.c test/unit/flow_random.c log.c */
/*
 * Rules of a virtual PF about what a VF sends: random ones against a plain reference, and that none
 * of them gets a frame past the policies of sender and receiver.
 */
#include "path_fixture.h"

#include "backend/path/flow_check.h"
#include "flow_random.h"

#define ROUNDS 400u
#define FRAMES 40u
#define RULES 12u
#define TO_US "\x02\0\0\0\0\x01"
#define FROM "\x02\0\0\0\0\x02"

/* A frame, and what is done with one. */
struct result {
	enum { DROPPED, SENT, REDIRECTED } fate;
	uint32_t len;
	uint8_t bytes[RANDOM_FRAME_MAX + 8];
};

/* What a rule does, beside its items */
struct action {
	uint8_t fate;
	bool pops;
	uint16_t push;
};

static struct guest *vf, *other;
static struct tap *inbox;
static struct vf_rules rules;
static struct flow_counts counts;
static struct wake waker = { .fd = -1 };
static uint32_t page_ref;

static int start(void **state)
{
	(void)state;
	vf = guest_new(7, 1);
	other = guest_new(8, 1);
	inbox = tap_create();
	if (!inbox || guest_connect(vf) || guest_connect(other))
		return -1;
	atomic_store(&inbox->wake, &waker);
	path_set_inbox(other->path, inbox, true);
	page_ref = guest_grant(vf, false);
	guest_rx_post(other, 0, 32);
	memset(&rules, 0, sizeof(rules));
	memset(&counts, 0, sizeof(counts));
	return 0;
}

static int stop(void **state)
{
	(void)state;
	path_set_vf_rules(vf->path, NULL);
	path_set_inbox(other->path, NULL, false);
	tap_destroy(inbox);
	guest_free(vf);
	guest_free(other);
	return fake_all_whole() ? 0 : -1;
}

static void add_rule(const struct vifflow_item *items, uint32_t nr, uint32_t id, uint32_t priority,
		     const struct action *action)
{
	struct flow_draft draft;

	assert_int_equal(flow_check_items(items, nr, &draft), 0);
	draft.rule.id = id;
	draft.rule.priority = priority;
	draft.rule.fate = action->fate;
	draft.rule.pops = action->pops;
	draft.rule.push = action->push;
	draft.rule.counts = 1;
	flows_insert(&rules.table, &draft.rule, draft.words);
	for (uint32_t i = 0; i < FLOWS_MAX; i++)
		rules.to[i] = inbox;
}

static void use_rules(void)
{
	flow_search_init(&rules.search, &rules.table, &counts);
	path_set_vf_rules(vf->path, &rules);
}

/* All frames */
static void add_any(const struct action *action)
{
	const struct vifflow_item any = { .type = VIFFLOW_ITEM_ETH };

	memset(&rules, 0, sizeof(rules));
	add_rule(&any, 1, 1, 0, action);
	use_rules();
}

static void send_frame(const void *bytes, uint32_t len, struct result *result)
{
	static struct guest_frame got;
	struct netif_tx_response rsp;

	port_forget(&vf->port);
	memcpy(guest_page(vf, page_ref), bytes, len);
	guest_tx_put(vf, (struct netif_tx_request){ .gref = page_ref, .size = (uint16_t)len });
	guest_tx_push(vf);
	guest_poll(vf);
	assert_true(guest_tx_response(vf, &rsp));
	assert_int_equal(rsp.status, NETIF_STATUS_OKAY);
	guest_poll(other);
	result->fate = DROPPED;
	result->len = 0;
	if (vf->port.nr_sent) {
		result->fate = SENT;
		result->len = port_sent(&vf->port, 0, result->bytes, sizeof(result->bytes));
	}
	if (guest_receive(other, 0, &got)) {
		assert_int_equal(result->fate, DROPPED);
		result->fate = REDIRECTED;
		result->len = got.len;
		memcpy(result->bytes, got.bytes, got.len);
		guest_rx_post(other, 0, got.slots);
	}
}

/* --- a plain reference ----------------------------------------------------------------------------- */

static struct vifflow_rule wire[RULES];
static struct action actions[RULES];
static uint32_t nr_rules, matched[RULES];

static void cut_tag(struct result *frame)
{
	for (uint32_t i = 12; i + 4 < frame->len; i++)
		frame->bytes[i] = frame->bytes[i + 4];
	frame->len -= 4;
}

static void put_tag(struct result *frame, uint16_t tag)
{
	for (uint32_t i = frame->len; i-- > 12;)
		frame->bytes[i + 4] = frame->bytes[i];
	frame->bytes[12] = 0x81;
	frame->bytes[13] = 0;
	frame->bytes[14] = (uint8_t)(tag / 256);
	frame->bytes[15] = (uint8_t)(tag % 256);
	frame->len += 4;
}

/* The first that matches, of the lowest priority. */
static int find_rule(const struct result *frame)
{
	int best = -1;

	for (uint32_t i = 0; i < nr_rules; i++)
		if (reference_matches(&wire[i], frame->bytes, frame->len) &&
		    (best < 0 || wire[i].priority < wire[best].priority))
			best = (int)i;
	return best;
}

/* @frame has passed the policy. */
static void judge(struct result *frame)
{
	int index = find_rule(frame);
	const struct action *action = &actions[index < 0 ? 0 : index];
	struct result alone;

	if (index < 0)
		return;
	matched[index]++;
	if (action->fate == VIFFLOW_ACTION_DROP) {
		frame->fate = DROPPED;
		return;
	}
	if (action->pops && frame->len >= 18 && frame->bytes[12] == 0x81 && !frame->bytes[13]) {
		cut_tag(frame);
		/* it leaves as it would if the VF had sent it so */
		path_set_vf_rules(vf->path, NULL);
		send_frame(frame->bytes, frame->len, &alone);
		path_set_vf_rules(vf->path, &rules);
		if (!action->push)
			*frame = alone;
	}
	if (action->push)
		put_tag(frame, action->push);
	if (frame->fate == SENT && action->fate == FLOW_FATE_REDIRECT)
		frame->fate = REDIRECTED;
}

static void random_policy(void)
{
	struct policy *policy = &vf->path->live.policy;

	memset(policy, 0, sizeof(*policy));
	if (random_below(2))
		return;
	policy->tx = POLICY_VLAN;
	policy->untagged = random_below(2);
	policy_vlan_add(policy->vlans, 1);
	policy_vlan_add(policy->vlans, 2);
	if (!policy->untagged && random_below(2))
		policy->insert = 1;
}

static void random_rules(const struct random_frame *frames)
{
	memset(&rules, 0, sizeof(rules));
	memset(&counts, 0, sizeof(counts));
	memset(matched, 0, sizeof(matched));
	nr_rules = 1 + random_below(RULES);
	for (uint32_t i = 0; i < nr_rules; i++) {
		static const uint8_t fates[] = { VIFFLOW_ACTION_DROP, FLOW_FATE_PASS,
						 FLOW_FATE_REDIRECT };

		random_rule(&wire[i], i, &frames[random_below(FRAMES)], 1);
		actions[i].fate = fates[random_below(3)];
		actions[i].pops = random_below(2);
		actions[i].push = random_below(2) ? (uint16_t)(0x6000 | (1 + random_below(100))) :
						    0;
		add_rule(wire[i].items, wire[i].nr_items, i, wire[i].priority, &actions[i]);
	}
	use_rules();
}

static void random_rules_do_to_random_frames_what_the_reference_does(void **state)
{
	static struct random_frame frames[FRAMES];
	uint32_t seen[3] = { 0 }, compared = 0, popped = 0;

	(void)state;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		random_policy();
		for (uint32_t i = 0; i < FRAMES; i++)
			random_frame(&frames[i]);
		random_rules(frames);
		for (uint32_t i = 0; i < FRAMES; i++) {
			struct result want, is;

			path_set_vf_rules(vf->path, NULL);
			send_frame(frames[i].bytes, frames[i].len, &want);
			path_set_vf_rules(vf->path, &rules);
			if (want.fate == SENT)
				judge(&want);
			send_frame(frames[i].bytes, frames[i].len, &is);
			assert_int_equal(is.fate, want.fate);
			if (is.fate != DROPPED) {
				assert_int_equal(is.len, want.len);
				assert_memory_equal(is.bytes, want.bytes, is.len);
				popped += is.len < frames[i].len;
			}
			seen[is.fate]++;
			compared++;
		}
		for (uint32_t i = 0; i < nr_rules; i++) {
			uint32_t slot = rules.table.rules[flows_find(&rules.table, i)].slot;

			assert_int_equal(counts.of[slot].frames, matched[i]);
		}
	}
	printf("fact vf_rules_compared %u decisions\n", compared);
	assert_true(seen[DROPPED] > 1000 && seen[SENT] > 1000 && seen[REDIRECTED] > 1000);
	printf("%u frames became shorter\n", popped);
	assert_true(popped > 50);
}

/* --- nothing gets past a policy ---------------------------------------------------------------------- */

#define PLAIN TO_US FROM "\x88\xb5plain, and long enough for everybody who looks at it"
#define TAGGED TO_US FROM "\x81\x00\x00\x05\x88\xb5of VLAN 5, and long enough as well"

static void the_policy_judges_before_the_rules(void **state)
{
	struct result result;

	(void)state;
	vf->path->live.policy.anti_spoof = true;
	add_any(&(struct action){ .fate = FLOW_FATE_REDIRECT });
	send_frame(PLAIN, sizeof(PLAIN), &result);
	assert_int_equal(result.fate, DROPPED);
	assert_int_equal(guest_count(vf, COUNT_tx_drop_spoof), 1);
	assert_int_equal(counts.of[0].frames, 0);
	memcpy(&vf->path->live.policy.mac, FROM, 6);
	send_frame(PLAIN, sizeof(PLAIN), &result);
	assert_int_equal(result.fate, REDIRECTED);
	assert_int_equal(guest_count(vf, COUNT_tx_redirected), 1);
	assert_int_equal(guest_count(vf, COUNT_tx_packets), 1);
}

static void a_tag_that_is_taken_off_uncovers_nothing(void **state)
{
	struct policy *policy = &vf->path->live.policy;
	struct result result;

	(void)state;
	policy->tx = POLICY_VLAN;
	policy_vlan_add(policy->vlans, 5);
	add_any(&(struct action){ .fate = FLOW_FATE_PASS, .pops = true });
	send_frame(TAGGED, sizeof(TAGGED), &result);
	assert_int_equal(result.fate, DROPPED);
	assert_int_equal(guest_count(vf, COUNT_tx_drop_untagged), 1);
	policy->untagged = true;
	send_frame(TAGGED, sizeof(TAGGED), &result);
	assert_int_equal(result.fate, SENT);
	assert_int_equal(result.len, sizeof(TAGGED) - 4);
	/* VLAN 6 behind VLAN 5 */
	send_frame(TO_US FROM "\x81\0\0\x05\x81\0\0\x06\x88\xb5twice", 32, &result);
	assert_int_equal(result.fate, DROPPED);
	assert_int_equal(guest_count(vf, COUNT_tx_drop_vlan), 1);
}

/* The receiver has a say in what it gets, whoever sends it there. */
static void the_receivers_policy_holds(void **state)
{
	struct policy *policy = &other->path->live.policy;
	struct result result;

	(void)state;
	add_any(&(struct action){ .fate = FLOW_FATE_REDIRECT, .push = 7 });
	policy->rx = POLICY_VLAN;
	policy_vlan_add(policy->vlans, 6);
	send_frame(PLAIN, sizeof(PLAIN), &result);
	assert_int_equal(result.fate, DROPPED);
	assert_int_equal(guest_count(other, COUNT_rx_drop_vlan), 1);
	policy_vlan_add(policy->vlans, 7);
	policy_vlan_add(policy->strip, 7);
	send_frame(PLAIN, sizeof(PLAIN), &result);
	assert_int_equal(result.fate, REDIRECTED);
	assert_int_equal(result.len, sizeof(PLAIN));
	policy->rx |= POLICY_NO_RX;
	send_frame(PLAIN, sizeof(PLAIN), &result);
	assert_int_equal(result.fate, DROPPED);
	assert_int_equal(guest_count(other, COUNT_rx_drop_off), 1);
}

static void only_a_promiscuous_receiver_gets_others_frames(void **state)
{
	struct result result;

	(void)state;
	add_any(&(struct action){ .fate = FLOW_FATE_REDIRECT });
	path_set_inbox(other->path, inbox, false);
	send_frame(PLAIN, sizeof(PLAIN), &result);
	assert_int_equal(result.fate, DROPPED);
	assert_int_equal(guest_count(other, COUNT_rx_drop_unicast), 1);
	memcpy(&other->path->live.policy.mac, TO_US, 6);
	send_frame(PLAIN, sizeof(PLAIN), &result);
	assert_int_equal(result.fate, REDIRECTED);
	send_frame("\xff\xff\xff\xff\xff\xff" FROM "\x88\xb5to all of them", 30, &result);
	assert_int_equal(result.fate, REDIRECTED);
}

/* One that is not there, or takes nothing, holds up nobody. */
static void a_receiver_that_takes_nothing_loses_frames(void **state)
{
	struct netif_tx_response rsp;
	struct result result;

	(void)state;
	add_any(&(struct action){ .fate = FLOW_FATE_REDIRECT });
	atomic_store(&inbox->wake, NULL);
	send_frame(PLAIN, sizeof(PLAIN), &result);
	assert_int_equal(result.fate, DROPPED);
	assert_int_equal(guest_count(vf, COUNT_tx_drop_redirect), 1);
	atomic_store(&inbox->wake, &waker);
	for (uint32_t i = 0; i < 600; i++) {
		guest_tx_put(vf, (struct netif_tx_request){ .gref = page_ref, .size = 60 });
		guest_tx_push(vf);
		guest_poll(vf);
		assert_true(guest_tx_response(vf, &rsp));
	}
	assert_true(guest_count(vf, COUNT_tx_drop_redirect) > 80);
	assert_true(rte_ring_count(inbox->ring) > 500);
}

static void drops_are_counted(void **state)
{
	struct result result;

	(void)state;
	add_any(&(struct action){ .fate = VIFFLOW_ACTION_DROP });
	send_frame(PLAIN, sizeof(PLAIN), &result);
	assert_int_equal(result.fate, DROPPED);
	assert_int_equal(guest_count(vf, COUNT_tx_drop_vf_rule), 1);
	assert_int_equal(counts.of[0].frames, 1);
	assert_int_equal(counts.of[0].bytes, sizeof(PLAIN));
	path_set_vf_rules(vf->path, NULL);
	send_frame(PLAIN, sizeof(PLAIN), &result);
	assert_int_equal(result.fate, SENT);
}

/* What the sender left to us is done for the receiver, behind a new tag too. */
static void a_blank_checksum_is_filled_in_behind_a_new_tag(void **state)
{
	static struct guest_frame got;
	uint8_t bytes[256];
	uint32_t len = frame_make(bytes, FRAME_UDP, 100);

	(void)state;
	add_any(&(struct action){ .fate = FLOW_FATE_REDIRECT, .push = 7 });
	other->path->live.no_rx_csum = true;
	guest_send(vf, bytes, len, 1, NETIF_TXF_CSUM_BLANK, NULL);
	guest_poll(vf);
	guest_poll(other);
	assert_true(guest_receive(other, 0, &got));
	assert_int_equal(got.len, len + 4);
	assert_int_equal(got.flags & NETIF_RXF_CSUM_BLANK, 0);
	assert_memory_equal(got.bytes + 12, "\x81\x00\x00\x07", 4);
	memmove(got.bytes + 12, got.bytes + 16, got.len - 16);
	assert_true(frame_checksums_right(got.bytes, len, FRAME_UDP));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			random_rules_do_to_random_frames_what_the_reference_does, start, stop),
		cmocka_unit_test_setup_teardown(the_policy_judges_before_the_rules, start, stop),
		cmocka_unit_test_setup_teardown(a_tag_that_is_taken_off_uncovers_nothing, start,
						stop),
		cmocka_unit_test_setup_teardown(the_receivers_policy_holds, start, stop),
		cmocka_unit_test_setup_teardown(only_a_promiscuous_receiver_gets_others_frames,
						start, stop),
		cmocka_unit_test_setup_teardown(a_receiver_that_takes_nothing_loses_frames, start,
						stop),
		cmocka_unit_test_setup_teardown(drops_are_counted, start, stop),
		cmocka_unit_test_setup_teardown(a_blank_checksum_is_filled_in_behind_a_new_tag,
						start, stop),
	};

	return cmocka_run_group_tests(tests, fake_start, NULL);
}
