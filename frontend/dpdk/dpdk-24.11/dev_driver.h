/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2022 Red Hat, Inc.
 */
#ifndef DEV_DRIVER_H
#define DEV_DRIVER_H 
#include <rte_common.h>
#include <rte_dev.h>
struct rte_driver {
 RTE_TAILQ_ENTRY(rte_driver) next;
 const char *name;
 const char *alias;
};
struct rte_device {
 RTE_TAILQ_ENTRY(rte_device) next;
 const char *name;
 const char *bus_info;
 const struct rte_driver *driver;
 const struct rte_bus *bus;
 int numa_node;
 struct rte_devargs *devargs;
};
#endif
