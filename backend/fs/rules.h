/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules of a vif and errors, for files.c and mirrors.c. One thread. */
#ifndef VIFD_FS_RULES_H
#define VIFD_FS_RULES_H

#include "files.h"

/** rule_wrong() - Note why @vif's last file was not read or written. Return: -@error */
int rule_wrong(struct vif_files *files, const char *vif, int error, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/** rule_value() - FILE_TEXT_MAX bytes; "" = it is not set and has no default. Return: 0, -errno */
int rule_value(struct vif_files *files, const char *vif, const char *rule, char *text);

/** rule_set() - Set a rule; "" = it ends. Return: 0, -errno */
int rule_set(struct vif_files *files, const char *vif, const char *rule, const char *text);

/** rules_set() - "KEY=VALUE;KEY": all or none. Return: 0, -errno */
int rules_set(struct vif_files *files, const char *vif, const char *words);

/* mirrors.c: who sends copies to this vif; @direction: rx or tx, of the frames' own vif */
int mirror_read(struct vif_files *files, const char *vif, const char *direction, char *text);
int mirror_write(struct vif_files *files, const char *vif, const char *direction, const char *text);
int mirror_vlan_read(struct vif_files *files, const char *vif, const char *rule, char *text);
int mirror_vlan_write(struct vif_files *files, const char *vif, const char *rule, const char *text);

#endif
