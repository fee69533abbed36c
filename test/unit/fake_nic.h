/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A NIC that takes rules of rte_flow, and the port of a VF of it, which offers it rules as every
 * ethdev does (port/eth/flow.h). A frame that arrives is judged by the rules that are there at that
 * moment, as rte_flow.h describes them: masked addresses and type, nothing of vifd's. A test that
 * links it wraps rte_flow_validate rte_flow_create rte_flow_destroy rte_flow_flush rte_flow_query.
 */
#ifndef VIFD_TEST_FAKE_NIC_H
#define VIFD_TEST_FAKE_NIC_H

#include <stdbool.h>
#include <stdint.h>

#include "port/port.h"

/**
 * struct fake_nic - Zeroed by fake_nic_reset()
 * @no_driver: it knows no rules; @refuses: it takes none like that; @no_count: it counts nothing
 * @room:      rules that it has room for
 * @keeps, @keeps_all: it cannot remove one rule, cannot remove all
 * @changed:   called before each change of its rules, NULL = not
 * @rules, @made: that it has, ever had; @asked: rte_flow's calls
 * @dropped:   frames that its rules dropped
 * @open:      its ports
 */
extern struct fake_nic {
	bool no_driver, refuses, no_count, keeps, keeps_all;
	uint32_t room;
	void (*changed)(void);
	uint32_t rules, made, asked;
	uint64_t dropped;
	uint32_t open;
} fake_nic;

/** fake_nic_reset() - As many NICs are: it takes rules, and counts */
void fake_nic_reset(void);

/** fake_nic_open() - Return: the only port, with address 02:00:00:00:00:@last */
struct port *fake_nic_open(uint8_t last);

/** fake_nic_feed() - A frame arrives; in buffers of @segment bytes */
void fake_nic_feed(const uint8_t *bytes, uint32_t len, uint32_t segment);

#endif
