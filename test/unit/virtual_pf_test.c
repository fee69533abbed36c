/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* Which vif is a virtual VF of which, what its guest sets of it, and when that ends. */
#include <stdlib.h>
#include <unistd.h>

#include "virtual_pf_fixture.h"

static char dir[] = "/tmp/vifd-vpf.XXXXXX";

static int setup(void **state)
{
	(void)state;
	if (host_open())
		return -1;
	snprintf(fake_host.config.run_dir, sizeof(fake_host.config.run_dir), "%s", dir);
	make_guest();
	return 0;
}

static int teardown(void **state)
{
	char path[64];

	(void)state;
	host_close();
	guest_free(guest);
	for (uint32_t i = 0; i <= VFS; i++) {
		snprintf(path, sizeof(path), "%s/vif-7.%u", dir, i);
		unlink(path);
	}
	return fake_all_free() ? 0 : -1;
}

static void allow_all(void)
{
	for (uint32_t i = 1; i <= VFS; i++) {
		rule(i, "guest-mac", "1");
		rule(i, "guest-vlan", "100-109");
		rule(i, "guest-rate", "200");
		rule(i, "guest-promiscuous", "1");
		rule(i, "rate", "625000,50000"); /* 100 Mbit/s */
	}
}

static void vfs_are_told(void **state)
{
	(void)state;
	assert_string_equal(back_key(7, 1, "virtual-pf"), "0");
	assert_string_equal(back_key(7, 3, "virtual-pf"), "0");
	assert_null(back_key(7, 0, "virtual-pf"));
	assert_string_equal(back_key(7, 1, "state"), "2");
	connect_pf();
	assert_non_null(strstr(back_key(7, 0, "capability"), " virtual-vfs=1,2,3"));
	put("f", 8, 0, "state", "1");
	assert_null(back_key(8, 0, "virtual-pf"));
}

/* Only served PFs are told, or a front end would leave the VF alone for ever. */
static void a_missing_pf_is_not_told(void **state)
{
	(void)state;
	add_vif(7, 5, "9");
	host_settle();
	assert_string_equal(back_key(7, 5, "state"), "2");
	assert_null(back_key(7, 5, "virtual-pf"));
	assert_true(vif_of(7, 5)->virtual_pf.missing);
	add_vif(7, 9, NULL);
	host_settle();
	assert_string_equal(back_key(7, 5, "virtual-pf"), "9");
	assert_false(vif_of(7, 5)->virtual_pf.missing);
	fake_xs_remove(HOST_BACK "7/9");
	host_settle();
	assert_null(back_key(7, 5, "virtual-pf"));
}

/* Guest 8 has a vif 0 too; 7's PF is none of 8's. */
static void a_pf_of_another_guest_is_not_found(void **state)
{
	(void)state;
	add_vif(8, 1, "3");
	host_settle();
	assert_null(back_key(8, 1, "virtual-pf"));
	add_vif(8, 2, "0");
	host_settle();
	assert_ptr_equal(virtual_pf_of(vif_of(8, 2)), vif_of(8, 0));
	connect_pf();
	assert_non_null(strstr(back_key(7, 0, "capability"), " virtual-vfs=1,2,3"));
}

static void itself_and_chains_are_refused(void **state)
{
	(void)state;
	rule(0, "virtual-pf", "0");
	assert_non_null(strstr(back_key(7, 0, "policy-error"), "the interface itself"));
	rule(0, "virtual-pf", "1");
	assert_non_null(strstr(back_key(7, 0, "policy-error"), "virtual VF itself"));
	add_vif(7, 5, NULL);
	host_settle();
	rule(0, "virtual-pf", "5");
	assert_non_null(strstr(back_key(7, 0, "policy-error"), "the virtual PF of"));
	rule(0, "virtual-pf", "");
	assert_null(back_key(7, 0, "policy-error"));
	rule(2, "virtual-pf", "1");
	assert_non_null(strstr(back_key(7, 2, "policy-error"), "virtual VF itself"));
	assert_string_equal(back_key(7, 2, "virtual-pf"), "0");
}

static void one_guest_may_have_two_pfs(void **state)
{
	(void)state;
	add_vif(7, 4, NULL);
	add_vif(7, 5, "4");
	host_settle();
	assert_string_equal(back_key(7, 5, "virtual-pf"), "4");
	connect_pf();
	assert_non_null(strstr(back_key(7, 0, "capability"), " virtual-vfs=1,2,3"));
	assert_int_equal(vif_of(7, 4)->virtual_pf.wishes.nr, 1);
}

/* One that comes later is listed behind the others, and one that leaves keeps its place. */
static void indices_stay(void **state)
{
	(void)state;
	rule(2, "virtual-pf", "");
	connect_pf();
	rule(2, "virtual-pf", "0");
	fake_host.now_us += 20000000;
	host_settle();
	assert_non_null(strstr(back_key(7, 0, "capability"), " virtual-vfs=1,3,2"));
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 3, 0, 0), OK);
	rule(1, "virtual-pf", "");
	assert_int_equal(set(0, VIFVPF_ATTR_LINK, VIFVPF_LINK_DISABLE, 0), INVALID);
	assert_int_equal(reason, VIFVPF_REASON_GONE);
	assert_int_equal(query(1).handle, 3);
}

/* One message is enough for all VFs, and the vif of one of them is not there. */
static void one_message_tells_of_all(void **state)
{
	const struct vifvpf_state *states = (const void *)guest_page(guest, page_ref);

	(void)state;
	allow_all();
	connect_pf();
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 3, 0, 0), OK);
	assert_int_equal(set_vlan(1, 105), OK);
	connect_vif(2);
	memset(guest_page(guest, page_ref), 0xa5, NETIF_PAGE_SIZE);
	assert_int_equal(query_from(0), 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(states[i].handle, i + 1);
		assert_int_equal(states[i].vlan, i == 1 ? 105 : 0);
		assert_int_equal(states[i].connected, i == 1);
		assert_int_equal(states[i].gone, 0);
	}
	assert_int_equal(*(const uint8_t *)&states[3], 0xa5);
	fake_xs_remove(HOST_BACK "7/2");
	host_settle();
	assert_int_equal(query_from(1), 2);
	assert_int_equal(states[0].gone, 1);
	assert_int_equal(states[0].vlan, 0);
	assert_int_equal(states[1].handle, 3);
}

static void at_most_64(void **state)
{
	const struct vifvpf_state *states = (const void *)guest_page(guest, page_ref);

	(void)state;
	for (uint32_t i = 10; i < 80; i++)
		add_vif(7, i, "0");
	host_settle();
	connect_pf();
	assert_int_equal(vif_of(7, 0)->virtual_pf.wishes.nr, VIFVPF_VFS_MAX);
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, VIFVPF_VFS_MAX, 0, 0), OK);
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, VIFVPF_VFS_MAX + 1, 0, 0), INVALID);
	assert_int_equal(query_from(0), VIFVPF_STATES_MAX);
	assert_int_equal(states[VIFVPF_STATES_MAX - 1].handle,
			 vif_of(7, 0)->virtual_pf.wishes.handle[VIFVPF_STATES_MAX - 1]);
	assert_int_equal(query_from(VIFVPF_STATES_MAX), VIFVPF_VFS_MAX - VIFVPF_STATES_MAX);
	assert_int_equal(query_from(VIFVPF_VFS_MAX - 1), 1);
}

static void what_is_granted_is_in_force(void **state)
{
	struct vifvpf_state now;
	struct vif *vf;

	(void)state;
	allow_all();
	connect_pf();
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 2, 0, 0), OK);
	assert_int_equal(reason, 2);
	connect_vif(2);
	vf = vif_of(7, 2);
	now = query(1);
	assert_int_equal(now.rate_max, 100);
	assert_memory_equal(now.mac, &vf->mac, 6);
	assert_int_equal(set_mac(1, "\x02\x09\0\0\0\x01"), OK);
	assert_int_equal(vf->live.policy.nr_macs, 1);
	assert_int_equal(set_vlan(1, 105 | 3u << 16), OK);
	assert_int_equal(vf->live.policy.insert, 3u << 13 | 105);
	assert_false(vf->live.policy.untagged);
	assert_int_equal(set(1, VIFVPF_ATTR_RATE, 0, 150), OK);
	assert_int_equal(rate_kbps(vf->live.rate), 150000);
	assert_int_equal(set(1, VIFVPF_ATTR_LINK, VIFVPF_LINK_DISABLE, 0), OK);
	assert_false(vf->live.link);
	assert_string_equal(back_key(7, 2, "carrier"), "0");
	assert_int_equal(set(1, VIFVPF_ATTR_TRUST, 0, 0), OK);
	now = query(1);
	assert_memory_equal(now.mac, "\x02\x09\0\0\0\x01", 6);
	assert_int_equal(now.vlan, 105);
	assert_int_equal(now.priority, 3);
	assert_int_equal(now.rate_max, 150);
	assert_int_equal(now.link, VIFVPF_LINK_DISABLE);
	assert_int_equal(now.trust, 0);
	assert_int_equal(now.spoofchk, 1);
	assert_int_equal(now.connected, 1);
	assert_int_equal(now.handle, 2);
	assert_int_equal(vif_of(7, 1)->live.policy.insert, 0);
}

/* As sriov-cni restores what it read before. */
static void the_former_values_take_all_back(void **state)
{
	struct vifvpf_state before, after;
	struct vif *vf;

	(void)state;
	allow_all();
	connect_pf();
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 1, 0, 0), OK);
	connect_vif(1);
	vf = vif_of(7, 1);
	before = query(0);
	assert_int_equal(set_mac(0, "\x02\x09\0\0\0\x01"), OK);
	assert_int_equal(set_vlan(0, 100), OK);
	assert_int_equal(set(0, VIFVPF_ATTR_RATE, 0, 50), OK);
	assert_int_equal(set(0, VIFVPF_ATTR_LINK, VIFVPF_LINK_ENABLE, 0), OK);
	assert_int_equal(set(0, VIFVPF_ATTR_TRUST, 0, 0), OK);
	assert_int_equal(set_mac(0, (const char *)before.mac), OK);
	assert_int_equal(set(0, VIFVPF_ATTR_VLAN, before.vlan | (uint32_t)before.priority << 16,
			     VIFVPF_VLAN_TYPE),
			 OK);
	assert_int_equal(set(0, VIFVPF_ATTR_RATE, before.rate_min, before.rate_max), OK);
	assert_int_equal(set(0, VIFVPF_ATTR_LINK, before.link, 0), OK);
	assert_int_equal(set(0, VIFVPF_ATTR_TRUST, before.trust, 0), OK);
	after = query(0);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(vif_of(7, 0)->virtual_pf.wishes.of[0].set, 0);
	assert_int_equal(vf->live.policy.nr_macs, 0);
}

static void set_some(void)
{
	allow_all();
	connect_pf();
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 2, 0, 0), OK);
	connect_vif(2);
	assert_int_equal(set_vlan(1, 105), OK);
	assert_int_equal(set_mac(1, "\x02\x09\0\0\0\x01"), OK);
	assert_int_equal(vif_of(7, 2)->live.policy.insert, 105);
}

static void it_ends_with_the_rule(void **state)
{
	(void)state;
	set_some();
	rule(2, "guest-vlan", "106");
	assert_int_equal(vif_of(7, 2)->live.policy.insert, 0);
	assert_int_equal(query(1).vlan, 0);
	rule(2, "guest-mac", "0");
	assert_int_equal(vif_of(7, 2)->live.policy.nr_macs, 0);
	rule(2, "guest-vlan", "105");
	assert_int_equal(vif_of(7, 2)->live.policy.insert, 105);
}

static void it_ends_with_the_vf(void **state)
{
	(void)state;
	set_some();
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 1, 0, 0), OK);
	assert_int_equal(vif_of(7, 2)->live.policy.insert, 0);
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 2, 0, 0), OK);
	assert_int_equal(vif_of(7, 2)->live.policy.insert, 0);
	assert_int_equal(query(1).vlan, 0);
}

static void it_ends_with_the_pf(void **state)
{
	(void)state;
	set_some();
	put("f", 7, 0, "state", "6");
	host_settle();
	assert_int_equal(vif_of(7, 2)->live.policy.insert, 0);
	assert_int_equal(vif_of(7, 2)->live.policy.nr_macs, 0);
	put("f", 7, 0, "state", "1");
	host_settle();
	ring->idx.req_prod = ring->idx.rsp_prod = 0;
	connect_pf();
	assert_int_equal(set_vlan(1, 105), INVALID);
	assert_int_equal(reason, VIFVPF_REASON_PARKED);
}

static void a_new_vifd_knows_it(void **state)
{
	(void)state;
	set_some();
	vifs_close(fake_host.vifs);
	fake_host.vifs = vifs_open(&fake_host.host);
	assert_non_null(fake_host.vifs);
	fake_host.now_us += 5000000;
	host_settle();
	assert_int_equal(vif_of(7, 0)->virtual_pf.wishes.wanted, 2);
	assert_int_equal(vif_of(7, 2)->live.policy.insert, 105);
	assert_int_equal(query(1).vlan, 105);
}

/* Where Linux' driver parks a VF: it would wait for one in an earlier state when it is loaded. */
static void a_parked_vf_may_be_closed(void **state)
{
	(void)state;
	put("f", 7, 2, "state", "6");
	host_settle();
	assert_string_equal(back_key(7, 2, "state"), "6");
	assert_string_equal(back_key(7, 2, "virtual-pf"), "0");
	allow_all();
	connect_pf();
	assert_non_null(strstr(back_key(7, 0, "capability"), " virtual-vfs=1,2,3"));
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 2, 0, 0), OK);
	assert_int_equal(set_vlan(1, 105), OK);
	put("f", 7, 2, "state", "1");
	host_settle();
	assert_string_equal(back_key(7, 2, "state"), "2");
	connect_vif(2);
	assert_int_equal(vif_of(7, 2)->live.policy.insert, 105);
}

/* A VF that reconnects has what was set; the order of PF and VF does not matter. */
static void it_waits_for_the_vf(void **state)
{
	(void)state;
	allow_all();
	connect_pf();
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 3, 0, 0), OK);
	assert_int_equal(set_vlan(2, 105), OK);
	assert_int_equal(query(2).vlan, 105);
	assert_int_equal(query(2).connected, 0);
	connect_vif(3);
	assert_int_equal(vif_of(7, 3)->live.policy.insert, 105);
}

/* An address that one VF had is free for the next as soon as it is given back. */
static void an_address_moves_to_another_vf(void **state)
{
	(void)state;
	set_some();
	connect_vif(1);
	assert_int_equal(set_mac(0, "\x02\x09\0\0\0\x01"), INVALID);
	assert_int_equal(reason, VIFVPF_REASON_TAKEN);
	put("f", 7, 2, "state", "6");
	host_settle();
	assert_int_equal(set_mac(0, "\x02\x09\0\0\0\x01"), INVALID);
	assert_int_equal(ask(VIFVPF_CTRL_ENABLE, 1, 0, 0), OK);
	assert_int_equal(set_mac(0, "\x02\x09\0\0\0\x01"), OK);
	assert_int_equal(vif_of(7, 1)->live.policy.nr_macs, 1);
}

/* The list of the host's netdevs is long: it is asked for once for each address, by each vifd. */
static void netdevs_are_asked_when_an_address_is_set(void **state)
{
	(void)state;
	fake_host.netdev_mac = (struct rte_ether_addr){ { 2, 9, 0, 0, 0, 2 } };
	set_some();
	assert_int_equal(set_mac(0, "\x02\x09\0\0\0\x02"), INVALID);
	assert_int_equal(reason, VIFVPF_REASON_TAKEN);
	fake_host.netdevs_asked = 0;
	assert_int_equal(set_vlan(1, 106), OK);
	rule(2, "guest-vlan", "105");
	assert_int_equal(query(1).vlan, 0);
	assert_int_equal(fake_host.netdevs_asked, 0);
	assert_int_equal(set_mac(1, "\x02\x09\0\0\0\x03"), OK);
	assert_int_equal(fake_host.netdevs_asked, 1);
	rule(2, "guest-mac", "0");
	rule(2, "guest-mac", "1");
	assert_int_equal(fake_host.netdevs_asked, 2);
	assert_int_equal(vif_of(7, 2)->live.policy.nr_macs, 1);
}

static void wrong_rules_are_refused(void **state)
{
	static const char *const wrong[][2] = {
		{ "virtual-pf", "65536" }, { "virtual-pf", "-1" },	 { "virtual-pf", "7.0" },
		{ "guest-vlan", "0" },	   { "guest-vlan", "4095" },	 { "guest-vlan", "9-1" },
		{ "guest-vlan", "1,1" },   { "guest-rate", "10000001" }, { "guest-rate", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		rule(2, wrong[i][0], wrong[i][1]);
		assert_non_null(strstr(back_key(7, 2, "policy-error"), wrong[i][0]));
		rule(2, wrong[i][0], strcmp(wrong[i][0], "guest-rate") ? "" : "0");
		assert_null(back_key(7, 2, "policy-error"));
	}
}

static int parse(struct vifcap *cap, const char *handles)
{
	char text[VIFCAP_TEXT_MAX];

	snprintf(text, sizeof(text), "version=1 generation=1 virtual-vfs=%s", handles);
	return vifcap_parse(cap, text, strlen(text));
}

/* As the guest reads the record, which is hostile to it. */
static void the_record_lists_each_handle_once(void **state)
{
	char many[400] = "0", text[VIFCAP_TEXT_MAX + 1];
	struct vifcap cap;

	(void)state;
	assert_int_equal(parse(&cap, "0,65535,7"), 0);
	assert_int_equal(cap.virtual_vfs.nr, 3);
	assert_int_equal(cap.virtual_vfs.handle[1], 65535);
	assert_true(vifcap_format(&cap, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, " virtual-vfs=0,65535,7"));
	assert_int_equal(parse(&cap, "none"), 0);
	assert_int_equal(cap.virtual_vfs.nr, 0);
	assert_int_equal(parse(&cap, "1,2,1"), -EINVAL);
	assert_int_equal(parse(&cap, "65536"), -EINVAL);
	assert_int_equal(parse(&cap, "1,"), -EINVAL);
	assert_int_equal(parse(&cap, "1,none"), -EINVAL);
	for (uint32_t i = 1; i < VIFCAP_VFS_MAX; i++)
		snprintf(many + strlen(many), sizeof(many) - strlen(many), ",%u", i);
	assert_int_equal(parse(&cap, many), 0);
	assert_int_equal(cap.virtual_vfs.nr, VIFCAP_VFS_MAX);
	snprintf(many + strlen(many), sizeof(many) - strlen(many), ",64");
	assert_int_equal(parse(&cap, many), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(vfs_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(a_missing_pf_is_not_told, setup, teardown),
		cmocka_unit_test_setup_teardown(a_pf_of_another_guest_is_not_found, setup,
						teardown),
		cmocka_unit_test_setup_teardown(itself_and_chains_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_rules_are_refused, setup, teardown),
		cmocka_unit_test(the_record_lists_each_handle_once),
		cmocka_unit_test_setup_teardown(one_guest_may_have_two_pfs, setup, teardown),
		cmocka_unit_test_setup_teardown(indices_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(one_message_tells_of_all, setup, teardown),
		cmocka_unit_test_setup_teardown(at_most_64, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_granted_is_in_force, setup, teardown),
		cmocka_unit_test_setup_teardown(the_former_values_take_all_back, setup, teardown),
		cmocka_unit_test_setup_teardown(it_ends_with_the_rule, setup, teardown),
		cmocka_unit_test_setup_teardown(it_ends_with_the_vf, setup, teardown),
		cmocka_unit_test_setup_teardown(it_ends_with_the_pf, setup, teardown),
		cmocka_unit_test_setup_teardown(a_new_vifd_knows_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_parked_vf_may_be_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(it_waits_for_the_vf, setup, teardown),
		cmocka_unit_test_setup_teardown(an_address_moves_to_another_vf, setup, teardown),
		cmocka_unit_test_setup_teardown(netdevs_are_asked_when_an_address_is_set, setup,
						teardown),
	};

	if (!mkdtemp(dir))
		return 1;
	return cmocka_run_group_tests(tests, host_start, NULL) + rmdir(dir);
}
