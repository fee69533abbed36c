// SPDX-License-Identifier: GPL-2.0
#include <linux/errno.h>

#include "pf_state.h"

static bool state_is_fine(const struct vifvpf_state *state)
{
	return state->gone <= 1 && state->connected <= 1 && state->spoofchk <= 1 &&
	       state->trust <= 1 && state->link <= VIFVPF_LINK_DISABLE &&
	       state->vlan <= VIFVPF_VLAN_MAX && state->priority <= VIFVPF_PRIORITY_MAX &&
	       !(state->mac[0] & 1);
}

/**
 * pf_states_check() - Check the answer to VIFVPF_CTRL_QUERY
 * @states: A copy of what the back end has written (untrusted)
 * @nr:     How many it says they are (untrusted)
 * @most:   That were asked for, at most VIFVPF_STATES_MAX
 *
 * Return: 0; -EPROTO: none of them is used
 */
int pf_states_check(const struct vifvpf_state *states, u32 nr, u32 most)
{
	u32 i;

	if (!nr || nr > most)
		return -EPROTO;
	for (i = 0; i < nr; i++)
		if (!state_is_fine(&states[i]))
			return -EPROTO;
	return 0;
}
