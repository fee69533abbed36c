/* SPDX-License-Identifier: BSD-3-Clause */
#include "top_views.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sample.h"

const char *const top_view_names[TOP_VIEWS] = { "vif", "vf", "worker" };
const char *const top_sort_names[TOP_SORTS] = { "traffic", "tx",   "rx",  "frames",
						"drops",   "held", "name" };

static enum top_sort sorted_by;

int top_choice(const char *const *names, int nr, const char *word)
{
	for (int i = 0; i < nr; i++)
		if (!strcmp(names[i], word))
			return i;
	return -1;
}

static double key_of(struct json_object *line)
{
	double tx = rate_of(line, "tx_bytes_ps"), rx = rate_of(line, "rx_bytes_ps");

	switch (sorted_by) {
	case TOP_TX:
		return tx;
	case TOP_RX:
		return rx;
	case TOP_FRAMES:
		return rate_of(line, "tx_pps") + rate_of(line, "rx_pps");
	case TOP_DROPS:
		return rate_of(line, "drops_ps");
	case TOP_HELD:
		return (double)number_of(line, "held_buffers");
	case TOP_NAME:
		return 0;
	default:
		return tx + rx;
	}
}

/* Largest first; what is equal stays in the order of names, so that idle lines do not jump. */
static int compare(const void *a, const void *b)
{
	struct json_object *left = *(struct json_object *const *)a;
	struct json_object *right = *(struct json_object *const *)b;
	double more = key_of(right) - key_of(left);

	if (more < 0 || more > 0)
		return more > 0 ? 1 : -1;
	return strverscmp(text_of(left, "name"), text_of(right, "name"));
}

static void set_name(struct json_object *line, const char *name)
{
	json_object_object_add(line, "name", json_object_new_string(name));
}

/* "7.0 web" */
static void name_vif(struct json_object *sample, char *name, size_t size)
{
	const char *given = *text_of(sample, "vifname") ? text_of(sample, "vifname") :
							  text_of(sample, "guest");

	snprintf(name, size, "%s%s%s", text_of(sample, "vif"), *given ? " " : "", given);
}

static void name_vifs(struct json_object *samples)
{
	for (size_t i = 0; i < json_object_array_length(samples); i++) {
		struct json_object *sample = json_object_array_get_idx(samples, i);
		char name[128];

		name_vif(sample, name, sizeof(name));
		set_name(sample, name);
	}
}

/* The sample of the vif whose frames go by this VF. Return: borrowed, NULL */
static struct json_object *vif_on(struct json_object *samples, const char *pci)
{
	for (size_t i = 0; i < json_object_array_length(samples); i++) {
		struct json_object *sample = json_object_array_get_idx(samples, i);

		if (!strcmp(text_of(sample, "vf"), pci))
			return sample;
	}
	return NULL;
}

static struct json_object *by_vf(struct json_object *samples, struct json_object *vfs)
{
	struct json_object *lines = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(vfs); i++) {
		struct json_object *vf = json_object_array_get_idx(vfs, i);
		struct json_object *vif = vif_on(samples, text_of(vf, "pci"));
		struct json_object *line = json_object_new_object();
		char name[192], of[128] = "";

		if (vif) {
			json_object_object_foreach(vif, key, value)
				json_object_object_add(line, key, json_object_get(value));
			name_vif(vif, of, sizeof(of));
		}
		json_object_object_add(line, "vf", json_object_get(member_of(vf, "pci")));
		snprintf(name, sizeof(name), "%s/%" PRIu64 " %s", text_of(vf, "nic"),
			 number_of(vf, "index"), of);
		set_name(line, name);
		json_object_array_add(lines, line);
	}
	return lines;
}

static struct json_object *line_of_worker(struct json_object *lines, uint64_t worker)
{
	struct json_object *line;
	char name[32];

	snprintf(name, sizeof(name), "worker %" PRIu64, worker);
	for (size_t i = 0; i < json_object_array_length(lines); i++) {
		line = json_object_array_get_idx(lines, i);
		if (!strcmp(text_of(line, "name"), name))
			return line;
	}
	line = json_object_new_object();
	set_name(line, name);
	json_object_object_add(line, "worker", json_object_new_uint64(worker));
	json_object_array_add(lines, line);
	return line;
}

/* Vifs that are not connected have no worker. */
static struct json_object *by_worker(struct json_object *samples)
{
	static const char *const sums[] = { "tx_pps", "tx_bytes_ps", "rx_pps", "rx_bytes_ps",
					    "drops_ps" };
	struct json_object *lines = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(samples); i++) {
		struct json_object *sample = json_object_array_get_idx(samples, i), *line;

		if (!member_of(sample, "worker"))
			continue;
		line = line_of_worker(lines, number_of(sample, "worker"));
		for (size_t sum = 0; sum < sizeof(sums) / sizeof(sums[0]); sum++)
			add_rate(line, sums[sum],
				 rate_of(line, sums[sum]) + rate_of(sample, sums[sum]));
		json_object_object_add(line, "held_buffers",
				       json_object_new_uint64(number_of(line, "held_buffers") +
							      number_of(sample, "held_buffers")));
		json_object_object_add(line, "vifs",
				       json_object_new_uint64(number_of(line, "vifs") + 1));
	}
	return lines;
}

struct json_object *top_lines(enum top_view view, enum top_sort sort, struct json_object *samples,
			      struct json_object *vfs)
{
	struct json_object *lines = samples;

	if (view == TOP_VIFS)
		name_vifs(samples);
	else
		lines = view == TOP_VFS ? by_vf(samples, vfs) : by_worker(samples);
	if (lines != samples)
		json_object_put(samples);
	sorted_by = sort;
	json_object_array_sort(lines, compare);
	return lines;
}
