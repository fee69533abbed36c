/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Strict reading of decimal numbers and MAC addresses: no sign, no blank, no hexadecimal.
 * Any thread; nothing is kept, nothing is logged.
 */
#ifndef VIFD_BASE_TEXT_H
#define VIFD_BASE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/* "aa:bb:cc:dd:ee:ff" and its end */
#define TEXT_MAC_SIZE 18u

/** text_take() - Move *@text past @c; false: it does not begin with @c */
bool text_take(const char **text, char c);

/**
 * text_take_u64() - Read the digits that *@text begins with, and move it past them
 *
 * Return: 0; -EINVAL: there are none; -ERANGE: not @min to @max. *@text and *@number then stay.
 */
int text_take_u64(const char **text, uint64_t min, uint64_t max, uint64_t *number);

/** text_take_u32() - The same for numbers of 32 bits */
int text_take_u32(const char **text, uint32_t min, uint32_t max, uint32_t *number);

/**
 * text_u32() - Read a text that is a number and nothing else
 *
 * Return: 0; -EINVAL: it is not; -ERANGE: not @min to @max. *@number then stays.
 */
int text_u32(const char *text, uint32_t min, uint32_t max, uint32_t *number);

/**
 * text_list() - Read numbers and ranges of numbers, as "2,3,8-11"
 * @max:  the largest number, below 65535
 * @list: the numbers in the order of @text
 * @size: room in @list
 *
 * Return: how many there are; -EINVAL: it is no such list; -ERANGE: a number is too large, or is
 * there twice; -ENOSPC
 */
int text_list(const char *text, uint16_t max, uint16_t *list, uint32_t size);

/** text_mac() - Read "aa:bb:cc:dd:ee:ff", of either case; 0, or -EINVAL and @mac stays */
int text_mac(const char *text, uint8_t mac[6]);

/** text_put_mac() - Write @mac as "aa:bb:cc:dd:ee:ff"; returns @text */
const char *text_put_mac(char text[TEXT_MAC_SIZE], const uint8_t mac[6]);

#endif
