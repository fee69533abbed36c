/* SPDX-License-Identifier: BSD-3-Clause */
#include "sample.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "print.h"

double now_seconds(void)
{
	return (double)clock_us() / 1e6;
}

void pause_seconds(double seconds)
{
	struct timespec ts = { .tv_sec = (time_t)seconds };

	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
	nanosleep(&ts, NULL);
}

struct json_object *find_vif(struct json_object *vifs, const char *name)
{
	for (size_t i = 0; vifs && i < json_object_array_length(vifs); i++) {
		struct json_object *vif = json_object_array_get_idx(vifs, i);

		if (!strcmp(text_of(vif, "vif"), name))
			return vif;
	}
	return NULL;
}

double rate_of(struct json_object *sample, const char *name)
{
	return json_object_get_double(member_of(sample, name));
}

void add_rate(struct json_object *sample, const char *name, double rate)
{
	char text[32];

	snprintf(text, sizeof(text), "%.1f", rate);
	json_object_object_add(sample, name, json_object_new_double_s(rate, text));
}

/* A vif that is new, or whose counters began again, has no rate yet. */
static double per_second(uint64_t now, uint64_t before, double seconds)
{
	return now > before && seconds > 0 ? (double)(now - before) / seconds : 0;
}

static struct json_object *sample_vif(struct json_object *vif, struct json_object *before,
				      double seconds)
{
	static const char *const rates[][2] = { { "tx_packets", "tx_pps" },
						{ "tx_bytes", "tx_bytes_ps" },
						{ "rx_packets", "rx_pps" },
						{ "rx_bytes", "rx_bytes_ps" } };
	static const char *const same[] = { "vif", "guest",  "vifname", "state",	"path",
					    "vf",  "worker", "link",	"held_buffers", "stalled" };
	struct json_object *sample = json_object_new_object();
	struct json_object *now = member_of(vif, "counters"), *then = member_of(before, "counters");

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		json_object_object_add(sample, same[i], json_object_get(member_of(vif, same[i])));
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		add_rate(sample, rates[i][1],
			 then ? per_second(number_of(now, rates[i][0]),
					   number_of(then, rates[i][0]), seconds) :
				0);
	add_rate(sample, "drops_ps",
		 then ? per_second(vif_drops(vif), vif_drops(before), seconds) : 0);
	return sample;
}

struct json_object *sample_vifs(struct json_object *vifs, struct json_object *before,
				double seconds)
{
	struct json_object *samples = json_object_new_array();

	for (size_t i = 0; i < json_object_array_length(vifs); i++) {
		struct json_object *vif = json_object_array_get_idx(vifs, i);

		json_object_array_add(
			samples, sample_vif(vif, find_vif(before, text_of(vif, "vif")), seconds));
	}
	return samples;
}
