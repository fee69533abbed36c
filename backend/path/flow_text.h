/* SPDX-License-Identifier: BSD-3-Clause */
/* Flow rules in words, for people: "eth / ipv4 dst 10.0.0.1 / udp dst 53", "mark 7 queue 2". */
#ifndef VIFD_PATH_FLOW_TEXT_H
#define VIFD_PATH_FLOW_TEXT_H

#include "flows.h"

/* Bytes of a piece of text, with its end */
#define FLOW_TEXT_PIECE 96u

/** flow_text_put - Takes one piece; a blank belongs between two */
typedef void (*flow_text_put)(void *arg, const char *piece);

/**
 * flow_text_match() - What a rule of @flows matches, in few pieces
 *
 * A field is NAME VALUE, or NAME VALUE/MASK; what has no name is @OFFSET VALUE/MASK, in hex.
 * Any thread that keeps @flows.
 */
void flow_text_match(const struct flows *flows, const struct flow_rule *rule, flow_text_put put,
		     void *arg);

/** flow_text_actions() - What is done then */
void flow_text_actions(const struct flow_rule *rule, flow_text_put put, void *arg);

#endif
