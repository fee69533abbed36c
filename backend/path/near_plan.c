/* SPDX-License-Identifier: BSD-3-Clause */
/* What a frame that goes near is copied from, and to; see near.h. */
#include "near.h"
#include "rx_pass.h"

/* Where the next byte goes. */
struct near_place {
	const uint32_t *refs;
	uint32_t in_slot;
};

static uint32_t near_room(struct near_place *place, uint32_t len)
{
	if (place->in_slot == NETIF_PAGE_SIZE) {
		place->refs++;
		place->in_slot = 0;
	}
	return RTE_MIN(len, NETIF_PAGE_SIZE - place->in_slot);
}

static void near_plan_head(struct rx_pass *pass, struct near_place *place, char *local,
			   uint32_t left)
{
	while (left) {
		uint32_t len = near_room(place, left);

		rx_plan_piece(pass, local,
			      &(struct gnt_copy){ .ref = place->refs[0],
						  .offset = (uint16_t)place->in_slot,
						  .len = (uint16_t)len });
		place->in_slot += len;
		local += len;
		left -= len;
	}
}

/* One piece of a static page of the sender's: by the processor, or by way of our memory. */
static void near_plan_static(struct rx_pass *pass, const struct path_rest *rest, uint32_t at,
			     const struct gnt_copy *piece)
{
	const struct static_page *page = statics_find(&pass->queue->statics, piece->ref, true);

	if (page) {
		plan_memcpy(&pass->plan, static_page_bytes(page) + piece->offset, rest->page + at,
			    piece->len);
		return;
	}
	plan_memcpy(&pass->plan, rest->local + at, rest->page + at, piece->len);
	plan_grant_copy(&pass->plan, rest->local + at, piece);
}

static void near_plan_rest(const struct near *near, struct rx_pass *pass, struct near_place *place,
			   const struct path_rest *rest)
{
	uint32_t at = 0;

	while (at < rest->len) {
		uint32_t len = near_room(place, rest->len - at);
		struct gnt_copy piece = { .ref = place->refs[0],
					  .offset = (uint16_t)place->in_slot,
					  .len = (uint16_t)len };

		if (rest->page) {
			near_plan_static(pass, rest, at, &piece);
		} else {
			piece.from.ref = rest->ref;
			piece.from.offset = (uint16_t)(rest->offset + at);
			piece.from.domid = near->domid;
			plan_across(&pass->plan, &piece);
		}
		place->in_slot += len;
		at += len;
	}
}

void near_plan(const struct near *near, struct rx_pass *pass, const struct rx_frame *frame,
	       const uint32_t *refs)
{
	struct near_place place = { .refs = refs, .in_slot = frame->headroom };

	near_plan_head(pass, &place, rte_pktmbuf_mtod(frame->mbuf, char *), frame->mbuf->data_len);
	for (uint32_t i = 0; i < near->nr_rest; i++)
		near_plan_rest(near, pass, &place, &near->rest[i]);
}
