/*-------------------------------------------------------------------------
 *
 * numeric.h
 *		Numbers of an answer as numeric, which is exact.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OG_NUMERIC_H
#define OG_NUMERIC_H

#include "ground/decimal.h"

/*
 * A JSON number, or a string that is spelled like one, as numeric.  False for
 * anything else.
 */
extern bool og_numeric(OgSlice value, Datum *datum);

/* A decimal as numeric, with the places that it has. */
extern Datum og_decimal_numeric(const OgDecimal *decimal);

#endif							/* OG_NUMERIC_H */
