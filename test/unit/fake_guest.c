/* SPDX-License-Identifier: BSD-3-Clause */
/* links: path/tx.c path/tx_gather.c path/tx_plain.c path/verdict.c path/verdict_ip.c path/near.c path/vf_rules.c path/near_plan.c path/rx.c path/rx_plain.c path/rx_accept.c path/handover.c path/poll.c path/path.c path/queue.c */
/* links: path/merge.c path/coalesce.c path/cut.c path/frame.c path/steer.c path/flows.c path/flow_search.c path/statics.c path/static_maps.c path/zc_tx.c path/zc_rx.c path/isolation.c path/mirror.c path/frame_filter.c path/classes.c */
/* links: port/offload.c port/memory.c port/retire.c test/unit/fake_grants.c */
#include "fake_guest.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <rte_eal.h>

#include "backend/port/memory.h"
#include "common/flow.h"

#define CHANNELS 256u
#define FIRST_PORT 16u
#define OFFERED_PORT 100u /* what the guest calls its first channel */

/* One bound event channel; its index is the local port. */
struct channel {
	bool bound, masked, pending;
	uint16_t domid;
	uint32_t remote;
	uint32_t notified;
};

struct evt {
	struct channel channel[CHANNELS];
};

struct path_tools fake_tools;

static struct evt the_evt;
static struct guest *guests[FAKE_GUESTS];
static struct rte_mbuf *taken[FAKE_MBUFS + 1];
static uint32_t nr_taken;

struct guest *fake_guest_at(uint32_t slot)
{
	return guests[slot];
}

struct guest *fake_find_guest(uint16_t domid)
{
	for (uint32_t i = 0; i < FAKE_GUESTS; i++)
		if (guests[i] && guests[i]->domid == domid)
			return guests[i];
	return NULL;
}

/* evt.h */

struct evt *evt_open(void)
{
	return &the_evt;
}

void evt_close(struct evt *evt)
{
	(void)evt;
}

int evt_fd(const struct evt *evt)
{
	(void)evt;
	return -1;
}

int evt_bind(struct evt *evt, uint16_t domid, uint32_t remote_port)
{
	struct channel *free_channel = NULL;

	if (!fake_find_guest(domid) || remote_port < OFFERED_PORT)
		return -EINVAL;
	for (uint32_t i = FIRST_PORT; i < CHANNELS; i++) {
		struct channel *channel = &evt->channel[i];

		if (channel->bound && channel->domid == domid && channel->remote == remote_port)
			return -EINVAL; /* it is not unbound at the far end */
		if (!channel->bound && !free_channel)
			free_channel = channel;
	}
	assert(free_channel);
	*free_channel = (struct channel){ .bound = true, .domid = domid, .remote = remote_port };
	return (int)(free_channel - evt->channel);
}

void evt_unbind(struct evt *evt, uint32_t port)
{
	assert(port < CHANNELS && evt->channel[port].bound);
	evt->channel[port].bound = false;
}

void evt_notify(struct evt *evt, uint32_t port)
{
	assert(port < CHANNELS && evt->channel[port].bound);
	evt->channel[port].notified++;
}

int evt_pending(struct evt *evt)
{
	for (uint32_t i = FIRST_PORT; i < CHANNELS; i++) {
		struct channel *channel = &evt->channel[i];

		if (!channel->bound || channel->masked || !channel->pending)
			continue;
		channel->masked = true;
		channel->pending = false;
		return (int)i;
	}
	return -EAGAIN;
}

void guest_ring_ctrl(uint16_t domid, uint32_t remote)
{
	for (uint32_t i = FIRST_PORT; i < CHANNELS; i++)
		if (the_evt.channel[i].domid == domid && the_evt.channel[i].remote == remote)
			the_evt.channel[i].pending = true;
}

void evt_unmask(struct evt *evt, uint32_t port)
{
	assert(port < CHANNELS && evt->channel[port].bound);
	evt->channel[port].masked = false;
}

/* DPDK */

/* What EAL asks whether its drivers' folder is there. It isn't: loading them all is half the work of a start. */
int stat64(const char *path, struct stat64 *status)
{
	if (strstr(path, "/dpdk/pmds-")) {
		errno = ENOENT;
		return -1;
	}
	return fstatat64(AT_FDCWD, path, status, 0);
}

int fake_start(void **state)
{
	cpu_set_t cpus;
	char *argv[] = { "test",
			 "--no-huge",
			 "--no-shconf",
			 "-m",
			 "64",
			 "--no-pci",
			 "--no-telemetry",
			 "--iova-mode=va",
			 "--log-level=error",
			 "-l",
			 "0",
			 "-d",
			 "librte_mempool_ring.so",
			 "-d",
			 "librte_bus_vdev.so",
			 "-d",
			 "librte_net_null.so",
			 NULL };
	int argc = (int)(sizeof(argv) / sizeof(argv[0])) - 1;

	(void)state;
	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0 || rte_eal_init(argc, argv) < 0) {
		fprintf(stderr, "DPDK does not start\n");
		return -1;
	}
	sched_setaffinity(0, sizeof(cpus), &cpus); /* EAL binds an lcore to one processor */
	fake_tools.gnt = gnt_open();
	fake_tools.evt = &the_evt;
	fake_tools.now_us = 1000000;
	fake_tools.pool = rte_pktmbuf_pool_create("packets", FAKE_MBUFS, 0, 0,
						  RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!fake_tools.pool ||
	    offload_init(&fake_tools.offload, fake_tools.pool, "indirect", OFFLOAD_MBUFS)) {
		fprintf(stderr, "no packet memory\n");
		return -1;
	}
	return 0;
}

void fake_take_memory(uint32_t free)
{
	while (rte_mempool_avail_count(fake_tools.pool) > free) {
		taken[nr_taken++] = rte_pktmbuf_alloc(fake_tools.pool);
		memory_pin(fake_tools.pool, 1);
	}
}

void fake_give_memory(void)
{
	while (nr_taken) {
		rte_pktmbuf_free(taken[--nr_taken]);
		memory_pin(fake_tools.pool, -1);
	}
}

static int by_address(const void *a, const void *b)
{
	const uintptr_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Is each buffer there, and once? One that was freed twice makes up for another that was not freed. */
static bool is_whole(struct rte_mempool *pool)
{
	static void *all[FAKE_MBUFS + 1];
	uint32_t nr = 0, same = 0;

	if (!rte_mempool_full(pool))
		return false;
	while (nr < RTE_DIM(all) && rte_mempool_get(pool, &all[nr]) == 0)
		nr++;
	rte_mempool_put_bulk(pool, all, nr);
	qsort(all, nr, sizeof(all[0]), by_address);
	for (uint32_t i = 1; i < nr; i++)
		same += all[i] == all[i - 1];
	return nr == pool->size && !same;
}

bool fake_all_free(void)
{
	return rte_mempool_full(fake_tools.pool) && rte_mempool_full(fake_tools.offload.indirect);
}

bool fake_all_whole(void)
{
	return is_whole(fake_tools.pool) && is_whole(fake_tools.offload.indirect);
}

/* The port */

/* What port.h promises of a frame that is sent. */
static void check_frame(const struct rte_mbuf *mbuf)
{
	uint32_t headers = mbuf->l2_len + mbuf->l3_len + mbuf->l4_len;
	const struct rte_mbuf *seg;
	uint32_t len = 0, segs = 0;

	for (seg = mbuf; seg; seg = seg->next) {
		assert(rte_mbuf_refcnt_read(seg) >= 1);
		assert(seg->data_off + seg->data_len <= seg->buf_len);
		len += seg->data_len;
		segs++;
	}
	assert(len == mbuf->pkt_len && segs == mbuf->nb_segs);
	assert(len <= NETIF_FRAME_MAX);
	assert(mbuf->data_len >= RTE_ETHER_HDR_LEN);
	if (mbuf->ol_flags & (RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG))
		assert(mbuf->l3_len && mbuf->l4_len && headers <= mbuf->data_len);
	if (mbuf->ol_flags & RTE_MBUF_F_TX_TCP_SEG)
		assert(mbuf->tso_segsz && headers < mbuf->pkt_len);
}

static uint16_t fake_tx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts,
			      uint16_t nr)
{
	struct fake_port *fake = (struct fake_port *)port;
	uint16_t took = 0;

	assert(queue < port->nr_queues);
	while (took < nr && fake->room && fake->nr_sent < FAKE_SENT_MAX) {
		check_frame(pkts[took]);
		fake->sent_by[fake->nr_sent] = queue;
		fake->sent[fake->nr_sent++] = pkts[took++];
		if (fake->room != UINT32_MAX)
			fake->room--;
	}
	return took;
}

static uint16_t fake_rx_burst(struct port *port, uint16_t queue, struct rte_mbuf **pkts,
			      uint16_t nr)
{
	struct fake_port *fake = (struct fake_port *)port;
	uint32_t left = 0;
	uint16_t got = 0;

	assert(nr <= PORT_BURST && queue < port->nr_queues);
	for (uint32_t i = 0; i < fake->nr_waiting; i++) {
		if (got < nr && fake->waiting[i]->port == queue)
			pkts[got++] = fake->waiting[i];
		else
			fake->waiting[left++] = fake->waiting[i];
	}
	fake->nr_waiting = left;
	return got;
}

static void fake_close(struct port *port)
{
	port_forget((struct fake_port *)port);
}

static int fake_rx_fd(struct port *port, uint16_t queue)
{
	(void)port;
	(void)queue;
	return -1;
}

static void fake_link_get(struct port *port, struct port_link *link)
{
	(void)port;
	*link = (struct port_link){ .up = true };
}

static void fake_stats_get(struct port *port, struct port_stats *stats)
{
	(void)port;
	memset(stats, 0, sizeof(*stats));
}

static const struct port_ops fake_ops = {
	.close = fake_close,
	.tx_burst = fake_tx_burst,
	.rx_burst = fake_rx_burst,
	.rx_fd = fake_rx_fd,
	.link_get = fake_link_get,
	.stats_get = fake_stats_get,
};

struct rte_mbuf *port_feed(struct fake_port *port, const void *bytes, uint32_t len,
			   uint32_t seg_bytes)
{
	struct rte_mbuf *head = NULL, **link = &head;
	uint32_t done = 0;

	while (done < len || !head) {
		struct rte_mbuf *seg = rte_pktmbuf_alloc(fake_tools.pool);
		uint32_t part = len - done;

		assert(seg);
		if (seg_bytes && part > seg_bytes)
			part = seg_bytes;
		if (part > rte_pktmbuf_tailroom(seg))
			part = rte_pktmbuf_tailroom(seg);
		memcpy(rte_pktmbuf_mtod(seg, void *), (const uint8_t *)bytes + done, part);
		seg->data_len = (uint16_t)part;
		done += part;
		*link = seg;
		link = &seg->next;
		if (seg != head)
			head->nb_segs++;
		head->pkt_len = done;
	}
	assert(port->nr_waiting < FAKE_SENT_MAX);
	head->port = port->feeds;
	port->waiting[port->nr_waiting++] = head;
	return head;
}

uint32_t port_sent(const struct fake_port *port, uint32_t which, void *bytes, uint32_t size)
{
	const struct rte_mbuf *mbuf = port->sent[which];
	uint8_t *out = bytes;

	assert(which < port->nr_sent && mbuf->pkt_len <= size);
	for (const struct rte_mbuf *seg = mbuf; seg; seg = seg->next) {
		memcpy(out, rte_pktmbuf_mtod(seg, const void *), seg->data_len);
		out += seg->data_len;
	}
	return mbuf->pkt_len;
}

void port_forget(struct fake_port *port)
{
	while (port->nr_sent)
		rte_pktmbuf_free(port->sent[--port->nr_sent]);
	while (port->nr_waiting)
		rte_pktmbuf_free(port->waiting[--port->nr_waiting]);
}

/* The guest */

uint32_t guest_grant(struct guest *guest, bool readonly)
{
	uint32_t ref = guest->next_ref++;

	/* A long test goes round: by then the old ones are done with. */
	if (ref == FAKE_REFS) {
		ref = FAKE_REF_MIN + 4 * FAKE_QUEUES;
		guest->next_ref = ref + 1;
	}
	if (!guest->grant[ref].page)
		guest->grant[ref].page = mmap(NULL, NETIF_PAGE_SIZE, PROT_READ | PROT_WRITE,
					      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert(guest->grant[ref].page != MAP_FAILED && !guest->grant[ref].mapped);
	memset(guest->grant[ref].page, 0, NETIF_PAGE_SIZE);
	guest->grant[ref].readonly = readonly;
	guest->grant[ref].revoked = false;
	return ref;
}

uint8_t *guest_page(struct guest *guest, uint32_t ref)
{
	assert(ref < FAKE_REFS && guest->grant[ref].page);
	return guest->grant[ref].page;
}

void guest_revoke(struct guest *guest, uint32_t ref)
{
	assert(ref < FAKE_REFS && guest->grant[ref].page);
	guest->grant[ref].revoked = true;
}

struct guest *guest_new(uint16_t domid, uint32_t nr_queues)
{
	struct guest *guest = calloc(1, sizeof(*guest));
	uint32_t slot = 0;

	assert(guest && nr_queues <= FAKE_QUEUES);
	while (guests[slot])
		assert(++slot < FAKE_GUESTS);
	guests[slot] = guest;
	guest->domid = domid;
	guest->next_ref = FAKE_REF_MIN;
	guest->raise.fd = -1;
	guest->config = (struct path_config){ .domid = domid,
					      .rx_sg = true,
					      .rx_gso4 = true,
					      .rx_gso6 = true,
					      .rx_csum4 = true,
					      .rx_csum6 = true,
					      .rx_notify = true,
					      .backlog_bytes = 1u << 20,
					      .nr_queues = nr_queues };
	guest->live.link = true;
	guest->live.mtu = UINT16_MAX;
	for (uint32_t i = 0; i < nr_queues; i++) {
		struct queue_config *config = &guest->config.queues[i];

		config->tx_ref = guest_grant(guest, false);
		config->rx_ref = guest_grant(guest, false);
		config->tx_port = config->rx_port = OFFERED_PORT + i;
		guest->queue[i].tx = (void *)guest_page(guest, config->tx_ref);
		guest->queue[i].rx = (void *)guest_page(guest, config->rx_ref);
		guest->queue[i].tx->idx.rsp_event = 1;
		guest->queue[i].rx->idx.rsp_event = 1;
	}
	guest->port = (struct fake_port){ .port = { .ops = &fake_ops,
						    .name = "fake",
						    .kind = PORT_SOFTWARE,
						    .mtu = 1500,
						    .nr_queues = 1 },
					  .room = UINT32_MAX };
	return guest;
}

int guest_connect(struct guest *guest)
{
	int ret;

	guest->path = path_create(&guest->config, &guest->live, fake_tools.gnt, &guest->raise);
	if (!guest->path)
		return -errno;
	guest->path->port = &guest->port.port;
	ret = path_attach(guest->path, &fake_tools);
	if (ret) {
		path_destroy(guest->path, fake_tools.gnt);
		guest->path = NULL;
	}
	return ret;
}

void guest_disconnect(struct guest *guest)
{
	if (!guest->path)
		return;
	path_detach(guest->path, &fake_tools);
	path_destroy(guest->path, fake_tools.gnt);
	guest->path = NULL;
}

void guest_free(struct guest *guest)
{
	if (!guest)
		return;
	guest_disconnect(guest);
	port_forget(&guest->port);
	for (uint32_t i = 0; i < CHANNELS; i++)
		assert(!the_evt.channel[i].bound || the_evt.channel[i].domid != guest->domid);
	for (uint32_t i = 0; i < FAKE_REFS; i++) {
		assert(!guest->grant[i].mapped);
		if (guest->grant[i].page)
			munmap(guest->grant[i].page, NETIF_PAGE_SIZE);
	}
	for (uint32_t i = 0; i < FAKE_GUESTS; i++)
		if (guests[i] == guest)
			guests[i] = NULL;
	free(guest);
}

unsigned int guest_poll(struct guest *guest)
{
	return path_is_stopped(guest->path) ? 0 : path_poll(guest->path, &fake_tools);
}

const char *guest_fault(const struct guest *guest)
{
	return path_faulted(guest->path);
}

uint64_t guest_count(const struct guest *guest, enum path_counter which)
{
	return atomic_load(&guest->path->queues[0].counters.value[which]);
}

static void tx_put(struct guest *guest, const union netif_tx_entry *entry)
{
	struct guest_queue *queue = &guest->queue[0];

	queue->tx->entry[queue->tx_req_prod++ % NETIF_RING_SIZE] = *entry;
}

void guest_tx_put(struct guest *guest, struct netif_tx_request req)
{
	union netif_tx_entry entry = { .req = req };

	tx_put(guest, &entry);
}

void guest_tx_extra(struct guest *guest, struct netif_extra_info extra)
{
	union netif_tx_entry entry = { .extra = extra };

	tx_put(guest, &entry);
}

void guest_tx_push(struct guest *guest)
{
	struct guest_queue *queue = &guest->queue[0];

	__atomic_store_n(&queue->tx->idx.req_prod, queue->tx_req_prod, __ATOMIC_RELEASE);
}

bool guest_tx_response(struct guest *guest, struct netif_tx_response *rsp)
{
	struct guest_queue *queue = &guest->queue[0];

	if (queue->tx->idx.rsp_prod == queue->tx_rsp_cons)
		return false;
	*rsp = queue->tx->entry[queue->tx_rsp_cons++ % NETIF_RING_SIZE].rsp;
	return true;
}

void guest_send(struct guest *guest, const void *bytes, uint32_t len, uint32_t slots,
		uint16_t flags, const struct netif_extra_info *gso)
{
	uint32_t nr = (len + NETIF_PAGE_SIZE - 1) / NETIF_PAGE_SIZE;
	uint32_t done = 0;

	if (nr < slots)
		nr = slots;
	for (uint32_t i = 0; i < nr; i++) {
		uint32_t part = (len - done) / (nr - i);
		uint32_t ref = guest_grant(guest, true);
		uint32_t offset = part < NETIF_PAGE_SIZE - 64 ? 64 : 0;
		struct netif_tx_request req = {
			.gref = ref,
			.offset = (uint16_t)offset,
			.flags = (i ? 0 : flags) | (i + 1 < nr ? NETIF_TXF_MORE_DATA : 0),
			.id = (uint16_t)(i + 1),
			.size = (uint16_t)(i ? part : len),
		};

		memcpy(guest_page(guest, ref) + offset, (const uint8_t *)bytes + done, part);
		done += part;
		if (!i && gso)
			req.flags |= NETIF_TXF_EXTRA_INFO;
		guest_tx_put(guest, req);
		if (!i && gso)
			guest_tx_extra(guest, *gso);
	}
	guest_tx_push(guest);
}

void guest_rx_post(struct guest *guest, uint32_t which, uint32_t nr)
{
	struct guest_queue *queue = &guest->queue[which];

	for (uint32_t i = 0; i < nr; i++) {
		uint32_t slot = queue->rx_req_prod % NETIF_RING_SIZE;
		struct netif_rx_request *req = &queue->rx->entry[slot].req;
		uint32_t ref = guest_grant(guest, false);

		memset(guest_page(guest, ref), 0xee, NETIF_PAGE_SIZE);
		queue->rx_ref[slot] = ref;
		queue->rx_id[slot] = (uint16_t)(queue->rx_req_prod * 7 + 3);
		*req = (struct netif_rx_request){ .id = queue->rx_id[slot],
						  .pad = 0xa5a5,
						  .gref = ref };
		queue->rx_req_prod++;
	}
	__atomic_store_n(&queue->rx->idx.req_prod, queue->rx_req_prod, __ATOMIC_RELEASE);
}

static union netif_rx_entry receive_entry(struct guest_queue *queue)
{
	assert((int32_t)(queue->rx->idx.rsp_prod - queue->rx_rsp_cons) > 0);
	assert((int32_t)(queue->rx_req_prod - queue->rx_rsp_cons) > 0);
	return queue->rx->entry[queue->rx_rsp_cons++ % NETIF_RING_SIZE];
}

/* A mark is for a guest only that has made a rule with one. */
static bool may_have_extra(const struct guest *guest, uint8_t type)
{
	if (type == VIFFLOW_EXTRA_MARK)
		return guest->takes_marks;
	return type > NETIF_EXTRA_NONE && type < NETIF_EXTRA_TYPES;
}

static void receive_extras(struct guest *guest, struct guest_queue *queue,
			   struct guest_frame *frame)
{
	struct netif_extra_info *extra;

	do {
		assert(frame->nr_extras < GUEST_EXTRAS_MAX);
		extra = &frame->extra[frame->nr_extras++];
		*extra = receive_entry(queue).extra;
		assert(may_have_extra(guest, extra->type));
		frame->slots++;
	} while (extra->flags & NETIF_EXTRA_FLAG_MORE);
}

/* One response of a frame. Return: does the frame go on? */
static bool receive_slot(struct guest *guest, struct guest_queue *queue, struct guest_frame *frame)
{
	uint32_t slot = queue->rx_rsp_cons % NETIF_RING_SIZE;
	struct netif_rx_response rsp = receive_entry(queue).rsp;

	assert(rsp.id == queue->rx_id[slot]);
	if (!frame->slots++) {
		frame->flags = rsp.flags;
		frame->offset = rsp.offset;
	}
	if (rsp.status < 0) {
		frame->status = rsp.status;
		return rsp.flags & NETIF_RXF_MORE_DATA;
	}
	assert(rsp.offset + rsp.status <= (int)NETIF_PAGE_SIZE);
	memcpy(frame->bytes + frame->len, guest_page(guest, queue->rx_ref[slot]) + rsp.offset,
	       (size_t)rsp.status);
	frame->len += (uint32_t)rsp.status;
	assert(frame->slots == 1 || !(rsp.flags & NETIF_RXF_EXTRA_INFO));
	if (rsp.flags & NETIF_RXF_EXTRA_INFO)
		receive_extras(guest, queue, frame);
	return rsp.flags & NETIF_RXF_MORE_DATA;
}

bool guest_receive(struct guest *guest, uint32_t which, struct guest_frame *frame)
{
	struct guest_queue *queue = &guest->queue[which];

	memset(frame, 0, offsetof(struct guest_frame, bytes));
	if (queue->rx->idx.rsp_prod == queue->rx_rsp_cons)
		return false;
	while (receive_slot(guest, queue, frame))
		;
	return true;
}

uint32_t guest_notified_tx(const struct guest *guest, uint32_t queue)
{
	return the_evt.channel[guest->path->queues[queue].tx.port].notified;
}

uint32_t guest_notified_rx(const struct guest *guest, uint32_t queue)
{
	const struct queue *of = &guest->path->queues[queue];

	return the_evt.channel[of->rx.port >= 0 ? of->rx.port : of->tx.port].notified;
}

void guest_ring_bell(struct guest *guest, uint32_t queue)
{
	int port = guest->path->queues[queue].tx.port;

	the_evt.channel[port].masked = true;
	path_rang(guest->path, (uint32_t)port);
}

bool guest_masked(const struct guest *guest, uint32_t queue)
{
	return the_evt.channel[guest->path->queues[queue].tx.port].masked;
}
