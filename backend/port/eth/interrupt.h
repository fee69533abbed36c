/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive interrupts of a PCI function: its queues' descriptors tell of frames, so that an idle
 * function need not be polled.
 *
 * Theory of operation. Before the worker sleeps it arms each queue: the interrupt is acknowledged
 * and allowed again. Then it looks at the queue once more (worker.c), so no frame is missed.
 * Whether interrupts arrive at all is not known at first: a function on uio_pci_generic may have
 * no line, or one that nothing is routed to. So the function is polled as if it had none until
 * each queue's descriptor was readable once.
 *
 * The queue's worker, except where said.
 */
#ifndef VIFD_PORT_ETH_INTERRUPT_H
#define VIFD_PORT_ETH_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct interrupt - Those of one queue
 * @fd:    DPDK's, constant while the device is started; -1 = it has none
 * @armed: allowed, and the descriptor was not readable since
 * @told:  it was readable at least once
 */
struct interrupt {
	uint16_t port_id, queue;
	int fd;
	bool armed, told;
};

/** interrupt_open() - Any thread: of a device that was started, with them or without */
void interrupt_open(struct interrupt *interrupt, uint16_t port_id, uint16_t queue, bool has);

/** interrupt_arm() - Before the worker sleeps. Return: will the descriptor tell of every frame? */
bool interrupt_arm(struct interrupt *interrupt);

#endif
