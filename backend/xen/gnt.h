/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Grants: sole includer of xengnttab.h.
 *
 * Two ways to a guest's page: rings (and the pages of static grants) are mapped
 * once and stay mapped; everything else is copied by the hypervisor, in batches,
 * one call a batch. A handle belongs to one thread. A failed grant is a guest's
 * normal mistake (XSA-362, XSA-365): a status, never an assertion.
 */
#ifndef VIFD_XEN_GNT_H
#define VIFD_XEN_GNT_H

#include <stdbool.h>
#include <stdint.h>

/* Operations in one gnt_copy_in() or gnt_copy_out(). */
#define GNT_COPY_MAX 256u

struct gnt;

/**
 * struct gnt_copy - One piece: @len bytes between a granted page and our memory, or another page
 * @local:  our bytes; may cross pages
 * @from:   instead of them, with @across: bytes in a page that another guest granted to us
 * @across: gnt_copy_out() only: the hypervisor copies from guest to guest
 * @ref:    grant reference, as the guest gave it
 * @offset: first byte in the guest's page; @offset + @len <= 4096, the caller checks
 * @len:    bytes, 1..4096
 * @status: out: 0 = copied, else GNTST_* (negative): nothing may be assumed
 */
struct gnt_copy {
	union {
		void *local;
		struct {
			uint32_t ref;
			uint16_t offset, domid;
		} from;
	};
	uint32_t ref;
	uint16_t offset;
	uint16_t len;
	int16_t status;
	bool across;
};

/** gnt_open() - Return: handle, NULL with errno set */
struct gnt *gnt_open(void);

/** gnt_close() - Everything must have been unmapped; NULL is fine */
void gnt_close(struct gnt *gnt);

/**
 * gnt_map() - Map pages that one guest granted to us, one after the other
 * @domid:    Granting guest, taken from the xenstore path, never from the ring
 * @refs:     Grant references (untrusted)
 * @nr:       How many
 * @writable: Map for writing too
 *
 * May block. All or nothing. Return: first byte, NULL with errno set
 */
void *gnt_map(struct gnt *gnt, uint16_t domid, const uint32_t *refs, uint32_t nr, bool writable);

/** gnt_unmap() - End a mapping of @nr pages. Return: 0, -errno */
int gnt_unmap(struct gnt *gnt, void *addr, uint32_t nr);

/**
 * gnt_copy_in() - Copy from a guest's pages
 * @ops: 1..GNT_COPY_MAX pieces; each gets its status
 *
 * One hypercall (the kernel may cut it). Never blocks, never logs.
 * Return: 0, -errno the call as a whole failed (every status is then non-zero)
 */
int gnt_copy_in(struct gnt *gnt, uint16_t domid, struct gnt_copy *ops, uint32_t nr);

/**
 * gnt_copy_out() - Copy to a guest's pages; see gnt_copy_in()
 *
 * The status of a piece with @across does not tell which of the two grants is bad.
 */
int gnt_copy_out(struct gnt *gnt, uint16_t domid, struct gnt_copy *ops, uint32_t nr);

#endif
