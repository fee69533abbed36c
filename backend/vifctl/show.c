/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that show what is there now: list, show, vfs, vf, nics, memory, counters. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "print.h"
#include "vifctl.h"

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
}

static void rate_text(struct json_object *vif, char *text, size_t size)
{
	uint64_t bytes = number_of(vif, "rate_bytes"), us = number_of(vif, "rate_us");

	if (bytes && us)
		snprintf(text, size, "%.1f", (double)bytes * 8 / (double)us);
	else
		snprintf(text, size, "-");
}

/* The name that was given to this vif alone, or its guest's. */
static const char *name_of(struct json_object *vif)
{
	return or_dash(*text_of(vif, "vifname") ? text_of(vif, "vifname") : text_of(vif, "guest"));
}

static bool is_virtual_vf(struct json_object *vif)
{
	return *text_of(vif, "virtual_pf") != '\0';
}

/* A virtual VF that is not connected waits for its guest to want it. */
static const char *state_of(struct json_object *vif)
{
	if (number_of(vif, "held"))
		return "held";
	if (is_virtual_vf(vif) && !number_of(vif, "connected") &&
	    !number_of(vif, "virtual_vf_wanted"))
		return "parked";
	return text_of(vif, "state");
}

static void list_line(struct json_object *vif)
{
	struct json_object *counters = member_of(vif, "counters");
	char rate[32], name[16];

	rate_text(vif, rate, sizeof(rate));
	snprintf(name, sizeof(name), "%s%s", is_virtual_vf(vif) ? "  " : "", text_of(vif, "vif"));
	printf("%-10s %-12s %-17s %-12s %-8s %-12s %-4s %7s %12" PRIu64 " %12" PRIu64 " %9" PRIu64
	       "\n",
	       name, name_of(vif), text_of(vif, "mac"), state_of(vif),
	       or_dash(text_of(vif, "path")), or_dash(text_of(vif, "vf")),
	       number_of(vif, "link") ? "up" : "down", rate, number_of(counters, "tx_packets"),
	       number_of(counters, "rx_packets"), vif_drops(vif));
}

/* A virtual PF's VFs stand below it. */
static void list_vif(struct json_object *vifs, struct json_object *vif)
{
	list_line(vif);
	for (size_t i = 0; i < json_object_array_length(vifs); i++) {
		struct json_object *other = json_object_array_get_idx(vifs, i);

		if (!strcmp(text_of(other, "virtual_pf"), text_of(vif, "vif")))
			list_line(other);
	}
}

enum status vifctl_list(struct client *client, const struct options *options)
{
	struct json_object *vifs = client_vifs(client);

	if (!vifs)
		return client->error;
	if (options->json)
		return print_json(vifs, false);
	printf("%-10s %-12s %-17s %-12s %-8s %-12s %-4s %7s %12s %12s %9s\n", "VIF", "NAME", "MAC",
	       "STATE", "PATH", "VF", "LINK", "MBIT/S", "TX FRAMES", "RX FRAMES", "DROPPED");
	for (size_t i = 0; i < json_object_array_length(vifs); i++)
		if (!is_virtual_vf(json_object_array_get_idx(vifs, i)))
			list_vif(vifs, json_object_array_get_idx(vifs, i));
	json_object_put(vifs);
	return STATUS_OK;
}

/* Counters of each queue, beside their sums. */
static void add_queues(struct client *client, struct json_object *vif)
{
	struct json_object *queues = json_object_new_array();

	for (uint64_t i = 0; i < number_of(vif, "queues"); i++) {
		struct json_object *queue =
			client_ask(client, "/vifd/queue,%s.%" PRIu64, text_of(vif, "vif"), i);

		if (!queue)
			break;
		json_object_array_add(queues, queue);
	}
	json_object_object_add(vif, "queue_counters", queues);
}

static void show_members(struct json_object *object, const char *before)
{
	json_object_object_foreach(object, name, value)
	{
		const char *text = json_object_get_string(value);

		if (!json_object_is_type(value, json_type_object) &&
		    !json_object_is_type(value, json_type_array))
			printf("%s%-16s %s\n", before, name, or_dash(text ? text : ""));
	}
}

/* Without the zeros: a counter that is not shown has not counted. */
static void show_counters(struct json_object *vif)
{
	struct json_object *counters = member_of(vif, "counters");
	struct json_object *queues = member_of(vif, "queue_counters");
	size_t nr = json_object_array_length(queues);

	printf("\n%-18s %14s", "counters", "sum");
	for (size_t i = 0; nr > 1 && i < nr; i++)
		printf(" %11s%2zu", "queue", i);
	puts("");
	json_object_object_foreach(counters, name, value)
	{
		if (!json_object_get_uint64(value))
			continue;
		printf("  %-16s %14" PRIu64, name, json_object_get_uint64(value));
		for (size_t i = 0; nr > 1 && i < nr; i++)
			printf(" %13" PRIu64,
			       number_of(json_object_array_get_idx(queues, i), name));
		puts("");
	}
}

static void show_section(struct json_object *vif, const char *name)
{
	struct json_object *section = member_of(vif, name);

	if (!section)
		return;
	printf("\n%s\n", name);
	show_members(section, "  ");
}

enum status vifctl_show(struct client *client, const struct options *options)
{
	struct json_object *vif, *capability;

	if (options->why)
		return vifctl_why(client, options);
	vif = client_ask(client, "/vifd/vif,%s", options->args[0]);
	if (!vif)
		return client->error;
	if (number_of(vif, "connected"))
		add_queues(client, vif);
	if (options->json)
		return print_json(vif, false);
	show_members(vif, "");
	capability = member_of(vif, "capability");
	show_section(vif, "capability");
	show_section(capability, "record");
	show_section(capability, "frontend");
	show_section(vif, "port");
	show_section(vif, "per_1000_frames");
	if (member_of(vif, "counters") && member_of(vif, "queue_counters"))
		show_counters(vif);
	json_object_put(vif);
	return STATUS_OK;
}

enum status vifctl_vfs(struct client *client, const struct options *options)
{
	struct json_object *vfs = client_ask_pages(client, "/vifd/vfs");

	if (!vfs)
		return client->error;
	if (options->json)
		return print_json(vfs, false);
	printf("%-13s %-12s %5s %-15s %-17s %s\n", "PCI", "NIC", "INDEX", "NETDEV", "MAC", "OWNER");
	for (size_t i = 0; i < json_object_array_length(vfs); i++) {
		struct json_object *vf = json_object_array_get_idx(vfs, i);

		printf("%-13s %-12s %5" PRIu64 " %-15s %-17s %s\n", text_of(vf, "pci"),
		       text_of(vf, "nic"), number_of(vf, "index"), or_dash(text_of(vf, "netdev")),
		       or_dash(text_of(vf, "mac")), or_dash(text_of(vf, "owner")));
	}
	json_object_put(vfs);
	return STATUS_OK;
}

enum status vifctl_vf(struct client *client, const struct options *options)
{
	struct json_object *vf = client_ask(client, "/vifd/vf,%s", options->args[0]);

	if (!vf)
		return client->error;
	if (options->json)
		return print_json(vf, false);
	show_members(vf, "");
	show_section(vf, "values");
	show_section(vf, "nic_counters");
	show_section(vf, "driver_counters");
	json_object_put(vf);
	return STATUS_OK;
}

enum status vifctl_nics(struct client *client, const struct options *options)
{
	struct json_object *answer = client_ask(client, "/vifd/nics");
	struct json_object *nics;

	if (!answer)
		return client->error;
	nics = json_object_new_array();
	json_object_object_foreach(answer, key, nic)
	{
		(void)key;
		json_object_array_add(nics, json_object_get(nic));
	}
	json_object_put(answer);
	if (options->json)
		return print_json(nics, false);
	printf("%-16s %-4s %10s %5s %6s  %s\n", "NIC", "LINK", "MBIT/S", "VFS", "TAKEN", "NATIVE");
	for (size_t i = 0; i < json_object_array_length(nics); i++) {
		struct json_object *nic = json_object_array_get_idx(nics, i);

		printf("%-16s %-4s %10" PRIu64 " %5" PRIu64 " %6" PRIu64 "  %s\n",
		       text_of(nic, "nic"), number_of(nic, "link") ? "up" : "down",
		       number_of(nic, "speed_mbps"), number_of(nic, "vfs"),
		       number_of(nic, "vfs_taken"), or_dash(text_of(nic, "native")));
	}
	json_object_put(nics);
	return STATUS_OK;
}

enum status vifctl_memory(struct client *client, const struct options *options)
{
	struct json_object *pools = client_ask(client, "/vifd/memory");

	if (!pools)
		return client->error;
	if (options->json)
		return print_json(pools, false);
	printf("%-20s %8s %8s %8s  %s\n", "POOL", "BUFFERS", "FREE", "BYTES", "HOLDS");
	json_object_object_foreach(pools, name, pool)
		printf("%-20s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 "  %s\n", name,
		       number_of(pool, "buffers"), number_of(pool, "free"),
		       number_of(pool, "bytes_each"), text_of(pool, "holds"));
	json_object_put(pools);
	return STATUS_OK;
}

enum status vifctl_counters(struct client *client, const struct options *options)
{
	struct json_object *counters = client_ask(client, "/vifd/counters");

	if (!counters)
		return client->error;
	if (options->json)
		return print_json(counters, false);
	show_members(counters, "");
	json_object_put(counters);
	return STATUS_OK;
}
