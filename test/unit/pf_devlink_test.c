/* SPDX-License-Identifier: BSD-3-Clause */
/* links: port/sriov/pf.c port/sriov/pf_devlink.c port/kernel/request.c log.c test/unit/fake_netlink.c */
/* wraps: mnl_socket_open2 mnl_socket_bind mnl_socket_get_portid mnl_socket_sendto mnl_socket_recvfrom mnl_socket_close */
/* Below is a PF of rtnetlink's, and the messages are linux/devlink.h's, answered as Linux does. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <libmnl/libmnl.h>
#include <linux/devlink.h>
#include <linux/genetlink.h>

#include "fake_netlink.h"
#include "log.h"
#include "port/sriov/pf_devlink.h"
#include "port/sriov/pf_netlink.h"

#define FAMILY 28
#define VFS 2
#define FIRST_PORT 100u /* port 100 + N stands for VF N */

/* A kernel with one PF. */
static struct {
	bool devlink, switchdev, rates;
	int refusal; /* of PORT_SET and RATE_SET */
	struct rte_ether_addr mac[VFS];
	uint64_t share[VFS], max[VFS];
	unsigned int sets;
} kernel;

/* What rtnetlink is asked. */
static struct {
	unsigned int sets;
	enum pf_value value;
	bool closed;
} below;

static struct nlmsghdr *put(const struct nlmsghdr *to, uint8_t command)
{
	struct nlmsghdr *nlh = netlink_begin(to, to->nlmsg_type);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	genl->cmd = command;
	return nlh;
}

static void put_port(const struct nlmsghdr *to, const char *device, uint16_t flavour, uint16_t vf)
{
	struct nlmsghdr *nlh = put(to, DEVLINK_CMD_PORT_NEW);
	struct nlattr *function;

	nlh->nlmsg_flags = NLM_F_MULTI;
	mnl_attr_put_strz(nlh, DEVLINK_ATTR_BUS_NAME, "pci");
	mnl_attr_put_strz(nlh, DEVLINK_ATTR_DEV_NAME, device);
	mnl_attr_put_u32(nlh, DEVLINK_ATTR_PORT_INDEX, FIRST_PORT + vf);
	mnl_attr_put_u16(nlh, DEVLINK_ATTR_PORT_FLAVOUR, flavour);
	if (flavour == DEVLINK_PORT_FLAVOUR_PCI_VF) {
		mnl_attr_put_u16(nlh, DEVLINK_ATTR_PORT_PCI_VF_NUMBER, vf);
		function = mnl_attr_nest_start(nlh, DEVLINK_ATTR_PORT_FUNCTION);
		mnl_attr_put(nlh, DEVLINK_PORT_FUNCTION_ATTR_HW_ADDR, sizeof(kernel.mac[vf]),
			     &kernel.mac[vf]);
		mnl_attr_nest_end(nlh, function);
	}
	netlink_end(nlh);
}

/* Another device's VF has the same number, and the PF's own port has none. */
static void put_ports(const struct nlmsghdr *to)
{
	put_port(to, "0000:01:00.0", DEVLINK_PORT_FLAVOUR_PHYSICAL, 0);
	put_port(to, "0000:02:00.0", DEVLINK_PORT_FLAVOUR_PCI_VF, 0);
	for (uint16_t i = 0; kernel.switchdev && i < VFS; i++)
		put_port(to, "0000:01:00.0", DEVLINK_PORT_FLAVOUR_PCI_VF, i);
	put_port(to, "0000:02:00.0", DEVLINK_PORT_FLAVOUR_PCI_VF, 1);
	netlink_done(to, NLMSG_DONE, 0);
}

static const struct nlattr *find(const struct nlmsghdr *nlh, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

static uint32_t vf_of(const struct nlmsghdr *nlh)
{
	uint32_t vf = mnl_attr_get_u32(find(nlh, DEVLINK_ATTR_PORT_INDEX)) - FIRST_PORT;

	assert_string_equal(mnl_attr_get_str(find(nlh, DEVLINK_ATTR_BUS_NAME)), "pci");
	assert_string_equal(mnl_attr_get_str(find(nlh, DEVLINK_ATTR_DEV_NAME)), "0000:01:00.0");
	assert_true(vf < VFS);
	return vf;
}

static void put_rate(const struct nlmsghdr *to)
{
	uint32_t vf = vf_of(to);
	struct nlmsghdr *nlh;

	if (!kernel.rates) {
		netlink_done(to, NLMSG_ERROR, -ENODEV);
		return;
	}
	nlh = put(to, DEVLINK_CMD_RATE_NEW);
	mnl_attr_put_u64(nlh, DEVLINK_ATTR_RATE_TX_SHARE, kernel.share[vf]);
	mnl_attr_put_u64(nlh, DEVLINK_ATTR_RATE_TX_MAX, kernel.max[vf]);
	netlink_end(nlh);
	netlink_done(to, NLMSG_ERROR, 0);
}

static void set(const struct nlmsghdr *nlh, uint8_t command)
{
	const struct nlattr *function = find(nlh, DEVLINK_ATTR_PORT_FUNCTION);
	uint32_t vf = vf_of(nlh);

	kernel.sets++;
	if (!kernel.refusal && command == DEVLINK_CMD_PORT_SET) {
		const struct nlattr *address = mnl_attr_get_payload(function);

		assert_int_equal(mnl_attr_get_type(address), DEVLINK_PORT_FUNCTION_ATTR_HW_ADDR);
		memcpy(&kernel.mac[vf], mnl_attr_get_payload(address), sizeof(kernel.mac[vf]));
	} else if (!kernel.refusal) {
		kernel.share[vf] = mnl_attr_get_u64(find(nlh, DEVLINK_ATTR_RATE_TX_SHARE));
		kernel.max[vf] = mnl_attr_get_u64(find(nlh, DEVLINK_ATTR_RATE_TX_MAX));
	}
	netlink_done(nlh, NLMSG_ERROR, kernel.refusal);
}

static void answer_ctrl(const struct nlmsghdr *to)
{
	struct nlmsghdr *nlh;

	assert_string_equal(mnl_attr_get_str(find(to, CTRL_ATTR_FAMILY_NAME)), "devlink");
	nlh = put(to, CTRL_CMD_NEWFAMILY);
	mnl_attr_put_u16(nlh, CTRL_ATTR_FAMILY_ID, FAMILY);
	netlink_end(nlh);
	netlink_done(to, NLMSG_ERROR, 0);
}

void netlink_answer(const struct nlmsghdr *request)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(request);

	if (request->nlmsg_type == GENL_ID_CTRL) {
		answer_ctrl(request);
		return;
	}
	assert_int_equal(request->nlmsg_type, FAMILY);
	switch (genl->cmd) {
	case DEVLINK_CMD_GET:
		netlink_done(request, NLMSG_ERROR, kernel.devlink ? 0 : -ENODEV);
		break;
	case DEVLINK_CMD_PORT_GET:
		put_ports(request);
		break;
	case DEVLINK_CMD_RATE_GET:
		put_rate(request);
		break;
	default:
		set(request, genl->cmd);
	}
}

static void below_close(struct pf *pf)
{
	below.closed = true;
	free(pf);
}

static int below_up(struct pf *pf, unsigned int timeout_ms)
{
	(void)pf;
	return timeout_ms ? -ETIMEDOUT : 0;
}

static int below_mtu(struct pf *pf)
{
	(void)pf;
	return 9000;
}

static void below_link_get(struct pf *pf, struct port_link *link)
{
	(void)pf;
	link->up = true;
}

static int below_vf_get(struct pf *pf, uint16_t index, struct pf_vf *vf)
{
	(void)pf;
	vf->valid = PF_MAC | PF_VLAN | PF_RATE;
	vf->vlan = (uint16_t)(10 + index);
	vf->max_mbps = 7;
	return 0;
}

static int below_vf_set(struct pf *pf, uint16_t index, enum pf_value value,
			const struct pf_vf *want)
{
	(void)pf;
	(void)index;
	(void)want;
	below.sets++;
	below.value = value;
	return 0;
}

struct pf *pf_netlink_open(const char *netdev)
{
	static const struct pf_ops ops = {
		.close = below_close,
		.up = below_up,
		.mtu = below_mtu,
		.link_get = below_link_get,
		.vf_get = below_vf_get,
		.vf_set = below_vf_set,
	};
	struct pf *pf = calloc(1, sizeof(*pf));

	assert_non_null(pf);
	pf_init(pf, &ops, netdev);
	strcpy(pf->sysfs, "bus/pci/devices/0000:01:00.0");
	return pf;
}

static int setup(void **state)
{
	log_set_level(LOG_LEVEL_ERROR);
	fake_netlink.bus = NETLINK_GENERIC;
	memset(&below, 0, sizeof(below));
	memset(&kernel, 0, sizeof(kernel));
	kernel.devlink = kernel.switchdev = kernel.rates = true;
	for (unsigned int i = 0; i < VFS; i++) {
		kernel.mac[i] = (struct rte_ether_addr){ { 2, 0, 0, 0, 0, (uint8_t)(16 + i) } };
		kernel.max[i] = 125000000u * (i + 1);
	}
	*state = pf_devlink_open("pf0");
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	pf_close(*state);
	return below.closed ? 0 : -1;
}

static const struct pf_vf want = {
	.mac = { { 2, 0, 0, 0, 0, 99 } }, .vlan = 30, .min_mbps = 10, .max_mbps = 40
};

static void address_and_rate_are_devlinks(void **state)
{
	struct pf_vf vf;

	assert_int_equal(pf_vf_get(*state, 1, &vf), 0);
	assert_int_equal(vf.mac.addr_bytes[5], 17);
	assert_int_equal(vf.max_mbps, 2000);
	assert_int_equal(vf.vlan, 11);
	assert_int_equal(pf_vf_set(*state, 1, &want, PF_MAC | PF_RATE), 0);
	assert_int_equal(kernel.mac[1].addr_bytes[5], 99);
	assert_int_equal(kernel.share[1], 1250000);
	assert_int_equal(kernel.max[1], 5000000);
	assert_int_equal(kernel.mac[0].addr_bytes[5], 16);
	assert_int_equal(below.sets, 0);
	/* and are not set where they are so already */
	kernel.sets = 0;
	assert_int_equal(pf_vf_set(*state, 1, &want, PF_MAC | PF_RATE), 0);
	assert_int_equal(kernel.sets, 0);
}

static void the_rest_is_rtnetlinks(void **state)
{
	struct port_link link;

	assert_int_equal(pf_vf_set(*state, 1, &want, PF_VLAN), 0);
	assert_int_equal(below.value, PF_VLAN);
	assert_int_equal(kernel.sets, 0);
	assert_int_equal(pf_mtu(*state), 9000);
	assert_int_equal(pf_up(*state, 1), -ETIMEDOUT);
	pf_link_get(*state, &link);
	assert_true(link.up);
	assert_string_equal(((struct pf *)*state)->sysfs, "bus/pci/devices/0000:01:00.0");
}

static void without_switchdev_all_is_rtnetlinks(void **state)
{
	struct pf_vf vf;

	kernel.switchdev = false;
	assert_int_equal(pf_vf_get(*state, 1, &vf), 0);
	assert_int_equal(vf.max_mbps, 7);
	assert_int_equal(pf_vf_set(*state, 1, &want, PF_RATE), 0);
	assert_int_equal(below.value, PF_RATE);
	assert_int_equal(kernel.sets, 0);
}

static void device_without_rates_has_rtnetlinks(void **state)
{
	kernel.rates = false;
	assert_int_equal(pf_vf_set(*state, 0, &want, PF_MAC | PF_RATE), 0);
	assert_int_equal(kernel.mac[0].addr_bytes[5], 99);
	assert_int_equal(below.value, PF_RATE);
}

static void what_devlink_refuses_is_tried_by_rtnetlink_or_told(void **state)
{
	kernel.refusal = -EOPNOTSUPP;
	assert_int_equal(pf_vf_set(*state, 0, &want, PF_MAC), 0);
	assert_int_equal(below.value, PF_MAC);
	assert_int_equal(below.sets, 1);
	log_set_level(-1);
	kernel.refusal = -EBUSY;
	assert_int_equal(pf_vf_set(*state, 0, &want, PF_MAC), -EBUSY);
	assert_int_equal(below.sets, 1);
}

static void device_that_devlink_does_not_know_has_rtnetlink_alone(void **state)
{
	struct pf *pf;

	(void)state;
	kernel.devlink = false;
	pf = pf_devlink_open("pf0");
	assert_ptr_equal(pf->ops->mtu, below_mtu);
	pf_close(pf);
}

#define PF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PF(address_and_rate_are_devlinks),
		PF(the_rest_is_rtnetlinks),
		PF(without_switchdev_all_is_rtnetlinks),
		PF(device_without_rates_has_rtnetlinks),
		PF(what_devlink_refuses_is_tried_by_rtnetlink_or_told),
		PF(device_that_devlink_does_not_know_has_rtnetlink_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
