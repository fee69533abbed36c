/* SPDX-License-Identifier: BSD-3-Clause */
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool text_take(const char **text, char c)
{
	if (**text != c)
		return false;
	++*text;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int text_take_u64(const char **text, uint64_t min, uint64_t max, uint64_t *number)
{
	const char *at = *text;
	uint64_t sum = 0;

	if (!is_digit(*at))
		return -EINVAL;
	for (; is_digit(*at); at++) {
		uint64_t digit = (uint64_t)(*at - '0');

		if (digit > max || sum > (max - digit) / 10)
			return -ERANGE;
		sum = sum * 10 + digit;
	}
	if (sum < min)
		return -ERANGE;
	*text = at;
	*number = sum;
	return 0;
}

int text_take_u32(const char **text, uint32_t min, uint32_t max, uint32_t *number)
{
	uint64_t wide;
	int ret = text_take_u64(text, min, max, &wide);

	if (!ret)
		*number = (uint32_t)wide;
	return ret;
}

int text_u32(const char *text, uint32_t min, uint32_t max, uint32_t *number)
{
	if (!*text || text[strspn(text, "0123456789")])
		return -EINVAL;
	return text_take_u32(&text, min, max, number);
}

/* Return: 0, -ERANGE: it is there already, -ENOSPC */
static int list_add(uint16_t *list, uint32_t *nr, uint32_t size, uint32_t number)
{
	for (uint32_t i = 0; i < *nr; i++)
		if (list[i] == number)
			return -ERANGE;
	if (*nr == size)
		return -ENOSPC;
	list[(*nr)++] = (uint16_t)number;
	return 0;
}

/* "8" or "8-11" */
static int list_take(const char **text, uint16_t max, uint32_t *first, uint32_t *last)
{
	int ret = text_take_u32(text, 0, max, first);

	*last = *first;
	if (!ret && text_take(text, '-'))
		ret = text_take_u32(text, *first, max, last);
	return ret;
}

int text_list(const char *text, uint16_t max, uint16_t *list, uint32_t size)
{
	uint32_t nr = 0, first = 0, last = 0;

	do {
		int ret = list_take(&text, max, &first, &last);

		for (; !ret && first <= last; first++)
			ret = list_add(list, &nr, size, first);
		if (ret)
			return ret;
	} while (text_take(&text, ','));
	return *text ? -EINVAL : (int)nr;
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 'a' ^ 'A';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int text_mac(const char *text, uint8_t mac[6])
{
	uint8_t bytes[6];

	for (int i = 0; i < 6; i++, text += 3) {
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);

		if (low < 0 || text[2] != (i < 5 ? ':' : '\0'))
			return -EINVAL;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(mac, bytes, sizeof(bytes));
	return 0;
}

const char *text_put_mac(char text[TEXT_MAC_SIZE], const uint8_t mac[6])
{
	snprintf(text, TEXT_MAC_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		 mac[3], mac[4], mac[5]);
	return text;
}
