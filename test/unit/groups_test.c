/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/filter/groups.c test/unit/packet_fixture.c */
/* Notes the groups that a netdev is asked to join. */
#include <linux/if_packet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <rte_ip.h>

#include "packet_fixture.h"
#include "port/filter/groups.h"
#include "port/kernel/netdev.h"

#define MEMBERS_MAX 256
#define LIMIT_MS 20000 /* for what another thread must do, on a busy machine */
#define SILENCE_MS 20  /* for what it must not */

static const struct rte_ether_addr mac = { { 0, 0x16, 0x3e, 0xab, 0xcd, 0xef } };
static struct groups groups;
static char function; /* stands for a PCI function */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rte_ether_addr members[MEMBERS_MAX];
static unsigned int nr_members, all_multi, unicast;

int netdev_members_open(void)
{
	return dup(STDERR_FILENO);
}

int netdev_member(int fd, const char *name, int type, const struct rte_ether_addr *address,
		  bool add)
{
	assert_true(fd >= 0);
	assert_string_equal(name, "vf0");
	assert_true(add);
	pthread_mutex_lock(&lock);
	if (type == PACKET_MR_ALLMULTI)
		all_multi++;
	else if (type == PACKET_MR_UNICAST)
		unicast++;
	else if (nr_members < MEMBERS_MAX)
		members[nr_members++] = *address;
	pthread_mutex_unlock(&lock);
	return 0;
}

int eth_join(struct eth *eth, const struct rte_ether_addr *address)
{
	assert_ptr_equal(eth, &function);
	pthread_mutex_lock(&lock);
	if (nr_members < MEMBERS_MAX)
		members[nr_members++] = *address;
	pthread_mutex_unlock(&lock);
	return 0;
}

int eth_join_all(struct eth *eth)
{
	assert_ptr_equal(eth, &function);
	pthread_mutex_lock(&lock);
	all_multi++;
	pthread_mutex_unlock(&lock);
	return 0;
}

static bool has_joined(const struct rte_ether_addr *address)
{
	bool found = false;

	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < nr_members; i++)
		found = found || rte_is_same_ether_addr(&members[i], address);
	pthread_mutex_unlock(&lock);
	return found;
}

static bool joined(struct rte_ether_addr address)
{
	for (int ms = 0; ms < LIMIT_MS && !has_joined(&address); ms++)
		usleep(1000);
	return has_joined(&address);
}

static bool counts_are(unsigned int nr, unsigned int nr_all_multi)
{
	bool equal;

	pthread_mutex_lock(&lock);
	equal = nr_members == nr && all_multi == nr_all_multi;
	pthread_mutex_unlock(&lock);
	return equal;
}

/* So many in the end, and no more. */
static bool settles_at(unsigned int nr, unsigned int nr_all_multi)
{
	for (int ms = 0; ms < LIMIT_MS && !counts_are(nr, nr_all_multi); ms++)
		usleep(1000);
	usleep(SILENCE_MS * 1000);
	return counts_are(nr, nr_all_multi);
}

/* The vif sends a frame: an Ethernet header, then @bytes. */
static void say(struct rte_ether_addr dst, uint16_t type, const uint8_t *bytes, uint32_t len)
{
	struct rte_mbuf *frame = rte_pktmbuf_alloc(pool);
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(frame, struct rte_ether_hdr *);

	eth->dst_addr = dst;
	eth->src_addr = mac;
	eth->ether_type = rte_cpu_to_be_16(type);
	memcpy(eth + 1, bytes, len);
	frame->data_len = (uint16_t)(sizeof(*eth) + len);
	frame->pkt_len = frame->data_len;
	groups_see(&groups, frame);
	rte_pktmbuf_free(frame);
}

static uint32_t ip6(uint8_t *to, uint8_t next, bool from_nobody)
{
	memset(to, 0, 40);
	to[0] = 0x60;
	to[6] = next;
	to[8] = from_nobody ? 0 : 0xfe;
	return 40;
}

static void solicit(const struct rte_ether_addr *dst, bool from_nobody)
{
	uint8_t bytes[64] = { 0 };

	ip6(bytes, IPPROTO_ICMPV6, from_nobody);
	bytes[40] = 135;
	say(*dst, RTE_ETHER_TYPE_IPV6, bytes, sizeof(bytes));
}

static void groups_of_every_host_are_joined_at_once(void **state)
{
	(void)state;
	assert_int_equal(nr_members, 3);
	assert_true(joined((struct rte_ether_addr){ { 0x33, 0x33, 0, 0, 0, 1 } }));
	assert_true(joined((struct rte_ether_addr){ { 0x33, 0x33, 0xff, 0xab, 0xcd, 0xef } }));
	assert_true(joined((struct rte_ether_addr){ { 1, 0, 0x5e, 0, 0, 1 } }));
	assert_int_equal(unicast, 1);
}

static void group_of_a_solicited_address_is_joined(void **state)
{
	const struct rte_ether_addr own = { { 0x33, 0x33, 0xff, 1, 2, 3 } };
	const struct rte_ether_addr other = { { 0x33, 0x33, 0xff, 4, 5, 6 } };

	(void)state;
	solicit(&other, false);
	solicit(&own, true);
	solicit(&own, true);
	assert_true(joined(own));
	assert_false(has_joined(&other));
	assert_true(settles_at(5, 0)); /* and that of who asked for the other */
}

/* A guest says only once what it listens to. */
static void port_that_a_vif_moves_to_joins_its_learnt_groups(void **state)
{
	const struct rte_ether_addr own = { { 0x33, 0x33, 0xff, 1, 2, 3 } };
	static struct groups next;
	struct group_list kept = { 0 };

	(void)state;
	groups_keep(&groups, &kept);
	solicit(&own, true);
	assert_true(settles_at(4, 0));
	assert_int_equal(groups_open(&next, "vf0", &mac, false), 0);
	assert_true(settles_at(7, 0));
	groups_keep(&next, &kept);
	assert_true(settles_at(8, 0));
	groups_keep(&next, &kept);
	assert_true(settles_at(8, 0));
	assert_int_equal(group_list_nr(&kept), 1);
	assert_true(group_list_is_whole(&kept));
	groups_close(&next);
}

static void port_after_one_that_receives_all_groups_receives_all(void **state)
{
	static struct groups next;
	struct group_list kept = { 0 };

	(void)state;
	groups_keep(&groups, &kept);
	for (uint8_t i = 0; i < ETH_GROUPS_MAX; i++)
		groups_join(&groups, (const uint8_t[]){ 1, 0, 0x5e, 0, 1, i });
	assert_int_equal(group_list_nr(&kept), GROUP_LIST_MAX);
	groups_join(&groups, (const uint8_t[]){ 1, 0, 0x5e, 0, 2, 0 });
	assert_int_equal(group_list_nr(&kept), GROUP_LIST_ALL);
	assert_true(group_list_is_whole(&kept));
	assert_true(settles_at(3 + ETH_GROUPS_MAX, 1));
	assert_int_equal(groups_open(&next, "vf0", &mac, false), 0);
	groups_keep(&next, &kept);
	assert_true(settles_at(6 + 2 * ETH_GROUPS_MAX, 2));
	groups_close(&next);
}

/* IS-IS, LLDP and spanning tree have no reports. */
static void group_of_no_internet_protocol_is_joined_when_the_vif_sends_to_it(void **state)
{
	const struct rte_ether_addr isis = { { 1, 0x80, 0xc2, 0, 0, 0x14 } };
	const struct rte_ether_addr all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };
	const struct rte_ether_addr other = { { 1, 0, 0x5e, 1, 2, 3 } };
	const uint8_t bytes[60] = { 0xfe, 0xfe, 3 };

	(void)state;
	say(isis, 60, bytes, sizeof(bytes)); /* a length: LLC */
	say(isis, 60, bytes, sizeof(bytes));
	assert_true(joined(isis));
	say(all, RTE_ETHER_TYPE_ARP, bytes, sizeof(bytes));
	say(other, RTE_ETHER_TYPE_IPV4, bytes, sizeof(bytes));
	assert_true(settles_at(4, 0));
}

/* An address that was configured without a test for duplicates. */
static void who_asks_for_a_neighbour_can_be_asked_back(void **state)
{
	const struct rte_ether_addr router = { { 0x33, 0x33, 0xff, 0, 0, 1 } };
	const struct rte_ether_addr own = { { 0x33, 0x33, 0xff, 0, 0, 0 } };

	(void)state;
	solicit(&router, false); /* from an address that ends in 0 */
	assert_true(joined(own));
	assert_true(settles_at(4, 0));
}

static void group_of_multicast_control_is_joined(void **state)
{
	const struct rte_ether_addr group = { { 0x33, 0x33, 0xff, 7, 8, 9 } };

	(void)state;
	groups_join(&groups, group.addr_bytes);
	assert_true(joined(group));
	assert_true(settles_at(4, 0));
}

static void igmp_reports_are_understood(void **state)
{
	const struct rte_ether_addr dst = { { 1, 0, 0x5e, 0, 0, 22 } };
	/* IPv4 with a router alert, IGMPv3: change to exclude 239.129.1.2, include none of .3 */
	const uint8_t v3[] = { 0x46, 0, 0, 0,  0,    0,	  0, 0, 1,    2, 0, 0, 0,   0,	 0, 0,
			       224,  0, 0, 22, 0x94, 4,	  0, 0, 0x22, 0, 0, 0, 0,   0,	 0, 2,
			       4,    0, 0, 0,  239,  129, 1, 2, 3,    0, 0, 0, 239, 129, 1, 3 };
	const uint8_t v2[] = { 0x45, 0, 0,   0, 0, 0, 0,    0, 1, 2, 0,	  0, 0, 0,
			       0,    0, 239, 1, 1, 9, 0x16, 0, 0, 0, 239, 1, 1, 9 };

	(void)state;
	say(dst, RTE_ETHER_TYPE_IPV4, v3, sizeof(v3));
	assert_true(joined((struct rte_ether_addr){ { 1, 0, 0x5e, 1, 1, 2 } }));
	say(dst, RTE_ETHER_TYPE_IPV4, v2, sizeof(v2));
	assert_true(joined((struct rte_ether_addr){ { 1, 0, 0x5e, 1, 1, 9 } }));
	assert_true(settles_at(5, 0));
}

static uint32_t mld(uint8_t *to, uint8_t type)
{
	const uint8_t hop[] = { IPPROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0 };
	uint32_t len = ip6(to, IPPROTO_HOPOPTS, false);

	memcpy(to + len, hop, sizeof(hop));
	len += sizeof(hop);
	memset(to + len, 0, 8);
	to[len] = type;
	return len + 8;
}

static void put_group(uint8_t *to, uint8_t last)
{
	memset(to, 0, 16);
	to[0] = 0xff;
	to[1] = 2;
	to[12] = 9;
	to[15] = last;
}

static void mld_reports_are_understood(void **state)
{
	const struct rte_ether_addr dst = { { 0x33, 0x33, 0, 0, 0, 22 } };
	uint8_t bytes[256];
	uint32_t len = mld(bytes, 131);

	(void)state;
	put_group(bytes + len, 7);
	say(dst, RTE_ETHER_TYPE_IPV6, bytes, len + 16);
	assert_true(joined((struct rte_ether_addr){ { 0x33, 0x33, 9, 0, 0, 7 } }));
	len = mld(bytes, 143);
	bytes[len - 1] = 3;
	for (uint8_t i = 0; i < 3; i++) {
		/* leave, join with 2 sources, join without */
		const uint8_t type[] = { 3, 5, 4 }, sources[] = { 0, 2, 0 };

		memset(bytes + len, 0, 4);
		bytes[len] = type[i];
		bytes[len + 3] = sources[i];
		put_group(bytes + len + 4, (uint8_t)(20 + i));
		memset(bytes + len + 20, 0x77, sources[i] * 16u);
		len += 20 + sources[i] * 16u;
	}
	say(dst, RTE_ETHER_TYPE_IPV6, bytes, len);
	assert_true(joined((struct rte_ether_addr){ { 0x33, 0x33, 9, 0, 0, 21 } }));
	assert_true(joined((struct rte_ether_addr){ { 0x33, 0x33, 9, 0, 0, 22 } }));
	assert_true(settles_at(6, 0));
}

/* Every prefix of a report, and every length it may claim: read under the sanitizer too. */
static void cut_off_and_lying_reports_are_harmless(void **state)
{
	const struct rte_ether_addr dst = { { 0x33, 0x33, 0, 0, 0, 22 } };
	uint8_t bytes[256];
	uint32_t len = mld(bytes, 143);

	(void)state;
	bytes[len - 2] = 0xff;
	bytes[len - 1] = 0xff;
	memset(bytes + len, 0xff, 4);
	bytes[len] = 4;
	put_group(bytes + len + 4, 1);
	for (uint32_t cut = 0; cut <= len + 20; cut++) {
		say(dst, RTE_ETHER_TYPE_IPV6, bytes, cut);
		say(dst, RTE_ETHER_TYPE_IPV4, bytes, cut);
		say(dst, RTE_ETHER_TYPE_VLAN, bytes, cut);
	}
	assert_true(settles_at(4, 0));
}

static void guest_that_wants_everything_gets_it_once(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		const struct rte_ether_addr group = { { 0x33, 0x33, 0xff, 9, (uint8_t)(i >> 8),
							(uint8_t)i } };

		solicit(&group, true);
	}
	assert_true(settles_at(3 + ETH_GROUPS_MAX, 1));
}

static void function_joins_the_same_groups_by_its_own_list(void **state)
{
	const struct rte_ether_addr own = { { 0x33, 0x33, 0xff, 0xab, 0xcd, 0x01 } };

	(void)state;
	groups_close(&groups);
	nr_members = 0;
	assert_int_equal(groups_open_eth(&groups, (void *)&function, &mac), 0);
	assert_int_equal(nr_members, 3);
	solicit(&own, true);
	assert_true(joined(own));
}

static int start(void **state)
{
	(void)state;
	return packets_start(255);
}

static int open_one(void **state)
{
	(void)state;
	nr_members = all_multi = unicast = 0;
	if (groups_start() < 0)
		return -1;
	return groups_open(&groups, "vf0", &mac, true);
}

static int close_one(void **state)
{
	(void)state;
	groups_close(&groups);
	groups_stop();
	return 0;
}

#define fact(name) cmocka_unit_test_setup_teardown(name, open_one, close_one)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(groups_of_every_host_are_joined_at_once),
		fact(group_of_a_solicited_address_is_joined),
		fact(port_that_a_vif_moves_to_joins_its_learnt_groups),
		fact(port_after_one_that_receives_all_groups_receives_all),
		fact(group_of_no_internet_protocol_is_joined_when_the_vif_sends_to_it),
		fact(who_asks_for_a_neighbour_can_be_asked_back),
		fact(group_of_multicast_control_is_joined),
		fact(igmp_reports_are_understood),
		fact(mld_reports_are_understood),
		fact(cut_off_and_lying_reports_are_harmless),
		fact(function_joins_the_same_groups_by_its_own_list),
		fact(guest_that_wants_everything_gets_it_once),
	};

	return cmocka_run_group_tests(tests, start, packets_stop);
}
