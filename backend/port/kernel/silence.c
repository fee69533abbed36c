/* SPDX-License-Identifier: BSD-3-Clause */
#include "silence.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <sys/socket.h>

#define BATCH_BYTES 1024u
/* Before the host's own chains. */
#define PRIORITY (-1000)

/* Append a message. @type: of nftables, or of the batch itself */
static struct nlmsghdr *append(void *at, uint16_t type, uint16_t flags, uint8_t family,
			       uint16_t resource)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);
	struct nfgenmsg *gen = mnl_nlmsg_put_extra_header(nlh, sizeof(*gen));

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	gen->nfgen_family = family;
	gen->version = NFNETLINK_V0;
	gen->res_id = htons(resource);
	return nlh;
}

static struct nlmsghdr *append_table(void *at, const char *table)
{
	struct nlmsghdr *nlh = append(at, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE,
				      NLM_F_CREATE | NLM_F_EXCL, NFPROTO_NETDEV, 0);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, table);
	mnl_attr_put_u32(nlh, NFTA_TABLE_FLAGS, htonl(NFT_TABLE_F_OWNER));
	return nlh;
}

static struct nlmsghdr *append_chain(void *at, const char *table, const char *netdev)
{
	struct nlmsghdr *nlh = append(at, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN,
				      NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, NFPROTO_NETDEV, 0);
	struct nlattr *hook;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, "ingress");
	hook = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(NF_NETDEV_INGRESS));
	mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY, htonl((uint32_t)PRIORITY));
	mnl_attr_put_strz(nlh, NFTA_HOOK_DEV, netdev);
	mnl_attr_nest_end(nlh, hook);
	mnl_attr_put_u32(nlh, NFTA_CHAIN_POLICY, htonl(NF_DROP));
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, "filter");
	return nlh;
}

/* All or nothing; the chain alone is acknowledged, any refusal is reported. Return: 0, -errno */
static int send_batch(struct mnl_socket *nl, const char *table, const char *netdev)
{
	char batch[BATCH_BYTES], reply[BATCH_BYTES];
	char *at = batch;
	ssize_t len;

	at += append(at, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)->nlmsg_len;
	at += append_table(at, table)->nlmsg_len;
	at += append_chain(at, table, netdev)->nlmsg_len;
	at += append(at, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)->nlmsg_len;
	if (mnl_socket_sendto(nl, batch, (size_t)(at - batch)) < 0)
		return -errno;
	len = mnl_socket_recvfrom(nl, reply, sizeof(reply));
	return len < 0 || mnl_cb_run(reply, (size_t)len, 0, 0, NULL, NULL) < 0 ? -errno : 0;
}

struct silence *silence_begin(const char *netdev, unsigned int ifindex)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	char table[32];
	int ret;

	if (!nl)
		return NULL;
	snprintf(table, sizeof(table), "vifd-%u", ifindex);
	ret = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
	if (ret == 0)
		ret = send_batch(nl, table, netdev);
	if (ret == 0)
		return (struct silence *)nl;
	mnl_socket_close(nl);
	errno = -ret;
	return NULL;
}

void silence_end(struct silence *silence)
{
	if (silence)
		mnl_socket_close((struct mnl_socket *)silence);
}
