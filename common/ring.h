/* SPDX-License-Identifier: (GPL-2.0 OR BSD-3-Clause) */
/*
 * Wire layout of Xen's network interface (netif) protocol.
 *
 * Layout, limits and static assertions only: no policy, no code that touches
 * a ring. Compiles in the kernel and in user space.
 * Source: Xen's public/io/netif.h and public/io/ring.h; XDP items: Linux'
 * include/xen/interface/io/netif.h.
 *
 * Everything a peer can write is hostile: copy an entry out once, check the
 * copy, use the copy.
 */
#ifndef VIFD_COMMON_RING_H
#define VIFD_COMMON_RING_H

#include <linux/types.h>
#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#else
#include <assert.h>
#include <stddef.h>
#endif

/* Pages are 4 KiB on every grant interface, whatever the guest's page size. */
#define NETIF_PAGE_SIZE 4096u

/* Entries in a ring page: the same for both directions (see the asserts). */
#define NETIF_RING_SIZE 256u

/* Longest frame a request may describe; slots a back end must accept. */
#define NETIF_FRAME_MAX 0xffffu
#define NETIF_SLOTS_MIN 18u
#define NETIF_SLOTS_FATAL 20u

/* Queues of a vif that Xen's protocol leaves open; our own ceiling. */
#define NETIF_QUEUES_MAX 64u

/* Flags of a tx request. */
#define NETIF_TXF_CSUM_BLANK (1u << 0)
#define NETIF_TXF_DATA_VALIDATED (1u << 1)
#define NETIF_TXF_MORE_DATA (1u << 2)
#define NETIF_TXF_EXTRA_INFO (1u << 3)

/* Flags of an rx response. */
#define NETIF_RXF_DATA_VALIDATED (1u << 0)
#define NETIF_RXF_CSUM_BLANK (1u << 1)
#define NETIF_RXF_MORE_DATA (1u << 2)
#define NETIF_RXF_EXTRA_INFO (1u << 3)
#define NETIF_RXF_GSO_PREFIX (1u << 4)

/* Status of a response. */
#define NETIF_STATUS_NULL 1
#define NETIF_STATUS_OKAY 0
#define NETIF_STATUS_ERROR (-1)
#define NETIF_STATUS_DROPPED (-2)

/* Extra-info: types and flag. */
#define NETIF_EXTRA_NONE 0u
#define NETIF_EXTRA_GSO 1u
#define NETIF_EXTRA_MCAST_ADD 2u
#define NETIF_EXTRA_MCAST_DEL 3u
#define NETIF_EXTRA_HASH 4u
#define NETIF_EXTRA_XDP 5u /* Linux only */
#define NETIF_EXTRA_TYPES 6u
#define NETIF_EXTRA_FLAG_MORE (1u << 0)

/* Segmentation types of NETIF_EXTRA_GSO. */
#define NETIF_GSO_NONE 0u
#define NETIF_GSO_TCPV4 1u
#define NETIF_GSO_TCPV6 2u

/* Hash types (bits of SET_HASH_FLAGS are 1 << type) and algorithms. */
#define NETIF_HASH_IPV4 0u
#define NETIF_HASH_IPV4_TCP 1u
#define NETIF_HASH_IPV6 2u
#define NETIF_HASH_IPV6_TCP 3u
#define NETIF_HASH_TYPES 4u
#define NETIF_HASH_ALG_NONE 0u
#define NETIF_HASH_ALG_TOEPLITZ 1u

/* Control ring: message types and statuses. */
#define NETIF_CTRL_INVALID 0u
#define NETIF_CTRL_GET_HASH_FLAGS 1u
#define NETIF_CTRL_SET_HASH_FLAGS 2u
#define NETIF_CTRL_SET_HASH_KEY 3u
#define NETIF_CTRL_GET_HASH_MAPPING_SIZE 4u
#define NETIF_CTRL_SET_HASH_MAPPING_SIZE 5u
#define NETIF_CTRL_SET_HASH_MAPPING 6u
#define NETIF_CTRL_SET_HASH_ALGORITHM 7u
#define NETIF_CTRL_GET_GREF_MAPPING_SIZE 8u
#define NETIF_CTRL_ADD_GREF_MAPPING 9u
#define NETIF_CTRL_DEL_GREF_MAPPING 10u
#define NETIF_CTRL_STATUS_SUCCESS 0u
#define NETIF_CTRL_STATUS_NOT_SUPPORTED 1u
#define NETIF_CTRL_STATUS_INVALID_PARAMETER 2u
#define NETIF_CTRL_STATUS_BUFFER_OVERFLOW 3u

/* Entry flag of a static grant list (ADD/DEL_GREF_MAPPING). */
#define NETIF_GREF_READONLY (1u << 0)

/* Control ring entries in a page. */
#define NETIF_CTRL_RING_SIZE 128u

/**
 * struct netif_tx_request - one slot the guest sends
 * @gref:   grant of the page, read access
 * @offset: first byte in the page; @offset + length must not cross it
 * @flags:  NETIF_TXF_*
 * @id:     echoed in the response
 * @size:   first slot: bytes of the whole frame; later slots: bytes of this slot
 */
struct netif_tx_request {
	__u32 gref;
	__u16 offset;
	__u16 flags;
	__u16 id;
	__u16 size;
};

/** struct netif_tx_response - NETIF_STATUS_NULL answers an extra-info slot */
struct netif_tx_response {
	__u16 id;
	__s16 status;
};

/** struct netif_rx_request - a page, write access, that the guest offers */
struct netif_rx_request {
	__u16 id;
	__u16 pad;
	__u32 gref;
};

/**
 * struct netif_rx_response - stands in the slot of the request it answers
 * @id:     of that request
 * @offset: first byte in the page
 * @flags:  NETIF_RXF_*
 * @status: >= 0 bytes in this slot, < 0 NETIF_STATUS_*
 */
struct netif_rx_response {
	__u16 id;
	__u16 offset;
	__u16 flags;
	__s16 status;
};

/** struct netif_extra_info - takes a slot of its own, in either ring */
struct netif_extra_info {
	__u8 type;  /* NETIF_EXTRA_* */
	__u8 flags; /* NETIF_EXTRA_FLAG_* */
	union {
		struct {
			__u16 size; /* bytes of payload a segment */
			__u8 type;  /* NETIF_GSO_* */
			__u8 pad;
			__u16 features; /* 0 */
		} gso;
		struct {
			__u8 addr[6];
		} mcast;
		struct {
			__u8 type; /* NETIF_HASH_* */
			__u8 algorithm;
			__u8 value[4];
		} hash;
		struct {
			__u16 headroom;
			__u16 pad[2];
		} xdp;
		__u16 pad[3];
	} u;
};

/** struct netif_ctrl_request - message on the control ring */
struct netif_ctrl_request {
	__u16 id;
	__u16 type; /* NETIF_CTRL_* */
	__u32 data[3];
};

/** struct netif_ctrl_response - in any order */
struct netif_ctrl_response {
	__u16 id;
	__u16 type;
	__u32 status; /* NETIF_CTRL_STATUS_* */
	__u32 data;
};

/** struct netif_gref - entry of a static grant list */
struct netif_gref {
	__u32 ref;
	__u16 flags; /* NETIF_GREF_* */
	__u16 status;
};

union netif_tx_entry {
	struct netif_tx_request req;
	struct netif_tx_response rsp;
	struct netif_extra_info extra;
};

union netif_rx_entry {
	struct netif_rx_request req;
	struct netif_rx_response rsp;
	struct netif_extra_info extra;
};

union netif_ctrl_entry {
	struct netif_ctrl_request req;
	struct netif_ctrl_response rsp;
};

/*
 * A ring page: free-running indices, then the entries. An index is written by
 * one side only: req_prod and rsp_event by the front end, rsp_prod and
 * req_event by the back end.
 */
struct netif_ring_indices {
	__u32 req_prod;
	__u32 req_event;
	__u32 rsp_prod;
	__u32 rsp_event;
	__u8 pad[48];
};

struct netif_tx_sring {
	struct netif_ring_indices idx;
	union netif_tx_entry entry[NETIF_RING_SIZE];
};

struct netif_rx_sring {
	struct netif_ring_indices idx;
	union netif_rx_entry entry[NETIF_RING_SIZE];
};

struct netif_ctrl_sring {
	struct netif_ring_indices idx;
	union netif_ctrl_entry entry[NETIF_CTRL_RING_SIZE];
};

static_assert(sizeof(struct netif_tx_request) == 12, "tx request");
static_assert(offsetof(struct netif_tx_request, offset) == 4, "tx request");
static_assert(offsetof(struct netif_tx_request, id) == 8, "tx request");
static_assert(offsetof(struct netif_tx_request, size) == 10, "tx request");
static_assert(sizeof(struct netif_tx_response) == 4, "tx response");
static_assert(sizeof(struct netif_rx_request) == 8, "rx request");
static_assert(offsetof(struct netif_rx_request, gref) == 4, "rx request");
static_assert(sizeof(struct netif_rx_response) == 8, "rx response");
static_assert(offsetof(struct netif_rx_response, status) == 6, "rx response");
static_assert(sizeof(struct netif_extra_info) == 8, "extra info");
static_assert(offsetof(struct netif_extra_info, u) == 2, "extra info");
static_assert(sizeof(struct netif_ctrl_request) == 16, "control request");
static_assert(sizeof(struct netif_ctrl_response) == 12, "control response");
static_assert(sizeof(struct netif_gref) == 8, "static grant");
static_assert(sizeof(union netif_tx_entry) == 12, "tx entry");
static_assert(sizeof(union netif_rx_entry) == 8, "rx entry");
static_assert(sizeof(union netif_ctrl_entry) == 16, "control entry");
static_assert(sizeof(struct netif_ring_indices) == 64, "ring indices");
static_assert(sizeof(struct netif_tx_sring) <= NETIF_PAGE_SIZE, "tx ring");
static_assert(sizeof(struct netif_rx_sring) <= NETIF_PAGE_SIZE, "rx ring");
static_assert(sizeof(struct netif_ctrl_sring) <= NETIF_PAGE_SIZE, "control ring");

#endif
