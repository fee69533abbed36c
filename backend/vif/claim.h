/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Beside the kernel's xen-netback: which vifs are vifd's, and how vifd takes those from it.
 *
 * Linux binds xen-netback to every device below backend/vif as it appears, and to those that it
 * finds when the module is loaded. `script` says whose a vif is; vifd unbinds its own. The races
 * between xen-netback, the toolstack and vifd are in doc/mixed-host.md. Control thread only.
 */
#ifndef VIFD_VIF_CLAIM_H
#define VIFD_VIF_CLAIM_H

#include <stdbool.h>

struct vif;

/**
 * claim_wants() - Is the vif vifd's?
 *
 * With claim = all each one is. Otherwise it is if its script is vif-vifd or begins with vif-vifd-,
 * or if it has none: xen-netback does not serve a vif without a script.
 */
bool claim_wants(const struct vif *vif);

/**
 * claim_take() - Unbind xen-netback, if it is bound, and put right what it wrote
 *
 * The link in sysfs is there before xen-netback writes its first key, so whoever reads a key of
 * xen-netback's has to call this first. May wait some 10 ms for the kernel.
 * Return: 0 it is not bound; 1 it was until now: the states are to be read again; -EAGAIN it still
 * is, for a moment; -errno it still is, logged and told in `fault`
 */
int claim_take(struct vif *vif);

#endif
