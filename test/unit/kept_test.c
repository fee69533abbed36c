/* SPDX-License-Identifier: BSD-3-Clause */
/* links: vif/kept.c log.c */
/* Files of connections: which of them are believed. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/log.h"
#include "backend/vif/kept.h"

static char dir[] = "/tmp/vifd-kept.XXXXXX";
static char path[64];
static const uint8_t group[6] = { 0x33, 0x33, 0xff, 1, 2, 3 };
static struct kept_life life;

static int fresh(void **state)
{
	(void)state;
	unlink(path);
	memset(&life, 0, sizeof(life));
	life.domid = 7;
	life.mac = (struct rte_ether_addr){ { 2, 0, 0, 0, 0, 7 } };
	snprintf(life.uuid, sizeof(life.uuid), "01234567-89ab-cdef-0123-456789abcdef");
	life.ctrl_ref = 20;
	life.ctrl_port = 5;
	life.nr_queues = 1;
	life.queues[0] = (struct queue_config){ 8, 9, 10, 11 };
	return 0;
}

/* A vifd is killed; what it had mapped is gone with it, the file is not. */
static void leave(struct kept *kept)
{
	kept_close(kept, true);
}

static void put_ctrl(struct kept *kept, uint32_t rsp_prod, uint32_t page)
{
	struct kept_ctrl *ctrl = kept_ctrl_begin(kept);

	memset(ctrl, 0, sizeof(*ctrl));
	ctrl->rsp_prod = rsp_prod;
	ctrl->nr_pages[0] = 1;
	ctrl->pages[0] = page;
	kept_ctrl_commit(kept);
}

static void write_one(void)
{
	struct kept *kept = kept_open(dir, &life, false);

	assert_non_null(kept);
	assert_true(group_list_add(kept_mcast(kept), group));
	assert_true(group_list_add(kept_learnt(kept), group));
	kept_set_pin(kept, KEPT_PIN_SOFTWARE);
	put_ctrl(kept, 3, 100);
	leave(kept);
}

/* Is the file believed? If not, the rings were served by somebody who left nothing: everything passes. */
static bool is_believed(void)
{
	struct kept *kept = kept_open(dir, &life, true);
	bool known = !kept_is_partial(kept);

	assert_int_equal(group_list_nr(kept_mcast(kept)), known);
	assert_int_equal(group_list_nr(kept_learnt(kept)), known);
	assert_int_equal(kept_pin(kept), known ? KEPT_PIN_SOFTWARE : KEPT_PIN_NONE);
	if (!known)
		assert_null(kept_ctrl(kept));
	leave(kept);
	return known;
}

static void next_vifd_knows_all_of_it(void **state)
{
	struct kept *kept;

	(void)state;
	write_one();
	assert_true(is_believed());
	kept = kept_open(dir, &life, true);
	assert_int_equal(group_list_find(kept_mcast(kept), 1, group_pack(group)), 0);
	assert_non_null(kept_ctrl(kept));
	assert_int_equal(kept_ctrl(kept)->rsp_prod, 3);
	assert_int_equal(kept_ctrl(kept)->pages[0], 100);
	leave(kept);
}

static void end_of_the_connection_removes_the_file(void **state)
{
	(void)state;
	write_one();
	kept_close(kept_open(dir, &life, true), false);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void new_rings_are_a_new_connection(void **state)
{
	struct kept *kept;

	(void)state;
	write_one();
	kept = kept_open(dir, &life, false);
	assert_false(kept_is_partial(kept));
	assert_int_equal(group_list_nr(kept_mcast(kept)), 0);
	assert_null(kept_ctrl(kept));
	leave(kept);
}

static void rings_that_nobody_tells_of_are_known_to_be_so_by_every_later_vifd(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_false(is_believed());
}

/* The same domid for another domain, another card, other rings or channels: each alone is another life. */
static void file_of_another_life_is_not_believed(void **state)
{
	uint8_t *bytes = (uint8_t *)&life;
	const size_t at[] = {
		offsetof(struct kept_life, mac) + 5,	offsetof(struct kept_life, uuid) + 20,
		offsetof(struct kept_life, ctrl_ref),	offsetof(struct kept_life, ctrl_port),
		offsetof(struct kept_life, queues),	offsetof(struct kept_life, queues) + 4,
		offsetof(struct kept_life, queues) + 8, offsetof(struct kept_life, queues) + 12
	};

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		fresh(state);
		write_one();
		bytes[at[i]] ^= 1;
		assert_false(is_believed());
	}
	fresh(state);
	write_one();
	life.nr_queues = 2;
	assert_false(is_believed());
}

static void change_byte(off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/*
 * Whatever byte is damaged: what the file says of groups is right, or everything passes; and what
 * the guest set by the control ring is right, or is not there.
 */
static void damaged_file_is_never_half_believed(void **state)
{
	struct stat stats;
	uint32_t refused = 0;

	write_one();
	assert_int_equal(stat(path, &stats), 0);
	for (off_t at = 0; at < stats.st_size; at += at < 2048 ? 1 : 97) {
		struct kept *kept;

		fresh(state);
		write_one();
		change_byte(at);
		kept = kept_open(dir, &life, true);
		if (kept_is_partial(kept)) {
			refused++;
		} else {
			assert_in_range(group_list_nr(kept_mcast(kept)), 0, 1);
			assert_true(group_list_is_whole(kept_mcast(kept)));
			assert_true(group_list_is_whole(kept_learnt(kept)));
			if (kept_ctrl(kept)) {
				assert_int_equal(kept_ctrl(kept)->rsp_prod, 3);
				assert_int_equal(kept_ctrl(kept)->pages[0], 100);
			}
		}
		leave(kept);
	}
	assert_true(refused > sizeof(life));
}

static void file_of_another_length_or_version_is_not_believed(void **state)
{
	const off_t lengths[] = { 0, 1, 100, 5000, 1000000 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		fresh(state);
		write_one();
		assert_int_equal(truncate(path, lengths[i]), 0);
		assert_false(is_believed());
	}
	fresh(state);
	write_one();
	change_byte(4);
	assert_false(is_believed());
}

/* Killed while it writes: the former state holds until the last store. */
static void kill_in_the_middle_leaves_the_former_state(void **state)
{
	struct kept *kept;
	struct kept_ctrl *next;

	(void)state;
	write_one();
	kept = kept_open(dir, &life, true);
	for (uint32_t i = 0; i < 5; i++) {
		next = kept_ctrl_begin(kept);
		memset(next, 0xff, sizeof(*next));
		leave(kept);
		kept = kept_open(dir, &life, true);
		assert_int_equal(kept_ctrl(kept)->rsp_prod, 3 + i);
		put_ctrl(kept, 4 + i, 101 + i);
		assert_int_equal(kept_ctrl(kept)->pages[0], 101 + i);
	}
	leave(kept);
}

/* The last entry was copied over the one that goes, and is there twice. */
static void kill_while_a_group_is_removed_leaves_no_ghost(void **state)
{
	static const uint8_t other[6] = { 1, 0, 0x5e, 1, 2, 3 };
	struct group_list list = { 0 };

	(void)state;
	group_list_add(&list, group);
	group_list_add(&list, other);
	list.entry[0] = list.entry[1];
	assert_true(group_list_is_whole(&list));
	group_list_del(&list, other);
	assert_int_equal(group_list_nr(&list), 0);
}

static void folder_that_cannot_be_written_stops_nobody(void **state)
{
	struct kept *kept = kept_open("/nowhere", &life, false);

	(void)state;
	assert_non_null(kept);
	assert_true(group_list_add(kept_mcast(kept), group));
	put_ctrl(kept, 1, 1);
	assert_non_null(kept_ctrl(kept));
	kept_close(kept, true);
	kept_close(NULL, true);
}

static bool only_7(void *arg, uint32_t domid, uint32_t handle)
{
	(void)arg;
	return domid == 7 && handle == 0;
}

static void files_of_vifs_that_are_gone_are_removed(void **state)
{
	static const char *const others[] = { "vif-8.0", "vif-7.1", "vif-7.00", "vf-0000:01:10.0",
					      "other" };
	char name[128];

	(void)state;
	write_one();
	for (size_t i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "%s/%s", dir, others[i]);
		close(open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
	kept_sweep(dir, only_7, NULL);
	kept_sweep("/nowhere", only_7, NULL);
	assert_int_equal(access(path, F_OK), 0);
	for (size_t i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "%s/%s", dir, others[i]);
		assert_int_equal(unlink(name), i < 2 ? -1 : 0);
	}
}

static int start(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(path, sizeof(path), "%s/vif-7.0", dir);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

#define fact(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(next_vifd_knows_all_of_it),
		fact(end_of_the_connection_removes_the_file),
		fact(new_rings_are_a_new_connection),
		fact(rings_that_nobody_tells_of_are_known_to_be_so_by_every_later_vifd),
		fact(file_of_another_life_is_not_believed),
		fact(damaged_file_is_never_half_believed),
		fact(file_of_another_length_or_version_is_not_believed),
		fact(kill_in_the_middle_leaves_the_former_state),
		fact(kill_while_a_group_is_removed_leaves_no_ghost),
		fact(folder_that_cannot_be_written_stops_nobody),
		fact(files_of_vifs_that_are_gone_are_removed),
	};

	return cmocka_run_group_tests(tests, start, finish);
}
