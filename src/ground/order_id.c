/*-------------------------------------------------------------------------
 *
 * order_id.c
 *		Client order ids that we make, and know again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "ground/crypto.h"
#include "ground/order_id.h"

#define ID_BYTES	16
#define MARK		11			/* where the installation's bytes begin ... */
#define CHECK		15			/* ... and where the check is */

static int
hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* The first bytes of a hash; false if OpenSSL fails. */
static bool
hash_bytes_of(OgSlice bytes, unsigned char *first, int count)
{
	char	   *hex = og_hash_hex(OG_SHA256, bytes);

	if (hex == NULL)
		return false;
	for (int i = 0; i < count; i++)
		first[i] = (unsigned char) ((unsigned int) hex_digit(hex[2 * i]) << 4 |
									(unsigned int) hex_digit(hex[2 * i + 1]));
	pfree(hex);
	return true;
}

/* What the bytes from MARK on have to be. */
static bool
seal(const unsigned char *installation, const unsigned char *id,
	 unsigned char *mark)
{
	unsigned char checked[CHECK + OG_INSTALLATION_BYTES];

	if (!hash_bytes_of(og_slice((const char *) installation,
								OG_INSTALLATION_BYTES), mark, CHECK - MARK))
		return false;
	memcpy(checked, id, MARK);
	memcpy(checked + MARK, mark, CHECK - MARK);
	memcpy(checked + CHECK, installation, OG_INSTALLATION_BYTES);
	return hash_bytes_of(og_slice((const char *) checked, sizeof(checked)),
						 mark + CHECK - MARK, 1);
}

char *
og_order_id_make(const unsigned char *installation, int64 unix_ms,
				 uint64 number)
{
	unsigned char id[ID_BYTES];
	char	   *text = palloc(OG_ORDER_ID_LENGTH + 1);
	char	   *at = text;

	for (int i = 0; i < 6; i++)
		id[i] = (unsigned char) (unix_ms >> (8 * (5 - i)));
	id[6] = (unsigned char) (0x80 | (number >> 30 & 0x0f));
	id[7] = (unsigned char) (number >> 22);
	id[8] = (unsigned char) (0x80 | (number >> 16 & 0x3f));
	id[9] = (unsigned char) (number >> 8);
	id[10] = (unsigned char) number;
	if (!seal(installation, id, id + MARK))
		return NULL;
	for (int i = 0; i < ID_BYTES; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		*at++ = "0123456789abcdef"[id[i] >> 4];
		*at++ = "0123456789abcdef"[id[i] & 0x0f];
	}
	*at = '\0';
	return text;
}

/* The bytes of a UUID; false if the text is none, as we write them. */
static bool
read_uuid(OgSlice text, unsigned char id[ID_BYTES])
{
	const char *at = text.data;

	if (text.data == NULL || text.len != OG_ORDER_ID_LENGTH)
		return false;
	for (int i = 0; i < ID_BYTES; i++)
	{
		int			high;
		int			low;

		if ((i == 4 || i == 6 || i == 8 || i == 10) && *at++ != '-')
			return false;
		high = hex_digit(at[0]);
		low = hex_digit(at[1]);
		if (high < 0 || low < 0)
			return false;
		id[i] = (unsigned char) (high << 4 | low);
		at += 2;
	}
	return true;
}

bool
og_order_id_is_ours(const unsigned char *installation, OgSlice text)
{
	unsigned char id[ID_BYTES];
	unsigned char mark[ID_BYTES - MARK];

	return read_uuid(text, id) &&
		(id[6] & 0xf0) == 0x80 && (id[8] & 0xc0) == 0x80 &&
		seal(installation, id, mark) &&
		memcmp(id + MARK, mark, sizeof(mark)) == 0;
}

int64
og_order_id_ms(OgSlice text)
{
	unsigned char id[ID_BYTES];
	int64		ms = 0;

	if (!read_uuid(text, id))
		return 0;
	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id[i];
	return ms;
}
