/*-------------------------------------------------------------------------
 *
 * decimal.h
 *		Prices and sizes: exact decimals that are not negative, to calculate with
 *		a lot.
 *
 * A decimal is its digits, as they were spelled, and where its point stands; so
 * "1.10" and "1.1" are equal and shown differently.  It has up to
 * OG_DECIMAL_DIGITS significant digits, which no market comes near: what has
 * more is refused, never rounded.  No memory is allocated.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_DECIMAL_H
#define OG_DECIMAL_H

#include "ground/json.h"

#define OG_DECIMAL_DIGITS	36

/* Half of the digits, and a number that all of them are below. */
#define OG_DECIMAL_HALF		UINT64CONST(1000000000000000000)

/* The value is (high * OG_DECIMAL_HALF + low) / 10^scale. */
typedef struct OgDecimal
{
	uint64		high;
	uint64		low;
	int32		scale;			/* below zero: an exponent was spelled */
} OgDecimal;

/*
 * Read a JSON number out of a proven answer, or a string that is spelled like one.
 * False for anything else, for what is negative (-0 as well), for an exponent beyond
 * OG_JSON_MAX_EXPONENT, and for too many digits.
 */
extern bool og_decimal_read(OgSlice value, OgDecimal *decimal);

/* <0, 0, >0 */
extern int	og_decimal_compare(const OgDecimal *a, const OgDecimal *b);

static inline bool
og_decimal_is_zero(const OgDecimal *decimal)
{
	return decimal->high == 0 && decimal->low == 0;
}

/* Room for any of them as text. */
#define OG_DECIMAL_TEXT		256

/* Write it without an exponent and with the places that it has; answers the length. */
extern int	og_decimal_write(const OgDecimal *decimal, char *text);

#endif							/* OG_DECIMAL_H */
