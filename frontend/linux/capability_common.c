// SPDX-License-Identifier: GPL-2.0
/* The record's parser and formatter, compiled from the same source as the daemon's. */
#include "../../common/capability.c"
