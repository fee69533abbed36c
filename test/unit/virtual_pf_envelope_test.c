/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* A guest tries to get more for its virtual VFs than the admin's rules allow. */
#include "virtual_pf_fixture.h"

#define SET VIFVPF_CTRL_SET

static int setup(void **state)
{
	(void)state;
	if (host_open())
		return -1;
	make_guest();
	rule(1, "guest-mac", "1");
	rule(1, "guest-vlan", "100-109,200");
	rule(1, "guest-rate", "200");
	rule(1, "rate", "625000,50000"); /* 100 Mbit/s */
	rule(1, "guaranteed", "62500,50000");
	rule(3, "link", "off");
	connect_pf();
	connect_vif(1);
	connect_vif(2);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_close();
	guest_free(guest);
	return fake_all_free() ? 0 : -1;
}

/* A message that asks for too much. VF 0 has rules for guests, VF 1 and VF 2 have none */
struct escape {
	const char *what;
	uint16_t type;
	uint32_t a, b, c, reason;
};

#define OF(index, attr) VIFVPF_SET(index, VIFVPF_ATTR_##attr)
#define TAG VIFVPF_VLAN_TYPE
#define NOT VIFVPF_REASON_POLICY
#define VALUE VIFVPF_REASON_VALUE
#define LAYOUT VIFVPF_REASON_LAYOUT

static const struct escape escapes[] = {
	{ "VLAN below the range", SET, OF(0, VLAN), 99, TAG, NOT },
	{ "VLAN above the range", SET, OF(0, VLAN), 110, TAG, NOT },
	{ "VLAN with priority, outside", SET, OF(0, VLAN), 300 | 5u << 16, TAG, NOT },
	{ "VLAN of a VF without guest-vlan", SET, OF(1, VLAN), 100, TAG, NOT },
	{ "VLAN 4095", SET, OF(0, VLAN), 4095, TAG, VALUE },
	{ "VLAN 4196, 100 in 12 bits", SET, OF(0, VLAN), 4096 + 100, TAG, VALUE },
	{ "priority 8", SET, OF(0, VLAN), 100 | 8u << 16, TAG, VALUE },
	{ "priority without a VLAN", SET, OF(0, VLAN), 1u << 16, TAG, VALUE },
	{ "802.1ad", SET, OF(0, VLAN), 100, 0x88a8, VIFVPF_REASON_PROTOCOL },
	{ "no protocol", SET, OF(0, VLAN), 100, 0, VIFVPF_REASON_PROTOCOL },
	{ "rate above guest-rate", SET, OF(0, RATE), 0, 201, NOT },
	{ "rate of 32 bits", SET, OF(0, RATE), 0, UINT32_MAX, NOT },
	{ "least above most", SET, OF(0, RATE), 60, 50, VALUE },
	{ "guarantee above the admin's", SET, OF(0, RATE), 11, 100, NOT },
	{ "guarantee without a limit", SET, OF(0, RATE), UINT32_MAX, 0, NOT },
	{ "guarantee of a VF without one", SET, OF(1, RATE), 1, 0, NOT },
	{ "multicast address", SET, OF(0, MAC), 0x0100, 0x5e000001, VALUE },
	{ "broadcast address", SET, OF(0, MAC), 0xffff, UINT32_MAX, VALUE },
	{ "zero address", SET, OF(0, MAC), 0, 0, VALUE },
	{ "address of 7 bytes", SET, OF(0, MAC), 0x10200, 9, VALUE },
	{ "the PF's address", SET, OF(0, MAC), 0x0200, 0x00000007, VIFVPF_REASON_TAKEN },
	{ "a neighbour's address", SET, OF(0, MAC), 0x0200, 0x00000008, VIFVPF_REASON_TAKEN },
	{ "another VF's address", SET, OF(0, MAC), 0x0200, 0x00000207, VIFVPF_REASON_TAKEN },
	{ "address without guest-mac", SET, OF(1, MAC), 0x0209, 1, NOT },
	{ "no spoof check", SET, OF(0, SPOOFCHK), 0, 0, NOT },
	{ "half a spoof check", SET, OF(0, SPOOFCHK), 2, 0, VALUE },
	{ "spoof check, and a word more", SET, OF(0, SPOOFCHK), 1, 1, LAYOUT },
	{ "trust", SET, OF(0, TRUST), 1, 0, NOT },
	{ "more trust", SET, OF(0, TRUST), 256, 0, VALUE },
	{ "a link that the admin has off", SET, OF(2, LINK), VIFVPF_LINK_ENABLE, 0, NOT },
	{ "a fourth link state", SET, OF(0, LINK), 3, 0, VALUE },
	{ "link 256, 0 in 8 bits", SET, OF(2, LINK), 256, 0, VALUE },
	{ "attribute 0", SET, VIFVPF_SET(0, 0), 1, 0, VIFVPF_REASON_ATTRIBUTE },
	{ "attribute 7", SET, VIFVPF_SET(0, 7), 1, 0, VIFVPF_REASON_ATTRIBUTE },
	{ "attribute 0xffff", SET, VIFVPF_SET(0, 0xffff), 1, 0, VIFVPF_REASON_ATTRIBUTE },
	{ "a VF behind the last", SET, OF(VFS, SPOOFCHK), 1, 0, VIFVPF_REASON_INDEX },
	{ "VF 0xffff", SET, OF(0xffff, SPOOFCHK), 1, 0, VIFVPF_REASON_INDEX },
	{ "10,000 VFs", VIFVPF_CTRL_ENABLE, 10000, 0, 0, VIFVPF_REASON_INDEX },
	{ "-1 VFs", VIFVPF_CTRL_ENABLE, UINT32_MAX, 0, 0, VIFVPF_REASON_INDEX },
	{ "VFs, and a word more", VIFVPF_CTRL_ENABLE, 1, 1, 0, LAYOUT },
	{ "counters of a VF behind the last", VIFVPF_CTRL_QUERY, VFS, 0, 0, VIFVPF_REASON_INDEX },
	{ "counters into no page", VIFVPF_CTRL_QUERY, 0, 5, 0, VIFVPF_REASON_PAGE },
	{ "counters, and a word more", VIFVPF_CTRL_QUERY, 0, 0, 1, LAYOUT },
};

static void no_message_leaves_the_envelope(void **state)
{
	struct path_live before[VFS + 1];

	(void)state;
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, VFS, 0, 0), OK);
	for (uint32_t vf = 1; vf <= VFS; vf++)
		before[vf] = vif_of(7, vf)->live;
	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		const struct escape *e = &escapes[i];
		uint32_t status = ask(e->type, e->a, e->b, e->c);

		if (status != INVALID || reason != e->reason)
			fail_msg("%s: status %u, reason %u", e->what, status, reason);
		for (uint32_t vf = 1; vf <= VFS; vf++)
			if (memcmp(&before[vf], &vif_of(7, vf)->live, sizeof(before[vf])))
				fail_msg("%s: VF %u has other rules", e->what, vf - 1);
		assert_int_equal(vif_of(7, 0)->virtual_pf.wishes.wanted, VFS);
	}
}

/* The same rules let through what is within them, so what was refused was not refused for all. */
static void what_is_within_is_granted(void **state)
{
	(void)state;
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, VFS, 0, 0), OK);
	assert_int_equal(set_vlan(0, 100), OK);
	assert_int_equal(set_vlan(0, 200 | 7u << 16), OK);
	assert_int_equal(set(0, VIFVPF_ATTR_RATE, 10, 200), OK);
	assert_int_equal(set(1, VIFVPF_ATTR_RATE, 0, 1), OK);
	assert_int_equal(set_mac(0, "\x02\x09\0\0\0\x01"), OK);
	assert_int_equal(set(1, VIFVPF_ATTR_SPOOFCHK, 1, 0), OK);
	assert_int_equal(set(1, VIFVPF_ATTR_TRUST, 0, 0), OK);
	assert_int_equal(set(2, VIFVPF_ATTR_LINK, VIFVPF_LINK_DISABLE, 0), OK);
}

static void a_parked_vf_takes_nothing(void **state)
{
	(void)state;
	assert_int_equal(set_vlan(0, 100), INVALID);
	assert_int_equal(reason, VIFVPF_REASON_PARKED);
	assert_int_equal(ask(VIFVPF_CTRL_QUERY, 0, page_ref, 0), INVALID);
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 1, 0, 0), OK);
	assert_int_equal(set_vlan(0, 100), OK);
	assert_int_equal(set(1, VIFVPF_ATTR_LINK, VIFVPF_LINK_DISABLE, 0), INVALID);
}

/* A vif that is no PF knows none of the messages, as a back end that knows no virtual PF. */
static void a_vif_without_vfs_knows_no_message(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= VFS; i++)
		rule(i, "virtual-pf", "");
	put("f", 7, 0, "state", "6");
	host_settle();
	put("f", 7, 0, "state", "1");
	host_settle();
	ring->idx.req_prod = ring->idx.rsp_prod = 0;
	connect_pf();
	assert_null(strstr(back_key(7, 0, "capability"), "virtual-vfs"));
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 0, 0, 0), UNSUPPORTED);
	assert_int_equal(set_vlan(0, 100), UNSUPPORTED);
	assert_int_equal(ask(0x7614, 0, 0, 0), UNSUPPORTED);
}

/* A neighbour that comes later and has the address by the toolstack's word gets it. */
static void an_owner_takes_its_address_back(void **state)
{
	(void)state;
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 1, 0, 0), OK);
	assert_int_equal(set_mac(0, "\x02\0\0\0\0\x09"), OK);
	assert_int_equal(vif_of(7, 1)->live.policy.nr_macs, 1);
	add_vif(9, 0, NULL);
	host_settle();
	assert_int_equal(vif_of(7, 1)->live.policy.nr_macs, 0);
	assert_memory_equal(query(0).mac, &vif_of(7, 1)->mac, 6);
}

/* Messages cost the guest its own time; each is answered, and nothing is left of them. */
static void flapping_leaves_nothing(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		assert_int_equal(ask(VIFVPF_CTRL_ENABLE, i % (VFS + 1), 0, 0), OK);
		if (i % (VFS + 1))
			assert_int_equal(set_vlan(0, 100 + i % 10), OK);
	}
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 0, 0, 0), OK);
	assert_int_equal(vif_of(7, 1)->live.policy.insert, 0);
	assert_int_equal(vif_of(7, 0)->virtual_pf.wishes.of[0].set, 0);
	assert_int_equal(vif_of(7, 0)->path ? 4 : 0, 4);
}

/* What a vifd kept may be damaged; it is judged again. */
static void a_damaged_file_gives_nothing(void **state)
{
	struct vif *pf = vif_of(7, 0);
	struct vf_wishes *wishes = &pf->virtual_pf.wishes;

	(void)state;
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 1, 0, 0), OK);
	wishes->of[0] = (struct vf_wish){ .set = 1u << VIFVPF_ATTR_VLAN | 1u << VIFVPF_ATTR_RATE |
						 1u << VIFVPF_ATTR_SPOOFCHK,
					  .tag = 300,
					  .rate_max = 5000 };
	virtual_pf_restored(pf);
	host_settle();
	assert_int_equal(vif_of(7, 1)->live.policy.insert, 0);
	assert_int_equal(rate_kbps(vif_of(7, 1)->live.rate), 100000);
	assert_true(vif_of(7, 1)->live.policy.anti_spoof);
	wishes->nr = VIFVPF_VFS_MAX + 1;
	virtual_pf_restored(pf);
	assert_int_equal(wishes->nr, VFS);
	assert_int_equal(wishes->wanted, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_message_leaves_the_envelope, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_within_is_granted, setup, teardown),
		cmocka_unit_test_setup_teardown(a_parked_vf_takes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_vif_without_vfs_knows_no_message, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_owner_takes_its_address_back, setup, teardown),
		cmocka_unit_test_setup_teardown(flapping_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_file_gives_nothing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
