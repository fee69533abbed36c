/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/*
 * The control ring: messages and the pages they point to, both rewritten while they
 * are copied. Afterwards frames pass in both directions with the new settings.
 */
#include "fuzz.h"

#include "backend/vif/ctrl.h"
#include "backend/vif/nic_flows.h"
#include "backend/vif/vif.h"
#include "common/flow.h"
#include "common/virtual_pf.h"
#include "test/unit/fake_host.h"

#define PAGES 8u

static struct guest *guest;
static struct netif_ctrl_sring *ring;
static struct fuzz_input mutations;
static uint32_t pages[PAGES];
static struct guest_frame frame;
static struct budget budget;
static struct vif the_vifs[3];
static struct flow_counts rule_counts;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return fake_start(NULL) || host_open();
}

static void mutate(void *arg, bool in, const struct gnt_copy *ops, uint32_t nr)
{
	uint8_t what = fuzz_u8(&mutations);

	(void)arg;
	(void)in;
	(void)ops;
	(void)nr;
	if (what & 1)
		fuzz_bytes(&mutations, guest_page(guest, pages[what >> 5]) + (what & 0x1e), 8);
	if (what & 2)
		fuzz_bytes(&mutations, &ring->entry[what >> 2], 16);
}

/* Is the first word a reference to a page? */
static bool begins_with_page(uint16_t type)
{
	return type == NETIF_CTRL_SET_HASH_KEY || type == NETIF_CTRL_SET_HASH_MAPPING ||
	       type == VIFFLOW_CTRL_VALIDATE || type == VIFFLOW_CTRL_CREATE ||
	       type == VIFVPF_CTRL_RULE_CREATE;
}

/* Mostly VFs, attributes and values that there are; VF 2 is one too many. */
static void virtual_pf_request(struct netif_ctrl_request *req, uint8_t how)
{
	req->type = (uint16_t)(VIFVPF_CTRL_ENABLE + req->type % 8);
	if (how & 32)
		req->data[0] = req->type == VIFVPF_CTRL_SET ?
				       VIFVPF_SET(req->data[0] % 3, (req->data[0] >> 16) % 8) :
				       req->data[0] % 4;
	if (how & 64)
		req->data[1] %= 4;
	if (how & 128)
		req->data[2] = VIFVPF_VLAN_TYPE;
}

static void put_message(struct fuzz_input *input)
{
	struct netif_ctrl_request req;
	uint8_t how = fuzz_u8(input);

	fuzz_bytes(input, &req, sizeof(req));
	if (how & 16)
		virtual_pf_request(&req, how);
	else if (how & 8)
		req.type = (uint16_t)(VIFFLOW_CTRL_VALIDATE + req.type % 8);
	else
		req.type %= 16;
	if (how & 16 && req.type == VIFVPF_CTRL_RULE_CREATE)
		how &= 1;
	else if (how & 16)
		how &= 2 * (req.type == VIFVPF_CTRL_QUERY || req.type == VIFVPF_CTRL_RULE_COUNTS);
	/* mostly references and sizes that pass the first check */
	if (how & 1)
		req.data[0] = begins_with_page(req.type) ? pages[req.data[0] % PAGES] :
							   req.data[0] % 3;
	if (how & 2)
		req.data[1] = req.type > NETIF_CTRL_GET_GREF_MAPPING_SIZE ?
				      pages[req.data[1] % PAGES] :
				      req.data[1] % 130;
	if (how & 4)
		req.data[2] %= 20;
	ring->entry[ring->idx.req_prod++ % NETIF_CTRL_RING_SIZE].req = req;
}

static void fill_page(struct fuzz_input *input)
{
	uint8_t how = fuzz_u8(input);
	uint8_t *page = guest_page(guest, pages[how % PAGES]);

	if (how & 128) {
		for (uint32_t i = 0; i < 16; i++)
			((struct netif_gref *)page)[i] =
				(struct netif_gref){ .ref = pages[fuzz_u8(input) % PAGES],
						     .flags = fuzz_u8(input) & 1 };
		return;
	}
	fuzz_bytes(input, page, 64);
}

/* A virtual PF with two VFs, of which nobody is connected but the PF. */
static void make_vifs(struct vif vifs[3])
{
	memset(vifs, 0, 3 * sizeof(vifs[0]));
	TAILQ_INIT(&fake_host.host.vifs);
	for (uint32_t i = 0; i < 3; i++) {
		struct policy_draft *draft = &vifs[i].policy.draft;

		vifs[i].host = &fake_host.host;
		vifs[i].budget = &budget;
		vifs[i].domid = 7;
		vifs[i].handle = (uint16_t)i;
		vifs[i].mac = (struct rte_ether_addr){ { 2, 0, 0, 0, 0, (uint8_t)i } };
		policy_init(draft);
		draft->virtual_pf = i > 0;
		draft->guest_mac = true;
		draft->guest_rate = 100;
		policy_vlan_add(draft->guest_vlan, 2);
		TAILQ_INSERT_TAIL(&fake_host.host.vifs, &vifs[i], link);
		vif_index_add(&fake_host.host, &vifs[i]);
	}
	virtual_pf_restored(&vifs[0]);
	vifs[0].path = guest->path;
	vifs[0].worker = fake_host.host.workers[0];
	vf_rules_restore(&vifs[0].virtual_pf.rules, NULL, &rule_counts);
}

/* What is in force is within the rules, whatever was asked for. */
static void check_vifs(struct vif vifs[3])
{
	const struct flows *rules = vifs[0].virtual_pf.rules.table;

	for (uint32_t i = 0; rules && i < rules->nr; i++) {
		fuzz_check(rules->rules[i].vf < vifs[0].virtual_pf.wishes.wanted);
		fuzz_check(!rules->rules[i].push || (rules->rules[i].push & 0xfff) <= 4094);
	}
	fuzz_check(!rules || flows_are_whole(rules, 1));
	fuzz_check(vf_wishes_are_whole(&vifs[0].virtual_pf.wishes));
	for (uint32_t i = 1; i < 3; i++) {
		struct policy_draft draft = vifs[i].policy.draft;

		virtual_pf_apply(&vifs[i], &draft);
		fuzz_check(!(draft.vlan_insert & 0xfff) || (draft.vlan_insert & 0xfff) == 2);
		fuzz_check(draft.anti_spoof && !draft.guest_promiscuous && draft.nr_macs <= 1);
		fuzz_check(!draft.nr_macs || !rte_is_same_ether_addr(&draft.macs[0], &vifs[0].mac));
		fuzz_check(policy_guaranteed(&draft) == 0);
	}
}

static void run(struct ctrl *ctrl)
{
	static struct zerocopy_rx zerocopy_rx;
	static struct nic_flows nic_flows;
	uint64_t due_us;

	fake_host.now_us += 2000;
	ctrl_run(ctrl, guest->path, fake_host.host.workers[0], &zerocopy_rx, &nic_flows,
		 fake_host.now_us, &due_us);
	check_vifs(the_vifs);
	for (uint32_t i = 0; i < guest->path->steer.nr_mapping; i++)
		fuzz_check(guest->path->steer.mapping[i] < guest->path->nr_queues);
	for (uint32_t i = 0; i < guest->path->nr_queues; i++)
		fuzz_check(guest->path->queues[i].statics.nr <= STATICS_MAX);
}

/* Uses the new settings: static grants, steering. */
static void pass_frames(struct fuzz_input *input)
{
	uint8_t bytes[1024];
	uint32_t len = fuzz_frame(input, bytes, sizeof(bytes));

	port_feed(&guest->port, bytes, len, 0);
	guest_tx_put(guest, (struct netif_tx_request){ .gref = pages[fuzz_u8(input) % PAGES],
						       .size = (uint16_t)len });
	guest_tx_push(guest);
	guest_poll(guest);
	for (uint32_t i = 0; i < guest->path->nr_queues; i++)
		while (guest_receive(guest, i, &frame))
			;
	port_forget(&guest->port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size / 2 };
	struct ctrl *ctrl;
	uint32_t ref;

	mutations = (struct fuzz_input){ data + size / 2, size - size / 2 };
	guest = guest_new(7, 3);
	guest->live.flows = 16;
	guest->takes_marks = true;
	fuzz_check(!guest_connect(guest));
	for (uint32_t i = 0; i < PAGES; i++)
		pages[i] = guest_grant(guest, i & 1);
	ref = guest_grant(guest, false);
	ring = (void *)guest_page(guest, ref);
	for (uint32_t i = 0; i < 3; i++)
		guest_rx_post(guest, i, 64);
	ctrl = ctrl_open(&fake_host.host, 7, ref, 500);
	fuzz_check(ctrl);
	make_vifs(the_vifs);
	ctrl_serve_pf(ctrl, &the_vifs[0], &the_vifs[0].virtual_pf.wishes,
		      &the_vifs[0].virtual_pf.rules, virtual_pf_message);
	fake_copy_hook = mutate;
	for (uint32_t i = 0; i < 40 && input.left; i++) {
		switch (fuzz_u8(&input) % 4) {
		case 0:
			fill_page(&input);
			break;
		case 1:
			pass_frames(&input);
			break;
		default:
			put_message(&input);
			run(ctrl);
			break;
		}
	}
	fake_copy_hook = NULL;
	ctrl_close(ctrl);
	vf_rules_end(&the_vifs[0]);
	for (uint32_t i = 0; i < 3; i++)
		vif_index_remove(&fake_host.host, &the_vifs[i]);
	TAILQ_INIT(&fake_host.host.vifs);
	guest_free(guest);
	fuzz_check(fake_all_free());
	return 0;
}
