/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages about how frames are spread over a guest's queues (netif.h). Control thread. */
#ifndef VIFD_VIF_CTRL_HASH_H
#define VIFD_VIF_CTRL_HASH_H

#include "ctrl_turn.h"

/** ctrl_hash_*() - Answer one message. Return: status of the response */
uint32_t ctrl_hash_set_algorithm(struct turn *turn);
uint32_t ctrl_hash_get_flags(struct turn *turn);
uint32_t ctrl_hash_set_flags(struct turn *turn);
uint32_t ctrl_hash_set_key(struct turn *turn);
uint32_t ctrl_hash_get_mapping_size(struct turn *turn);
uint32_t ctrl_hash_set_mapping_size(struct turn *turn);
uint32_t ctrl_hash_set_mapping(struct turn *turn);

#endif
