/* SPDX-License-Identifier: BSD-3-Clause */
/* Included before all else: a path without mirrors and captures, which the real one is compared with. */
#include "backend/path/mirror.h"

#define mirror_on(...) 0u
