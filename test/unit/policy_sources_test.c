/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/policy_fixture.c */
/* Where policy comes from: files, the host, xl, policy/, the admin's commands; what each may say. */
#include <errno.h>
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

#include "backend/policy/files.h"
#include "policy_fixture.h"

static struct vif *vif7(void)
{
	return vifs_find(fake_host.vifs, 7, 0);
}

/* All keys or none, and nothing of it where one is wrong. */
static void admin_sets_several_keys_at_once(void **state)
{
	char error[POLICY_ERROR_MAX];

	(void)state;
	assert_int_equal(vif_set_policy(vif7(), "vlan-filter=10,20-29;mtu=1400;link=on", error), 0);
	host_settle();
	assert_int_equal(count_vlans(policy()->vlans), 11);
	assert_int_equal(host_path(7)->live.mtu, 1400);
	assert_string_equal(host_back_key(7, "policy/link"), "on");

	assert_int_equal(vif_set_policy(vif7(), "mtu=1300;vlan-filter;macs=x", error), -EINVAL);
	assert_string_equal(error,
			    "policy/macs: 'x': expected a unicast address aa:bb:cc:dd:ee:ff");
	assert_int_equal(vif_set_policy(vif7(), "mtu=1300;no-such=1", error), -ENOENT);
	assert_string_equal(error, "policy/no-such: no such rule");
	assert_int_equal(vif_set_policy(vif7(), "mtu=1300;../mac=1", error), -EINVAL);
	assert_int_equal(vif_set_policy(vif7(), "mtu=1300;=1", error), -EINVAL);
	assert_int_equal(vif_set_policy(vif7(), "", error), -EINVAL);
	/* what only the whole daemon can tell is refused before it is written, too */
	assert_int_equal(vif_set_policy(vif7(), "mirror-to=02:00:00:00:00:07", error), -EINVAL);
	assert_null(host_back_key(7, "policy/mirror-to"));
	host_settle();
	assert_null(host_back_key(7, "policy-error"));
	assert_null(host_back_key(7, "policy/macs"));
	assert_null(host_back_key(7, "policy/no-such"));
	assert_string_equal(host_back_key(7, "policy/mtu"), "1400");
	assert_int_equal(count_vlans(policy()->vlans), 11);

	fake_xs_conflicts = 3; /* somebody else writes meanwhile */
	assert_int_equal(vif_set_policy(vif7(), "vlan-filter;mtu;link;macs", error), 0);
	host_settle();
	assert_null(host_back_key(7, "policy/mtu"));
	assert_int_equal(policy()->tx, 0);
	fake_xs_conflicts = 1000;
	assert_int_equal(vif_set_policy(vif7(), "mtu=1300", error), -EAGAIN);
	fake_xs_conflicts = 0;
}

/* A key that is wrong already can be removed, and nothing else be set before. */
static void admin_repairs_what_is_wrong(void **state)
{
	char error[POLICY_ERROR_MAX];

	(void)state;
	rule("policy/vlam", "10");
	assert_int_equal(vif_set_policy(vif7(), "mtu=1300", error), -ENOENT);
	assert_int_equal(vif_set_policy(vif7(), "vlam;mtu=1300", error), 0);
	host_settle();
	assert_null(host_back_key(7, "policy-error"));
	assert_int_equal(host_path(7)->live.mtu, 1300);
}

static char dir[64];

static void file_path(char path[128], const char *name)
{
	snprintf(path, 128, "%s/%s", dir, name);
}

static void put_file(const char *name, const char *text)
{
	char path[128];
	FILE *stream;

	file_path(path, name);
	stream = fopen(path, "w");
	assert_non_null(stream);
	fputs(text, stream);
	fclose(stream);
	vifs_policy_changed(fake_host.vifs);
	host_settle();
}

static void remove_file(const char *name)
{
	char path[128];

	file_path(path, name);
	assert_int_equal(unlink(path), 0);
	vifs_policy_changed(fake_host.vifs);
}

static int setup_files(void **state)
{
	int ret = setup(state);

	strcpy(dir, "/tmp/vifd-policy-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	strcpy(fake_host.config.policy_dir, dir);
	return ret;
}

static int teardown_files(void **state)
{
	return rmdir(dir) ? -1 : teardown(state);
}

/* Host, file, xl, policy directory: who comes later wins, key by key. */
static void sources_win_in_their_order(void **state)
{
	struct config_policy *host = fake_host.config.policy;

	(void)state;
	strcpy(host[0].key, "mtu");
	strcpy(host[0].value, "1000");
	strcpy(host[1].key, "multicast");
	strcpy(host[1].value, "0");
	fake_host.config.nr_policy = 2;
	put_file("a.conf", "");
	assert_int_equal(host_path(7)->live.mtu, 1000);
	put_file("a.conf", "[match]\nmac = 02:00:00:00:00:07\n[policy]\nmtu = 1100\n");
	assert_int_equal(host_path(7)->live.mtu, 1100);
	put_file("b.conf", "[match]\nmac=02:00:00:00:00:07\n[policy]\nmtu=1200 # later\n");
	assert_int_equal(host_path(7)->live.mtu, 1200);
	rule("mtu", "1300");
	assert_int_equal(host_path(7)->live.mtu, 1300);
	put_file("a.conf", "[match]\nmac = 02:00:00:00:00:07\n[override]\nmtu = 1350\n");
	assert_int_equal(host_path(7)->live.mtu, 1350);
	rule("policy/mtu", "1400");
	assert_int_equal(host_path(7)->live.mtu, 1400);
	assert_int_equal(policy()->rx, POLICY_NO_MULTICAST);
	assert_null(host_back_key(7, "policy-error"));
	remove_file("a.conf");
	remove_file("b.conf");
}

static void files_name_vifs_by_mac_name_and_domain(void **state)
{
	static const struct {
		const char *match;
		bool ours;
	} files[] = {
		{ "mac = 02:00:00:00:00:07", true },
		{ "mac = 02:00:00:00:00:08", false },
		{ "vifname = web0", true },
		{ "vifname = WEB0", false },
		{ "uuid = 01234567-89AB-cdef-0123-456789abcdef", true },
		{ "uuid = 01234567-89ab-cdef-0123-456789abcdee", false },
		{ "vifname = web0\nmac = 02:00:00:00:00:07", true },
		{ "vifname = web0\nmac = 02:00:00:00:00:08", false },
	};

	(void)state;
	fake_xs_put(BACK "vifname", "web0");
	fake_xs_put("/local/domain/7/vm", "/vm/01234567-89ab-cdef-0123-456789abcdef");
	for (uint32_t i = 0; i < NR(files); i++) {
		char text[256];

		snprintf(text, sizeof(text), "[match]\n%s\n[policy]\nbroadcast = 0\n",
			 files[i].match);
		put_file("x.conf", text);
		assert_null(host_back_key(7, "policy-error"));
		assert_int_equal(policy()->rx, files[i].ours ? POLICY_NO_BROADCAST : 0);
	}
	put_file("x.conf.old", "nonsense");
	put_file(".x.conf", "nonsense");
	assert_null(host_back_key(7, "policy-error"));
	remove_file("x.conf");
	remove_file("x.conf.old");
	remove_file(".x.conf");
}

/* A guest that calls itself otherwise is matched by nothing of that. */
static void guests_cannot_choose_their_file(void **state)
{
	(void)state;
	put_file("x.conf", "[match]\nvifname = web0\n[policy]\nanti-spoof = 0\n");
	host_front_key(7, "vifname", "web0");
	host_front_key(7, "vm", "web0");
	host_settle();
	assert_true(policy()->anti_spoof);
	remove_file("x.conf");
}

/* As in a driver domain: a rule that may be for this vif is not skipped in silence. */
static void file_by_uuid_is_refused_where_the_uuid_is_unreadable(void **state)
{
	(void)state;
	fake_xs_unreadable = "/local/domain/7/vm";
	put_file("x.conf", "[match]\nmac = 02:00:00:00:00:07\n[policy]\nbroadcast = 0\n");
	assert_null(host_back_key(7, "policy-error"));
	put_file("x.conf", "[match]\nuuid = 01234567-89ab-cdef-0123-456789abcdef\n"
			   "[policy]\nbroadcast = 0\n");
	assert_string_equal(host_back_key(7, "policy-error"),
			    "x.conf:2:1: the domain's uuid cannot be read: Permission denied");
	fake_xs_unreadable = NULL;
	put_file("x.conf", "[match]\nuuid = 01234567-89ab-cdef-0123-456789abcdee\n"
			   "[policy]\nbroadcast = 0\n");
	assert_null(host_back_key(7, "policy-error"));
	remove_file("x.conf");
}

/* Longer than a file can name, so no file can be right or wrong about it. */
static void file_by_vifname_is_refused_where_the_vifname_is_unreadable(void **state)
{
	(void)state;
	put_file("x.conf", "[match]\nvifname = web0\n[policy]\nbroadcast = 0\n");
	assert_null(host_back_key(7, "policy-error"));
	fake_xs_put(BACK "vifname", "%0100d", 0);
	host_settle();
	assert_string_equal(host_back_key(7, "policy-error"),
			    "x.conf:2:1: the vifname cannot be read: Argument list too long");
	fake_xs_put(BACK "vifname", "web0");
	host_settle();
	assert_null(host_back_key(7, "policy-error"));
	assert_int_equal(policy()->rx, POLICY_NO_BROADCAST);
	remove_file("x.conf");
}

static void files_whose_folder_is_missing_are_missed(void **state)
{
	char other[sizeof(dir) + 8], error[160];

	(void)state;
	put_file("x.conf", "[match]\nmac = 02:00:00:00:00:07\n[policy]\nbroadcast = 0\n");
	snprintf(other, sizeof(other), "%s-moved", dir);
	snprintf(error, sizeof(error), "%s: No such file or directory", dir);
	assert_int_equal(rename(dir, other), 0);
	vifs_policy_changed(fake_host.vifs);
	host_settle();
	assert_string_equal(host_back_key(7, "policy-error"), error);
	/* the rules that held hold, and a new vif, which nobody judged, passes nothing */
	assert_int_equal(policy()->rx, POLICY_NO_BROADCAST);
	assert_false(vifs_find(fake_host.vifs, 8, 0));
	host_toolstack(8);
	host_settle();
	assert_string_equal(host_back_key(8, "policy-error"), error);
	assert_false(vifs_find(fake_host.vifs, 8, 0)->policy.valid);
	assert_int_equal(rename(other, dir), 0);
	vifs_policy_changed(fake_host.vifs);
	host_settle();
	assert_null(host_back_key(7, "policy-error"));
	remove_file("x.conf");
}

/* On most hosts nobody has made the folder that is looked in by default. */
static void default_folder_need_not_be_there(void **state)
{
	(void)state;
	if (!access(CONFIG_POLICY_DIR, F_OK))
		print_message("%s exists here, so its absence is not tested\n", CONFIG_POLICY_DIR);
	strcpy(fake_host.config.policy_dir, CONFIG_POLICY_DIR);
	vifs_policy_changed(fake_host.vifs);
	host_settle();
	assert_true(vifs_find(fake_host.vifs, 7, 0)->policy.valid);
	assert_null(host_back_key(7, "policy-error"));
}

static void files_that_are_wrong_are_refused_with_their_line(void **state)
{
	static const struct {
		const char *text, *error;
	} wrong[] = {
		{ "mtu = 1\n", "x.conf:1:1: expected a [section] before it" },
		{ "[policy]\nmtu = 1000\n",
		  "x.conf:1:1: [policy]: expected [match] with mac, vifname or uuid, then [policy] or [override]" },
		{ "[match]\n  [policy]\n",
		  "x.conf:2:3: [policy]: expected [match] with mac, vifname or uuid, then [policy] or [override]" },
		{ "[match]\nmac=02:00:00:00:00:07\n[match]\n",
		  "x.conf:3:1: [match]: expected [match] with mac, vifname or uuid, then [policy] or [override]" },
		{ "[match]\nname = x\n", "x.conf:2:1: name: expected mac, vifname or uuid" },
		{ "[match]\nvifname =\n", "x.conf:2:10: vifname: expected a name" },
		{ "[match]\nmac = 02-00-00-00-00-07\n",
		  "x.conf:2:7: mac: expected a complete address or UUID" },
		{ "[match]\nuuid = 01234567-89ab-cdef-0123-456789abcdefa\n",
		  "x.conf:2:8: uuid: expected a complete address or UUID" },
		{ "[match]\nmac = 02:00:00:00:00:07\n[policy]\n\nvlan-filter = 1-\n",
		  "x.conf:5:15: vlan-filter: '1-': expected a range FIRST-LAST of VLANs 1..4094" },
		{ "[match]\nmac = 02:00:00:00:00:07\n[policy]\n\tmtu 1000\n",
		  "x.conf:4:2: expected 'key = value' or '[section]'" },
		{ "[match]\nmac = 02:00:00:00:00:07\n[policy]\n MTU = 1000\n",
		  "x.conf:4:2: MTU: no such rule" },
		{ "[match]\nmac = 02:00:00:00:00:07\n[policy]\nmtu=1000\nmtu=1000\n",
		  "x.conf:5:1: mtu: is given twice" },
	};

	(void)state;
	rule("policy/vlan-filter", "10");
	for (uint32_t i = 0; i < NR(wrong); i++) {
		put_file("x.conf", wrong[i].text);
		assert_string_equal(host_back_key(7, "policy-error"), wrong[i].error);
		assert_int_equal(count_vlans(policy()->vlans), 1);
	}
	remove_file("x.conf");
	fake_host.now_us += 2000000;
	host_settle();
	assert_null(host_back_key(7, "policy-error"));
}

/* Nor is what it would have said taken for nothing. */
static void files_that_cannot_be_read_are_refused(void **state)
{
	char path[128];

	(void)state;
	rule("policy/vlan-filter", "10");
	file_path(path, "x.conf");
	assert_int_equal(mkdir(path, 0700), 0);
	vifs_policy_changed(fake_host.vifs);
	host_settle();
	assert_string_equal(host_back_key(7, "policy-error"), "x.conf: Is a directory");
	assert_int_equal(count_vlans(policy()->vlans), 1);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(symlink("nowhere", path), 0);
	vifs_policy_changed(fake_host.vifs);
	host_settle();
	assert_string_equal(host_back_key(7, "policy-error"), "x.conf: No such file or directory");
	assert_int_equal(count_vlans(policy()->vlans), 1);
	remove_file("x.conf");
	vifs_policy_changed(fake_host.vifs);
	host_settle();
	assert_null(host_back_key(7, "policy-error"));
}

static const char *source_of(const struct policy_trace *trace, const char *key, const char **value)
{
	uint32_t n = 0;

	while (strcmp(policy_key(n)->name, key) != 0)
		n++;
	*value = trace->of[n].value;
	return trace->of[n].source;
}

static void each_value_has_a_source(void **state)
{
	static struct policy_trace trace;
	char error[POLICY_ERROR_MAX];
	const char *value;

	(void)state;
	fake_host.config.policy[0] =
		(struct config_policy){ .key = "multicast", .value = "0", .line = 12 };
	strcpy(fake_host.config.file, "vifd.conf");
	fake_host.config.nr_policy = 1;
	put_file("a.conf", "[match]\nmac = 02:00:00:00:00:07\n[policy]\nmtu = 1100\nip=10.0.0.1\n");
	rule("ip", "10.0.0.2");
	rule("rate", "1000,1000");
	rule("policy/rate", "2000,1000");
	assert_int_equal(vif_explain_policy(vif7(), &trace, error), 0);
	assert_string_equal(source_of(&trace, "multicast", &value), "vifd.conf:12 [policy]");
	assert_string_equal(value, "0");
	assert_string_equal(source_of(&trace, "mtu", &value), "a.conf:4");
	assert_string_equal(value, "1100");
	assert_string_equal(source_of(&trace, "ip", &value), "xl");
	assert_string_equal(value, "10.0.0.2");
	assert_string_equal(source_of(&trace, "rate", &value), "policy/");
	assert_string_equal(value, "2000,1000");
	assert_string_equal(source_of(&trace, "broadcast", &value), "");
	rule("policy/mtu", "1");
	assert_int_equal(vif_explain_policy(vif7(), &trace, error), -EINVAL);
	assert_string_equal(error, "policy/mtu: '1': expected 68..9000");
	remove_file("a.conf");
}

/* Whomever it names, and all that is wrong at once. */
static void files_can_be_checked_without_a_vif(void **state)
{
	static const struct {
		const char *text;
		int ret;
	} files[] = {
		{ "[match]\nvifname = x\n[policy]\nmtu = 1000\n", 0 },
		{ "[match]\nvifname = x\n[policy]\n", 0 },
		{ "[match]\nvifname = x\n[policy]\nmtu = 10\n", -EINVAL },
		{ "[match]\nvifname = x\n", -EINVAL },
		{ "", -EINVAL },
		{ "[match]\n[policy]\nmtu = 1000\n", -EINVAL },
	};

	(void)state;
	for (uint32_t i = 0; i < NR(files); i++) {
		char text[128];
		FILE *stream;

		snprintf(text, sizeof(text), "%s#\n", files[i].text);
		stream = fmemopen(text, strlen(text), "r");
		assert_int_equal(policy_check_file(stream, "x.conf"), files[i].ret);
		fclose(stream);
	}
}

/* By vifd -t: a slip of the pen is found before a vif is refused its policy for it. */
static void all_files_of_the_folder_are_checked(void **state)
{
	(void)state;
	assert_int_equal(policy_check_files("/nowhere"), 0);
	put_file("a.conf", "[match]\nvifname = a\n[policy]\nmtu = 1400\n");
	put_file("b.conf", "[match]\nvifname = b\n[policy]\nmtu = 1400\n");
	put_file("c.conf.old", "nonsense\n");
	assert_int_equal(policy_check_files(dir), 0);
	put_file("a.conf", "[match]\nvifname = a\n[policy]\nmtv = 1400\n");
	assert_int_equal(policy_check_files(dir), -EINVAL);
	remove_file("a.conf");
	remove_file("b.conf");
	remove_file("c.conf.old");
}

static void daemon_has_a_section_for_all(void **state)
{
	static struct config config;
	char path[128], error[POLICY_ERROR_MAX];
	struct policy_draft draft;

	(void)state;
	put_file("vifd.conf.in", "[nic a]\npf = e0\n[policy]\nbroadcast = 0\nvlan-filter = 1,9-\n");
	file_path(path, "vifd.conf.in");
	assert_int_equal(config_load(&config, path), 0);
	assert_int_equal(config.nr_policy, 2);
	policy_init(&draft);
	assert_int_equal(policy_set_defaults(&draft, &config, error), -EINVAL);
	assert_string_equal(error, "vifd.conf.in:5:15: [policy] vlan-filter: '1,9-': expected a "
				   "range FIRST-LAST of VLANs 1..4094");
	assert_false(draft.broadcast);
	remove_file("vifd.conf.in");
}

#define FILES(test) cmocka_unit_test_setup_teardown(test, setup_files, teardown_files)
#define VIF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VIF(admin_sets_several_keys_at_once),
		VIF(admin_repairs_what_is_wrong),
		FILES(sources_win_in_their_order),
		FILES(files_name_vifs_by_mac_name_and_domain),
		FILES(guests_cannot_choose_their_file),
		FILES(file_by_uuid_is_refused_where_the_uuid_is_unreadable),
		FILES(file_by_vifname_is_refused_where_the_vifname_is_unreadable),
		FILES(files_whose_folder_is_missing_are_missed),
		VIF(default_folder_need_not_be_there),
		FILES(files_that_are_wrong_are_refused_with_their_line),
		FILES(files_that_cannot_be_read_are_refused),
		cmocka_unit_test(files_can_be_checked_without_a_vif),
		FILES(each_value_has_a_source),
		FILES(all_files_of_the_folder_are_checked),
		FILES(daemon_has_a_section_for_all),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
