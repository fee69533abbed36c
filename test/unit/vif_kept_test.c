/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/* vifd ends, is killed or stops, and another takes the vifs over: what the guest told the first is in force. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/vif/ctrl.h"
#include "backend/vif/vif.h"
#include "fake_frame.h"
#include "fake_host.h"

static char dir[] = "/tmp/vifd-vif.XXXXXX";
static char path[64], killed[64];
static struct guest *guest;
static struct netif_ctrl_sring *ring;
static uint32_t ring_ref, list_ref;

static int run_command(const char *verb)
{
	char command[160];

	snprintf(command, sizeof(command), "%s %s %s 2>/dev/null", verb, path, killed);
	return system(command);
}

static int setup(void **state)
{
	(void)state;
	if (host_open())
		return -1;
	snprintf(fake_host.config.run_dir, sizeof(fake_host.config.run_dir), "%s", dir);
	guest = guest_new(7, 1);
	ring_ref = guest_grant(guest, false);
	ring = (void *)guest_page(guest, ring_ref);
	list_ref = guest_grant(guest, false);
	host_toolstack(7);
	host_settle();
	host_front_end(guest);
	fake_xs_put("/local/domain/7/device/vif/0/ctrl-ring-ref", "%u", ring_ref);
	fake_xs_put("/local/domain/7/device/vif/0/event-channel-ctrl", "500");
	host_front_key(7, "request-multicast-control", "1");
	host_front_state(7, 4);
	host_settle();
	return host_back_state(7) == 4 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	host_close();
	guest_free(guest);
	unlink(path);
	unlink(killed);
	return fake_all_free() ? 0 : -1;
}

/* The next vifd finds xenstore as the first left it. */
static void start_again(void)
{
	vifs_close(fake_host.vifs);
	fake_host.vifs = vifs_open(&fake_host.host);
	assert_non_null(fake_host.vifs);
	host_settle();
	assert_non_null(host_path(7));
}

/* As if there had been no time to close anything: the file is as it was before. */
static void kill_and_start_again(void)
{
	assert_int_equal(run_command("cp"), 0);
	vifs_close(fake_host.vifs);
	assert_int_equal(rename(killed, path), 0);
	fake_host.vifs = vifs_open(&fake_host.host);
	assert_non_null(fake_host.vifs);
	host_settle();
	assert_non_null(host_path(7));
}

static void tell_group(uint8_t type, uint8_t last)
{
	struct netif_extra_info extra = { .type = type,
					  .u.mcast.addr = { 0x33, 0x33, 0xff, 0, 0, last } };
	uint32_t ref = guest_grant(guest, true);

	guest_tx_put(guest, (struct netif_tx_request){
				    .gref = ref, .flags = NETIF_TXF_EXTRA_INFO, .size = 60 });
	guest_tx_extra(guest, extra);
	guest_tx_push(guest);
	host_poll();
}

static bool hears(uint8_t last)
{
	const struct rte_ether_addr dst = { { 0x33, 0x33, 0xff, 0, 0, last } };

	return mcast_wanted(&host_path(7)->mcast, &dst);
}

static uint32_t ask(uint16_t type, uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t at = ring->idx.req_prod++;

	ring->entry[at % NETIF_CTRL_RING_SIZE].req =
		(struct netif_ctrl_request){ .id = 1, .type = type, .data = { a, b, c } };
	fake_host.now_us += 100000;
	vifs_find(fake_host.vifs, 7, 0)->stale |= STALE_STATE;
	host_settle();
	assert_int_equal(ring->idx.rsp_prod, at + 1);
	return ring->entry[at % NETIF_CTRL_RING_SIZE].rsp.status;
}

static void multicast_list_survives_a_restart(void **state)
{
	(void)state;
	tell_group(NETIF_EXTRA_MCAST_ADD, 1);
	tell_group(NETIF_EXTRA_MCAST_ADD, 2);
	assert_true(hears(1) && hears(2));
	assert_false(hears(3));
	start_again();
	assert_true(hears(1) && hears(2));
	assert_false(hears(3));
	tell_group(NETIF_EXTRA_MCAST_DEL, 1);
	tell_group(NETIF_EXTRA_MCAST_ADD, 3);
	kill_and_start_again();
	assert_false(hears(1));
	assert_true(hears(2) && hears(3));
}

static void without_the_list_all_groups_pass_for_the_life_of_the_connection(void **state)
{
	(void)state;
	tell_group(NETIF_EXTRA_MCAST_ADD, 1);
	vifs_close(fake_host.vifs);
	unlink(path);
	fake_host.vifs = vifs_open(&fake_host.host);
	host_settle();
	assert_true(hears(1) && hears(9));
	tell_group(NETIF_EXTRA_MCAST_ADD, 2);
	start_again();
	assert_true(hears(1) && hears(2) && hears(9));
}

static void guest_that_reconnects_begins_with_an_empty_list(void **state)
{
	(void)state;
	tell_group(NETIF_EXTRA_MCAST_ADD, 1);
	host_front_state(7, 6);
	host_settle();
	assert_int_not_equal(access(path, F_OK), 0);
	memset(guest->queue[0].tx, 0, NETIF_PAGE_SIZE);
	memset(guest->queue[0].rx, 0, NETIF_PAGE_SIZE);
	memset(ring, 0, NETIF_PAGE_SIZE);
	host_front_state(7, 1);
	host_settle();
	host_front_state(7, 4);
	fake_host.now_us += 5000000;
	host_settle();
	assert_false(hears(1));
}

/* The same references and channels; the rings begin at 0. */
static void guest_that_reconnected_while_no_vifd_ran_begins_with_an_empty_list(void **state)
{
	(void)state;
	tell_group(NETIF_EXTRA_MCAST_ADD, 1);
	vifs_close(fake_host.vifs);
	memset(guest->queue[0].tx, 0, NETIF_PAGE_SIZE);
	memset(guest->queue[0].rx, 0, NETIF_PAGE_SIZE);
	memset(ring, 0, NETIF_PAGE_SIZE);
	fake_host.vifs = vifs_open(&fake_host.host);
	host_settle();
	assert_non_null(host_path(7));
	assert_false(hears(1));
	tell_group(NETIF_EXTRA_MCAST_ADD, 2);
}

static void file_of_another_domain_of_the_same_number_is_not_believed(void **state)
{
	(void)state;
	fake_xs_put("/local/domain/7/vm", "/vm/01234567-89ab-cdef-0123-456789abcdef");
	tell_group(NETIF_EXTRA_MCAST_ADD, 1);
	start_again();
	assert_true(hears(9)); /* it had no UUID before: better too much than too little */
}

static uint32_t lend(uint32_t nr, uint32_t *refs)
{
	struct netif_gref *list = (void *)guest_page(guest, list_ref);

	for (uint32_t i = 0; i < nr; i++) {
		refs[i] = guest_grant(guest, i % 2);
		list[i] = (struct netif_gref){ .ref = refs[i],
					       .flags = i % 2 ? NETIF_GREF_READONLY : 0 };
	}
	return ask(NETIF_CTRL_ADD_GREF_MAPPING, 0, list_ref, nr);
}

static void static_grants_survive_a_restart(void **state)
{
	const struct netif_gref *list = (void *)guest_page(guest, list_ref);
	uint32_t refs[300];

	(void)state;
	assert_int_equal(lend(300, refs), NETIF_CTRL_STATUS_SUCCESS);
	kill_and_start_again();
	for (uint32_t i = 0; i < 300; i++) {
		const struct statics *statics = path_get_statics(host_path(7), 0);

		assert_int_equal(guest->grant[refs[i]].mapped, 1);
		assert_non_null(statics_find(statics, refs[i], false));
		assert_int_equal(statics_find(statics, refs[i], true) != NULL, i % 2 == 0);
	}
	assert_int_equal(ask(NETIF_CTRL_DEL_GREF_MAPPING, 0, list_ref, 300),
			 NETIF_CTRL_STATUS_SUCCESS);
	for (uint32_t i = 0; i < 300; i++) {
		assert_int_equal(list[i].status, NETIF_CTRL_STATUS_SUCCESS);
		assert_int_equal(guest->grant[refs[i]].mapped, 0);
	}
	start_again();
	assert_int_equal(path_get_statics(host_path(7), 0)->nr, 0);
}

static void grants_that_the_guest_withdrew_meanwhile_are_left_out(void **state)
{
	uint32_t refs[4];

	(void)state;
	assert_int_equal(lend(4, refs), NETIF_CTRL_STATUS_SUCCESS);
	vifs_close(fake_host.vifs);
	guest_revoke(guest, refs[2]);
	fake_host.vifs = vifs_open(&fake_host.host);
	host_settle();
	assert_int_equal(path_get_statics(host_path(7), 0)->nr, 3);
	assert_null(host_path(7)->fault);
}

static void hashing_survives_a_restart(void **state)
{
	uint8_t *key = guest_page(guest, list_ref);
	struct steer before;

	(void)state;
	memset(key, 0x5a, STEER_KEY_BYTES);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_ALGORITHM, NETIF_HASH_ALG_TOEPLITZ, 0, 0), 0);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_FLAGS, 5, 0, 0), 0);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_KEY, list_ref, STEER_KEY_BYTES, 0), 0);
	assert_int_equal(ask(NETIF_CTRL_SET_HASH_MAPPING_SIZE, 64, 0, 0), 0);
	before = *path_get_steer(host_path(7));
	assert_int_equal(before.nr_mapping, 64);
	start_again();
	assert_memory_equal(path_get_steer(host_path(7)), &before, sizeof(before));
	kill_and_start_again();
	assert_memory_equal(path_get_steer(host_path(7)), &before, sizeof(before));
}

/* vifd was killed after it had kept what the guest set, and before the guest could see the answer. */
static void answer_that_was_not_given_is_given_once(void **state)
{
	struct netif_ctrl_request request;
	uint32_t refs[2];

	(void)state;
	assert_int_equal(lend(2, refs), NETIF_CTRL_STATUS_SUCCESS);
	vifs_close(fake_host.vifs);
	request = (struct netif_ctrl_request){ .id = 1,
					       .type = NETIF_CTRL_ADD_GREF_MAPPING,
					       .data = { 0, list_ref, 2 } };
	ring->entry[0].req = request;
	ring->idx.rsp_prod = 0;
	fake_host.vifs = vifs_open(&fake_host.host);
	host_settle();
	/* no ring was served: it may be a new connection, so the message is taken anew */
	assert_int_equal(ring->idx.rsp_prod, 1);
	assert_int_equal(ring->entry[0].rsp.status, NETIF_CTRL_STATUS_SUCCESS);
	tell_group(NETIF_EXTRA_MCAST_ADD, 1);
	vifs_close(fake_host.vifs);
	ring->entry[0].req = request;
	ring->idx.rsp_prod = 0;
	fake_host.vifs = vifs_open(&fake_host.host);
	host_settle();
	assert_int_equal(ring->idx.rsp_prod, 1);
	assert_int_equal(ring->entry[0].rsp.status, NETIF_CTRL_STATUS_SUCCESS);
	assert_int_equal(path_get_statics(host_path(7), 0)->nr, 2);
}

/* Killed while a pass answers: some slots hold answers already that the guest cannot see. */
static void answers_that_were_not_published_keep_their_ids(void **state)
{
	const struct netif_extra_info gso = { .type = NETIF_EXTRA_GSO,
					      .u.gso = { .size = 1000, .type = NETIF_GSO_TCPV4 } };
	static uint8_t bytes[NETIF_FRAME_MAX];
	uint32_t len = frame_make(bytes, 0, 3000);
	struct netif_tx_response answer;
	uint16_t ids[6];

	(void)state;
	guest_send(guest, bytes, len, 2, NETIF_TXF_CSUM_BLANK, &gso);
	guest_send(guest, bytes, frame_make(bytes, FRAME_UDP, 100), 1, 0, NULL);
	for (uint32_t i = 0; i < 4; i++)
		ids[i] = i == 1 ? 0 : guest->queue[0].tx->entry[i].req.id;
	host_poll();
	assert_int_equal(guest->queue[0].tx->idx.rsp_prod, 4);
	guest->queue[0].tx->idx.rsp_prod = 0;
	start_again();
	host_poll();
	assert_null(host_path(7)->fault);
	for (uint32_t i = 0; i < 4; i++) {
		assert_true(guest_tx_response(guest, &answer));
		assert_int_equal(answer.id, ids[i]);
	}
}

static void choice_of_the_admin_survives_a_restart(void **state)
{
	(void)state;
	assert_int_equal(vif_move(vifs_find(fake_host.vifs, 7, 0), VIF_MOVE_SOFTWARE), 0);
	start_again();
	fake_host.vf_free = 1;
	for (int i = 0; i < 20; i++) {
		fake_host.now_us += 1000000;
		host_settle();
	}
	assert_string_equal(host_back_key(7, "path"), "software");
	assert_int_equal(vif_move(vifs_find(fake_host.vifs, 7, 0), VIF_MOVE_NONE), 0);
	start_again();
	fake_host.now_us += 2000000;
	host_settle();
	assert_string_equal(host_back_key(7, "path"), "vf");
}

static int start(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/vif-7.0", dir);
	snprintf(killed, sizeof(killed), "%s/killed", dir);
	return host_start(state);
}

static int finish(void **state)
{
	(void)state;
	return rmdir(dir);
}

#define KEPT(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEPT(multicast_list_survives_a_restart),
		KEPT(without_the_list_all_groups_pass_for_the_life_of_the_connection),
		KEPT(guest_that_reconnects_begins_with_an_empty_list),
		KEPT(guest_that_reconnected_while_no_vifd_ran_begins_with_an_empty_list),
		KEPT(file_of_another_domain_of_the_same_number_is_not_believed),
		KEPT(static_grants_survive_a_restart),
		KEPT(grants_that_the_guest_withdrew_meanwhile_are_left_out),
		KEPT(hashing_survives_a_restart),
		KEPT(answer_that_was_not_given_is_given_once),
		KEPT(answers_that_were_not_published_keep_their_ids),
		KEPT(choice_of_the_admin_survives_a_restart),
	};

	return cmocka_run_group_tests(tests, start, finish);
}
