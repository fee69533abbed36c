/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/policy_fixture.c */
/* wraps: open ioctl mmap */
/*
 * A vif's netdev, with a device in place of the module's: its netdevs are below, what is asked of
 * them is sent to vifd by a socket, and the frames that vifd shows come back by it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/representor.h"
#include "policy_fixture.h"

#define NETDEVS 4u

/*
 * @there: is the module loaded, @ours: its end of the socket, @vifds: vifd's, -1 = not open
 * @taken: a name that another netdev has
 */
static struct {
	bool there;
	int ours, vifds;
	unsigned int opens, creates, ups;
	const char *taken;
	struct rep_setup setup;
	struct {
		struct rep_create is;
		struct rep_page *page;
		bool there, carrier;
	} netdev[NETDEVS];
	struct rep_filter filter;
} device;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long command, ...);
int __wrap_ioctl(int fd, unsigned long command, ...);
void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);

int __wrap_open(const char *path, int flags, ...)
{
	int pair[2];
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (strcmp(path, REP_DEVICE) != 0)
		return __real_open(path, flags, mode);
	device.opens++;
	errno = ENOENT;
	if (!device.there)
		return -1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	device.vifds = pair[0];
	device.ours = pair[1];
	return pair[0];
}

static int create(struct rep_create *is)
{
	device.creates++;
	errno = EEXIST;
	if (device.taken && !strcmp(is->name, device.taken))
		return -1;
	for (is->slot = 0; device.netdev[is->slot].there; is->slot++)
		assert_true(is->slot + 1 < NETDEVS);
	device.netdev[is->slot].is = *is;
	device.netdev[is->slot].there = true;
	device.netdev[is->slot].carrier = false;
	return 0;
}

static int set(const struct rep_state *state)
{
	assert_true(state->slot < NETDEVS && device.netdev[state->slot].there);
	device.ups += state->what & REP_UP;
	if (state->what & REP_UP)
		device.netdev[state->slot].is.up = state->up;
	if (state->what & REP_MTU)
		device.netdev[state->slot].is.mtu = state->mtu;
	if (state->what & REP_CARRIER)
		device.netdev[state->slot].carrier = state->carrier;
	return 0;
}

int __wrap_ioctl(int fd, unsigned long command, ...)
{
	va_list args;
	void *arg;

	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	if (fd != device.vifds)
		return __real_ioctl(fd, command, arg);
	switch (command) {
	case REP_SETUP:
		device.setup = *(struct rep_setup *)arg;
		return 0;
	case REP_CREATE:
		return create(arg);
	case REP_STATE:
		return set(arg);
	case REP_FILTER:
		memcpy(&((struct rep_filter *)arg)->len, &device.filter.len,
		       sizeof(device.filter) - offsetof(struct rep_filter, len));
		return 0;
	case REP_DESTROY:
		device.netdev[*(uint32_t *)arg].there = false;
		return 0;
	default:
		fail_msg("no such command: %lx", command);
		return -1;
	}
}

void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	if (fd < 0 || fd != device.vifds)
		return __real_mmap(at, len, prot, flags, fd, offset);
	at = __real_mmap(NULL, len, prot, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	device.netdev[offset / REP_PAGE_BYTES].page = at;
	return at;
}

/* A turn of the control thread that is @ms later */
static void later(uint32_t ms)
{
	fake_host.now_us += ms * UINT64_C(1000);
	host_settle();
}

static void ask(const struct rep_request *request)
{
	assert_int_equal(send(device.ours, request, sizeof(*request), 0), sizeof(*request));
	later(1);
}

static int start(void **state)
{
	memset(&device, 0, sizeof(device));
	device.ours = device.vifds = -1;
	device.there = true;
	if (setup(state))
		return -1;
	fake_host.config.representor = CONFIG_REPRESENTOR_ON;
	later(1);
	return 0;
}

static int end(void **state)
{
	int ret = teardown(state);

	for (uint32_t i = 0; i < NETDEVS; i++)
		assert_false(device.netdev[i].there);
	if (device.ours >= 0)
		close(device.ours);
	return ret;
}

/* Guest 7 sends from its own address. */
#define FRAME                                                                                      \
	"\x02\0\0\0\0\x02\x02\0\0\0\0\x07\x88\xb5that is long enough for a frame of sixty bytes, so"

static void guest_sends(uint32_t frames)
{
	for (uint32_t i = 0; i < frames; i++) {
		guest_send(guest, FRAME, sizeof(FRAME), 1, 0, NULL);
		host_poll();
	}
}

static void count_received(enum path_counter which, uint64_t nr)
{
	path_count(&host_path(7)->queues[0].counters, which, nr);
}

static void connect_again(void)
{
	host_front_state(7, 6);
	later(3000);
	assert_null(host_path(7));
	assert_false(device.netdev[0].carrier);
	guest_free(guest);
	guest = guest_new(7, 1);
	host_front_state(7, 1);
	later(3000);
	host_front_end(guest);
	host_front_state(7, 4);
	later(3000);
	assert_non_null(host_path(7));
}

static void netdev_is_the_vifs(void **state)
{
	const struct rep_create *is = &device.netdev[0].is;

	(void)state;
	assert_true(device.netdev[0].there && device.netdev[0].carrier);
	assert_string_equal(is->name, "vif7.0");
	assert_memory_equal(is->mac, "\x02\0\0\0\0\x07", 6);
	assert_int_equal(is->mtu, 1500);
	assert_true(is->up);
	assert_int_equal(device.setup.nr_counters, COUNTERS);
	assert_string_equal(device.netdev[0].page->where, "software");
	assert_int_equal(device.netdev[0].page->queues, 1);
}

static void netdev_receives_what_the_guest_sends(void **state)
{
	const struct rep_page *page = device.netdev[0].page;

	(void)state;
	guest_sends(3);
	count_received(COUNT_rx_packets, 5);
	count_received(COUNT_rx_bytes, 500);
	path_count_drop(&host_path(7)->queues[0].counters, COUNT_tx_drop_vlan, 100);
	count_received(COUNT_rx_drop_stale, 2);
	later(250);
	assert_int_equal(page->rx_packets, 3);
	assert_int_equal(page->rx_bytes, 3 * sizeof(FRAME));
	assert_int_equal(page->rx_dropped, 1);
	assert_int_equal(page->tx_packets, 5);
	assert_int_equal(page->tx_bytes, 500);
	assert_int_equal(page->tx_dropped, 2);
	assert_int_equal(page->counter[COUNT_tx_packets], 3);
}

static void counters_go_on_when_the_guest_connects_again(void **state)
{
	(void)state;
	guest_sends(3);
	connect_again();
	guest_sends(2);
	later(250);
	assert_int_equal(device.netdev[0].page->rx_packets, 5);
	assert_true(device.netdev[0].carrier);
	assert_int_equal(device.creates, 1);
}

static void netdev_set_down_closes_the_vif(void **state)
{
	(void)state;
	device.netdev[0].is.up = false;
	ask(&(struct rep_request){ .what = REP_UP, .up = 0 });
	assert_string_equal(host_back_key(7, "policy/link"), "off");
	assert_false(host_path(7)->live.link);
	later(500);
	assert_false(device.netdev[0].is.up || device.netdev[0].carrier);
	device.netdev[0].is.up = true;
	ask(&(struct rep_request){ .what = REP_UP, .up = 1 });
	assert_null(host_back_key(7, "policy/link"));
	assert_true(host_path(7)->live.link);
	later(500);
	assert_true(device.netdev[0].is.up && device.netdev[0].carrier);
	assert_int_equal(device.ups, 0);
}

static void netdev_follows_the_policy(void **state)
{
	(void)state;
	rule("policy/link", "off");
	assert_false(device.netdev[0].is.up);
	rule("policy/mtu", "1400");
	assert_int_equal(device.netdev[0].is.mtu, 1400);
	rule("policy/link", NULL);
	assert_true(device.netdev[0].is.up);
}

static void mtu_becomes_policy_or_is_set_back(void **state)
{
	(void)state;
	device.netdev[0].is.mtu = 1300;
	ask(&(struct rep_request){ .what = REP_MTU, .mtu = 1300 });
	assert_string_equal(host_back_key(7, "policy/mtu"), "1300");
	later(500);
	assert_int_equal(device.netdev[0].is.mtu, 1300);
	device.netdev[0].is.mtu = 9500; /* more than the rule may be */
	ask(&(struct rep_request){ .what = REP_MTU, .mtu = 9500 });
	later(500);
	assert_string_equal(host_back_key(7, "policy/mtu"), "1300");
	assert_int_equal(device.netdev[0].is.mtu, 1300);
}

/* Return: frames that the device was given within a second, at least @wanted if there are so many */
static uint32_t frames_shown(uint32_t wanted, uint32_t direction)
{
	static uint8_t bytes[2 * REP_FRAME_MAX];
	struct pollfd fd = { .fd = device.ours, .events = POLLIN };
	uint32_t nr = 0;
	ssize_t len;

	while (nr < wanted && poll(&fd, 1, 1000) > 0) {
		len = recv(device.ours, bytes, sizeof(bytes), 0);
		for (ssize_t at = 0; at < len; nr++) {
			struct rep_frame frame;

			memcpy(&frame, bytes + at, sizeof(frame));
			assert_int_equal(frame.slot, 0);
			assert_int_equal(frame.direction, direction);
			assert_int_equal(frame.len, sizeof(FRAME));
			assert_memory_equal(bytes + at + sizeof(frame), FRAME, frame.len);
			at += (ssize_t)(sizeof(frame) + (frame.len + 3) / 4 * 4);
		}
	}
	return nr;
}

static void frames_are_copied_only_while_somebody_captures(void **state)
{
	(void)state;
	guest_sends(1);
	assert_int_equal(host_path(7)->mirror.directions, 0);
	ask(&(struct rep_request){ .what = REP_CAPTURE, .capture = 1 });
	assert_int_equal(host_path(7)->mirror.directions, MIRROR_BOTH);
	guest_sends(5);
	assert_int_equal(frames_shown(5, REP_RECEIVED), 5);
	ask(&(struct rep_request){ .what = REP_CAPTURE, .capture = 0 });
	assert_int_equal(host_path(7)->mirror.directions, 0);
	guest_sends(1);
	assert_int_equal(recv(device.ours, &(char){ 0 }, 1, 0), -1);
}

/* Each gets its own: a mirror of received frames gets none that the guest sends. */
static void mirror_and_capture_do_not_disturb_each_other(void **state)
{
	struct guest *receiver = host_connect(8);
	const struct mirror *mirror = &host_path(7)->mirror;
	static struct wake awake = { .fd = -1 };

	(void)state;
	rule("policy/mirror-to", "02:00:00:00:00:08");
	rule("policy/mirror", "rx");
	assert_int_equal(mirror->directions, MIRROR_RX);
	atomic_store(&mirror->to->wake, &awake);
	ask(&(struct rep_request){ .what = REP_CAPTURE, .capture = 1 });
	assert_int_equal(mirror->directions, MIRROR_BOTH);
	guest_sends(2);
	assert_int_equal(frames_shown(2, REP_RECEIVED), 2);
	assert_int_equal(path_counted(host_path(7), COUNT_mirrored, 0, 0), 2);
	/* the capture lasts while the guest is away */
	connect_again();
	assert_int_equal(host_path(7)->mirror.directions, MIRROR_BOTH);
	guest_sends(2);
	assert_int_equal(frames_shown(2, REP_RECEIVED), 2);
	ask(&(struct rep_request){ .what = REP_CAPTURE, .capture = 0 });
	assert_int_equal(host_path(7)->mirror.directions, MIRROR_RX);
	rule("policy/mirror-to", NULL);
	host_close();
	guest_free(receiver);
	assert_int_equal(host_open(), 0);
}

/* As 'tcpdump ether proto ...' attaches it */
static void want(uint16_t ethertype)
{
	device.filter = (struct rep_filter){ .len = 4,
					     .code = { { 0x28, 0, 0, 12 },
						       { 0x15, 0, 1, ethertype },
						       { 0x6, 0, 0, 262144 },
						       { 0x6, 0, 0, 0 } } };
}

static void frames_that_no_filter_wants_are_not_copied(void **state)
{
	(void)state;
	want(0x0800);
	ask(&(struct rep_request){ .what = REP_CAPTURE, .capture = 1 });
	later(250);
	guest_sends(3);
	assert_int_equal(path_counted(host_path(7), COUNT_mirrored, 0, 0), 0);
	want(0x88b5);
	later(250);
	guest_sends(2);
	assert_int_equal(path_counted(host_path(7), COUNT_mirrored, 0, 0), 2);
	assert_int_equal(frames_shown(2, REP_RECEIVED), 2);
	device.filter.len = 0;
	want(0x0800);
	later(250);
	guest_sends(1);
	assert_int_equal(path_counted(host_path(7), COUNT_mirrored, 0, 0), 2);
	device.filter.len = 0;
	later(250);
	guest_sends(1);
	assert_int_equal(path_counted(host_path(7), COUNT_mirrored, 0, 0), 3);
	ask(&(struct rep_request){ .what = REP_CAPTURE, .capture = 0 });
}

/* The bit of a private flag */
static uint32_t flag(const char *name)
{
	const char(*names)[REP_COUNTER_NAME] = (const void *)(uintptr_t)device.setup.names;

	for (uint32_t i = 0; i < device.setup.nr_flags; i++)
		if (!strcmp(names[device.setup.nr_counters + i], name))
			return UINT32_C(1) << i;
	fail_msg("no flag %s", name);
	return 0;
}

static void private_flags_become_rules(void **state)
{
	const struct rep_page *page = device.netdev[0].page;
	uint32_t broadcast = flag("broadcast"), isolated = flag("isolated");

	(void)state;
	later(250);
	assert_true(page->flags & broadcast);
	assert_false(page->flags & isolated);
	ask(&(struct rep_request){
		.what = REP_FLAGS, .flags = isolated, .flags_mask = broadcast | isolated });
	later(500);
	assert_string_equal(host_back_key(7, "policy/broadcast"), "0");
	assert_string_equal(host_back_key(7, "policy/isolated"), "1");
	assert_null(host_back_key(7, "policy/multicast"));
	assert_false(page->flags & broadcast);
	assert_true(page->flags & isolated);
	/* a policy that is refused leaves the flag as it was */
	rule("policy/mtu", "17");
	ask(&(struct rep_request){
		.what = REP_FLAGS, .flags = broadcast, .flags_mask = broadcast });
	later(500);
	assert_string_equal(host_back_key(7, "policy/broadcast"), "0");
	assert_false(page->flags & broadcast);
}

static int start_for_commands(void **state)
{
	memset(&device, 0, sizeof(device));
	device.ours = device.vifds = -1;
	device.there = true;
	if (setup(state))
		return -1;
	fake_host.config.representor = CONFIG_REPRESENTOR_DPDM;
	later(1);
	return 0;
}

static const struct rep_commands *commands_of_7(void)
{
	const struct vif *vif;

	TAILQ_FOREACH (vif, &fake_host.host.vifs, link)
		if (vif->domid == 7)
			return &vif->representor.commands;
	fail_msg("no vif 7.0");
	return NULL;
}

/* By the private flags of its netdev, one after the other, as read() has them */
static void command(const uint32_t *flags, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++) {
		struct rep_request request = { .what = REP_COMMAND, .command = flags[i] };

		assert_int_equal(send(device.ours, &request, sizeof(request), 0), sizeof(request));
	}
	later(1);
	later(500);
}

static void command_one(uint32_t flags)
{
	command(&flags, 1);
}

static void flags_that_are_commands_have_their_names_and_limits(void **state)
{
	(void)state;
	assert_int_equal(device.setup.nr_flags, 32);
	assert_int_equal(flag("b3"), 1u << 3);
	assert_int_equal(flag("s0"), 1u << 18);
	assert_int_equal(flag("op2"), 1u << 23);
	assert_int_equal(flag("v6"), 1u << 30);
	assert_int_equal(flag("enable-vfd"), 1u << 31);
	/* of what there is no such operation, the kernel says so at once */
	assert_int_equal(device.setup.steps[0], 1);
	assert_int_equal(device.setup.steps[3], 0x1f);
	assert_int_equal(device.setup.steps[6], 0x1f);
	assert_int_equal(device.setup.steps[7], 0);
}

/* Features 1 to 5, 7, 10, 11 and 15, without broadcast; and all of them again */
static void command_for_features_sets_and_clears_rules(void **state)
{
	const struct rep_page *page = device.netdev[0].page;

	(void)state;
	later(250);
	assert_int_equal(page->flags, 0x0cbe);
	command_one(0x80008cb6);
	assert_string_equal(host_back_key(7, "policy/broadcast"), "0");
	assert_string_equal(host_back_key(7, "policy/multicast"), "1");
	assert_string_equal(host_back_key(7, "policy/guest-mac"), "1");
	assert_string_equal(host_back_key(7, "policy/guest-promiscuous"), "1");
	assert_string_equal(host_back_key(7, "policy/link"), "on");
	assert_int_equal(page->flags, 0x8cb6);
	command_one(0x80000cbe);
	assert_string_equal(host_back_key(7, "policy/broadcast"), "1");
	assert_string_equal(host_back_key(7, "policy/guest-mac"), "0");
	assert_int_equal(page->flags, 0x0cbe);
	assert_int_equal(commands_of_7()->done, 2);
}

/* A mask in parts, then the command; and the same parts are not used twice. */
static void commands_in_a_row_act_in_their_order(void **state)
{
	const uint32_t flags[] = {
		0x80c40001,		/* queues 0 */
		0x80c00064,		/* 100 Mbit/s */
		0x80a000c8,		/* 200 Mbit/s for the vif */
		0x8060800a, 0x80608014, /* VLANs 10 and 20 */
		0x8060800b, 0x8060000a, /* 11, and 10 no more */
		0x8020000a,		/* modes: no broadcast, multicast-hash */
		0x80208008,		/* broadcast */
		0x80c00032,		/* 50 Mbit/s for no queue */
	};

	(void)state;
	command(flags, 4);
	assert_string_equal(host_back_key(7, "policy/queue-rate"), "0:625000,50000");
	assert_string_equal(host_back_key(7, "policy/rate"), "1250000,50000");
	assert_string_equal(host_back_key(7, "policy/vlan-filter"), "10");
	command(flags + 4, 6);
	assert_string_equal(host_back_key(7, "policy/vlan-filter"), "11,20");
	assert_string_equal(host_back_key(7, "policy/broadcast"), "1");
	assert_string_equal(host_back_key(7, "policy/queue-rate"), "");
	assert_int_equal(commands_of_7()->done, 10);
	assert_int_equal(commands_of_7()->refused, 0);
}

static void commands_that_make_no_sense_change_nothing(void **state)
{
	const struct rep_commands *commands = commands_of_7();

	(void)state;
	command_one(0x80002000); /* a feature that there is not */
	assert_string_equal(commands->why, "0x80002000: a bit in 15:0 has no meaning in feature");
	command_one(0x00000008);
	assert_string_equal(commands->why, "0x00000008: bit 31 is 0: flags of the PF itself");
	command_one(0x8060000a);
	assert_string_equal(commands->why,
			    "0x8060000a: vlan-filter would be empty, and all VLANs would pass");
	command_one(0x80800005);
	assert_string_equal(host_back_key(7, "policy/vlan-insert"), "5/0");
	/* rules that do not agree with each other */
	command_one(0x8060800a);
	assert_int_equal(commands->done + commands->refused, 5);
	assert_null(host_back_key(7, "policy/broadcast"));
	/* of bits that have no rule, the others act */
	command_one(0x80001cff);
	assert_string_equal(host_back_key(7, "policy/broadcast"), "1");
}

static void name_that_is_taken_is_tried_again(void **state)
{
	struct guest *other;

	(void)state;
	device.taken = "vif8.0";
	other = host_connect(8);
	later(1);
	assert_non_null(host_path(8));
	assert_false(device.netdev[1].there);
	device.taken = NULL;
	later(1000);
	assert_true(device.netdev[1].there);
	assert_string_equal(device.netdev[1].is.name, "vif8.0");
	host_close();
	guest_free(other);
	assert_int_equal(host_open(), 0);
}

static void requests_of_netdevs_that_are_gone_change_nothing(void **state)
{
	(void)state;
	ask(&(struct rep_request){
		.slot = 3, .what = REP_UP | REP_MTU | REP_CAPTURE, .capture = 1 });
	assert_null(host_back_key(7, "policy/link"));
	assert_int_equal(host_path(7)->mirror.directions, 0);
}

static int start_without_module(void **state)
{
	memset(&device, 0, sizeof(device));
	device.ours = device.vifds = -1;
	return setup(state);
}

static void module_may_come_later(void **state)
{
	(void)state;
	fake_host.config.representor = CONFIG_REPRESENTOR_ON;
	later(1);
	later(1000);
	assert_true(device.opens >= 2);
	assert_int_equal(device.creates, 0);
	guest_sends(1);
	assert_int_equal(path_counted(host_path(7), COUNT_tx_packets, 0, 0), 1);
	device.there = true;
	later(1000);
	assert_true(device.netdev[0].there && device.netdev[0].carrier);
}

static void device_is_not_opened_where_nobody_wants_netdevs(void **state)
{
	(void)state;
	device.there = true;
	later(5000);
	assert_int_equal(device.opens, 0);
}

#define NETDEV(test) cmocka_unit_test_setup_teardown(test, start, end)

#define COMMANDS(test) cmocka_unit_test_setup_teardown(test, start_for_commands, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NETDEV(netdev_is_the_vifs),
		NETDEV(netdev_receives_what_the_guest_sends),
		NETDEV(counters_go_on_when_the_guest_connects_again),
		NETDEV(netdev_set_down_closes_the_vif),
		NETDEV(netdev_follows_the_policy),
		NETDEV(mtu_becomes_policy_or_is_set_back),
		NETDEV(frames_are_copied_only_while_somebody_captures),
		NETDEV(mirror_and_capture_do_not_disturb_each_other),
		NETDEV(frames_that_no_filter_wants_are_not_copied),
		NETDEV(private_flags_become_rules),
		COMMANDS(flags_that_are_commands_have_their_names_and_limits),
		COMMANDS(command_for_features_sets_and_clears_rules),
		COMMANDS(commands_in_a_row_act_in_their_order),
		COMMANDS(commands_that_make_no_sense_change_nothing),
		NETDEV(name_that_is_taken_is_tried_again),
		NETDEV(requests_of_netdevs_that_are_gone_change_nothing),
		cmocka_unit_test_setup_teardown(module_may_come_later, start_without_module, end),
		cmocka_unit_test_setup_teardown(device_is_not_opened_where_nobody_wants_netdevs,
						start_without_module, end),
	};

	return cmocka_run_group_tests(tests, host_start, NULL);
}
