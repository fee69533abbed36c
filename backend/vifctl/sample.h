/* SPDX-License-Identifier: BSD-3-Clause */
/* What vifs did between two looks at them: for commands that go on. One thread. */
#ifndef VIFD_VIFCTL_SAMPLE_H
#define VIFD_VIFCTL_SAMPLE_H

#include "client.h"

/** now_seconds() - Of a clock that nobody sets */
double now_seconds(void);

/** pause_seconds() */
void pause_seconds(double seconds);

/** find_vif() - By DOMID.HANDLE, in what client_vifs() returned. Return: borrowed, NULL */
struct json_object *find_vif(struct json_object *vifs, const char *name);

/** rate_of() - A member that add_rate() made, 0 = there is none */
double rate_of(struct json_object *sample, const char *name);

/** add_rate() - A member with one decimal */
void add_rate(struct json_object *sample, const char *name, double rate);

/**
 * sample_vifs() - What each vif did in the @seconds between @before and @vifs
 *
 * Rates per second are tx_pps, tx_bytes_ps, rx_pps, rx_bytes_ps and drops_ps; 0 of a vif that is
 * new or has been reset. Return: array of objects, the caller's to put
 */
struct json_object *sample_vifs(struct json_object *vifs, struct json_object *before,
				double seconds);

#endif
