/* SPDX-License-Identifier: BSD-3-Clause */
#include "pf_devlink.h"

#include <errno.h>
#include <linux/devlink.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "pf_netlink.h"
#include "port/kernel/request.h"

LOG_TAG("pf");

#define PORTS_BYTES 32768u
#define REQUEST_BYTES 512u
/* devlink counts bytes/s. */
#define MBPS 125000u

/*
 * struct pf_devlink
 * @below:  the same PF, by rtnetlink
 * @bus, @device: devlink's names of it: "pci", "0000:01:00.0"
 * @family: generic netlink's number of devlink
 */
struct pf_devlink {
	struct pf pf;
	struct pf *below;
	char bus[16], device[32];
	struct requests requests;
	uint16_t family;
	char reply[PORTS_BYTES];
};

/*
 * struct vf_port - The port that stands for a VF
 * @number: of the VF
 * @values: PF_* that it has
 */
struct vf_port {
	uint16_t number;
	bool found;
	uint32_t index, values;
	struct rte_ether_addr mac;
	uint64_t share, max;
};

static struct nlmsghdr *begin(char buf[REQUEST_BYTES], uint16_t type, uint8_t command,
			      uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = command;
	genl->version = 1;
	return nlh;
}

/* A request about this device. */
static struct nlmsghdr *begin_device(struct pf_devlink *pf, char buf[REQUEST_BYTES],
				     uint8_t command, uint16_t flags)
{
	struct nlmsghdr *nlh = begin(buf, pf->family, command, flags);

	mnl_attr_put_strz(nlh, DEVLINK_ATTR_BUS_NAME, pf->bus);
	mnl_attr_put_strz(nlh, DEVLINK_ATTR_DEV_NAME, pf->device);
	return nlh;
}

static int transact(struct pf_devlink *pf, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	return request(&pf->requests, nlh, cb, data, pf->reply, sizeof(pf->reply));
}

static int take_family(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U16) == 0)
			*(uint16_t *)data = mnl_attr_get_u16(attr);
	}
	return MNL_CB_OK;
}

/* Does devlink know this device? Return: 0, -errno */
static int find_device(struct pf_devlink *pf)
{
	char buf[REQUEST_BYTES];
	struct nlmsghdr *nlh = begin(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	int ret;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, DEVLINK_GENL_NAME);
	ret = transact(pf, nlh, take_family, &pf->family);
	if (ret < 0 || !pf->family)
		return ret < 0 ? ret : -ENOENT;
	return transact(pf, begin_device(pf, buf, DEVLINK_CMD_GET, NLM_F_ACK), NULL, NULL);
}

/* The attributes of a port that count here, NULL = it has none such */
struct port_attrs {
	const char *bus, *device;
	const struct nlattr *function;
	uint32_t index;
	uint16_t flavour, vf;
};

static void read_port(const struct nlmsghdr *nlh, struct port_attrs *port)
{
	const struct nlattr *attr;

	*port = (struct port_attrs){ .bus = "", .device = "", .flavour = UINT16_MAX };
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
	{
		switch (mnl_attr_get_type(attr)) {
		case DEVLINK_ATTR_BUS_NAME:
			port->bus = mnl_attr_get_str(attr);
			break;
		case DEVLINK_ATTR_DEV_NAME:
			port->device = mnl_attr_get_str(attr);
			break;
		case DEVLINK_ATTR_PORT_INDEX:
			port->index = mnl_attr_get_u32(attr);
			break;
		case DEVLINK_ATTR_PORT_FLAVOUR:
			port->flavour = mnl_attr_get_u16(attr);
			break;
		case DEVLINK_ATTR_PORT_PCI_VF_NUMBER:
			port->vf = mnl_attr_get_u16(attr);
			break;
		case DEVLINK_ATTR_PORT_FUNCTION:
			port->function = attr;
			break;
		}
	}
}

static void read_function(const struct nlattr *function, struct vf_port *vf)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, function)
	{
		if (mnl_attr_get_type(attr) != DEVLINK_PORT_FUNCTION_ATTR_HW_ADDR ||
		    mnl_attr_get_payload_len(attr) != sizeof(vf->mac))
			continue;
		memcpy(&vf->mac, mnl_attr_get_payload(attr), sizeof(vf->mac));
		vf->values |= PF_MAC;
	}
}

struct search {
	const struct pf_devlink *pf;
	struct vf_port *vf;
};

static int take_port(const struct nlmsghdr *nlh, void *data)
{
	const struct search *search = data;
	struct vf_port *vf = search->vf;
	struct port_attrs port;

	read_port(nlh, &port);
	if (strcmp(port.bus, search->pf->bus) || strcmp(port.device, search->pf->device) ||
	    port.flavour != DEVLINK_PORT_FLAVOUR_PCI_VF || port.vf != vf->number)
		return MNL_CB_OK;
	vf->found = true;
	vf->index = port.index;
	if (port.function)
		read_function(port.function, vf);
	return MNL_CB_OK;
}

static int take_rate(const struct nlmsghdr *nlh, void *data)
{
	struct vf_port *vf = data;
	const struct nlattr *attr;

	vf->values |= PF_RATE;
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attr) == DEVLINK_ATTR_RATE_TX_SHARE)
			vf->share = mnl_attr_get_u64(attr);
		else if (mnl_attr_get_type(attr) == DEVLINK_ATTR_RATE_TX_MAX)
			vf->max = mnl_attr_get_u64(attr);
	}
	return MNL_CB_OK;
}

/* Outside switchdev mode no port stands for a VF. Return: is there one? */
static bool find_port(struct pf_devlink *pf, uint16_t number, struct vf_port *vf)
{
	struct search search = { .pf = pf, .vf = vf };
	char buf[REQUEST_BYTES];
	struct nlmsghdr *nlh;

	*vf = (struct vf_port){ .number = number };
	nlh = begin(buf, pf->family, DEVLINK_CMD_PORT_GET, NLM_F_DUMP | NLM_F_ACK);
	if (transact(pf, nlh, take_port, &search) < 0 || !vf->found)
		return false;
	nlh = begin_device(pf, buf, DEVLINK_CMD_RATE_GET, NLM_F_ACK);
	mnl_attr_put_u32(nlh, DEVLINK_ATTR_PORT_INDEX, vf->index);
	if (transact(pf, nlh, take_rate, vf) < 0)
		vf->values &= ~(uint32_t)PF_RATE;
	return true;
}

static int devlink_vf_get(struct pf *base, uint16_t index, struct pf_vf *vf)
{
	struct pf_devlink *pf = (struct pf_devlink *)base;
	const struct pf_ops *ops = pf->below->ops;
	int ret = ops->vf_get ? ops->vf_get(pf->below, index, vf) : 0;
	struct vf_port port;

	if ((ret < 0 && ret != -ENOENT) || !find_port(pf, index, &port))
		return ret;
	if (port.values & PF_MAC)
		vf->mac = port.mac;
	if (port.values & PF_RATE) {
		vf->min_mbps = (uint32_t)(port.share / MBPS);
		vf->max_mbps = (uint32_t)(port.max / MBPS);
	}
	vf->valid |= port.values;
	return 0;
}

static int set_mac(struct pf_devlink *pf, uint32_t port, const struct rte_ether_addr *mac)
{
	char buf[REQUEST_BYTES];
	struct nlmsghdr *nlh = begin_device(pf, buf, DEVLINK_CMD_PORT_SET, NLM_F_ACK);
	struct nlattr *function;

	mnl_attr_put_u32(nlh, DEVLINK_ATTR_PORT_INDEX, port);
	function = mnl_attr_nest_start(nlh, DEVLINK_ATTR_PORT_FUNCTION);
	mnl_attr_put(nlh, DEVLINK_PORT_FUNCTION_ATTR_HW_ADDR, sizeof(*mac), mac);
	mnl_attr_nest_end(nlh, function);
	return transact(pf, nlh, NULL, NULL);
}

static int set_rate(struct pf_devlink *pf, uint32_t port, const struct pf_vf *want)
{
	char buf[REQUEST_BYTES];
	struct nlmsghdr *nlh = begin_device(pf, buf, DEVLINK_CMD_RATE_SET, NLM_F_ACK);

	mnl_attr_put_u32(nlh, DEVLINK_ATTR_PORT_INDEX, port);
	mnl_attr_put_u64(nlh, DEVLINK_ATTR_RATE_TX_SHARE, (uint64_t)want->min_mbps * MBPS);
	mnl_attr_put_u64(nlh, DEVLINK_ATTR_RATE_TX_MAX, (uint64_t)want->max_mbps * MBPS);
	return transact(pf, nlh, NULL, NULL);
}

static int devlink_vf_set(struct pf *base, uint16_t index, enum pf_value value,
			  const struct pf_vf *want)
{
	struct pf_devlink *pf = (struct pf_devlink *)base;
	struct vf_port port;
	int ret = -EOPNOTSUPP;

	if ((value == PF_MAC || value == PF_RATE) && find_port(pf, index, &port) &&
	    port.values & value)
		ret = value == PF_MAC ? set_mac(pf, port.index, &want->mac) :
					set_rate(pf, port.index, want);
	if (ret != -EOPNOTSUPP || !pf->below->ops->vf_set)
		return ret;
	return pf->below->ops->vf_set(pf->below, index, value, want);
}

static int devlink_up(struct pf *base, unsigned int timeout_ms)
{
	struct pf *below = ((struct pf_devlink *)base)->below;

	return below->ops->up(below, timeout_ms);
}

static int devlink_mtu(struct pf *base)
{
	struct pf *below = ((struct pf_devlink *)base)->below;

	return below->ops->mtu(below);
}

static void devlink_link_get(struct pf *base, struct port_link *link)
{
	struct pf *below = ((struct pf_devlink *)base)->below;

	below->ops->link_get(below, link);
}

/* Frees all but @below. */
static void end(struct pf_devlink *pf)
{
	requests_close(&pf->requests);
	free(pf);
}

static void devlink_close(struct pf *base)
{
	struct pf_devlink *pf = (struct pf_devlink *)base;

	pf_close(pf->below);
	end(pf);
}

static int devlink_vf_stats(struct pf *base, uint16_t index, struct pf_vf_stats *stats)
{
	struct pf *below = ((struct pf_devlink *)base)->below;

	return below->ops->vf_stats ? below->ops->vf_stats(below, index, stats) : 0;
}

static const struct pf_ops devlink_ops = {
	.close = devlink_close,
	.up = devlink_up,
	.mtu = devlink_mtu,
	.link_get = devlink_link_get,
	.vf_get = devlink_vf_get,
	.vf_stats = devlink_vf_stats,
	.vf_set = devlink_vf_set,
};

/* Return: 0, -errno: rtnetlink alone */
static int start(struct pf_devlink *pf)
{
	int ret;

	if (sscanf(pf->below->sysfs, "bus/%15[^/]/devices/%31s", pf->bus, pf->device) != 2)
		return -ENODEV;
	ret = requests_open(&pf->requests, NETLINK_GENERIC);
	return ret < 0 ? ret : find_device(pf);
}

struct pf *pf_devlink_open(const char *netdev)
{
	struct pf *below = pf_netlink_open(netdev);
	struct pf_devlink *pf = below ? calloc(1, sizeof(*pf)) : NULL;

	if (!pf)
		return below;
	pf->below = below;
	if (start(pf) < 0) {
		end(pf);
		return below;
	}
	pf_init(&pf->pf, &devlink_ops, netdev);
	memcpy(pf->pf.sysfs, below->sysfs, sizeof(pf->pf.sysfs));
	log_info("%s: devlink knows its device", netdev);
	return &pf->pf;
}
