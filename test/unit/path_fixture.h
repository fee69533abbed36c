/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of backend/path share: a connected guest before, nothing left after. */
#ifndef VIFD_TEST_PATH_FIXTURE_H
#define VIFD_TEST_PATH_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_frame.h"
#include "fake_guest.h"

#define GUEST(test) cmocka_unit_test_setup_teardown(test, fixture_connected, fixture_free)
#define UNCONNECTED(test) cmocka_unit_test_setup_teardown(test, fixture_new, fixture_free)

static inline int fixture_new(void **state)
{
	*state = guest_new(7, 1);
	return 0;
}

static inline int fixture_connected(void **state)
{
	fixture_new(state);
	return guest_connect(*state);
}

/* Every buffer, mapping and channel must be back. */
static inline int fixture_free(void **state)
{
	fake_copy_hook = NULL;
	fake_copy_error = 0;
	fake_give_memory();
	guest_free(*state);
	return fake_all_whole() ? 0 : -1;
}

/* The next tx response is this one. */
#define assert_response(guest, wanted_id, wanted_status)                                           \
	do {                                                                                       \
		struct netif_tx_response rsp_;                                                     \
		assert_true(guest_tx_response(guest, &rsp_));                                      \
		assert_int_equal(rsp_.status, wanted_status);                                      \
		assert_int_equal(rsp_.id, wanted_id);                                              \
	} while (0)

#define assert_no_response(guest)                                                                  \
	do {                                                                                       \
		struct netif_tx_response rsp_;                                                     \
		assert_false(guest_tx_response(guest, &rsp_));                                     \
	} while (0)

/* The port has been given exactly this, as its frame number @which. */
#define assert_sent(guest, which, bytes, wanted_len)                                               \
	do {                                                                                       \
		static uint8_t sent_[NETIF_FRAME_MAX];                                             \
		assert_true((which) < (guest)->port.nr_sent);                                      \
		assert_int_equal(port_sent(&(guest)->port, which, sent_, sizeof(sent_)),           \
				 wanted_len);                                                      \
		assert_memory_equal(sent_, bytes, wanted_len);                                     \
	} while (0)

/* As the control ring's message for static grants does it */
static inline void make_static(struct guest *guest, uint32_t queue, uint32_t ref, bool writable)
{
	struct statics *statics = &guest->path->queues[queue].statics;
	uint32_t limit;
	struct static_page *pages = statics_reserve(statics, ref, &limit);

	assert_non_null(pages);
	free(statics->page);
	statics->page = pages;
	statics->limit = limit;
	pages[ref].at = (uintptr_t)gnt_map(fake_tools.gnt, guest->domid, &ref, 1, writable) |
			(writable ? 0 : STATICS_READONLY);
	statics->nr++;
}

#endif
