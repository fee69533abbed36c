// SPDX-License-Identifier: BSD-3-Clause
/* xenstored-sim, asked by the real libxenstore as dom0 and as a guest */
#include "bed.h"

#include <errno.h>
#include <poll.h>
#include <xenstore.h>

static struct xs_handle *dom0, *guest, *other;

static bool put(struct xs_handle *xs, xs_transaction_t t, const char *path, const char *value)
{
	return xs_write(xs, t, path, value, (unsigned int)strlen(value));
}

static void assert_value(struct xs_handle *xs, const char *path, const char *want)
{
	unsigned int len;
	char *got = xs_read(xs, XBT_NULL, path, &len);

	if (!want) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_string_equal(got, want);
	free(got);
}

static void perms_set(const char *path, uint32_t owner, unsigned int rest, uint32_t id,
		      unsigned int access)
{
	struct xs_permissions p[2] = { { .id = owner, .perms = rest },
				       { .id = id, .perms = access } };

	assert_true(xs_set_permissions(dom0, XBT_NULL, path, p, 2));
}

static void written_values_are_read(void **state)
{
	unsigned int nr;
	char **names;

	(void)state;
	assert_true(put(dom0, XBT_NULL, "/t/a/b", "1"));
	assert_value(dom0, "/t/a/b", "1");
	assert_value(dom0, "/t/a", "");
	assert_value(dom0, "/t/none", NULL);
	assert_int_equal(errno, ENOENT);
	assert_true(xs_mkdir(dom0, XBT_NULL, "/t/c"));
	names = xs_directory(dom0, XBT_NULL, "/t", &nr);
	assert_int_equal(nr, 2);
	assert_string_equal(names[0], "a");
	assert_string_equal(names[1], "c");
	free(names);
	assert_true(xs_rm(dom0, XBT_NULL, "/t/a"));
	assert_value(dom0, "/t/a/b", NULL);
	assert_false(put(dom0, XBT_NULL, "/t//x", "1"));
	assert_int_equal(errno, EINVAL);
	assert_false(put(dom0, XBT_NULL, "/t/x y", "1"));
}

static void long_directory_comes_in_parts(void **state)
{
	char path[64];
	unsigned int nr;
	char **names;

	(void)state;
	for (int i = 0; i < 600; i++) {
		snprintf(path, sizeof(path), "/long/a-child-with-a-name-%d", i);
		assert_true(put(dom0, XBT_NULL, path, ""));
	}
	names = xs_directory(dom0, XBT_NULL, "/long", &nr);
	assert_non_null(names);
	assert_int_equal(nr, 600);
	assert_string_equal(names[599], "a-child-with-a-name-599");
	free(names);
	xs_rm(dom0, XBT_NULL, "/long");
}

static void transaction_is_seen_whole_or_not(void **state)
{
	xs_transaction_t t = xs_transaction_start(dom0);

	(void)state;
	assert_true(put(dom0, t, "/tx/a", "1"));
	assert_true(put(dom0, t, "/tx/b", "2"));
	assert_value(other, "/tx/a", NULL);
	assert_true(xs_transaction_end(dom0, t, false));
	assert_value(other, "/tx/a", "1");
	t = xs_transaction_start(dom0);
	assert_true(xs_rm(dom0, t, "/tx"));
	assert_true(xs_transaction_end(dom0, t, true));
	assert_value(other, "/tx/b", "2");
}

static void transaction_conflict_is_eagain(void **state)
{
	xs_transaction_t t = xs_transaction_start(dom0);
	unsigned int len;

	(void)state;
	put(other, XBT_NULL, "/cf/a", "1");
	free(xs_read(dom0, t, "/cf/a", &len));
	assert_true(put(dom0, t, "/cf/b", "mine"));
	assert_true(put(other, XBT_NULL, "/cf/a", "2"));
	assert_false(xs_transaction_end(dom0, t, false));
	assert_int_equal(errno, EAGAIN);
	assert_value(dom0, "/cf/b", NULL);
	/* Other nodes of the same folder don't matter, unless the folder was read */
	t = xs_transaction_start(dom0);
	free(xs_read(dom0, t, "/cf/a", &len));
	assert_true(put(other, XBT_NULL, "/elsewhere", "x"));
	assert_true(put(dom0, t, "/cf/a", "3"));
	assert_true(xs_transaction_end(dom0, t, false));
	t = xs_transaction_start(dom0);
	free(xs_directory(dom0, t, "/cf", &len));
	assert_true(put(other, XBT_NULL, "/cf/new", "x"));
	assert_false(xs_transaction_end(dom0, t, false));
	assert_int_equal(errno, EAGAIN);
	assert_false(xs_transaction_end(dom0, 77, false));
	assert_int_equal(errno, ENOENT);
}

static void permissions_are_enforced(void **state)
{
	struct xs_permissions *got, give[1] = { { .id = 3, .perms = XS_PERM_READ } };
	unsigned int nr;

	(void)state;
	put(dom0, XBT_NULL, "/p/secret", "1");
	assert_value(guest, "/p/secret", NULL);
	assert_int_equal(errno, EACCES);
	assert_value(guest, "/p/nothing", NULL);
	assert_int_equal(errno, EACCES); /* may not even learn that it does not exist */
	perms_set("/p/secret", 0, XS_PERM_NONE, 3, XS_PERM_READ);
	assert_value(guest, "/p/secret", "1");
	assert_false(put(guest, XBT_NULL, "/p/secret", "2"));
	assert_int_equal(errno, EACCES);
	perms_set("/p/secret", 3, XS_PERM_NONE, 0, XS_PERM_READ);
	assert_true(put(guest, XBT_NULL, "/p/secret", "2"));
	assert_false(xs_rm(guest, XBT_NULL, "/p"));
	got = xs_get_permissions(dom0, XBT_NULL, "/p/secret", &nr);
	assert_int_equal(nr, 2);
	assert_int_equal(got[0].id, 3);
	assert_int_equal(got[1].perms, XS_PERM_READ);
	free(got);
	assert_false(xs_set_permissions(guest, XBT_NULL, "/p", give, 1));
	/* A guest owns the nodes that it makes, and may not give them away */
	assert_true(put(guest, XBT_NULL, "data/x", "1"));
	got = xs_get_permissions(dom0, XBT_NULL, "/local/domain/3/data/x", &nr);
	assert_int_equal(got[0].id, 3);
	free(got);
	give[0].id = 4;
	assert_false(xs_set_permissions(guest, XBT_NULL, "data/x", give, 1));
	assert_int_equal(errno, EPERM);
	assert_false(xs_introduce_domain(guest, 9, 1, 1));
}

static void expect_event(struct xs_handle *xs, const char *path, const char *token)
{
	struct pollfd pfd = { .fd = xs_fileno(xs), .events = POLLIN };
	char **event;

	assert_int_equal(poll(&pfd, 1, 2000), 1);
	event = xs_check_watch(xs);
	assert_non_null(event);
	assert_string_equal(event[XS_WATCH_PATH], path);
	assert_string_equal(event[XS_WATCH_TOKEN], token);
	free(event);
}

static void expect_quiet(struct xs_handle *xs)
{
	struct pollfd pfd = { .fd = xs_fileno(xs), .events = POLLIN };

	assert_int_equal(poll(&pfd, 1, 50), 0);
	assert_null(xs_check_watch(xs));
}

static void watches_tell_of_changes(void **state)
{
	xs_transaction_t t;

	(void)state;
	put(dom0, XBT_NULL, "/w/a/b", "1");
	assert_true(xs_watch(dom0, "/w/a", "tok"));
	expect_event(dom0, "/w/a", "tok");
	assert_false(xs_watch(dom0, "/w/a", "tok"));
	assert_int_equal(errno, EEXIST);
	put(other, XBT_NULL, "/w/a/b", "2");
	expect_event(dom0, "/w/a/b", "tok");
	put(other, XBT_NULL, "/w/c", "2");
	expect_quiet(dom0);
	t = xs_transaction_start(other);
	put(other, t, "/w/a/b", "3");
	expect_quiet(dom0);
	assert_true(xs_transaction_end(other, t, false));
	expect_event(dom0, "/w/a/b", "tok");
	assert_true(xs_watch(dom0, "/w/a/b", "deep"));
	expect_event(dom0, "/w/a/b", "deep");
	assert_true(xs_rm(other, XBT_NULL, "/w"));
	expect_event(dom0, "/w/a/b", "deep");
	expect_event(dom0, "/w/a", "tok");
	assert_true(xs_unwatch(dom0, "/w/a", "tok"));
	assert_true(xs_unwatch(dom0, "/w/a/b", "deep"));
	assert_false(xs_unwatch(dom0, "/w/a", "tok"));
	put(other, XBT_NULL, "/w/a/b", "1");
	expect_quiet(dom0);
}

static void guest_watches_are_relative_and_permitted(void **state)
{
	(void)state;
	assert_true(xs_watch(guest, "device", "tok"));
	expect_event(guest, "device", "tok");
	put(dom0, XBT_NULL, "/local/domain/3/device/vif/0/state", "1");
	expect_event(guest, "device/vif/0/state", "tok");
	/* A watch may be set anywhere; nodes that may not be read cause no event */
	assert_true(xs_watch(guest, "/hidden", "h"));
	expect_event(guest, "/hidden", "h");
	put(dom0, XBT_NULL, "/hidden", "1");
	expect_quiet(guest);
	assert_false(xs_watch(guest, "@introduceDomain", "i"));
	assert_int_equal(errno, EACCES);
	xs_unwatch(guest, "device", "tok");
	xs_unwatch(guest, "/hidden", "h");
}

static void domains_come_and_go(void **state)
{
	char *path = xs_get_domain_path(dom0, 7);
	struct xs_handle *xs;

	(void)state;
	assert_string_equal(path, "/local/domain/7");
	free(path);
	assert_true(xs_watch(dom0, "@introduceDomain", "in"));
	assert_true(xs_watch(dom0, "@releaseDomain", "out"));
	expect_event(dom0, "@introduceDomain", "in");
	expect_event(dom0, "@releaseDomain", "out");
	assert_false(xs_is_domain_introduced(dom0, 7));
	assert_true(xs_introduce_domain(dom0, 7, 1, 1));
	expect_event(dom0, "@introduceDomain", "in");
	assert_true(xs_is_domain_introduced(dom0, 7));
	bed_store_as(7);
	xs = xs_open(0);
	assert_non_null(xs);
	assert_true(xs_release_domain(dom0, 7));
	expect_event(dom0, "@releaseDomain", "out");
	assert_false(put(xs, XBT_NULL, "x", "1")); /* its connection is gone */
	xs_close(xs);
	assert_null(xs_open(0));
	bed_store_as(0);
	xs_unwatch(dom0, "@introduceDomain", "in");
	xs_unwatch(dom0, "@releaseDomain", "out");
}

static void quota_bound_a_guest_only(void **state)
{
	char path[64], big[2100];
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "data/q%d", i);
		if (!put(guest, XBT_NULL, path, "1"))
			break;
	}
	assert_int_equal(errno, ENOSPC);
	assert_in_range(i, 20, 50);
	assert_true(xs_rm(guest, XBT_NULL, "data/q0"));
	assert_true(put(guest, XBT_NULL, "data/again", "1"));
	memset(big, 'x', sizeof(big));
	assert_false(xs_write(guest, XBT_NULL, "data/again", big, sizeof(big)));
	assert_int_equal(errno, ENOSPC);
	assert_true(xs_write(dom0, XBT_NULL, "/big", big, sizeof(big)));
	for (i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "t%d", i);
		if (!xs_watch(guest, "data", path))
			break;
	}
	assert_int_equal(errno, E2BIG);
	assert_int_equal(i, 8);
	for (i = 0; i < 10 && xs_transaction_start(guest); i++)
		;
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(i, 3);
}

static int setup(void **state)
{
	struct xs_permissions p = { .id = 3, .perms = XS_PERM_NONE };

	if (bed_start(state))
		return -1;
	dom0 = xs_open(0);
	other = xs_open(0);
	if (!dom0 || !other || !xs_introduce_domain(dom0, 3, 1, 1) ||
	    !xs_mkdir(dom0, XBT_NULL, "/local/domain/3/data") ||
	    !xs_mkdir(dom0, XBT_NULL, "/local/domain/3/device"))
		return -1;
	if (!xs_set_permissions(dom0, XBT_NULL, "/local/domain/3/data", &p, 1) ||
	    !xs_set_permissions(dom0, XBT_NULL, "/local/domain/3/device", &p, 1))
		return -1;
	bed_store_as(3);
	guest = xs_open(0);
	bed_store_as(0);
	return guest ? 0 : -1;
}

static int teardown(void **state)
{
	xs_close(dom0);
	xs_close(guest);
	xs_close(other);
	return bed_stop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_values_are_read),
		cmocka_unit_test(long_directory_comes_in_parts),
		cmocka_unit_test(transaction_is_seen_whole_or_not),
		cmocka_unit_test(transaction_conflict_is_eagain),
		cmocka_unit_test(permissions_are_enforced),
		cmocka_unit_test(watches_tell_of_changes),
		cmocka_unit_test(guest_watches_are_relative_and_permitted),
		cmocka_unit_test(domains_come_and_go),
		cmocka_unit_test(quota_bound_a_guest_only),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
