/* SPDX-License-Identifier: BSD-3-Clause */
/* links: path/counters.c policy/policy.c policy/words.c test/unit/fake_guest.c */
/*
 * Each rule, as the admin writes it, against frames in both directions through the
 * real path: what passes, what is dropped and counted as what, what is changed.
 */
#include "backend/path/isolation.h"
#include "backend/policy/policy.h"
#include "path_fixture.h"

#define RULES_MAX 4
#define FRAME_MAX 256u
#define NR(array) (sizeof(array) / sizeof((array)[0]))

enum direction { TX, RX };

/* The guest is 02:00:00:00:00:01; @frame and @becomes are hexadecimal, NULL = as it was. */
struct rule_case {
	const char *name;
	const char *rules[RULES_MAX]; /* "key=value" */
	enum direction direction;
	const char *frame;
	enum path_counter cause; /* VERDICT_PASS */
	const char *becomes;
};

#define PASS ((enum path_counter)VERDICT_PASS)
#define OWN "020000000001"
#define PEER "020000000002"
#define OTHER "020000000003"
#define NEIGHBOUR "020000000004" /* another vif */
#define ALL "ffffffffffff"
#define GROUP "01005e000001"
#define DATA "aabbccddeeff00112233445566778899"

#define OUT PEER OWN	  /* from the guest */
#define IN OWN PEER	  /* to it */
#define PLAIN "88b5" DATA /* some ethertype */

/* IPv4 of 20 bytes and 8 of UDP, from @source */
#define IP4(source)                                                                                \
	"0800"                                                                                     \
	"4500001c00000000401100"                                                                   \
	"00" source "0a000001"
#define UDP                                                                                        \
	"00430044"                                                                                 \
	"00080000"
#define DHCP                                                                                       \
	"00440043"                                                                                 \
	"00080000"
#define ARP(op, sha, spa, tpa)                                                                     \
	"0806"                                                                                     \
	"0001080006"                                                                               \
	"04" op sha spa "000000000000" tpa

#define IP6(next, len, source)                                                                     \
	"86dd"                                                                                     \
	"60000000" len next "ff" source "ff020000000000000000000000000001"
#define ANY6 "00000000000000000000000000000000"
#define LL6 "fe80000000000000000000fffe000001" /* follows from the guest's MAC */
#define FD1 "fd000000000000000000000000000001"
#define FD2 "fd000000000000000000000000000002"
#define ND(type, target, option, mac)                                                              \
	type "000000"                                                                              \
	     "00000000" target option "01" mac

/* one line each */
/* clang-format off */
static const struct rule_case cases[] = {
	{ "anti-spoof: own", { 0 }, TX, OUT PLAIN, PASS, 0 },
	{ "anti-spoof: another's", { 0 }, TX, PEER OTHER PLAIN, COUNT_tx_drop_spoof, 0 },
	{ "anti-spoof off", { "anti-spoof=0" }, TX, PEER OTHER PLAIN, PASS, 0 },
	{ "anti-spoof says nothing of rx", { 0 }, RX, OWN OTHER PLAIN, PASS, 0 },
	{ "macs: own", { "macs=" "02:00:00:00:00:03" }, TX, OUT PLAIN, PASS, 0 },
	{ "macs: listed", { "macs=02:00:00:00:00:09 02:00:00:00:00:03" }, TX, PEER OTHER PLAIN, PASS, 0 },
	{ "macs: not listed", { "macs=02:00:00:00:00:04" }, TX, PEER OTHER PLAIN, COUNT_tx_drop_spoof, 0 },
	{ "macs off", { "macs=02:00:00:00:00:04", "anti-spoof=0" }, TX, PEER OTHER PLAIN, PASS, 0 },

	{ "no VLAN rule: tag passes", { 0 }, TX, OUT "8100000a" PLAIN, PASS, 0 },
	{ "vlan-filter: in a range", { "vlan-filter=5,10-12" }, TX, OUT "8100000c" PLAIN, PASS, 0 },
	{ "vlan-filter: its priority is its own", { "vlan-filter=10" }, TX, OUT "8100e00a" PLAIN, PASS, 0 },
	{ "vlan-filter: beyond", { "vlan-filter=5,10-12" }, TX, OUT "8100000d" PLAIN, COUNT_tx_drop_vlan, 0 },
	{ "vlan-filter: 4095", { "vlan-filter=1-4094" }, TX, OUT "81000fff" PLAIN, COUNT_tx_drop_vlan, 0 },
	{ "vlan-filter: other tag types count", { "vlan-filter=10" }, TX, OUT "88a8000d" PLAIN, COUNT_tx_drop_vlan, 0 },
	{ "vlan-filter: old QinQ counts", { "vlan-filter=10" }, TX, OUT "9100000d" PLAIN, COUNT_tx_drop_vlan, 0 },
	{ "vlan-filter: tag cut short", { "vlan-filter=10", "allow-untagged=1" }, TX, OUT "8100000d", COUNT_tx_drop_vlan, 0 },
	{ "vlan-filter: untagged", { "vlan-filter=10" }, TX, OUT PLAIN, COUNT_tx_drop_untagged, 0 },
	{ "vlan-filter: priority is untagged", { "vlan-filter=10" }, TX, OUT "8100e000" PLAIN, COUNT_tx_drop_untagged, 0 },
	{ "vlan-filter: a tag inside a priority tag", { "vlan-filter=10", "allow-untagged=1" }, TX, OUT "8100e00081000014" PLAIN, COUNT_tx_drop_vlan, 0 },
	{ "vlan-filter: its own inside a priority tag", { "vlan-filter=10" }, TX, OUT "8100e0008100000a" PLAIN, COUNT_tx_drop_untagged, 0 },
	{ "vlan-filter: both are allowed", { "vlan-filter=10", "allow-untagged=1" }, TX, OUT "8100e0008100000a" PLAIN, PASS, 0 },
	{ "vlan-filter: 802.1ad is untagged to some", { "vlan-filter=10" }, TX, OUT "88a8000a81000014" PLAIN, COUNT_tx_drop_untagged, 0 },
	{ "vlan-filter: 802.1ad, untagged allowed", { "vlan-filter=10", "allow-untagged=1" }, TX, OUT "88a8000a81000014" PLAIN, PASS, 0 },
	{ "vlan-filter: inside the VLAN", { "vlan-filter=10" }, TX, OUT "8100000a81000014" PLAIN, PASS, 0 },
	{ "vlan-filter: five priority tags", { "vlan-filter=10", "allow-untagged=1" }, TX, OUT "8100000081000000810000008100000081000000" PLAIN, COUNT_tx_drop_vlan, 0 },
	{ "allow-untagged", { "vlan-filter=10", "allow-untagged=1" }, TX, OUT PLAIN, PASS, 0 },
	{ "allow-untagged: no", { "allow-untagged=0" }, TX, OUT PLAIN, COUNT_tx_drop_untagged, 0 },
	{ "allow-untagged: no, tagged", { "allow-untagged=0" }, TX, OUT "8100000d" PLAIN, PASS, 0 },
	{ "vlan-filter rx: member", { "vlan-filter=10" }, RX, IN "8100000a" PLAIN, PASS, 0 },
	{ "vlan-filter rx: not", { "vlan-filter=10" }, RX, IN "8100000b" PLAIN, COUNT_rx_drop_vlan, 0 },
	{ "vlan-filter rx: untagged", { "vlan-filter=10" }, RX, IN PLAIN, COUNT_rx_drop_untagged, 0 },
	{ "vlan-filter rx: untagged allowed", { "vlan-filter=10", "allow-untagged=1" }, RX, IN PLAIN, PASS, 0 },
	{ "vlan-filter rx: inside a priority tag", { "vlan-filter=10", "allow-untagged=1" }, RX, IN "8100000081000014" PLAIN, COUNT_rx_drop_vlan, 0 },
	{ "vlan-filter rx: 802.1ad", { "vlan-filter=10" }, RX, IN "88a8000a" PLAIN, COUNT_rx_drop_untagged, 0 },
	{ "vlan-insert", { "vlan-insert=10/5" }, TX, OUT PLAIN, PASS, OUT "8100a00a" PLAIN },
	{ "vlan-insert: priority tag is replaced", { "vlan-insert=10/5" }, TX, OUT "8100e000" PLAIN, PASS, OUT "8100a00a" PLAIN },
	{ "vlan-insert: tagged already", { "vlan-insert=10" }, TX, OUT "8100000a" PLAIN, PASS, 0 },
	{ "vlan-insert: the priority is the rule's", { "vlan-insert=10/5" }, TX, OUT "8100e00a" PLAIN, PASS, OUT "8100a00a" PLAIN },
	{ "vlan-insert: other VLANs keep theirs", { "vlan-insert=10/5", "vlan-filter=20" }, TX, OUT "8100e014" PLAIN, PASS, 0 },
	{ "vlan-insert: 802.1ad", { "vlan-insert=10/5" }, TX, OUT "88a8000a" PLAIN, COUNT_tx_drop_untagged, 0 },
	{ "vlan-insert: tagged otherwise", { "vlan-insert=10" }, TX, OUT "8100000b" PLAIN, COUNT_tx_drop_vlan, 0 },
	{ "vlan-insert with a trunk", { "vlan-insert=10", "vlan-filter=20" }, TX, OUT "81000014" PLAIN, PASS, 0 },
	{ "vlan-insert before spoofing", { "vlan-insert=10" }, TX, PEER OTHER PLAIN, COUNT_tx_drop_spoof, 0 },
	{ "strip", { "vlan-insert=10" }, RX, IN "8100a00a" PLAIN, PASS, IN PLAIN },
	{ "strip: another VLAN", { "vlan-insert=10" }, RX, IN "8100000b" PLAIN, COUNT_rx_drop_vlan, 0 },
	{ "strip: the trunk keeps its tag", { "vlan-insert=10", "vlan-filter=20" }, RX, IN "81000014" PLAIN, PASS, 0 },
	{ "strip: untagged is no VLAN of its", { "vlan-insert=10" }, RX, IN PLAIN, COUNT_rx_drop_untagged, 0 },
	{ "xl: u strips", { "vlan=10p/20u/30" }, RX, IN "81000014" PLAIN, PASS, IN PLAIN },
	{ "xl: tagged", { "vlan=10p/20u/30" }, RX, IN "8100001e" PLAIN, PASS, 0 },
	{ "xl: p inserts", { "vlan=10p/20u/30" }, TX, OUT PLAIN, PASS, OUT "8100000a" PLAIN },
	{ "vlan-outer", { "vlan-outer=100" }, TX, OUT "8100000a" PLAIN, PASS, OUT "88a800648100000a" PLAIN },
	{ "vlan-outer and insert", { "vlan-outer=100", "vlan-insert=10" }, TX, OUT PLAIN, PASS, OUT "88a800648100000a" PLAIN },
	{ "vlan-outer and filter", { "vlan-outer=100", "vlan-filter=10" }, TX, OUT "8100000b" PLAIN, COUNT_tx_drop_vlan, 0 },
	{ "vlan-outer and filter rx: priority", { "vlan-outer=100", "vlan-filter=10", "allow-untagged=1" }, RX, IN "88a800648100000081000014" PLAIN, COUNT_rx_drop_vlan, 0 },
	{ "vlan-outer rx", { "vlan-outer=100" }, RX, IN "88a800648100000a" PLAIN, PASS, IN "8100000a" PLAIN },
	{ "vlan-outer and insert rx", { "vlan-outer=100", "vlan-insert=10" }, RX, IN "88a800648100000a" PLAIN, PASS, IN PLAIN },
	{ "vlan-outer and filter rx", { "vlan-outer=100", "vlan-filter=10" }, RX, IN "88a800648100000b" PLAIN, COUNT_rx_drop_vlan, 0 },
	{ "vlan-outer rx: another", { "vlan-outer=100" }, RX, IN "88a80065" PLAIN, COUNT_rx_drop_vlan, 0 },
	{ "vlan-outer rx: of the wrong type", { "vlan-outer=100" }, RX, IN "81000064" PLAIN, COUNT_rx_drop_vlan, 0 },
	{ "vlan-outer rx: none", { "vlan-outer=100" }, RX, IN PLAIN, COUNT_rx_drop_vlan, 0 },

	{ "broadcast", { "multicast=0", "unknown-unicast=0" }, RX, ALL PEER PLAIN, PASS, 0 },
	{ "broadcast=0", { "broadcast=0" }, RX, ALL PEER PLAIN, COUNT_rx_drop_broadcast, 0 },
	{ "broadcast=0: tx", { "broadcast=0" }, TX, ALL OWN PLAIN, PASS, 0 },
	{ "multicast", { "broadcast=0", "unknown-unicast=0" }, RX, GROUP PEER PLAIN, PASS, 0 },
	{ "multicast=0", { "multicast=0" }, RX, GROUP PEER PLAIN, COUNT_rx_drop_multicast, 0 },
	{ "reserved-groups: spanning tree", { 0 }, TX, "0180c2000000" OWN "0013424203" DATA, COUNT_tx_drop_reserved, 0 },
	{ "reserved-groups: LLDP", { 0 }, TX, "0180c200000e" OWN PLAIN, COUNT_tx_drop_reserved, 0 },
	{ "reserved-groups: the last", { 0 }, TX, "0180c200000f" OWN "8100000a" PLAIN, COUNT_tx_drop_reserved, 0 },
	{ "reserved-groups: the next is not", { 0 }, TX, "0180c2000010" OWN PLAIN, PASS, 0 },
	{ "reserved-groups: with other rules", { "vlan-filter=10" }, TX, "0180c2000003" OWN "8100000a" PLAIN, COUNT_tx_drop_reserved, 0 },
	{ "reserved-groups=1", { "reserved-groups=1" }, TX, "0180c2000003" OWN "888e" DATA, PASS, 0 },
	{ "reserved-groups=1: PAUSE", { "reserved-groups=1" }, TX, "0180c2000001" OWN "88080001ffff" DATA, COUNT_tx_drop_reserved, 0 },
	{ "reserved-groups: PAUSE to one", { 0 }, TX, OUT "88080001ffff" DATA, COUNT_tx_drop_reserved, 0 },
	{ "reserved-groups rx", { 0 }, RX, "0180c2000002" PEER "8809" DATA, COUNT_rx_drop_reserved, 0 },
	{ "reserved-groups rx, promiscuous", { "promiscuous=1" }, RX, "0180c200000e" PEER PLAIN, COUNT_rx_drop_reserved, 0 },
	{ "reserved-groups=1: rx", { "reserved-groups=1" }, RX, "0180c200000e" PEER "88cc" DATA, PASS, 0 },
	{ "unknown-unicast=0: own", { "unknown-unicast=0" }, RX, IN PLAIN, PASS, 0 },
	{ "unknown-unicast=0: listed", { "unknown-unicast=0", "macs=02:00:00:00:00:03" }, RX, OTHER PEER PLAIN, PASS, 0 },
	{ "unknown-unicast=0: another", { "unknown-unicast=0" }, RX, OTHER PEER PLAIN, COUNT_rx_drop_unicast, 0 },
	{ "promiscuous", { "unknown-unicast=0", "promiscuous=1" }, RX, OTHER PEER PLAIN, PASS, 0 },
	{ "promiscuous: broadcast", { "broadcast=0", "promiscuous=1" }, RX, ALL PEER PLAIN, PASS, 0 },
	{ "isolated: to the wire", { "isolated=1" }, TX, OUT PLAIN, PASS, 0 },
	{ "isolated: to all", { "isolated=1" }, TX, ALL OWN PLAIN, PASS, 0 },
	{ "isolated: to another vif", { "isolated=1" }, TX, NEIGHBOUR OWN PLAIN, COUNT_tx_drop_isolated, 0 },
	{ "isolated: from the wire", { "isolated=1" }, RX, IN PLAIN, PASS, 0 },
	{ "isolated: from another vif", { "isolated=1" }, RX, OWN NEIGHBOUR PLAIN, COUNT_rx_drop_isolated, 0 },
	{ "isolated: from another vif to all", { "isolated=1" }, RX, ALL NEIGHBOUR PLAIN, COUNT_rx_drop_isolated, 0 },
	{ "not isolated: from another vif", { "isolated=0" }, RX, OWN NEIGHBOUR PLAIN, PASS, 0 },
	{ "tx=0", { "tx=0" }, TX, OUT PLAIN, COUNT_tx_drop_off, 0 },
	{ "tx=0: rx", { "tx=0" }, RX, IN PLAIN, PASS, 0 },
	{ "rx=0", { "rx=0" }, RX, IN PLAIN, COUNT_rx_drop_off, 0 },
	{ "rx=0: tx", { "rx=0" }, TX, OUT PLAIN, PASS, 0 },
	{ "mtu", { "mtu=68" }, TX, OUT "88b5" DATA DATA DATA DATA DATA, COUNT_tx_drop_mtu, 0 },
	{ "mtu: fits", { "mtu=68" }, TX, OUT "88b5" DATA DATA DATA DATA, PASS, 0 },
	{ "mtu: a tag is no part of the packet", { "mtu=68" }, TX, OUT "8100000a88b5" DATA DATA DATA DATA "01020304", PASS, 0 },
	{ "mtu: one byte more", { "mtu=68" }, TX, OUT "88b5" DATA DATA DATA DATA "0102030405", COUNT_tx_drop_mtu, 0 },
	{ "mtu: one byte more behind a tag", { "mtu=68" }, TX, OUT "8100000a88b5" DATA DATA DATA DATA "0102030405", COUNT_tx_drop_mtu, 0 },
	{ "mtu: rx", { "mtu=68" }, RX, IN "88b5" DATA DATA DATA DATA DATA DATA, PASS, 0 },
	{ "tx-queues: another", { "tx-queues=1-3,5" }, TX, OUT PLAIN, COUNT_tx_drop_off, 0 },
	{ "tx-queues: its own", { "tx-queues=0,3-5" }, TX, OUT PLAIN, PASS, 0 },
	{ "tx-queues: rx", { "tx-queues=1" }, RX, IN PLAIN, PASS, 0 },
	{ "rx-queues: another", { "rx-queues=63" }, RX, IN PLAIN, COUNT_rx_drop_off, 0 },
	{ "rx-queues: its own", { "rx-queues=0" }, RX, IN PLAIN, PASS, 0 },
	{ "queue-guaranteed", { "queue-guaranteed=0:1000,1000 63:1,1" }, TX, OUT PLAIN, PASS, 0 },
	{ "queue-rate", { "queue-rate=0:1000000,1000 63:1,1" }, TX, OUT PLAIN, PASS, 0 },
	{ "classes", { "classes=pcp", "class-shares=1,2,255" }, TX, OUT "8100e00a" PLAIN, PASS, 0 },
	{ "classes: rx", { "classes=dscp" }, RX, IN PLAIN, PASS, 0 },
	{ "guest-multicast", { "guest-multicast=0" }, RX, GROUP PEER PLAIN, PASS, 0 },
	{ "rate", { "rate=1000000,1000" }, TX, OUT PLAIN, PASS, 0 },
	{ "rate: rx", { "rate=1,1000000000" }, RX, IN PLAIN, PASS, 0 },
	{ "link=off", { "link=off" }, TX, OUT PLAIN, COUNT_tx_drop_link, 0 },
	{ "link=off: rx", { "link=off" }, RX, IN PLAIN, COUNT_rx_drop_link, 0 },

	{ "ip: none given", { 0 }, TX, OUT IP4("0a000009") UDP, PASS, 0 },
	{ "ip: own", { "ip=10.0.0.5" }, TX, OUT IP4("0a000005") UDP, PASS, 0 },
	{ "ip: another's", { "ip=10.0.0.5" }, TX, OUT IP4("0a000006") UDP, COUNT_tx_drop_ip, 0 },
	{ "ip: network", { "ip=10.0.0.0/29" }, TX, OUT IP4("0a000007") UDP, PASS, 0 },
	{ "ip: beyond the network", { "ip=10.0.0.0/29" }, TX, OUT IP4("0a000008") UDP, COUNT_tx_drop_ip, 0 },
	{ "ip: behind a tag", { "ip=10.0.0.5" }, TX, OUT "8100000a" IP4("0a000006") UDP, COUNT_tx_drop_ip, 0 },
	{ "ip: behind two tags", { "ip=10.0.0.5" }, TX, OUT "88a8000a8100000a" IP4("0a000006") UDP, COUNT_tx_drop_ip, 0 },
	{ "ip: behind four tags", { "ip=10.0.0.5" }, TX, OUT "88a8000a8100000a9100000a8100000a" IP4("0a000005") UDP, PASS, 0 },
	{ "ip: behind five tags", { "ip=10.0.0.5" }, TX, OUT "88a8000a8100000a9100000a8100000a81000000" IP4("0a000005") UDP, COUNT_tx_drop_ip, 0 },
	{ "ip: tags and nothing else", { "ip=10.0.0.5" }, TX, OUT "8100000081000000", COUNT_tx_drop_ip, 0 },
	{ "ip: by LLC/SNAP", { "ip=10.0.0.5" }, TX, OUT "0024aaaa03000000" IP4("0a000005") UDP, PASS, 0 },
	{ "ip: another's by LLC/SNAP", { "ip=10.0.0.5" }, TX, OUT "0024aaaa03000000" IP4("0a000006") UDP, COUNT_tx_drop_ip, 0 },
	{ "ip: another's by 802.1H", { "ip=10.0.0.5" }, TX, OUT "0024aaaa030000f8" IP4("0a000006") UDP, COUNT_tx_drop_ip, 0 },
	{ "ip: another's by LLC/SNAP, tagged", { "ip=10.0.0.5" }, TX, OUT "8100000a0024aaaa03000000" IP4("0a000006") UDP, COUNT_tx_drop_ip, 0 },
	{ "ip: other SNAP", { "ip=10.0.0.5" }, TX, OUT "0024aaaa0300000c2000" DATA, COUNT_tx_drop_ip, 0 },
	{ "ip: SNAP with another control", { "ip=10.0.0.5" }, TX, OUT "0024aaaae3000000" IP4("0a000005") UDP, COUNT_tx_drop_ip, 0 },
	{ "ip: a tag inside SNAP", { "ip=10.0.0.5" }, TX, OUT "0024aaaa030000008100000a" IP4("0a000005") UDP, COUNT_tx_drop_ip, 0 },
	{ "ip: SNAP cut short", { "ip=10.0.0.5" }, TX, OUT "0003aaaa03", COUNT_tx_drop_ip, 0 },
	{ "ip: LLC cut short", { "ip=10.0.0.5" }, TX, OUT "00034242", COUNT_tx_drop_ip, 0 },
	{ "ip: by its own SAP", { "ip=10.0.0.5" }, TX, OUT "001f060603" DATA, COUNT_tx_drop_ip, 0 },
	{ "ip: other LLC", { "ip=10.0.0.5" }, TX, OUT "0013fefe03" DATA, PASS, 0 },
	{ "ip: with vlan-insert", { "ip=10.0.0.5", "vlan-insert=10" }, TX, OUT IP4("0a000005") UDP, PASS, OUT "8100000a" IP4("0a000005") UDP },
	{ "ip: asks for its address", { "ip=10.0.0.5" }, TX, OUT IP4("00000000") DHCP, PASS, 0 },
	{ "ip: says it serves addresses", { "ip=10.0.0.5" }, TX, OUT IP4("00000000") UDP, COUNT_tx_drop_ip, 0 },
	{ "ip: header cut short", { "ip=10.0.0.5" }, TX, OUT "080045000014", COUNT_tx_drop_ip, 0 },
	{ "ip: no IPv6 listed", { "ip=10.0.0.5" }, TX, OUT IP6("3b", "0000", FD1), COUNT_tx_drop_ip, 0 },
	{ "ip-anti-spoof=0", { "ip=10.0.0.5", "ip-anti-spoof=0" }, TX, OUT IP4("0a000006") UDP, PASS, 0 },
	{ "ip: other protocols", { "ip=10.0.0.5" }, TX, OUT PLAIN, PASS, 0 },
	{ "ip: rx is not looked at", { "ip=10.0.0.5" }, RX, IN IP4("0a000006") UDP, PASS, 0 },

	{ "arp: own", { "ip=10.0.0.5" }, TX, OUT ARP("0001", OWN, "0a000005", "0a000001"), PASS, 0 },
	{ "arp: reply", { "ip=10.0.0.5" }, TX, OUT ARP("0002", OWN, "0a000005", "0a000001"), PASS, 0 },
	{ "arp: another's IP", { "ip=10.0.0.5" }, TX, OUT ARP("0002", OWN, "0a000001", "0a000002"), COUNT_tx_drop_arp, 0 },
	{ "arp: another's MAC", { "ip=10.0.0.5" }, TX, OUT ARP("0002", OTHER, "0a000005", "0a000001"), COUNT_tx_drop_arp, 0 },
	{ "arp: probe for its own", { "ip=10.0.0.5" }, TX, OUT ARP("0001", OWN, "00000000", "0a000005"), PASS, 0 },
	{ "arp: probe for another's", { "ip=10.0.0.5" }, TX, OUT ARP("0001", OWN, "00000000", "0a000001"), COUNT_tx_drop_arp, 0 },
	{ "arp: cut short", { "ip=10.0.0.5" }, TX, OUT "08060001080006040002", COUNT_tx_drop_arp, 0 },
	{ "arp: another's IP by LLC/SNAP", { "ip=10.0.0.5" }, TX, OUT "0024aaaa03000000" ARP("0002", OWN, "0a000001", "0a000002"), COUNT_tx_drop_arp, 0 },
	{ "arp: listed MAC", { "ip=10.0.0.5", "macs=02:00:00:00:00:03" }, TX, OUT ARP("0002", OTHER, "0a000005", "0a000001"), PASS, 0 },
	{ "arp: no list", { 0 }, TX, OUT ARP("0002", OTHER, "0a000001", "0a000002"), PASS, 0 },

	{ "ip6: own", { "ip=fd00::1" }, TX, OUT IP6("3b", "0000", FD1), PASS, 0 },
	{ "ip6: another's", { "ip=fd00::1" }, TX, OUT IP6("3b", "0000", FD2), COUNT_tx_drop_ip, 0 },
	{ "ip6: network", { "ip=fd00::/64" }, TX, OUT IP6("3b", "0000", FD2), PASS, 0 },
	{ "ip6: own link-local", { "ip=10.0.0.5" }, TX, OUT IP6("3b", "0000", LL6), PASS, 0 },
	{ "ip6: from nobody", { "ip=fd00::1" }, TX, OUT IP6("11", "0008", ANY6) UDP, COUNT_tx_drop_ip, 0 },
	{ "ip6: extension cut short", { "ip=fd00::1" }, TX, OUT IP6("00", "0000", FD1), COUNT_tx_drop_ip, 0 },
	{ "nd: advertises its own", { "ip=fd00::1" }, TX, OUT IP6("3a", "0020", FD1) ND("88", FD1, "02", OWN), PASS, 0 },
	{ "nd: advertises another's", { "ip=fd00::1" }, TX, OUT IP6("3a", "0020", FD1) ND("88", FD2, "02", OWN), COUNT_tx_drop_arp, 0 },
	{ "nd: with another's MAC", { "ip=fd00::1" }, TX, OUT IP6("3a", "0020", FD1) ND("88", FD1, "02", OTHER), COUNT_tx_drop_arp, 0 },
	{ "nd: asks", { "ip=fd00::1" }, TX, OUT IP6("3a", "0020", FD1) ND("87", FD2, "01", OWN), PASS, 0 },
	{ "nd: asks with another's MAC", { "ip=fd00::1" }, TX, OUT IP6("3a", "0020", FD1) ND("87", FD2, "01", OTHER), COUNT_tx_drop_arp, 0 },
	{ "nd: is its address free", { "ip=fd00::1" }, TX, OUT IP6("3a", "0018", ANY6) "8700000000000000" FD1, PASS, 0 },
	{ "nd: disturbs another's", { "ip=fd00::1" }, TX, OUT IP6("3a", "0018", ANY6) "8700000000000000" FD2, COUNT_tx_drop_arp, 0 },
	{ "nd: says it is a router", { "ip=fd00::1" }, TX, OUT IP6("3a", "0010", FD1) "86000000400000000000000000000000", COUNT_tx_drop_arp, 0 },
	{ "nd: router behind an extension", { "ip=fd00::1" }, TX, OUT IP6("3c", "0018", FD1) "3a00010400000000" "86000000400000000000000000000000", COUNT_tx_drop_arp, 0 },
	{ "nd: router behind authentication", { "ip=fd00::1" }, TX, OUT IP6("33", "0028", FD1) "3a04000000000001" "0000000000000000" "0000000000000000" "86000000400000000000000000000000", COUNT_tx_drop_arp, 0 },
	{ "nd: router in a fragment", { "ip=fd00::1" }, TX, OUT IP6("2c", "0018", FD1) "3a00000100000000" "86000000400000000000000000000000", COUNT_tx_drop_arp, 0 },
	{ "nd: its own in a fragment", { "ip=fd00::1" }, TX, OUT IP6("2c", "0028", FD1) "3a00000100000000" ND("88", FD1, "02", OWN), COUNT_tx_drop_arp, 0 },
	{ "nd: redirects", { "ip=fd00::1" }, TX, OUT IP6("3a", "0028", FD1) "8900000000000000" FD1 FD2, COUNT_tx_drop_arp, 0 },
	{ "nd: option without end", { "ip=fd00::1" }, TX, OUT IP6("3a", "0020", FD1) "8800000000000000" FD1 "0200" OWN, COUNT_tx_drop_arp, 0 },
	{ "icmp6: echo", { "ip=fd00::1" }, TX, OUT IP6("3a", "0008", FD1) "8000000000010001", PASS, 0 },
};
/* clang-format on */

static uint32_t from_hex(const char *text, uint8_t *bytes)
{
	uint32_t len = (uint32_t)strlen(text) / 2;

	assert_true(strlen(text) % 2 == 0 && len <= FRAME_MAX);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(sscanf(text + 2 * (size_t)i, "%2hhx", &bytes[i]), 1);
	return len;
}

static void set_rules(struct guest *guest, const struct rule_case *rule_case)
{
	struct path_live live = { .link = true };
	struct rte_ether_addr mac;
	struct policy_draft draft;
	char why[POLICY_ERROR_MAX];

	memcpy(&mac, "\x02\0\0\0\0\x01", 6);
	policy_init(&draft);
	for (uint32_t i = 0; i < RULES_MAX && rule_case->rules[i]; i++) {
		char key[128];
		char *value;

		snprintf(key, sizeof(key), "%s", rule_case->rules[i]);
		value = strchr(key, '=');
		*value = '\0';
		if (policy_set(&draft, key, value + 1, why))
			fail_msg("%s: %s: %s", rule_case->name, key, why);
	}
	policy_compile(&draft, &mac, &live);
	path_set_live(guest->path, &live);
}

/* Send or deliver. Return: length of what came out, 0 = nothing */
static uint32_t pass_through(struct guest *guest, enum direction direction, const uint8_t *bytes,
			     uint32_t len, uint8_t *out)
{
	static struct guest_frame frame;

	if (direction == TX) {
		guest_send(guest, bytes, len, 1, 0, NULL);
		guest_poll(guest);
		/* to the guest a frame that policy swallows was sent */
		assert_response(guest, 1, NETIF_STATUS_OKAY);
		return guest->port.nr_sent ? port_sent(&guest->port, 0, out, FRAME_MAX) : 0;
	}
	guest_rx_post(guest, 0, 1);
	port_feed(&guest->port, bytes, len, 0);
	guest_poll(guest);
	if (!guest_receive(guest, 0, &frame))
		return 0;
	memcpy(out, frame.bytes, frame.len);
	return frame.len;
}

static void check_counters(struct guest *guest, const struct rule_case *rule_case, uint32_t len)
{
	for (enum path_counter which = 0; which < COUNTERS; which++) {
		const char *name = path_counter_name(which);
		uint64_t expected = which == rule_case->cause;

		if (!strstr(name, "_drop_"))
			continue;
		if (which && path_counter_is_rule(which - 1) && which - 1 == rule_case->cause)
			expected = len;
		if (guest_count(guest, which) != expected)
			fail_msg("%s: %s is %lu", rule_case->name, name,
				 (unsigned long)guest_count(guest, which));
	}
}

static void every_rule_counter_is_followed_by_its_bytes(void **state)
{
	uint32_t rules = 0, bytes = 0;

	(void)state;
	for (enum path_counter which = 0; which < COUNTERS; which++) {
		const char *name = path_counter_name(which);
		char next[64];

		bytes += strstr(name, "_drop_") && strstr(name, "_bytes");
		if (!path_counter_is_rule(which))
			continue;
		rules++;
		snprintf(next, sizeof(next), "%s_bytes", name);
		assert_string_equal(path_counter_name(which + 1), next);
	}
	assert_true(rules > 0);
	assert_int_equal(rules, bytes);
}

static void run_case(const struct rule_case *rule_case)
{
	const char *becomes = rule_case->becomes ? rule_case->becomes : rule_case->frame;
	uint8_t bytes[FRAME_MAX], expected[FRAME_MAX], out[FRAME_MAX];
	uint32_t len = from_hex(rule_case->frame, bytes);
	uint32_t expected_len = from_hex(becomes, expected), out_len;
	void *state;

	assert_int_equal(fixture_connected(&state), 0);
	set_rules(state, rule_case);
	out_len = pass_through(state, rule_case->direction, bytes, len, out);
	if (rule_case->cause != PASS)
		expected_len = 0;
	if (out_len != expected_len || memcmp(out, expected, out_len) != 0)
		fail_msg("%s: %u bytes came through, not as expected (%u)", rule_case->name,
			 out_len, expected_len);
	check_counters(state, rule_case, len);
	assert_int_equal(fixture_free(&state), 0);
}

static void every_rule_does_to_frames_what_it_says(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < NR(cases); i++)
		run_case(&cases[i]);
	printf("rules: %zu cases\n", NR(cases));
}

/* The headers that are found for the checksum lie behind the tag. */
static void tag_goes_in_before_headers_are_looked_for(void **state)
{
	struct guest *guest = *state;
	const struct rule_case insert = { .rules = { "vlan-insert=10", "anti-spoof=0" } };
	static uint8_t bytes[NETIF_FRAME_MAX];
	struct netif_extra_info gso = { .type = NETIF_EXTRA_GSO };
	uint32_t len = frame_make(bytes, 0, 5000);
	const struct rte_mbuf *sent;

	gso.u.gso.size = 1000;
	gso.u.gso.type = NETIF_GSO_TCPV4;
	set_rules(guest, &insert);
	guest_send(guest, bytes, len, 3, NETIF_TXF_CSUM_BLANK, &gso);
	guest_poll(guest);
	assert_int_equal(guest->port.nr_sent, 1);
	sent = guest->port.sent[0];
	assert_int_equal(sent->l2_len, 18);
	assert_int_equal(sent->pkt_len, len + 4);
	assert_true(sent->ol_flags & RTE_MBUF_F_TX_TCP_SEG);
}

/* A flooded frame is shared: one guest's strip is not another's. */
static void strip_leaves_shared_bytes_alone(void **state)
{
	struct guest *guest = *state;
	const struct rule_case insert = { .rules = { "vlan-insert=10" } };
	uint8_t bytes[FRAME_MAX], before[FRAME_MAX];
	static struct guest_frame frame;
	uint32_t len = from_hex(ALL PEER "8100000a" PLAIN, bytes);
	struct rte_mbuf *original, *clone;

	set_rules(guest, &insert);
	guest_rx_post(guest, 0, 1);
	original = port_feed(&guest->port, bytes, len, 0);
	clone = rte_pktmbuf_clone(original, fake_tools.offload.indirect);
	memcpy(before, rte_pktmbuf_mtod(clone, const void *), len);
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.len, len - 4);
	assert_memory_equal(rte_pktmbuf_mtod(clone, const void *), before, len);
	rte_pktmbuf_free(clone);
}

/* A frame that another vif left a checksum to: its headers are four bytes nearer. */
static void strip_moves_the_headers_of_an_offload(void **state)
{
	struct guest *guest = *state;
	const struct rule_case insert = { .rules = { "vlan-insert=42" } };
	static struct guest_frame frame;
	static uint8_t bytes[NETIF_FRAME_MAX];
	uint32_t len = frame_make(bytes, FRAME_VLAN, 100);
	struct rte_mbuf *mbuf;

	guest->path->config.rx_csum4 = false;
	set_rules(guest, &insert);
	guest_rx_post(guest, 0, 1);
	mbuf = port_feed(&guest->port, bytes, len, 0);
	mbuf->l2_len = 18;
	mbuf->l3_len = 20;
	mbuf->l4_len = 20;
	mbuf->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4;
	guest_poll(guest);
	assert_true(guest_receive(guest, 0, &frame));
	assert_int_equal(frame.len, len - 4);
	assert_true(frame_checksums_right(frame.bytes, frame.len, 0));
}

/* A queue whose budget is used up is not read further; nothing is lost. */
static void queue_rate_holds_its_queue(void **state)
{
	struct guest *guest = *state;
	uint8_t bytes[FRAME_MAX];
	uint32_t len = from_hex(OUT PLAIN, bytes);

	set_rules(guest, &(struct rule_case){ .rules = { "queue-rate=0:60,1000" } });
	for (uint32_t i = 0; i < 6; i++)
		guest_send(guest, bytes, len, 1, 0, NULL);
	guest_poll(guest);
	/* the last one overdraws, and the next interval pays */
	assert_int_equal(guest->port.nr_sent, 2);
	assert_true(guest_count(guest, COUNT_tx_hold_rate) > 0);
	for (uint32_t i = 0; i < 20; i++) {
		fake_tools.now_us += 1000;
		guest_poll(guest);
	}
	assert_int_equal(guest->port.nr_sent, 6);
	set_rules(guest, &(struct rule_case){ .rules = { "queue-rate=" } });
	guest_send(guest, bytes, len, 1, 0, NULL);
	guest_poll(guest);
	assert_int_equal(guest->port.nr_sent, 7);
}

static void multicast_list_can_be_refused(void **state)
{
	struct netif_extra_info add = { .type = NETIF_EXTRA_MCAST_ADD };
	struct guest *guest = *state;
	struct netif_tx_response rsp;
	uint8_t bytes[FRAME_MAX];
	uint32_t len = from_hex(OUT PLAIN, bytes);

	memcpy(add.u.mcast.addr, "\x01\x00\x5e\x00\x00\x01", 6);
	set_rules(guest, &(struct rule_case){ .rules = { "guest-multicast=0" } });
	guest_send(guest, bytes, len, 1, 0, &add);
	guest_poll(guest);
	assert_true(guest_tx_response(guest, &rsp));
	assert_int_equal(rsp.status, NETIF_STATUS_ERROR);
	assert_int_equal(guest->port.nr_sent, 0);
	assert_int_equal(guest->path->mcast.list->nr, 0);
}

static struct isolation other;
static const struct isolation nobody;
static const struct isolation talks = { .nr_macs = 1, .macs = { { { 2, 0, 0, 0, 0, 4 } } } };

/* One that is not isolated hears no more of one that is than the other way round. */
static void isolation_holds_at_both_ends(void **state)
{
	struct isolation apart = talks, second = { 0 };
	struct guest *guest = *state;
	struct policy *policy = &guest->path->live.policy;
	uint8_t bytes[FRAME_MAX], out[FRAME_MAX];
	uint32_t len = from_hex(NEIGHBOUR OWN PLAIN, bytes);

	apart.isolated = true;
	set_rules(guest, &(struct rule_case){ 0 });
	policy->tx |= POLICY_APART;
	policy->rx |= POLICY_APART;
	assert_false(isolation_is_isolated());
	assert_int_equal(pass_through(guest, TX, bytes, len, out), len);
	isolation_tell(&other, &apart);
	assert_true(isolation_is_isolated());
	/* another vif that names the address too, and lets go of it, changes nothing */
	isolation_tell(&second, &talks);
	isolation_tell(&second, &nobody);
	pass_through(guest, TX, bytes, len, out);
	assert_int_equal(guest->port.nr_sent, 1);
	assert_int_equal(guest_count(guest, COUNT_tx_drop_isolated), 1);
	from_hex(ALL NEIGHBOUR PLAIN, bytes);
	assert_int_equal(pass_through(guest, RX, bytes, len, out), 0);
	assert_int_equal(guest_count(guest, COUNT_rx_drop_isolated), 1);
	isolation_tell(&other, &nobody);
	assert_false(isolation_is_isolated());
	assert_int_equal(pass_through(guest, RX, bytes, len, out), len);
	isolation_tell(&other, &talks);
}

/*
 * Its frames lie in inboxes, and in other hands, when its address is not known yet or not any more;
 * copies and clones are marked as well.
 */
static void frame_of_an_isolated_vif_is_known_by_itself(void **state)
{
	struct guest *guest = *state, *neighbour = guest_new(8, 1);
	uint8_t bytes[FRAME_MAX];
	static struct guest_frame frame;
	uint32_t len = from_hex(ALL OWN PLAIN, bytes);
	struct rte_mbuf *sent;

	assert_int_equal(guest_connect(neighbour), 0);
	set_rules(neighbour, &(struct rule_case){ 0 });
	set_rules(guest, &(struct rule_case){ .rules = { "isolated=1" } });
	guest_send(guest, bytes, len, 1, 0, NULL);
	guest_poll(guest);
	sent = guest->port.sent[0];
	guest->port.nr_sent = 0;
	/* nobody has told who is isolated */
	assert_false(isolation_is_isolated());
	neighbour->port.waiting[neighbour->port.nr_waiting++] =
		rte_pktmbuf_clone(sent, fake_tools.offload.indirect);
	neighbour->port.waiting[neighbour->port.nr_waiting++] =
		rte_pktmbuf_copy(sent, fake_tools.pool, 0, UINT32_MAX);
	neighbour->port.waiting[neighbour->port.nr_waiting++] = sent;
	for (uint32_t i = 0; i < neighbour->port.nr_waiting; i++)
		neighbour->port.waiting[i]->port = 0;
	guest_rx_post(neighbour, 0, 4);
	guest_poll(neighbour);
	assert_false(guest_receive(neighbour, 0, &frame));
	assert_int_equal(guest_count(neighbour, COUNT_rx_drop_isolated), 3);
	guest_free(neighbour);
}

/* A table that is full says so: who is not in it would pass for the wire. */
static void full_table_of_isolation_is_not_silent(void **state)
{
	static struct isolation crowd[200];
	struct isolation now = { .nr_macs = MACS_MAX + 1 };
	uint32_t full = 0;

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		for (uint32_t k = 0; k < now.nr_macs; k++) {
			const uint8_t mac[6] = { 2, 1, 0, 0, (uint8_t)i, (uint8_t)k };

			memcpy(&now.macs[k], mac, 6);
		}
		isolation_tell(&crowd[i], &now);
		full += crowd[i].unlisted;
	}
	assert_in_range(full, 1, 100);
	for (uint32_t i = 0; i < 200; i++)
		isolation_tell(&crowd[i], &nobody);
	/* there is room again */
	isolation_tell(&crowd[199], &now);
	assert_false(crowd[199].unlisted);
	isolation_tell(&crowd[199], &nobody);
}

static int start(void **state)
{
	(void)state;
	if (fake_start(state) || isolation_start(NULL))
		return -1;
	isolation_tell(&other, &talks);
	return 0;
}

/* A line for each case, tabs between, for who runs them elsewhere. */
static void list(void)
{
	for (uint32_t i = 0; i < NR(cases); i++) {
		const struct rule_case *c = &cases[i];

		printf("%s\t%s\t%s\t%s\t%s", c->name, c->direction == TX ? "tx" : "rx", c->frame,
		       c->becomes ? c->becomes : c->frame,
		       c->cause == PASS ? "pass" : path_counter_name(c->cause));
		for (uint32_t k = 0; k < RULES_MAX && c->rules[k]; k++)
			printf("\t%s", c->rules[k]);
		printf("\n");
	}
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule_does_to_frames_what_it_says),
		cmocka_unit_test(every_rule_counter_is_followed_by_its_bytes),
		GUEST(tag_goes_in_before_headers_are_looked_for),
		GUEST(strip_leaves_shared_bytes_alone),
		GUEST(strip_moves_the_headers_of_an_offload),
		GUEST(queue_rate_holds_its_queue),
		GUEST(multicast_list_can_be_refused),
		GUEST(isolation_holds_at_both_ends),
		GUEST(frame_of_an_isolated_vif_is_known_by_itself),
		cmocka_unit_test(full_table_of_isolation_is_not_silent),
	};

	if (argc > 1 && !strcmp(argv[1], "--list")) {
		list();
		return 0;
	}
	return cmocka_run_group_tests(tests, start, NULL);
}
