/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest of fake_host.h, vif 0, that sends messages about flow rules. */
#ifndef VIFD_TEST_FLOW_GUEST_H
#define VIFD_TEST_FLOW_GUEST_H

#include "common/flow.h"
#include "fake_host.h"

/* The guest, what it received last, and the page that its messages name. */
extern struct guest *flow_guest;
extern struct guest_frame flow_got;
extern uint32_t flow_page_ref;

/** flow_guest_connect() - With a control ring; frames with marks are fine */
void flow_guest_connect(uint16_t domid);

/** flow_ask() - Send a message. Return: the response's status */
uint32_t flow_ask(uint16_t type, uint32_t a, uint32_t b);

/** flow_draft() - The rule in the page, zeroed, with its first item, ETH */
struct vifflow_rule *flow_draft(uint32_t id);

/** flow_finish_handover() - The move is over, and the vif is @where */
void flow_finish_handover(const char *where);

#endif
