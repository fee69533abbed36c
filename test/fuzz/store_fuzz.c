/* SPDX-License-Identifier: BSD-3-Clause */
/* links: test/unit/fake_host.c */
/*
 * xenstore: the input writes values to a front end's directory, flaps its state,
 * and runs the control thread and the worker in between. Afterwards correct keys
 * connect, whatever it wrote, and nothing leaks.
 */
#include "fuzz.h"

#include "test/unit/fake_host.h"

#define OPERATIONS_MAX 48u
#define VALUE_MAX 80u

static struct guest *guest;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return host_start(NULL);
}

static const char *const keys[] = {
	"state",
	"request-rx-copy",
	"feature-sg",
	"tx-ring-ref",
	"rx-ring-ref",
	"event-channel",
	"feature-gso-tcpv4",
	"feature-gso-tcpv6",
	"feature-no-csum-offload",
	"feature-ipv6-csum-offload",
	"feature-rx-notify",
	"multi-queue-num-queues",
	"queue-0/tx-ring-ref",
	"queue-0/rx-ring-ref",
	"queue-0/event-channel",
	"queue-0/event-channel-tx",
	"queue-0/event-channel-rx",
	"event-channel-tx",
	"event-channel-rx",
	"ctrl-ring-ref",
	"event-channel-ctrl",
	"xdp-headroom",
	"request-multicast-control",
	"disconnect",
	"capability",
	"capability-ack",
	"mac",
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

static void write_key(struct fuzz_input *input)
{
	uint8_t which = fuzz_u8(input), len = fuzz_u8(input);
	char path[128], value[VALUE_MAX];

	/* the last four belong to the toolstack, which may make mistakes too */
	if (which >= 250)
		snprintf(path, sizeof(path), HOST_BACK "7/0/%s",
			 (const char *const[]){ "rate", "mtu", "hotplug-status", "state", "online",
						"bridge" }[which - 250]);
	else
		snprintf(path, sizeof(path), "/local/domain/7/device/vif/0/%s", keys[which % KEYS]);
	if (len & 128) {
		fake_xs_remove(path);
	} else if (len & 64) {
		fake_xs_put(path, "%u", fuzz_u8(input));
	} else {
		fuzz_bytes(input, value, len);
		fake_xs_set(path, value, len);
	}
}

static void write_ring(struct fuzz_input *input)
{
	uint8_t *page = guest_page(guest, FAKE_REF_MIN + fuzz_u8(input) % 4);

	fuzz_bytes(input, page + fuzz_u16(input) % (NETIF_PAGE_SIZE - 16), 16);
}

static void operate(struct fuzz_input *input)
{
	switch (fuzz_u8(input) % 8) {
	case 0:
		host_front_state(7, fuzz_u8(input) % 10);
		break;
	case 1:
		host_front_end(guest);
		host_front_state(7, 4);
		break;
	case 2:
		host_run();
		break;
	case 3:
		fake_host.now_us += fuzz_u16(input) * 100u;
		fake_host.vf_free += fake_host.vf_free < 2;
		break;
	case 4:
		write_ring(input);
		host_poll();
		break;
	default:
		write_key(input);
		break;
	}
}

static void check_recovery(void)
{
	fake_xs_remove("/local/domain/7/device/vif/0");
	fake_xs_remove(HOST_BACK "7");
	host_settle();
	for (uint32_t i = 0; i < 2; i++)
		memset(guest_page(guest, FAKE_REF_MIN + i), 0, NETIF_PAGE_SIZE);
	host_toolstack(7);
	host_settle();
	fuzz_check(host_back_state(7) == 2);
	host_front_end(guest);
	host_front_state(7, 4);
	fake_host.now_us += 10000000;
	host_settle();
	fuzz_check(host_back_state(7) == 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };

	if (host_open())
		abort();
	guest = guest_new(7, 1);
	guest_grant(guest, false);
	guest_grant(guest, true);
	host_toolstack(7);
	host_settle();
	for (uint32_t i = 0; i < OPERATIONS_MAX && input.left; i++)
		operate(&input);
	host_run();
	check_recovery();
	host_close();
	guest_free(guest);
	fuzz_check(fake_all_free());
	return 0;
}
