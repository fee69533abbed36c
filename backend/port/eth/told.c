/* SPDX-License-Identifier: BSD-3-Clause */
#include "told.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "device.h"
#include "log.h"

LOG_TAG("eth");

static _Atomic(struct wake *) waker;
static atomic_bool told;

static void tell(void)
{
	struct wake *wake = atomic_load(&waker);

	atomic_store(&told, true);
	if (wake)
		wake_worker(wake);
}

bool told_set(atomic_bool *state, bool value)
{
	if (atomic_load_explicit(state, memory_order_relaxed) == value ||
	    atomic_exchange(state, value) == value)
		return false;
	tell();
	return true;
}

/* Its rings are dead, whatever is given to them. */
static int on_reset(uint16_t port_id, enum rte_eth_event_type event, void *arg, void *ret)
{
	struct eth *eth = arg;

	(void)port_id;
	(void)event;
	(void)ret;
	if (told_set(&eth->reset, true))
		log_warn("%s: its PF has reset it", eth->device);
	told_set(&eth->gone, true);
	return 0;
}

static int on_link(uint16_t port_id, enum rte_eth_event_type event, void *arg, void *ret)
{
	(void)port_id;
	(void)event;
	(void)arg;
	(void)ret;
	tell();
	return 0;
}

static const struct {
	enum rte_eth_event_type event;
	rte_eth_dev_cb_fn fn;
} calls[] = {
	{ RTE_ETH_EVENT_INTR_RESET, on_reset },
	{ RTE_ETH_EVENT_INTR_LSC, on_link },
};

void told_wake(struct wake *wake)
{
	atomic_store(&waker, wake);
}

bool told_take(void)
{
	return atomic_exchange(&told, false);
}

/* A virtual device's driver makes its interrupts itself. */
bool told_has_link(const struct eth *eth, const struct rte_eth_dev_info *info)
{
	bool arrive = strcmp(eth->bus, "pci") || (eth->vectors && eth->driver->interrupts);

	return arrive && *info->dev_flags & RTE_ETH_DEV_INTR_LSC;
}

int told_open(struct eth *eth)
{
	int ret = 0;

	for (size_t i = 0; i < RTE_DIM(calls) && ret == 0; i++)
		ret = rte_eth_dev_callback_register(eth->port_id, calls[i].event, calls[i].fn, eth);
	if (ret == 0 && !eth->tells_link)
		log_info("%s: no interrupt for its link, which is looked at each second unless its "
			 "driver tells of changes",
			 eth->device);
	return ret;
}

void told_close(struct eth *eth)
{
	for (size_t i = 0; i < RTE_DIM(calls); i++)
		/* one that is running cannot be removed */
		while (rte_eth_dev_callback_unregister(eth->port_id, calls[i].event, calls[i].fn,
						       eth) == -EAGAIN)
			sched_yield();
}
