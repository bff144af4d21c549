/*-------------------------------------------------------------------------
 *
 * numeric.c
 *		Numbers of an answer as numeric, which is exact.
 *
 * They go there from the answer's digits, never through a double: by way of an
 * int64 where that holds them, else of their text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "ground/numeric.h"

bool
og_numeric(OgSlice value, Datum *datum)
{
	int64		digits;
	int			scale;
	char	   *text;

	if (og_json_decimal(value, &digits, &scale))
	{
		*datum = NumericGetDatum(int64_div_fast_to_numeric(digits, scale));
		return true;
	}
	text = og_json_number_text(value);
	if (text == NULL)
		return false;
	*datum = DirectFunctionCall3(numeric_in, CStringGetDatum(text),
								 ObjectIdGetDatum(InvalidOid),
								 Int32GetDatum(-1));
	return true;
}

Datum
og_decimal_numeric(const OgDecimal *decimal)
{
	char		text[OG_DECIMAL_TEXT];

	if (decimal->high == 0)
		return NumericGetDatum(int64_div_fast_to_numeric((int64) decimal->low,
														 decimal->scale));
	(void) og_decimal_write(decimal, text);
	return DirectFunctionCall3(numeric_in, CStringGetDatum(text),
							   ObjectIdGetDatum(InvalidOid),
							   Int32GetDatum(-1));
}
