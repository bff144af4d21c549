/*-------------------------------------------------------------------------
 *
 * order_id.h
 *		Client order ids that we make, and know again.
 *
 * A UUID of version 8 (RFC 9562), 36 characters in lower case, whose 16 bytes
 * are
 *
 *	0-5		Unix time in ms
 *	6-10	34 bits that differ from id to id, around version and variant
 *	11-14	the first bytes of the SHA-256 of the installation's 16 bytes
 *	15		the first byte of the SHA-256 of the bytes 0 to 14 and the
 *			installation's
 *
 * So whoever finds an order at a provider can tell whether this installation
 * made it, and when; one of others passes for ours once in 2^40.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_ORDER_ID_H
#define OG_ORDER_ID_H

#include "ground/message.h"

#define OG_INSTALLATION_BYTES	16
#define OG_ORDER_ID_LENGTH		36

/*
 * An id, palloc'd; "number" is what differs, of which the last 34 bits count.
 * NULL if OpenSSL fails.
 */
extern char *og_order_id_make(const unsigned char *installation,
							  int64 unix_ms, uint64 number);

/* Was it made by this installation? */
extern bool og_order_id_is_ours(const unsigned char *installation,
								OgSlice text);

/* When one that was made by an installation was, as Unix time in ms. */
extern int64 og_order_id_ms(OgSlice text);

#endif							/* OG_ORDER_ID_H */
