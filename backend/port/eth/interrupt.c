/* SPDX-License-Identifier: BSD-3-Clause */
#include "interrupt.h"

#include <poll.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "privileges.h"

/* DPDK acknowledges the interrupt of uio_pci_generic in the function's configuration space */
SYSCALLS("poll", "read", "pread64", "pwrite64", "ioctl");

void interrupt_open(struct interrupt *interrupt, uint16_t port_id, uint16_t queue, bool has)
{
	*interrupt = (struct interrupt){ .port_id = port_id, .queue = queue, .fd = -1 };
	if (has)
		interrupt->fd = rte_eth_dev_rx_intr_ctl_q_get_fd(port_id, queue);
}

/* Has the descriptor been readable? Then it is not any more. */
static bool take_event(const struct interrupt *interrupt)
{
	struct pollfd ready = { .fd = interrupt->fd, .events = POLLIN };
	uint64_t count;
	uint32_t events;

	if (poll(&ready, 1, 0) <= 0 || !(ready.revents & POLLIN))
		return false;
	/* eventfd wants 8 bytes, and uio 4 */
	if (read(interrupt->fd, &count, sizeof(count)) < 0)
		(void)!read(interrupt->fd, &events, sizeof(events));
	return true;
}

bool interrupt_arm(struct interrupt *interrupt)
{
	if (interrupt->fd < 0)
		return false;
	if (take_event(interrupt)) {
		interrupt->told = true;
		interrupt->armed = false;
	}
	if (interrupt->armed)
		return interrupt->told;
	/* some drivers forget what has happened only when they are told to stop */
	rte_eth_dev_rx_intr_disable(interrupt->port_id, interrupt->queue);
	if (rte_eth_dev_rx_intr_enable(interrupt->port_id, interrupt->queue) < 0)
		return false;
	interrupt->armed = true;
	return interrupt->told;
}
