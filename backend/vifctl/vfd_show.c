/* SPDX-License-Identifier: BSD-3-Clause */
#include "vfd.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "print.h"

/** struct table - @out: of the text; @vfs, @vifs: as vifd answered */
struct table {
	FILE *out;
	const char *what;
	struct json_object *nics, *vfs, *vifs;
};

static struct json_object *vif_on(const struct table *table, const char *pci)
{
	for (size_t i = 0; i < json_object_array_length(table->vifs); i++) {
		struct json_object *vif = json_object_array_get_idx(table->vifs, i);

		if (!strcmp(text_of(vif, "vf"), pci))
			return vif;
	}
	return NULL;
}

static void put_vf(const struct table *table, struct json_object *vf)
{
	struct json_object *vif = vif_on(table, text_of(vf, "pci"));
	struct json_object *counters = member_of(vif, "counters");

	fprintf(table->out,
		"vf %3" PRIu64 " %-12s %-12s %-4s %12" PRIu64 " %14" PRIu64 " %12" PRIu64
		" %14" PRIu64 " %9" PRIu64 " %9" PRIu64 "\n",
		number_of(vf, "index"), text_of(vf, "pci"), vif ? text_of(vif, "vif") : "-",
		number_of(vif, "link") ? "UP" : "DOWN", number_of(counters, "rx_packets"),
		number_of(counters, "rx_bytes"), number_of(counters, "tx_packets"),
		number_of(counters, "tx_bytes"), vif ? vif_drops(vif) : 0,
		number_of(counters, "tx_drop_spoof"));
}

static void put_pf(const struct table *table, const char *number, struct json_object *nic)
{
	fprintf(table->out,
		"pf %3s %-12s %" PRIu64 " of %" PRIu64 " VFs taken, %s, %" PRIu64 " Mbit/s\n",
		number, text_of(nic, "nic"), number_of(nic, "vfs_taken"), number_of(nic, "vfs"),
		number_of(nic, "link") ? "UP" : "DOWN", number_of(nic, "speed_mbps"));
	for (size_t i = 0; strcmp(table->what, "pfs") && i < json_object_array_length(table->vfs);
	     i++) {
		struct json_object *vf = json_object_array_get_idx(table->vfs, i);

		if (!strcmp(text_of(vf, "nic"), text_of(nic, "nic")))
			put_vf(table, vf);
	}
}

static void put_mirrors(const struct table *table)
{
	for (size_t i = 0; i < json_object_array_length(table->vifs); i++) {
		struct json_object *vif = json_object_array_get_idx(table->vifs, i);
		uint64_t frames = number_of(member_of(vif, "counters"), "mirrored");

		if (frames)
			fprintf(table->out, "mirror vif %s: %" PRIu64 " frames\n",
				text_of(vif, "vif"), frames);
	}
}

static void put_table(const struct table *table)
{
	bool all = !strcmp(table->what, "all") || !strcmp(table->what, "extended") ||
		   !strcmp(table->what, "pfs");

	fprintf(table->out, "   %3s %-12s %-12s %-4s %12s %14s %12s %14s %9s %9s\n", "ID", "PCI",
		"VIF", "LINK", "RX FRAMES", "RX BYTES", "TX FRAMES", "TX BYTES", "DROPPED",
		"SPOOFED");
	json_object_object_foreach(table->nics, number, nic)
	{
		if (all || !strcmp(table->what, number))
			put_pf(table, number, nic);
	}
}

struct json_object *vfd_show(struct client *client, const char *what)
{
	struct table table = { .what = what };
	struct json_object *text = NULL;
	char *buffer = NULL;
	size_t size = 0;

	table.nics = client_ask(client, "/vifd/nics");
	table.vfs = table.nics ? client_ask_pages(client, "/vifd/vfs") : NULL;
	table.vifs = table.vfs ? client_vifs(client) : NULL;
	table.out = table.vifs ? open_memstream(&buffer, &size) : NULL;
	if (table.out) {
		if (!strcmp(what, "mirrors"))
			put_mirrors(&table);
		else
			put_table(&table);
		fclose(table.out);
		text = json_object_new_string(buffer);
		free(buffer);
	}
	json_object_put(table.nics);
	json_object_put(table.vfs);
	json_object_put(table.vifs);
	return text;
}
