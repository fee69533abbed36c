/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/policy_fixture.c */
/* What the admin may write, what is made of it, what is refused and what then stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy_fixture.h"

static void without_rules_only_anti_spoof_holds(void **state)
{
	(void)state;
	assert_true(policy()->anti_spoof);
	assert_int_equal(policy()->tx, 0);
	assert_int_equal(policy()->rx, 0);
	assert_null(host_back_key(7, "policy-error"));
}

static const struct {
	const char *key, *value, *why;
} bad[] = {
	{ "policy/anti-spoof", "", "'': expected 0 or 1" },
	{ "policy/anti-spoof", "yes", "'yes': expected 0 or 1" },
	{ "policy/anti-spoof", "01", "'01': expected 0 or 1" },
	{ "policy/tx", "2", "'2': expected 0 or 1" },
	{ "policy/rx", " 1", "' 1': expected 0 or 1" },
	{ "policy/allow-untagged", "-1", "'-1': expected 0 or 1" },
	{ "policy/broadcast", "on", "'on': expected 0 or 1" },
	{ "policy/multicast", "1 ", "'1 ': expected 0 or 1" },
	{ "policy/unknown-unicast", "x", "'x': expected 0 or 1" },
	{ "policy/promiscuous", "true", "'true': expected 0 or 1" },
	{ "policy/ip-anti-spoof", "11", "'11': expected 0 or 1" },
	{ "policy/link", "up", "'up': expected auto | on | off" },
	{ "policy/link", "", "'': expected auto | on | off" },
	{ "policy/mtu", "67", "'67': expected 68..9000" },
	{ "policy/mtu", "9001", "'9001': expected 68..9000" },
	{ "policy/mtu", "18446744073709551684", "'18446744073709551684': expected 68..9000" },
	{ "mtu", "1500x", "'1500x': expected 68..9000" },
	{ "policy/rate", "0,5", NULL },
	{ "policy/rate", "5,0", NULL },
	{ "policy/rate", "5", NULL },
	{ "policy/rate", "5,", NULL },
	{ "policy/rate", "-5,5", NULL },
	{ "policy/rate", "5,5,5", NULL },
	{ "policy/rate", "1000000000000001,1", NULL },
	{ "policy/rate", "18446744073709551617,1", NULL },
	{ "rate", "x", "'x': expected BYTES,MICROSECONDS, both above 0, or nothing" },
	{ "policy/guaranteed", "1000", NULL },
	{ "policy/queue-guaranteed", "0:5", NULL },
	{ "policy/queue-guaranteed", "64:5,5", NULL },
	{ "policy/queue-guaranteed", "0:5,5 0:5,5", "'0:5,5': expected each queue once" },
	{ "policy/vf", "", "'': expected prefer | require | never" },
	{ "policy/vf", "yes", "'yes': expected prefer | require | never" },
	{ "policy/weight", "0", NULL },
	{ "policy/weight", "257", NULL },
	{ "policy/weight", "16.5", NULL },
	{ "policy/latency-us", "10001", NULL },
	{ "policy/vlan-filter", "0", "'0': expected VLANs 1..4094, as 10,20-29" },
	{ "policy/vlan-filter", "4095", "'4095': expected VLANs 1..4094, as 10,20-29" },
	{ "policy/vlan-filter", "65546", NULL },
	{ "policy/vlan-filter", "10,", "'': expected VLANs 1..4094, as 10,20-29" },
	{ "policy/vlan-filter", ",10", NULL },
	{ "policy/vlan-filter", "10,,11", NULL },
	{ "policy/vlan-filter", "10 11", "' 11': expected a comma between VLANs" },
	{ "policy/vlan-filter", "29-20", "'29-20': expected a range FIRST-LAST of VLANs 1..4094" },
	{ "policy/vlan-filter", "20-", NULL },
	{ "policy/vlan-filter", "20-4095", NULL },
	{ "policy/vlan-filter", "10,5-15", "'10,5-15': expected each VLAN once" },
	{ "policy/vlan-filter", "10,10", "'10,10': expected each VLAN once" },
	{ "policy/vlan-filter", "ten", NULL },
	{ "policy/vlan-insert", "0", NULL },
	{ "policy/vlan-insert", "4095", NULL },
	{ "policy/vlan-insert", "10/8", NULL },
	{ "policy/vlan-insert", "10/", NULL },
	{ "policy/vlan-insert", "10/1/1", NULL },
	{ "policy/vlan-outer", "/3", NULL },
	{ "policy/vlan-outer", "10,11", NULL },
	{ "vlan", "10p/20p", NULL },
	{ "vlan", "10/10", NULL },
	{ "vlan", "10/5-15", NULL },
	{ "vlan", "10q", NULL },
	{ "vlan", "10/", NULL },
	{ "vlan", "/10", NULL },
	{ "vlan", "20-10", NULL },
	{ "vlan", "10-20p", NULL },
	{ "vlan", "4000+10x20", NULL },
	{ "vlan", "1+0x5", NULL },
	{ "vlan", "1+5x0", NULL },
	{ "vlan", "1+5", NULL },
	{ "vlan", "1+4294967296x4294967297", NULL },
	{ "policy/vlan", "10,20", NULL },
	{ "policy/macs", "01:00:5e:00:00:01", NULL },
	{ "policy/macs", "00:00:00:00:00:00", NULL },
	{ "policy/macs", "ff:ff:ff:ff:ff:ff", NULL },
	{ "policy/macs", "02:00:00:00:00:1", NULL },
	{ "policy/macs", "02:00:00:00:00:01:02", NULL },
	{ "policy/macs", "02-00-00-00-00-01", NULL },
	{ "policy/macs", "2:::::000000000:1", NULL },
	{ "policy/macs", "02:00:00:00:00:01,02:00:00:00:00:01", NULL },
	{ "policy/ip", "10.0.0.256", NULL },
	{ "policy/ip", "10.0.0", NULL },
	{ "policy/ip", "10.0.0.0/33", NULL },
	{ "policy/ip", "10.0.0.0/", NULL },
	{ "policy/ip", "10.0.0.0/8/8", NULL },
	{ "policy/ip", "fe80::/129", NULL },
	{ "policy/ip", "fe80::g", NULL },
	{ "policy/ip", "10.0.0.1 10.0.0.1", "'10.0.0.1': expected each address once" },
	{ "ip", "host.example", NULL },
	{ "policy/vlan-filtre", "10", "no such rule" },
};

/* The key and the reason are told, the former policy stays whole, and the right value heals. */
static void wrong_values_are_refused_and_the_former_policy_stays(void **state)
{
	struct path_live before;

	(void)state;
	rule("policy/vlan-filter", "100-110");
	rule("policy/link", "on");
	before = host_path(7)->live;
	for (uint32_t i = 0; i < NR(bad); i++) {
		bool shadowed = !strcmp(bad[i].key, "policy/vlan-filter");
		const char *error;

		/* a right one beside it does not come in either */
		fake_xs_put(BACK "policy/anti-spoof", "0");
		rule(bad[i].key, bad[i].value);
		error = host_back_key(7, "policy-error");
		if (!error)
			fail_msg("%s = '%s' was taken", bad[i].key, bad[i].value);
		if (strncmp(error, bad[i].key, strlen(bad[i].key)) != 0 ||
		    strncmp(error + strlen(bad[i].key), ": ", 2) != 0)
			fail_msg("%s = '%s': told '%s'", bad[i].key, bad[i].value, error);
		if (bad[i].why)
			assert_string_equal(error + strlen(bad[i].key) + 2, bad[i].why);
		assert_memory_equal(&host_path(7)->live, &before, sizeof(before));
		fake_xs_remove(BACK "policy/anti-spoof");
		rule(bad[i].key, shadowed			    ? "100-110" :
				 !strcmp(bad[i].key, "policy/link") ? "on" :
								      NULL);
		assert_null(host_back_key(7, "policy-error"));
		assert_memory_equal(&host_path(7)->live, &before, sizeof(before));
	}
}

/* What the schema says is what the code has room for, and its defaults are values. */
static void schema_and_code_agree(void **state)
{
	struct policy_draft draft;
	char why[POLICY_ERROR_MAX];

	(void)state;
	for (uint32_t n = 0; policy_key(n); n++) {
		const struct policy_key *key = policy_key(n);

		if (!strcmp(key->name, "macs"))
			assert_int_equal(key->high, MACS_MAX);
		if (!strcmp(key->name, "ip"))
			assert_int_equal(key->high, POLICY_IPS_MAX);
		if (!strcmp(key->name, "link"))
			assert_string_equal(key->words, "auto|on|off");
		if (!strcmp(key->name, "mtu"))
			assert_true(key->high <= UINT16_MAX);
		if (!key->without)
			continue;
		policy_init(&draft);
		assert_int_equal(policy_set(&draft, key->name, key->without, why), 0);
	}
	policy_init(&draft);
	assert_true(draft.anti_spoof && draft.ip_anti_spoof && draft.tx && draft.rx);
	assert_true(draft.broadcast && draft.multicast && draft.unknown_unicast);
	assert_true(!draft.promiscuous && draft.mtu == 1500 && draft.allow_untagged == -1);
	assert_int_equal(policy_set(&draft, "link", "on", why), 0);
	assert_int_equal(draft.link, POLICY_LINK_ON);
	assert_int_equal(policy_set(&draft, "link", "off", why), 0);
	assert_int_equal(draft.link, POLICY_LINK_OFF);
}

static void values_of_impossible_length_are_refused(void **state)
{
	static char text[5000];

	(void)state;
	memset(text, '1', sizeof(text));
	fake_xs_set(BACK "policy/macs", text, sizeof(text));
	host_settle();
	assert_string_equal(host_back_key(7, "policy-error"),
			    "policy/macs: expected a text of at most 2047 bytes");
	fake_xs_set(BACK "policy/macs", "1\0002", 3);
	host_settle();
	assert_string_equal(host_back_key(7, "policy-error"),
			    "policy/macs: expected a text of at most 2047 bytes");
}

static void list_of_addresses_has_an_end(void **state)
{
	static char text[POLICY_TEXT_MAX];
	size_t len = 0;

	(void)state;
	for (uint32_t i = 0; i <= MACS_MAX; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "02:00:00:00:01:%02x ", i);
		fake_xs_set(BACK "policy/macs", text, (uint32_t)len);
		host_settle();
		assert_int_equal(policy()->nr_macs, i < MACS_MAX ? i + 1 : MACS_MAX);
	}
	assert_string_equal(host_back_key(7, "policy-error"),
			    "policy/macs: '02:00:00:00:01:40': expected at most 64 addresses");
}

static void vlan_filter_takes_ids_and_ranges(void **state)
{
	(void)state;
	rule("policy/vlan-filter", "10,20-29,4094,1");
	assert_int_equal(count_vlans(policy()->vlans), 13);
	assert_true(policy_vlan(policy()->vlans, 1) && policy_vlan(policy()->vlans, 10));
	assert_true(policy_vlan(policy()->vlans, 29) && policy_vlan(policy()->vlans, 4094));
	assert_int_equal(count_vlans(policy()->strip), 0);
	assert_false(policy()->untagged);
	rule("policy/allow-untagged", "1");
	assert_true(policy()->untagged);
	rule("policy/vlan-filter", "1-4094");
	assert_int_equal(count_vlans(policy()->vlans), 4094);
	rule("policy/vlan-filter", "");
	assert_int_equal(policy()->tx, 0);
}

static void vlan_insert_has_a_priority(void **state)
{
	(void)state;
	rule("policy/vlan-insert", "10/5");
	assert_int_equal(policy()->insert, 5 << 13 | 10);
	assert_int_equal(count_vlans(policy()->vlans), 1);
	assert_true(policy_vlan(policy()->strip, 10));
	rule("policy/vlan-outer", "4094");
	assert_int_equal(policy()->vlan_outer, 4094);
	assert_true(policy()->tx & POLICY_VLAN_OUTER && policy()->rx & POLICY_VLAN_OUTER);
}

static void whole_vlan_grammar_of_xl_is_taken(void **state)
{
	(void)state;
	rule("vlan", "10p/20u/30-32/40-41u/100+10x5/200+1x2u");
	assert_int_equal(policy()->insert, 10);
	assert_int_equal(count_vlans(policy()->vlans), 1 + 1 + 3 + 2 + 5 + 2);
	assert_int_equal(count_vlans(policy()->strip), 1 + 1 + 2 + 2);
	assert_true(policy_vlan(policy()->vlans, 140) && !policy_vlan(policy()->vlans, 150));
	assert_true(policy_vlan(policy()->vlans, 31) && !policy_vlan(policy()->strip, 31));
	assert_true(policy_vlan(policy()->strip, 10) && policy_vlan(policy()->strip, 201));
	assert_false(policy()->untagged);
}

static void addresses_are_single_or_networks(void **state)
{
	static const uint8_t mapped[16] = { [10] = 0xff, 0xff, 10, 0, 0, 5 };

	(void)state;
	rule("ip", "10.0.0.5/24 192.168.0.0/16,fd00::/8 0.0.0.0/0");
	assert_int_equal(policy()->tx, POLICY_IP);
	assert_int_equal(policy()->nr_ips, 4);
	/* with host bits it is an address and its netmask */
	assert_int_equal(policy()->ips[0].bits, 128);
	assert_memory_equal(policy()->ips[0].addr, mapped, 16);
	assert_int_equal(policy()->ips[1].bits, 96 + 16);
	assert_int_equal(policy()->ips[2].bits, 8);
	assert_int_equal(policy()->ips[3].bits, 96);
	for (uint32_t i = 0; i < 4; i++)
		for (uint32_t bit = 0; bit < 128; bit++)
			assert_int_equal(!!(policy()->ips[i].mask[bit / 8] & 0x80 >> bit % 8),
					 bit < policy()->ips[i].bits);
	rule("policy/ip-anti-spoof", "0");
	assert_int_equal(policy()->tx, 0);
}

static void mtu_reaches_the_front_end_before_it_connects(void **state)
{
	const char *mtu = "/local/domain/9/device/vif/0/mtu";

	(void)state;
	host_toolstack(9);
	fake_xs_put(HOST_BACK "9/0/policy/mtu", "9000");
	host_settle();
	assert_int_equal(host_back_state(9), XENBUS_INIT_WAIT);
	assert_string_equal(fake_xs_get(mtu), "9000");
	/* the usual one needs no node, and a connected one is told as well */
	assert_null(fake_xs_get("/local/domain/7/device/vif/0/mtu"));
	rule("policy/mtu", "1400");
	assert_string_equal(fake_xs_get("/local/domain/7/device/vif/0/mtu"), "1400");
	/* a directory that the toolstack has removed does not come back */
	fake_xs_remove("/local/domain/9/device");
	fake_xs_put(HOST_BACK "9/0/policy/mtu", "1300");
	host_settle();
	assert_null(fake_xs_get(mtu));
	fake_xs_remove("/local/domain/0/backend/vif/9");
	host_settle();
}

/* The wire takes 1500 bytes, with an outer tag 1496; a smaller mtu fits in any case. */
static void vif_inside_an_outer_tag_is_told_what_fits(void **state)
{
	const char *mtu = "/local/domain/7/device/vif/0/mtu";

	(void)state;
	rule("policy/vlan-outer", "100");
	assert_string_equal(fake_xs_get(mtu), "1496");
	/* frames are judged by the rule: what is longer may still be cut */
	assert_int_equal(host_path(7)->live.mtu, 1500);
	rule("policy/mtu", "1400");
	assert_string_equal(fake_xs_get(mtu), "1400");
	rule("policy/mtu", NULL);
	rule("policy/vlan-outer", NULL);
	assert_string_equal(fake_xs_get(mtu), "1500");
}

static void policy_directory_wins_over_xl(void **state)
{
	(void)state;
	rule("vlan", "10p/20");
	rule("ip", "10.0.0.5");
	rule("rate", "1000,1000");
	rule("mtu", "1400");
	assert_int_equal(host_path(7)->live.mtu, 1400);
	rule("policy/vlan-filter", "30");
	assert_true(policy_vlan(policy()->vlans, 30) && !policy_vlan(policy()->vlans, 20));
	assert_int_equal(policy()->insert, 10); /* nobody said otherwise */
	rule("policy/vlan-insert", "");
	assert_int_equal(policy()->insert, 0);
	rule("policy/ip", "");
	assert_int_equal(policy()->nr_ips, 0);
	rule("policy/rate", "");
	assert_int_equal(host_path(7)->live.rate.bytes, 0);
	rule("policy/mtu", "9000");
	assert_int_equal(host_path(7)->live.mtu, 9000);
	rule("policy", NULL);
	assert_int_equal(host_path(7)->live.mtu, 1400);
	assert_int_equal(host_path(7)->live.rate.bytes, 1000);
	assert_int_equal(policy()->insert, 10);
}

/* A guarantee that contradicts the other rules is refused, and the former one stays. */
static void promise_of_a_queue_fits_the_other_rules(void **state)
{
	const struct path_live *live = &host_path(7)->live;

	(void)state;
	rule("policy/queue-guaranteed", "0:1000,1000 1:3000,1000");
	assert_int_equal(live->queue_guarantees[1].bytes, 3000);
	rule("policy/rate", "3999,1000");
	assert_string_equal(host_back_key(7, "policy-error"),
			    "queue-guaranteed: 32000 kbit/s are more than rate's 31992");
	assert_int_equal(live->rate.bytes, 0);
	rule("policy/rate", "8000,2000");
	assert_null(host_back_key(7, "policy-error"));
	rule("policy/queue-rate", "1:2000,1000");
	assert_string_equal(host_back_key(7, "policy-error"),
			    "queue-guaranteed: 24000 kbit/s are more than queue-rate's 16000");
	assert_int_equal(live->queue_rates[1].bytes, 0);
	rule("policy/queue-rate", "0:2000,1000");
	assert_null(host_back_key(7, "policy-error"));
	rule("policy/classes", "pcp");
	assert_string_equal(host_back_key(7, "policy-error"),
			    "queue-guaranteed: cannot be combined with classes");
	assert_int_equal(live->classes.by, CLASSES_NONE);
	rule("policy/queue-guaranteed", "");
	assert_null(host_back_key(7, "policy-error"));
	assert_int_equal(live->queue_guarantees[1].bytes, 0);
}

static void receive_rules_become_bits(void **state)
{
	(void)state;
	rule("policy/broadcast", "0");
	rule("policy/multicast", "0");
	rule("policy/unknown-unicast", "0");
	assert_int_equal(policy()->rx,
			 POLICY_NO_BROADCAST | POLICY_NO_MULTICAST | POLICY_NO_UNKNOWN_UNICAST);
	rule("policy/promiscuous", "1");
	assert_int_equal(policy()->rx, 0);
	rule("policy/rx", "0");
	rule("policy/tx", "0");
	assert_int_equal(policy()->rx, POLICY_NO_RX);
	assert_int_equal(policy()->tx, POLICY_NO_TX);
}

static void link_is_the_admins(void **state)
{
	(void)state;
	rule("policy/link", "off");
	assert_false(host_path(7)->live.link);
	assert_string_equal(host_back_key(7, "carrier"), "0");
	rule("policy/link", "auto");
	assert_true(host_path(7)->live.link);
	assert_string_equal(host_back_key(7, "carrier"), "1");
	fake_host.link_down = true;
	fake_host.now_us += 2000000;
	host_settle();
	assert_string_equal(host_back_key(7, "carrier"), "0");
	rule("policy/link", "on");
	assert_string_equal(host_back_key(7, "carrier"), "1");
	fake_host.link_down = false;
}

/* The guest owns its directory and may write there what it likes. */
static void nothing_a_guest_writes_is_policy(void **state)
{
	struct path_live before;

	(void)state;
	rule("policy/vlan-filter", "10");
	before = host_path(7)->live;
	for (uint32_t n = 0; policy_key(n); n++) {
		char key[64];

		snprintf(key, sizeof(key), "policy/%s", policy_key(n)->name);
		host_front_key(7, key, "0");
		host_front_key(7, policy_key(n)->name, "0");
	}
	host_front_key(7, "mac", "02:00:00:00:00:99");
	host_front_key(7, "policy-error", "no");
	host_settle();
	assert_memory_equal(&host_path(7)->live, &before, sizeof(before));
	assert_null(host_back_key(7, "policy-error"));
}

static void names_that_are_too_long_are_refused_too(void **state)
{
	(void)state;
	rule("policy/anti-spoof-but-not-on-the-first-of-april", "1");
	assert_non_null(strstr(host_back_key(7, "policy-error"), "no such rule"));
}

/* There is no former policy to stay: then nothing passes. */
static void vif_whose_policy_was_never_right_is_closed(void **state)
{
	struct guest *other;

	(void)state;
	fake_xs_put(HOST_BACK "8/0/policy/vlan-filter", "5000");
	other = host_connect(8);
	assert_int_equal(host_back_state(8), 4);
	assert_string_equal(host_back_key(8, "policy-error"),
			    "policy/vlan-filter: '5000': expected VLANs 1..4094, as 10,20-29");
	assert_int_equal(host_path(8)->live.policy.tx, POLICY_NO_TX);
	assert_int_equal(host_path(8)->live.policy.rx, POLICY_NO_RX);
	fake_xs_put(HOST_BACK "8/0/policy/vlan-filter", "50");
	host_settle();
	assert_int_equal(host_path(8)->live.policy.tx, POLICY_VLAN);
	assert_null(host_back_key(8, "policy-error"));
	fake_host.dead = 8;
	fake_xs_event("@releaseDomain", "domains");
	fake_xs_remove(HOST_BACK "8/0");
	host_settle();
	assert_null(host_path(8));
	guest_free(other);
}

/* A store that is disturbed all the time tells nothing new. */
static void disturbed_reading_leaves_the_former_policy(void **state)
{
	(void)state;
	rule("policy/vlan-filter", "10");
	fake_xs_conflicts = 3;
	rule("policy/vlan-filter", "11");
	assert_true(policy_vlan(policy()->vlans, 11));
	fake_xs_conflicts = 1000;
	rule("policy/vlan-filter", "12");
	assert_true(policy_vlan(policy()->vlans, 11));
	fake_xs_conflicts = 0;
	fake_host.now_us += 2000000;
	host_settle();
	assert_true(policy_vlan(policy()->vlans, 12));
}

#define VIF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIF(without_rules_only_anti_spoof_holds),
		VIF(wrong_values_are_refused_and_the_former_policy_stays),
		cmocka_unit_test(schema_and_code_agree),
		VIF(values_of_impossible_length_are_refused),
		VIF(names_that_are_too_long_are_refused_too),
		VIF(list_of_addresses_has_an_end),
		VIF(vlan_filter_takes_ids_and_ranges),
		VIF(vlan_insert_has_a_priority),
		VIF(whole_vlan_grammar_of_xl_is_taken),
		VIF(addresses_are_single_or_networks),
		VIF(mtu_reaches_the_front_end_before_it_connects),
		VIF(vif_inside_an_outer_tag_is_told_what_fits),
		VIF(policy_directory_wins_over_xl),
		VIF(promise_of_a_queue_fits_the_other_rules),
		VIF(receive_rules_become_bits),
		VIF(link_is_the_admins),
		VIF(nothing_a_guest_writes_is_policy),
		VIF(vif_whose_policy_was_never_right_is_closed),
		VIF(disturbed_reading_leaves_the_former_policy),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
