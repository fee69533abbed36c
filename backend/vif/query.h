/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asks a guest for its multicast groups. A guest that came from another host, or from another back
 * end, has reported them there, and many report each only once; where the NIC delivers to a vif
 * only the groups that were asked for (port/filter/groups.h), it would hear of none of them.
 *
 * Theory of operation. What a querier on the wire sends now and then is given to this guest alone,
 * once: a general query of IGMPv3 and one of MLDv2, which hosts of earlier versions understand as
 * well. Its source addresses are ones that make nobody believe that there is another querier. The
 * guest's reports pass as everything that it sends does, and are learnt from.
 *
 * Not protected against: only groups of the untagged network are reported; a guest's VLAN devices
 * are not asked.
 */
#ifndef VIFD_VIF_QUERY_H
#define VIFD_VIF_QUERY_H

struct vif;

/** query_guest() - Connected, and nobody knows its groups. Control thread */
void query_guest(struct vif *vif);

#endif
