/* SPDX-License-Identifier: BSD-3-Clause */
/* links: telemetry/telemetry.c telemetry/vif.c telemetry/vf.c telemetry/policy.c telemetry/flows.c path/flow_text.c port/sriov/pf.c policy/policy.c policy/words.c vif/capability.c vif/request.c vif/virtual_pf.c vif/vif_index.c vif/vf_wish.c common/capability.c */
/* links: path/path.c path/flow_search.c path/steer.c path/static_maps.c path/counters.c port/memory.c port/retire.c port/switch/counters.c vif/names.c xen/store.c dma/eal.c log.c test/unit/fake_xs.c test/unit/fake_control.c */
/* What a client reads from EAL's own socket. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "port/kernel/netdev.h"
#include "backend/path/path_private.h"
#include "backend/path/static_maps.h"
#include "backend/control.h"
#include "backend/dma/eal.h"
#include "backend/telemetry/telemetry.h"
#include "backend/vif/zerocopy_tx.h"
#include "backend/vif/zerocopy_rx.h"
#include "backend/vif/vif.h"
#include "fake_control.h"
#include "fake_xs.h"

#define VFS 150u
#define VIFS 700u

static char run_dir[] = "/tmp/vifd-telemetry.XXXXXX";

static struct config config = { .memory_mb = 32, .log_level = LOG_LEVEL_ERROR };
static struct host host = { .config = &config };
static struct vif vifs[VIFS];
static uint32_t nr_vfs;
static enum vif_move moved;

/* What stands behind telemetry in a whole vifd. */

struct vif *vifs_find(struct vifs *unused, uint32_t domid, uint32_t handle)
{
	(void)unused;
	return vif_index_find(&host, domid, handle);
}

struct vif *vifs_at(struct vifs *unused, uint32_t n)
{
	struct vif *vif = TAILQ_FIRST(&host.vifs);

	(void)unused;
	for (; vif && n; n--)
		vif = TAILQ_NEXT(vif, link);
	return vif;
}

void *gnt_map(struct gnt *gnt, uint16_t domid, const uint32_t *refs, uint32_t nr, bool writable)
{
	static char page[4096];

	(void)gnt;
	(void)domid;
	(void)refs;
	(void)nr;
	(void)writable;
	return page;
}

int gnt_unmap(struct gnt *gnt, void *addr, uint32_t nr)
{
	(void)gnt;
	(void)addr;
	(void)nr;
	return 0;
}

int vif_move(struct vif *vif, enum vif_move move)
{
	moved = move;
	return vif->path ? 0 : -ENOTCONN;
}

static char policy_words[256];
static bool policy_is_wrong;

int vif_set_policy(struct vif *vif, const char *words, char error[POLICY_ERROR_MAX])
{
	(void)vif;
	snprintf(policy_words, sizeof(policy_words), "%s", words);
	snprintf(error, POLICY_ERROR_MAX, "policy/mtu: no good");
	return policy_is_wrong ? -EINVAL : 0;
}

/* The first rule has the longest value there is, the others nobody set. */
int vif_explain_policy(struct vif *vif, struct policy_trace *trace, char error[POLICY_ERROR_MAX])
{
	(void)vif;
	memset(trace, 0, sizeof(*trace));
	snprintf(trace->of[0].source, sizeof(trace->of[0].source), "web.conf:7");
	memset(trace->of[0].value, 'x', POLICY_TEXT_MAX - 1);
	for (uint32_t n = 0; policy_key(n); n++)
		if (!strcmp(policy_key(n)->name, "vlan-filter"))
			snprintf(trace->of[n].value, sizeof(trace->of[n].value), "10");
	snprintf(error, POLICY_ERROR_MAX, "policy/mtu: no good");
	return policy_is_wrong ? -EINVAL : 0;
}

const char *zerocopy_tx_why_not(const struct path *path)
{
	(void)path;
	return NULL;
}

const char *zerocopy_rx_state(const struct path *path)
{
	(void)path;
	return "rx";
}

bool netdev_any_has(const struct rte_ether_addr *mac)
{
	(void)mac;
	return false;
}

const struct config_nic *nic_classes(const struct nic *nic)
{
	static const struct config_nic classes = { .classes = CONFIG_CLASSES_PCP };

	(void)nic;
	return &classes;
}

const char *nic_name(const struct nic *nic)
{
	(void)nic;
	return "a-nic-with-the-longest-name-ther";
}

int vif_read_uuid(const struct vif *vif, char *uuid, size_t size)
{
	(void)vif;
	snprintf(uuid, size, "0");
	return 0;
}

void nic_describe(const struct nic *nic, char text[DRIVER_TEXT_MAX])
{
	(void)nic;
	snprintf(text, DRIVER_TEXT_MAX, "net_x (seen)");
}

unsigned int nic_vf_list(const struct nic *nic, struct nic_vf_info *info, unsigned int max)
{
	(void)nic;
	assert_true(max >= nr_vfs);
	for (uint32_t i = 0; i < nr_vfs; i++) {
		info[i] = (struct nic_vf_info){ .index = (uint16_t)i };
		snprintf(info[i].pci, sizeof(info[i].pci), "0000:01:%02x.%u", (uint8_t)(i / 8),
			 i % 8);
		snprintf(info[i].netdev, sizeof(info[i].netdev), "enp1s0f1v%u", (uint8_t)i);
		if (i % 2)
			snprintf(info[i].owner, sizeof(info[i].owner), "vif %u.0", i);
	}
	return nr_vfs;
}

void nic_vf_look(const struct nic *nic, uint16_t index, struct pf_vf *values,
		 struct pf_vf_stats *stats)
{
	(void)nic;
	*values = (struct pf_vf){ .valid = PF_MAC | PF_VLAN | PF_TRUST,
				  .mac = { { 2, 0, 0, 0, 0, (uint8_t)index } },
				  .vlan = 7,
				  .qos = 3,
				  .trust = 1 };
	*stats = (struct pf_vf_stats){ .tx_dropped = 9 };
}

struct path_tools *worker_tools(struct worker *worker)
{
	static struct rte_mempool pool = { .elt_size = 4096 };
	static struct path_tools tools = { .pool = &pool };

	(void)worker;
	return &tools;
}

const _Atomic uint64_t *worker_busy_us(const struct worker *worker)
{
	static const _Atomic uint64_t busy_us = 1234567;

	(void)worker;
	return &busy_us;
}

void nic_switch_stats(const struct nic *nic, struct switch_stats *stats)
{
	(void)nic;
	*stats = (struct switch_stats){ .dropped = { [SWITCH_DROP_unknown] = 7 } };
}

void nic_uplink_link(struct nic *nic, struct port_link *link)
{
	(void)nic;
	*link = (struct port_link){ .up = true, .speed_mbps = 10000 };
}

static void link_get(struct port *port, struct port_link *link)
{
	(void)port;
	*link = (struct port_link){ .up = true, .speed_mbps = 1000 };
}

static void stats_get(struct port *port, struct port_stats *stats)
{
	(void)port;
	*stats = (struct port_stats){ .rx_packets = 11, .tx_bytes = UINT64_MAX };
}

static void enforced(struct port *port, struct port_policy *rules)
{
	(void)port;
	rules->anti_spoof = true;
	rules->no_broadcast = true;
	rules->vlans[0] = 1 << 10;
}

static void driver_counters(struct port *port,
			    void (*take)(void *arg, const char *name, uint64_t value), void *arg)
{
	(void)port;
	take(arg, "rx_good-packets", 12);
	for (int i = 0; i < 300; i++)
		take(arg, "another", 1);
}

static const struct port_ops port_ops = { .link_get = link_get,
					  .driver_counters = driver_counters,
					  .stats_get = stats_get,
					  .enforced = enforced };
static struct port port = {
	.ops = &port_ops, .name = "0000:01:10.3", .kind = PORT_VF, .mtu = 1500, .nr_queues = 2
};

/* telemetry.c, through the socket */

static int group_start(void **state)
{
	(void)state;
	if (!mkdtemp(run_dir) || setenv("RUNTIME_DIRECTORY", run_dir, 1) || eal_start(&config))
		return -1;
	return telemetry_start(NULL, &host);
}

static int group_stop(void **state)
{
	char command[128];

	(void)state;
	eal_stop();
	snprintf(command, sizeof(command), "rm -rf '%s'", run_dir);
	return system(command);
}

static void add_vif(uint32_t i, uint16_t domid, uint16_t handle)
{
	struct vif *vif = &vifs[i];

	memset(vif, 0, sizeof(*vif));
	vif->host = &host;
	vif->domid = domid;
	vif->handle = handle;
	vif->mac = (struct rte_ether_addr){ { 0, 0x16, 0x3e, 0, 0, 1 } };
	vif->state = XENBUS_INIT_WAIT;
	snprintf(vif->name, sizeof(vif->name), "vif %u.%u", domid, handle);
	vif_index_add(&host, vif);
	snprintf(vif->backend, sizeof(vif->backend), "/local/domain/0/backend/vif/%u/%u", domid,
		 handle);
	TAILQ_INSERT_TAIL(&host.vifs, vif, link);
}

static int start_vif(void **state)
{
	TAILQ_INIT(&host.vifs);
	memset(vifs, 0, sizeof(vifs));
	nr_vfs = 0;
	moved = VIF_MOVE_NONE;
	fake_xs_clear();
	host.store = store_open();
	host.nr_nics = 1;
	add_vif(0, 7, 0);
	return fake_control_start(state);
}

static void connect_vif(uint32_t queues)
{
	struct vif *vif = &vifs[0];

	vif->path = calloc(1, sizeof(*vif->path) + queues * sizeof(vif->path->queues[0]));
	assert_non_null(vif->path);
	vif->path->port = &port;
	vif->path->nr_queues = queues;
	vif->state = XENBUS_CONNECTED;
	vif->live = (struct path_live){ .link = true, .mtu = 1500 };
	vif->class_share.of[5].limit = 20000;
}

static int stop_vif(void **state)
{
	int ret = fake_control_finish(state);
	struct vif *vif;

	TAILQ_FOREACH (vif, &host.vifs, link)
		vif_index_remove(&host, vif);
	free(vifs[0].path);
	store_close(host.store);
	return ret;
}

/* Return: the answer, as a client gets it; valid until the next */
static const char *ask(const char *command)
{
	static char answer[65536];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	ssize_t len;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/dpdk/vifd/dpdk_telemetry.v2",
		 run_dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_true(recv(fd, answer, sizeof(answer), 0) > 0);
	assert_true(send(fd, command, strlen(command), 0) > 0);
	len = recv(fd, answer, sizeof(answer) - 1, 0);
	assert_true(len > 0);
	answer[len] = '\0';
	close(fd);
	return answer;
}

#define assert_has(answer, text) assert_non_null(strstr(answer, text))

static uint32_t occurrences(const char *answer, const char *text)
{
	uint32_t nr = 0;

	for (const char *at = strstr(answer, text); at; at = strstr(at + 1, text))
		nr++;
	return nr;
}

static void vif_that_is_not_connected_has_no_path(void **state)
{
	const char *answer;

	(void)state;
	answer = ask("/vifd/vif,7.0");
	assert_has(answer, "{\"/vifd/vif\":{\"vif\":\"7.0\"");
	assert_has(answer, "\"mac\":\"00:16:3e:00:00:01\"");
	assert_has(answer, "\"state\":\"initwait\"");
	assert_has(answer, "\"connected\":0");
	assert_null(strstr(answer, "\"path\""));
}

static void connected_vif_is_told_with_everything(void **state)
{
	struct vifcap *offered = &vifs[0].cap.offered;
	struct lease sent = { 3 }, received = { 5 };
	const char *answer;

	(void)state;
	connect_vif(2);
	vifs[0].cap.generation = vifs[0].cap.acked = 5;
	assert_int_equal(vifcap_parse(offered, "version=1 generation=5 tx-offloads=csum4,sg", 43),
			 0);
	atomic_store(&vifs[0].path->queues[0].counters.value[COUNT_tx_packets], 3);
	atomic_store(&vifs[0].path->queues[1].counters.value[COUNT_tx_packets], 4);
	atomic_store(&vifs[0].path->held, 40);
	vifs[0].path->queues[0].statics.nr = 100;
	vifs[0].path->queues[0].statics.tx_lease = &sent;
	vifs[0].path->queues[0].statics.rx_lease = &received;
	vifs[0].path->queues[1].statics.nr = 11;
	vifs[0].live.rx_adaptive = true;
	vifs[0].live.rx_delay_us = 200;
	vifs[0].moderation.us = 100;
	answer = ask("/vifd/vif,7.0");
	assert_has(answer, "\"latency_us\":200,\"nic_moderation_us\":100");
	assert_has(answer, "\"held_buffers\":40,\"held_bytes\":163840,\"stalled\":0");
	assert_has(answer, "\"static_pages\":111,\"lent_pages\":8");
	assert_has(answer, "\"path\":\"vf\"");
	assert_has(answer, "\"vf\":\"0000:01:10.3\"");
	assert_has(answer, "\"mtu\":1500");
	assert_has(answer, "\"class_share_kbps\":\"0,0,0,0,0,20000,0,0\"");
	assert_has(answer, "\"generation\":5,\"acked\":5,\"current\":1");
	assert_has(answer, "\"tx_offloads\":\"csum4,sg\"");
	assert_has(answer, "\"port_queues\":2");
	assert_has(answer, "\"tx_bytes\":18446744073709551615");
	assert_has(answer, "\"tx_packets\":7");
	assert_has(ask("/vifd/queue,7.0.1"), "\"tx_packets\":4");
}

static void virtual_vf_is_told_with_what_its_guest_set(void **state)
{
	struct vf_wishes *wishes = &vifs[0].virtual_pf.wishes;
	const char *answer;

	(void)state;
	add_vif(1, 7, 1);
	connect_vif(1);
	vifs[1].policy.draft.virtual_pf = 1;
	vifs[1].virtual_pf.applied = 1u << VIFVPF_ATTR_VLAN;
	*wishes = (struct vf_wishes){ .wanted = 1, .nr = 1, .handle = { 1 } };
	wishes->of[0] = (struct vf_wish){ .set = 1u << VIFVPF_ATTR_VLAN | 1u << VIFVPF_ATTR_TRUST,
					  .tag = 3 << 13 | 105,
					  .trust = 1 };
	answer = ask("/vifd/vif,7.1");
	assert_has(answer, "\"virtual_pf\":\"7.0\"");
	assert_has(answer, "\"virtual_vf\":0,\"virtual_vf_wanted\":1,\"virtual_vf_set\":\"vlan\"");
	assert_has(answer, "\"virtual_vf_vlan\":105,\"virtual_vf_priority\":3,");
	assert_has(answer, "\"virtual_vf_trust\":0");
	wishes->wanted = 0;
	assert_has(ask("/vifd/vif,7.1"), "\"virtual_vf_set\":\"\",\"virtual_vf_vlan\":0");
}

static void vf_is_told_with_what_pf_nic_and_driver_say(void **state)
{
	const char *names[] = { "0000:01:01.3", "enp1s0f1v11",
				"a-nic-with-the-longest-name-ther/11", "11.0" };

	(void)state;
	nr_vfs = 16;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char command[64];

		snprintf(command, sizeof(command), "/vifd/vf,%s", names[i]);
		assert_has(ask(command), "\"index\":11,");
	}
	assert_has(ask("/vifd/vf,11.0"), "\"values\":{\"mac\":\"02:00:00:00:00:0b\",");
	assert_has(ask("/vifd/vf,11.0"), "\"vlan\":\"7 qos 3\",\"trust\":\"on\"}");
	assert_has(ask("/vifd/vf,11.0"), "\"tx_dropped\":9}");
	assert_null(strstr(ask("/vifd/vf,11.0"), "spoofed")); /* its vif's frames go elsewhere */
	assert_has(ask("/vifd/vf,0000:01:99.0"), "\"error\":\"no such VF");
	connect_vif(1);
	snprintf(port.name, sizeof(port.name), "0000:01:01.3");
	atomic_store(&vifs[0].path->queues[0].counters.value[COUNT_tx_drop_spoof], 5);
	assert_has(ask("/vifd/vf,11.0"), "\"spoofed\":5,");
	assert_has(ask("/vifd/vf,11.0"), "\"driver_counters\":{\"rx_good_packets\":12,");
	snprintf(port.name, sizeof(port.name), "0000:01:10.3");
}

static void counters_that_are_reset_begin_at_0(void **state)
{
	_Atomic uint64_t *sent;

	(void)state;
	assert_has(ask("/vifd/reset,7.0"), "\"error\":\"the vif is not connected\"");
	connect_vif(2);
	sent = &vifs[0].path->queues[1].counters.value[COUNT_tx_packets];
	atomic_store(sent, 40);
	assert_has(ask("/vifd/reset,7.0"), "{\"reset\":\"7.0\"}");
	assert_has(ask("/vifd/vif,7.0"), "\"tx_packets\":0");
	atomic_store(sent, 42);
	assert_has(ask("/vifd/vif,7.0"), "\"tx_packets\":2");
	assert_has(ask("/vifd/queue,7.0.1"), "\"tx_packets\":2");
	/* what vifd itself goes by is not reset */
	assert_int_equal(path_counted(vifs[0].path, COUNT_tx_packets, 0, 1), 42);
	assert_has(ask("/vifd/reset,9.9"), "\"error\":\"no such vif\"");
}

static void pools_are_told_with_what_is_free(void **state)
{
	struct rte_mempool *pool =
		rte_mempool_create("nic0", 31, 64, 0, 0, NULL, NULL, NULL, NULL, SOCKET_ID_ANY, 0);
	void *one;

	(void)state;
	assert_non_null(pool);
	assert_int_equal(rte_mempool_get(pool, &one), 0);
	assert_has(ask("/vifd/memory"), "\"nic0\":{\"holds\":\"clones of group frames");
	assert_has(ask("/vifd/memory"), "\"buffers\":31,\"free\":30,\"bytes_each\":64}");
	rte_mempool_put(pool, one);
	rte_mempool_free(pool);
}

/* Mappings are memory of the host's too, with limits of their own. */
static void mapped_pages_are_told_beside_the_pools(void **state)
{
	static const uint32_t refs[30];
	uint32_t number;

	(void)state;
	assert_has(ask("/vifd/memory"), "\"buffers\":131072,\"free\":131072,\"bytes_each\":4096}");
	assert_non_null(static_maps_add(NULL, 7, refs, 30, false, false, &number));
	assert_has(ask("/vifd/memory"), "\"buffers\":131072,\"free\":131042,\"bytes_each\":4096}");
	assert_has(ask("/vifd/memory"), "\"buffers\":16384,\"free\":16383,\"bytes_each\":0}");
	for (int i = 0; i < 30; i++)
		static_maps_drop(NULL, number);
	assert_has(ask("/vifd/memory"), "\"buffers\":131072,\"free\":131072,\"bytes_each\":4096}");
}

static void cost_of_a_thousand_frames_is_told(void **state)
{
	_Atomic uint64_t *first, *second;

	(void)state;
	connect_vif(2);
	assert_has(ask("/vifd/vif,7.0"),
		   "\"per_1000_frames\":{\"copies\":0,\"copy_calls\":0,\"notify\":0}");
	first = vifs[0].path->queues[0].counters.value;
	second = vifs[0].path->queues[1].counters.value;
	atomic_store(&first[COUNT_tx_packets], 300);
	atomic_store(&second[COUNT_rx_packets], 100);
	atomic_store(&first[COUNT_copies], 500);
	atomic_store(&second[COUNT_copies], 300);
	atomic_store(&first[COUNT_copy_calls], 20);
	atomic_store(&second[COUNT_notify], 8);
	assert_has(ask("/vifd/vif,7.0"),
		   "\"per_1000_frames\":{\"copies\":2000,\"copy_calls\":50,\"notify\":20}");
}

/* Sixty-four queues that count a lot still fit into DPDK's 16 KiB. */
static void biggest_vif_fits_into_an_answer(void **state)
{
	const char *answer;

	(void)state;
	connect_vif(64);
	for (uint32_t i = 0; i < 64; i++)
		for (uint32_t k = 0; k < COUNTERS; k++)
			atomic_store(&vifs[0].path->queues[i].counters.value[k], UINT64_MAX / 64);
	vifs[0].fault = "why";
	answer = ask("/vifd/vif,7.0");
	assert_has(answer, "\"copy_calls\":18446744073709551");
	assert_int_equal(occurrences(answer, "{"), occurrences(answer, "}"));
}

static void what_is_not_there_is_said(void **state)
{
	static const char *const wrong[] = {
		"/vifd/vif,8.0",
		"/vifd/vif,7.1",
		"/vifd/vif",
		"/vifd/vif,7",
		"/vifd/vif,7.0x",
		"/vifd/vif,-7.0",
		"/vifd/vif, 7.0",
		"/vifd/vif,7.99999",
		"/vifd/queue,7.0.1",
		"/vifd/queue,7.0",
		"/vifd/queue,7.0.x",
		"/vifd/vifs,x",
		"/vifd/vfs,-1",
		"/vifd/move,7.0",
		"/vifd/move,7.0,pf",
		"/vifd/move,8.0,vf",
		"/vifd/move",
		"/vifd/move,,,,,,,",
		"/vifd/vif,999999999999999999999.0",
	};

	(void)state;
	connect_vif(1);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_has(ask(wrong[i]), ":{\"error\":\"");
	assert_int_equal(moved, VIF_MOVE_NONE);
}

/* Guests web (7.0, 7.1 with a vifname) and db (9.0) */
static void vif_is_found_by_the_names_that_people_know(void **state)
{
	static const char *const good[][2] = {
		{ "7.0", "7.0" },  { "web.0", "7.0" }, { "web.1", "7.1" },
		{ "dmz0", "7.1" }, { "db", "9.0" },    { "db.0", "9.0" },
	};
	const char *answer;

	(void)state;
	add_vif(1, 7, 1);
	add_vif(2, 9, 0);
	fake_xs_put("/local/domain/7/name", "web");
	fake_xs_put("/local/domain/9/name", "db");
	fake_xs_put("/local/domain/0/backend/vif/7/1/vifname", "dmz0");
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char command[64], want[64];

		snprintf(command, sizeof(command), "/vifd/vif,%s", good[i][0]);
		snprintf(want, sizeof(want), "{\"/vifd/vif\":{\"vif\":\"%s\"", good[i][1]);
		assert_has(ask(command), want);
	}
	answer = ask("/vifd/vif,7.1");
	assert_has(answer, "\"guest\":\"web\"");
	assert_has(answer, "\"vifname\":\"dmz0\"");
	/* several, and none */
	assert_has(ask("/vifd/vif,web"), "'web' is several vifs, name one of them: 7.0 7.1");
	assert_has(ask("/vifd/vif,web.2"), "no such vif: 'web.2'");
	assert_has(ask("/vifd/vif,"), "no such vif");
	/* every command that takes a vif */
	ask("/vifd/move,db,software");
	assert_int_equal(moved, VIF_MOVE_SOFTWARE);
	assert_null(strstr(ask("/vifd/policy,dmz0,0"), "no such vif"));
	assert_null(strstr(ask("/vifd/set,dmz0,mtu=1400"), "no such vif"));
}

static void every_vif_is_named_once_over_the_pages(void **state)
{
	uint32_t nr;

	(void)state;
	for (uint32_t i = 1; i < VIFS; i++)
		add_vif(i, (uint16_t)(10000 + i), 0);
	assert_string_equal(ask("/vifd/vifs,699"), "{\"/vifd/vifs\":[\"10699.0\"]}");
	assert_string_equal(ask("/vifd/vifs,700"), "{\"/vifd/vifs\":[]}");
	nr = occurrences(ask("/vifd/vifs"), ".0\"");
	assert_int_equal(nr, 512);
	assert_int_equal(occurrences(ask("/vifd/vifs,512"), ".0\""), VIFS - nr);
}

static void every_vf_is_listed_once_over_the_pages(void **state)
{
	uint32_t seen = 0, pages = 0, nr;

	(void)state;
	nr_vfs = VFS;
	do {
		char command[32];

		snprintf(command, sizeof(command), "/vifd/vfs,%u", seen);
		nr = occurrences(ask(command), "\"pci\":\"0000:01:");
		seen += nr;
		pages++;
	} while (nr);
	assert_int_equal(seen, VFS);
	assert_int_equal(pages, 4);
	assert_has(ask("/vifd/vfs,1"), "{\"1\":{\"pci\":\"0000:01:00.1\"");
	assert_has(ask("/vifd/vfs,1"), "\"owner\":\"vif 1.0\",\"mac\":\"00:00:00:00:00:00\"");
	assert_has(
		ask("/vifd/nics"),
		"\"vfs\":150,\"vfs_taken\":75,\"native\":\"net_x (seen)\",\"switch\":"
		"{\"drop_unknown\":7,\"drop_inbox_full\":0,\"drop_stalled\":0,"
		"\"drop_no_memory\":0,\"drop_hairpin\":0,\"drop_reflected\":0,\"drop_malformed\":0}");
}

static void move_is_handed_on(void **state)
{
	(void)state;
	assert_has(ask("/vifd/move,7.0,vf"), "\"error\":\"the vif is not connected\"");
	connect_vif(1);
	assert_has(ask("/vifd/move,7.0,vf"), "\"moving\":\"vif 7.0\"");
	assert_int_equal(moved, VIF_MOVE_VF);
	ask("/vifd/move,7.0,software");
	assert_int_equal(moved, VIF_MOVE_SOFTWARE);
}

static void every_counter_has_a_text(void **state)
{
	const char *answer = ask("/vifd/counters");

	(void)state;
	assert_has(answer, "\"tx_drop_spoof\":\"frames whose source");
	assert_int_equal(occurrences(answer, "\":\""), COUNTERS);
}

static void stopped_vifd_answers_with_an_error(void **state)
{
	(void)state;
	fake_control_end();
	assert_has(ask("/vifd/vifs"), "\"error\":\"vifd is starting or stopping\"");
}

static void rules_come_in_pages_with_value_source_and_enforcer(void **state)
{
	uint32_t nr = 0, n = 0, both = 0;

	(void)state;
	connect_vif(1);
	policy_is_wrong = false;
	for (;; n += 8) {
		char command[64];
		const char *answer;

		snprintf(command, sizeof(command), "/vifd/policy,7.0,%u", n);
		answer = ask(command);
		if (!occurrences(answer, "\"rule\""))
			break;
		nr += occurrences(answer, "\"rule\"");
		both += occurrences(answer, "\"enforced\":\"both\"");
		if (n)
			continue;
		assert_true(strlen(answer) < 16384);
		assert_int_equal(occurrences(answer, "x"), POLICY_TEXT_MAX - 1);
		assert_has(answer, "\"source\":\"web.conf:7\",\"enforced\":\"both\"");
		assert_has(answer, "\"source\":\"default\",\"enforced\":\"software\"");
	}
	/* anti-spoof, broadcast, and of the VLAN rules the one that was given */
	assert_int_equal(both, 3);
	assert_non_null(policy_key(nr - 1));
	assert_null(policy_key(nr));
	assert_has(ask("/vifd/policy,7.0,x"), "\"error\"");
	policy_is_wrong = true;
	assert_has(ask("/vifd/policy,7.0"), "\"error\":\"policy/mtu: no good\"");
}

static void flow_rules_come_in_pages(void **state)
{
	static struct flow_counts counts = { .of[1] = { .frames = 12, .bytes = 720 } };
	static struct flows flows = { .isolated = 1, .nr = 6 };

	(void)state;
	connect_vif(1);
	for (uint16_t i = 0; i < flows.nr; i++)
		flows.rules[i] =
			(struct flow_rule){ .id = i, .fate = VIFFLOW_ACTION_DROP, .slot = i };
	path_set_flows(vifs[0].path, &flows, &counts);
	assert_has(ask("/vifd/flows,7.0"), "\"frames\":12,\"bytes\":720,\"match\":[]");
	assert_int_equal(occurrences(ask("/vifd/flows,7.0,4"), "\"id\""), 2);
	assert_int_equal(occurrences(ask("/vifd/flows,7.0"), "\"enforced\":\"software\""), 4);
	vifs[0].nic_flows = (struct nic_flows){ .nr = 1, .of = { { .id = flows.rules[2].id } } };
	assert_int_equal(occurrences(ask("/vifd/flows,7.0"), "\"enforced\":\"software\""), 3);
	assert_int_equal(occurrences(ask("/vifd/flows,7.0"), "\"enforced\":\"vf\""), 1);
	vifs[0].nic_flows.nr = 0;
}

/* No VF of the host enforces them, even with the id of a rule that one does. */
static void rules_of_a_virtual_vf_follow(void **state)
{
	static struct flow_counts counts, sent_counts = { .of[3] = { .frames = 7, .bytes = 427 } };
	static struct flows flows = { .nr = 3 };
	static struct vf_rules own = { .table = { .nr = 3 } };

	(void)state;
	connect_vif(1);
	for (uint16_t i = 0; i < 3; i++) {
		flows.rules[i] = (struct flow_rule){ .id = i, .fate = VIFFLOW_ACTION_DROP };
		own.table.rules[i] = (struct flow_rule){
			.id = 10u + i, .fate = FLOW_FATE_REDIRECT, .to = 5, .slot = 3, .counts = 1
		};
	}
	own.table.rules[0].id = 2;
	own.search.counts = &sent_counts;
	path_set_flows(vifs[0].path, &flows, &counts);
	vifs[0].nic_flows = (struct nic_flows){ .nr = 1, .of = { { .id = 2 } } };
	vifs[0].virtual_pf.rules.own = &own;
	assert_int_equal(occurrences(ask("/vifd/flows,7.0"), "\"frames_of\":\"rx\""), 3);
	assert_int_equal(occurrences(ask("/vifd/flows,7.0"), "\"frames_of\":\"tx\""), 1);
	assert_int_equal(occurrences(ask("/vifd/flows,7.0"), "\"enforced\":\"vf\""), 1);
	assert_int_equal(occurrences(ask("/vifd/flows,7.0,4"), "\"id\""), 2);
	assert_has(ask("/vifd/flows,7.0,5"), "\"frames\":7,\"bytes\":427");
	assert_has(ask("/vifd/flows,7.0,5"), "\"redirect to VF 5\"");
	assert_string_equal(ask("/vifd/flows,7.0,6"), "{\"/vifd/flows\":{}}");
	vifs[0].virtual_pf.rules.own = NULL;
	vifs[0].nic_flows.nr = 0;
	path_set_flows(vifs[0].path, NULL, NULL);
}

static void rules_are_set_together(void **state)
{
	(void)state;
	policy_is_wrong = false;
	assert_has(ask("/vifd/set,7.0,macs=02:00:00:00:00:01,02:00:00:00:00:02;vlan-filter=;mtu"),
		   "\"set\":\"7.0\"");
	assert_string_equal(policy_words,
			    "macs=02:00:00:00:00:01,02:00:00:00:00:02;vlan-filter=;mtu");
	policy_is_wrong = true;
	assert_has(ask("/vifd/set,7.0,mtu=1"), "\"error\":\"policy/mtu: no good\"");
	assert_has(ask("/vifd/set,7.0"), "\"error\"");
	assert_has(ask("/vifd/set,7.0,"), "\"error\"");
	assert_has(ask("/vifd/set,99.0,mtu=1"), "no such vif");
}

int main(void)
{
#define ANSWER(name) cmocka_unit_test_setup_teardown(name, start_vif, stop_vif)
	const struct CMUnitTest tests[] = {
		ANSWER(vif_that_is_not_connected_has_no_path),
		ANSWER(connected_vif_is_told_with_everything),
		ANSWER(virtual_vf_is_told_with_what_its_guest_set),
		ANSWER(vf_is_told_with_what_pf_nic_and_driver_say),
		ANSWER(counters_that_are_reset_begin_at_0),
		ANSWER(pools_are_told_with_what_is_free),
		ANSWER(mapped_pages_are_told_beside_the_pools),
		ANSWER(cost_of_a_thousand_frames_is_told),
		ANSWER(biggest_vif_fits_into_an_answer),
		ANSWER(what_is_not_there_is_said),
		ANSWER(every_vif_is_named_once_over_the_pages),
		ANSWER(vif_is_found_by_the_names_that_people_know),
		ANSWER(every_vf_is_listed_once_over_the_pages),
		ANSWER(move_is_handed_on),
		ANSWER(rules_come_in_pages_with_value_source_and_enforcer),
		ANSWER(flow_rules_come_in_pages),
		ANSWER(rules_of_a_virtual_vf_follow),
		ANSWER(rules_are_set_together),
		ANSWER(every_counter_has_a_text),
		ANSWER(stopped_vifd_answers_with_an_error),
	};

	return cmocka_run_group_tests(tests, group_start, group_stop);
}
